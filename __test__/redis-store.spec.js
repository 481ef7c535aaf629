'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { hostStore, rateLimit, redisStore } = require('..');
const { readAddress } = require('../lib/rate-limit/redis/address');
const { failureOf } = require('../lib/rate-limit/redis/failures');

const SECRET = 'pa55word-nobody-may-see';
const sendCommand = async () => [];

describe('redisStore', () => {
  const REFUSED = /** @type {[any, string, string][]} */ ([
    [{ ulr: 'redis://h' }, 'redisStore.ulr', 'ERR_CARAPACE_OPTION_UNKNOWN'],
    [{ url: 5 }, 'redisStore.url', 'ERR_CARAPACE_OPTION_TYPE'],
    [null, 'redisStore', 'ERR_CARAPACE_OPTION_TYPE'],
    [{ url: `http://:${SECRET}@h` }, 'redisStore.url', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ url: `:${SECRET}@h` }, 'redisStore.url', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ url: `redis://u:${SECRET}%zz@h` }, 'redisStore.url', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ url: `redis://u:${SECRET}@h/one` }, 'redisStore.url', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ url: `redis://u:${SECRET}@h?db=1` }, 'redisStore.url', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ url: `redis://u:${SECRET}@h/#x` }, 'redisStore.url', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ url: 'redis://' }, 'redisStore.url', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ url: 'unix:relative' }, 'redisStore.url', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ url: 'unix:///tmp/a?db=x' }, 'redisStore.url', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ url: '' }, 'redisStore.url', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ urls: [] }, 'redisStore.urls', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ urls: ['redis://a', 5] }, 'redisStore.urls[1]', 'ERR_CARAPACE_OPTION_TYPE'],
    [{ urls: ['redis://a', 'b'], cluster: true }, 'redisStore.urls[1]', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ urls: ['redis://a', 'redis://b'] }, 'redisStore.urls', 'ERR_CARAPACE_OPTION_CONFLICT'],
    [
      { urls: ['redis://:x@a', `redis://:${SECRET}@b`], cluster: true },
      'redisStore.urls',
      'ERR_CARAPACE_OPTION_CONFLICT',
    ],
    [{ url: 'redis://a', urls: ['redis://a'] }, 'redisStore.urls', 'ERR_CARAPACE_OPTION_CONFLICT'],
    [{ url: 'redis://a', sendCommand }, 'redisStore.url', 'ERR_CARAPACE_OPTION_CONFLICT'],
    [{ sendCommand, db: 1 }, 'redisStore.db', 'ERR_CARAPACE_OPTION_CONFLICT'],
    [{ client: {} }, 'redisStore.client', 'ERR_CARAPACE_OPTION_TYPE'],
    [{ client: { sendCommand() {} }, cluster: true }, 'redisStore.cluster', 'ERR_CARAPACE_OPTION_CONFLICT'],
    [
      { url: 'redis://a', cluster: true, sentinel: { name: 'm' } },
      'redisStore.sentinel',
      'ERR_CARAPACE_OPTION_CONFLICT',
    ],
    [{ url: 'redis://a', sentinel: {} }, 'redisStore.sentinel.name', 'ERR_CARAPACE_OPTION_REQUIRED'],
    [{ url: 'redis://a/1', cluster: true }, 'redisStore.db', 'ERR_CARAPACE_OPTION_CONFLICT'],
    [{ url: 'rediss://a', tls: false }, 'redisStore.tls', 'ERR_CARAPACE_OPTION_CONFLICT'],
    [{ url: 'redis://a', tls: { cA: '' } }, 'redisStore.tls.cA', 'ERR_CARAPACE_OPTION_UNKNOWN'],
    [{ sendCommand, prefix: '{a}' }, 'redisStore.prefix', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ sendCommand, prefix: 'a\n' }, 'redisStore.prefix', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ sendCommand, secret: 'short' }, 'redisStore.secret', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ sendCommand, secret: {} }, 'redisStore.secret', 'ERR_CARAPACE_OPTION_TYPE'],
    [{ sendCommand, timeoutMs: 0 }, 'redisStore.timeoutMs', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ sendCommand, timeoutMs: Infinity }, 'redisStore.timeoutMs', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ url: 'redis://a', connectTimeoutMs: 0.5 }, 'redisStore.connectTimeoutMs', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ url: 'redis://a', pool: 17 }, 'redisStore.pool', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ url: 'redis://a', db: -1 }, 'redisStore.db', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ sendCommand, instances: 0 }, 'redisStore.instances', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ sendCommand, denyCache: 0 }, 'redisStore.denyCache', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ sendCommand, onStoreFailure: 'opne' }, 'redisStore.onStoreFailure', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ sendCommand, fallback: 'host' }, 'redisStore.fallback', 'ERR_CARAPACE_OPTION_VALUE'],
    [{ sendCommand, fallback: {} }, 'redisStore.fallback', 'ERR_CARAPACE_OPTION_VALUE'],
    [
      { sendCommand, fallback: 'process', onStoreFailure: 'open' },
      'redisStore.fallback',
      'ERR_CARAPACE_OPTION_CONFLICT',
    ],
  ]);
  for (const [options, path, code] of REFUSED) {
    it(`throws ${code} for ${JSON.stringify(options)}`, () => {
      assert.throws(
        () => redisStore(options),
        (/** @type {any} */ error) => {
          assert.deepEqual([error.code, error.path, error.name], [code, path, 'CarapaceError']);
          assert.ok(!`${error.message}${error.stack}`.includes(SECRET));
          return true;
        },
      );
    });
  }

  /** @param {any} given @returns {any} */
  const addressOf = (given) => /** @type {any} */ (readAddress('redisStore', given)).connection;
  const BASE = { kind: 'single', db: 0, connectTimeoutMs: 500, pool: 1 };

  it('reads addresses of servers, with TLS, logins, databases and IPv6', () => {
    const node = (/** @type {string} */ host, port = 6379) => [{ host, port }];
    assert.deepEqual(addressOf({ url: 'redis://h' }), { ...BASE, nodes: node('h') });
    assert.deepEqual(addressOf({ url: 'REDIS://u:p%40%3a@h:7/3' }), {
      ...BASE,
      nodes: node('h', 7),
      username: 'u',
      password: 'p@:',
      db: 3,
    });
    assert.deepEqual(addressOf({ url: 'rediss://[::1]:7', password: 'x', db: 2 }), {
      ...BASE,
      nodes: node('::1', 7),
      password: 'x',
      db: 2,
      tls: {},
    });
    assert.deepEqual(addressOf({ url: 'redis://h', tls: { ca: 'PEM' } }).tls, { ca: 'PEM' });
  });

  it('reads paths of sockets', () => {
    for (const url of ['unix:/run/a.sock', 'unix:///run/a.sock', 'redis+unix:///run/a.sock']) {
      assert.deepEqual(addressOf({ url }), { ...BASE, nodes: [{ path: '/run/a.sock' }] });
    }
    assert.deepEqual(addressOf({ url: 'unix://:p%2f@/run/a.sock?db=4' }), {
      ...BASE,
      nodes: [{ path: '/run/a.sock' }],
      password: 'p/',
      db: 4,
    });
  });

  it('reads clusters and sentinels', () => {
    assert.deepEqual(addressOf({ urls: ['redis://a', 'redis://b:7'], cluster: true }), {
      ...BASE,
      kind: 'cluster',
      nodes: [
        { host: 'a', port: 6379 },
        { host: 'b', port: 7 },
      ],
    });
    assert.deepEqual(addressOf({ url: 'redis://s', sentinel: { name: 'm', password: 'q' }, password: 'p' }), {
      ...BASE,
      kind: 'sentinel',
      nodes: [{ host: 's', port: 26379 }],
      masterName: 'm',
      sentinelPassword: 'q',
      password: 'p',
    });
  });

  it('takes REDIS_URL when it is given no address', (context) => {
    const before = process.env.REDIS_URL;
    context.after(() => {
      if (before === undefined) delete process.env.REDIS_URL;
      else process.env.REDIS_URL = before;
    });
    process.env.REDIS_URL = 'redis://from-environment';
    assert.equal(addressOf({}).nodes[0].host, 'from-environment');
    assert.equal(addressOf({ url: 'redis://given' }).nodes[0].host, 'given');
    process.env.REDIS_URL = `htp://:${SECRET}@h`;
    assert.throws(
      () => redisStore(),
      (/** @type {any} */ error) => error.path === 'REDIS_URL' && !error.message.includes(SECRET),
    );
    delete process.env.REDIS_URL;
    assert.throws(() => redisStore(), { code: 'ERR_CARAPACE_OPTION_REQUIRED', path: 'redisStore.url' });
  });

  it('is known to limiters, which say what does not fit', () => {
    const bad = /** @type {[any, string, string][]} */ ([
      [{ store: 'localhost:6379' }, 'ERR_CARAPACE_OPTION_VALUE', 'rateLimit.store'],
      [{ store: '' }, 'ERR_CARAPACE_OPTION_VALUE', 'rateLimit.store'],
      [
        { store: redisStore({ sendCommand }), storeTimeoutMs: 5 },
        'ERR_CARAPACE_OPTION_CONFLICT',
        'rateLimit.storeTimeoutMs',
      ],
    ]);
    for (const [options, code, path] of bad) {
      assert.throws(() => rateLimit({ limit: 1, ...options }), { code, path });
    }
  });

  it('cannot be changed, and is closed while no limiter uses it', async () => {
    const store = redisStore({ sendCommand });
    assert.ok(Object.isFrozen(store));
    assert.deepEqual(Object.keys(store), ['status', 'close']);
    assert.deepEqual(store.status(), { state: 'closed', circuit: 'closed' });
    await store.close();
  });

  it('says once that each instance would allow the whole limit, unless it was told how many there are', () => {
    const prefixes = ['a', 'b', 'c', 'd'].map((letter) => `${letter}${Math.random()}:`);
    const told = (/** @type {any} */ options) => {
      /** @type {any[]} */
      const events = [];
      const prefix = prefixes.pop();
      const store = redisStore({ sendCommand, prefix, onEvent: (event) => events.push(event), ...options });
      rateLimit({ limit: 1, store });
      rateLimit({ limit: 1, store, name: 'other' });
      return events.map(({ type }) => type);
    };
    assert.deepEqual(told({}), ['redis-store.one-instance']);
    assert.deepEqual(told({ instances: 1 }), []);
    assert.deepEqual(told({ onStoreFailure: 'closed' }), []);
    assert.deepEqual(told({ onStoreFailure: 'open' }), []);
  });

  it('two stores of one configuration are one to their limiters', () => {
    const prefix = `same${Math.random()}:`;
    rateLimit({ limit: 1, store: redisStore({ sendCommand, prefix }) });
    assert.throws(() => rateLimit({ limit: 1, store: redisStore({ sendCommand, prefix }) }), {
      path: 'rateLimit.name',
    });
    // The deadline is another, the keys are the same.
    assert.throws(() => rateLimit({ limit: 1, store: redisStore({ sendCommand, prefix, timeoutMs: 7 }) }), {
      path: 'rateLimit.name',
    });
    rateLimit({ limit: 1, store: redisStore({ sendCommand, prefix: `other${prefix}` }) });
  });

  it('knows a refusal by its name, also where Redis 6 wraps what failed inside of a script', () => {
    const wrapped = 'ERR Error running script (call to f_1): @user_script:20: @user_script: 20: -';
    const refusals = {
      "READONLY You can't write": 'readonly',
      'OOM command not allowed': 'oom',
      'WRONG -OOM': 'script',
    };
    for (const [text, failure] of Object.entries(refusals)) {
      for (const message of [text, wrapped + text]) {
        assert.equal(failureOf(Object.assign(new Error(message), { name: 'ReplyError' })), failure, message);
      }
    }
    assert.equal(failureOf(new Error('connect ECONNREFUSED')), 'down');
  });

  it('takes a host store to fall back to', { skip: process.platform === 'win32' }, () => {
    redisStore({ sendCommand, fallback: hostStore() });
    redisStore({ sendCommand, fallback: 'process' });
  });
});
