'use strict';

const { show } = require('../options');
const { peerOf } = require('../client-key');
const { MAX_COUNT } = require('./options');

/**
 * @typedef {import('./policies').Policy} Policy
 * @typedef {InstanceType<typeof import('./visit')['Visit']>} Visit
 * @typedef {(visit: Visit) => import('./visit').Pending} Step
 */

/**
 * Makes the step that finds out under which keys a request counts, what it costs and what its limits are. It gives a
 * promise only when one of the user's functions gives one.
 * @param {Policy[]} policies
 * @param {(request: any) => string} forwardedOf
 * @returns {Step}
 */
function createInputReader(policies, forwardedOf) {
  const fixedCosts = fixedCounts(policies.map(({ cost }) => cost));
  const isFixed = policies.every(({ keyOf, costOf, limitOf }) => !keyOf && !costOf && !limitOf);
  if (isFixed) return readClient;
  const readers = [keysReader(policies, forwardedOf)];
  if (policies.some(({ costOf }) => costOf)) readers.push(costsReader(policies));
  if (policies.some(({ limitOf }) => limitOf)) readers.push(limitsReader(policies));
  return readAll;

  /** @type {Step} */
  function readClient(visit) {
    visit.keys = peerOf(visit.request);
    visit.forwarded = forwardedOf(visit.request);
    visit.costs = fixedCosts;
    return undefined;
  }

  /** @type {Step} */
  function readAll(visit) {
    visit.costs = fixedCosts;
    /** @type {Promise<unknown>[]} */
    const pending = [];
    for (const read of readers) read(visit, pending);
    if (pending.length === 0) return checkLeftOut(visit);
    return Promise.all(pending).then(() => checkLeftOut(visit));
  }
}

/**
 * @param {number[]} costs
 * @returns {import('./visit').Counts}
 */
function fixedCounts(costs) {
  if (costs.every((cost) => cost === 1)) return undefined;
  return costs.length === 1 ? costs[0] : costs;
}

/** @typedef {(visit: Visit, pending: Promise<unknown>[]) => void} Reader */

/**
 * @param {Policy[]} policies
 * @param {(request: any) => string} forwardedOf
 * @returns {Reader}
 */
function keysReader(policies, forwardedOf) {
  const [{ keyOf }] = policies;
  const hasClients = policies.some((policy) => policy.keyOf === undefined);
  const isOne = policies.every((policy) => policy.keyOf === keyOf);
  return function readKeys(visit, pending) {
    const peer = peerOf(visit.request);
    if (hasClients) visit.forwarded = forwardedOf(visit.request);
    if (isOne) {
      visit.keys = peer;
      if (keyOf) {
        ask(keyOf, visit, pending, (key) => (visit.keys = policies.length > 1 ? toKey(key) : toOnlyKey(key)) ?? '');
      }
      return;
    }
    /** @type {(string | undefined)[]} */
    const keys = new Array(policies.length).fill(peer);
    visit.keys = keys;
    for (const policy of policies) {
      if (policy.keyOf) ask(policy.keyOf, visit, pending, (key) => (keys[policy.index] = toKey(key)));
    }
  };
}

/**
 * @param {Policy[]} policies
 * @returns {Reader}
 */
function costsReader(policies) {
  return function readCosts(visit, pending) {
    const costs = policies.map(({ cost }) => cost);
    visit.costs = costs;
    for (const { costOf, index } of policies) {
      if (costOf) ask(costOf, visit, pending, (cost) => (costs[index] = toCount('cost', cost)));
    }
  };
}

/**
 * @param {Policy[]} policies
 * @returns {Reader}
 */
function limitsReader(policies) {
  return function readLimits(visit, pending) {
    /** @type {(number | undefined)[]} */
    const limits = new Array(policies.length).fill(undefined);
    visit.limits = limits;
    for (const policy of policies) {
      const { limitOf, index } = policy;
      if (!limitOf) continue;
      ask(limitOf, visit, pending, (limit) => (limits[index] = policy.lastLimit = toCount('limit', limit)));
    }
  };
}

/**
 * Asks one of the user's functions.
 * @param {(request: any, response: any) => any} from
 * @param {Visit} visit
 * @param {Promise<unknown>[]} pending gets what is not known yet
 * @param {(value: any) => unknown} take
 */
function ask(from, { request, response }, pending, take) {
  const value = from(request, response);
  if (!isThenable(value)) return void take(value);
  const promise = Promise.resolve(value).then(take);
  // Should another function throw before this is waited for, its failure must not end the process.
  promise.catch(ignore);
  pending.push(promise);
}

/**
 * When each policy was left out by a `null`, the request does not count.
 * @param {Visit} visit
 * @returns {undefined}
 */
function checkLeftOut(visit) {
  const { keys } = visit;
  if (keys === undefined || (Array.isArray(keys) && keys.every((key) => key === undefined))) visit.outcome = 'skipped';
}

/** @param {unknown} key */
function toOnlyKey(key) {
  const text = toKey(key);
  if (text !== undefined) return text;
  throw new TypeError('keyGenerator returned null, expected a string; use skip to leave a request out');
}

/**
 * @param {unknown} key
 * @returns {any} undefined leaves the policy out
 */
function toKey(key) {
  if (typeof key === 'string') return key;
  if (typeof key === 'number' || typeof key === 'bigint') return String(key);
  if (key === null) return undefined;
  throw new TypeError(`keyGenerator returned ${show(key)}, expected a string`);
}

/**
 * @param {string} name
 * @param {unknown} count
 * @returns {number}
 */
function toCount(name, count) {
  if (Number.isInteger(count) && Number(count) >= 0 && Number(count) <= MAX_COUNT) return Number(count);
  throw new TypeError(`${name} returned ${show(count)}, expected a whole number from 0 to ${MAX_COUNT}`);
}

/**
 * @param {any} value
 * @returns {value is PromiseLike<any>}
 */
function isThenable(value) {
  return typeof value === 'object' && value !== null && typeof value.then === 'function';
}

function ignore() {}

module.exports = { createInputReader, isThenable, toCount };
