'use strict';

// The rest is loaded by the factories: a chain without limiters reads these options, too.
const { OPTIONS, readSettings } = require('./rate-limit/options');

/**
 * @typedef {import('../index').Middleware} Middleware
 * @typedef {import('../index').RateLimiter} RateLimiter
 */

/**
 * What a limiter is made of, for the chain: its metrics, and limiters of routes that join its policies.
 * @typedef {{ settings: import('./rate-limit/options').Settings, stages: ReturnType<typeof import('./rate-limit/limiter')['createStage']>[],
 *   outcomes: Record<string, number> }} Inside
 */

/** @type {WeakMap<object, Inside>} */
const insides = new WeakMap();

/**
 * @param {import('../index').RateLimitOptions} options
 * @returns {RateLimiter}
 */
function rateLimit(options) {
  return createLimiter(readSettings(options));
}

/**
 * Makes a limiter of a chain.
 * @param {any} options
 * @param {{ login?: boolean, overhear?: (event: any) => void, prepare?: (policies: import('./rate-limit/policies').Policy[]) => void }} more
 *   `overhear` is told of events that are no decisions; `prepare` may mark policies before they are made
 * @returns {RateLimiter}
 */
function createChainLimiter(options, { login, overhear, prepare }) {
  const settings = login ? readLogin(options) : readSettings(options);
  return createLimiter({ ...settings, overhear }, prepare);
}

/**
 * @param {object} limiter
 * @returns {Inside | undefined} undefined for what is no limiter
 */
function insideOf(limiter) {
  return insides.get(limiter);
}

/**
 * @param {import('../index').LoginLimitOptions} [options]
 * @returns {RateLimiter}
 */
rateLimit.login = function login(options) {
  return createLimiter(readLogin(options));
};

/** @param {any} options */
function readLogin(options) {
  return require('./rate-limit/login').readLoginSettings(options);
}

/**
 * @param {import('./rate-limit/options').Settings} settings
 * @param {(policies: import('./rate-limit/policies').Policy[]) => void} [prepare]
 * @returns {RateLimiter}
 */
function createLimiter(settings, prepare) {
  const { createMethods } = require('./rate-limit/instance');
  const { createContext, createStage } = require('./rate-limit/limiter');
  const { readPolicies } = require('./rate-limit/policies');
  if (typeof settings.store === 'string') settings.store = require('./redis-store').redisStoreAt(settings.store);
  const policies = readPolicies(settings);
  prepare?.(policies);
  const context = createContext(settings);
  const groups = [policies.filter(({ needsBody }) => !needsBody), policies.filter(({ needsBody }) => needsBody)];
  const [first, second] = groups.map((group) => (group.length > 0 ? createStage(context, group) : undefined));
  const stages = [first, second].filter((stage) => stage !== undefined);
  const limiter = Object.assign(/** @type {any} */ (first?.middleware ?? passOn('rateLimit')), createMethods(stages), {
    afterBody: second?.middleware ?? passOn('rateLimitAfterBody'),
  });
  insides.set(limiter, { settings, stages, outcomes: context.outcomes });
  return limiter;
}

/**
 * @param {string} name
 * @returns {Middleware}
 */
function passOn(name) {
  /** @type {Middleware} */
  const middleware = (_request, _response, next) => next();
  return Object.defineProperty(middleware, 'name', { value: name });
}

module.exports = { OPTIONS, createChainLimiter, insideOf, rateLimit };
