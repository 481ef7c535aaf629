'use strict';

const { isIP } = require('node:net');

const DRAFTS = ['draft-6', 'draft-7', 'draft-8'];

/** A mistake in how the limiter is used. It is logged, not thrown. */
class ValidationError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   */
  constructor(code, message) {
    const url = `https://express-rate-limit.github.io/${code}/`;
    super(`${message} See ${url} for more information.`);
    this.name = this.constructor.name;
    this.code = code;
    this.help = url;
  }
}

/** The same for what used to be right. */
class ChangeWarning extends ValidationError {}

const OPTIONS = [
  ...['windowMs', 'limit', 'message', 'statusCode', 'legacyHeaders', 'standardHeaders', 'identifier', 'retryAfter'],
  ...['requestPropertyName', 'skipFailedRequests', 'skipSuccessfulRequests', 'keyGenerator', 'ipv6Subnet', 'handler'],
  ...['skip', 'requestWasSuccessful', 'store', 'validate', 'headers', 'max', 'passOnStoreError', 'logger'],
  // These have a check of their own, or are those of express-slow-down.
  ...['draft_polli_ratelimit_headers', 'delayAfter', 'delayMs', 'maxDelayMs'],
];

/** @type {WeakSet<object>} */
const usedStores = new WeakSet();
/** @type {WeakMap<object, Map<unknown, string[]>>} */
const countedKeys = new WeakMap();

/**
 * The checks in the peer's order and words. Each throws what is to be logged.
 * @type {Record<string, (...given: any[]) => void>}
 */
const CHECKS = {
  ip(ip) {
    if (ip === undefined) {
      fail(
        'ERR_ERL_UNDEFINED_IP_ADDRESS',
        "An undefined 'request.ip' was detected. This might indicate a misconfiguration or the connection being destroyed prematurely.",
      );
    }
    if (!isIP(ip)) {
      fail(
        'ERR_ERL_INVALID_IP_ADDRESS',
        `An invalid 'request.ip' (${ip}) was detected. Consider passing a custom 'keyGenerator' function to the rate limiter.`,
      );
    }
  },
  trustProxy(request) {
    if (request.app.get('trust proxy') !== true) return;
    fail(
      'ERR_ERL_PERMISSIVE_TRUST_PROXY',
      "The Express 'trust proxy' setting is true, which allows anyone to trivially bypass IP-based rate limiting.",
    );
  },
  xForwardedForHeader(request) {
    if (!request.headers['x-forwarded-for'] || request.app.get('trust proxy') !== false) return;
    fail(
      'ERR_ERL_UNEXPECTED_X_FORWARDED_FOR',
      "The 'X-Forwarded-For' header is set but the Express 'trust proxy' setting is false (default). This could indicate a misconfiguration which would prevent express-rate-limit from accurately identifying users.",
    );
  },
  forwardedHeader(request) {
    if (!request.headers.forwarded || request.ip !== request.socket?.remoteAddress) return;
    fail(
      'ERR_ERL_FORWARDED_HEADER',
      "The 'Forwarded' header (standardized X-Forwarded-For) is set but currently being ignored. Add a custom keyGenerator to use a value from this header.",
    );
  },
  positiveHits(hits) {
    if (typeof hits === 'number' && hits >= 1 && hits === Math.round(hits)) return;
    fail('ERR_ERL_INVALID_HITS', `The totalHits value returned from the store must be a positive integer, got ${hits}`);
  },
  unsharedStore(store) {
    if (usedStores.has(store)) {
      const prefix = store?.localKeys ? '' : ' (with a unique prefix)';
      fail(
        'ERR_ERL_STORE_REUSE',
        `A Store instance must not be shared across multiple rate limiters. Create a new instance of ${store.constructor.name}${prefix} for each limiter instead.`,
      );
    }
    usedStores.add(store);
  },
  singleCount(request, store, key) {
    const stores = countedKeys.get(request) ?? new Map();
    countedKeys.set(request, stores);
    const storeKey = store.localKeys ? store : store.constructor.name;
    const keys = stores.get(storeKey) ?? [];
    stores.set(storeKey, keys);
    const prefixed = `${store.prefix ?? ''}${key}`;
    if (keys.includes(prefixed)) {
      fail('ERR_ERL_DOUBLE_COUNT', `The hit count for ${key} was incremented more than once for a single request.`);
    }
    keys.push(prefixed);
  },
  limit(limit) {
    if (limit !== 0) return;
    warn(
      'WRN_ERL_MAX_ZERO',
      'Setting limit or max to 0 disables rate limiting in express-rate-limit v6 and older, but will cause all requests to be blocked in v7',
    );
  },
  draftPolliHeaders(setting) {
    if (!setting) return;
    warn(
      'WRN_ERL_DEPRECATED_DRAFT_POLLI_HEADERS',
      "The draft_polli_ratelimit_headers configuration option is deprecated and has been removed in express-rate-limit v7, please set standardHeaders: 'draft-6' instead.",
    );
  },
  onLimitReached(setting) {
    if (!setting) return;
    warn(
      'WRN_ERL_DEPRECATED_ON_LIMIT_REACHED',
      'The onLimitReached configuration option is deprecated and has been removed in express-rate-limit v7.',
    );
  },
  headersDraftVersion(version) {
    if (DRAFTS.includes(version)) return;
    fail(
      'ERR_ERL_HEADERS_UNSUPPORTED_DRAFT_VERSION',
      `standardHeaders: only the following versions of the IETF draft specification are supported: ${DRAFTS.join(', ')}.`,
    );
  },
  headersResetTime(resetTime) {
    if (resetTime) return;
    fail(
      'ERR_ERL_HEADERS_NO_RESET',
      "standardHeaders:  'draft-7' requires a 'resetTime', but the store did not provide one. The 'windowMs' value will be used instead, which may cause clients to wait longer than necessary.",
    );
  },
  knownOptions(options) {
    const unknown = Object.keys(options ?? {}).find((key) => !OPTIONS.includes(key));
    if (unknown !== undefined) fail('ERR_ERL_UNKNOWN_OPTION', `Unexpected configuration option: ${unknown}`);
  },
  /** @this {{ enabled: Record<string, boolean> }} */
  validationsConfig() {
    const supported = [...Object.keys(CHECKS), 'default'];
    const unknown = Object.keys(this.enabled).find((key) => !supported.includes(key));
    if (unknown === undefined) return;
    fail(
      'ERR_ERL_UNKNOWN_VALIDATION',
      `options.validate.${unknown} is not recognized. Supported validate options are: ${supported.join(', ')}.`,
    );
  },
  creationStack(store) {
    const { stack = '' } = new Error('only for its stack');
    // The frames of a request's handler in Express 4 and 5.
    if (!stack.includes('Layer.handle [as handle_request]') && !stack.includes('Layer.handleRequest')) return;
    const should = store.localKeys ? 'should' : 'should *usually*';
    fail(
      'ERR_ERL_CREATED_IN_REQUEST_HANDLER',
      `express-rate-limit instance ${should} be created at app initialization, not when responding to a request.`,
    );
  },
  ipv6Subnet(subnet) {
    if (subnet === false || (Number.isInteger(subnet) && subnet >= 32 && subnet <= 64)) return;
    fail(
      'ERR_ERL_IPV6_SUBNET',
      `Unexpected ipv6Subnet value: ${subnet}. Expected an integer between 32 and 64 (usually 48-64).`,
    );
  },
  ipv6SubnetOrKeyGenerator({ ipv6Subnet, keyGenerator }) {
    if (ipv6Subnet === undefined || !keyGenerator) return;
    fail(
      'ERR_ERL_IPV6SUBNET_OR_KEYGENERATOR',
      "Incompatible options: the 'ipv6Subnet' option is ignored when a custom 'keyGenerator' function is also set.",
    );
  },
  keyGeneratorIpFallback(keyGenerator) {
    if (!keyGenerator) return;
    const source = keyGenerator.toString();
    if (!/req(?:uest)?\.ip/.test(source) || source.includes('ipKeyGenerator')) return;
    fail(
      'ERR_ERL_KEY_GEN_IPV6',
      'Custom keyGenerator appears to use request IP without calling the ipKeyGenerator helper function for IPv6 addresses. This could allow IPv6 users to bypass limits.',
    );
  },
  windowMs(windowMs) {
    const most = 2 ** 31 - 1;
    if (typeof windowMs === 'number' && windowMs >= 1 && windowMs <= most) return;
    const type = typeof windowMs === 'number' ? '' : ` (${typeof windowMs})`;
    fail(
      'ERR_ERL_WINDOW_MS',
      `Invalid windowMs value: ${windowMs}${type}, must be a number between 1 and ${most} when using the default MemoryStore`,
    );
  },
};

/** @param {string} code @param {string} message @returns {never} */
function fail(code, message) {
  throw new ValidationError(code, message);
}

/** @param {string} code @param {string} message @returns {never} */
function warn(code, message) {
  throw new ChangeWarning(code, message);
}

/**
 * Makes the checks of one limiter: each that is enabled runs once, and logs what it finds.
 * @param {any} setting the option `validate`
 * @param {any} logger
 * @returns {Record<string, any>}
 */
function createValidations(setting, logger) {
  if (typeof logger !== 'object' || typeof logger.error !== 'function' || typeof logger.warn !== 'function') {
    throw new TypeError('Provided logger does not implement the Logger interface');
  }
  /** @type {Record<string, boolean>} */
  const enabled = typeof setting === 'boolean' ? { default: setting } : { default: true, ...setting };
  /** @type {Record<string, any>} */
  const validations = { enabled };
  for (const [name, check] of Object.entries(CHECKS)) {
    validations[name] = (/** @type {any[]} */ ...given) => {
      if (!(enabled[name] ?? enabled.default)) return;
      enabled[name] = false;
      try {
        check.apply(validations, given);
      } catch (error) {
        if (error instanceof ChangeWarning) logger.warn(error);
        else logger.error(error);
      }
    };
  }
  validations.disable = () => {
    for (const name of Object.keys(enabled)) enabled[name] = false;
  };
  return validations;
}

module.exports = { createValidations };
