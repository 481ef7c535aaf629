'use strict';

const assert = require('node:assert/strict');
const { createHmac } = require('node:crypto');
const { it } = require('node:test');
const { rateLimit } = require('..');
const { onEachExpress, stopClock } = require('./helpers/limited');

const FIXED = /** @type {const} */ ({ algorithm: 'fixed-window', windowMs: 60_000 });

onEachExpress('what rateLimit answers', ({ serve }) => {
  it('has the fields of each draft', async (context) => {
    stopClock(context);
    /** @type {[options: any, fields: Record<string, string>][]} */
    const cases = [
      [{}, { 'ratelimit-policy': '"default";q=5;w=60', ratelimit: '"default";r=4;t=60' }],
      [{ headers: 'draft-8' }, { 'ratelimit-policy': '"default"; q=5; w=60', ratelimit: '"default"; r=4; t=60' }],
      [{ headers: 'draft-7' }, { 'ratelimit-policy': '5;w=60', ratelimit: 'limit=5, remaining=4, reset=60' }],
      [
        { headers: 'draft-6' },
        { 'ratelimit-policy': '5;w=60', 'ratelimit-limit': '5', 'ratelimit-remaining': '4', 'ratelimit-reset': '60' },
      ],
      [
        { headers: false, legacyHeaders: true },
        { 'x-ratelimit-limit': '5', 'x-ratelimit-remaining': '4', 'x-ratelimit-reset': '1800000060' },
      ],
      [{ headers: false }, {}],
    ];
    for (const [options, fields] of cases) {
      const { ask } = await serve(context, rateLimit({ limit: 5, ...FIXED, ...options }));
      const { headers } = await ask();
      const found = Object.entries(headers).filter(([name]) => name.includes('ratelimit'));
      assert.deepEqual(Object.fromEntries(found), fields);
    }
  });

  it('has a partition key only with a secret, and never the client key itself', async (context) => {
    stopClock(context);
    const secret = 'a secret of many characters';
    for (const key of [secret, Buffer.from(secret)]) {
      const { ask } = await serve(context, rateLimit({ limit: 5, ...FIXED, secret: key }));
      const digest = createHmac('sha256', secret).update('default\u0000127.0.0.1').digest().subarray(0, 16);
      const pk = `pk=:${digest.toString('base64')}:`;
      const { headers } = await ask();
      assert.equal(headers['ratelimit-policy'], `"default";q=5;w=60;${pk}`);
      assert.equal(headers.ratelimit, `"default";r=4;t=60;${pk}`);
    }
  });

  it('is always a valid structured field S-19', async (context) => {
    const item = '"[\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e]+"(?:;[a-z]+=(?:\\d{1,15}|:[A-Za-z0-9+/=]*:))+';
    const list = new RegExp(`^${item}(?:, ${item})*$`);
    for (const options of [
      { limit: 2 ** 31 - 1 },
      { limit: 0 },
      { limit: 1, windowMs: 1 },
      { limit: () => 7 },
      { delay: { after: 2 } },
    ]) {
      const limiter = rateLimit({ secret: 'x'.repeat(16), ...options, name: 'a: b/c.d_e-f' });
      const { ask } = await serve(context, limiter);
      for (const { headers } of [await ask(), await ask()]) {
        assert.match(headers.ratelimit, list);
        assert.match(headers['ratelimit-policy'], list);
      }
    }
  });

  it('says when to try again, never earlier than the fields say', async (context) => {
    const tick = stopClock(context);
    for (const algorithm of /** @type {const} */ (['fixed-window', 'sliding-window', 'gcra'])) {
      for (const windowMs of [1, 999, 1_500, 60_000]) {
        const { ask, statuses } = await serve(
          context,
          rateLimit({ limit: 2, windowMs, algorithm, legacyHeaders: true }),
        );
        await statuses(2);
        const { status, headers } = await ask();
        assert.equal(status, 429);
        const [, seconds] = /;t=(\d+)$/.exec(headers.ratelimit) ?? [];
        assert.ok(Number(headers['retry-after']) >= Number(seconds), `${headers['retry-after']} is before ${seconds}`);
        tick(Number(headers['retry-after']) * 1_000);
        assert.deepEqual(await statuses(1), [200], `${algorithm}, ${windowMs} ms`);
      }
    }
  });

  it('is a problem document, a text, or what the app says', async (context) => {
    /** @type {[options: any, type: string, body: unknown][]} */
    const cases = [
      [{ body: 'text' }, 'text/plain; charset=utf-8', 'too many requests; try again in 60 s\n'],
      [{ message: 'slow down' }, 'text/plain; charset=utf-8', 'slow down'],
      [{ message: { error: 'slow' } }, 'application/json; charset=utf-8', '{"error":"slow"}'],
      [{ message: ['slow'] }, 'application/json; charset=utf-8', '["slow"]'],
      [{ message: Buffer.from('slow') }, 'application/octet-stream', 'slow'],
      [{ message: () => 'now' }, 'text/plain; charset=utf-8', 'now'],
      [{ message: async () => ({ a: 1 }) }, 'application/json; charset=utf-8', '{"a":1}'],
      [
        { message: (/** @type {any} */ _q, /** @type {any} */ r) => void r.type('html').send('<p>') },
        'text/html; charset=utf-8',
        '<p>',
      ],
    ];
    stopClock(context);
    for (const [options, type, body] of cases) {
      const answer = await (await serve(context, rateLimit({ limit: 0, ...FIXED, ...options }))).ask();
      assert.deepEqual([answer.headers['content-type'], answer.body], [type, body]);
      if (body !== '<p>') assert.equal(answer.status, 429);
    }
  });

  it('has the status that is asked for', async (context) => {
    for (const options of [{}, { message: 'x' }, { body: 'text' }]) {
      const limiter = rateLimit({ limit: 0, statusCode: 420, .../** @type {any} */ (options) });
      assert.equal((await (await serve(context, limiter)).ask()).status, 420);
    }
  });

  it('comes from a handler, which finds Retry-After set', async (context) => {
    /** @type {any[]} */
    const seen = [];
    const handler = (
      /** @type {any} */ request,
      /** @type {any} */ response,
      /** @type {any} */ _next,
      /** @type {any} */ error,
    ) => {
      seen.push(error.code, request.rateLimit.remaining);
      response.status(503).end('handled');
    };
    const { ask } = await serve(context, rateLimit({ limit: 0, ...FIXED, handler }));
    const { status, body, headers } = await ask();
    assert.deepEqual([status, body, seen], [503, 'handled', ['ERR_CARAPACE_RATE_LIMITED', 0]]);
    assert.ok(Number(headers['retry-after']) >= 1);
  });

  it('is a 500 when handler or message fails', async (context) => {
    const fails = () => {
      throw new Error('secret detail');
    };
    const rejects = async () => fails();
    for (const options of [{ handler: fails }, { handler: rejects }, { message: fails }, { message: rejects }]) {
      const { status, body } = await (await serve(context, rateLimit({ limit: 0, ...options }))).ask();
      assert.equal(status, 500);
      assert.doesNotMatch(body, /secret/);
    }
  });

  it('tells of the strictest of several limiters where a form knows one', async (context) => {
    stopClock(context);
    for (const headers of /** @type {const} */ (['draft-6', 'draft-7'])) {
      const options = { ...FIXED, headers, legacyHeaders: true };
      const limiters = [{ limit: 10 }, { limit: 3 }, { limit: 20 }].map((own, index) =>
        rateLimit({ ...options, ...own, name: `limiter ${index}` }),
      );
      const { ask } = await serve(context, limiters);
      const { headers: fields } = await ask();
      assert.equal(fields['ratelimit-policy'], '10;w=60, 3;w=60, 20;w=60');
      assert.equal(fields['x-ratelimit-limit'], '3');
      assert.equal(
        fields['ratelimit-limit'] ?? fields.ratelimit,
        headers === 'draft-6' ? '3' : 'limit=3, remaining=2, reset=60',
      );
    }
  });
});
