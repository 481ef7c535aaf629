'use strict';

const { CarapaceError } = require('../errors');
const { readOptions, show, typeError, typeOf } = require('../options');
const { compileNames } = require('./names');
const { SAME_SITE } = require('./rules');

/** @typedef {import('./rules').Policy} Policy */

/** What can be said of all cookies, and of each. @type {import('../options').OptionTable} */
const POLICY_OPTIONS = {
  httpOnly: 'boolean',
  secure: 'boolean|string',
  sameSite: 'boolean|string',
  partitioned: 'boolean',
  maxAgeMs: { type: 'number', least: 0 },
};

/** @type {import('../options').OptionTable} */
const OPTIONS = {
  ...POLICY_OPTIONS,
  cookies: 'object',
  trustProxy: 'boolean|number|string|array',
  mode: { type: 'string', oneOf: ['enforce', 'report'] },
  onEvent: 'function',
};

/** @type {Policy} */
const DEFAULTS = { httpOnly: true, secure: 'auto', sameSite: 'lax', partitioned: false, maxAgeMs: Infinity };

/**
 * @param {import('../../index').CookiesOptions} [options]
 * @returns {Record<string, any> & { policyOf: (name: string) => Policy | false }}
 */
function readSettings(options) {
  const settings = readOptions('cookies', options, OPTIONS);
  const general = readPolicy('cookies', settings, DEFAULTS);
  return { ...settings, policyOf: compileNames(readExceptions(settings.cookies, general), general) };
}

/**
 * @param {Record<string, unknown> | undefined} exceptions
 * @param {Policy} general
 * @returns {{ pattern: string, value: Policy | false }[]}
 */
function readExceptions(exceptions, general) {
  return Object.entries(exceptions ?? {}).map(([pattern, exception]) => {
    const path = `cookies.cookies[${JSON.stringify(pattern.slice(0, 40))}]`;
    if (pattern === '') throw valueError(path, 'has no name; expected the name of a cookie, or a pattern with "*"');
    if (exception === false) return { pattern, value: false };
    if (typeOf(exception) !== 'object') throw typeError(path, exception, 'object|boolean');
    return { pattern, value: readPolicy(path, readOptions(path, exception, POLICY_OPTIONS), general) };
  });
}

/**
 * @param {string} path
 * @param {Record<string, any>} given
 * @param {Policy} otherwise
 * @returns {Policy}
 */
function readPolicy(path, given, otherwise) {
  const { httpOnly, secure, sameSite, partitioned, maxAgeMs } = { ...otherwise, ...given };
  if (typeof secure === 'string' && secure !== 'auto') {
    throw valueError(`${path}.secure`, `got ${show(secure)}, expected "auto", true or false`);
  }
  const isSameSite = sameSite === false || (typeof sameSite === 'string' && SAME_SITE.includes(sameSite.toLowerCase()));
  if (!isSameSite) {
    throw valueError(`${path}.sameSite`, `got ${show(sameSite)}, expected "strict", "lax", "none" or false`);
  }
  const word = /** @type {Policy['sameSite']} */ (typeof sameSite === 'string' ? sameSite.toLowerCase() : sameSite);
  if (secure === false && (partitioned || word === 'none')) {
    const what = partitioned ? 'a partitioned cookie' : 'a cookie with sameSite "none"';
    const message = `got false, but browsers refuse ${what} without Secure`;
    throw new CarapaceError('ERR_CARAPACE_OPTION_CONFLICT', message, { path: `${path}.secure` });
  }
  return { httpOnly, secure, sameSite: word, partitioned, maxAgeMs };
}

/**
 * @param {string} path
 * @param {string} message
 */
function valueError(path, message) {
  return new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path });
}

module.exports = { OPTIONS, readSettings };
