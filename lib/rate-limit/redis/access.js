'use strict';

/**
 * What limiters need of a store, kept out of its users' reach.
 * @typedef {object} Access
 * @property {import('./settings').RedisSettings} settings
 * @property {import('./shares').Share['open']} open
 * @property {() => void} tellInstances says once that each instance would allow the whole limit by itself
 */

/** @type {WeakMap<object, Access>} */
const accesses = new WeakMap();

/**
 * @template {object} Store
 * @param {Store} store
 * @param {Access} access
 * @returns {Store}
 */
function keepAccess(store, access) {
  accesses.set(store, access);
  return store;
}

/**
 * What a limiter needs of the store, when `redisStore` made it.
 * @param {object} store
 * @returns {Access | undefined}
 */
function findRedis(store) {
  return accesses.get(store);
}

module.exports = { findRedis, keepAccess };
