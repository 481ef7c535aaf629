'use strict';

const assert = require('node:assert/strict');
const { ServerResponse } = require('node:http');
const { describe, it } = require('node:test');
const { native, PANIC } = require('./helpers/hooked');
const { carapace, cors, json, queryParser, rateLimit, sanitize, urlencoded } = require('..');
const { EXPRESS, listen, send, sendJson } = require('./helpers/servers');

describe('a panic in the native core', () => {
  it('becomes an error of the factory when it happens during set-up', () => {
    native.testPanicAt(PANIC.config);
    assert.throws(() => rateLimit({ limit: 1 }), { name: 'CarapaceError', code: 'ERR_CARAPACE_INTERNAL' });
    assert.equal(typeof rateLimit({ limit: 1 }), 'function');
  });

  const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
  /** @type {import('..').Middleware} */
  const texts = sanitize({ jsonStrings: true });
  /** @type {[what: string, kind: number, middleware: any, request: (port: number) => ReturnType<typeof send>][]} */
  const CASES = [
    ['the limiter', PANIC.hot, rateLimit({ limit: 10 }), (port) => send(port)],
    ['the scan of a body', PANIC.hot, json(), (port) => sendJson(port, '{"a":1}')],
    ['the findings in a body', PANIC.rare, json({ onFinding() {} }), (port) => sendJson(port, '{"$a":1}')],
    ['the reason for refusing a body', PANIC.rare, json({ mode: 'report' }), (port) => sendJson(port, '{"a":1,"a":2}')],
    ['a form', PANIC.hot, urlencoded(), (port) => sendJson(port, 'a=1', { headers: FORM })],
    ['the findings in a form', PANIC.rare, urlencoded(), (port) => sendJson(port, '$a=1', { headers: FORM })],
    ['the scan of JSON in a string', PANIC.hot, texts, (port) => send(port, { path: '/?a={"b":1}' })],
    ['the judgement of JSON in a string', PANIC.rare, texts, (port) => send(port, { path: '/?a={"$b":1}' })],
    ['a query string', PANIC.hot, queryParser(), (port) => send(port, { path: '/?a[b]=1' })],
    ['the findings in a query string', PANIC.rare, queryParser(), (port) => send(port, { path: '/?$a=1' })],
  ];
  for (const [name, express] of Object.entries(EXPRESS)) {
    for (const [what, kind, middleware, request] of CASES) {
      it(`during ${what} becomes a 500 that reveals nothing on ${name}`, async (context) => {
        const app = express();
        app.use(middleware);
        app.use((/** @type {any} */ _request, /** @type {any} */ response) => response.end('handler'));
        const { port } = await listen(context, app);
        native.testPanicAt(kind);
        const { status, headers, body } = await request(port);
        assert.equal(status, 500);
        assert.equal(headers['content-type'], 'application/problem+json; charset=utf-8');
        assert.deepEqual(JSON.parse(body), {
          type: 'about:blank',
          title: 'Internal Server Error',
          status: 500,
          code: 'ERR_CARAPACE_INTERNAL',
        });
        assert.equal((await request(port)).body, 'handler');
      });
    }
  }
});

describe('a panic while an origin is judged', () => {
  it('denies the origin and nothing else', () => {
    /** @type {any[]} */
    const events = [];
    const middleware = cors({ origin: 'https://*.example.com', onEvent: (event) => events.push(event) });
    const request = /** @type {any} */ ({ method: 'GET', headers: { origin: 'https://app.example.com' } });
    const answers = [0, 1].map((turn) => {
      if (turn === 0) native.testPanicAt(PANIC.hot);
      const response = new ServerResponse(/** @type {any} */ ({ method: 'GET' }));
      /** @type {unknown[][]} */
      const passed = [];
      middleware(request, response, (...given) => passed.push(given));
      assert.deepEqual(passed, [[]]);
      return response.getHeader('access-control-allow-origin');
    });
    assert.deepEqual(answers, [undefined, 'https://app.example.com']);
    assert.deepEqual(
      events.map(({ rule }) => rule),
      ['internal'],
    );
  });
});

describe('crossings into the native core', () => {
  /** @type {[what: string, crossings: number, request: (port: number) => ReturnType<typeof send>][]} */
  const CASES = [
    ['a GET without a query', 1, (port) => send(port)],
    ['a GET with a plain query', 1, (port) => send(port, { path: '/?page=2&sort=name' })],
    ['a POST without a query', 2, (port) => sendJson(port, '{"a":1}')],
    ['a POST with a query', 3, (port) => sendJson(port, '{"a":1}', { path: '/?a[b]=1' })],
  ];
  for (const [what, crossings, request] of CASES) {
    it(`are ${crossings} for ${what} through the whole chain`, async (context) => {
      const chain = carapace({ rateLimit: { limit: 1000 } });
      const { port } = await listen(context, (incoming, response) => chain(incoming, response, () => response.end()));
      const before = native.testCrossings();
      await request(port);
      assert.equal(native.testCrossings() - before, crossings);
    });
  }

  it('are none for listed origins, and one for wildcards and patterns', () => {
    const origin = 'https://app.example.com';
    for (const [rules, crossings] of /** @type {[any, number][]} */ ([
      ['*', 0],
      [true, 0],
      [[origin], 0],
      [() => true, 0],
      [[origin, 'https://*.example.org'], 0],
      ['https://*.example.com', 1],
      [['https://*.example.org', /^https:\/\/app\.example\.com$/], 1],
    ])) {
      const middleware = cors({ origin: rules });
      const response = new ServerResponse(/** @type {any} */ ({ method: 'GET' }));
      const before = native.testCrossings();
      middleware(/** @type {any} */ ({ method: 'GET', headers: { origin } }), response, () => {});
      assert.equal(native.testCrossings() - before, crossings);
      assert.ok(response.hasHeader('access-control-allow-origin'));
    }
  });

  it('are one however the client is found', async (context) => {
    for (const client of [{ trustProxy: 1 }, { trustProxy: 'loopback' }, { trustProxy: 1, header: 'forwarded' }]) {
      const limiter = rateLimit({ limit: 10, client: /** @type {any} */ (client) });
      const { port } = await listen(context, (request, response) => limiter(request, response, () => response.end()));
      const before = native.testCrossings();
      await send(port, { headers: { 'x-forwarded-for': '9.9.9.9, 5.5.5.5', forwarded: 'for=5.5.5.5' } });
      assert.equal(native.testCrossings() - before, 1);
    }
  });
});
