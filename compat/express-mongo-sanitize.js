'use strict';

const { mediaType } = require('../lib/body/media-type');
const { defineOwn, partOf } = require('../lib/plain-value');
const { compileRules } = require('../lib/sanitize/rules');
const { cleanInPlace, hasFindings } = require('./in-place');

/** @typedef {import('../lib/sanitize/rules').Rules} Rules */

const STEM = 'express-mongo-sanitize';
const LOCATIONS = ['body', 'params', 'headers', 'query'];
const FORM = 'application/x-www-form-urlencoded';
/** The peer knows neither limits nor rules other than its own. */
const NOTHING_ELSE = {
  proto: 'off',
  nul: 'off',
  maxDepth: Infinity,
  maxKeys: Infinity,
  maxElements: Infinity,
  maxKeyLength: Infinity,
};

/**
 * @param {any} options
 * @returns {Rules}
 */
function rulesOf({ allowDots, replaceWith, dryRun }) {
  const mode = dryRun ? 'report' : undefined;
  const compile = (/** @type {any} */ action) =>
    compileRules(STEM, { ...NOTHING_ELSE, operator: action, dotted: allowDots ? 'off' : action });
  if (mode !== undefined || !replaceWith) return compile(mode ?? 'strip');
  try {
    return compile({ replaceWith: String(replaceWith) });
  } catch {
    // What would make another prohibited key is no replacement.
    return compile('strip');
  }
}

/**
 * Removes or renames prohibited keys in the value itself, and returns it.
 * @param {any} target
 * @param {any} [options]
 */
function sanitize(target, options = {}) {
  return cleanInPlace(target, rulesOf(options)).value;
}

/**
 * @param {any} target
 * @param {any} [allowDots]
 * @returns {boolean}
 */
function has(target, allowDots) {
  return hasFindings(target, rulesOf({ allowDots }));
}

/**
 * @param {any} [options]
 * @returns {(request: any, response: any, next: (error?: any) => void) => void}
 */
function middleware(options = {}) {
  const rules = rulesOf(options);
  const formRules = { ...rules, isForm: true };
  const hasListener = typeof options.onSanitize === 'function';
  // The peer's has no name.
  return (request, _response, next) => {
    for (const key of LOCATIONS) {
      const target = /** @type {any} */ (partOf(request, key));
      if (!target) continue;
      const { value, isFound } = cleanInPlace(target, isForm(request, key) ? formRules : rules);
      if (value !== target) defineOwn(request, key, value);
      if (isFound && hasListener) options.onSanitize({ req: request, key });
    }
    next();
  };
}

/**
 * Whether the keys are names of parameters, in which a parser may have left brackets.
 * @param {any} request
 * @param {string} location
 */
function isForm({ headers }, location) {
  if (location !== 'body') return location === 'query';
  return mediaType(headers?.['content-type']) === FORM;
}

module.exports = Object.assign(middleware, { sanitize, has });
