'use strict';

const { createMethods } = require('./rate-limit/instance');
const { createContext, createStage } = require('./rate-limit/limiter');
const { readLoginSettings } = require('./rate-limit/login');
const { OPTIONS, readSettings } = require('./rate-limit/options');
const { readPolicies } = require('./rate-limit/policies');
const { redisStoreAt } = require('./redis-store');

/**
 * @typedef {import('../index').Middleware} Middleware
 * @typedef {import('../index').RateLimiter} RateLimiter
 */

/**
 * @param {import('../index').RateLimitOptions} options
 * @returns {RateLimiter}
 */
function rateLimit(options) {
  return createLimiter(readSettings(options));
}

/**
 * @param {import('../index').LoginLimitOptions} [options]
 * @returns {RateLimiter}
 */
rateLimit.login = function login(options) {
  return createLimiter(readLoginSettings(options));
};

/**
 * @param {import('./rate-limit/options').Settings} settings
 * @returns {RateLimiter}
 */
function createLimiter(settings) {
  if (typeof settings.store === 'string') settings.store = redisStoreAt(settings.store);
  const policies = readPolicies(settings);
  const context = createContext(settings);
  const groups = [policies.filter(({ needsBody }) => !needsBody), policies.filter(({ needsBody }) => needsBody)];
  const [first, second] = groups.map((group) => (group.length > 0 ? createStage(context, group) : undefined));
  const stages = [first, second].filter((stage) => stage !== undefined);
  return Object.assign(/** @type {any} */ (first?.middleware ?? passOn('rateLimit')), createMethods(stages), {
    afterBody: second?.middleware ?? passOn('rateLimitAfterBody'),
  });
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

module.exports = { OPTIONS, rateLimit };
