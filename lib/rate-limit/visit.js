'use strict';

/**
 * @typedef {import('node:http').IncomingMessage & { rateLimit?: InstanceType<typeof import('./request-info')['RateLimitInfo']> }} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {(error?: unknown) => void} Next
 * @typedef {string | (string | undefined)[]} Keys one for all policies, or one for each, in which undefined leaves it out
 * @typedef {number | (number | undefined)[] | undefined} Counts
 * @typedef {'counted' | 'skipped' | 'allow-listed' | 'deny-listed' | 'unavailable'} Outcome
 * @typedef {Promise<unknown> | typeof LATER | undefined} Pending when a step has an answer: undefined is at once
 */

/**
 * The answer of a store that has taken a visit and will call back: a promise for each request would cost more.
 */
const LATER = null;

/**
 * What one policy says about one request.
 */
class Decision {
  /**
   * @param {import('./policies').Policy} policy
   * @param {boolean} isAllowed
   * @param {number} limit the most that can be used at once
   * @param {number} used
   * @param {number} resetAt when the client has its limit back, or, denied, may try again: ms since 1970
   */
  constructor(policy, isAllowed, limit, used, resetAt) {
    this.policy = policy;
    this.isAllowed = isAllowed;
    this.limit = limit;
    this.used = used;
    this.remaining = used < limit ? limit - used : 0;
    this.resetAt = resetAt;
    this.isBlocked = false;
  }
}

/**
 * One request on its way through one limiter.
 */
class Visit {
  /**
   * @param {Request} request
   * @param {Response} response
   * @param {Next} next
   */
  constructor(request, response, next) {
    this.request = request;
    this.response = response;
    this.next = next;
    /** @type {Outcome | undefined} */
    this.outcome = undefined;
    /** @type {Keys} */
    this.keys = '';
    this.forwarded = '';
    /** @type {Counts} */
    this.costs = undefined;
    /** @type {Counts} */
    this.limits = undefined;
    this.now = 0;
    this.isAllowed = true;
    /** @type {Decision[]} */
    this.decisions = NONE;
    /** @type {Decision | undefined} */
    this.strictest = undefined;
    /** @type {import('./native-store').Store | undefined} */
    this.countedBy = undefined;
    this.delayMs = 0;
    /** The context of the request, while a store has it. @type {import('node:async_hooks').AsyncResource | undefined} */
    this.scope = undefined;
  }
}

/** @type {Decision[]} */
const NONE = [];

/**
 * The count of one policy out of a request's costs or limits.
 * @param {Counts} counts
 * @param {number} index
 */
function countAt(counts, index) {
  return Array.isArray(counts) ? counts[index] : counts;
}

/**
 * The key of one policy out of a request's keys.
 * @param {Keys} keys
 * @param {number} index
 */
function keyAt(keys, index) {
  return Array.isArray(keys) ? keys[index] : keys;
}

/**
 * Whether a hit of this visit is in the count of this decision's policy. A denial by one policy does not consume the
 * others; a fixed window counts what it denies itself, unless the key is blocked.
 * @param {Visit} visit
 * @param {Decision} decision
 */
function isCounted(visit, decision) {
  if (visit.isAllowed) return true;
  return !decision.isAllowed && !decision.isBlocked && decision.policy.algorithm === 'fixed-window';
}

module.exports = { Decision, LATER, Visit, countAt, isCounted, keyAt };
