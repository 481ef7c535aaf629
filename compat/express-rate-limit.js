'use strict';

const { settleShapes } = require('../lib/object-shapes');
const { ipKeyGenerator } = require('./express-rate-limit/client-address');
const { checkLimit, readConfig } = require('./express-rate-limit/config');
const { WRITERS, setLegacyHeaders, setRetryAfter } = require('./express-rate-limit/headers');
const { LEARN, MemoryStore } = require('./express-rate-limit/memory-store');
const { refundLater, watchEnds } = require('./express-rate-limit/refunds');

/**
 * @typedef {import('./express-rate-limit/config').Config} Config
 * @typedef {import('./express-rate-limit/headers').Info} Info
 * @typedef {(error?: any) => void} Next
 */

/** @param {any} [passed] */
function rateLimit(passed) {
  const config = readConfig(passed ?? {});
  const { validations, ...passable } = config;
  const options = { ...passable, validate: validations.enabled };
  const { store } = config;
  validations.creationStack(store);
  validations.unsharedStore(store);
  initialize(config, options);
  /** @param {any} request @param {any} response @param {Next} next */
  const middleware = async (request, response, next) => {
    try {
      await decide(config, options, request, response, next);
    } catch (error) {
      next(error);
    }
  };
  return Object.defineProperty(
    Object.assign(middleware, {
      resetKey: store.resetKey.bind(store),
      getKey: typeof store.get === 'function' ? store.get.bind(store) : unable,
    }),
    'name',
    { value: '' },
  );
}

function unable() {
  throw new Error('The current store does not support the get/getKey method');
}

/**
 * @param {Config} config
 * @param {any} options
 */
function initialize({ store, logger }, options) {
  if (typeof store.init !== 'function') return;
  try {
    const pending = store.init(options);
    if (!(pending instanceof Promise)) return;
    pending.catch((error) => logger.error(error, 'express-rate-limit: async error during store initialization.'));
  } catch (error) {
    logger.error(error, 'express-rate-limit: error during store initialization.');
  }
}

/**
 * @param {Config} config
 * @param {any} options for the handler
 * @param {any} request
 * @param {any} response
 * @param {Next} next
 */
async function decide(config, options, request, response, next) {
  settleShapes(request, response);
  const { store, validations } = config;
  const ends = watchEnds(config, response);
  if (await config.skip(request, response)) return next();
  const key = await config.keyGenerator(request, response);
  const isRefundable = config.skipFailedRequests || config.skipSuccessfulRequests;
  let totalHits;
  let resetTime;
  try {
    ({ totalHits, resetTime } = await store.increment(key));
    // A store may change its Date while the response is under way.
    if (resetTime && isRefundable) resetTime = new Date(resetTime.getTime());
  } catch (error) {
    if (!config.passOnStoreError) throw error;
    config.logger.error(error, 'express-rate-limit: error from store, allowing request without rate-limiting.');
    return next();
  }
  validations.positiveHits(totalHits);
  validations.singleCount(request, store, key);
  const limit = await (typeof config.limit === 'function' ? config.limit(request, response) : config.limit);
  checkLimit(limit);
  if (typeof config.limit === 'function') store[LEARN]?.(limit);
  validations.limit(limit);
  const info = { limit, used: totalHits, remaining: Math.max(limit - totalHits, 0), resetTime, key };
  Object.defineProperty(info, 'current', { value: totalHits });
  request[config.requestPropertyName] = info;
  const pending = writeHeaders(config, info, request, response);
  if (pending !== undefined) await pending;
  if (isRefundable) {
    refundLater(config, ends, { request, response, key, resetAt: resetTime?.getTime() });
  }
  if (!(totalHits > limit)) return next();
  if (config.legacyHeaders || config.standardHeaders) {
    const { retryAfter } = config;
    const seconds = await (typeof retryAfter === 'function' ? retryAfter(request, response) : retryAfter);
    setRetryAfter(response, info, config.windowMs, seconds);
  }
  await config.handler(request, response, next, options);
}

/**
 * @param {Config} config
 * @param {Info} info
 * @param {any} request
 * @param {any} response
 * @returns {Promise<void> | undefined} a promise where the policy's name has to be waited for
 */
function writeHeaders(config, info, request, response) {
  const { legacyHeaders, standardHeaders, windowMs, validations } = config;
  if (legacyHeaders && !response.headersSent) setLegacyHeaders(response, info);
  if (!standardHeaders || response.headersSent) return undefined;
  if (standardHeaders === 'draft-8') return writeNamed(config, info, request, response);
  const write = Object.hasOwn(WRITERS, standardHeaders) ? WRITERS[standardHeaders] : undefined;
  if (write === undefined) return validations.headersDraftVersion(standardHeaders);
  if (standardHeaders === 'draft-7') validations.headersResetTime(info.resetTime);
  write(response, info, windowMs, '');
  return undefined;
}

/**
 * @param {Config} config
 * @param {Info} info
 * @param {any} request
 * @param {any} response
 */
async function writeNamed({ identifier, windowMs, validations }, info, request, response) {
  const name = await (typeof identifier === 'function' ? identifier(request, response) : identifier);
  validations.headersResetTime(info.resetTime);
  if (!response.headersSent) WRITERS['draft-8'](response, info, windowMs, name);
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// Each by itself, so that whoever reads the module without running it finds the names.
module.exports = rateLimit;
module.exports.DAY = DAY;
module.exports.HOUR = HOUR;
module.exports.MINUTE = MINUTE;
module.exports.MemoryStore = MemoryStore;
module.exports.SECOND = SECOND;
module.exports.default = rateLimit;
module.exports.ipKeyGenerator = ipKeyGenerator;
module.exports.rateLimit = rateLimit;
