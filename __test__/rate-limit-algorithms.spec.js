'use strict';

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { rateLimit } = require('..');
const { onEachExpress, stopClock } = require('./helpers/limited');

const repeat = (/** @type {number} */ status, /** @type {number} */ times) => new Array(times).fill(status);

onEachExpress('rateLimit counts', ({ serve }) => {
  it('no more than the limit around the edge of two windows, with the sliding window and gcra S-12', async (context) => {
    const tick = stopClock(context);
    for (const options of [{}, { algorithm: 'gcra', burst: 1 }, { algorithm: 'sliding-window' }]) {
      const { statuses } = await serve(
        context,
        rateLimit({ limit: 20, windowMs: 60_000, .../** @type {any} */ (options) }),
      );
      await statuses(1);
      tick(59_900);
      const before = await statuses(20);
      tick(200);
      const passed = [...before, ...(await statuses(20))].filter((status) => status === 200).length;
      assert.ok(passed <= 20, `${passed} passed`);
    }
  });

  it('up to twice the limit around that edge with the fixed window, as it says', async (context) => {
    const tick = stopClock(context);
    const { statuses } = await serve(context, rateLimit({ limit: 5, windowMs: 60_000, algorithm: 'fixed-window' }));
    await statuses(1);
    tick(59_900);
    assert.deepEqual(await statuses(5), [...repeat(200, 4), 429]);
    tick(100);
    assert.deepEqual(await statuses(6), [...repeat(200, 5), 429]);
  });

  it('gcra bursts, and gives back one by one', async (context) => {
    const tick = stopClock(context);
    const { statuses } = await serve(context, rateLimit({ limit: 60, windowMs: 60_000, algorithm: 'gcra', burst: 3 }));
    assert.deepEqual(await statuses(4), [200, 200, 200, 429]);
    tick(1_000);
    assert.deepEqual(await statuses(2), [200, 429]);
  });

  it('windows shorter than a second S-18', async (context) => {
    const tick = stopClock(context);
    const { statuses } = await serve(context, rateLimit({ limit: 1, windowMs: 500, algorithm: 'fixed-window' }));
    assert.deepEqual(await statuses(2), [200, 429]);
    tick(499);
    assert.deepEqual(await statuses(1), [429]);
    tick(1);
    assert.deepEqual(await statuses(1), [200]);
  });

  it('exactly the limit of a thousand parallel requests S-16', async (context) => {
    const { ask } = await serve(context, rateLimit({ limit: 5 }));
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => ask()));
    assert.equal(answers.filter(({ status }) => status === 200).length, 5);
  });

  it('what each request costs', async (context) => {
    const cost = (/** @type {any} */ request) => Number(request.headers['x-cost'] ?? 1);
    const costing = (/** @type {number} */ points) => ({ headers: { 'x-cost': points } });
    const { statuses } = await serve(context, rateLimit({ limit: 10, cost }));
    assert.deepEqual([await statuses(2, costing(4)), await statuses(1, costing(3))].flat(), [200, 200, 429]);
    assert.deepEqual([await statuses(1, costing(2)), await statuses(1)].flat(), [200, 429]);
    const fixed = await serve(context, rateLimit({ limit: 10, cost: 5 }));
    assert.deepEqual(await fixed.statuses(3), [200, 200, 429]);
    const later = await serve(context, rateLimit({ limit: 10, cost: async () => 5 }));
    assert.deepEqual(await later.statuses(3), [200, 200, 429]);
  });

  it('under limits that depend on the request, at once or later', async (context) => {
    const limitOf = (/** @type {any} */ request) => Number(request.headers['x-limit']);
    for (const limit of [limitOf, async (/** @type {any} */ request) => limitOf(request)]) {
      const { statuses, ask } = await serve(
        context,
        rateLimit({ limit, keyGenerator: (request) => request.headers['x-limit'] }),
      );
      assert.deepEqual(await statuses(3, { headers: { 'x-limit': '2' } }), [200, 200, 429]);
      assert.deepEqual(await statuses(3, { headers: { 'x-limit': '3' } }), [200, 200, 200]);
      const { headers } = await ask({ headers: { 'x-limit': '7' } });
      assert.equal(headers['ratelimit-policy'], '"default";q=7;w=60');
    }
  });

  it('refuses with a 500 what a function gives that is no count', async (context) => {
    for (const options of [
      { limit: () => -1 },
      { limit: () => 1.5 },
      { limit: 5, cost: async () => NaN },
      { limit: 5, cost: () => '1' },
    ]) {
      const { ask } = await serve(context, rateLimit(/** @type {any} */ (options)));
      const { status, body } = await ask();
      assert.deepEqual([status, JSON.parse(body).code], [500, 'ERR_CARAPACE_INTERNAL']);
    }
  });

  it('keys that are numbers, promises and odd texts, without a collision S-11', async (context) => {
    const keys = ['a:b', 'a', 'b', '{tag}', '\0', 'a\r\nb', '__proto__', 'constructor', 'x'.repeat(100_000), 42, 42n];
    const keyGenerator = async (/** @type {any} */ request) => keys[Number(request.headers['x-key'])];
    const { statuses } = await serve(context, rateLimit({ limit: 1, keyGenerator }));
    const all = [];
    for (let index = 0; index < keys.length; index += 1) {
      all.push(...(await statuses(1, { headers: { 'x-key': `${index}` } })));
    }
    // 42 and 42n are one text.
    assert.deepEqual(all, [...repeat(200, keys.length - 1), 429]);
  });

  it('brings keys that are addresses to their canonical form', async (context) => {
    const keyGenerator = (/** @type {any} */ request) => request.headers['x-key'];
    const { statuses } = await serve(context, rateLimit({ limit: 1, keyGenerator }));
    const as = (/** @type {string} */ key) => statuses(1, { headers: { 'x-key': key } });
    assert.deepEqual(
      [await as('::ffff:192.0.2.1'), await as('192.0.2.1:80'), await as('192.0.2.2')].flat(),
      [200, 429, 200],
    );
  });

  it('refuses with a 500 a key that is none', async (context) => {
    for (const key of [undefined, null, {}, true, Symbol('x')]) {
      const { ask } = await serve(context, rateLimit({ limit: 1, keyGenerator: /** @type {any} */ (() => key) }));
      assert.equal((await ask()).status, 500);
    }
  });

  it('blocks a client that is denied, for as long as it says', async (context) => {
    const tick = stopClock(context);
    for (const options of [{ blockMs: 300_000 }, { block: { durationMs: 300_000 } }]) {
      const { statuses, ask } = await serve(context, rateLimit({ limit: 1, windowMs: 1_000, ...options }));
      assert.deepEqual(await statuses(2), [200, 429]);
      tick(299_000);
      const { status, headers } = await ask();
      assert.deepEqual([status, headers['retry-after']], [429, '1']);
      tick(1_000);
      assert.deepEqual(await statuses(1), [200]);
    }
  });
});

onEachExpress('several policies', ({ serve }, name) => {
  it('are decided together: what one denies does not use up another', async (context) => {
    const tick = stopClock(context);
    const policies = [
      { name: `second ${name}`, limit: 2, windowMs: 1_000, algorithm: /** @type {const} */ ('fixed-window') },
      { name: `hour ${name}`, limit: 5, windowMs: 3_600_000 },
    ];
    const { statuses, ask } = await serve(context, rateLimit({ policies }));
    assert.deepEqual(await statuses(4), [200, 200, 429, 429]);
    tick(1_000);
    const { headers, body } = await ask();
    const info = JSON.parse(body);
    assert.deepEqual(
      info.policies.map((/** @type {any} */ policy) => [policy.name, policy.used]),
      [
        [`second ${name}`, 1],
        [`hour ${name}`, 3],
      ],
    );
    assert.equal(info.name, `second ${name}`);
    assert.equal(headers['ratelimit-policy'], `"second ${name}";q=2;w=1, "hour ${name}";q=5;w=3600`);
    assert.match(headers.ratelimit, new RegExp(`^"second ${name}";r=1;t=1, "hour ${name}";r=2;t=\\d+$`));
  });

  it('name what is violated, and take the longest wait', async (context) => {
    stopClock(context);
    const policies = [
      { name: 'short', limit: 1, windowMs: 1_000, algorithm: /** @type {const} */ ('fixed-window') },
      { name: 'long', limit: 1, windowMs: 90_000, algorithm: /** @type {const} */ ('fixed-window') },
      { name: 'wide', limit: 100 },
    ];
    const { statuses, ask } = await serve(context, rateLimit({ policies }));
    await statuses(1);
    const { headers, body } = await ask();
    assert.equal(headers['retry-after'], '90');
    assert.deepEqual(JSON.parse(body)['violated-policies'], ['short', 'long']);
  });

  it('have keys and costs of their own, and a null leaves one out', async (context) => {
    const policies = [
      { name: 'address', limit: 10 },
      {
        name: 'account',
        limit: 2,
        cost: 2,
        keyGenerator: (/** @type {any} */ request) => request.headers['x-account'] ?? null,
      },
    ];
    const { ask, statuses } = await serve(context, rateLimit({ policies }));
    const anonymous = JSON.parse((await ask()).body);
    assert.deepEqual(
      anonymous.policies.map((/** @type {any} */ policy) => policy.name),
      ['address'],
    );
    const known = JSON.parse((await ask({ headers: { 'x-account': 'alice' } })).body);
    assert.deepEqual(
      known.policies.map((/** @type {any} */ policy) => [policy.name, policy.key, policy.remaining]),
      [
        ['address', '127.0.0.1', 8],
        ['account', 'alice', 0],
      ],
    );
    assert.deepEqual(await statuses(1, { headers: { 'x-account': 'alice' } }), [429]);
    assert.deepEqual(await statuses(1, { headers: { 'x-account': 'bob' } }), [200]);
    assert.equal(JSON.parse((await ask()).body).policies[0].used, 4);
  });

  it('share what is given beside them', async (context) => {
    const keyGenerator = (/** @type {any} */ request) => request.headers['x-account'] ?? null;
    const policies = [
      { name: 'one', limit: 1 },
      { name: 'two', limit: 2, windowMs: 5_000 },
    ];
    const { ask } = await serve(
      context,
      rateLimit({ policies, keyGenerator, windowMs: 2_000, algorithm: 'fixed-window' }),
    );
    const { headers, body } = await ask({ headers: { 'x-account': 'alice' } });
    assert.equal(headers['ratelimit-policy'], '"one";q=1;w=2, "two";q=2;w=5');
    assert.equal(JSON.parse(body).key, 'alice');
    const { headers: none, status } = await ask();
    assert.deepEqual([status, none.ratelimit], [200, undefined]);
  });

  it('that need the body are decided after it', async (context) => {
    const { json } = require('..');
    const policies = [
      { name: 'address', limit: 4 },
      {
        name: 'account',
        limit: 1,
        needsBody: true,
        keyGenerator: (/** @type {any} */ request) => request.body?.user ?? null,
      },
    ];
    const limiter = rateLimit({ policies });
    const { ask } = await serve(context, [limiter, json(), limiter.afterBody]);
    const login = (/** @type {string} */ user) =>
      ask({ method: 'POST', body: JSON.stringify({ user }), headers: { 'content-type': 'application/json' } });
    const answers = [
      await login('alice'),
      await login('alice'),
      await login('bob'),
      await login('carol'),
      await login('dave'),
    ];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 429, 200, 200, 429],
    );
    assert.match(answers[0].headers.ratelimit, /^"address";r=3;t=\d+, "account";r=0;t=\d+$/);
    assert.deepEqual(JSON.parse(answers[1].body)['violated-policies'], ['account']);
    assert.deepEqual(JSON.parse(answers[4].body)['violated-policies'], ['address']);
  });

  it('that need the body have their place in the chain', async (context) => {
    const { carapace } = require('..');
    const keyGenerator = (/** @type {any} */ request) => request.body?.user ?? null;
    const chain = carapace({
      rateLimit: { limit: 1, needsBody: true, keyGenerator: (r) => keyGenerator(r) ?? 'none' },
    });
    const { ask } = await serve(context, chain);
    const login = (/** @type {string} */ user) =>
      ask({ method: 'POST', body: JSON.stringify({ user }), headers: { 'content-type': 'application/json' } });
    const answers = [await login('alice'), await login('alice'), await login('bob')];
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 429, 200],
    );
  });
});
