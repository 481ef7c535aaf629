'use strict';

const { nonceOf } = require('./csp-nonce');

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {import('./native/binding').PolicyPart} PolicyPart
 * @typedef {(request: any, response: any) => unknown} SourceFunction
 * @typedef {ReturnType<typeof import('./events')['createReporter']>} Reporter
 * @typedef {(request: Request, response: Response) => string} PolicyRenderer
 */

// Values already found good, for each place a function stands in. Values come from the app, but may depend on the
// request, so they are bounded in number and length.
const CACHED_VALUES = 64;
const CACHED_LENGTH = 256;

/**
 * Makes the function that writes one policy for one response.
 * @param {readonly PolicyPart[]} parts
 * @param {readonly SourceFunction[]} functions
 * @param {(directive: number, value: string) => number} check
 * @param {Reporter} report
 * @returns {PolicyRenderer}
 */
function createPolicyRenderer(parts, functions, check, report) {
  const writers = parts.map((part) => createWriter(part, functions, check, report));
  return function renderPolicy(request, response) {
    let text = '';
    for (const write of writers) text += write(request, response);
    return text;
  };
}

/**
 * @param {PolicyPart} part
 * @param {readonly SourceFunction[]} functions
 * @param {(directive: number, value: string) => number} check
 * @param {Reporter} report
 * @returns {PolicyRenderer}
 */
function createWriter(part, functions, check, report) {
  const { text, functions: numbers, directive = 0, name = '', fallback = '' } = part;
  if (text !== undefined) return () => text;
  if (numbers === undefined) return (_request, response) => nonceOf(response);
  const callers = numbers.map((number) => {
    const isGood = createMemory((value) => check(directive, value) === 1);
    return createCaller(functions[number], isGood, (rule) =>
      report({ type: 'header.dropped', rule, path: `content-security-policy.${name}`, action: 'drop' }),
    );
  });
  return function writeSources(request, response) {
    let sources = '';
    for (const call of callers) sources += call(request, response);
    return sources === '' ? fallback : sources;
  };
}

/**
 * Makes a caller of one function that answers with what to add to the directive: nothing when the function returned
 * nothing or `'none'`, nothing and an event when its value is unusable. It never throws.
 * @param {SourceFunction} source
 * @param {(value: string) => boolean} isGood
 * @param {(rule: string) => void} drop
 * @returns {PolicyRenderer}
 */
function createCaller(source, isGood, drop) {
  return function callSource(request, response) {
    let rule = 'value.refused';
    try {
      const value = source(request, response);
      if (value === '' || value === "'none'") return '';
      if (typeof value !== 'string') rule = 'value.type';
      else if (isGood(value)) return ` ${value}`;
    } catch {
      rule = 'function.threw';
    }
    drop(rule);
    return '';
  };
}

/**
 * Remembers the values found good. Nonces are not remembered: each is used once and would push out the others.
 * @param {(value: string) => boolean} check
 * @returns {(value: string) => boolean}
 */
function createMemory(check) {
  const good = new Set();
  return function isGood(value) {
    if (good.has(value)) return true;
    if (!check(value)) return false;
    const isWorthKeeping = value.length <= CACHED_LENGTH && !value.startsWith("'nonce-");
    if (isWorthKeeping && good.size < CACHED_VALUES) good.add(value);
    return true;
  };
}

module.exports = { createPolicyRenderer };
