'use strict';

const assert = require('node:assert/strict');
const { channel } = require('node:diagnostics_channel');
const http = require('node:http');
const http2 = require('node:http2');
const { describe, it } = require('node:test');
const { carapace, cors } = require('..');
const { EXPRESS, listen, send, sendJson } = require('./helpers/servers');

const ORIGIN = 'https://app.example.com';
const PREFLIGHT = { 'access-control-request-method': 'PUT' };

/** The fields that CORS is about, in the order received. */
function fieldsOf({ pairs }) {
  return Object.fromEntries(pairs.filter(([name]) => name === 'vary' || name.startsWith('access-control-')));
}

/** An app with one middleware, and the ways to ask it. */
async function start(context, express, options, { before = [], after = [] } = {}) {
  const app = express();
  app.set('env', 'test');
  app.disable('x-powered-by');
  for (const middleware of before) app.use(middleware);
  app.use(typeof options === 'function' && options.name === 'cors' ? options : cors(options));
  for (const middleware of after) app.use(middleware);
  app.use((_request, response) => response.status(200).send('handler'));
  const { port } = await listen(context, app);
  const get = (origin, headers = {}) =>
    send(port, { headers: { ...(origin === undefined ? {} : { origin }), ...headers } });
  const preflight = (origin, headers = {}) =>
    send(port, { method: 'OPTIONS', headers: { origin, ...PREFLIGHT, ...headers } });
  return { port, get, preflight };
}

/** A middleware without a server, for what no HTTP client can send. */
function ask(options, { method = 'GET', headers = {} } = {}) {
  const response = new http.ServerResponse(/** @type {any} */ ({ method, httpVersionMajor: 1, httpVersionMinor: 1 }));
  let isPassedOn = false;
  cors(options)(/** @type {any} */ ({ method, headers }), response, () => (isPassedOn = true));
  return { isPassedOn, allowed: response.getHeader('access-control-allow-origin'), response };
}

const allows = (origin, asked) => ask({ origin }, { headers: { origin: asked } }).allowed === asked;

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`cors on ${name}`, () => {
    it('lets everybody read by default, with one answer for all', async (context) => {
      const { get, preflight } = await start(context, express, undefined);
      for (const origin of [undefined, ORIGIN, 'null', 'nonsense']) {
        const answer = await get(origin);
        assert.deepEqual([answer.status, answer.body], [200, 'handler']);
        assert.deepEqual(fieldsOf(answer), { 'access-control-allow-origin': '*' });
      }
      const answer = await preflight(ORIGIN, { 'access-control-request-headers': 'x-a, x-b' });
      assert.deepEqual([answer.status, answer.headers['content-length'], answer.body], [204, '0', '']);
      assert.deepEqual(fieldsOf(answer), {
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'GET,HEAD,PUT,PATCH,POST,DELETE',
        vary: 'Access-Control-Request-Headers',
        'access-control-allow-headers': 'x-a, x-b',
      });
    });

    it('answers a preflight from a listed origin in full', async (context) => {
      const { preflight } = await start(context, express, {
        origin: ['https://other.example', ORIGIN],
        methods: ['GET', 'PUT'],
        allowedHeaders: 'Content-Type, X-A',
        exposedHeaders: ['X-B', 'X-C'],
        credentials: true,
        maxAge: 600,
        optionsSuccessStatus: 200,
        allowPrivateNetwork: true,
      });
      const answer = await preflight(ORIGIN, { 'access-control-request-private-network': 'true' });
      assert.equal(answer.status, 200);
      assert.deepEqual(fieldsOf(answer), {
        'access-control-allow-origin': ORIGIN,
        vary: 'Origin',
        'access-control-allow-credentials': 'true',
        'access-control-allow-methods': 'GET,PUT',
        'access-control-allow-headers': 'Content-Type, X-A',
        'access-control-max-age': '600',
        'access-control-expose-headers': 'X-B,X-C',
        'access-control-allow-private-network': 'true',
      });
      const plain = await preflight(ORIGIN);
      assert.equal(plain.headers['access-control-allow-private-network'], undefined);
    });

    it('S-56a: a denied preflight lists nothing', async (context) => {
      for (const origin of ['https://evil.example', 'null', '']) {
        for (const options of [{ origin: [ORIGIN] }, { origin: ORIGIN }, { origin: () => false }]) {
          const { preflight } = await start(context, express, {
            ...options,
            credentials: true,
            exposedHeaders: 'X-A',
            maxAge: 600,
          });
          const answer = await preflight(origin, { 'access-control-request-headers': 'x-a' });
          assert.equal(answer.status, 204);
          assert.deepEqual(fieldsOf(answer), { vary: 'Origin' });
        }
      }
    });

    it('S-56b: an OPTIONS request that is no preflight is passed on', async (context) => {
      const { port } = await start(context, express, { origin: [ORIGIN] });
      for (const headers of [{}, { origin: ORIGIN }, PREFLIGHT]) {
        const answer = await send(port, { method: 'OPTIONS', headers });
        assert.deepEqual([answer.status, answer.body], [200, 'handler']);
        assert.equal(answer.headers.vary, 'Origin');
        assert.equal(answer.headers['access-control-allow-methods'], undefined);
      }
    });

    it('S-56c: says Vary: Origin whatever becomes of the request', async (context) => {
      const failing = [
        () => {
          throw new Error('denied');
        },
        () => Promise.reject(new Error('denied')),
        (_origin, _request, callback) => callback(new Error('denied')),
        (_origin, _request, callback) => setImmediate(callback, new Error('denied')),
        () => 5,
        () => /unanchored/,
        () => false,
        async () => undefined,
        (_origin, _request, callback) => callback(null, false),
      ];
      for (const origin of failing) {
        const { get, preflight } = await start(context, express, { origin, credentials: true });
        const answer = await get(ORIGIN);
        assert.deepEqual([answer.status, answer.body], [200, 'handler']);
        assert.deepEqual(fieldsOf(answer), { vary: 'Origin' });
        assert.deepEqual(fieldsOf(await get(undefined)), { vary: 'Origin' });
        assert.deepEqual(fieldsOf(await preflight(ORIGIN)), { vary: 'Origin' });
      }
    });

    it('says Vary: Origin exactly when the answer depends on it', async (context) => {
      const depending = [[ORIGIN], [], true, /^https:\/\/app\.example\.com$/, 'https://*.example.com', () => true];
      for (const origin of depending) {
        const { get } = await start(context, express, { origin });
        for (const asked of [ORIGIN, 'https://evil.example', undefined]) {
          assert.equal((await get(asked)).headers.vary, 'Origin');
        }
      }
      for (const origin of ['*', ORIGIN, false]) {
        const { get } = await start(context, express, { origin });
        const answers = [await get(ORIGIN), await get('https://evil.example'), await get(undefined)];
        for (const answer of answers) assert.deepEqual(fieldsOf(answer), fieldsOf(answers[0]));
        assert.equal(answers[0].headers.vary, undefined);
      }
    });

    it('adds to Vary what is not there yet', async (context) => {
      for (const [before, after] of [
        ['Accept', 'Accept, Origin'],
        ['origin', 'origin'],
        ['*', '*'],
        [['Accept', 'ORIGIN'], 'Accept, ORIGIN'],
        [['Accept', 'Cookie'], 'Accept, Cookie, Origin'],
        ['X-Origin', 'X-Origin, Origin'],
        ['', 'Origin'],
      ]) {
        const { get } = await start(context, express, [ORIGIN].length ? { origin: [ORIGIN] } : {}, {
          before: [(_request, response, next) => next(response.setHeader('Vary', before) && undefined)],
        });
        assert.equal((await get(ORIGIN)).headers.vary, after);
      }
    });

    it('keeps its fields on errors of the app', async (context) => {
      const { get } = await start(
        context,
        express,
        { origin: [ORIGIN], credentials: true },
        {
          after: [
            () => {
              throw Object.assign(new Error('teapot'), { status: 418 });
            },
          ],
        },
      );
      const answer = await get(ORIGIN);
      assert.equal(answer.status, 418);
      assert.deepEqual(fieldsOf(answer), {
        'access-control-allow-origin': ORIGIN,
        vary: 'Origin',
        'access-control-allow-credentials': 'true',
      });
    });

    it('asks functions in each of their forms', async (context) => {
      const seen = [];
      const note = (origin, request) => seen.push([origin, request.url]);
      const forms = [
        (origin, request) => (note(origin, request), origin === ORIGIN),
        async (origin, request) => (note(origin, request), origin === ORIGIN),
        (origin, request, callback) => (note(origin, request), callback(null, origin === ORIGIN)),
        (origin, request, callback) => (note(origin, request), setImmediate(callback, null, origin === ORIGIN)),
        (origin, request) => (note(origin, request), ORIGIN),
        (origin, request) => (note(origin, request), ['https://other.example', /^https:\/\/app\.[a-z]+\.com$/]),
        async (origin, request) => (note(origin, request), 'https://*.example.com'),
      ];
      for (const origin of forms) {
        const { get, preflight } = await start(context, express, { origin, credentials: true });
        assert.equal((await get(ORIGIN)).headers['access-control-allow-origin'], ORIGIN);
        assert.equal((await preflight(ORIGIN)).headers['access-control-allow-origin'], ORIGIN);
        assert.equal((await get('https://evil.example')).headers['access-control-allow-origin'], undefined);
        assert.equal((await get(undefined)).headers['access-control-allow-origin'], undefined);
        assert.deepEqual(seen.splice(0), [
          [ORIGIN, '/'],
          [ORIGIN, '/'],
          ['https://evil.example', '/'],
        ]);
      }
    });

    it('chooses the options of a request by a function', async (context) => {
      const open = { origin: '*' };
      const own = { origin: [ORIGIN], credentials: true };
      const forms = [
        (request) => (request.url.startsWith('/open') ? open : own),
        async (request) => (request.url.startsWith('/open') ? open : own),
        (request, callback) => callback(null, request.url.startsWith('/open') ? open : own),
        (request, callback) => setImmediate(callback, null, request.url.startsWith('/open') ? open : own),
      ];
      for (const choose of forms) {
        const { port } = await start(context, express, choose);
        const fields = async (path) => fieldsOf(await send(port, { path, headers: { origin: ORIGIN } }));
        assert.deepEqual(await fields('/open'), { 'access-control-allow-origin': '*' });
        assert.deepEqual(await fields('/own'), {
          'access-control-allow-origin': ORIGIN,
          vary: 'Origin',
          'access-control-allow-credentials': 'true',
        });
      }
    });

    it('lets nobody in when the options cannot be had', async (context) => {
      context.mock.method(process, 'emitWarning', () => {});
      for (const choose of [
        () => {
          throw new Error('no');
        },
        async () => {
          throw new Error('no');
        },
        (_request, callback) => callback(new Error('no')),
        () => ({ origin: '*', credentials: true }),
        () => undefined,
        () => null,
      ]) {
        const { get, preflight } = await start(context, express, choose);
        const answer = await get(ORIGIN);
        assert.deepEqual([answer.status, answer.body, fieldsOf(answer)], [200, 'handler', { vary: 'Origin' }]);
        assert.deepEqual(fieldsOf(await preflight(ORIGIN)), { vary: 'Origin' });
      }
    });

    it('the last cors() of a response decides', async (context) => {
      const before = [cors({ origin: '*', exposedHeaders: 'X-A' })];
      const { get } = await start(context, express, { origin: [ORIGIN], credentials: true }, { before });
      assert.deepEqual(fieldsOf(await get('https://evil.example')), { vary: 'Origin' });
      assert.deepEqual(fieldsOf(await get(ORIGIN)), {
        'access-control-allow-origin': ORIGIN,
        vary: 'Origin',
        'access-control-allow-credentials': 'true',
      });
    });

    it('passes preflights on when asked to', async (context) => {
      const { preflight } = await start(context, express, { origin: [ORIGIN], preflightContinue: true });
      const answer = await preflight(ORIGIN);
      assert.deepEqual([answer.status, answer.body], [200, 'handler']);
      assert.equal(answer.headers['access-control-allow-methods'], 'GET,HEAD,PUT,PATCH,POST,DELETE');
      const denied = await preflight('https://evil.example');
      assert.deepEqual([denied.body, fieldsOf(denied)], ['handler', { vary: 'Origin' }]);
    });

    it('answers denied origins with 403 when it enforces', async (context) => {
      const { get, preflight } = await start(context, express, { origin: [ORIGIN], enforce: true });
      for (const answer of [
        await get('https://evil.example'),
        await get('null'),
        await preflight('https://e.example'),
      ]) {
        assert.equal(answer.status, 403);
        assert.deepEqual(fieldsOf(answer), { vary: 'Origin' });
        assert.deepEqual(JSON.parse(answer.body), {
          type: 'about:blank',
          title: 'Forbidden',
          status: 403,
          detail: 'requests from this origin are not allowed',
          code: 'ERR_CARAPACE_ORIGIN_DENIED',
        });
      }
      for (const origin of [ORIGIN, undefined]) assert.equal((await get(origin)).status, 200);
    });

    it('depends on Origin when it enforces a single one', async (context) => {
      const { get } = await start(context, express, { origin: ORIGIN, enforce: true });
      assert.deepEqual(fieldsOf(await get(undefined)), { vary: 'Origin' });
      assert.equal((await get('https://evil.example')).status, 403);
    });

    it("lets the app's own pages through when it enforces", async (context) => {
      const { port, get } = await start(context, express, { origin: [ORIGIN], enforce: true });
      const own = await get(`http://127.0.0.1:${port}`);
      assert.deepEqual([own.status, fieldsOf(own)], [200, { vary: 'Origin' }]);
      const told = await get('https://evil.example', { 'sec-fetch-site': 'same-origin' });
      assert.equal(told.status, 200);
      assert.equal((await get('https://evil.example', { 'sec-fetch-site': 'none' })).status, 200);
      const other = await get(`http://127.0.0.1:${port}`, { 'sec-fetch-site': 'cross-site' });
      assert.equal(other.status, 403);
    });

    it('hands the error to the app when asked to', async (context) => {
      const caught = [];
      const { get } = await start(
        context,
        express,
        { origin: [ORIGIN], enforce: true, onReject: 'next' },
        {
          after: [
            (error, _request, response, _next) => {
              caught.push([error.code, error.status, error.type, error.expose]);
              response.status(error.status).end();
            },
          ],
        },
      );
      assert.equal((await get('https://evil.example')).status, 403);
      assert.deepEqual(caught, [['ERR_CARAPACE_ORIGIN_DENIED', 403, 'origin.denied', true]]);
    });

    it('only tells in report mode', async (context) => {
      const events = [];
      const { get, preflight } = await start(context, express, {
        origin: [ORIGIN],
        enforce: true,
        mode: 'report',
        onEvent: (event) => events.push(event),
      });
      const answer = await get('https://evil.example');
      assert.deepEqual([answer.status, answer.body, fieldsOf(answer)], [200, 'handler', { vary: 'Origin' }]);
      assert.equal((await preflight('https://evil.example')).body, 'handler');
      assert.equal((await preflight(ORIGIN)).status, 204);
      const event = { stem: 'cors', type: 'cors.denied', rule: 'not-listed', location: 'headers' };
      assert.deepEqual(events, [
        { ...event, action: 'deny', mode: 'report' },
        { ...event, action: 'deny', mode: 'report' },
      ]);
    });

    it('tells each denial once, to onEvent and on its channel', async (context) => {
      const heard = [];
      const published = [];
      const subscriber = (event) => published.push(event);
      channel('carapace:cors').subscribe(subscriber);
      context.after(() => channel('carapace:cors').unsubscribe(subscriber));
      const fail = () => {
        throw new Error('no');
      };
      for (const [origin, asked, rule] of [
        [[ORIGIN], 'https://evil.example', 'not-listed'],
        [ORIGIN, 'https://evil.example', 'not-listed'],
        [[ORIGIN], 'null', 'null'],
        [true, 'null', 'null'],
        [true, 'nonsense', 'malformed'],
        [() => false, 'https://evil.example', 'function'],
        [fail, 'https://evil.example', 'function-failed'],
      ]) {
        const onEvent = (event) => heard.push(event);
        const { get, port } = await start(context, express, { origin, onEvent });
        await get(asked);
        await get(undefined);
        await get(`http://127.0.0.1:${port}`);
        const event = { stem: 'cors', mode: 'enforce', type: 'cors.denied', rule, location: 'headers', action: 'deny' };
        assert.deepEqual(heard.splice(0), [event]);
        assert.deepEqual(published.splice(0), [event]);
      }
    });

    it('leaves a response alone whose headers are out', async (context) => {
      const before = [
        (_request, response, next) => {
          response.write('early');
          next();
        },
      ];
      const after = [(_request, response) => response.end()];
      const { get, preflight } = await start(context, express, { origin: [ORIGIN], enforce: true }, { before, after });
      assert.equal((await get('https://evil.example')).body, 'early');
      assert.equal((await preflight(ORIGIN)).body, 'early');
    });

    it('in the chain, refusals can be read and preflights cost no quota', async (context) => {
      const app = express();
      app.use(carapace({ cors: { origin: [ORIGIN], credentials: true }, rateLimit: { limit: 2 } }));
      app.use((/** @type {any} */ _request, /** @type {any} */ response) => response.send('handler'));
      const { port } = await listen(context, app);
      const headers = { origin: ORIGIN };
      for (let turn = 0; turn < 5; turn += 1) {
        const { status } = await send(port, { method: 'OPTIONS', headers: { ...headers, ...PREFLIGHT } });
        assert.equal(status, 204);
      }
      const malformed = await sendJson(port, '{', { headers });
      const large = await sendJson(port, `"${'a'.repeat(200_000)}"`, { headers });
      const limited = await send(port, { headers });
      assert.deepEqual([malformed.status, large.status, limited.status], [400, 413, 429]);
      for (const answer of [malformed, large, limited]) {
        assert.equal(answer.headers['access-control-allow-origin'], ORIGIN);
        assert.equal(answer.headers['access-control-allow-credentials'], 'true');
        assert.ok(answer.headers.vary.includes('Origin') && answer.headers['content-security-policy']);
      }
      const denied = await send(port, { headers: { origin: 'https://evil.example' } });
      assert.deepEqual([denied.status, denied.headers['access-control-allow-origin']], [429, undefined]);
    });

    it('is off in the chain by default', async (context) => {
      const chain = carapace();
      const { port } = await listen(context, (request, response) => chain(request, response, () => response.end()));
      assert.deepEqual(fieldsOf(await send(port, { headers: { origin: ORIGIN } })), {});
    });

    it('S-56f: takes an origin of any length', async (context) => {
      const app = express();
      app.use(cors({ origin: [/^https:\/\/(([a-z]+)*)*\.example\.com$/, 'https://*.example.com'], credentials: true }));
      app.use((_request, response) => response.send('handler'));
      const server = http.createServer({ maxHeaderSize: 2 ** 22 }, app);
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
      context.after(() => server.close());
      const { port } = server.address();
      for (const origin of [`https://${'a'.repeat(2 ** 20)}`, `https://${'a.'.repeat(2 ** 19)}example.com`]) {
        const answer = await send(port, { headers: { origin } });
        assert.deepEqual([answer.status, fieldsOf(answer)], [200, { vary: 'Origin' }]);
      }
    });
  });
}

describe('cors on HTTP/2', () => {
  it('answers as on HTTP/1, and knows the own pages by their authority', async (context) => {
    const events = [];
    const serve = cors({ origin: [ORIGIN], onEvent: (event) => events.push(event) });
    const server = http2.createServer((request, response) =>
      serve(/** @type {any} */ (request), /** @type {any} */ (response), () => response.end('handler')),
    );
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
    const { port } = server.address();
    const client = http2.connect(`http://127.0.0.1:${port}`);
    context.after(() => {
      client.close();
      server.close();
    });
    const ask = (fields) =>
      new Promise((resolve, reject) => {
        const stream = client.request(fields);
        stream.on('response', resolve).on('error', reject).resume().end();
      });
    const preflight = await ask({ ':method': 'OPTIONS', origin: ORIGIN, ...PREFLIGHT });
    assert.deepEqual([preflight[':status'], preflight['access-control-allow-origin']], [204, ORIGIN]);
    const own = await ask({ origin: `http://127.0.0.1:${port}` });
    assert.deepEqual([own.vary, events.length], ['Origin', 0]);
    await ask({ origin: 'https://evil.example' });
    assert.equal(events.length, 1);
  });
});

describe('the origins that cors lets in', () => {
  it('S-53: patterns with the flags g and y remember nothing', () => {
    for (const flags of ['g', 'y', 'gi', 'gy']) {
      const serve = cors({ origin: new RegExp('^https:\\/\\/app\\.example\\.com$', flags) });
      for (let turn = 0; turn < 4; turn += 1) {
        const response = new http.ServerResponse(/** @type {any} */ ({ method: 'GET' }));
        serve(/** @type {any} */ ({ method: 'GET', headers: { origin: ORIGIN } }), response, () => {});
        assert.equal(response.getHeader('access-control-allow-origin'), ORIGIN);
      }
    }
  });

  it('S-54: patterns of a part of the origin are refused', () => {
    for (const [pattern, word] of [
      [/example\.com$/, 'parts of origins'],
      [/api.example.com/, 'lone'],
      [/^https:\/\/app\.example\.com/, 'parts of origins'],
      [/^https:\/\/a\.com$|b\.com$/, 'parts of origins'],
      [/^https:\/\/api.example\.com$/, 'lone'],
      [/(?:)/, 'parts of origins'],
    ]) {
      for (const origin of [pattern, [ORIGIN, pattern]]) {
        const path = Array.isArray(origin) ? 'cors.origin[1]' : 'cors.origin';
        assert.throws(
          () => cors({ origin }),
          (error) => error.code === 'ERR_CARAPACE_OPTION_VALUE' && error.path === path && error.message.includes(word),
        );
      }
    }
    const anchored = /^https:\/\/[a-z]+\.example\.com$/;
    assert.ok(allows(anchored, ORIGIN));
    assert.ok(!allows(anchored, 'https://app.example.com.evil.io'));
    assert.ok(!allows(anchored, 'https://evil.io/https://app.example.com'));
  });

  it('S-55: null is denied unless it is listed', () => {
    for (const origin of [
      true,
      /^.*$/,
      [/^[a-z:/]+$/],
      () => true,
      () => /^.*$/,
      () => [/^n.+$/],
      'https://*.example.com',
    ]) {
      assert.equal(ask({ origin }, { headers: { origin: 'null' } }).allowed, undefined);
    }
    for (const origin of ['null', [ORIGIN, 'null'], () => 'null', () => ['null']]) {
      assert.equal(ask({ origin }, { headers: { origin: 'null' } }).allowed, 'null');
    }
  });

  it('S-56: everybody with credentials is refused', () => {
    for (const origin of ['*', true, undefined]) {
      assert.throws(() => cors({ origin, credentials: true }), {
        code: 'ERR_CARAPACE_OPTION_CONFLICT',
        path: 'cors.origin',
      });
    }
    for (const option of ['methods', 'allowedHeaders', 'exposedHeaders']) {
      assert.throws(() => cors({ origin: ORIGIN, credentials: true, [option]: '*' }), {
        code: 'ERR_CARAPACE_OPTION_CONFLICT',
      });
      assert.doesNotThrow(() => cors({ origin: ORIGIN, [option]: '*' }));
    }
  });

  it('S-56d: origins are compared as browsers write them', () => {
    const rules = [
      'https://a.com',
      'https://xn--bcher-kva.example',
      'http://[::1]:3000',
      /^https:\/\/b\.com(?::\d+)?$/,
    ];
    for (const asked of ['https://a.com', 'https://xn--bcher-kva.example', 'http://[::1]:3000', 'https://b.com:8443']) {
      assert.ok(allows(rules, asked), asked);
    }
    for (const asked of [
      'https://A.com',
      'HTTPS://a.com',
      'https://a.com.',
      'https://a.com:443',
      'http://a.com',
      'https://bücher.example',
      'https://a.com@evil',
      'https://evil@a.com',
      'https://a.com/',
      ' https://a.com',
      'https://a.com, https://a.com',
      'https://b.com:443',
      'https://b.com@evil:80',
      'http://[0:0:0:0:0:0:0:1]:3000',
      'https://a.com\u0000',
    ]) {
      assert.ok(!allows(rules, asked), asked);
      assert.ok(!allows(() => rules, asked), asked);
    }
  });

  it('S-56d: rules that no browser sends are refused with the right spelling', () => {
    for (const [rule, better] of [
      ['https://A.com', 'https://a.com'],
      ['https://a.com/', 'https://a.com'],
      ['https://a.com:443', 'https://a.com'],
      ['https://bücher.example', 'https://xn--bcher-kva.example'],
      ['https://user@a.com', 'https://a.com'],
      ['a.com', 'https://a.com'],
      ['localhost:3000', 'https://localhost:3000'],
      ['https://0x7f.1', 'https://127.0.0.1'],
      ['http://[0:0:0:0:0:0:0:1]', 'http://[::1]'],
    ]) {
      assert.throws(
        () => cors({ origin: [ORIGIN, rule] }),
        (error) => error.path === 'cors.origin[1]' && error.message.endsWith(`; write "${better}"`),
        rule,
      );
    }
  });

  it('S-56e: * in a list is refused', () => {
    for (const origin of [['*'], [ORIGIN, '*']]) {
      assert.throws(() => cors({ origin }), /anybody is origin: '\*'/);
    }
  });

  it('S-56f: patterns that take others exponential time take linear time', () => {
    const origin = `https://${'a'.repeat(253)}`;
    assert.ok(!allows(/^https:\/\/(([a-z]+)*)*\.example$/, origin));
    assert.ok(!allows(/^https:\/\/(?:a|a)*(?:a|a)*(?:a|a)*\.example$/, origin));
  });

  it('are those of wildcards for subdomains and ports', () => {
    const rules = ['https://*.example.com', 'http://localhost:*'];
    for (const asked of [ORIGIN, 'https://a.b.example.com', 'http://localhost', 'http://localhost:5173']) {
      assert.ok(allows(rules, asked), asked);
    }
    for (const asked of [
      'https://example.com',
      'https://evilexample.com',
      'https://app.example.com:8443',
      'http://app.example.com',
      'http://localhost.evil.example:80',
    ]) {
      assert.ok(!allows(rules, asked), asked);
    }
    for (const rule of ['https://*', 'https://*.com', '*://example.com', 'https://*example.com', 'https://a.*.com']) {
      assert.throws(() => cors({ origin: rule }), { code: 'ERR_CARAPACE_OPTION_VALUE' }, rule);
    }
  });
});

describe('the options of cors', () => {
  it('are refused when they are wrong', () => {
    for (const [options, code, path] of [
      [{ orgin: ORIGIN }, 'ERR_CARAPACE_OPTION_UNKNOWN', 'cors.orgin'],
      [{ origin: null }, 'ERR_CARAPACE_OPTION_TYPE', 'cors.origin'],
      [{ origin: 5 }, 'ERR_CARAPACE_OPTION_TYPE', 'cors.origin'],
      [{ origin: {} }, 'ERR_CARAPACE_OPTION_TYPE', 'cors.origin'],
      [{ origin: [ORIGIN, () => true] }, 'ERR_CARAPACE_OPTION_TYPE', 'cors.origin[1]'],
      [{ origin: [[ORIGIN]] }, 'ERR_CARAPACE_OPTION_TYPE', 'cors.origin[0]'],
      [{ origin: '' }, 'ERR_CARAPACE_OPTION_VALUE', 'cors.origin'],
      [{ methods: ['get'] }, 'ERR_CARAPACE_OPTION_VALUE', 'cors.methods[0]'],
      [{ methods: 'GET POST' }, 'ERR_CARAPACE_HEADER_VALUE', 'cors.methods'],
      [{ allowedHeaders: ['X-A', 5] }, 'ERR_CARAPACE_OPTION_TYPE', 'cors.allowedHeaders[1]'],
      [{ exposedHeaders: 'X-A\r\nX-B: c' }, 'ERR_CARAPACE_HEADER_VALUE', 'cors.exposedHeaders'],
      [{ maxAge: -1 }, 'ERR_CARAPACE_OPTION_VALUE', 'cors.maxAge'],
      [{ maxAge: '600' }, 'ERR_CARAPACE_OPTION_TYPE', 'cors.maxAge'],
      [{ maxAge: NaN }, 'ERR_CARAPACE_OPTION_VALUE', 'cors.maxAge'],
      [{ optionsSuccessStatus: 404 }, 'ERR_CARAPACE_OPTION_VALUE', 'cors.optionsSuccessStatus'],
      [{ credentials: 'true' }, 'ERR_CARAPACE_OPTION_TYPE', 'cors.credentials'],
      [{ enforce: true }, 'ERR_CARAPACE_OPTION_CONFLICT', 'cors.enforce'],
      [{ origin: true, enforce: true }, 'ERR_CARAPACE_OPTION_CONFLICT', 'cors.enforce'],
      [{ mode: 'reporting' }, 'ERR_CARAPACE_OPTION_VALUE', 'cors.mode'],
    ]) {
      assert.throws(() => cors(/** @type {any} */ (options)), { name: 'CarapaceError', code, path });
    }
  });

  it('take empty lists for nothing', () => {
    const { response } = ask(
      { origin: ORIGIN, methods: [], allowedHeaders: '', exposedHeaders: [] },
      { method: 'OPTIONS', headers: { origin: ORIGIN, 'access-control-request-headers': 'x-a', ...PREFLIGHT } },
    );
    assert.deepEqual(response.getHeaderNames(), ['access-control-allow-origin', 'vary', 'content-length']);
    assert.equal(ask({ origin: [] }, { headers: { origin: ORIGIN } }).allowed, undefined);
  });

  it('repeat only names that are some', () => {
    const headers = { origin: ORIGIN, ...PREFLIGHT };
    for (const [asked, answered] of [
      ['x-a', 'x-a'],
      ['x-a,x-b , X-C', 'x-a,x-b , X-C'],
      ['x a', undefined],
      ['x-a,', undefined],
      ['x-a: b', undefined],
      ['', undefined],
    ]) {
      const { response } = ask(
        { origin: ORIGIN },
        { method: 'OPTIONS', headers: { ...headers, 'access-control-request-headers': asked } },
      );
      assert.equal(response.getHeader('access-control-allow-headers'), answered);
    }
  });

  it('are not changed by a polluted prototype', (context) => {
    const polluted = /** @type {any} */ (Object.prototype);
    context.after(() => {
      delete polluted.credentials;
      delete polluted.text;
    });
    polluted.credentials = true;
    polluted.text = 'https://evil.example';
    const { response } = ask({ origin: [ORIGIN, /^https:\/\/b\.com$/] }, { headers: { origin: ORIGIN } });
    assert.equal(response.getHeader('access-control-allow-credentials'), undefined);
    assert.ok(!allows([ORIGIN, /^https:\/\/b\.com$/], 'https://evil.example'));
  });

  it('need no promise when nothing is asynchronous', () => {
    for (const origin of [
      '*',
      true,
      [ORIGIN],
      /^https:\/\/app\.example\.com$/,
      () => true,
      (_o, _r, done) => done(null, true),
    ]) {
      assert.ok(ask({ origin }, { headers: { origin: ORIGIN } }).isPassedOn);
    }
    const { isPassedOn } = ask(() => ({ origin: [ORIGIN] }), { headers: { origin: ORIGIN } });
    assert.ok(isPassedOn);
  });
});
