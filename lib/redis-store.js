'use strict';

const { createReporter } = require('./events');
const { readOptions } = require('./options');
const { keepAccess } = require('./rate-limit/redis/access');

/** @type {import('./options').OptionTable} */
const OPTIONS = {
  url: 'string',
  urls: 'array',
  cluster: 'boolean',
  sentinel: {
    type: 'object',
    keys: { name: { type: 'string', required: true }, username: 'string', password: 'string' },
  },
  username: 'string',
  password: 'string',
  db: 'number',
  tls: {
    type: 'object|boolean',
    keys: { ca: 'string', cert: 'string', key: 'string', servername: 'string' },
  },
  client: 'object|function',
  sendCommand: 'function',
  prefix: 'string',
  secret: 'string|object',
  timeoutMs: 'number',
  connectTimeoutMs: 'number',
  pool: 'number',
  onStoreFailure: { type: 'string', oneOf: ['local', 'open', 'closed'] },
  fallback: 'string|object',
  instances: 'number',
  denyCache: 'number|boolean',
  onEvent: 'function',
};

/**
 * @param {import('../index').RedisStoreOptions} [options]
 * @returns {import('../index').RedisStore}
 */
function redisStore(options) {
  return createStore('redisStore', readOptions('redisStore', options, OPTIONS));
}

/**
 * The store of the short form, `store: 'redis://…'`.
 * @param {string} url
 * @returns {import('../index').RedisStore}
 */
function redisStoreAt(url) {
  return createStore('rateLimit.store', { url });
}

/**
 * @param {string} path the root of the paths in errors
 * @param {Record<string, any>} given
 */
function createStore(path, given) {
  // Loaded here, so that Redis costs nothing until it is used.
  const { readAddress } = require('./rate-limit/redis/address');
  const { checkSettings } = require('./rate-limit/redis/settings');
  const { shareOf } = require('./rate-limit/redis/shares');
  const settings = checkSettings(path, given);
  const address = readAddress(path, given);
  const report = createReporter('redis-store', given.onEvent);
  const share = shareOf(path, address, settings, report);
  const store = Object.freeze({ status: share.status, close: share.close });
  return keepAccess(store, { settings, open: share.open, tellInstances: createTeller(settings, report) });
}

/**
 * With one `instances` each process would allow the whole limit while Redis is away: right for one process, and worth a
 * line in the log for several.
 * @param {import('./rate-limit/redis/settings').RedisSettings} settings
 * @param {ReturnType<typeof createReporter>} report
 */
function createTeller({ isInstancesGiven }, report) {
  let isTold = isInstancesGiven;
  return function tellInstances() {
    if (isTold) return;
    isTold = true;
    report({ type: 'redis-store.one-instance', rule: 'instances', action: 'local' });
  };
}

module.exports = { OPTIONS, redisStore, redisStoreAt };
