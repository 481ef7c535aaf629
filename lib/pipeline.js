'use strict';

const { createChains } = require('./pipeline/chain');
const { Limiters } = require('./pipeline/limiters');
const { createListeners } = require('./pipeline/listeners');
const { RouteTable } = require('./pipeline/route-table');
const { OPTIONS, RULE_OPTIONS, readSettings } = require('./pipeline/settings');
const { createWrap } = require('./pipeline/wrap');
const { TALLY, Tally } = require('./tally');

/**
 * @param {import('../index').CarapaceOptions} [options]
 * @returns {import('../index').Shield}
 */
function carapace(options) {
  const settings = readSettings(options);
  const tally = new Tally();
  const { parts, rules } = createListeners(settings, tally);
  const limiters = new Limiters(parts.rateLimit, (event) => tally.countEvent({ stem: 'rate-limit', ...event }));
  const { main, ofRules } = createChains(parts, rules, limiters);
  const table = rules.length > 0 ? new RouteTable(rules, ofRules, main) : undefined;
  // On a request that this chain has seen: it runs once, however often it is mounted.
  const seen = Symbol('carapace.seen');

  function carapace(
    /** @type {any} */ request,
    /** @type {any} */ response,
    /** @type {(error?: unknown) => void} */ next,
  ) {
    if (request[seen] === true) return next();
    request[seen] = true;
    request[TALLY] = tally;
    tally.requests += 1;
    run(table === undefined ? main : table.chainOf(request), request, response, next);
  }
  const wrap = createWrap(carapace, {
    errorHandler: () => undefined,
    removesPoweredBy: removesPoweredBy(parts.securityHeaders),
  });
  return /** @type {any} */ (Object.assign(carapace, { wrap }));
}

/**
 * Runs the parts one after the other. A refusal by one ends the chain.
 * @param {import('./pipeline/chain').Chain} chain
 * @param {any} request
 * @param {any} response
 * @param {(error?: unknown) => void} next
 */
function run(chain, request, response, next) {
  let index = 0;
  // What is another one when `sanitize` runs was put there by a reader of this chain.
  const { body } = request;
  step();

  /** @param {unknown} [error] */
  function step(error) {
    if (error !== undefined || index === chain.length) return next(error);
    chain[index++](request, response, step, body);
  }
}

/** @param {any} headers the options of `securityHeaders` */
function removesPoweredBy(headers) {
  if (headers === false || headers.removeHeaders === false) return false;
  const { removeHeaders } = headers;
  return !Array.isArray(removeHeaders) || removeHeaders.some((name) => String(name).toLowerCase() === 'x-powered-by');
}

module.exports = { OPTIONS, RULE_OPTIONS, carapace };
