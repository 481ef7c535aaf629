'use strict';

// Whatever refuses a request or fails, the browser must be able to read the answer, and the answer must be protected.
const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { carapace } = require('..');
const { EXPRESS, listen, send } = require('./helpers/servers');

const ORIGIN = 'https://app.example';
const JSON_TYPE = { 'content-type': 'application/json' };

/** @type {[what: string, status: number, request: any][]} */
const ANSWERS = [
  ['malformed JSON', 400, { method: 'POST', headers: JSON_TYPE, body: '{' }],
  ['a refused key', 400, { method: 'POST', headers: JSON_TYPE, body: '{"a\\u0000":1}' }],
  ['a refused query', 400, { path: '/?a[b][c][d][e][f][g]=1' }],
  ['a body that is too large', 413, { method: 'POST', headers: JSON_TYPE, body: `"${'x'.repeat(2000)}"` }],
  ['a charset', 415, { method: 'POST', headers: { 'content-type': 'application/json; charset=utf-7' }, body: '{}' }],
  ['a coding', 415, { method: 'POST', headers: { ...JSON_TYPE, 'content-encoding': 'x' }, body: '{}' }],
  ['the limiter', 429, { path: '/limited' }],
  ['a listed client', 403, { path: '/denied' }],
  ['a route that is not there', 404, { path: '/nowhere' }],
  ['an error of a handler', 500, { path: '/error' }],
  ['an error with a status', 418, { path: '/teapot' }],
  ['a rejection', 500, { path: '/rejects' }],
  ['a path that cannot be decoded', 400, { path: '/item/%' }],
  ['an answer of the app', 409, { path: '/conflict' }],
];

for (const [name, express] of Object.entries(EXPRESS)) {
  for (const isWrapped of [false, true]) {
    for (const hasErrorHandler of [true, false]) {
      const where = `${isWrapped ? 'in front of' : 'in'} ${name} with ${hasErrorHandler ? 'our' : "Express's"} error handler`;
      describe(`every error ${where} has the headers of security and CORS`, () => {
        for (const [what, status, request] of ANSWERS) {
          it(`when the reason is ${what}`, async (context) => {
            const port = await serve(context, express, { isWrapped, hasErrorHandler });
            for (const origin of [ORIGIN, 'https://evil.example', undefined]) {
              const headers = { ...request.headers, ...(origin && { origin }) };
              const answer = await send(port, { ...request, headers });
              assert.equal(answer.status, status);
              check(answer.headers, origin);
            }
          });
        }
      });
    }
  }
}

/**
 * @param {Record<string, any>} headers
 * @param {string | undefined} origin
 */
function check(headers, origin) {
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.ok(headers['content-security-policy'].length > 0);
  assert.equal(headers['x-frame-options'].toLowerCase(), 'sameorigin');
  assert.equal(headers['x-powered-by'], undefined);
  assert.match(headers.vary, /\bOrigin\b/i);
  const allowed = headers['access-control-allow-origin'];
  assert.equal(allowed, origin === ORIGIN ? ORIGIN : undefined);
  assert.equal(headers['access-control-expose-headers'], origin === ORIGIN ? 'RateLimit' : undefined);
}

/**
 * @param {import('node:test').TestContext} context
 * @param {any} express
 * @param {{ isWrapped: boolean, hasErrorHandler: boolean }} how
 */
async function serve(context, express, { isWrapped, hasErrorHandler }) {
  const shield = carapace({
    cors: { origin: [ORIGIN, 'https://other.example'], credentials: true, exposedHeaders: ['RateLimit'] },
    json: { limit: '1kb' },
    rateLimit: { limit: 100 },
    routes: {
      '/limited': { rateLimit: { limit: 0 } },
      '/denied': { rateLimit: { limit: 5, denyList: ['127.0.0.1'] } },
    },
  });
  const app = express();
  app.set('env', 'test');
  if (!isWrapped) app.use(shield);
  app.get('/error', () => {
    throw new Error('a secret of the app');
  });
  app.get('/teapot', (/** @type {any} */ _request, /** @type {any} */ _response, /** @type {any} */ next) =>
    next(Object.assign(new Error('short and stout'), { status: 418 })),
  );
  app.get('/rejects', (/** @type {any} */ _request, /** @type {any} */ _response, /** @type {any} */ next) =>
    Promise.reject(new Error('later')).catch(next),
  );
  app.get('/item/:id', (/** @type {any} */ _request, /** @type {any} */ response) => response.end());
  app.get('/conflict', (/** @type {any} */ _request, /** @type {any} */ response) => response.status(409).end());
  if (hasErrorHandler) app.use(shield.errorHandler);
  const { port } = await listen(context, isWrapped ? shield.wrap(app) : app);
  return port;
}

describe('preflights', () => {
  for (const [name, express] of Object.entries(EXPRESS)) {
    it(`cost no client anything on ${name}`, async (context) => {
      const shield = carapace({
        cors: { origin: ORIGIN },
        rateLimit: { limit: 1 },
        routes: { 'PUT /a': { cors: { origin: ORIGIN, methods: ['PUT'] } } },
      });
      const app = express();
      app.use(shield, (/** @type {any} */ _request, /** @type {any} */ response) => response.end());
      const { port } = await listen(context, app);
      const preflight = (/** @type {string} */ origin) =>
        send(port, { method: 'OPTIONS', path: '/a', headers: { origin, 'access-control-request-method': 'PUT' } });
      for (const origin of [ORIGIN, ORIGIN, 'https://evil.example']) {
        const { status, headers } = await preflight(origin);
        assert.deepEqual([status, headers.ratelimit], [204, undefined]);
      }
      // The rule of the method that is to follow.
      assert.equal((await preflight(ORIGIN)).headers['access-control-allow-methods'], 'PUT');
      assert.deepEqual([(await send(port)).status, (await send(port)).status], [200, 429]);
      // A plain OPTIONS is a request like others.
      assert.equal((await send(port, { method: 'OPTIONS' })).status, 429);
    });
  }
});
