'use strict';

const json = require('../body/json');
const queryParser = require('../body/query-parser');
const urlencoded = require('../body/urlencoded');
const cors = require('../cors');
const headerOptions = require('../header-options');
const hpp = require('../hpp');
const { inPassOf } = require('../hpp/in-chain');
const { readOptions } = require('../options');
const rateLimit = require('../rate-limit');
const sanitize = require('../sanitize');
const { createChainSanitize } = require('../sanitize/in-chain');
const { securityHeaders } = require('../security-headers');

/**
 * @typedef {(request: any, response: any, next: (error?: unknown) => void, givenBody: unknown) => void} Middleware
 * @typedef {Record<string, any>} Options
 */

/**
 * One part of the chain.
 * @typedef {object} Part
 * @property {string} name of its option
 * @property {import('../options').OptionTable} table the part's own options
 * @property {(options: any, chain: Options) => Middleware} [make] gets the part's own options and those of all parts; the
 *   limiters are made elsewhere, because those of a route and of the chain belong together
 * @property {boolean} [isDefault] whether it is on without a word, because it needs no choice of the user's
 * @property {boolean} [readsBody] whether it works on what the client sent: these are made anew for a route that changes
 *   one of them, because one does the work of others while it parses
 */

/** The parts of a request that are there before a route is found. @type {import('../options').OptionTable} */
const SCHEMAS = { body: 'any', query: 'any', headers: 'any', cookies: 'any' };

/**
 * In the chain, the schemas are among the options.
 * @param {Options} options
 */
function createValidate(options) {
  const { OPTIONS, validate } = require('../validate');
  const entries = Object.entries(readOptions('validate', options, { ...SCHEMAS, ...OPTIONS }));
  const [schemas, settings] = [true, false].map((isSchema) =>
    Object.fromEntries(entries.filter(([name]) => Object.hasOwn(SCHEMAS, name) === isSchema)),
  );
  return validate(schemas, settings);
}

/**
 * The parts in their one safe order: what is on every answer, what may end a request before its body is read, the body,
 * and what needs it. Those that are off unless somebody wants them are loaded for a chain that has them.
 * @type {Part[]}
 */
const PARTS = [
  {
    name: 'cookies',
    get table() {
      return require('../cookies').OPTIONS;
    },
    make: (options) => require('../cookies').cookies(options),
  },
  { name: 'securityHeaders', table: headerOptions.OPTIONS, make: securityHeaders, isDefault: true },
  { name: 'cors', table: cors.OPTIONS, make: cors.cors },
  { name: 'rateLimit', table: rateLimit.OPTIONS },
  {
    name: 'queryParser',
    table: queryParser.OPTIONS,
    make: (options, chain) => queryParser.createQueryParser(options, inPassOf('query', chain)),
    isDefault: true,
    readsBody: true,
  },
  { name: 'json', table: json.OPTIONS, make: json.json, isDefault: true, readsBody: true },
  {
    name: 'urlencoded',
    table: urlencoded.OPTIONS,
    make: (options, chain) => urlencoded.createUrlencoded(options, inPassOf('body', chain)),
    isDefault: true,
    readsBody: true,
  },
  { name: 'sanitize', table: sanitize.OPTIONS, make: createChainSanitize, isDefault: true, readsBody: true },
  { name: 'hpp', table: hpp.OPTIONS, make: hpp.hpp, isDefault: true, readsBody: true },
  {
    name: 'login',
    get table() {
      return require('../rate-limit/login').LOGIN_OPTIONS;
    },
  },
  {
    name: 'validate',
    get table() {
      return { ...SCHEMAS, ...require('../validate').OPTIONS };
    },
    make: createValidate,
  },
];

/** The limiters of a chain stand at two places: those of addresses before the body, the others after it. */
const LIMITER = 'rateLimit';
const AFTER_BODY = 'login';

module.exports = { AFTER_BODY, LIMITER, PARTS };
