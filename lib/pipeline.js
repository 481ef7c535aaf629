'use strict';

const { json } = require('./body/json');
const { createQueryParser } = require('./body/query-parser');
const { createUrlencoded } = require('./body/urlencoded');
const { cors } = require('./cors');
const { hpp } = require('./hpp');
const { inPassOf } = require('./hpp/in-chain');
const { readOptions } = require('./options');
const { rateLimit } = require('./rate-limit');
const { createChainSanitize } = require('./sanitize/in-chain');
const { securityHeaders } = require('./security-headers');

/** @typedef {(request: any, response: any, next: (error?: unknown) => void, givenBody: unknown) => void} Part */

/**
 * The parts of the chain in their one safe order. A part is on by default when it needs no choice of the user's. A
 * factory gets the part's own options, and those of the whole chain.
 * @type {[name: string, factory: (options: any, chain: Record<string, any>) => Part, isDefault: boolean][]}
 */
const PARTS = [
  ['securityHeaders', securityHeaders, true],
  ['cors', cors, false],
  ['rateLimit', rateLimit, false],
  ['json', json, true],
  ['urlencoded', (options, chain) => createUrlencoded(options, inPassOf('body', chain)), true],
  ['queryParser', (options, chain) => createQueryParser(options, inPassOf('query', chain)), true],
  ['sanitize', createChainSanitize, true],
  ['hpp', hpp, true],
];

const OPTIONS = Object.fromEntries(PARTS.map(([name]) => [name, 'object|boolean']));

/**
 * @param {import('../index').CarapaceOptions} [options]
 * @returns {import('../index').Middleware}
 */
function carapace(options) {
  const settings = readOptions('carapace', options, OPTIONS);
  const chain = PARTS.filter(([name, , isDefault]) => settings[name] ?? isDefault).map(([name, factory]) =>
    factory(typeof settings[name] === 'object' ? settings[name] : undefined, settings),
  );
  // A limiter's policies that need the body are decided when it is read and clean.
  chain.push(...chain.map((part) => /** @type {any} */ (part).afterBody).filter((part) => part !== undefined));

  return function carapace(request, response, next) {
    let index = 0;
    // What is another one when `sanitize` runs was put there by a reader of this chain.
    const { body } = /** @type {any} */ (request);
    /** @param {unknown} [error] */
    const step = (error) => {
      const part = error === undefined ? chain[index++] : undefined;
      if (part === undefined) return next(error);
      part(request, response, step, body);
    };
    step();
  };
}

module.exports = { OPTIONS, carapace };
