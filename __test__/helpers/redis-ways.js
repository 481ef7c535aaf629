'use strict';

const { after, before, describe } = require('node:test');
const Redis = require('ioredis');
const { createClient } = require('redis');
const { redisStore } = require('../..');
const native = require('../../lib/loader');
const { hasRedis, startRedis } = require('./redis/server');

/**
 * @typedef {import('node:test').TestContext} TestContext
 * @typedef {import('./redis/server').RedisServer} RedisServer
 * @typedef {{ port: number, url: string }} Place a server, or what stands in front of one
 * @typedef {import('../..').RedisStoreOptions} Options
 * @typedef {(context: TestContext, place: Place, options?: Options) => Promise<import('../..').RedisStore>} Way
 */

let stores = 0;

/** Prefixes are fresh, so that no test sees the keys of another. */
function freshPrefix() {
  stores += 1;
  return `test-${process.pid}-${stores}:`;
}

/**
 * A client of ioredis that is connected.
 * @param {TestContext} context
 * @param {Place} place
 * @param {import('ioredis').RedisOptions} [options]
 */
async function openIoredis(context, { port }, options = {}) {
  const client = new Redis(port, '127.0.0.1', { retryStrategy: () => 20, ...options });
  context.after(() => client.disconnect());
  await new Promise((resolve) => client.once('ready', () => resolve(undefined)));
  return client;
}

/**
 * A client of node-redis that is connected.
 * @param {TestContext} context
 * @param {Place} place
 */
async function openNodeRedis(context, { url }) {
  const client = createClient({ url, socket: { reconnectStrategy: 20 } });
  client.on('error', () => {});
  context.after(() => client.destroy());
  await client.connect();
  return client;
}

/**
 * @param {TestContext} context
 * @param {Options} options
 */
function open(context, options) {
  const store = redisStore({ prefix: freshPrefix(), timeoutMs: 10_000, ...options });
  context.after(() => store.close());
  return store;
}

/** Every way to a Redis, by name. @type {Record<string, Way>} */
const WAYS = {
  ioredis: async (context, place, options) => open(context, { client: await openIoredis(context, place), ...options }),
  'node-redis': async (context, place, options) =>
    open(context, { client: await openNodeRedis(context, place), ...options }),
  sendCommand: async (context, place, options) => {
    // Behind a bare function nothing keeps ioredis from sending what was under way once more.
    const client = await openIoredis(context, place, { autoResendUnfulfilledCommands: false });
    return open(context, { sendCommand: (name, ...args) => client.call(name, ...args), ...options });
  },
};
if (/** @type {any} */ (native).RedisLine?.open !== undefined) {
  WAYS['its own connections'] = async (context, { url }, options) => open(context, { url, ...options });
}

/**
 * Runs the tests of a group on each way to a real server.
 * @param {string} title
 * @param {(kit: { server: () => RedisServer, open: (context: TestContext, options?: Options) => ReturnType<Way>, way: Way, name: string }) => void} define
 */
function onEachWay(title, define) {
  const skip = !hasRedis() && 'needs redis-server';
  describe(title, { skip, timeout: 120_000 }, () => {
    /** @type {RedisServer} */
    let server;
    before(async () => {
      server = await startRedis();
    });
    after(() => server.stop());
    for (const [name, way] of Object.entries(WAYS)) {
      describe(`over ${name}`, () => {
        define({ server: () => server, open: (context, options) => way(context, server, options), way, name });
      });
    }
  });
}

module.exports = { freshPrefix, onEachWay, openIoredis, openNodeRedis };
