'use strict';

const rig = require('./redis/server');

const hasRedis = rig.hasRedis();

/**
 * A Redis of the test's own, in memory, and a client of it. Both end with the test.
 * @param {import('node:test').TestContext} context
 * @returns {Promise<any>} a client of ioredis
 */
async function startRedis(context) {
  const server = await rig.startRedis();
  context.after(() => server.stop());
  const ioredis = /** @type {any} */ (require('ioredis'));
  const client = new (ioredis.default ?? ioredis)(server.port);
  client.on('error', () => {});
  context.after(() => client.disconnect());
  return client;
}

module.exports = { hasRedis, startRedis };
