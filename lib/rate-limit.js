'use strict';

const { createHmac, randomBytes } = require('node:crypto');
const native = require('./loader');
const { clientAddress } = require('./client-address');
const { CarapaceError, configure, internalError } = require('./errors');
const { createReporter } = require('./events');
const { accessOf } = require('./host-store');
const { readOptions } = require('./options');
const { refuse } = require('./refusal');

/**
 * @typedef {import('node:http').IncomingMessage & { rateLimit?: import('../index').RateLimitInfo }} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {(error?: unknown) => void} Next
 */

/** @type {import('./options').OptionTable} */
const OPTIONS = {
  limit: { type: 'number', required: true },
  windowMs: 'number',
  name: 'string',
  keyGenerator: 'function',
  ipv6Prefix: 'number',
  maxKeys: 'number',
  store: 'object',
  mode: { type: 'string', oneOf: ['enforce', 'report'] },
  onReject: { type: 'string', oneOf: ['answer', 'next'] },
  onEvent: 'function',
};

const DEFAULT_WINDOW_MS = 60_000;
// Where `hit.out` holds the time at which a hit was counted, behind eight numbers for each of 16 policies.
const COUNTED_AT = 128;
const QUOTA_EXCEEDED = 'https://iana.org/assignments/http-problem-types#quota-exceeded';
// A structured field String (RFC 9651, section 3.3.3) that needs no escape.
const POLICY_NAME = /^[A-Za-z0-9 _.:/-]{1,64}$/;
// Events name a key without revealing it; the secret lives as long as the process.
const digestSecret = randomBytes(32);

/**
 * @param {import('../index').RateLimitOptions} options
 * @returns {import('../index').Middleware}
 */
function rateLimit(options) {
  const settings = readOptions('rateLimit', options, OPTIONS);
  const policy = createPolicy(settings);
  const report = createReporter('rate-limit', settings.onEvent);
  const keyOf = createKeyReader(settings.keyGenerator, report);
  const isEnforced = settings.mode !== 'report';

  /**
   * @param {Request} request
   * @param {Response} response
   * @param {Next} next
   */
  return function rateLimit(request, response, next) {
    let decision;
    try {
      decision = policy.hit(keyOf(request));
    } catch (cause) {
      return refuse(request, response, next, internalError(cause), { onReject: settings.onReject });
    }
    describe(request, response, policy, decision);
    if (decision.isAllowed) return next();
    const event = { type: 'rate-limit.denied', policy: policy.name, key: digest(decision.key), action: 'deny' };
    if (!isEnforced) {
      report({ ...event, mode: 'report' });
      return next();
    }
    report(event);
    deny(request, response, next, { policy, decision, onReject: settings.onReject });
  };
}

/**
 * @typedef {{ isAllowed: boolean, key: string, used: number, now: number, resetAt: number }} Decision
 * @typedef {{ name: string, limit: number, field: string, hit: (key: string) => Decision }} Policy
 */

/**
 * @param {Record<string, any>} settings
 * @returns {Policy}
 */
function createPolicy({ limit, windowMs = DEFAULT_WINDOW_MS, name = 'default', ipv6Prefix, maxKeys, store }) {
  if (!POLICY_NAME.test(name)) {
    throw new CarapaceError(
      'ERR_CARAPACE_OPTION_VALUE',
      'expected 1 to 64 letters, digits, spaces or any of _ . : / -',
      { path: 'rateLimit.name' },
    );
  }
  const shared = store && shareOf(store, name, maxKeys);
  const policies = [{ limit, windowMs, algorithm: 'fixed-window', name: shared && name }];
  const { hit } = configure('rateLimit', () =>
    native.createRateLimiter({ policies, ipv6Prefix, maxKeys }, shared?.handle),
  );
  const { out } = hit;
  return {
    name,
    limit,
    field: `"${name}";q=${limit};w=${Math.ceil(windowMs / 1000)}`,
    hit(key) {
      const isAllowed = (hit(key, Date.now()) & 1) === 1;
      const now = out[COUNTED_AT];
      shared?.tellChanges(out[COUNTED_AT + 1]);
      return { isAllowed, key, used: out[1], now, resetAt: out[3] };
    },
  };
}

/**
 * @param {object} store
 * @param {string} name
 * @param {number | undefined} maxKeys
 */
function shareOf(store, name, maxKeys) {
  if (maxKeys !== undefined) {
    const message = 'is the number of keys in the memory of a process; that of a host store is its own option';
    throw new CarapaceError('ERR_CARAPACE_OPTION_CONFLICT', message, { path: 'rateLimit.maxKeys' });
  }
  const access = accessOf(store, 'rateLimit.store');
  access.claimName(name);
  return access;
}

/**
 * @param {((request: Request) => string) | undefined} keyGenerator
 * @param {ReturnType<typeof createReporter>} report
 * @returns {(request: Request) => string}
 */
function createKeyReader(keyGenerator, report) {
  if (keyGenerator) return (request) => requireString(keyGenerator(request));
  let hasWarned = false;
  const onTrustAll = () => {
    if (hasWarned) return;
    hasWarned = true;
    report({ type: 'proxy.trust-all', action: 'ignore' });
    process.emitWarning(
      "Express's `trust proxy` trusts every sender, so any client could choose its address: it is not followed, and " +
        'clients are told apart by their connection. Set it to the number of proxies in front of the app.',
      { type: 'CarapaceWarning', code: 'CARAPACE_TRUST_ALL' },
    );
  };
  return (request) => clientAddress(request, onTrustAll);
}

/** @param {unknown} key */
function requireString(key) {
  if (typeof key === 'string') return key;
  throw new TypeError(`keyGenerator returned a value of type ${typeof key}, expected a string`);
}

/**
 * Tells the client and the app where the client stands: the fields of draft-ietf-httpapi-ratelimit-headers, appended
 * when several limiters run, and `request.rateLimit`, which is the strictest policy so far.
 * @param {Request} request
 * @param {Response} response
 * @param {Policy} policy
 * @param {Decision} decision
 */
function describe(request, response, policy, { used, key, now, resetAt }) {
  const remaining = Math.max(0, policy.limit - used);
  const info = { name: policy.name, limit: policy.limit, used, remaining, resetTime: new Date(resetAt), key };
  const before = request.rateLimit;
  const policies = before === undefined ? [info] : [...before.policies, info];
  const strictest = before !== undefined && before.remaining <= remaining ? before : info;
  request.rateLimit = { ...strictest, policies };
  if (response.headersSent) return;
  append(response, 'ratelimit-policy', policy.field);
  append(response, 'ratelimit', `"${policy.name}";r=${remaining};t=${secondsUntil(resetAt, now)}`);
}

/**
 * @param {Response} response
 * @param {string} name
 * @param {string} value
 */
function append(response, name, value) {
  const before = response.getHeader(name);
  response.setHeader(name, before === undefined ? value : `${before}, ${value}`);
}

/**
 * @param {number} time
 * @param {number} now
 */
function secondsUntil(time, now) {
  return Math.max(0, Math.ceil((time - now) / 1000));
}

/**
 * @param {Request} request
 * @param {Response} response
 * @param {Next} next
 * @param {{ policy: Policy, decision: Decision, onReject?: 'answer' | 'next' }} denial
 */
function deny(request, response, next, { policy, decision, onReject }) {
  const seconds = Math.max(1, secondsUntil(decision.resetAt, decision.now));
  if (!response.headersSent) response.setHeader('retry-after', seconds);
  const error = new CarapaceError('ERR_CARAPACE_RATE_LIMITED', `too many requests; try again in ${seconds} s`, {
    status: 429,
    type: 'rate-limit.exceeded',
  });
  const members = { type: QUOTA_EXCEEDED, 'violated-policies': [policy.name] };
  refuse(request, response, next, error, { onReject, members });
}

/** @param {string} key */
function digest(key) {
  return createHmac('sha256', digestSecret).update(key).digest('hex').slice(0, 16);
}

module.exports = { OPTIONS, rateLimit };
