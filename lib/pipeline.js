'use strict';

const { json } = require('./body/json');
const { queryParser } = require('./body/query-parser');
const { urlencoded } = require('./body/urlencoded');
const { readOptions } = require('./options');
const { rateLimit } = require('./rate-limit');
const { securityHeaders } = require('./security-headers');

/**
 * The parts of the chain in their one safe order. A part is on by default when it needs no choice of the user's.
 * @type {[name: string, factory: (options: any) => import('../index').Middleware, isDefault: boolean][]}
 */
const PARTS = [
  ['securityHeaders', securityHeaders, true],
  ['rateLimit', rateLimit, false],
  ['json', json, true],
  ['urlencoded', urlencoded, true],
  ['queryParser', queryParser, true],
];

const OPTIONS = Object.fromEntries(PARTS.map(([name]) => [name, 'object|boolean']));

/**
 * @param {import('../index').CarapaceOptions} [options]
 * @returns {import('../index').Middleware}
 */
function carapace(options) {
  const settings = readOptions('carapace', options, OPTIONS);
  const chain = PARTS.filter(([name, , isDefault]) => settings[name] ?? isDefault).map(([name, factory]) =>
    factory(typeof settings[name] === 'object' ? settings[name] : undefined),
  );
  // A limiter's policies that need the body are decided when it is read and clean.
  chain.push(...chain.map((part) => /** @type {any} */ (part).afterBody).filter((part) => part !== undefined));

  return function carapace(request, response, next) {
    let index = 0;
    /** @param {unknown} [error] */
    const step = (error) => {
      const part = error === undefined ? chain[index++] : undefined;
      if (part === undefined) return next(error);
      part(request, response, step);
    };
    step();
  };
}

module.exports = { OPTIONS, carapace };
