'use strict';

const { spawn, spawnSync } = require('node:child_process');
const { createServer } = require('node:net');
const { setTimeout: pause } = require('node:timers/promises');

const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

/**
 * A Redis of the test's own, in memory, and a client of it. Both end with the test.
 * @param {import('node:test').TestContext} context
 * @returns {Promise<any>} a client of ioredis
 */
async function startRedis(context) {
  const probe = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => probe.once('listening', () => resolve(undefined)));
  const { port } = /** @type {import('node:net').AddressInfo} */ (probe.address());
  await new Promise((resolve) => probe.close(resolve));
  const settings = { port, bind: '127.0.0.1', save: '', appendonly: 'no' };
  const server = spawn(
    'redis-server',
    Object.entries(settings).flatMap(([name, value]) => [`--${name}`, `${value}`]),
  );
  context.after(() => server.kill());
  const ioredis = /** @type {any} */ (require('ioredis'));
  const client = new (ioredis.default ?? ioredis)(port, { lazyConnect: true, retryStrategy: () => 20 });
  client.on('error', () => {});
  context.after(() => client.disconnect());
  for (let tries = 0; tries < 100; tries += 1) {
    if ((await client.ping().catch(() => undefined)) === 'PONG') return client;
    await pause(20);
  }
  throw new Error('Redis did not start');
}

module.exports = { hasRedis, startRedis };
