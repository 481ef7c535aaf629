'use strict';

const assert = require('node:assert/strict');
const { subscribe, unsubscribe } = require('node:diagnostics_channel');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { it } = require('node:test');
const { hostStore, rateLimit, redisStore } = require('..');
const { freshPrefix, onEachWay, openIoredis } = require('./helpers/redis-ways');
const { startFaultProxy } = require('./helpers/redis/fault-proxy');
const { startRedis } = require('./helpers/redis/server');
const { until } = require('./helpers/redis/until');
const { EXPRESS, listen, send } = require('./helpers/servers');

/** What a busy machine may add to a deadline. */
const SLACK_MS = 250;
const HOUR = 3_600_000;

/**
 * A server of the test's own, which it may stop.
 * @param {import('node:test').TestContext} context
 * @param {import('./helpers/redis/server').ServerOptions} [options]
 */
async function ownServer(context, options) {
  const server = await startRedis(options);
  context.after(() => server.stop());
  return server;
}

/**
 * @param {import('node:test').TestContext} context
 * @param {any} middleware
 */
async function serve(context, middleware) {
  const app = EXPRESS.express5();
  app.use(middleware);
  app.get('/', (/** @type {any} */ request, /** @type {any} */ response) => response.json(request.rateLimit ?? null));
  const { port } = await listen(context, app);
  /** @param {string} [user] */
  return async (user) => {
    const startedAt = performance.now();
    const { status, body } = await send(port, user === undefined ? {} : { headers: { 'x-user': user } });
    return { status, ms: performance.now() - startedAt, used: JSON.parse(body || 'null')?.used };
  };
}

/** @param {any} request */
const userOf = (request) => request.headers['x-user'] ?? 'nobody';

/**
 * What Redis itself has counted, read over a connection that no fault disturbs.
 * @param {import('node:test').TestContext} context
 * @param {{ port: number, url: string }} place
 * @param {string} prefix
 * @param {object} options of the limiter
 */
async function witness(context, place, prefix, options) {
  const client = await openIoredis(context, place);
  const store = redisStore({ client, prefix, timeoutMs: 10_000 });
  context.after(() => store.close());
  const limiter = rateLimit({ limit: 1, ...options, store });
  return async (key = '127.0.0.1') => /** @type {any} */ (await limiter.getKey(key))?.used ?? 0;
}

onEachWay('while Redis is away', ({ way, name }) => {
  const isWatched = name !== 'sendCommand';

  it('no request waits longer than the deadline, and Redis is asked again when it is back (S-17)', async (context) => {
    const server = await ownServer(context);
    const store = await way(context, server, { timeoutMs: 100, instances: 1 });
    const ask = await serve(context, rateLimit({ limit: 1_000, windowMs: HOUR, store }));
    assert.equal((await ask()).used, 1);
    server.pause();
    const waits = [];
    for (let count = 0; count < 12; count += 1) {
      const { status, ms } = await ask();
      assert.equal(status, 200);
      waits.push(ms);
    }
    assert.ok(Math.max(...waits) < 100 + SLACK_MS, `${waits}`);
    assert.ok(Math.min(...waits.slice(4)) < 50, `those after the circuit opened do not wait: ${waits}`);
    assert.notEqual(store.status().circuit, 'closed');
    server.resume();
    const resumedAt = performance.now();
    await until(async () => (await ask(), store.status().circuit === 'closed'), 'the circuit to close');
    assert.ok(performance.now() - resumedAt < 1_000 + SLACK_MS);
    assert.equal(store.status().state, 'up');
  });

  it('a hit whose answer is lost is counted once, and not again after the deadline (S-15)', async (context) => {
    const server = await ownServer(context);
    const proxy = await startFaultProxy(server.port);
    context.after(() => proxy.stop());
    const prefix = freshPrefix();
    const store = await way(context, proxy, { timeoutMs: 500, prefix, onStoreFailure: 'closed' });
    const ask = await serve(context, rateLimit({ limit: 1_000, windowMs: HOUR, store }));
    const counted = await witness(context, server, prefix, { limit: 1_000, windowMs: HOUR });
    assert.equal((await ask()).used, 1);
    proxy.set({ truncateAfter: 0 });
    assert.equal((await ask()).status, 503);
    assert.equal(await counted(), 2);
    proxy.set({});
    proxy.disconnect();
    await until(async () => (await ask()).status === 200, 'Redis to be asked again');
    assert.equal(await counted(), 3);
  });

  it('a hit on a connection that breaks is not sent again over the next one (S-15)', async (context) => {
    const server = await ownServer(context);
    const proxy = await startFaultProxy(server.port);
    context.after(() => proxy.stop());
    const prefix = freshPrefix();
    const store = await way(context, proxy, { timeoutMs: isWatched ? 5_000 : 300, prefix, onStoreFailure: 'closed' });
    const ask = await serve(context, rateLimit({ limit: 1_000, windowMs: HOUR, store }));
    const counted = await witness(context, server, prefix, { limit: 1_000, windowMs: HOUR });
    assert.equal((await ask()).used, 1);
    proxy.set({ truncateAfter: 0 });
    const lost = ask();
    await until(async () => (await counted()) === 2, 'Redis to count');
    proxy.set({});
    proxy.disconnect();
    // Over a bare function nothing tells that the connection is gone; ioredis sends again there.
    const { status, ms } = await lost;
    if (isWatched) {
      assert.equal(status, 503);
      assert.ok(ms < 2_000);
      await until(async () => (await ask()).status === 200, 'Redis to be asked again');
      assert.equal(await counted(), 3);
    }
  });

  it('counts by itself, at its share, and knows what Redis knew', async (context) => {
    const server = await ownServer(context);
    const prefix = freshPrefix();
    const store = await way(context, server, { timeoutMs: 400, prefix, instances: 2 });
    const limiter = rateLimit({ limit: 6, windowMs: HOUR, keyGenerator: userOf, store });
    const ask = await serve(context, limiter);
    const counted = await witness(context, server, prefix, { limit: 6, windowMs: HOUR, keyGenerator: userOf });
    for (let count = 0; count < 4; count += 1) await ask('ada');
    for (let count = 0; count < 7; count += 1) await ask('bob');
    server.pause();
    // Two of three are used by ada's four of six; bob has nothing left; eve begins with three.
    const statuses = [];
    for (const user of ['ada', 'ada', 'bob', 'eve', 'eve', 'eve', 'eve']) statuses.push((await ask(user)).status);
    assert.deepEqual(statuses, [200, 429, 429, 200, 200, 200, 429]);
    server.resume();
    await until(async () => (await ask('eve')).status === 200 && store.status().state === 'up', 'Redis to be back');
    // What was counted meanwhile is not pushed back: Redis has what had reached it, none of it twice.
    assert.ok((await counted('ada')) <= 6);
  });

  for (const [policy, status] of /** @type {const} */ ([
    ['open', 200],
    ['closed', 503],
    ['local', 200],
  ])) {
    it(`${policy} answers ${status}, from the first request on, and tells`, async (context) => {
      const server = await ownServer(context);
      /** @type {any[]} */
      const heard = [];
      const listener = (/** @type {any} */ event) => heard.push(event);
      subscribe('carapace:redis-store', listener);
      context.after(() => unsubscribe('carapace:redis-store', listener));
      /** @type {any[]} */
      const events = [];
      const store = await way(context, server, {
        timeoutMs: 50,
        onStoreFailure: policy,
        instances: 3,
        onEvent: (event) => events.push(event),
      });
      const ask = await serve(context, rateLimit({ limit: 100, store }));
      await server.kill();
      for (let count = 0; count < 5; count += 1) assert.equal((await ask()).status, status);
      await until(() => events.some(({ type }) => type === 'redis-store.down'), 'the event');
      const { rule, ...down } = events.find(({ type }) => type === 'redis-store.down');
      assert.deepEqual(down, { stem: 'redis-store', mode: 'enforce', type: 'redis-store.down', action: policy });
      assert.ok(['down', 'timeout'].includes(rule), rule);
      assert.equal(store.status().state, 'down');
      await server.start();
      await until(async () => (await ask(), store.status().state === 'up'), 'Redis to be back');
      assert.equal((await ask()).status, 200);
      assert.deepEqual(
        events.map(({ type }) => type),
        ['redis-store.down', 'redis-store.up'],
      );
      assert.ok(heard.length >= events.length);
    });
  }

  it('counts together with the other processes of the host when it has a host store', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'carapace-spec-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const fallback = hostStore({ path: join(folder, 'app.store'), maxKeys: 100 });
    const server = await ownServer(context);
    const make = async () => {
      const store = await way(context, server, { timeoutMs: 50, prefix: freshPrefix(), fallback, instances: 1 });
      return serve(context, rateLimit({ limit: 3, windowMs: HOUR, name: freshPrefix().slice(0, -1), store }));
    };
    const ask = await make();
    assert.equal((await ask()).status, 200);
    await server.kill();
    assert.deepEqual([(await ask()).status, (await ask()).status, (await ask()).status], [200, 200, 429]);
  });

  it('a thread that stands still for longer than the deadline is no failure of Redis', async (context) => {
    const server = await ownServer(context);
    const store = await way(context, server, { timeoutMs: 100, onStoreFailure: 'closed' });
    const limiter = rateLimit({ limit: 1_000, onReject: 'next', store });
    const ask = await serve(context, limiter);
    await ask();
    const asked = ask();
    /** @type {any} */
    const request = { socket: { remoteAddress: '192.0.2.1' }, headers: {} };
    const decided = new Promise((resolve) => {
      /** @type {any} */ (limiter)(request, { headersSent: true }, (/** @type {unknown} */ error) =>
        resolve(error ?? request.rateLimit.used),
      );
    });
    // After the hits were sent, and before anything could be read.
    setImmediate(() => {
      const until = performance.now() + 400;
      while (performance.now() < until);
    });
    assert.equal(await decided, 1);
    assert.equal((await asked).status, 200);
    assert.equal(store.status().lastError, undefined);
  });

  it('goes on when the scripts are flushed and connections are killed', async (context) => {
    const server = await ownServer(context);
    const store = await way(context, server, { timeoutMs: 2_000, instances: 2 });
    const ask = await serve(context, rateLimit({ limit: 1_000, store }));
    await ask();
    await server.command('SCRIPT', 'FLUSH');
    assert.equal((await ask()).used, 2);
    for (let count = 0; count < 5; count += 1) {
      await server.command('CLIENT', 'KILL', 'TYPE', 'normal');
      assert.equal((await ask()).status, 200);
    }
    await until(async () => (await ask(), store.status().state === 'up'), 'Redis to be asked again');
  });

  const REFUSALS = /** @type {[string, (server: any) => Promise<unknown>, (server: any) => Promise<unknown>][]} */ ([
    [
      'readonly',
      (server) => server.command('REPLICAOF', '127.0.0.1', 1),
      (server) => server.command('REPLICAOF', 'NO', 'ONE'),
    ],
    [
      'masterdown',
      async (server) => {
        await server.command('CONFIG', 'SET', 'replica-serve-stale-data', 'no');
        await server.command('REPLICAOF', '127.0.0.1', 1);
      },
      (server) => server.command('REPLICAOF', 'NO', 'ONE'),
    ],
    [
      'oom',
      (server) => server.command('CONFIG', 'SET', 'maxmemory', '1'),
      (server) => server.command('CONFIG', 'SET', 'maxmemory', '0'),
    ],
    [
      'auth',
      (server) => server.command('ACL', 'SETUSER', 'default', '-@scripting'),
      (server) => server.command('ACL', 'SETUSER', 'default', '+@all'),
    ],
    [
      'busy',
      async (server) => {
        // The name that Redis 6 knows as well.
        await server.command('CONFIG', 'SET', 'lua-time-limit', '20');
        server.command('EVAL', 'while true do end', 0).catch(() => {});
        await until(
          () =>
            server.command('PING').then(
              () => false,
              () => true,
            ),
          'the server to be busy',
        );
      },
      (server) => server.command('SCRIPT', 'KILL'),
    ],
  ]);
  for (const [failure, refuse, heal] of REFUSALS) {
    it(`knows the refusal ${failure} by its name, and when it is over`, async (context) => {
      const server = await ownServer(context);
      /** @type {any[]} */
      const events = [];
      const onEvent = (/** @type {any} */ event) => events.push([event.type, event.rule]);
      const store = await way(context, server, { timeoutMs: 1_000, onStoreFailure: 'closed', onEvent });
      const ask = await serve(context, rateLimit({ limit: 1_000, store }));
      assert.equal((await ask()).status, 200);
      await refuse(server);
      await until(async () => (await ask()).status === 503, 'the refusal');
      assert.equal(store.status().lastError, failure);
      await assert.rejects(rejected(store), { code: 'ERR_CARAPACE_STORE_UNAVAILABLE' });
      await heal(server);
      await until(async () => (await ask()).status === 200, 'the refusal to be over');
      await until(() => events.length >= 2, 'the events');
      assert.deepEqual(events[0], ['redis-store.down', failure]);
      assert.deepEqual(events.at(-1), ['redis-store.up', 'answered']);
    });
  }

  /** @param {import('..').RedisStore} store */
  async function rejected(store) {
    await rateLimit({ limit: 1, name: 'rejected', store }).penalty('192.0.2.1');
  }
});
