'use strict';

const { CarapaceError } = require('../../errors');
const { createDenyCache } = require('./deny-cache');
const { createStandIn } = require('./stand-in');

/**
 * @typedef {import('../options').Settings} Settings
 * @typedef {import('../policies').Policy} Policy
 * @typedef {import('../native-store').Store} Store
 * @typedef {InstanceType<typeof import('../visit')['Visit']>} Visit
 * @typedef {(visit: any, index: number) => string} KeyText
 *
 * What a stage of a limiter says about itself.
 * @typedef {object} Stage
 * @property {Settings} settings
 * @property {Policy[]} policies
 * @property {import('../../native/binding').ClientRules} rules
 * @property {{ allowList?: string[], denyList?: string[] }} lists
 * @property {KeyText} keyText
 */

/**
 * The store of a stage that counts in Redis, and decides without it while it is away. A hit is one call into the core and
 * one call back: there is no promise on the way.
 * @param {import('./access').Access} access
 * @param {Stage} stage
 * @param {(policies: Policy[]) => Store} openLocal opens the table of the process, or of the host
 * @returns {Store & { listed: (peer: string, forwarded: string) => number }}
 */
function openRedisStore(access, { settings, policies, rules, lists, keyText }, openLocal) {
  const action = settings.onStoreFailure ?? access.settings.onStoreFailure;
  const denied = createDenyCache(settings, policies, access.settings.denyCache, keyText);
  const backend = access.open(policies, rules, lists, done);
  const standIn = action === 'local' ? createStandIn(policies, access.settings.instances, openLocal) : undefined;
  if (standIn !== undefined) access.tellInstances();
  /** @type {(visit: Visit) => void} */
  let resume;
  let isClosed = false;

  /**
   * @param {Visit} visit
   * @param {string | undefined} failure
   */
  function done(visit, failure) {
    if (failure !== undefined) decideWithout(visit);
    else {
      visit.outcome = 'counted';
      visit.countedBy = store;
      if (!visit.isAllowed) denied?.remember(visit);
      standIn?.note(visit);
    }
    resume(visit);
  }

  /** @param {Visit} visit */
  function decideWithout(visit) {
    if (standIn !== undefined) standIn.hit(visit);
    else visit.outcome = action === 'open' ? 'skipped' : 'unavailable';
  }

  /** @type {Store & { listed: (peer: string, forwarded: string) => number }} */
  const store = {
    hit(visit, goOn) {
      resume ??= goOn;
      if (denied?.answer(visit)) return undefined;
      if (isClosed) return void decideWithout(visit);
      return backend.hit(visit);
    },
    async refund(visit, keys, costs) {
      standIn?.forget(visit);
      return backend.refund(visit, keys, costs);
    },
    ...createChanges(backend, denied, standIn, () => isClosed),
    async close() {
      isClosed = true;
      await backend.close();
    },
    listed: backend.listed,
  };
  return store;
}

/**
 * The calls about keys. What concerns the whole of a key is done in the stand-in as well, and denials are forgotten, before
 * Redis is told and after it has answered: a denial that was on its way before is known by then.
 * @param {ReturnType<import('./access').Access['open']>} backend
 * @param {ReturnType<typeof createDenyCache>} denied
 * @param {ReturnType<typeof createStandIn> | undefined} standIn
 * @param {() => boolean} isClosed
 * @returns {Omit<Store, 'hit' | 'refund' | 'close'>}
 */
function createChanges(backend, denied, standIn, isClosed) {
  /**
   * @template Answer
   * @param {() => Promise<Answer>} ask
   * @param {(local: Store) => unknown} [repeat]
   * @returns {Promise<Answer>}
   */
  async function change(ask, repeat) {
    if (isClosed()) throw closed();
    denied?.clear();
    if (standIn !== undefined) repeat?.(standIn.local);
    const answer = await ask();
    denied?.clear();
    return answer;
  }
  /** @param {(local: Store) => unknown} reset */
  const forgetting = (reset) => (/** @type {Store} */ local) => {
    standIn?.forgetAll();
    return reset(local);
  };
  return {
    penalty: (keys, forwarded, points, limits) => change(() => backend.penalty(keys, forwarded, points, limits)),
    reward(keys, points) {
      const ask = () => backend.reward(keys, points);
      return change(ask, (local) => local.reward(keys, points));
    },
    block(keys, forwarded, durationMs) {
      const ask = () => backend.block(keys, forwarded, durationMs);
      return change(ask, (local) => local.block(keys, forwarded, durationMs));
    },
    peek: async (keys, forwarded) => (isClosed() ? Promise.reject(closed()) : backend.peek(keys, forwarded)),
    resetKey(keys, forwarded) {
      const ask = () => backend.resetKey(keys, forwarded);
      const reset = forgetting((local) => local.resetKey(keys, forwarded));
      return change(ask, reset);
    },
    resetAll() {
      const reset = forgetting((local) => local.resetAll());
      return change(() => backend.resetAll(), reset);
    },
  };
}

function closed() {
  return new CarapaceError('ERR_CARAPACE_STORE_UNAVAILABLE', 'the limiter is closed', {
    status: 503,
    type: 'rate-limit.unavailable',
  });
}

module.exports = { openRedisStore };
