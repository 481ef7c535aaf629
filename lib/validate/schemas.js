'use strict';

const { CarapaceError } = require('../errors');
const { readOptions, show, typeError, typeOf } = require('../options');

/**
 * @typedef {'params' | 'query' | 'headers' | 'cookies' | 'body'} Location
 * @typedef {{ value: unknown } | { issues: readonly unknown[] }} Result
 * @typedef {(value: unknown) => Result | Promise<Result>} Validator
 */

/** In the order in which errors are listed. @type {Location[]} */
const LOCATIONS = ['params', 'query', 'headers', 'cookies', 'body'];

const SCHEMAS = Object.fromEntries(LOCATIONS.map((location) => [location, 'object|function']));

/** On every joi schema, whichever copy of joi made it. */
const JOI = Symbol.for('@hapi/joi/schema');

/**
 * The validators of a request, from the schemas that the app gave.
 * @param {unknown} schemas
 * @returns {{ location: Location, validate: Validator }[]}
 * @throws {CarapaceError} for what is no schema
 */
function readSchemas(schemas) {
  const given = readOptions('validate', schemas, SCHEMAS);
  const locations = LOCATIONS.filter((location) => given[location] !== undefined);
  if (locations.length === 0) {
    const message = `needs a schema for at least one of ${LOCATIONS.join(', ')}`;
    throw new CarapaceError('ERR_CARAPACE_OPTION_REQUIRED', message, { path: 'validate' });
  }
  return locations.map((location) => ({ location, validate: validatorOf(`validate.${location}`, given[location]) }));
}

/**
 * @param {string} path
 * @param {any} schema
 * @returns {Validator}
 */
function validatorOf(path, schema) {
  // joi's own Standard Schema stops at the first error.
  const source = JOI in schema ? joi(schema) : schema;
  const standard = source['~standard'];
  if (typeof standard?.validate !== 'function') {
    const message = `got ${show(schema)} that is no Standard Schema, expected one of zod, valibot, arktype, joi or the like`;
    throw new CarapaceError('ERR_CARAPACE_OPTION_TYPE', message, { path });
  }
  if (standard.version !== 1) {
    const message = `got a Standard Schema of version ${show(standard.version)}, expected version 1`;
    throw new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path });
  }
  const isZod = standard.vendor === 'zod' && typeof source.safeParseAsync === 'function';
  return isZod ? createZodValidator(source) : (value) => standard.validate(value);
}

/**
 * zod tries every value synchronously first and, when it meets an asynchronous rule, throws that attempt away and starts anew: rules run
 * twice, and a rule that rejects in the first attempt is a rejection that nobody handles. So a schema that has turned out to be
 * asynchronous is asked as one from then on.
 * @param {any} schema
 * @returns {Validator}
 */
function createZodValidator(schema) {
  const standard = schema['~standard'];
  let isAsync = false;
  return function validate(value) {
    if (isAsync) return schema.safeParseAsync(value).then(fromZod);
    const result = standard.validate(value);
    // A rejection says nothing: so zod tells of a rule that throws at once, too.
    if (typeof result.then === 'function') result.then(() => (isAsync = true), ignore);
    return result;
  };
}

/** @param {{ success: boolean, data: unknown, error?: { issues: readonly unknown[] } }} result */
function fromZod({ success, data, error }) {
  return success ? { value: data } : { issues: error?.issues ?? [] };
}

function ignore() {}

/**
 * A joi schema as a Standard Schema that reports all errors.
 * @param {any} schema
 * @param {Record<string, unknown>} [options] joi's own; with `externals: true` the schema is asynchronous
 * @returns {import('../../index').StandardSchema<any, any>}
 */
function joi(schema, options = {}) {
  const path = 'validate.joi';
  if (typeof schema?.validate !== 'function') throw typeError(path, schema, 'joi schema');
  if (typeOf(options) !== 'object') throw typeError(path, options, 'object');
  const { externals = false, ...rest } = options;
  const settings = { abortEarly: false, ...rest };
  const validate = externals
    ? (/** @type {unknown} */ value) => schema.validateAsync(value, settings).then(accept, reject)
    : (/** @type {unknown} */ value) => toResult(schema.validate(value, settings));
  return { '~standard': { version: 1, vendor: 'joi', validate } };
}

/** @param {unknown} value */
function accept(value) {
  return { value };
}

/** @param {any} error */
function reject(error) {
  if (Array.isArray(error?.details)) return { issues: error.details };
  throw error;
}

/** @param {{ error?: any, value: unknown }} result */
function toResult({ error, value }) {
  return error === undefined ? { value } : reject(error);
}

module.exports = { joi, readSchemas };
