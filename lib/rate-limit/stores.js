'use strict';

const { findAccess } = require('../host-store');
const { createForeignStore } = require('./foreign-store');
const { createGuardedStore } = require('./guarded-store');
const { createNativeStore } = require('./native-store');
const { readList } = require('./options');
const { findRedis } = require('./redis/access');

/**
 * @typedef {import('./options').Settings} Settings
 * @typedef {import('./policies').Policy} Policy
 * @typedef {InstanceType<typeof import('./visit')['Visit']>} Visit
 * @typedef {import('./native-store').Store} Store
 * @typedef {import('./limiter').Context} Context
 * @typedef {(visit: Visit, index: number) => string} KeyText
 * @typedef {(peer: string, forwarded: string) => number} Listed
 */

/**
 * Opens the store that the settings name, for policies that are decided together.
 * @param {Context} context
 * @param {Policy[]} policies
 * @param {KeyText} keyText
 * @returns {{ store: Store, listed: Listed }}
 */
function openStore(context, policies, keyText) {
  const { settings, report } = context;
  const redis = settings.store && findRedis(settings.store);
  if (redis !== undefined) {
    // Loaded here, so that Redis costs nothing until it is used.
    const { openRedisStore } = require('./redis/store');
    const lists = listsOf(settings);
    const open = (/** @type {Policy[]} */ own) => openLocal(context, own, redis.settings.fallback);
    const store = openRedisStore(redis, { settings, rules: context.resolver.rules, lists, keyText, policies }, open);
    return { store, listed: store.listed };
  }
  const host = settings.store && findAccess(settings.store);
  const local = openLocal(context, policies, host);
  if (host !== undefined) for (const { name, joins } of policies) if (!joins) host.claimName(name);
  if (isCountedInCore(settings)) return { store: local, listed: local.listed };
  const onError = () => report({ type: 'rate-limit.store-failed', action: 'init' });
  const given = createForeignStore(settings.store, policies, settings, keyText, onError);
  return { store: createGuardedStore(given, local, settings, report), listed: local.listed };
}

/**
 * Opens a table in memory.
 * @param {Context} context
 * @param {Policy[]} policies
 * @param {import('../host-store').Access} [host] the table of this process without one
 */
function openLocal({ settings, report, resolver }, policies, host) {
  const { maxKeys, onStoreFailure } = settings;
  const options = { maxKeys, ...listsOf(settings) };
  return createNativeStore(policies, resolver.rules, options, createFullHandler(onStoreFailure, report), host);
}

/**
 * What happens when the table is full of blocked keys and cannot remember a new one: `closed` refuses it, otherwise its
 * first hit is decided as one.
 * @param {string | undefined} onStoreFailure
 * @param {Context['report']} report
 * @returns {(visit: Visit) => void}
 */
function createFullHandler(onStoreFailure, report) {
  let isKnown = false;
  return function onFull(visit) {
    if (onStoreFailure === 'closed') visit.outcome = 'unavailable';
    if (isKnown) return;
    isKnown = true;
    report({ type: 'rate-limit.store-full', action: onStoreFailure ?? 'local' });
  };
}

/**
 * @param {'allowList' | 'denyList'} name
 * @param {Settings} settings
 */
function addresses(name, { [name]: list }) {
  return list === undefined || typeof list === 'function' ? undefined : readList(name, list);
}

/**
 * The lists that the core looks clients up in.
 * @param {Settings} settings
 */
function listsOf(settings) {
  return { allowList: addresses('allowList', settings), denyList: addresses('denyList', settings) };
}

/**
 * Whether a hit is one call into the core, which looks clients up in lists on the way.
 * @param {Settings} settings
 */
function isCountedInCore({ store }) {
  return store === undefined || findAccess(store) !== undefined || findRedis(store) !== undefined;
}

/** @param {Settings} settings */
function hasLists(settings) {
  return Object.values(listsOf(settings)).some((list) => list !== undefined);
}

module.exports = { hasLists, isCountedInCore, openStore };
