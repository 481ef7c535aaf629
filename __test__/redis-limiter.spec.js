'use strict';

const assert = require('node:assert/strict');
const { AsyncLocalStorage } = require('node:async_hooks');
const { it } = require('node:test');
const { json, rateLimit } = require('..');
const { onEachExpress, settled } = require('./helpers/limited');
const { onEachWay } = require('./helpers/redis-ways');
const { until } = require('./helpers/redis/until');
const { EXPRESS, listen, send, sendJson } = require('./helpers/servers');

const ALGORITHMS = /** @type {const} */ (['fixed-window', 'sliding-window', 'gcra']);

/** The keys of a server. @param {import('./helpers/redis/server').RedisServer} server @param {string} pattern */
const keysOf = (server, pattern) => server.command('KEYS', pattern);

onEachWay('a limiter on Redis', ({ server, open }) => {
  onEachExpress('counts', ({ serve }, express) => {
    const many = express === 'express5' ? 1_000 : 200;
    it(`lets exactly the limit of ${many} parallel requests pass (S-16)`, async (context) => {
      const { port } = await serve(context, rateLimit({ limit: 5, store: await open(context) }));
      const answers = await Promise.all(Array.from({ length: many }, () => send(port)));
      assert.equal(answers.filter(({ status }) => status === 200).length, 5);
      assert.equal(answers.filter(({ status }) => status === 429).length, many - 5);
    });

    for (const algorithm of ALGORITHMS) {
      it(`tells where a client stands, with ${algorithm}`, async (context) => {
        const { ask } = await serve(context, rateLimit({ limit: 2, algorithm, store: await open(context) }));
        const first = await ask();
        assert.equal(first.headers['ratelimit-policy'], '"default";q=2;w=60');
        assert.match(String(first.headers.ratelimit), /^"default";r=1;t=\d+$/);
        const info = JSON.parse(first.body);
        assert.deepEqual([info.used, info.remaining, info.limit, info.key], [1, 1, 2, '127.0.0.1']);
        assert.ok(Math.abs(Date.parse(info.resetTime) - Date.now()) < 130_000);
        await ask();
        const denied = await ask();
        assert.equal(denied.status, 429);
        assert.match(String(denied.headers['retry-after']), /^\d+$/);
        assert.deepEqual(JSON.parse(denied.body)['violated-policies'], ['default']);
      });
    }

    it('decides several policies at once, all or nothing, and in two stages', async (context) => {
      const limiter = rateLimit({
        policies: [
          { name: 'narrow', limit: 2 },
          { name: 'wide', limit: 9, algorithm: 'gcra' },
          { name: 'account', limit: 1, needsBody: true, keyGenerator: (request) => request.body?.user ?? null },
        ],
        store: await open(context),
      });
      const app = serve;
      const { port } = await app(context, [limiter, json(), limiter.afterBody]);
      const statuses = [];
      for (const user of ['ada', 'ada', 'bob']) statuses.push((await sendJson(port, JSON.stringify({ user }))).status);
      assert.deepEqual(statuses, [200, 429, 429]);
      // The third was denied by `narrow`, so `wide` did not count it, and the body's stage was not reached.
      const standing = /** @type {any} */ (await limiter.getKey('127.0.0.1', 'wide'));
      assert.equal(standing.policies.find((/** @type {any} */ { name }) => name === 'wide').used, 2);
      assert.equal(await limiter.getKey('bob', 'account'), undefined);
    });

    it('goes on in the context of each request', async (context) => {
      const storage = new AsyncLocalStorage();
      const limiter = rateLimit({ limit: 1_000, store: await open(context) });
      const { port } = await serve(context, [
        (/** @type {any} */ request, /** @type {any} */ _response, /** @type {any} */ next) =>
          storage.run(request.headers['x-id'], next),
        limiter,
        (/** @type {any} */ request, /** @type {any} */ response) =>
          response.json(storage.getStore() === request.headers['x-id']),
      ]);
      const ids = Array.from({ length: 50 }, (_, id) => String(id));
      const answers = await Promise.all(ids.map((id) => send(port, { headers: { 'x-id': id } })));
      assert.deepEqual(new Set(answers.map(({ body }) => body)), new Set(['true']));
    });

    it('holds requests back, denies with a handler, and reports', async (context) => {
      const store = await open(context);
      const held = await serve(context, rateLimit({ delay: { after: 1, ms: 30 }, store, name: 'held' }));
      await held.ask();
      const startedAt = performance.now();
      assert.equal((await held.ask()).status, 200);
      assert.ok(performance.now() - startedAt >= 29);
      const handler = (/** @type {any} */ _request, /** @type {any} */ response) => response.status(418).end();
      const handled = await serve(context, rateLimit({ limit: 0, handler, store, name: 'handled' }));
      assert.deepEqual(await handled.statuses(2), [418, 418]);
      const reported = await serve(context, rateLimit({ limit: 0, mode: 'report', store, name: 'reported' }));
      assert.deepEqual(await reported.statuses(2), [200, 200]);
    });
  });

  it('asks once for all policies, and for all hits of a moment', async (context) => {
    const scriptsRun = async () =>
      Number(/cmdstat_evalsha:calls=(\d+)/.exec(await server().command('INFO', 'commandstats'))?.[1] ?? 0);
    const limiter = rateLimit({
      policies: ['a', 'b', 'c'].map((name) => ({ name, limit: 10_000 })),
      store: await open(context),
    });
    const pass = (/** @type {number} */ client) =>
      new Promise((resolve) => {
        const request = { socket: { remoteAddress: `192.0.2.${client}` }, headers: {} };
        /** @type {any} */ (limiter)(request, { headersSent: true }, resolve);
      });
    await pass(1);
    const before = await scriptsRun();
    await pass(1);
    assert.equal(await scriptsRun(), before + 1);
    await Promise.all(Array.from({ length: 500 }, (_, number) => pass(number % 20)));
    assert.equal(await scriptsRun(), before + 2);
  });

  it('keeps no credit and no key without an end when a hit is taken back after its window (S-13)', async (context) => {
    const store = await open(context, { prefix: `s13-${Math.random()}:` });
    const windowMs = 60;
    const limiter = rateLimit({ limit: 5, windowMs, algorithm: 'fixed-window', skipSuccessfulRequests: true, store });
    /** @type {any} */
    let held;
    const app = EXPRESS.express5();
    app.use(limiter, (/** @type {any} */ _request, /** @type {any} */ response) => (held = response));
    const { port } = await listen(context, app);
    const answer = send(port);
    await until(() => held !== undefined, 'the handler to be reached');
    const [key] = await until2(
      () => keysOf(server(), 's13-*'),
      (keys) => keys.length > 0,
    );
    await until(async () => (await server().command('EXISTS', key)) === 0, 'the window to end');
    held.end();
    await answer;
    await settled();
    // A second question on the same connection is answered after the refund.
    assert.equal(await limiter.getKey('127.0.0.1'), undefined);
    assert.deepEqual(await keysOf(server(), 's13-*'), []);
  });

  it('knows nothing of a key that never came (S-14)', async (context) => {
    const limiter = rateLimit({ limit: 5, store: await open(context) });
    assert.equal(await limiter.getKey('nobody'), undefined);
  });

  for (const algorithm of ALGORITHMS) {
    it(`forgets after half a second when the window is half a second, with ${algorithm} (S-18)`, async (context) => {
      const prefix = `s18-${Math.random()}:`;
      const limiter = rateLimit({ limit: 1, windowMs: 500, algorithm, store: await open(context, { prefix }) });
      await limiter.penalty('192.0.2.1');
      const [key] = await keysOf(server(), `${prefix}*`);
      const ttl = await server().command('PTTL', key);
      const most = algorithm === 'sliding-window' ? 1_000 : 500;
      assert.ok(ttl > most - 300 && ttl <= most, `${ttl}`);
      await until(async () => (await server().command('EXISTS', key)) === 0, 'the key to end', {
        withinMs: most + 200,
      });
    });

    it(`counts, gives back, blocks and forgets by the methods, with ${algorithm}`, async (context) => {
      const limiter = rateLimit({ limit: 5, windowMs: 3_600_000, algorithm, store: await open(context) });
      const get = async () => /** @type {any} */ (await limiter.getKey('192.0.2.1'));
      await limiter.penalty('192.0.2.1');
      await limiter.penalty('192.0.2.1', 3);
      assert.deepEqual([(await get()).used, (await get()).remaining, (await get()).key], [4, 1, '192.0.2.1']);
      await limiter.reward('192.0.2.1', 2);
      assert.equal((await get()).used, 2);
      await limiter.reward('192.0.2.1', 20);
      assert.equal((await get())?.used ?? 0, 0);
      await limiter.block('192.0.2.1', 600_000);
      assert.equal((await get()).remaining, 0);
      assert.ok(Math.abs((await get()).resetTime - Date.now() - 600_000) < 5_000);
      await limiter.resetKey('192.0.2.1');
      assert.equal(await get(), undefined);
      await limiter.penalty('192.0.2.1', 5);
      await limiter.penalty('2001:db8::1', 5);
      assert.equal(/** @type {any} */ (await limiter.getKey('2001:DB8:0::2')).used, 5);
      await limiter.resetAll();
      assert.deepEqual([await get(), await limiter.getKey('2001:db8::1')], [undefined, undefined]);
    });
  }

  it('takes costs, limits and keys from functions, sync and not', async (context) => {
    const limiter = rateLimit({
      limit: async () => 10,
      cost: (request) => Number(request.headers['x-cost']),
      keyGenerator: async (request) => request.headers['x-user'],
      store: await open(context),
    });
    const app = EXPRESS.express5();
    app.use(limiter, (/** @type {any} */ request, /** @type {any} */ response) =>
      response.json(request.rateLimit.used),
    );
    const { port } = await listen(context, app);
    const ask = (/** @type {string} */ user, /** @type {number} */ cost) =>
      send(port, { headers: { 'x-user': user, 'x-cost': String(cost) } });
    assert.equal((await ask('ada', 4)).body, '4');
    assert.equal((await ask('ada', 6)).body, '10');
    assert.equal((await ask('ada', 1)).status, 429);
    assert.equal((await ask('a b\u{1f600}'.replace('\u{1f600}', 'x').repeat(60), 10)).body, '10');
  });

  it('charges what a request was worth in the end, and gives failures back', async (context) => {
    const store = await open(context);
    const adjusted = rateLimit({ limit: 100, adjust: () => 7, store, name: 'adjusted' });
    const refunded = rateLimit({ limit: 100, skipFailedRequests: true, store, name: 'refunded' });
    const app = EXPRESS.express5();
    app.use(adjusted, refunded, (/** @type {any} */ request, /** @type {any} */ response) =>
      response.status(Number(request.headers['x-status'])).end(),
    );
    const { port } = await listen(context, app);
    await send(port, { headers: { 'x-status': '200' } });
    await send(port, { headers: { 'x-status': '500' } });
    await until(async () => (await used(adjusted)) === 14 && (await used(refunded)) === 1, 'the corrections');
  });

  it('looks clients up in lists without asking Redis', async (context) => {
    const store = await open(context);
    const denying = rateLimit({ limit: 5, denyList: '127.0.0.0/8', store, name: 'denying' });
    const allowing = rateLimit({ limit: 0, allowList: ['127.0.0.1'], store, name: 'allowing' });
    for (const [limiter, status] of /** @type {const} */ ([
      [denying, 403],
      [allowing, 200],
    ])) {
      const app = EXPRESS.express5();
      app.use(limiter, (/** @type {any} */ _request, /** @type {any} */ response) => response.end());
      assert.equal((await send((await listen(context, app)).port)).status, status);
      assert.equal(await limiter.getKey('127.0.0.1'), undefined);
    }
  });

  it('protects a login', async (context) => {
    const limiter = rateLimit.login({
      account: (request) => request.body.user,
      limit: 2,
      store: await open(context),
    });
    const app = EXPRESS.express5();
    app.post('/', json(), limiter, (/** @type {any} */ request, /** @type {any} */ response) =>
      response.status(request.body.password === 'right' ? 200 : 401).end(),
    );
    const { port } = await listen(context, app);
    const login = async (/** @type {string} */ password) =>
      (await sendJson(port, JSON.stringify({ user: 'ada', password }))).status;
    assert.deepEqual([await login('wrong'), await login('right')], [401, 200]);
    // A success forgets the failures of the pair; those of the address stay.
    await until(
      async () => /** @type {any} */ (await limiter.getKey('127.0.0.1', 'login-address')).used === 1,
      'the refund',
    );
    assert.equal(await login('wrong'), 401);
    assert.equal(await login('wrong'), 401);
    await until(async () => (await login('right')) === 429, 'the block');
  });

  it('keeps limiters of one name apart by their prefix, and refuses two of one name', async (context) => {
    const store = await open(context);
    const first = rateLimit({ limit: 5, store });
    assert.throws(() => rateLimit({ limit: 5, store }), {
      code: 'ERR_CARAPACE_OPTION_CONFLICT',
      path: 'rateLimit.name',
    });
    const other = rateLimit({ limit: 5, store: await open(context) });
    await first.penalty('192.0.2.1', 3);
    assert.equal(await other.getKey('192.0.2.1'), undefined);
    await first.close();
    const again = rateLimit({ limit: 5, store });
    assert.equal(/** @type {any} */ (await again.getKey('192.0.2.1')).used, 3);
  });

  it('shows no key when it has a secret', async (context) => {
    const prefix = `secret-${Math.random()}:`;
    const limiter = rateLimit({ limit: 5, store: await open(context, { prefix, secret: 'sixteen letters!' }) });
    await limiter.penalty('192.0.2.1');
    const [key] = await keysOf(server(), `${prefix}*`);
    assert.ok(!key.includes('192.0.2.1') && /[0-9a-f]{32}/.test(key), key);
  });
});

/** @param {any} limiter */
async function used(limiter) {
  return (await limiter.getKey('127.0.0.1'))?.used ?? 0;
}

/**
 * @template Answer
 * @param {() => Promise<Answer>} ask
 * @param {(answer: Answer) => boolean} isGood
 */
async function until2(ask, isGood) {
  let answer = await ask();
  await until(async () => isGood((answer = await ask())), 'an answer');
  return answer;
}
