'use strict';

const assert = require('node:assert/strict');
const { channel } = require('node:diagnostics_channel');
const { describe, it } = require('node:test');
const { Registry } = require('prom-client');
const { carapace } = require('..');
const { EXPRESS, listen, send, sendJson } = require('./helpers/servers');

/**
 * @param {import('node:test').TestContext} context
 * @param {any} shield
 * @param {(app: any) => void} [prepare]
 */
async function serve(context, shield, prepare) {
  const app = /** @type {any} */ (EXPRESS.express5)();
  prepare?.(app);
  app.use(shield);
  app.use((/** @type {any} */ _request, /** @type {any} */ response) => response.json({}));
  return (await listen(context, app)).port;
}

describe('metrics', () => {
  /** @param {import('node:test').TestContext} context @param {any} [options] */
  async function busy(context, options) {
    const shield = carapace({
      rateLimit: { limit: 3 },
      routes: { 'POST /login': { rateLimit: { limit: 1 } } },
      ...options,
    });
    const port = await serve(context, shield);
    await sendJson(port, '{"$a":1,"__proto__":{}}');
    await sendJson(port, '{"a":', {});
    await send(port, { method: 'POST', path: '/login' });
    await send(port, { method: 'POST', path: '/login' });
    await send(port);
    return shield;
  }

  it('tell of decisions, findings, refusals and stores as data', async (context) => {
    const { decisions, findings, refusals, requests, stores, uncounted } = (await busy(context)).metrics();
    assert.equal(requests, 5);
    assert.deepEqual(decisions, [
      { policy: 'default', allowed: 3, denied: 2 },
      { policy: 'POST /login', allowed: 1, denied: 1 },
    ]);
    assert.deepEqual(refusals, { ERR_CARAPACE_BODY_MALFORMED: 1, ERR_CARAPACE_RATE_LIMITED: 2 });
    const found = findings.map(({ stem, rule, action, count }) => `${stem} ${rule} ${action} ${count}`);
    assert.deepEqual(found.sort(), ['body operator strip 1', 'body proto strip 1']);
    assert.deepEqual(stores, [
      { limiter: 'global', isUp: true },
      { limiter: 'POST /login', isUp: true },
    ]);
    assert.equal(uncounted.skipped, 0);
  });

  it('measure some requests, the first at once', async (context) => {
    const { latency } = (await busy(context, { metrics: { sample: 2 } })).metrics();
    assert.deepEqual([latency.chain.count, latency.request.count], [3, 3]);
    assert.equal(latency.chain.buckets.at(-1)?.count, 3);
    assert.ok(latency.request.sum >= latency.chain.sum && latency.chain.sum > 0);
    assert.equal((await busy(context, { metrics: false })).metrics().latency.chain.count, 0);
  });

  it("are text in Prometheus's format", async (context) => {
    const shield = await busy(context);
    const text = shield.metrics.text();
    assert.equal(String(shield.metrics()), text);
    assert.match(
      text,
      /^# HELP carapace_requests_total .+\n# TYPE carapace_requests_total counter\ncarapace_requests_total 5\n/,
    );
    assert.ok(text.includes('carapace_decisions_total{policy="POST /login",decision="deny"} 1\n'));
    assert.ok(text.includes('carapace_store_up{limiter="global"} 1\n'));
    assert.ok(text.includes('carapace_chain_seconds_bucket{le="+Inf"} 1\n'));
    for (const line of text.trimEnd().split('\n')) {
      assert.match(line, /^(# (HELP|TYPE) \w+ .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [\d.e+-]+)$/);
    }
  });

  it('join a registry of prom-client', async (context) => {
    const registry = new Registry();
    const shield = await busy(context, { metrics: { registry, prefix: 'app_' } });
    const text = await registry.metrics();
    assert.ok(text.includes('app_decisions_total{policy="default",decision="allow"} 3\n'));
    assert.deepEqual(
      text.split('\n').filter((line) => line !== '' && line[0] !== '#'),
      shield.metrics
        .text()
        .replaceAll('carapace_', 'app_')
        .split('\n')
        .filter((line) => line !== '' && line[0] !== '#'),
    );
    assert.equal((await registry.getMetricsAsJSON()).length, 9);
    assert.throws(() => carapace({ metrics: { registry: {} } }), { path: 'carapace.metrics.registry' });
  });

  it('say when a store is down', async (context) => {
    const store = {
      isDown: true,
      increment() {
        if (store.isDown) throw new Error('down');
        return { totalHits: 1, resetTime: new Date(Date.now() + 1000) };
      },
      decrement() {},
      resetKey() {},
    };
    const shield = carapace({ rateLimit: { limit: 5, store } });
    const port = await serve(context, shield);
    await send(port);
    assert.deepEqual(shield.metrics().stores, [{ limiter: 'global', isUp: false }]);
    assert.deepEqual(shield.metrics().events, [{ stem: 'rate-limit', type: 'rate-limit.store-failed', count: 1 }]);
    store.isDown = false;
    await send(port);
    assert.deepEqual(shield.metrics().stores, [{ limiter: 'global', isUp: true }]);
  });
});

describe('the event stream', () => {
  it('is one for all parts, on onEvent and on diagnostics channels', async (context) => {
    /** @type {any[]} */
    const heard = [];
    /** @type {any[]} */
    const published = [];
    const shield = carapace({
      onEvent: (event) => heard.push(event),
      rateLimit: { limit: 2 },
      cookies: true,
      json: { onEvent: (event) => heard.push({ own: true, ...event }) },
    });
    const port = await serve(context, shield, (app) =>
      app.use((/** @type {any} */ _request, /** @type {any} */ response, /** @type {any} */ next) => {
        response.setHeader('set-cookie', 'a=1');
        next();
      }),
    );
    const stems = ['body', 'query-parser', 'hpp', 'rate-limit', 'cookies'];
    const listener = (/** @type {any} */ event) => published.push(event);
    for (const stem of stems) channel(`carapace:${stem}`).subscribe(listener);
    context.after(() => stems.forEach((stem) => channel(`carapace:${stem}`).unsubscribe(listener)));
    await sendJson(port, '{"$a":1}', { path: '/?$b=1&c=1&c=2' });
    await send(port);
    await send(port);
    const names = heard.map(({ stem, type, own = false }) => `${stem} ${type} ${own}`);
    assert.ok(names.includes('body finding true'));
    for (const name of [
      'query-parser finding',
      'hpp finding',
      'cookies cookies.changed',
      'rate-limit rate-limit.denied',
    ]) {
      assert.ok(names.includes(`${name} false`), `${name} of ${names}`);
    }
    assert.deepEqual(published.length, heard.length);
  });
});

describe('limiters of a shield', () => {
  it('are had by rule, and forget all at reset()', async (context) => {
    const account = (/** @type {any} */ request) => request.body?.user;
    const shield = carapace({
      rateLimit: { limit: 1 },
      routes: { 'POST /login': { login: { account } }, '/free': { globalLimit: false, rateLimit: { limit: 1 } } },
    });
    const port = await serve(context, shield);
    const ask = async () => [(await send(port)).status, (await send(port, { path: '/free' })).status];
    assert.deepEqual(
      [await ask(), await ask()],
      [
        [200, 200],
        [429, 429],
      ],
    );
    shield.limiter('/free')?.resetKey('127.0.0.1');
    assert.deepEqual(await ask(), [429, 200]);
    assert.equal(shield.reset(), undefined);
    assert.deepEqual(
      [await ask(), await ask()],
      [
        [200, 200],
        [429, 429],
      ],
    );
    assert.equal(typeof shield.limiter('POST /login')?.resetKey, 'function');
    assert.equal(shield.limiter('/nothing'), undefined);
  });

  it('are closed with it', async () => {
    let isClosed = false;
    const store = {
      increment: () => ({ totalHits: 1, resetTime: new Date() }),
      decrement() {},
      resetKey() {},
      shutdown: () => (isClosed = true),
    };
    assert.equal(await carapace({ rateLimit: { limit: 5, store } }).close(), true);
    assert.equal(isClosed, true);
  });
});

describe('explain()', () => {
  /** @param {any} shield */
  const codes = (shield) => shield.explain().warnings.map((/** @type {any} */ { code }) => code);

  /** @param {import('node:test').TestContext} context @param {Record<string, string | undefined>} values */
  function setEnvironment(context, values) {
    for (const [name, value] of Object.entries(values)) {
      const before = process.env[name];
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
      context.after(() => (before === undefined ? delete process.env[name] : (process.env[name] = before)));
    }
  }

  it('says what is on, with which values, and shows no secret', () => {
    const shield = carapace({
      preset: 'api',
      json: { limit: '10kb' },
      rateLimit: { limit: 5, secret: 'a secret of the app', keyGenerator: () => 'a' },
      routes: { 'POST /login': { rateLimit: { limit: 1 } } },
    });
    const { mode, parts, preset, routes } = shield.explain();
    assert.deepEqual([mode, preset], ['enforce', 'api']);
    assert.deepEqual(
      parts.map(({ name, isOn }) => (isOn ? name : `-${name}`)),
      [
        '-cookies',
        'securityHeaders',
        '-cors',
        'rateLimit',
        'queryParser',
        'json',
        '-urlencoded',
        'sanitize',
        'hpp',
        '-login',
        '-validate',
      ],
    );
    assert.equal(parts.find(({ name }) => name === 'json')?.options.limit, '10kb');
    assert.deepEqual(routes, [{ rule: 'POST /login', options: { rateLimit: { limit: 1 } } }]);
    const text = String(shield.explain());
    assert.ok(text.includes('json             limit "10kb"') && text.includes('keyGenerator "(function)"'), text);
    assert.ok(!text.includes('a secret of the app'));
    assert.equal(require('node:util').inspect(shield.explain()), text);
  });

  it('warns of what is missing, and of nothing when all is there', (context) => {
    setEnvironment(context, { NODE_ENV: undefined });
    assert.deepEqual(codes(carapace()), [
      'NOT_PRODUCTION',
      'NO_LIMITER',
      'NO_LOGIN_LIMIT',
      'NO_COOKIES',
      'NO_ERROR_HANDLER',
    ]);
    setEnvironment(context, { NODE_ENV: 'production' });
    const shield = carapace({
      rateLimit: { limit: 5 },
      cookies: true,
      cors: { origin: 'https://app.example' },
      routes: { 'POST /login': { rateLimit: { limit: 1 } } },
    });
    assert.equal(typeof shield.errorHandler, 'function');
    assert.deepEqual(codes(shield), []);
    assert.match(String(shield.explain()), /\nno warnings\n$/);
  });

  /** @type {[code: string, options: any, environment?: Record<string, string>][]} */
  const CASES = [
    ['CORS_TOO_WIDE', { cors: true }],
    ['CORS_TOO_WIDE', { cors: { origin: true } }],
    ['CORS_TOO_WIDE', { routes: { '/a': { cors: { origin: '*' } } } }],
    ['REPORT_MODE', { mode: 'report' }],
    ['NO_HEADERS', { securityHeaders: false }],
    ['LARGE_BODIES', { json: { limit: '2mb' } }],
    ['NO_SANITIZE', { sanitize: false }],
    ['STORE_IN_PROCESS', { rateLimit: { limit: 5 } }, { NODE_APP_INSTANCE: '0' }],
    ['STORE_IN_PROCESS', { rateLimit: { limit: 5 } }, { WEB_CONCURRENCY: '2' }],
  ];
  for (const [code, options, environment = {}] of CASES) {
    it(`warns of ${code} for ${JSON.stringify(options)}`, (context) => {
      assert.ok(!codes(carapace()).includes(code));
      setEnvironment(context, environment);
      assert.ok(codes(carapace(options)).includes(code));
    });
  }

  it('warns when a proxy forwards requests and nobody is trusted to', async (context) => {
    /** @type {string[]} */
    const types = [];
    const forwarded = { headers: { 'x-forwarded-for': '192.0.2.1' } };
    const shield = carapace({ rateLimit: { limit: 9 }, onEvent: ({ type }) => types.push(type) });
    const port = await serve(context, shield);
    await send(port);
    assert.ok(!codes(shield).includes('PROXY_NOT_TRUSTED'));
    await send(port, forwarded);
    await send(port, forwarded);
    assert.ok(codes(shield).includes('PROXY_NOT_TRUSTED'));
    assert.deepEqual(types, ['proxy.not-trusted']);
    for (const [options, setting] of /** @type {[any, any][]} */ ([
      [{ trustProxy: 1 }, false],
      [{}, 1],
    ])) {
      const trusting = carapace({ rateLimit: { limit: 9 }, ...options });
      await send(await serve(context, trusting, (app) => app.set('trust proxy', setting)), forwarded);
      assert.ok(!codes(trusting).includes('PROXY_NOT_TRUSTED'));
    }
  });

  it('warns when the app trusts every sender', async (context) => {
    const shield = carapace();
    await send(await serve(context, shield, (app) => app.set('trust proxy', true)), {
      headers: { 'x-forwarded-proto': 'https' },
    });
    assert.ok(codes(shield).includes('PROXY_TRUSTS_ALL'));
  });
});
