'use strict';

const native = require('../loader');
const { configure } = require('../errors');
const { toNative } = require('./policies');
const { Decision } = require('./visit');

/**
 * @typedef {import('./policies').Policy} Policy
 * @typedef {InstanceType<typeof import('./visit')['Visit']>} Visit
 * @typedef {InstanceType<typeof import('./visit')['Decision']>} Standing
 * @typedef {import('./visit').Keys} Keys
 * @typedef {import('./visit').Counts} Counts
 */

/**
 * Where a limiter counts. A store in the core answers at once, another one may give promises. The keys of the calls for
 * rare use are texts; those of a visit are what its inputs say.
 * @typedef {object} Store
 * @property {(visit: Visit, goOn: (visit: Visit) => void) => import('./visit').Pending} hit decides, and fills in the visit's
 *   `decisions`, `strictest`, `isAllowed`, `outcome` and `countedBy`; when it gives `LATER`, it calls `goOn` once that is done
 * @property {(visit: Visit, keys: Keys, costs: Counts) => unknown} refund takes a hit back
 * @property {(keys: Keys, forwarded: string, points: Counts, limits?: Counts, now?: number) => unknown} penalty counts more
 * @property {(keys: Keys, points: number) => unknown} reward
 * @property {(keys: Keys, forwarded: string, durationMs: number) => unknown} block
 * @property {(keys: Keys, forwarded: string) => Standing[] | Promise<Standing[]>} peek the policies that know the key
 * @property {(keys: Keys, forwarded: string) => unknown} resetKey
 * @property {() => unknown} resetAll
 * @property {() => unknown} close
 */

// What each policy writes into `out`: see RateLimiter in src/bindings/rate_limit.rs.
const STRIDE = 8;
const [ALLOWED, USED, REMAINING, RESET_AT, RETRY_AFTER, , LIMIT, FLAGS] = Array.from(
  { length: STRIDE },
  (_, index) => index,
);
const BLOCKED = 1;
const LEFT_OUT = 4;

const ALLOW_LISTED = -1;
const NOT_STORED = 2;

// Where the out of `hit` says, behind the numbers of 16 policies, when a store with its own clock has counted, and how often
// its file was changed.
const COUNTED_AT = 16 * STRIDE;

/**
 * The store of a limiter in the core: the table of the process, or one that all processes of the host share.
 * @param {Policy[]} policies
 * @param {import('../native/binding').ClientRules} rules
 * @param {{ maxKeys?: number, allowList?: string[], denyList?: string[] }} options
 * @param {(visit: Visit) => void} onFull called when there was no room to remember a hit
 * @param {import('../host-store').Access} [host]
 * @returns {Store & { listed: (peer: string, forwarded: string) => number }}
 */
function createNativeStore(policies, rules, options, onFull, host) {
  const calls = configure('rateLimit', () =>
    native.createRateLimiter(
      { ...options, policies: policies.map((policy) => toNative(policy, host !== undefined)) },
      rules,
      host?.handle,
    ),
  );
  const { hit } = calls;
  const { out } = hit;
  const readDecisions = createDecisionReader(policies);

  /** @type {Store & { listed: (peer: string, forwarded: string) => number }} */
  const store = {
    ...rareCalls(calls, policies),
    hit(visit) {
      visit.now = Date.now();
      visit.countedBy = store;
      const { keys, forwarded, now, costs, limits } = visit;
      // Each argument costs some nanoseconds, even when it is undefined.
      const isPlain = costs === undefined && limits === undefined;
      const answer = isPlain ? hit(keys, forwarded, now) : hit(keys, forwarded, now, costs, limits);
      if (host !== undefined && answer >= 0) {
        visit.now = hit.out[COUNTED_AT];
        host.tellChanges(hit.out[COUNTED_AT + 1]);
      }
      if (answer < 0) {
        visit.outcome = answer === ALLOW_LISTED ? 'allow-listed' : 'deny-listed';
        return undefined;
      }
      visit.outcome = 'counted';
      visit.isAllowed = (answer & 1) === 1;
      readDecisions(visit, out, 0, answer >> 2);
      if ((answer & NOT_STORED) !== 0) onFull(visit);
      return undefined;
    },
    refund: (visit, keys, costs) => calls.refund(keys, visit.forwarded, Date.now(), visit.now, costs, visit.limits),
    listed: calls.listed,
  };
  return store;
}

/**
 * The calls that know no request.
 * @param {import('../native/binding').RateLimiter} calls
 * @param {Policy[]} policies
 * @returns {Omit<Store, 'hit' | 'refund'>}
 */
function rareCalls({ penalty, reward, block, peek, resetKey, resetAll }, policies) {
  const lastLimits = () => policies.map(({ limitOf, lastLimit }) => (limitOf ? lastLimit : undefined));
  return {
    penalty: (keys, forwarded, points, limits = lastLimits(), now = Date.now()) =>
      penalty(keys, forwarded, now, /** @type {any} */ (points), limits),
    reward: (keys, points) => reward(keys, '', Date.now(), points, lastLimits()),
    block: (keys, forwarded, durationMs) => block(keys, forwarded, Date.now(), durationMs),
    peek(keys, forwarded) {
      const now = Date.now();
      if (peek(keys, forwarded, now, lastLimits()) === 0) return [];
      return readStandings(policies, peek.out, 0, now);
    },
    resetKey: (keys, forwarded) => resetKey(keys, forwarded),
    resetAll: () => resetAll(),
    close() {},
  };
}

/**
 * @param {Policy[]} policies
 * @param {Float64Array} out
 * @param {number} first where the numbers of the first policy are
 * @param {number} now
 */
function readStandings(policies, out, first, now) {
  return policies
    .filter(({ index }) => (out[first + index * STRIDE + FLAGS] & LEFT_OUT) === 0)
    .map((policy) => readDecision(policy, out, first + policy.index * STRIDE, now));
}

/**
 * @param {Policy[]} policies
 * @returns {(visit: Visit, out: Float64Array, first: number, strictest: number) => void} `first` is where the numbers of the
 *   first policy are
 */
function createDecisionReader(policies) {
  const [only] = policies;
  if (policies.length > 1) return readEach;
  return function readOnly(visit, out, first) {
    const decision = readDecision(only, out, first, visit.now);
    visit.decisions = [decision];
    visit.strictest = decision;
  };

  /** @type {ReturnType<typeof createDecisionReader>} */
  function readEach(visit, out, first, strictest) {
    visit.decisions = [];
    for (const policy of policies) {
      const offset = first + policy.index * STRIDE;
      if ((out[offset + FLAGS] & LEFT_OUT) !== 0) continue;
      const decision = readDecision(policy, out, offset, visit.now);
      visit.decisions.push(decision);
      if (policy.index === strictest) visit.strictest = decision;
    }
  }
}

/**
 * @param {Policy} policy
 * @param {Float64Array} out
 * @param {number} offset
 * @param {number} now
 */
function readDecision(policy, out, offset, now) {
  const isAllowed = out[offset + ALLOWED] === 1;
  // A denied client is told when it may try again, which is sooner than when it has its whole limit back.
  const resetAt = isAllowed ? out[offset + RESET_AT] : now + out[offset + RETRY_AFTER];
  const decision = new Decision(policy, isAllowed, out[offset + LIMIT], out[offset + USED], resetAt);
  decision.remaining = out[offset + REMAINING];
  decision.isBlocked = (out[offset + FLAGS] & BLOCKED) !== 0;
  return decision;
}

module.exports = { createDecisionReader, createNativeStore, readStandings };
