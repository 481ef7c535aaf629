'use strict';

const { isThenable } = require('./inputs');

/**
 * @typedef {import('./native-store').Store} Store
 * @typedef {InstanceType<typeof import('./visit')['Visit']>} Visit
 */

// After so many failures in a row the store is left alone for a while, and then asked by one request.
const FAILURES = 3;
const PAUSE_MS = 1_000;
const DEFAULT_TIMEOUT_MS = 1_000;

/**
 * Puts a limit on how long a store may take, and decides when it fails: `local` counts in the table of the process, `open`
 * lets the request pass, `closed` refuses it. A hit that was given up is never tried again.
 * @param {Store} store
 * @param {Store} local
 * @param {import('./options').Settings} settings
 * @param {(fields: { type: string, action: string }) => void} report
 * @returns {Store}
 */
function createGuardedStore(store, local, { onStoreFailure = 'local', storeTimeoutMs = DEFAULT_TIMEOUT_MS }, report) {
  let failures = 0;
  let isDown = false;
  let askAgainAt = 0;
  /** @type {Record<string, (visit: Visit) => import('./visit').Pending>} */
  const withoutStore = {
    local: (visit) => local.hit(visit, goOnAtOnce),
    open: (visit) => settle(visit, 'skipped'),
    closed: (visit) => settle(visit, 'unavailable'),
  };
  const decide = withoutStore[onStoreFailure];

  return {
    ...store,
    hit(visit) {
      const now = performance.now();
      if (failures >= FAILURES) {
        if (now < askAgainAt) return decide(visit);
        askAgainAt = now + PAUSE_MS;
      }
      let pending;
      try {
        pending = store.hit(visit, goOnAtOnce);
      } catch {
        return fail(visit);
      }
      if (!isThenable(pending)) return succeed();
      return withTimeout(pending, storeTimeoutMs).then(succeed, () => fail(visit));
    },
    close() {
      local.close();
      return store.close();
    },
  };

  /** @returns {undefined} */
  function succeed() {
    failures = 0;
    if (!isDown) return;
    isDown = false;
    report({ type: 'rate-limit.store-recovered', action: 'store' });
  }

  /** @param {Visit} visit */
  function fail(visit) {
    failures += 1;
    askAgainAt = performance.now() + PAUSE_MS;
    if (!isDown) {
      isDown = true;
      report({ type: 'rate-limit.store-failed', action: onStoreFailure });
    }
    return decide(visit);
  }
}

/** These stores do not call back. */
function goOnAtOnce() {}

/**
 * @param {Visit} visit
 * @param {import('./visit').Outcome} outcome
 * @returns {undefined}
 */
function settle(visit, outcome) {
  visit.outcome = outcome;
}

/**
 * @param {PromiseLike<unknown>} pending
 * @param {number} timeoutMs
 * @returns {Promise<unknown>}
 */
function withTimeout(pending, timeoutMs) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(reject, timeoutMs, new Error('the store did not answer in time'));
    pending.then(
      () => {
        clearTimeout(timer);
        resolve(undefined);
      },
      (error) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}

module.exports = { createGuardedStore };
