'use strict';

const assert = require('node:assert/strict');
const { channel } = require('node:diagnostics_channel');
const { describe, it, mock } = require('node:test');
const { rateLimit } = require('..');
const { EXPRESS, listen, send } = require('./helpers/servers');

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`rateLimit on ${name}`, () => {
    /**
     * @param {import('node:test').TestContext} context
     * @param {any} options
     * @param {(app: any) => void} [prepare]
     */
    async function serve(context, options, prepare) {
      const app = express();
      prepare?.(app);
      app.use(rateLimit(options));
      app.get('/', (/** @type {any} */ request, /** @type {any} */ response) => response.json(request.rateLimit));
      app.use(
        (
          /** @type {any} */ error,
          /** @type {any} */ _request,
          /** @type {any} */ response,
          /** @type {any} */ _next,
        ) => response.status(error.status).json({ caught: error.code, type: error.type, expose: error.expose }),
      );
      return (await listen(context, app)).port;
    }

    it('lets the limit pass and answers the next request with 429', async (context) => {
      const port = await serve(context, { limit: 2, windowMs: 60_000, algorithm: 'fixed-window' });
      const answers = [await send(port), await send(port), await send(port)];
      assert.deepEqual(
        answers.map((answer) => answer.status),
        [200, 200, 429],
      );
      assert.equal(answers[0].headers['ratelimit-policy'], '"default";q=2;w=60');
      assert.match(answers[0].headers.ratelimit, /^"default";r=1;t=(60|59)$/);
      const [, , denied] = answers;
      assert.match(denied.headers['retry-after'], /^(60|59)$/);
      assert.equal(denied.headers['content-type'], 'application/problem+json; charset=utf-8');
      const problem = JSON.parse(denied.body);
      assert.equal(problem.status, 429);
      assert.equal(problem.type, 'https://iana.org/assignments/http-problem-types#quota-exceeded');
      assert.equal(problem.code, 'ERR_CARAPACE_RATE_LIMITED');
      assert.deepEqual(problem['violated-policies'], ['default']);
    });

    it('tells the handler where the client stands', async (context) => {
      const port = await serve(context, { limit: 5, name: 'api' });
      const info = JSON.parse((await send(port)).body);
      assert.deepEqual(
        [info.name, info.limit, info.used, info.remaining, info.key, info.policies.length],
        ['api', 5, 1, 4, '127.0.0.1', 1],
      );
      assert.ok(Date.parse(info.resetTime) > Date.now());
    });

    it('opens a new window when the clock says so', async (context) => {
      mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
      context.after(() => mock.timers.reset());
      const port = await serve(context, { limit: 1, windowMs: 10_000, algorithm: 'fixed-window' });
      assert.equal((await send(port)).status, 200);
      assert.equal((await send(port)).headers['retry-after'], '10');
      mock.timers.tick(9_999);
      assert.equal((await send(port)).status, 429);
      mock.timers.tick(1);
      assert.equal((await send(port)).status, 200);
    });

    it('passes an error on with onReject next', async (context) => {
      const port = await serve(context, { limit: 0, onReject: 'next' });
      const { status, body } = await send(port);
      assert.equal(status, 429);
      assert.deepEqual(JSON.parse(body), {
        caught: 'ERR_CARAPACE_RATE_LIMITED',
        type: 'rate-limit.exceeded',
        expose: true,
      });
    });

    it('only reports in report mode', async (context) => {
      /** @type {any[]} */
      const events = [];
      const port = await serve(context, {
        limit: 0,
        mode: 'report',
        onEvent: (/** @type {any} */ e) => events.push(e),
      });
      assert.equal((await send(port)).status, 200);
      const [{ key, ...event }] = events;
      assert.deepEqual(event, {
        stem: 'rate-limit',
        type: 'rate-limit.denied',
        policy: 'default',
        action: 'deny',
        mode: 'report',
      });
      assert.match(key, /^[0-9a-f]{16}$/);
    });

    it('publishes denials on its diagnostics channel', async (context) => {
      /** @type {any[]} */
      const events = [];
      const listener = (/** @type {unknown} */ event) => events.push(event);
      channel('carapace:rate-limit').subscribe(listener);
      context.after(() => channel('carapace:rate-limit').unsubscribe(listener));
      const port = await serve(context, { limit: 0, name: 'channel-test' });
      await send(port);
      assert.deepEqual(
        events.map((event) => [event.policy, event.mode]),
        [['channel-test', 'enforce']],
      );
    });

    it('takes the client address as trust proxy finds it, without its port S-8', async (context) => {
      const port = await serve(context, { limit: 1 }, (app) => app.set('trust proxy', 1));
      const from = async (/** @type {string} */ address) =>
        (await send(port, { headers: { 'x-forwarded-for': address } })).status;
      assert.deepEqual(
        [await from('9.9.9.1, 5.5.5.5:4000'), await from('9.9.9.2, 5.5.5.5:4001'), await from('5.5.5.6')],
        [200, 429, 200],
      );
    });

    it('does not follow a trust proxy that trusts everybody S-7', async (context) => {
      /** @type {any[]} */
      const events = [];
      const onEvent = (/** @type {any} */ event) => events.push(event.type);
      const port = await serve(context, { limit: 1, onEvent }, (app) => app.set('trust proxy', true));
      const from = async (/** @type {number} */ host) =>
        (await send(port, { headers: { 'x-forwarded-for': `9.9.9.${host}` } })).status;
      assert.deepEqual([await from(1), await from(2), await from(3)], [200, 429, 429]);
      assert.deepEqual(events, ['proxy.trust-all', 'rate-limit.denied', 'rate-limit.denied']);
    });

    it('counts a forwarded address that is none as the peer S-9', async (context) => {
      const port = await serve(context, { limit: 1 }, (app) => app.set('trust proxy', 1));
      const from = async (/** @type {string} */ address) =>
        (await send(port, { headers: { 'x-forwarded-for': address } })).status;
      assert.deepEqual(
        [await from('unknown0'), await from('_hidden'), await from('01.02.03.04'), await from(','.repeat(10_000))],
        [200, 429, 429, 429],
      );
    });

    it('reports the strictest of several policies and lists all', async (context) => {
      const app = express();
      app.use(rateLimit({ limit: 10, name: 'minute' }), rateLimit({ limit: 3, name: 'login' }));
      app.get('/', (/** @type {any} */ request, /** @type {any} */ response) => response.json(request.rateLimit));
      const { headers, body } = await send((await listen(context, app)).port);
      const info = JSON.parse(body);
      assert.equal(info.name, 'login');
      assert.deepEqual(
        info.policies.map((/** @type {any} */ policy) => [policy.name, policy.remaining]),
        [
          ['minute', 9],
          ['login', 2],
        ],
      );
      assert.equal(headers['ratelimit-policy'], '"minute";q=10;w=60, "login";q=3;w=60');
      assert.equal(headers.ratelimit, '"minute";r=9;t=120, "login";r=2;t=120');
    });
  });
}

describe('rateLimit', () => {
  it('counts by the key that keyGenerator names', async (context) => {
    const limiter = rateLimit({ limit: 1, keyGenerator: (request) => request.headers['x-account'] ?? '' });
    const { port } = await listen(context, (request, response) => limiter(request, response, () => response.end()));
    const as = async (/** @type {string} */ account) =>
      (await send(port, { headers: { 'x-account': account } })).status;
    assert.deepEqual([await as('alice'), await as('alice'), await as('bob')], [200, 429, 200]);
  });

  it('refuses the request with a 500 when keyGenerator throws', async (context) => {
    const limiter = rateLimit({
      limit: 1,
      keyGenerator() {
        throw new Error('secret detail');
      },
    });
    const { port } = await listen(context, (request, response) => limiter(request, response, () => response.end('in')));
    const { status, body } = await send(port);
    assert.equal(status, 500);
    assert.equal(JSON.parse(body).code, 'ERR_CARAPACE_INTERNAL');
    assert.doesNotMatch(body, /secret|in$/);
  });

  const BAD = [
    ['rateLimit.limit', undefined, 'ERR_CARAPACE_OPTION_REQUIRED'],
    ['rateLimit', null, 'ERR_CARAPACE_OPTION_TYPE'],
    ['rateLimit', 5, 'ERR_CARAPACE_OPTION_TYPE'],
    ['rateLimit', [], 'ERR_CARAPACE_OPTION_TYPE'],
    ['rateLimit.max', { limit: 1, max: 2 }, 'ERR_CARAPACE_OPTION_UNKNOWN'],
    ['rateLimit.window', { limit: 1, window: 2 }, 'ERR_CARAPACE_OPTION_UNKNOWN'],
    ['rateLimit.__proto__', JSON.parse('{"limit":1,"__proto__":{}}'), 'ERR_CARAPACE_OPTION_UNKNOWN'],
    ['rateLimit.limit', { limit: null }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['rateLimit.limit', { limit: '5' }, 'ERR_CARAPACE_OPTION_TYPE'],
    ...[1.5, -1, NaN, Infinity, 2 ** 31].map((limit) => ['rateLimit.limit', { limit }, 'ERR_CARAPACE_OPTION_VALUE']),
    ...[0, 0.5, -1, NaN, Infinity, 4e10].map((windowMs) => [
      'rateLimit.windowMs',
      { limit: 1, windowMs },
      'ERR_CARAPACE_OPTION_VALUE',
    ]),
    ['rateLimit.windowMs', { limit: 1, windowMs: '60s' }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['rateLimit.name', { limit: 1, name: 'a"b' }, 'ERR_CARAPACE_OPTION_VALUE'],
    ['rateLimit.name', { limit: 1, name: 'é' }, 'ERR_CARAPACE_OPTION_VALUE'],
    ['rateLimit.name', { limit: 1, name: 'a\r\nb' }, 'ERR_CARAPACE_OPTION_VALUE'],
    ['rateLimit.name', { limit: 1, name: '' }, 'ERR_CARAPACE_OPTION_VALUE'],
    ['rateLimit.name', { limit: 1, name: 5 }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['rateLimit.keyGenerator', { limit: 1, keyGenerator: 'ip' }, 'ERR_CARAPACE_OPTION_TYPE'],
    ...[0, 129, 1.5, NaN].map((ipv6Prefix) => [
      'rateLimit.ipv6Prefix',
      { limit: 1, ipv6Prefix },
      'ERR_CARAPACE_OPTION_VALUE',
    ]),
    ['rateLimit.maxKeys', { limit: 1, maxKeys: 0 }, 'ERR_CARAPACE_OPTION_VALUE'],
    ['rateLimit.maxKeys', { limit: 1, maxKeys: 1e9 }, 'ERR_CARAPACE_OPTION_VALUE'],
    ['rateLimit.mode', { limit: 1, mode: 'dry' }, 'ERR_CARAPACE_OPTION_VALUE'],
    ['rateLimit.onReject', { limit: 1, onReject: 'throw' }, 'ERR_CARAPACE_OPTION_VALUE'],
    ['rateLimit.onEvent', { limit: 1, onEvent: {} }, 'ERR_CARAPACE_OPTION_TYPE'],
  ];
  for (const [path, options, code] of BAD) {
    it(`throws ${code} for ${path} given ${JSON.stringify(options)}`, () => {
      assert.throws(() => rateLimit(/** @type {any} */ (options)), { name: 'CarapaceError', path, code });
    });
  }
});
