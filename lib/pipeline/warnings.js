'use strict';

const { parseByteSize } = require('../body/byte-size');

/**
 * @typedef {Record<string, any>} Options
 * @typedef {object} Settings
 * @property {Options} given
 * @property {Options} parts
 * @property {import('./settings').RuleSettings[]} rules
 *
 * @typedef {object} Situation what only requests and the app can show
 * @property {boolean} isForwarded whether a proxy forwards requests, and nobody is trusted to
 * @property {boolean} trustsAll whether the app trusts every sender
 * @property {boolean} hasErrorHandler whether the app has asked for `errorHandler`
 *
 * @typedef {(settings: Settings, situation: Situation) => unknown} Test
 */

const LARGE_BODY = 2 ** 20;

/** @type {[code: string, test: Test, message: string][]} */
const WARNINGS = [
  [
    'NOT_PRODUCTION',
    () => process.env.NODE_ENV !== 'production',
    "NODE_ENV is not 'production': Express answers errors with their stack, and libraries take development defaults",
  ],
  ['REPORT_MODE', ({ given }) => given.mode === 'report', 'nothing is refused or changed, only reported'],
  ['NO_HEADERS', ({ parts }) => parts.securityHeaders === false, 'securityHeaders is off'],
  [
    'CORS_TOO_WIDE',
    ({ parts, rules }) => [parts, ...rules.map((rule) => rule.parts)].some(({ cors }) => isWide(cors)),
    'cors lets pages of every origin read the answers; list the origins that should',
  ],
  ['NO_LIMITER', ({ parts }) => parts.rateLimit === false, 'no rateLimit: a client may ask as often as it likes'],
  [
    'NO_LOGIN_LIMIT',
    ({ parts, rules }) => parts.login === false && rules.every((rule) => !rule.parts.rateLimit && !rule.parts.login),
    'no rule limits a route of its own, such as that of the login, where passwords are guessed',
  ],
  [
    'STORE_IN_PROCESS',
    ({ parts }) => isOneOfMany() && typeof parts.rateLimit === 'object' && parts.rateLimit.store === undefined,
    'each process of this cluster counts by itself, so that limits are multiplied; give rateLimit a shared store',
  ],
  [
    'PROXY_NOT_TRUSTED',
    (_settings, { isForwarded }) => isForwarded,
    'requests are forwarded by a proxy near by, and nobody is trusted to do so: all clients share one limit; set trustProxy',
  ],
  [
    'PROXY_TRUSTS_ALL',
    (_settings, { trustsAll }) => trustsAll,
    "Express's trust proxy trusts every sender, so it is not followed; set it to the number of proxies",
  ],
  [
    'LARGE_BODIES',
    ({ parts }) => [parts.json, parts.urlencoded].some(isLarge),
    'bodies may be larger than 1 MB everywhere; give the routes that need it a limit of their own',
  ],
  ['NO_SANITIZE', ({ parts }) => parts.sanitize === false || parts.json === false, 'json or sanitize is off'],
  [
    'NO_COOKIES',
    ({ parts }) => parts.cookies === false,
    'cookies is off: Set-Cookie leaves with the flags that it has',
  ],
  [
    'NO_ERROR_HANDLER',
    (_settings, { hasErrorHandler }) => !hasErrorHandler,
    "shield.errorHandler is not mounted: what errors tell clients is the app's own matter",
  ],
];

/**
 * @param {Settings} settings
 * @param {Situation} situation
 */
function warningsOf(settings, situation) {
  return WARNINGS.filter(([, test]) => test(settings, situation)).map(([code, , message]) => ({ code, message }));
}

/** @param {any} cors */
function isWide(cors) {
  if (typeof cors !== 'object' || cors === null) return false;
  const { origin = '*' } = cors;
  return origin === true || origin === '*' || (Array.isArray(origin) && origin.includes('*'));
}

/** @param {any} reader */
function isLarge(reader) {
  return typeof reader === 'object' && parseByteSize('limit', reader.limit ?? 0) > LARGE_BODY;
}

/** Whether this is one process of a cluster, of PM2 or of a platform that starts several. */
function isOneOfMany() {
  // Node loads a dozen modules for this one, so only who asks pays for them.
  const cluster = /** @type {import('node:cluster').Cluster} */ (/** @type {unknown} */ (require('node:cluster')));
  const { NODE_APP_INSTANCE, WEB_CONCURRENCY, pm_id: pm2 } = process.env;
  return cluster.isWorker || NODE_APP_INSTANCE !== undefined || pm2 !== undefined || Number(WEB_CONCURRENCY) > 1;
}

module.exports = { warningsOf };
