'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { rateLimit } = require('..');
const { onEachWay } = require('./helpers/redis-ways');
const { until } = require('./helpers/redis/until');
const { EXPRESS, listen, send } = require('./helpers/servers');

const HOUR = 3_600_000;

/**
 * Asks a limiter without a server in front of it: whether the request passed.
 * @param {any} limiter
 * @param {string} address
 * @param {Record<string, string>} [headers]
 * @returns {Promise<boolean>}
 */
function passes(limiter, address, headers = {}) {
  return new Promise((resolve) => {
    // What `handler` of the limiters here calls.
    const deny = () => resolve(false);
    limiter({ socket: { remoteAddress: address }, headers, deny }, { headersSent: true }, () => resolve(true));
  });
}

/** @param {any} request */
const handler = (request) => request.deny();

onEachWay('the cache of denials', ({ server, open }) => {
  /** How many scripts the server has run. */
  const scriptsRun = async () => {
    const info = await server().command('INFO', 'commandstats');
    return [...info.matchAll(/cmdstat_eval(?:sha)?:calls=(\d+)/g)].reduce((sum, [, calls]) => sum + Number(calls), 0);
  };

  it('asks Redis nothing about a key that was just denied, whatever spelling it comes in', async (context) => {
    const limiter = rateLimit({ limit: 1, windowMs: HOUR, handler, store: await open(context) });
    assert.equal(await passes(limiter, '2001:db8::1'), true);
    assert.equal(await passes(limiter, '2001:db8::1'), false);
    const before = await scriptsRun();
    for (let count = 0; count < 1_000; count += 1) assert.equal(await passes(limiter, `2001:db8::${count}`), false);
    assert.equal(await scriptsRun(), before);
    assert.equal(await passes(limiter, '2001:db9::1'), true);
    assert.equal(await scriptsRun(), before + 1);
  });

  it('costs a denied request a microsecond', async (context) => {
    const limiter = rateLimit({
      limit: 0,
      windowMs: HOUR,
      handler: () => {},
      headers: false,
      store: await open(context),
    });
    const request = { socket: { remoteAddress: '192.0.2.1' }, headers: {} };
    const response = { headersSent: true };
    const ask = () => /** @type {any} */ (limiter)(request, response, () => {});
    ask();
    await limiter.getKey('192.0.2.1');
    const before = await scriptsRun();
    let best = Infinity;
    for (let round = 0; round < 20; round += 1) {
      const startedAt = performance.now();
      for (let count = 0; count < 2_000; count += 1) ask();
      best = Math.min(best, (performance.now() - startedAt) / 2_000);
    }
    context.diagnostic(`${Math.round(best * 1e6)} ns for a denied request, with its error and its answer`);
    assert.ok(best < 0.02, `${best} ms`);
    assert.ok((await scriptsRun()) - before <= 2, 'one question a second at the most');
  });

  it('denies as Redis did: status, fields and seconds', async (context) => {
    const app = EXPRESS.express5();
    app.use(rateLimit({ limit: 1, windowMs: HOUR, algorithm: 'fixed-window', store: await open(context) }));
    const { port } = await listen(context, app);
    await send(port);
    const answers = [await send(port), await send(port)];
    const [asked, remembered] = answers.map(({ status, body, headers }) => [
      status,
      body,
      headers['ratelimit-policy'],
      headers.ratelimit,
      headers['retry-after'],
    ]);
    assert.deepEqual(remembered, asked);
  });

  it('forgets at a reset, a reward, a block that ends, and a reset of all', async (context) => {
    const limiter = rateLimit({ limit: 1, windowMs: HOUR, handler, store: await open(context) });
    const changes = [
      () => limiter.resetKey('192.0.2.1'),
      () => limiter.reward('192.0.2.1'),
      () => limiter.block('192.0.2.1', 0),
      () => limiter.resetAll(),
    ];
    for (const change of changes) {
      await passes(limiter, '192.0.2.1');
      assert.equal(await passes(limiter, '192.0.2.1'), false);
      await change();
      assert.equal(await passes(limiter, '192.0.2.1'), true, String(change));
    }
  });

  it('lets a key through again as soon as it may, and asks again after a second', async (context) => {
    const store = await open(context);
    const short = rateLimit({ limit: 1, windowMs: 100, algorithm: 'fixed-window', handler, store, name: 'short' });
    await passes(short, '192.0.2.1');
    const deniedAt = performance.now();
    assert.equal(await passes(short, '192.0.2.1'), false);
    await until(() => passes(short, '192.0.2.1'), 'it to pass again', { withinMs: 2_000, everyMs: 1 });
    assert.ok(performance.now() - deniedAt < 600);
  });

  it('denies a request for any of its keys that was denied', async (context) => {
    const keyGenerator = (/** @type {any} */ request) => request.headers['x-user'] ?? null;
    const limiter = rateLimit({
      policies: [
        { name: 'address', limit: 5, windowMs: HOUR },
        { name: 'user', limit: 1, windowMs: HOUR, keyGenerator },
      ],
      handler,
      store: await open(context),
    });
    await passes(limiter, '192.0.2.1', { 'x-user': 'ada' });
    assert.equal(await passes(limiter, '192.0.2.1', { 'x-user': 'ada' }), false);
    const before = await scriptsRun();
    assert.equal(await passes(limiter, '192.0.2.9', { 'x-user': 'ada' }), false);
    assert.equal(await scriptsRun(), before);
    assert.equal(await passes(limiter, '192.0.2.1', { 'x-user': 'bob' }), true);
    assert.equal(await passes(limiter, '192.0.2.1'), true);
  });

  it('is not there where a hit may be taken back or is not like the next one', async (context) => {
    const store = await open(context);
    const own = await open(context, { denyCache: false });
    const limiters = [
      rateLimit({ name: 'a', limit: 0, skipFailedRequests: true, handler, store }),
      rateLimit({ name: 'b', limit: 0, adjust: () => 1, handler, store }),
      rateLimit({ name: 'c', limit: 0, delay: { after: 1 }, handler, store }),
      rateLimit({ name: 'd', limit: 0, cost: () => 1, handler, store }),
      rateLimit({ name: 'e', limit: () => 0, handler, store }),
      rateLimit({ name: 'f', limit: 0, handler, store: own }),
    ];
    for (const limiter of limiters) {
      const before = await scriptsRun();
      for (let count = 0; count < 3; count += 1) {
        await new Promise((resolve) => {
          const request = { socket: { remoteAddress: '192.0.2.1' }, headers: {}, deny: () => resolve(undefined) };
          const response = { headersSent: true, on: () => response, off: () => response };
          /** @type {any} */ (limiter)(request, response, resolve);
        });
      }
      assert.equal(await scriptsRun(), before + 3);
    }
  });

  it('holds so many keys as it was told, the newest', async (context) => {
    const limiter = rateLimit({ limit: 0, windowMs: HOUR, handler, store: await open(context, { denyCache: 10 }) });
    for (let number = 0; number < 50; number += 1) await passes(limiter, `192.0.2.${number}`);
    const before = await scriptsRun();
    for (let number = 40; number < 50; number += 1) await passes(limiter, `192.0.2.${number}`);
    assert.equal(await scriptsRun(), before);
    await passes(limiter, '192.0.2.1');
    assert.equal(await scriptsRun(), before + 1);
  });
});
