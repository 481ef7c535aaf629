'use strict';

// The servers and faults that the tests of the Redis store stand on do what they say.

const assert = require('node:assert/strict');
const { existsSync } = require('node:fs');
const { describe, it } = require('node:test');
const { startCluster } = require('./helpers/redis/cluster');
const { startFaultProxy } = require('./helpers/redis/fault-proxy');
const { startSentinels } = require('./helpers/redis/sentinel');
const { hasRedis, hasTls, startRedis } = require('./helpers/redis/server');
const { until } = require('./helpers/redis/until');
const { ask, connect } = require('./helpers/redis/wire');

const skip = hasRedis() ? false : 'redis-server is missing';
const withTls = { skip: !skip && !hasTls() && 'this server was built without TLS' };

/**
 * @param {import('node:test').TestContext} context
 * @param {import('./helpers/redis/server').ServerOptions} [options]
 */
async function serve(context, options) {
  const server = await startRedis(options);
  context.after(() => server.stop());
  return server;
}

/** Resolves with 'silent' when nothing comes for so long. @param {Promise<any>} promise @param {number} ms */
function orSilence(promise, ms) {
  return Promise.race([promise, new Promise((resolve) => setTimeout(() => resolve('silent'), ms).unref())]);
}

describe('a Redis server for tests', { skip }, () => {
  it('answers, dies, comes back empty on the same port and leaves no files', async (context) => {
    const server = await serve(context);
    await server.command('SET', 'key', 'value with\r\na line break');
    assert.equal(await server.command('GET', 'key'), 'value with\r\na line break');
    await server.kill();
    await assert.rejects(server.command('PING'), /ECONNREFUSED/);
    await server.start();
    assert.equal(await server.command('GET', 'key'), null);
    await server.stop();
    assert.equal(existsSync(server.dir), false);
  });

  it('keeps silent while paused, and answers afterwards', async (context) => {
    const server = await serve(context);
    server.pause();
    const late = server.command('PING');
    assert.equal(await orSilence(late, 100), 'silent');
    server.resume();
    assert.equal(await late, 'PONG');
  });

  it('asks for its password, and knows the users of its ACL', async (context) => {
    const server = await serve(context, { password: 'open sesame', acl: ['user app on >secret ~rl:* +get'] });
    const { port } = server;
    await assert.rejects(ask({ port }, 'PING'), /^Error: NOAUTH/);
    await assert.rejects(ask({ port, password: 'wrong' }, 'PING'), /^Error: WRONGPASS/);
    assert.equal(await ask({ port, username: 'app', password: 'secret' }, 'GET', 'rl:1'), null);
    await assert.rejects(ask({ port, username: 'app', password: 'secret' }, 'GET', 'other'), /^Error: NOPERM/);
  });

  it('speaks TLS with a certificate that only its own authority vouches for', withTls, async (context) => {
    const server = await serve(context, { tls: true });
    assert.equal(await server.command('PING'), 'PONG');
    const { port, certificates } = server;
    const stranger = ask({ port, tls: { ca: certificates?.stranger, servername: 'localhost' } }, 'PING');
    await assert.rejects(stranger, /unable to verify|self.signed/);
  });

  it('listens on a socket file', async (context) => {
    const { path } = await serve(context, { unix: true });
    assert.equal(await ask({ path }, 'PING'), 'PONG');
  });

  it('refuses writes at its memory limit', async (context) => {
    const server = await serve(context, { maxmemory: '1mb' });
    await assert.rejects(async () => {
      for (let index = 0; index < 20; index += 1) await server.command('SET', `key${index}`, 'x'.repeat(100_000));
    }, /^Error: OOM/);
  });
});

describe('a Redis cluster for tests', { skip }, () => {
  it('shares the slots, moves some with their keys, and survives a dead master', async (context) => {
    const cluster = await startCluster();
    context.after(() => cluster.stop());
    const key = 'rl:3758'; // among the first five slots of the first master
    const slot = await cluster.nodes[0].command('CLUSTER', 'KEYSLOT', key);
    const owner = /** @type {import('./helpers/redis/server').RedisServer} */ (await cluster.owner(slot));
    await owner.command('SET', key, 'kept');
    const from = cluster.nodes.indexOf(owner);
    const to = (from + 1) % 3;
    const moved = await cluster.reshard(from, to, 5);
    assert.ok(moved.includes(slot));
    assert.equal(await cluster.owner(slot), cluster.nodes[to]);
    assert.equal(await cluster.nodes[to].command('GET', key), 'kept');
    await assert.rejects(owner.command('GET', key), /^Error: MOVED/);
    await cluster.nodes[2].kill();
    await cluster.settled();
  });

  it('replaces a dead master by its replica', async (context) => {
    const cluster = await startCluster({ replicas: 1 });
    context.after(() => cluster.stop());
    await cluster.nodes[0].kill();
    const [, , , replica] = cluster.nodes;
    await until(async () => (await cluster.owner(0)) === replica, 'the replica to take over');
    await cluster.settled();
    assert.equal((await replica.command('ROLE'))[0], 'master');
  });
});

describe('a sentinel trio for tests', { skip }, () => {
  it('elects a new master', async (context) => {
    const trio = await startSentinels();
    context.after(() => trio.stop());
    const old = await trio.master();
    const next = await trio.failOver();
    assert.notEqual(next, old);
    assert.equal(await next.command('SET', 'key', '1'), 'OK');
  });
});

describe('a fault proxy', { skip }, () => {
  it('delays, splits, truncates, drops, hangs, refuses and heals', async (context) => {
    const server = await serve(context);
    const proxy = await startFaultProxy(server.port);
    context.after(() => proxy.stop());
    const client = await connect({ port: proxy.port });
    context.after(() => client.close());
    await client.command('SET', 'key', 'x'.repeat(2_000));

    proxy.set({ delayMs: 100 });
    const start = performance.now();
    await client.command('PING');
    assert.ok(performance.now() - start >= 98);

    proxy.set({ split: true });
    assert.equal((await client.command('GET', 'key')).length, 2_000);

    proxy.set({ truncateAfter: 1_000 });
    const other = await connect({ port: proxy.port });
    context.after(() => other.close());
    assert.equal(await orSilence(other.command('GET', 'key').catch(String), 50), 'silent');

    proxy.set({ dropAfter: 1_000 });
    await assert.rejects(ask({ port: proxy.port }, 'GET', 'key'), /closed/);

    proxy.set({ hang: true });
    assert.equal(await orSilence(ask({ port: proxy.port }, 'PING').catch(String), 50), 'silent');

    proxy.set({ refuse: true });
    await assert.rejects(ask({ port: proxy.port }, 'PING'), /ECONNRESET|closed/);

    proxy.set({});
    assert.equal(await ask({ port: proxy.port }, 'PING'), 'PONG');
    proxy.disconnect();
    assert.ok(proxy.accepted() >= 6);
  });
});
