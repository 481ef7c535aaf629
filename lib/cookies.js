'use strict';

const { RULES } = require('./cookies/rules');
const { parseSetCookie, writeSetCookie } = require('./cookies/set-cookie');
const { OPTIONS, readSettings } = require('./cookies/settings');
const { createReporter } = require('./events');
const { createHeadHook, installHeadHook } = require('./response-hook');
const { createSecureTest } = require('./secure-request');

/**
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {import('./response-hook').ExplicitHeaders} ExplicitHeaders
 * @typedef {(line: string, response: Response) => string | undefined} LineCheck what is sent in place of a line; undefined: nothing
 */

const NAME = 'set-cookie';
const NAME_CAP = 100;

/**
 * @param {import('../index').CookiesOptions} [options]
 * @returns {import('../index').Middleware}
 */
function cookies(options) {
  const check = createLineCheck(readSettings(options));
  const hook = createHeadHook([
    function checkCookies(response, headers) {
      const current = response.getHeader(NAME);
      if (current !== undefined) checkSet(response, linesOf(current), check);
      return headers === undefined ? undefined : checkGiven(response, headers, check);
    },
  ]);

  return function cookies(_request, response, next) {
    if (!response.headersSent) installHeadHook(response, hook);
    next();
  };
}

/**
 * @param {Response} response
 * @param {string[]} lines
 * @param {LineCheck} check
 */
function checkSet(response, lines, check) {
  const checked = checkLines(lines, response, check);
  if (checked === lines) return;
  if (checked.length === 0) response.removeHeader(NAME);
  else response.setHeader(NAME, checked);
}

/**
 * The headers given to `writeHead` itself, with the cookies among them checked; the same object where nothing changes.
 * @param {Response} response
 * @param {NonNullable<ExplicitHeaders>} headers
 * @param {LineCheck} check
 * @returns {ExplicitHeaders}
 */
function checkGiven(response, headers, check) {
  /** @param {unknown} name @param {unknown} value */
  const checkOne = (name, value) => {
    if (String(name).toLowerCase() !== NAME) return value;
    const lines = linesOf(value);
    const checked = checkLines(lines, response, check);
    return checked === lines ? value : checked;
  };
  if (Array.isArray(headers)) return checkList(headers, checkOne);
  const names = Object.keys(headers);
  const values = names.map((name) => checkOne(name, headers[name]));
  if (names.every((name, index) => values[index] === headers[name])) return headers;
  const kept = names.map((name, index) => [name, values[index]]).filter(([, value]) => !isEmpty(value));
  return Object.fromEntries(kept);
}

/**
 * @param {any[]} list name, value, name, value
 * @param {(name: unknown, value: unknown) => unknown} checkOne
 */
function checkList(list, checkOne) {
  const kept = [];
  let isChanged = false;
  for (let index = 0; index < list.length; index += 2) {
    // A list of odd length is Node's to refuse: its last name goes through as it came.
    if (index + 1 === list.length) return isChanged ? [...kept, list[index]] : list;
    const value = checkOne(list[index], list[index + 1]);
    isChanged ||= value !== list[index + 1];
    if (!isEmpty(value)) kept.push(list[index], value);
  }
  return isChanged ? kept : list;
}

/** @param {unknown} value */
function isEmpty(value) {
  return Array.isArray(value) && value.length === 0;
}

/**
 * @param {unknown} value as Node takes it: text, a number, or a list
 * @returns {string[]}
 */
function linesOf(value) {
  return Array.isArray(value) ? value.map(String) : [String(value)];
}

/**
 * @param {string[]} lines
 * @param {Response} response
 * @param {LineCheck} check
 * @returns {string[]} the same list where nothing changes
 */
function checkLines(lines, response, check) {
  const checked = lines.map((line) => check(line, response));
  if (checked.every((line, index) => line === lines[index])) return lines;
  return /** @type {string[]} */ (checked.filter((line) => line !== undefined));
}

/**
 * Makes the function that holds one line to the policy.
 * @param {ReturnType<typeof readSettings>} settings
 * @returns {LineCheck}
 */
function createLineCheck({ policyOf, mode = 'enforce', trustProxy, onEvent }) {
  const report = createReporter('cookies', onEvent);
  const isSecureRequest = createSecureTest('cookies', trustProxy, warnOnce(report));
  const isEnforced = mode === 'enforce';
  const wasToldOf = createMemory();

  return function checkLine(line, response) {
    const cookie = parseSetCookie(line);
    const policy = policyOf(cookie.name);
    if (policy === false) return line;
    // Looked at when the head is sent, and only where it matters.
    const isSecure = () => response.req !== undefined && isSecureRequest(response.req);
    const situation = { isSecure, now: Date.now };
    /** @type {[string, 'changed' | 'dropped'][]} */
    const results = [];
    for (const [rule, apply] of RULES) {
      const result = apply(cookie, policy, situation);
      if (result !== undefined) results.push([rule, result]);
      if (result === 'dropped') break;
    }
    if (results.length === 0) return line;
    // In report mode the line stays as it is, and the head may be looked at more than once.
    if (isEnforced || !wasToldOf(response, line)) {
      for (const [rule, result] of results) {
        const action = result === 'dropped' ? 'drop' : 'change';
        report({ type: `cookies.${result}`, rule, cookie: cookie.name.slice(0, NAME_CAP), action, mode });
      }
    }
    if (!isEnforced) return line;
    return results.at(-1)?.[1] === 'dropped' ? undefined : writeSetCookie(cookie);
  };
}

/** @returns {(response: Response, line: string) => boolean} whether it was asked before */
function createMemory() {
  /** @type {WeakMap<Response, Set<string>>} */
  const told = new WeakMap();
  return function wasToldOf(response, line) {
    const lines = told.get(response) ?? new Set();
    if (lines.has(line)) return true;
    told.set(response, lines.add(line));
    return false;
  };
}

/**
 * @param {ReturnType<typeof createReporter>} report
 * @returns {() => void}
 */
function warnOnce(report) {
  let hasWarned = false;
  return function onTrustAll() {
    if (hasWarned) return;
    hasWarned = true;
    report({ type: 'proxy.trust-all', action: 'ignore' });
  };
}

module.exports = { OPTIONS, cookies };
