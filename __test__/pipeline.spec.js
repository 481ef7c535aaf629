'use strict';

const assert = require('node:assert/strict');
const http2 = require('node:http2');
const { describe, it } = require('node:test');
const { z } = require('zod');
const { carapace, rateLimit } = require('..');
const { EXPRESS, listen, send, sendJson } = require('./helpers/servers');

/** @typedef {any} Any */

/**
 * An app behind a chain, with a handler that answers with what it sees.
 * @param {import('node:test').TestContext} context
 * @param {any} express
 * @param {any} shield
 * @param {{ isWrapped?: boolean, prepare?: (app: any) => void }} [how]
 */
async function serve(context, express, shield, { isWrapped = false, prepare } = {}) {
  const app = express();
  prepare?.(app);
  if (!isWrapped) app.use(shield);
  app.use((/** @type {Any} */ request, /** @type {Any} */ response) =>
    response.json({
      body: request.body ?? null,
      query: request.query,
      ip: request.ip,
      limit: request.rateLimit ?? null,
    }),
  );
  const { port } = await listen(context, isWrapped ? shield.wrap(app) : app);
  return port;
}

/** @param {number} port @param {string} path @param {number} times @param {any} [options] */
async function statuses(port, path, times, options) {
  const all = [];
  for (let count = 0; count < times; count += 1) all.push((await send(port, { path, ...options })).status);
  return all;
}

const POST = { method: 'POST' };

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`the chain on ${name}`, () => {
    for (const isWrapped of [false, true]) {
      const where = isWrapped ? 'in front of the app' : 'in the app';

      it(`refuses before it reads the body, with the security headers, ${where}`, async (context) => {
        const port = await serve(context, express, carapace({ rateLimit: { limit: 1 } }), { isWrapped });
        assert.equal((await sendJson(port, '{"a":1}')).status, 200);
        const { status, headers, body } = await sendJson(port, '{"a":');
        assert.deepEqual([status, JSON.parse(body).code], [429, 'ERR_CARAPACE_RATE_LIMITED']);
        assert.equal(headers['x-content-type-options'], 'nosniff');
        assert.equal(headers['x-powered-by'], undefined);
      });

      it(`cleans body and query ${where}`, async (context) => {
        const port = await serve(context, express, carapace(), { isWrapped });
        const { body } = await sendJson(port, '{"a":1,"$ne":2,"__proto__":{"x":1}}', { path: '/?b=1&b=2&$c=3' });
        assert.deepEqual([JSON.parse(body).body, JSON.parse(body).query], [{ a: 1 }, { b: '2' }]);
      });
    }

    it('runs once, in front of the app and mounted twice in it', async (context) => {
      const shield = carapace({ rateLimit: { limit: 10 } });
      const prepare = (/** @type {Any} */ app) => app.use(shield, shield);
      const port = await serve(context, express, shield, { isWrapped: true, prepare });
      const { body, headers } = await sendJson(port, '{"a":[1]}');
      assert.deepEqual([JSON.parse(body).limit.used, JSON.parse(body).body], [1, { a: [1] }]);
      assert.equal(headers.ratelimit.match(/r=/g).length, 1);
    });

    it('leaves a body that it has read alone when the app still has a reader', async (context) => {
      const prepare = (/** @type {Any} */ app) =>
        app.use(carapace(), express.json(), express.urlencoded({ extended: true }));
      const port = await serve(context, express, carapace(), { isWrapped: true, prepare });
      assert.deepEqual(JSON.parse((await sendJson(port, '{"a":{"b":1}}')).body).body, { a: { b: 1 } });
    });

    it("follows the app's own trust proxy in front of it", async (context) => {
      const prepare = (/** @type {Any} */ app) => app.set('trust proxy', 1);
      const port = await serve(context, express, carapace({ rateLimit: { limit: 1 } }), { isWrapped: true, prepare });
      const ask = (/** @type {string} */ address) => send(port, { headers: { 'x-forwarded-for': address } });
      assert.equal(JSON.parse((await ask('192.0.2.1')).body).ip, '192.0.2.1');
      assert.deepEqual([(await ask('192.0.2.1')).status, (await ask('192.0.2.2')).status], [429, 200]);
    });

    it('takes one trustProxy for all parts', async (context) => {
      const port = await serve(context, express, carapace({ trustProxy: 1, rateLimit: { limit: 1 } }));
      const ask = (/** @type {string} */ address) =>
        send(port, { headers: { 'x-forwarded-for': address, 'x-forwarded-proto': 'https' } });
      const { headers } = await ask('192.0.2.1');
      assert.match(headers['strict-transport-security'], /max-age/);
      assert.deepEqual([(await ask('192.0.2.1')).status, (await ask('192.0.2.2')).status], [429, 200]);
    });

    describe('routes', () => {
      it('join their limit to that of the chain, all or nothing', async (context) => {
        const shield = carapace({
          rateLimit: { limit: 4 },
          routes: { 'POST /login': { rateLimit: { limit: 2 } }, '/free': { rateLimit: false } },
        });
        const port = await serve(context, express, shield);
        const { headers, body } = await send(port, { path: '/login', ...POST });
        assert.match(headers['ratelimit-policy'], /"default";q=4;w=60, "POST \/login";q=2;w=60/);
        assert.equal(JSON.parse(body).limit.policies.length, 2);
        assert.deepEqual(await statuses(port, '/login', 3, POST), [200, 429, 429]);
        // What the rule denied has cost the chain's own limit nothing.
        assert.deepEqual(await statuses(port, '/other', 3), [200, 200, 429]);
        assert.deepEqual(await statuses(port, '/free', 3), [200, 200, 200]);
        assert.deepEqual(await statuses(port, '/login', 1), [429]);
      });

      it('count apart where their limit is about other requests', async (context) => {
        const shield = carapace({
          rateLimit: { limit: 3 },
          routes: {
            'POST /login': { rateLimit: { limit: 1, skipSuccessfulRequests: true } },
            'POST /hook': { globalLimit: false, rateLimit: { limit: 5 } },
          },
        });
        const port = await serve(context, express, shield);
        assert.deepEqual(await statuses(port, '/hook', 6, POST), [200, 200, 200, 200, 200, 429]);
        assert.deepEqual(await statuses(port, '/login', 4, POST), [200, 200, 200, 429]);
      });

      it('have limits of their own for bodies, and parts switched off', async (context) => {
        const shield = carapace({
          json: { limit: 20 },
          routes: {
            'POST /upload': { json: { limit: '1kb' } },
            'POST /raw': { json: false },
            'POST /any': { sanitize: false, json: { action: 'report' } },
          },
        });
        const port = await serve(context, express, shield);
        const large = JSON.stringify({ a: 'x'.repeat(100) });
        const ask = async (/** @type {string} */ path) => (await sendJson(port, large, { path })).status;
        assert.deepEqual([await ask('/'), await ask('/upload'), await ask('/upload/')], [413, 200, 200]);
        assert.equal(JSON.parse((await sendJson(port, large, { path: '/raw' })).body).body, null);
        assert.deepEqual(JSON.parse((await sendJson(port, '{"$a":1}', { path: '/any' })).body).body, { $a: 1 });
      });

      it('apply the stricter of what a path may mean (S-22)', async (context) => {
        const shield = carapace({
          json: { limit: 30 },
          routes: {
            'POST /login': { rateLimit: { limit: 2 } },
            'POST /upload': { json: { limit: '1kb' }, rateLimit: false },
          },
          rateLimit: { limit: 100 },
        });
        const port = await serve(context, express, shield);
        const spellings = ['/login', '/LOGIN/', '//login', '/%6cogin', '/login;x', '/x/../login', '/x/..%2flogin'];
        const all = [];
        for (const path of spellings) all.push((await send(port, { path, ...POST })).status);
        assert.deepEqual(all, [200, 200, 429, 429, 429, 429, 429]);
        const large = JSON.stringify({ a: 'x'.repeat(100) });
        assert.equal((await sendJson(port, large, { path: '/upload' })).status, 200);
        for (const path of ['//upload', '/%75pload', '/upload;x']) {
          const { status, headers } = await sendJson(port, large, { path });
          assert.deepEqual([path, status, headers.ratelimit !== undefined], [path, 413, true]);
        }
      });

      it('hold for HEAD as for GET, and for no other method', async (context) => {
        const shield = carapace({ routes: { 'GET /a/:id': { rateLimit: { limit: 1 } } } });
        const port = await serve(context, express, shield);
        assert.deepEqual(await statuses(port, '/a/1', 1), [200]);
        assert.deepEqual(await statuses(port, '/A/2', 1, { method: 'HEAD' }), [429]);
        assert.deepEqual(await statuses(port, '/a/1', 1, POST), [200]);
        assert.deepEqual(await statuses(port, '/a/1/b', 1), [200]);
      });

      it('validate what their handler gets, after it is clean', async (context) => {
        const body = z.strictObject({ name: z.string().trim() });
        const query = z.object({ page: z.coerce.number() });
        const shield = carapace({ routes: { 'POST /users': { validate: { body, query } } } });
        const port = await serve(context, express, shield);
        const ask = (/** @type {string} */ text, path = '/users?page=2') => sendJson(port, text, { path });
        const { body: answer } = await ask('{"name":" a ","$ne":1}');
        assert.deepEqual([JSON.parse(answer).body, JSON.parse(answer).query], [{ name: 'a' }, { page: 2 }]);
        const refused = await ask('{"name":5,"role":"admin"}', '/users?page=x');
        assert.deepEqual([refused.status, JSON.parse(refused.body).errors.length], [400, 3]);
        assert.equal((await ask('{"role":"admin"}', '/other')).status, 200);
        // Not certain that this is the rule's: held to it all the same.
        assert.equal((await ask('{"role":"admin"}', '//users?page=2')).status, 400);
      });

      it('guard logins by account, after the body', async (context) => {
        const account = (/** @type {Any} */ request) => request.body?.user;
        const shield = carapace({
          routes: { 'POST /login': { login: { account, limit: 2, requestWasSuccessful: () => false } } },
        });
        const port = await serve(context, express, shield);
        const ask = async (/** @type {string} */ user) =>
          (await sendJson(port, JSON.stringify({ user }), { path: '/login' })).status;
        assert.deepEqual([await ask('a'), await ask('a'), await ask('a'), await ask('b')], [200, 200, 429, 200]);
      });
    });
  });
}

describe('the chain', () => {
  it('reports and refuses nothing in report mode', async (context) => {
    /** @type {string[]} */
    const seen = [];
    const onEvent = (/** @type {Any} */ { stem, type, mode }) => seen.push(`${stem} ${type} ${mode}`);
    const shield = carapace({ mode: 'report', onEvent, rateLimit: { limit: 1 } });
    const port = await serve(context, EXPRESS.express5, shield);
    const { body } = await sendJson(port, '{"$a":1}', { path: '/?b=1&b=2' });
    assert.deepEqual([JSON.parse(body).body, JSON.parse(body).query], [{ $a: 1 }, { b: ['1', '2'] }]);
    const { status, headers } = await send(port);
    assert.equal(status, 200);
    assert.equal(headers['content-security-policy'], undefined);
    assert.match(headers['content-security-policy-report-only'], /default-src 'self'/);
    assert.equal(headers['x-frame-options'], undefined);
    assert.deepEqual(seen, ['body finding report', 'hpp finding report', 'rate-limit rate-limit.denied report']);
  });

  it('answers errors in front of a plain handler', async (context) => {
    const shield = carapace({ onReject: 'next', rateLimit: { limit: 0 } });
    const { port } = await listen(
      context,
      shield.wrap((_request, response) => response.end('handler')),
    );
    const { status, body } = await send(port);
    assert.deepEqual([status, JSON.parse(body).code], [429, 'ERR_CARAPACE_RATE_LIMITED']);
  });

  it('works in front of a plain handler on HTTP/2, and refuses Express there', async (context) => {
    const ask = async (/** @type {any} */ handler) => {
      const server = http2.createServer(handler);
      await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
      const client = http2.connect(`http://127.0.0.1:${port}`);
      context.after(() => (client.destroy(), server.close()));
      const stream = client.request({ ':path': '/' });
      const [headers] = await require('node:events').once(stream, 'response');
      let body = '';
      for await (const chunk of stream) body += chunk;
      return { status: headers[':status'], headers, body };
    };
    const plain = await ask(carapace().wrap((_request, response) => response.end('handler')));
    assert.deepEqual([plain.status, plain.body, plain.headers['x-content-type-options']], [200, 'handler', 'nosniff']);
    assert.equal((await ask(carapace().wrap(EXPRESS.express5()))).status, 500);
  });

  it('takes a limiter that the app has made, and gives out its own', async (context) => {
    const limiter = rateLimit({ limit: 1 });
    const port = await serve(context, EXPRESS.express5, carapace({ rateLimit: limiter }));
    assert.deepEqual(await statuses(port, '/', 2), [200, 429]);
    limiter.resetKey('127.0.0.1');
    assert.deepEqual(await statuses(port, '/', 1), [200]);
  });

  /** @type {[what: string, options: any, code: string, path: string][]} */
  const BAD = [
    ['an unknown part', { helmet: true }, 'ERR_CARAPACE_OPTION_UNKNOWN', 'carapace.helmet'],
    ['a null part', { json: null }, 'ERR_CARAPACE_OPTION_TYPE', 'carapace.json'],
    ['an unknown preset', { preset: 'safe' }, 'ERR_CARAPACE_OPTION_VALUE', 'carapace.preset'],
    ['an unknown mode', { mode: 'off' }, 'ERR_CARAPACE_OPTION_VALUE', 'carapace.mode'],
    ['a limiter without a limit', { rateLimit: true }, 'ERR_CARAPACE_OPTION_REQUIRED', 'rateLimit.limit'],
    ['a rule that is no object', { routes: { '/a': 5 } }, 'ERR_CARAPACE_OPTION_TYPE', 'carapace.routes["/a"]'],
    ['an option of logins', { login: { account: () => '', name: 'a' } }, 'ERR_CARAPACE_OPTION_UNKNOWN', 'login.name'],
    [
      'an option of logins in a rule',
      { routes: { '/a': { login: { account: () => '', name: 'a' } } } },
      'ERR_CARAPACE_OPTION_UNKNOWN',
      'carapace.routes["/a"].login.name',
    ],
    ['a rule without a path', { routes: { POST: {} } }, 'ERR_CARAPACE_OPTION_VALUE', 'carapace.routes["POST"]'],
    ['a method that is none', { routes: { 'PSOT /a': {} } }, 'ERR_CARAPACE_OPTION_VALUE', 'carapace.routes["PSOT /a"]'],
    [
      'an unknown option of a rule',
      { routes: { '/a': { jsn: {} } } },
      'ERR_CARAPACE_OPTION_UNKNOWN',
      'carapace.routes["/a"].jsn',
    ],
    [
      'a bad part of a rule',
      { routes: { '/a': { json: { limit: 'x' } } } },
      'ERR_CARAPACE_OPTION_VALUE',
      'carapace.routes["/a"].json.limit',
    ],
    [
      'a bad limit of a rule',
      { routes: { '/a': { rateLimit: { limit: 1.5 } } } },
      'ERR_CARAPACE_OPTION_VALUE',
      'carapace.routes["/a"].rateLimit.limit',
    ],
    [
      'a regular expression',
      { routes: { '/a/:b(\\d+)': {} } },
      'ERR_CARAPACE_OPTION_VALUE',
      'carapace.routes["/a/:b(\\\\d+)"]',
    ],
    [
      'a rule that is never reached',
      { routes: { '/a/:b': {}, 'GET /a/c': {} } },
      'ERR_CARAPACE_OPTION_CONFLICT',
      'carapace.routes["GET /a/c"]',
    ],
    [
      'a rule behind a wildcard',
      { routes: { '/*all': {}, '/a/:b': {} } },
      'ERR_CARAPACE_OPTION_CONFLICT',
      'carapace.routes["/a/:b"]',
    ],
  ];
  for (const [what, options, code, path] of BAD) {
    it(`throws for ${what}`, () => {
      assert.throws(() => carapace(options), { name: 'CarapaceError', code, path });
    });
  }

  it('has no route parameters to validate', () => {
    const params = z.object({ id: z.string() });
    const routes = { '/a/:id': { validate: /** @type {any} */ ({ params }) } };
    assert.throws(() => carapace({ routes }), { path: 'carapace.routes["/a/:id"].validate.params' });
  });

  it('throws for what cannot be wrapped', () => {
    assert.throws(() => carapace().wrap(/** @type {any} */ ({})), { code: 'ERR_CARAPACE_OPTION_TYPE' });
  });

  for (const preset of /** @type {const} */ (['web', 'api', 'strict'])) {
    it(`has the preset ${preset}`, async (context) => {
      const port = await serve(context, EXPRESS.express5, carapace({ preset }));
      const { headers } = await send(port);
      assert.equal(headers['content-security-policy'].includes("default-src 'none'"), preset !== 'web');
      assert.equal(headers['ratelimit-policy'], preset === 'strict' ? '"default";q=100;w=60' : undefined);
      const form = {
        method: 'POST',
        body: 'a=1&$b=2',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      };
      const { status, body } = await send(port, form);
      assert.equal(status, preset === 'strict' ? 400 : 200);
      if (preset !== 'strict') assert.deepEqual(JSON.parse(body).body, preset === 'api' ? null : { a: '1' });
    });
  }
});

describe('the mark of a chain', () => {
  it('is none that a polluted prototype has (S-51)', async (context) => {
    const port = await serve(context, EXPRESS.express5, carapace({ rateLimit: { limit: 1 } }));
    /** @type {any} */ (Object.prototype)._carapace = { isOf: () => true };
    context.after(() => delete (/** @type {any} */ (Object.prototype)._carapace));
    assert.deepEqual(await statuses(port, '/', 2), [200, 429]);
  });

  it('leaves the rule of another method to preflights that the chain answers', async (context) => {
    const routes = { 'GET /a': { rateLimit: /** @type {const} */ (false) } };
    const port = await serve(context, EXPRESS.express5, carapace({ rateLimit: { limit: 1 }, routes }));
    const headers = { origin: 'https://a.example', 'access-control-request-method': 'GET' };
    assert.deepEqual(await statuses(port, '/a', 2, { method: 'OPTIONS', headers }), [200, 429]);
  });
});
