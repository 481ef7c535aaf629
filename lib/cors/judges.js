'use strict';

/**
 * What an origin is judged to be: empty when it is allowed, else why it is not. A string, so that nothing is made for a request.
 * @typedef {'' | 'not-listed' | 'null' | 'malformed' | 'function' | 'function-failed' | 'internal'} Verdict
 * @typedef {(origin: string, request: import('node:http').IncomingMessage) => Verdict | Promise<Verdict>} Judge
 */

/** @type {''} */
const ALLOWED = '';

/**
 * What every serialised origin looks like. The core has the exact rules; this keeps out what can be none where
 * no rule is asked, such as user names, paths and lists.
 */
const SERIALIZED = /^[a-z][a-z0-9+.-]*:\/\/(?:[\w.-]+|\[[0-9a-f:]+\])(?::\d{1,5})?$/;

/**
 * @param {string} origin
 * @param {number} maxLength
 * @returns {Verdict}
 */
function judgeForm(origin, maxLength) {
  if (origin === 'null') return 'null';
  return origin.length <= maxLength && SERIALIZED.test(origin) ? ALLOWED : 'malformed';
}

/**
 * Lets every origin in that has a name.
 * @param {number} maxLength
 * @returns {Judge}
 */
function createEveryJudge(maxLength) {
  return (origin) => judgeForm(origin, maxLength);
}

/**
 * Lets those in that are listed, or described by a wildcard or pattern. Only the latter cross into the core.
 * @param {ReadonlySet<string>} exact
 * @param {((origin: string) => number) | undefined} matcher
 * @returns {Judge}
 */
function createRulesJudge(exact, matcher) {
  return function judgeByRules(origin) {
    if (exact.has(origin)) return ALLOWED;
    if (matcher === undefined) return origin === 'null' ? 'null' : 'not-listed';
    try {
      if (matcher(origin) === 1) return ALLOWED;
    } catch {
      // What cannot be judged is not allowed, and the request goes on: a denied origin is no failure.
      return 'internal';
    }
    return origin === 'null' ? 'null' : 'not-listed';
  };
}

module.exports = { ALLOWED, createEveryJudge, createRulesJudge, judgeForm };
