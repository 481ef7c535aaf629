'use strict';

const { isRegExp } = require('node:util').types;
const native = require('../loader');
const { configure } = require('../errors');
const { createReporter } = require('../events');
const { ALLOWED, judgeForm } = require('./judges');
const { STEM, readRule } = require('./options');
const { DENY_ALL, createServing } = require('./serving');

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('./judges').Verdict} Verdict
 * @typedef {import('./serving').Serving} Serving
 */

/** Rules that functions return are compiled once each; beyond this many they are compiled again. */
const MAX_KEPT_RULES = 256;

/**
 * Asks the app's function about each origin. What it throws or rejects with means no.
 * @param {(origin: string, request: Request, callback?: (error: unknown, answer?: unknown) => void) => unknown} decide
 * @param {number} maxLength
 * @returns {import('./judges').Judge}
 */
function createOriginAsker(decide, maxLength) {
  const isDescribed = createRuleTest(false);
  /** @type {(origin: string, answer: unknown) => Verdict} */
  const read = (origin, answer) => {
    // `null` is everybody who hides: it must be named, not just let through.
    if (answer === true) return origin === 'null' ? 'null' : ALLOWED;
    if (answer === false || answer === undefined || answer === null) return 'function';
    return isAmong(answer, origin, isDescribed) ? ALLOWED : 'function';
  };
  return function askForOrigin(origin, request) {
    const form = judgeForm(origin, maxLength);
    if (form === 'malformed') return form;
    try {
      const answer = call(decide, [origin, request]);
      if (!isThenable(answer)) return read(origin, answer);
      return Promise.resolve(answer)
        .then((given) => read(origin, given))
        .catch(() => 'function-failed');
    } catch {
      return 'function-failed';
    }
  };
}

/**
 * Whether an answer, one rule or a list, lets the origin in.
 * @param {unknown} answer
 * @param {string} origin
 * @param {(rule: any, origin: string) => boolean} isDescribed
 */
function isAmong(answer, origin, isDescribed) {
  return Array.isArray(answer) ? answer.some((rule) => isDescribed(rule, origin)) : isDescribed(answer, origin);
}

/**
 * The test of one rule that a function has returned.
 * @param {boolean} isLenient
 * @returns {(rule: unknown, origin: string) => boolean}
 * @throws {CarapaceError} for what is no rule
 */
function createRuleTest(isLenient) {
  /** @type {Map<string, (origin: string) => number>} */
  const matchers = new Map();
  return function isDescribed(rule, origin) {
    if (typeof rule === 'string' && (rule === origin || isLenient || !rule.includes('*'))) return rule === origin;
    const key = isRegExp(rule) ? `/${rule.source}/${rule.flags}` : `text ${rule}`;
    let matcher = matchers.get(key);
    if (matcher === undefined) {
      const input = readRule('origin', rule, isLenient);
      matcher = configure(STEM, () => native.createOriginMatcher([input]));
      if (matchers.size >= MAX_KEPT_RULES) matchers.clear();
      matchers.set(key, matcher);
    }
    return matcher(origin) === 1;
  };
}

/**
 * Asks the app's function which options a request gets. A failure lets nobody in.
 * @param {(request: Request, callback?: (error: unknown, options?: unknown) => void) => unknown} choose
 * @param {(options: unknown) => Serving} compile
 * @returns {(request: Request) => Serving | Promise<Serving>}
 */
function createOptionsReader(choose, compile) {
  const report = createReporter('cors', undefined);
  const denyAll = createServing({ ...DENY_ALL, report });
  let hasWarned = false;
  /** @param {unknown} cause */
  const fail = (cause) => {
    report({ type: 'cors.options-failed', rule: 'function-failed', action: 'deny' });
    if (!hasWarned) warn(cause);
    hasWarned = true;
    return denyAll;
  };
  return function readOptionsOf(request) {
    try {
      const options = call(choose, [request]);
      if (!isThenable(options)) return compile(options);
      return Promise.resolve(options).then(compile).catch(fail);
    } catch (cause) {
      return fail(cause);
    }
  };
}

/** @param {unknown} cause */
function warn(cause) {
  const reason = cause instanceof Error ? cause.message : String(cause);
  process.emitWarning(`the options of cors() could not be had: ${reason}`, {
    type: 'CarapaceWarning',
    code: 'CARAPACE_CORS_OPTIONS',
  });
}

/**
 * Calls a function of the app: one that has a parameter more gets a callback there, and its answer may come at once.
 * @param {Function} target
 * @param {unknown[]} given
 * @returns {unknown} the answer or a promise of it
 */
function call(target, given) {
  if (target.length <= given.length) return target(...given);
  /** @type {{ error?: unknown, answer?: unknown } | undefined} */
  let settled;
  /** @type {(() => void) | undefined} */
  let wake;
  target(...given, (/** @type {unknown} */ error, /** @type {unknown} */ answer) => {
    settled ??= { error, answer };
    wake?.();
  });
  const finish = () => {
    const { error, answer } = /** @type {{ error?: unknown, answer?: unknown }} */ (settled);
    if (error) throw error;
    return answer;
  };
  if (settled !== undefined) return finish();
  return new Promise((resolve) => (wake = () => resolve(undefined))).then(finish);
}

/**
 * @param {unknown} value
 * @returns {value is PromiseLike<unknown>}
 */
function isThenable(value) {
  return typeof value === 'object' && value !== null && typeof (/** @type {any} */ (value).then) === 'function';
}

module.exports = { createOptionsReader, createOriginAsker, createRuleTest };
