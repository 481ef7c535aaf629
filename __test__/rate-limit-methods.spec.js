'use strict';

const assert = require('node:assert/strict');
const { channel } = require('node:diagnostics_channel');
const { describe, it } = require('node:test');
const { rateLimit } = require('..');
const { onEachExpress, settled, stopClock } = require('./helpers/limited');

describe('a limiter', () => {
  it('knows nothing of a key that never came S-14', () => {
    assert.equal(rateLimit({ limit: 5 }).getKey('nobody'), undefined);
  });

  it('counts, gives back, blocks and forgets by its methods', (context) => {
    const tick = stopClock(context);
    for (const algorithm of /** @type {const} */ (['fixed-window', 'sliding-window', 'gcra'])) {
      const limiter = rateLimit({ limit: 5, algorithm });
      const get = () => /** @type {import('..').RateLimitInfo | undefined} */ (limiter.getKey('192.0.2.1'));
      limiter.penalty('192.0.2.1');
      limiter.penalty('192.0.2.1', 3);
      assert.deepEqual([get()?.used, get()?.remaining, get()?.limit, get()?.key], [4, 1, 5, '192.0.2.1']);
      limiter.reward('192.0.2.1', 2);
      assert.equal(get()?.used, 2);
      limiter.reward('192.0.2.1', 20);
      assert.equal(get()?.used ?? 0, 0);
      limiter.block('192.0.2.1', 10_000);
      assert.equal(get()?.remaining, 0);
      assert.equal(get()?.resetTime.getTime(), Date.now() + 10_000);
      tick(10_000);
      assert.equal(get(), undefined);
      limiter.penalty('192.0.2.1', 5);
      limiter.resetKey('192.0.2.1');
      assert.equal(get(), undefined);
      limiter.penalty('192.0.2.1', 5);
      limiter.penalty('192.0.2.2', 5);
      limiter.resetAll();
      assert.deepEqual([get(), limiter.getKey('192.0.2.2')], [undefined, undefined]);
      assert.equal(limiter.close(), undefined);
    }
  });

  it('takes an address in any spelling, and the key that request.rateLimit shows', () => {
    const limiter = rateLimit({ limit: 5 });
    limiter.penalty('2001:db8::1');
    for (const key of ['2001:DB8:0::2', '[2001:db8::1]:80', '2001:db8::/56']) {
      assert.equal(/** @type {any} */ (limiter.getKey(key))?.used, 1, key);
    }
  });

  it('takes one of its policies by name', () => {
    const limiter = rateLimit({
      policies: [
        { name: 'a', limit: 5 },
        { name: 'b', limit: 9, needsBody: true },
      ],
    });
    limiter.penalty('192.0.2.1', 2, 'a');
    limiter.penalty('192.0.2.1', 1);
    const info = /** @type {import('..').RateLimitInfo} */ (limiter.getKey('192.0.2.1'));
    assert.deepEqual(
      info.policies.map(({ name, used }) => [name, used]),
      [
        ['a', 3],
        ['b', 1],
      ],
    );
    assert.equal(/** @type {any} */ (limiter.getKey('192.0.2.1', 'b')).name, 'b');
    limiter.resetKey('192.0.2.1', 'a');
    assert.equal(limiter.getKey('192.0.2.1', 'a'), undefined);
    assert.throws(() => limiter.getKey('192.0.2.1', 'c'), {
      code: 'ERR_CARAPACE_OPTION_VALUE',
      path: 'rateLimit.policy',
    });
  });

  it('refuses amounts and keys that are none', () => {
    const limiter = /** @type {any} */ (rateLimit({ limit: 5 }));
    for (const points of [-1, 1.5, NaN, Infinity]) {
      assert.throws(() => limiter.penalty('a', points), { code: 'ERR_CARAPACE_OPTION_VALUE' });
    }
    for (const points of ['1', null, {}]) {
      assert.throws(() => limiter.reward('a', points), { code: 'ERR_CARAPACE_OPTION_TYPE' });
    }
    for (const key of [undefined, null, {}]) {
      assert.throws(() => limiter.getKey(key), { code: 'ERR_CARAPACE_OPTION_TYPE' });
    }
    assert.throws(() => limiter.block('a', -1), { code: 'ERR_CARAPACE_OPTION_VALUE' });
    assert.throws(() => limiter.block('a'), { code: 'ERR_CARAPACE_OPTION_TYPE' });
  });
});

onEachExpress('the delay of rateLimit', ({ serve }) => {
  it('holds back what is over, and denies nobody', async (context) => {
    const limiter = rateLimit({ delay: { after: 2, ms: 40 } });
    const { ask } = await serve(context, limiter);
    const times = [];
    const delays = [];
    let last;
    for (let count = 0; count < 4; count += 1) {
      const before = performance.now();
      last = await ask();
      times.push(performance.now() - before);
      delays.push(JSON.parse(last.body).delay ?? 0);
    }
    assert.deepEqual(delays, [0, 0, 40, 40]);
    assert.ok(times[3] >= 38, `${times[3]} ms`);
    assert.equal(last?.status, 200);
    assert.equal(last?.headers['ratelimit-policy'], '"default";q=2;w=60');
    assert.match(last?.headers.ratelimit, /r=0/);
  });

  it('grows as express-slow-down does, up to maxMs', async (context) => {
    /** @type {number[]} */
    const asked = [];
    const cases = [
      [{ after: 0, maxMs: 3 }, [3, 3]],
      [{ after: async () => 0, ms: (/** @type {number} */ used) => used * 2 }, [2, 4]],
      [{ after: 1, ms: async (/** @type {number} */ used) => asked.push(used) && 5 }, [0, 5]],
    ];
    for (const [delay, expected] of cases) {
      const { ask } = await serve(context, rateLimit({ delay: /** @type {any} */ (delay) }));
      assert.deepEqual(
        [JSON.parse((await ask()).body).delay ?? 0, JSON.parse((await ask()).body).delay ?? 0],
        expected,
      );
    }
    assert.deepEqual(asked, [2]);
  });

  it('comes before a denial', async (context) => {
    const { statuses } = await serve(context, rateLimit({ limit: 3, delay: { after: 1, ms: 5 } }));
    assert.deepEqual(await statuses(4), [200, 200, 200, 429]);
  });

  it('does not hold back in report mode', async (context) => {
    const { ask } = await serve(context, rateLimit({ delay: { after: 0, ms: 60_000 }, mode: 'report' }));
    assert.equal((await ask()).status, 200);
  });

  it('ends with its client', async (context) => {
    let passed = 0;
    const limiter = rateLimit({ delay: { after: 0, ms: 50 } });
    const note = (/** @type {any} */ _request, /** @type {any} */ _response, /** @type {any} */ next) => {
      passed += 1;
      next();
    };
    const { port } = await serve(context, [limiter, note]);
    const request = require('node:http').get({ port, host: '127.0.0.1', agent: false });
    request.on('error', () => {});
    while (limiter.getKey('127.0.0.1') === undefined) await new Promise(setImmediate);
    request.destroy();
    await new Promise((resolve) => setTimeout(resolve, 80));
    assert.equal(passed, 0);
  });
});

onEachExpress('rateLimit tells', ({ serve }) => {
  it('every decision to onDecision and its channel', async (context) => {
    /** @type {any[]} */
    const told = [];
    /** @type {any[]} */
    const published = [];
    const listener = (/** @type {unknown} */ decision) => published.push(decision);
    channel('carapace:decision').subscribe(listener);
    context.after(() => channel('carapace:decision').unsubscribe(listener));
    const skip = (/** @type {any} */ request) => request.headers['x-skip'];
    const limiter = rateLimit({ limit: 1, skip, onDecision: (decision) => told.push(decision) });
    const { ask } = await serve(context, limiter);
    await ask();
    await ask();
    await ask({ headers: { 'x-skip': '1' } });
    assert.deepEqual(
      told.map(({ action, outcome, policy, mode }) => [action, outcome, policy, mode]),
      [
        ['allow', 'counted', 'default', 'enforce'],
        ['deny', 'counted', 'default', 'enforce'],
        ['skip', 'skipped', undefined, 'enforce'],
      ],
    );
    assert.deepEqual(published, told);
    assert.match(told[0].key, /^[0-9a-f]{16}$/);
    assert.equal(told[0].policies[0].remaining, 0);
    assert.doesNotMatch(JSON.stringify(told), /127\.0\.0\.1/);
  });

  it('denials in report mode, and lets them pass', async (context) => {
    /** @type {any[]} */
    const told = [];
    const options = { limit: 1, mode: /** @type {const} */ ('report'), denyList: () => false };
    const { statuses } = await serve(context, rateLimit({ ...options, onDecision: (decision) => told.push(decision) }));
    assert.deepEqual(await statuses(3), [200, 200, 200]);
    assert.deepEqual(
      told.map(({ action, mode }) => [action, mode]),
      [
        ['allow', 'report'],
        ['deny', 'report'],
        ['deny', 'report'],
      ],
    );
    const denied = rateLimit({ limit: 1, mode: 'report', denyList: ['127.0.0.1'] });
    assert.deepEqual(await (await serve(context, denied)).statuses(2), [200, 200]);
  });

  it('and goes on when the listener throws', async (context) => {
    const limiter = rateLimit({
      limit: 1,
      onDecision() {
        throw new Error('no');
      },
    });
    const warned = new Promise((resolve) => process.once('warning', resolve));
    assert.deepEqual(await (await serve(context, limiter)).statuses(2), [200, 429]);
    assert.equal((await warned).code, 'CARAPACE_LISTENER');
  });
});

onEachExpress('rateLimit.login', ({ serve }) => {
  /** @param {import('node:test').TestContext} context @param {any} [options] */
  async function logins(context, options) {
    const account = (/** @type {any} */ request) => request.headers['x-account'];
    const limiter = rateLimit.login({
      account,
      limit: 3,
      addressLimit: 6,
      accountLimit: 8,
      client: { trustProxy: 1 },
      ...options,
    });
    const { ask } = await serve(context, limiter);
    /** @param {string} user @param {string} from @param {boolean} [isRight] */
    const login = async (user, from, isRight = false) => {
      const headers = { 'x-account': user, 'x-forwarded-for': from, 'x-status': isRight ? '200' : '401' };
      const { status } = await ask({ headers });
      await settled();
      return status;
    };
    return { limiter, login, ask };
  }

  it('counts failures only', async (context) => {
    const { login } = await logins(context);
    for (let count = 0; count < 10; count += 1) assert.equal(await login('alice', '192.0.2.1', true), 200);
    const failures = [];
    for (let count = 0; count < 4; count += 1) failures.push(await login('alice', '192.0.2.1'));
    assert.deepEqual(failures, [401, 401, 401, 429]);
    assert.equal(await login('alice', '192.0.2.1', true), 429);
    assert.equal(await login('bob', '192.0.2.1', true), 200);
    assert.equal(await login('alice', '192.0.2.2', true), 200);
  });

  it('blocks with the failure that uses up the limit, not with the next', async (context) => {
    const tick = stopClock(context);
    const { login, limiter } = await logins(context, { windowMs: 1_000, blockMs: 60_000 });
    for (let count = 0; count < 3; count += 1) await login('alice', '192.0.2.1');
    tick(59_000);
    assert.equal(await login('alice', '192.0.2.1', true), 429);
    tick(1_000);
    assert.equal(await login('alice', '192.0.2.1', true), 200);
    assert.equal(limiter.getKey('192.0.2.1', 'login-address'), undefined);
  });

  it('counts an address with all accounts, and an account from all addresses', async (context) => {
    const { login } = await logins(context);
    for (let user = 0; user < 6; user += 1) assert.equal(await login(`user${user}`, '192.0.2.1'), 401);
    assert.equal(await login('other', '192.0.2.1', true), 429);
    for (let host = 1; host <= 8; host += 1) assert.equal(await login('carol', `198.51.100.${host}`), 401);
    assert.equal(await login('carol', '198.51.100.99', true), 429);
    assert.equal(await login('dave', '198.51.100.99', true), 200);
  });

  it('forgets with a success what failed for that account from that address alone', async (context) => {
    const { login, limiter } = await logins(context);
    await login('alice', '192.0.2.1');
    await login('alice', '192.0.2.1');
    await login('alice', '192.0.2.1', true);
    for (let count = 0; count < 2; count += 1) assert.equal(await login('alice', '192.0.2.1'), 401);
    assert.equal(/** @type {any} */ (limiter.getKey('192.0.2.1', 'login-address')).used, 4);
  });

  it('takes spellings of an account for one, and what is no text for none', async (context) => {
    const { login } = await logins(context);
    assert.deepEqual(
      [await login('Alice', '192.0.2.1'), await login(' alice ', '192.0.2.1'), await login('ALICE', '192.0.2.1')],
      [401, 401, 401],
    );
    assert.equal(await login('alice', '192.0.2.1'), 429);
    const { login: withObject } = await logins(context, { account: () => ({ $gt: '' }) });
    const failures = [];
    for (let count = 0; count < 7; count += 1) failures.push(await withObject('', '192.0.2.1'));
    assert.deepEqual(failures, [401, 401, 401, 401, 401, 401, 429]);
  });

  it('lets no parallel guesses through S-16', async (context) => {
    const { ask } = await logins(context, { addressLimit: false, accountLimit: false });
    const headers = { 'x-account': 'alice', 'x-status': '401', 'x-forwarded-for': '192.0.2.1' };
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask({ headers })));
    assert.equal(answers.filter(({ status }) => status === 401).length, 3);
  });
});
