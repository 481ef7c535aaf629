'use strict';

const { settleShapes } = require('./object-shapes');
const { createChains } = require('./pipeline/chain');
const { createForwardedWatch } = require('./pipeline/forwarded');
const { Limiters } = require('./pipeline/limiters');
const { createListeners } = require('./pipeline/listeners');
const { createMethods } = require('./pipeline/methods');
const { RouteTable } = require('./pipeline/route-table');
const { OPTIONS, RULE_OPTIONS, readSettings } = require('./pipeline/settings');
const { createTiming } = require('./pipeline/timing');
const { Mark, Tally } = require('./tally');

/**
 * @typedef {import('./pipeline/chain').Chain} Chain
 * @typedef {(error?: unknown) => void} Next
 */

/**
 * @param {import('../index').CarapaceOptions} [options]
 * @returns {import('../index').Shield}
 */
function carapace(options) {
  const settings = readSettings(options);
  const tally = new Tally();
  const { parts, rules, report } = createListeners(settings, tally);
  const { stores, overhear } = createStoreWatch(tally);
  const limiters = new Limiters(parts.rateLimit, overhear);
  const { main, ofRules, made } = createChains(parts, rules, limiters);
  const hasCors = [parts, ...rules.map((rule) => rule.parts)].some(({ cors }) => cors !== false);
  const table = rules.length > 0 ? new RouteTable(rules, ofRules, main, hasCors) : undefined;
  const { isDue, measure } = createTiming(tally, settings.metrics === false ? Infinity : settings.metrics?.sample);
  const forwarded = createForwardedWatch(decidesTrust(parts, settings.given), () =>
    report({ type: 'proxy.not-trusted', action: 'ignore' }),
  );
  /** @param {any} request */
  const chainOf = (request) => (table === undefined ? main : table.chainOf(request));

  /** @type {import('./pipeline/methods').Enter} */
  function enter(mark, request, response, next) {
    const before = request._carapace;
    const isMarked = before instanceof Mark;
    // A request passes the chain once, however often it is mounted.
    if (isMarked && before.isOf(tally)) return next();
    // Before anything is added to them.
    settleShapes(request, response);
    request._carapace = isMarked ? new Mark(tally, before, mark.app) : mark;
    tally.requests += 1;
    forwarded.look(request);
    run(chainOf(request), request, response, isDue() ? measure(response, next) : next);
  }
  const own = new Mark(tally);
  /** @param {any} request @param {any} response @param {Next} next */
  function carapace(request, response, next) {
    enter(own, request, response, next);
  }
  /** @type {import('./pipeline/methods').Inside} */
  const inside = {
    settings: { ...settings, parts, rules },
    tally,
    limiters,
    stores,
    forwarded,
    made,
    chainOf,
    run,
    enter,
  };
  const methods = createMethods(inside);
  return /** @type {any} */ (Object.defineProperties(carapace, Object.getOwnPropertyDescriptors(methods)));
}

/**
 * Runs the parts one after the other. A refusal by one ends the chain.
 * @param {Chain} chain
 * @param {any} request
 * @param {any} response
 * @param {Next} next
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

/**
 * Keeps in mind which limiters' stores are down, by rule.
 * @param {InstanceType<typeof Tally>} tally
 */
function createStoreWatch(tally) {
  /** @type {Map<string, boolean>} */
  const stores = new Map();
  /** @param {any} event @param {string} rule */
  function overhear(event, rule) {
    tally.countEvent({ stem: 'rate-limit', mode: 'enforce', ...event });
    if (event.type === 'rate-limit.store-failed') stores.set(rule, false);
    if (event.type === 'rate-limit.store-recovered') stores.set(rule, true);
  }
  return { stores, overhear };
}

/**
 * Whether the options say who may forward requests. Without it the app's own `trust proxy` does.
 * @param {Record<string, any>} parts
 * @param {Record<string, any>} given
 */
function decidesTrust({ rateLimit }, given) {
  const client = typeof rateLimit === 'object' ? rateLimit.client : undefined;
  return [given.trustProxy, client?.trustProxy, client?.header].some((value) => value !== undefined && value !== false);
}

module.exports = { OPTIONS, RULE_OPTIONS, carapace };
