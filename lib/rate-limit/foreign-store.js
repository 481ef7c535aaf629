'use strict';

const { CarapaceError } = require('../errors');
const { conflict } = require('./options');
const { isThenable } = require('./inputs');
const { Decision, countAt, keyAt } = require('./visit');

/**
 * @typedef {import('./native-store').Store} Store
 * @typedef {import('./policies').Policy} Policy
 * @typedef {InstanceType<typeof import('./visit')['Visit']>} Visit
 * @typedef {{ totalHits: number, resetTime?: Date }} Info
 */

// Each store counts for one limiter: a second `init` would change the window of the first.
const used = new WeakSet();

/** What a store of express-rate-limit's kind cannot do: it counts hits one by one, in its own window. */
const UNABLE = ['burst', 'blockMs', 'costOf'];

/**
 * Makes a limiter's store of one that was written for express-rate-limit: `init`, `get`, `increment`, `decrement`,
 * `resetKey`, `resetAll`, `shutdown`, with promises or without, or the older `incr` with a callback.
 * @param {any} given
 * @param {Policy[]} policies
 * @param {import('./options').Settings} settings
 * @param {(visit: Visit, index: number) => string} keyText
 * @param {(error: unknown) => void} onError of its `init`
 * @returns {Store}
 */
function createForeignStore(given, policies, settings, keyText, onError) {
  const [policy] = policies;
  check(given, policies, settings);
  const increment = incrementOf(given);
  /** @param {unknown} key */
  const named = (key) => `${policy.name}:${key}`;
  initialize(given, policy, settings, onError);

  /** @type {Store} */
  const store = {
    hit(visit) {
      visit.now = Date.now();
      const info = increment(named(keyText(visit, 0)));
      /** @param {Info} known */
      const take = (known) => decide(visit, known);
      return isThenable(info) ? Promise.resolve(info).then(take) : take(info);
    },
    refund(visit) {
      // A hit of a window that is over has gone with it: a store would take it from the next one, or make a key of it.
      const isOver = Date.now() >= (visit.strictest?.resetAt ?? 0);
      return isOver ? undefined : given.decrement(named(keyText(visit, 0)));
    },
    penalty: (keys, _forwarded, points) => repeat(countAt(points, 0) ?? 0, () => increment(named(keyAt(keys, 0)))),
    reward: (keys, points) => repeat(points, () => given.decrement(named(keyAt(keys, 0)))),
    block() {
      throw unable('block');
    },
    async peek(keys) {
      if (typeof given.get !== 'function') throw unable('getKey');
      const info = await given.get(named(keyAt(keys, 0)));
      return info === undefined || info === null ? [] : [decisionOf(policy, info, Date.now())];
    },
    resetKey: (keys) => given.resetKey(named(keyAt(keys, 0))),
    resetAll() {
      if (typeof given.resetAll !== 'function') throw unable('resetAll');
      return given.resetAll();
    },
    close: () => given.shutdown?.(),
  };
  return store;

  /**
   * @param {Visit} visit
   * @param {Info} info
   * @returns {undefined}
   */
  function decide(visit, info) {
    // An answer that comes too late: the request was decided without it.
    if (visit.outcome !== undefined) return;
    const decision = decisionOf(policy, info, visit.now, countAt(visit.limits, 0));
    visit.outcome = 'counted';
    visit.countedBy = store;
    visit.isAllowed = decision.isAllowed;
    visit.decisions = [decision];
    visit.strictest = decision;
  }
}

/**
 * @param {any} given
 * @param {Policy[]} policies
 * @param {import('./options').Settings} settings
 */
function check(given, policies, settings) {
  const isLegacy = typeof given.incr === 'function' && typeof given.increment !== 'function';
  for (const name of [isLegacy ? 'incr' : 'increment', 'decrement', 'resetKey']) {
    if (typeof given[name] === 'function') continue;
    const message = `has no method ${name}, which a store needs`;
    throw new CarapaceError('ERR_CARAPACE_OPTION_TYPE', message, { path: 'rateLimit.store' });
  }
  if (policies.length > 1) throw conflict('store', 'a store of this kind counts for one policy');
  const [policy] = policies;
  const unable = UNABLE.find((name) => /** @type {any} */ (policy)[name] !== undefined);
  if (unable) throw conflict(unable.replace('Of', ''), 'a store of this kind only counts hits one by one');
  if (policy.cost !== 1) throw conflict('cost', 'a store of this kind only counts hits one by one');
  if (settings.adjust) throw conflict('adjust', 'a store of this kind only counts hits one by one');
  if (policy.algorithm !== undefined && policy.algorithm !== 'fixed-window') {
    throw conflict('algorithm', 'a store of this kind has its own, a fixed window');
  }
  if (used.has(given)) throw conflict('store', 'this store counts for another limiter; give each its own');
  used.add(given);
  policy.algorithm = 'fixed-window';
}

/**
 * @param {any} given
 * @returns {(key: string) => any}
 */
function incrementOf(given) {
  if (typeof given.increment === 'function') return (key) => given.increment(key);
  return (key) =>
    new Promise((resolve, reject) => {
      given.incr(key, (/** @type {unknown} */ error, /** @type {number} */ totalHits, /** @type {Date} */ resetTime) =>
        error ? reject(error) : resolve({ totalHits, resetTime }),
      );
    });
}

/**
 * @param {any} given
 * @param {Policy} policy
 * @param {import('./options').Settings} settings
 * @param {(error: unknown) => void} onError
 */
function initialize(given, policy, settings, onError) {
  if (typeof given.init !== 'function') return;
  const pending = given.init({ ...settings, limit: policy.limit, windowMs: policy.windowMs });
  if (isThenable(pending)) Promise.resolve(pending).catch(onError);
}

/**
 * @param {Policy} policy
 * @param {Info} info
 * @param {number} now
 * @param {number} [limit]
 */
function decisionOf(policy, info, now, limit = policy.limit ?? policy.lastLimit) {
  const { totalHits, resetTime } = info ?? {};
  if (!Number.isFinite(totalHits) || totalHits < 0) throw new TypeError(`the store counted ${totalHits} hits`);
  const end = resetTime instanceof Date ? resetTime.getTime() : NaN;
  const isAllowed = policy.isUnlimited || totalHits <= limit;
  return new Decision(policy, isAllowed, limit, totalHits, Number.isNaN(end) ? now + policy.windowMs : end);
}

/**
 * @param {number} times
 * @param {() => unknown} action
 */
async function repeat(times, action) {
  for (let count = 0; count < times; count += 1) await action();
}

/** @param {string} name */
function unable(name) {
  return new CarapaceError('ERR_CARAPACE_OPTION_CONFLICT', `${name}() is more than this store can do`, {
    path: 'rateLimit.store',
  });
}

module.exports = { createForeignStore };
