'use strict';

const { createAttach } = require('../attach/attach');
const { closeServers } = require('../attach/closing');
const { createCorsTest, isSameHost } = require('../attach/upgrade');
const { cors } = require('../cors');
const { errorHandler } = require('../error-handler');
const { readOptions } = require('../options');
const { explain } = require('./explain');
const { createFront } = require('./front');
const { createMetrics } = require('./metrics');
const { register } = require('./metrics-text');
const { createWrap, end } = require('./wrap');

/**
 * @typedef {(request: any, response: any, next: (error?: unknown) => void) => void} Middleware
 * @typedef {(mark: InstanceType<typeof import('../tally')['Mark']>, request: any, response: any, next: (error?: unknown) => void) => void} Enter
 * @typedef {object} Inside what a shield is made of
 * @property {ReturnType<typeof import('./settings').readSettings>} settings
 * @property {InstanceType<typeof import('../tally')['Tally']>} tally
 * @property {InstanceType<typeof import('./limiters')['Limiters']>} limiters
 * @property {Map<string, boolean>} stores
 * @property {{ isSeen: boolean }} forwarded
 * @property {Map<string, any>} made the chain's own parts
 * @property {(request: any) => import('./chain').Chain} chainOf
 * @property {(chain: any, request: any, response: any, next: (error?: unknown) => void) => void} run
 * @property {Enter} enter runs the chain for a request, which gets the mark
 */

/**
 * A shield's own methods.
 * @param {Inside} inside
 */
function createMethods(inside) {
  const { settings, tally, limiters, stores, forwarded, enter } = inside;
  const enterFor = createFront({ enter, tally, given: settings.given });
  const errors = createErrorHandling(settings.given, tally);
  /** @type {Set<any>} */
  const servers = new Set();
  let isClosing = false;
  const { registry, prefix = 'carapace_' } = typeof settings.metrics === 'object' ? settings.metrics : {};
  const metrics = createMetrics(tally, limiters, stores, prefix);
  if (registry !== undefined) register(registry, metrics.families);

  return {
    wrap: createWrap({ enterFor, errorHandler: errors.get, removesPoweredBy: removesPoweredBy(settings.parts) }),
    attach: createAttach(protectionOf(enterFor, inside, errors.answer), servers, () => isClosing),
    metrics,
    explain: () =>
      explain(settings, {
        isForwarded: forwarded.isSeen,
        trustsAll: [...tally.events.values()].some(({ type }) => type === 'proxy.trust-all'),
        hasErrorHandler: errors.isAsked(),
      }),
    /** @param {string} [rule] */
    limiter: (rule = '') => limiters.byRule.get(rule) ?? limiters.logins.get(rule),
    reset: () => all(limiters.all().map((limiter) => limiter.resetAll())),
    /** @param {unknown} [options] */
    async close(options) {
      const { timeoutMs } = readOptions('carapace.close', options, { timeoutMs: { type: 'number', least: 1 } });
      isClosing = true;
      const isWhole = await closeServers(servers, timeoutMs);
      await all(limiters.all().map((limiter) => limiter.close()));
      return isWhole;
    },
    get errorHandler() {
      return errors.ask();
    },
  };
}

/**
 * The last middleware of the app, made once somebody wants it.
 * @param {Record<string, any>} given
 * @param {Inside['tally']} tally
 */
function createErrorHandling(given, tally) {
  const { onEvent } = given;
  const options = { ...given.errorHandler };
  const listener = options.onEvent ?? onEvent;
  const handler = errorHandler({
    ...options,
    onEvent(event) {
      tally.countEvent(event);
      listener?.(event);
    },
  });
  let isAsked = false;
  const get = () => handler;
  return {
    get,
    isAsked: () => isAsked,
    ask() {
      isAsked = true;
      return handler;
    },
    /** @param {unknown} error @param {any} request @param {any} response */
    answer: (error, request, response) => handler(error, request, response, () => end(error, request, response)),
  };
}

/**
 * @param {ReturnType<typeof createFront>} enterFor
 * @param {Inside} inside
 * @param {(error: unknown, request: any, response: any) => void} fail
 */
function protectionOf(enterFor, { settings, limiters, made, chainOf, run }, fail) {
  /** @type {Middleware} */
  const headers = made.get('securityHeaders') ?? ((_request, _response, next) => next());
  /** Those of a chain that end a request which has no answer of its own. @param {any} request */
  const limitsOf = (request) =>
    chainOf(request).filter((part) => part === headers || limiters.all().includes(/** @type {any} */ (part)));
  const { mode, onEvent } = settings.given;
  return {
    enterFor,
    headers,
    /** @type {Middleware} */
    limits: (request, response, next) => run(limitsOf(request), request, response, next),
    /** @param {any} origins */
    originTest(origins) {
      if (origins === false) return () => true;
      const rules = origins === undefined || origins === true ? made.get('cors') : cors({ origin: origins });
      return rules === undefined ? isSameHost : createCorsTest(rules);
    },
    fail,
    mode: mode ?? 'enforce',
    onEvent,
  };
}

/** @param {Record<string, any>} parts */
function removesPoweredBy({ securityHeaders: headers }) {
  if (headers === false || headers.removeHeaders === false) return false;
  const { removeHeaders } = headers;
  return !Array.isArray(removeHeaders) || removeHeaders.some((name) => String(name).toLowerCase() === 'x-powered-by');
}

/**
 * @param {unknown[]} results
 * @returns {unknown} a promise only when one of them is one
 */
function all(results) {
  const isLater = results.some((result) => typeof (/** @type {any} */ (result)?.then) === 'function');
  return isLater ? Promise.all(results).then(() => undefined) : undefined;
}

module.exports = { createMethods };
