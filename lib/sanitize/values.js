'use strict';

const { createFindingReporter } = require('../events');
const { readOptions } = require('../options');
const { inspect } = require('./inspect');
const { VALUE_OPTIONS } = require('./options');
const { refusalError } = require('./refusal-error');
const { compileRules } = require('./rules');

/**
 * @param {import('../../index').SanitizeValueOptions} [options]
 * @returns {import('../../index').Sanitizer}
 */
function compile(options) {
  const settings = readOptions('sanitize', options, VALUE_OPTIONS);
  const { mode = 'enforce', onFinding } = settings;
  const rules = compileRules('sanitize', settings);
  const reportFinding = createFindingReporter('sanitize', { onFinding });

  return {
    value(input) {
      const inspection = inspect(input, rules);
      if (inspection === undefined) return input;
      for (const finding of inspection.findings) reportFinding(finding, mode);
      const { refusal, value } = inspection;
      if (refusal !== undefined) reportFinding({ ...refusal, action: 'reject' }, mode);
      if (mode === 'report') return input;
      if (refusal !== undefined) throw refusalError(refusal);
      return /** @type {any} */ (value);
    },
    has(input) {
      return inspect(input, rules) !== undefined;
    },
  };
}

/** @type {import('../../index').Sanitizer | undefined} */
let byDefault;

/** @param {import('../../index').SanitizeValueOptions} [options] */
function compiled(options) {
  if (options !== undefined) return compile(options);
  byDefault ??= compile();
  return byDefault;
}

/**
 * @template T
 * @param {T} input
 * @param {import('../../index').SanitizeValueOptions} [options]
 * @returns {T}
 */
function value(input, options) {
  return compiled(options).value(input);
}

/**
 * @param {unknown} input
 * @param {import('../../index').SanitizeValueOptions} [options]
 */
function has(input, options) {
  return compiled(options).has(input);
}

module.exports = { compile, has, value };
