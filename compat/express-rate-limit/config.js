'use strict';

const { createKeyGenerator } = require('./client-address');
const { MemoryStore } = require('./memory-store');
const { createValidations } = require('./validations');

/** @typedef {Record<string, any>} Config */

const CONSOLE = {
  /** @param {any[]} given */
  warn: (...given) => console.warn(...given.reverse()),
  /** @param {any[]} given */
  error: (...given) => console.error(...given.reverse()),
};

/**
 * Reads the options in the peer's order, so that what is logged comes in that order too.
 * @param {any} passed
 * @returns {Config}
 */
function readConfig(passed) {
  const given = Object.fromEntries(Object.entries(passed).filter(([, value]) => value !== undefined));
  const logger = passed.logger ?? CONSOLE;
  const validations = createValidations(given.validate ?? true, logger);
  checkOptions(passed, given, validations);
  const standardHeaders = given.standardHeaders === true ? 'draft-6' : (given.standardHeaders ?? false);
  /** @type {Config} */
  const config = {
    ...defaultsOf(passed, validations, () => config),
    ...given,
    standardHeaders,
    store: promised(given.store ?? new MemoryStore(validations)),
    validations,
    logger,
  };
  checkStore(config.store);
  if (typeof config.limit !== 'function') checkLimit(config.limit);
  return config;
}

/**
 * @param {any} passed
 * @param {Config} given
 * @param {Record<string, any>} validations
 */
function checkOptions(passed, given, validations) {
  validations.validationsConfig();
  validations.knownOptions(passed);
  validations.draftPolliHeaders(given.draft_polli_ratelimit_headers);
  validations.onLimitReached(given.onLimitReached);
  if (given.ipv6Subnet !== undefined && typeof given.ipv6Subnet !== 'function') {
    validations.ipv6Subnet(given.ipv6Subnet);
  }
  validations.keyGeneratorIpFallback(given.keyGenerator);
  validations.ipv6SubnetOrKeyGenerator(given);
}

/**
 * @param {any} passed
 * @param {Record<string, any>} validations
 * @param {() => Config} configOf
 */
function defaultsOf(passed, validations, configOf) {
  return {
    windowMs: 60_000,
    limit: passed.max ?? 5,
    message: 'Too many requests, please try again later.',
    statusCode: 429,
    legacyHeaders: passed.headers ?? true,
    identifier: (/** @type {any} */ request) => {
      const { requestPropertyName, windowMs } = configOf();
      return `${request[requestPropertyName].limit}-in-${durationOf(windowMs)}`;
    },
    requestPropertyName: 'rateLimit',
    skipFailedRequests: false,
    skipSuccessfulRequests: false,
    requestWasSuccessful: (/** @type {any} */ _request, /** @type {any} */ response) => response.statusCode < 400,
    skip: () => false,
    keyGenerator: createKeyGenerator(validations, () => configOf().ipv6Subnet),
    ipv6Subnet: 56,
    handler: async (/** @type {any} */ request, /** @type {any} */ response) => {
      const { message, statusCode } = configOf();
      response.status(statusCode);
      const body = typeof message === 'function' ? await message(request, response) : message;
      if (!response.writableEnded) response.send(body);
    },
    passOnStoreError: false,
  };
}

/**
 * @param {number} windowMs
 * @returns {string} such as `15min`
 */
function durationOf(windowMs) {
  const seconds = windowMs / 1000;
  const minutes = seconds / 60;
  const hours = minutes / 60;
  const days = hours / 24;
  if (seconds < 60) return `${seconds}sec`;
  if (minutes < 60) return `${minutes}min`;
  return hours < 24 ? `${hours}hr${hours > 1 ? 's' : ''}` : `${days}day${days > 1 ? 's' : ''}`;
}

/**
 * A limit that is no number would turn the limiter off (S-19).
 * @param {any} limit
 */
function checkLimit(limit) {
  if (Number.isNaN(Number(limit))) throw new TypeError(`limit must be a number or a function of one, got ${limit}`);
}

/** @param {any} store */
function checkStore(store) {
  const isFunction = (/** @type {string} */ name) => typeof store[name] === 'function';
  const isOptional = (/** @type {string} */ name) => store[name] === undefined || isFunction(name);
  if (['increment', 'decrement', 'resetKey'].every(isFunction) && ['resetAll', 'init'].every(isOptional)) return;
  throw new TypeError(
    'An invalid store was passed. Please ensure that the store is a class that implements the `Store` interface.',
  );
}

/**
 * A store whose `incr` takes a callback, as the newer ones.
 * @param {any} store
 */
function promised(store) {
  if (typeof store.incr !== 'function' || typeof store.increment === 'function') return store;
  return new PromisifiedStore(store);
}

class PromisifiedStore {
  #store;

  /** @param {any} store */
  constructor(store) {
    this.#store = store;
  }

  /** @param {string} key */
  async increment(key) {
    return new Promise((resolve, reject) => {
      this.#store.incr(key, (/** @type {any} */ error, /** @type {any} */ totalHits, /** @type {any} */ resetTime) => {
        if (error) reject(error);
        resolve({ totalHits, resetTime });
      });
    });
  }

  /** @param {string} key */
  async decrement(key) {
    return this.#store.decrement(key);
  }

  /** @param {string} key */
  async resetKey(key) {
    return this.#store.resetKey(key);
  }

  async resetAll() {
    if (typeof this.#store.resetAll === 'function') return this.#store.resetAll();
  }
}

module.exports = { checkLimit, readConfig };
