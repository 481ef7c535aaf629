'use strict';

const { isIP } = require('node:net');
const { isThenable } = require('./inputs');
const { badType, badValue, checkNumber, MAX_COUNT } = require('./options');
const { describeKey } = require('./request-info');

/**
 * @typedef {import('./native-store').Store} Store
 * @typedef {import('./policies').Policy} Policy
 * @typedef {{ policies: Policy[], store: Store }} Stage
 */

const ADDRESS_WITH_PREFIX = /^([0-9a-f:.]{2,45})\/\d{1,3}$/i;
const MAX_BLOCK_MS = 31_536_000_000;

/**
 * A limiter's own methods. A key is what `keyGenerator` returns, or a client's address, or `request.rateLimit.key`; they
 * concern every policy, or the one that is named. With the table of the process they answer at once, with a store that
 * gives promises by a promise.
 * @param {Stage[]} stages
 */
function createMethods(stages) {
  /** @param {(stage: Stage) => unknown} action */
  const onEach = (action) => {
    const results = stages.map(action);
    return results.some(isThenable) ? Promise.all(results).then(() => undefined) : undefined;
  };
  /** @param {unknown} key @param {string | undefined} name @param {(store: Store, keys: any) => unknown} action */
  const onKey = (key, name, action) => {
    const named = stagesOf(stages, name);
    return onEach((stage) => (named.includes(stage) ? action(stage.store, keysOf(stage, key, name)) : undefined));
  };
  return {
    /** @param {string} key @param {string} [policy] */
    getKey(key, policy) {
      const found = stagesOf(stages, policy).map((stage) => stage.store.peek(keysOf(stage, key, policy), ''));
      if (!found.some(isThenable)) return describeKey(/** @type {any} */ (found.flat()), String(key));
      return Promise.all(found).then((decisions) => describeKey(decisions.flat(), String(key)));
    },
    /** @param {string} key @param {string} [policy] */
    resetKey: (key, policy) => onKey(key, policy, (store, keys) => store.resetKey(keys, '')),
    resetAll: () => onEach(({ store }) => store.resetAll()),
    /** @param {string} key @param {number} [points] @param {string} [policy] */
    penalty(key, points = 1, policy) {
      checkAmount('points', points, MAX_COUNT);
      return onKey(key, policy, (store, keys) => store.penalty(keys, '', points));
    },
    /** @param {string} key @param {number} [points] @param {string} [policy] */
    reward(key, points = 1, policy) {
      checkAmount('points', points, MAX_COUNT);
      return onKey(key, policy, (store, keys) => store.reward(keys, points));
    },
    /** @param {string} key @param {number} durationMs @param {string} [policy] */
    block(key, durationMs, policy) {
      checkAmount('durationMs', durationMs, MAX_BLOCK_MS);
      return onKey(key, policy, (store, keys) => store.block(keys, '', durationMs));
    },
    close: () => onEach(({ store }) => store.close()),
  };
}

/**
 * @param {string} name
 * @param {unknown} amount
 * @param {number} most
 */
function checkAmount(name, amount, most) {
  if (typeof amount !== 'number') throw badType(name, amount, 'a number');
  checkNumber(name, amount, 0, most);
}

/**
 * @param {Stage[]} stages
 * @param {string} [name]
 */
function stagesOf(stages, name) {
  if (name === undefined) return stages;
  const found = stages.filter(({ policies }) => policies.some((policy) => policy.name === name));
  if (found.length > 0) return found;
  const known = stages.flatMap(({ policies }) => policies.map((policy) => policy.name));
  throw badValue('policy', JSON.stringify(name), `one of ${known.join(', ')}`);
}

/**
 * @param {Stage} stage
 * @param {unknown} key
 * @param {string} [name]
 */
function keysOf({ policies }, key, name) {
  if (typeof key !== 'string' && typeof key !== 'number') throw badType('key', key, 'a string');
  const text = String(key);
  const [, address = ''] = ADDRESS_WITH_PREFIX.exec(text) ?? [];
  const client = isIP(address) ? address : text;
  return policies.map((policy) => {
    if (name !== undefined && policy.name !== name) return undefined;
    return policy.keyOf ? text : client;
  });
}

module.exports = { createMethods };
