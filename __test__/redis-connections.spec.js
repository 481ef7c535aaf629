'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { rateLimit, redisStore } = require('..');
const { freshPrefix } = require('./helpers/redis-ways');
const { hasRedis, hasTls, startRedis } = require('./helpers/redis/server');
const { until } = require('./helpers/redis/until');

const PASSWORD = 'pa55word-nobody-may-see';

/**
 * A limiter over connections of its own, with what it tells.
 * @param {import('node:test').TestContext} context
 * @param {import('..').RedisStoreOptions} options
 */
function open(context, options) {
  /** @type {any[]} */
  const events = [];
  const store = redisStore({
    prefix: freshPrefix(),
    timeoutMs: 2_000,
    onStoreFailure: 'closed',
    onEvent: (event) => events.push(event),
    ...options,
  });
  context.after(() => store.close());
  const limiter = rateLimit({ limit: 5, store });
  /** What Redis has counted for an address, or why it has not. */
  const ask = () =>
    limiter.penalty('192.0.2.1').then(
      async () => /** @type {any} */ (await limiter.getKey('192.0.2.1')).used,
      (/** @type {any} */ error) => error,
    );
  return { store, events, ask, limiter };
}

/** @param {import('node:test').TestContext} context @param {import('./helpers/redis/server').ServerOptions} [options] */
async function serve(context, options) {
  const server = await startRedis(options);
  context.after(() => server.stop());
  return server;
}

describe('a Redis store over its own connections', { skip: !hasRedis() && 'needs redis-server' }, () => {
  it('is made by the short form', async (context) => {
    const server = await serve(context);
    const limiter = rateLimit({ limit: 5, store: server.url, name: `short-${process.pid}` });
    context.after(() => limiter.close());
    await limiter.penalty('192.0.2.1', 2);
    assert.equal(/** @type {any} */ (await limiter.getKey('192.0.2.1')).used, 2);
    assert.throws(() => rateLimit({ limit: 5, store: server.url, name: `short-${process.pid}` }), {
      code: 'ERR_CARAPACE_OPTION_CONFLICT',
    });
  });

  it('logs in with a password, and as a user of an access control list', async (context) => {
    const acl = [`user app on >${PASSWORD} ~* +@all`];
    const server = await serve(context, { password: 'default-password', acl });
    const { port } = server;
    const url = `redis://127.0.0.1:${port}`;
    for (const options of [
      { url: server.url },
      { url, password: 'default-password' },
      { url, username: 'app', password: PASSWORD },
      { url: `redis://app:${PASSWORD}@127.0.0.1:${port}/3` },
    ]) {
      assert.equal(await open(context, options).ask(), 1);
    }
  });

  it('shows no password, in an error, an event or a status', async (context) => {
    const server = await serve(context, { password: 'another' });
    const { store, events, ask } = open(context, { url: `redis://:${PASSWORD}@127.0.0.1:${server.port}` });
    const error = await ask();
    assert.equal(error.code, 'ERR_CARAPACE_STORE_UNAVAILABLE');
    await until(() => events.length > 0, 'the event');
    assert.deepEqual([events[0].type, events[0].rule], ['redis-store.down', 'auth']);
    assert.equal(store.status().lastError, 'auth');
    const shown = JSON.stringify([events, store, store.status(), error, error.stack, `${error.cause}`]);
    assert.ok(!shown.includes(PASSWORD));
  });

  it('uses databases and sockets of its own', async (context) => {
    const server = await serve(context, { unix: true });
    const prefix = freshPrefix();
    assert.equal(await open(context, { url: `unix:${server.path}?db=4`, prefix }).ask(), 1);
    assert.equal(await open(context, { url: server.url, db: 4, prefix }).ask(), 2);
    assert.equal(await open(context, { url: `${server.url}/5`, prefix }).ask(), 1);
  });

  const withTls = { skip: hasRedis() && !hasTls() && 'this server was built without TLS' };
  it('trusts the authority that it is told, and no other', withTls, async (context) => {
    const server = await serve(context, { tls: true });
    const { ca, stranger } = /** @type {{ ca: string, stranger: string }} */ (server.certificates);
    const url = `rediss://localhost:${server.port}`;
    assert.equal(await open(context, { url, tls: { ca } }).ask(), 1);
    for (const tls of [{ ca: stranger }, {}, { ca, servername: 'elsewhere.example' }]) {
      const { ask, events } = open(context, { url, tls, timeoutMs: 1_000 });
      assert.equal((await ask()).code, 'ERR_CARAPACE_STORE_UNAVAILABLE');
      await until(() => events.length > 0, 'the event');
      assert.deepEqual([events[0].type, events[0].rule], ['redis-store.down', 'tls']);
    }
  });

  it('has one connection for all stores of one configuration', async (context) => {
    const server = await serve(context);
    const prefix = freshPrefix();
    const stores = [1, 2, 3].map(() => redisStore({ url: server.url, prefix }));
    for (const [index, store] of stores.entries()) {
      const limiter = rateLimit({ limit: 5, name: `limiter-${index}`, store });
      assert.equal(await limiter.getKey('192.0.2.1'), undefined);
    }
    const clients = async () => (await server.command('CLIENT', 'LIST')).split('\n').filter(Boolean).length;
    const before = await clients();
    // One of them is the test's.
    assert.equal(before, 2);
    await Promise.all(stores.map((store) => store.close()));
    await until(async () => (await clients()) === 1, 'the connection to be closed');
    assert.equal(stores[0].status().state, 'closed');
  });

  it('refuses options that only the core can judge, by their path', () => {
    assert.throws(() => rateLimit({ limit: 5, store: redisStore({ url: 'rediss://h', tls: { ca: 'no PEM' } }) }), {
      name: 'CarapaceError',
      path: 'redisStore.tls.ca',
    });
  });
});
