'use strict';

const { CarapaceError } = require('../errors');
const { readOptions } = require('../options');
const { MAX_COUNT, POLICY_OPTIONS, badType, badValue, checkNumber, conflict, typeOf } = require('./options');

/**
 * One rule of a limiter.
 * @typedef {object} Policy
 * @property {string} name
 * @property {boolean} isNamed whether the user named it
 * @property {string | undefined} identity what it is known as in this process instead of by its name; for a chain
 * @property {boolean} joins whether it counts together with the last one of its name or identity, as in another limiter
 * @property {{ allowed: number, denied: number }} tally what was decided so far
 * @property {number} index among the policies of its stage
 * @property {number | undefined} limit as clients see it; undefined when it depends on the request
 * @property {((request: any, response: any) => any) | undefined} limitOf
 * @property {number} windowMs
 * @property {string | undefined} algorithm
 * @property {number | undefined} burst
 * @property {number | undefined} blockMs
 * @property {number} cost
 * @property {((request: any, response: any) => any) | undefined} costOf
 * @property {((request: any, response: any) => any) | undefined} keyOf
 * @property {boolean} needsBody
 * @property {boolean} isUnlimited whether it only counts: `delay` without `limit`
 * @property {number} lastLimit what `limitOf` said last, for calls that know no request
 */

const DEFAULT_WINDOW_MS = 60_000;
// A structured field String (RFC 9651, section 3.3.3) that needs no escape.
const POLICY_NAME = /^[A-Za-z0-9 _.:/-]{1,64}$/;
// What each of `policies` may have, and all of them have unless they say otherwise.
const SHARED = ['windowMs', 'algorithm', 'burst', 'block', 'blockMs', 'cost', 'keyGenerator', 'needsBody'];

/**
 * The policies of a limiter in the order of the options.
 * @param {import('./options').Settings} settings
 * @returns {Policy[]}
 */
function readPolicies(settings) {
  if (settings.policies === undefined) return [createPolicy(settings, '', settings.delay)];
  if (settings.policies.length === 0) throw badValue('policies', 'an empty list', '1 to 16 policies');
  const shared = Object.fromEntries(SHARED.map((name) => [name, settings[name]]));
  const names = new Set();
  return Array.from(settings.policies, (entry, index) => {
    const path = `policies[${index}].`;
    if (typeOf(entry) !== 'object') throw badType(`policies[${index}]`, entry, 'an object');
    const own = readOptions(`rateLimit.policies[${index}]`, entry, POLICY_OPTIONS);
    for (const name of ['name', 'limit']) {
      if (own[name] !== undefined) continue;
      throw new CarapaceError('ERR_CARAPACE_OPTION_REQUIRED', 'is required', { path: `rateLimit.${path}${name}` });
    }
    if (names.has(own.name)) throw conflict(`${path}name`, 'another policy of this limiter has the same name');
    names.add(own.name);
    const block = own.block ?? own.blockMs;
    const blocks = block === undefined ? {} : { block: undefined, blockMs: undefined };
    return createPolicy({ ...shared, ...blocks, ...own }, path);
  });
}

/**
 * @param {import('./options').Settings} settings
 * @param {string} path what stands before the options' names in errors
 * @param {import('./options').Settings} [delay]
 * @returns {Policy}
 */
function createPolicy(settings, path, delay) {
  const { name = 'default', windowMs = DEFAULT_WINDOW_MS, algorithm, burst, cost = 1, keyGenerator } = settings;
  if (!POLICY_NAME.test(name)) {
    throw badValue(
      `${path}name`,
      JSON.stringify(name.slice(0, 80)),
      '1 to 64 letters, digits, spaces or any of _ . : / -',
    );
  }
  if (settings.block && settings.blockMs !== undefined) throw conflict(`${path}blockMs`, 'is set in block as well');
  checkNumber(`${path}cost`, cost, 0, MAX_COUNT);
  const isUnlimited = settings.limit === undefined;
  const limit = isUnlimited ? (delay?.after ?? 1) : settings.limit;
  return {
    name,
    isNamed: settings.name !== undefined,
    identity: undefined,
    joins: false,
    tally: { allowed: 0, denied: 0 },
    index: 0,
    limit: typeof limit === 'function' ? undefined : limit,
    limitOf: isUnlimited || typeof limit !== 'function' ? undefined : limit,
    windowMs,
    algorithm,
    burst,
    blockMs: settings.block?.durationMs ?? settings.blockMs,
    cost: typeof cost === 'function' ? 1 : cost,
    costOf: typeof cost === 'function' ? cost : undefined,
    keyOf: keyGenerator,
    needsBody: settings.needsBody ?? false,
    isUnlimited,
    lastLimit: MAX_COUNT,
  };
}

/**
 * A policy as the core takes it.
 * @param {Policy} policy
 * @param {boolean} isShared whether other processes know it, by its name
 */
function toNative(
  { name, isNamed, identity, joins, limit, limitOf, isUnlimited, windowMs, algorithm, burst, blockMs, keyOf },
  isShared,
) {
  return {
    name: isShared ? name : (identity ?? (isNamed ? name : undefined)),
    joins,
    hasGivenKeys: keyOf !== undefined,
    limit: limit === undefined || limitOf || isUnlimited ? MAX_COUNT : limit,
    windowMs,
    algorithm,
    burst,
    blockMs,
  };
}

module.exports = { readPolicies, toNative };
