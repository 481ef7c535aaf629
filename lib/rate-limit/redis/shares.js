'use strict';

const { CarapaceError } = require('../../errors');
const { openClientLine } = require('./client-backend');
const { createClient } = require('./clients');
const { createBackend, unavailable } = require('./backend');
const { openNativeLine } = require('./native-backend');

/**
 * @typedef {import('./address').Address} Address
 * @typedef {import('./settings').RedisSettings} Settings
 * @typedef {import('../policies').Policy} Policy
 * @typedef {InstanceType<typeof import('../visit')['Visit']>} Visit
 *
 * How batches get to Redis: over a client of the user's, or over our own connections.
 * @typedef {object} Transport
 * @property {ReturnType<typeof import('./line')['createLine']>} line
 * @property {() => { state: string, circuit: string, lastError?: string, nodes?: unknown[] }} status
 * @property {(pattern: string) => Promise<number>} [resetAll] where the core cannot do it
 * @property {() => void} close
 *
 * One connection set, whoever uses it.
 * @typedef {object} Entry
 * @property {Transport | undefined} transport open while a limiter uses it
 * @property {number} users
 * @property {Set<(isUp: boolean, reason: string) => void>} listeners
 */

/** @typedef {ReturnType<typeof shareOf>} Share */

/** Connection sets by configuration. @type {Map<string, Entry>} */
const byText = new Map();
/** Those of clients and functions of the user's. @type {WeakMap<object, Map<string, Entry>>} */
const byClient = new WeakMap();
/**
 * Names of policies by what their keys depend on: two of one name would count each request twice.
 * @type {Map<string, Set<string>>}
 */
const namesByText = new Map();
/** @type {WeakMap<object, Map<string, Set<string>>>} */
const namesByClient = new WeakMap();

/**
 * A store's part in the connection set that its configuration means.
 * @param {string} path
 * @param {Address} address
 * @param {Settings} settings
 * @param {(fields: { type: string, rule?: string, action: string }) => void} report
 */
function shareOf(path, address, settings, report) {
  // Made at once, so that what is no client is told where the store is made.
  const client = 'connection' in address ? undefined : createClient(path, address);
  const entry = findEntry(address, settings);
  const names = findNames(address, settings);
  /** @type {Set<() => Promise<void>>} */
  const open = new Set();
  /** @param {boolean} isUp @param {string} reason */
  const listener = (isUp, reason) =>
    report({
      type: isUp ? 'redis-store.up' : 'redis-store.down',
      rule: reason,
      action: isUp ? 'redis' : settings.onStoreFailure,
    });

  function connect() {
    /** @param {boolean} isUp @param {string} reason */
    const tell = (isUp, reason) => entry.listeners.forEach((each) => each(isUp, reason));
    return 'connection' in address
      ? openNativeLine(address.connection, settings, tell)
      : openClientLine(/** @type {import('./clients').Client} */ (client), settings, tell);
  }

  return {
    /**
     * @param {Policy[]} policies
     * @param {import('../../native/binding').ClientRules} rules
     * @param {{ allowList?: string[], denyList?: string[] }} lists
     * @param {(visit: Visit, failure: string | undefined) => void} done
     */
    open(policies, rules, lists, done) {
      const release = claim(names, policies);
      try {
        const transport = (entry.transport ??= connect());
        const backend = createBackend(transport.line, policies, rules, lists, done);
        entry.users += 1;
        entry.listeners.add(listener);
        const close = once(async () => {
          open.delete(close);
          release();
          await transport.line.drained();
          leave(entry);
          if (open.size === 0) entry.listeners.delete(listener);
        });
        open.add(close);
        return { ...backend, ...resetAllOf(transport, policies), close };
      } catch (error) {
        release();
        throw error;
      }
    },
    /** @returns {any} */
    status: () => entry.transport?.status() ?? { state: 'closed', circuit: 'closed' },
    async close() {
      await Promise.all([...open].map((each) => each()));
    },
  };
}

/**
 * @param {Transport} transport
 * @param {Policy[]} policies
 */
function resetAllOf({ resetAll, line }, policies) {
  if (resetAll === undefined) return {};
  return {
    resetAll: () =>
      Promise.all(policies.map(({ name }) => resetAll(line.raw.resetPattern(name)))).catch((error) => {
        throw error instanceof CarapaceError ? error : unavailable('down');
      }),
  };
}

/** @param {Entry} entry */
function leave(entry) {
  entry.users -= 1;
  if (entry.users > 0) return;
  entry.transport?.close();
  entry.transport = undefined;
}

/** @returns {Entry} */
const createEntry = () => ({ transport: undefined, users: 0, listeners: new Set() });
const createNames = () => /** @type {Set<string>} */ (new Set());

/**
 * @param {Address} address
 * @param {Settings} settings
 * @returns {Entry}
 */
function findEntry(address, { prefix, secret, timeoutMs }) {
  const about = [prefix, secret, timeoutMs];
  if ('connection' in address) return findOrMake(byText, [address.connection, about], createEntry);
  return findOrMake(mapOf(byClient, ownerOf(address)), about, createEntry);
}

/**
 * @param {Address} address
 * @param {Settings} settings
 */
function findNames(address, { prefix, secret }) {
  if (!('connection' in address)) {
    return findOrMake(mapOf(namesByClient, ownerOf(address)), [prefix, secret], createNames);
  }
  const { nodes, masterName, db } = address.connection;
  return findOrMake(namesByText, [nodes, masterName, db, prefix, secret], createNames);
}

/**
 * @param {Exclude<Address, { connection: unknown }>} address
 * @returns {object}
 */
function ownerOf(address) {
  return 'client' in address ? address.client : address.sendCommand;
}

/**
 * @template Value
 * @param {WeakMap<object, Map<string, Value>>} maps
 * @param {object} owner
 */
function mapOf(maps, owner) {
  const known = maps.get(owner);
  if (known !== undefined) return known;
  const made = new Map();
  maps.set(owner, made);
  return made;
}

/**
 * @template Value
 * @param {Map<string, Value>} values
 * @param {unknown[]} about
 * @param {() => Value} make
 * @returns {Value}
 */
function findOrMake(values, about, make) {
  const text = JSON.stringify(about);
  const known = values.get(text);
  if (known !== undefined) return known;
  const made = make();
  values.set(text, made);
  return made;
}

/**
 * @param {Set<string>} names
 * @param {Policy[]} policies
 */
function claim(names, policies) {
  // One that joins counts with the one of its name on purpose.
  const own = policies.filter(({ joins }) => !joins);
  const taken = own.find(({ name }) => names.has(name));
  if (taken !== undefined) {
    const message = `another limiter of this store has the name ${JSON.stringify(taken.name)}; give each its own`;
    throw new CarapaceError('ERR_CARAPACE_OPTION_CONFLICT', message, { path: 'rateLimit.name' });
  }
  for (const { name } of own) names.add(name);
  return () => own.forEach(({ name }) => names.delete(name));
}

/**
 * @param {() => Promise<void>} action
 * @returns {() => Promise<void>}
 */
function once(action) {
  /** @type {Promise<void> | undefined} */
  let result;
  return () => (result ??= action());
}

module.exports = { shareOf };
