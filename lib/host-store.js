'use strict';

const { isAbsolute, join, resolve } = require('node:path');
const native = require('./loader');
const { CarapaceError, configure } = require('./errors');
const { createReporter } = require('./events');
const { readOptions } = require('./options');

/** @type {import('./options').OptionTable} */
const OPTIONS = {
  path: 'string',
  maxKeys: 'number',
  onEvent: 'function',
};

/** @typedef {import('./native/binding').HostStoreFile} Handle */

/**
 * What limiters need of a store, kept out of its users' reach.
 * @typedef {{ handle: Handle, claimName: (name: string) => void, tellChanges: (count: number) => void }} Access
 */

/** @type {WeakMap<object, Access>} */
const accesses = new WeakMap();

/**
 * @param {import('../index').HostStoreOptions} [options]
 * @returns {import('../index').HostStore}
 */
function hostStore(options) {
  const { path = defaultPath(), maxKeys, onEvent } = readOptions('hostStore', options, OPTIONS);
  if (path === '' || path.includes('\0')) {
    throw new CarapaceError('ERR_CARAPACE_OPTION_VALUE', 'expected the path of a file', { path: 'hostStore.path' });
  }
  const file = resolve(path);
  const handle = configure('hostStore', () => native.HostStoreFile.open({ path: file, maxKeys }));
  const report = createReporter('host-store', onEvent);
  const { damage } = handle;
  if (damage) report({ type: 'host-store.replaced', rule: damage, action: 'recreate' });
  const store = Object.freeze({ path: file });
  accesses.set(store, { handle, claimName: createNameList(), tellChanges: createTeller(handle, report) });
  return store;
}

/**
 * The file of this user and this app: the app is known by its working directory, which the processes of a cluster share.
 */
function defaultPath() {
  // Loaded here, because limiters know of this module that use no host store.
  const { createHash } = require('node:crypto');
  const { tmpdir } = require('node:os');
  const runtime = process.env.XDG_RUNTIME_DIR;
  const user = process.geteuid?.() ?? 0;
  const folder =
    runtime !== undefined && isAbsolute(runtime) ? join(runtime, 'carapace') : join(tmpdir(), `carapace-${user}`);
  const app = createHash('sha256').update(process.cwd()).digest('hex').slice(0, 16);
  return join(folder, `${app}.store`);
}

/** Names tell policies apart in all processes, so two limiters of one name would count each request twice. */
function createNameList() {
  /** @type {Set<string>} */
  const names = new Set();
  /** @param {string} name */
  return function claimName(name) {
    if (names.has(name)) {
      const message = `another limiter of this store has the name ${JSON.stringify(name)}; give each its own`;
      throw new CarapaceError('ERR_CARAPACE_OPTION_CONFLICT', message, { path: 'rateLimit.name' });
    }
    names.add(name);
  };
}

/**
 * @param {Handle} handle
 * @param {ReturnType<typeof createReporter>} report
 */
function createTeller(handle, report) {
  let told = 0;
  /** @param {number} count how many changes there were */
  return function tellChanges(count) {
    if (count === told) return;
    told = count;
    for (const { kind, reason } of handle.takeChanges()) {
      const action = kind === 'remade' ? 'recreate' : kind === 'followed' ? 'follow' : 'keep';
      report({ type: `host-store.${kind}`, ...(reason !== undefined && { rule: reason }), action });
    }
  };
}

/**
 * What a limiter needs of the store, when `hostStore` made it.
 * @param {object} store
 * @returns {Access | undefined}
 */
function findAccess(store) {
  return accesses.get(store);
}

module.exports = { OPTIONS, findAccess, hostStore };
