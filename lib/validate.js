'use strict';

const { CarapaceError, internalError } = require('./errors');
const { createFindingReporter } = require('./events');
const { fieldError, fieldErrors } = require('./field-errors');
const { readOptions } = require('./options');
const { refuse } = require('./refusal');
const { rawValue, replaceValue } = require('./validate/request-values');
const { joi, readSchemas } = require('./validate/schemas');

/**
 * @typedef {import('./validate/schemas').Location} Location
 * @typedef {import('./validate/schemas').Result} Result
 * @typedef {import('../index').FieldError} FieldError
 * @typedef {{ result: Result } | { thrown: unknown }} Outcome
 */

/** @type {import('./options').OptionTable} */
const OPTIONS = {
  statusCode: 'number',
  maxErrors: { type: 'number', least: 1 },
  mode: { type: 'string', oneOf: ['enforce', 'report'] },
  onReject: { type: 'string', oneOf: ['answer', 'next'] },
  onEvent: 'function',
  onFinding: 'function',
};

const MOST_ERRORS = 50;

/**
 * @param {import('../index').ValidateSchemas} schemas
 * @param {import('../index').ValidateOptions} [options]
 * @returns {any} a middleware, typed by its schemas in index.d.ts
 */
function validate(schemas, options) {
  const validators = readSchemas(schemas);
  const settings = readOptions('validate', options, OPTIONS);
  const decide = createDecision(validators, settings);
  const { onReject } = settings;

  /** @type {import('../index').Middleware} */
  return function validate(request, response, next) {
    const outcomes = validators.map(({ location, validate }) => outcomeOf(validate, request, location));
    if (!outcomes.some(isPromise)) return finish(/** @type {Outcome[]} */ (outcomes));
    // In a task of its own, so that what the next handler throws is no rejection of ours.
    Promise.all(outcomes).then((settled) => queueMicrotask(() => finish(settled)));

    /** @param {Outcome[]} settled */
    function finish(settled) {
      const refusal = decide(request, settled);
      if (refusal === undefined) return next();
      refuse(request, response, next, refusal, { onReject, members: { errors: refusal.errors } });
    }
  };
}

/**
 * Runs one schema; whatever it throws, now or later, is an outcome.
 * @param {import('./validate/schemas').Validator} validate
 * @param {any} request
 * @param {Location} location
 * @returns {Outcome | Promise<Outcome>}
 */
function outcomeOf(validate, request, location) {
  try {
    const result = validate(rawValue(request, location));
    if (!isPromise(result)) return { result };
    return result.then(
      (result) => ({ result }),
      (thrown) => ({ thrown }),
    );
  } catch (thrown) {
    return { thrown };
  }
}

/**
 * @param {any} value
 * @returns {value is Promise<any>}
 */
function isPromise(value) {
  return typeof value === 'object' && value !== null && typeof value.then === 'function';
}

/**
 * Makes the function that decides by all outcomes at once: one list of errors, or the values in their places.
 * @param {{ location: Location }[]} validators
 * @param {Record<string, any>} settings
 * @returns {(request: any, outcomes: Outcome[]) => (InstanceType<typeof CarapaceError> & { errors?: FieldError[] }) | undefined}
 */
function createDecision(validators, settings) {
  const { maxErrors = MOST_ERRORS, mode = 'enforce' } = settings;
  const status = readStatus(settings.statusCode);
  const reportFinding = createFindingReporter('validate', settings);
  const warn = createWarning();
  const isEnforced = mode === 'enforce';

  /** @param {Outcome[]} outcomes */
  function errorsOf(outcomes) {
    /** @type {FieldError[]} */
    const errors = [];
    outcomes.forEach((outcome, index) => {
      const { issues } = /** @type {any} */ (outcome).result;
      if (!issues) return;
      const { location } = validators[index];
      const found = fieldErrors(issues, maxErrors - errors.length, location);
      errors.push(
        ...(found.length > 0 || errors.length >= maxErrors ? found : [fieldError(location, [], 'is not valid')]),
      );
    });
    return errors;
  }

  /** @param {any} request @param {Outcome[]} outcomes */
  function judge(request, outcomes) {
    const errors = errorsOf(outcomes);
    for (const { location, pointer } of errors) {
      reportFinding({ rule: 'invalid', path: pointer, location, action: 'reject' }, mode);
    }
    if (!isEnforced) return undefined;
    if (outcomes.some((outcome) => /** @type {any} */ (outcome).result.issues)) return invalidRequest(status, errors);
    outcomes.forEach((outcome, index) => {
      replaceValue(request, validators[index].location, /** @type {any} */ (outcome).result.value);
    });
    return undefined;
  }

  return function decide(request, outcomes) {
    try {
      const failed = outcomes.find((outcome) => 'thrown' in outcome);
      if (failed === undefined) return judge(request, outcomes);
      throw /** @type {{ thrown: unknown }} */ (failed).thrown;
    } catch (thrown) {
      warn(thrown);
      return isEnforced ? internalError(thrown) : undefined;
    }
  };
}

/**
 * @param {number} status
 * @param {FieldError[]} errors
 */
function invalidRequest(status, errors) {
  const error = new CarapaceError('ERR_CARAPACE_REQUEST_INVALID', 'the request is not valid', {
    status,
    type: 'request.invalid',
  });
  return Object.assign(error, { errors });
}

/** @param {number} [status] */
function readStatus(status = 400) {
  if (Number.isInteger(status) && status >= 400 && status <= 499) return status;
  const message = `got ${status}, expected a whole number from 400 to 499`;
  throw new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path: 'validate.statusCode' });
}

/**
 * Tells the developer of a schema that throws, once: every request may make it throw.
 * @returns {(thrown: unknown) => void}
 */
function createWarning() {
  let hasWarned = false;
  return function warn(thrown) {
    if (hasWarned) return;
    hasWarned = true;
    const reason = thrown instanceof Error ? thrown.message : 'a value that is no error';
    process.emitWarning(`a schema of validate() threw: ${reason}`, {
      type: 'CarapaceWarning',
      code: 'CARAPACE_SCHEMA',
    });
  };
}

module.exports = { OPTIONS, validate: Object.assign(validate, { joi }) };
