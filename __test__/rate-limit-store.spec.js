'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { MemoryStore } = require('express-rate-limit');
const { rateLimit } = require('..');
const { onEachExpress, settled, stopClock } = require('./helpers/limited');

/** A store in memory that keeps what it was asked. */
class Recorder {
  constructor() {
    /** @type {unknown[][]} */
    this.calls = [];
    /** @type {Map<string, number>} */
    this.hits = new Map();
    /** @type {(() => any) | undefined} */
    this.trouble = undefined;
  }
  /** @param {any} options */
  init(options) {
    this.calls.push(['init', options.windowMs, options.limit]);
  }
  /** @param {string} key */
  async get(key) {
    const totalHits = this.hits.get(key);
    return totalHits === undefined ? undefined : { totalHits, resetTime: new Date(Date.now() + 5_000) };
  }
  /** @param {string} key */
  async increment(key) {
    this.calls.push(['increment', key]);
    if (this.trouble) return this.trouble();
    this.hits.set(key, (this.hits.get(key) ?? 0) + 1);
    return { totalHits: this.hits.get(key), resetTime: new Date(Date.now() + 5_000) };
  }
  /** @param {string} key */
  async decrement(key) {
    this.calls.push(['decrement', key]);
    this.hits.set(key, (this.hits.get(key) ?? 0) - 1);
  }
  /** @param {string} key */
  async resetKey(key) {
    this.hits.delete(key);
  }
  async resetAll() {
    this.hits.clear();
  }
  shutdown() {
    this.calls.push(['shutdown']);
  }
}

onEachExpress('a store of express-rate-limit behind rateLimit', ({ serve }) => {
  it('counts, with promises', async (context) => {
    stopClock(context);
    const store = new Recorder();
    const limiter = rateLimit({ limit: 2, windowMs: 5_000, store: /** @type {any} */ (store), name: 'api' });
    const { statuses, ask } = await serve(context, limiter);
    assert.deepEqual(await statuses(3), [200, 200, 429]);
    assert.deepEqual(store.calls.slice(0, 2), [
      ['init', 5_000, 2],
      ['increment', 'api:127.0.0.1'],
    ]);
    const { headers } = await ask();
    assert.deepEqual(
      [headers['ratelimit-policy'], headers.ratelimit, headers['retry-after']],
      ['"api";q=2;w=5', '"api";r=0;t=5', '5'],
    );
  });

  it('may be its own memory store', async (context) => {
    const store = new MemoryStore();
    const limiter = rateLimit({ limit: 2, store: /** @type {any} */ (store) });
    context.after(() => limiter.close());
    assert.deepEqual(await (await serve(context, limiter)).statuses(3), [200, 200, 429]);
  });

  it('may be of the older kind, with incr and a callback', async (context) => {
    let hits = 0;
    const store = {
      incr: (/** @type {string} */ _key, /** @type {any} */ callback) =>
        callback(undefined, (hits += 1), new Date(Date.now() + 1_000)),
      decrement: () => (hits -= 1),
      resetKey: () => (hits = 0),
    };
    const limiter = rateLimit({ limit: 2, store, skipFailedRequests: true });
    const { statuses } = await serve(context, limiter);
    assert.deepEqual(await statuses(1, { headers: { 'x-status': '500' } }), [200 + 300]);
    await settled();
    assert.deepEqual(await statuses(3), [200, 200, 429]);
  });

  it('may answer at once', async (context) => {
    let hits = 0;
    const store = {
      increment: () => ({ totalHits: (hits += 1), resetTime: undefined }),
      decrement() {},
      resetKey() {},
    };
    const limiter = rateLimit({ limit: 1, store });
    assert.deepEqual(await (await serve(context, limiter)).statuses(2), [200, 429]);
  });

  it('gives hits back', async (context) => {
    const store = new Recorder();
    const limiter = rateLimit({ limit: 5, store: /** @type {any} */ (store), skipSuccessfulRequests: true });
    const { statuses } = await serve(context, limiter);
    await statuses(3);
    await settled();
    assert.equal(store.hits.get('default:127.0.0.1'), 0);
  });

  it('has the methods that it can have', async () => {
    const store = new Recorder();
    const limiter = rateLimit({ limit: 5, store: /** @type {any} */ (store) });
    assert.equal(await limiter.getKey('192.0.2.1'), undefined);
    await limiter.penalty('192.0.2.1', 3);
    const info = await limiter.getKey('192.0.2.1');
    assert.deepEqual([info?.used, info?.remaining, info?.key], [3, 2, '192.0.2.1']);
    await limiter.reward('192.0.2.1', 2);
    assert.equal((await limiter.getKey('192.0.2.1'))?.used, 1);
    await limiter.resetKey('192.0.2.1');
    assert.equal(await limiter.getKey('192.0.2.1'), undefined);
    await limiter.resetAll();
    assert.throws(() => limiter.block('192.0.2.1', 5), { code: 'ERR_CARAPACE_OPTION_CONFLICT' });
    await limiter.close();
    assert.deepEqual(store.calls.at(-1), ['shutdown']);
  });

  const TROUBLES = {
    rejects: () => Promise.reject(new Error('down')),
    'gives no number': () => ({ totalHits: NaN }),
    'gives nothing': () => undefined,
    'never answers': () => new Promise(() => {}),
  };
  for (const [what, trouble] of Object.entries(TROUBLES)) {
    it(`that ${what} is replaced as onStoreFailure says, within its time`, async (context) => {
      /** @type {[failure: 'local' | 'open' | 'closed', statuses: number[]][]} */
      const cases = [
        ['local', [200, 200, 429, 429]],
        ['open', [200, 200, 200, 200]],
        ['closed', [503, 503, 503, 503]],
      ];
      for (const [onStoreFailure, expected] of cases) {
        const store = Object.assign(new Recorder(), { trouble });
        /** @type {string[]} */
        const events = [];
        const onEvent = (/** @type {any} */ event) => events.push(event.type);
        const options = { limit: 2, store: /** @type {any} */ (store), storeTimeoutMs: 20, onStoreFailure, onEvent };
        const { statuses, ask } = await serve(context, rateLimit(options));
        assert.deepEqual(await statuses(4), expected);
        assert.equal(events.filter((type) => type === 'rate-limit.store-failed').length, 1);
        // After three failures in a row it is left alone for a while.
        assert.equal(store.calls.filter(([name]) => name === 'increment').length, 3);
        if (onStoreFailure !== 'closed') continue;
        const { headers, body } = await ask();
        assert.equal(headers['retry-after'], '1');
        const problem = JSON.parse(body);
        assert.equal(problem.code, 'ERR_CARAPACE_STORE_UNAVAILABLE');
        assert.equal(problem.type, 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity');
      }
    });
  }

  it('that recovers is used again, and says so', async (context) => {
    const store = new Recorder();
    /** @type {string[]} */
    const events = [];
    const onEvent = (/** @type {any} */ event) => events.push(event.type);
    const { statuses } = await serve(context, rateLimit({ limit: 50, store: /** @type {any} */ (store), onEvent }));
    store.trouble = TROUBLES.rejects;
    await statuses(1);
    store.trouble = undefined;
    await statuses(2);
    assert.deepEqual(events, ['rate-limit.store-failed', 'rate-limit.store-recovered']);
    assert.equal(store.hits.get('default:127.0.0.1'), 2);
  });

  it('gets no hit back whose window is over S-13', async (context) => {
    const tick = stopClock(context);
    const store = new Recorder();
    const limiter = rateLimit({
      limit: 5,
      windowMs: 5_000,
      skipFailedRequests: true,
      store: /** @type {any} */ (store),
    });
    const wait = (/** @type {any} */ request, /** @type {any} */ _response, /** @type {any} */ next) => {
      tick(Number(request.headers['x-wait']));
      next();
    };
    const { statuses } = await serve(context, [limiter, wait]);
    for (const ms of ['4999', '5000']) await statuses(1, { headers: { 'x-status': '500', 'x-wait': ms } });
    await settled();
    assert.deepEqual(
      store.calls.map(([name]) => name),
      ['init', 'increment', 'decrement', 'increment'],
    );
  });

  it('counts a hit once, however late it answers S-15', async (context) => {
    const store = new Recorder();
    /** @type {(() => void)[]} */
    const late = [];
    store.trouble = () => new Promise((resolve) => late.push(() => resolve({ totalHits: 99, resetTime: new Date() })));
    const limiter = rateLimit({ limit: 2, store: /** @type {any} */ (store), storeTimeoutMs: 10 });
    const { ask } = await serve(context, limiter);
    const { status, headers } = await ask();
    for (const answer of late) answer();
    await settled();
    assert.equal(status, 200);
    assert.match(headers.ratelimit, /r=1/);
    assert.equal(store.calls.filter(([name]) => name === 'increment').length, 1);
  });

  it('whose start fails does not end the process', async (context) => {
    const store = Object.assign(new Recorder(), { init: () => Promise.reject(new Error('down')) });
    /** @type {string[]} */
    const actions = [];
    const onEvent = (/** @type {any} */ event) => actions.push(event.action);
    const { statuses } = await serve(context, rateLimit({ limit: 1, store: /** @type {any} */ (store), onEvent }));
    assert.deepEqual(await statuses(2), [200, 429]);
    assert.deepEqual(actions, ['init', 'deny']);
  });
});
