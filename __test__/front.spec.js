'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { describe, it } = require('node:test');
const { carapace } = require('..');
const { asksUser } = require('../lib/pipeline/front');
const { EXPRESS, listen, send } = require('./helpers/servers');

const WAYS = ['wrap', 'attach'];

/**
 * Serves an app with a shield in front of it, and keeps each request with its response.
 * @param {import('node:test').TestContext} context
 * @param {any} app
 * @param {any} options
 * @param {string} way
 */
async function front(context, app, options, way) {
  /** @type {[any, any][]} */
  const seen = [];
  const shield = carapace(options);
  const handler = way === 'wrap' ? shield.wrap(app) : app;
  const { port, server } = await listen(context, handler);
  server.prependListener('request', (request, response) => seen.push([request, response]));
  if (way === 'attach') shield.attach(server);
  return { port, seen };
}

const ONE = { rateLimit: { limit: 1 } };

/** @param {any} express @returns {any} */
function createApp(express) {
  const app = express();
  app.use((/** @type {any} */ request, /** @type {any} */ response) =>
    response.json({ ip: request.ip, isKnown: request.res === response && response.req === request }),
  );
  return app;
}

for (const [major, express] of Object.entries(EXPRESS)) {
  it(`what is refused in front of ${major} keeps the prototypes of node:http, what passes gets those of the app`, async (context) => {
    const app = createApp(express);
    const { port, seen } = await front(context, app, ONE, 'wrap');
    assert.deepEqual(JSON.parse((await send(port)).body), { ip: '127.0.0.1', isKnown: true });
    assert.equal((await send(port)).status, 429);
    const [passed, refused] = seen.map(([request]) => Object.getPrototypeOf(request));
    assert.equal(passed, app.request);
    assert.equal(refused, http.IncomingMessage.prototype);
  });

  for (const way of WAYS) {
    describe(`in front of ${major} by ${way}`, () => {
      it("finds clients by the app's trust proxy (S-7)", async (context) => {
        const app = createApp(express).set('trust proxy', 1);
        const { port } = await front(context, app, ONE, way);
        const ask = async (/** @type {string} */ from) =>
          (await send(port, { headers: { 'x-forwarded-for': from } })).status;
        const answers = [await ask('9.9.9.1, 5.5.5.5'), await ask('9.9.9.2, 5.5.5.5'), await ask('9.9.9.1, 5.5.5.6')];
        assert.deepEqual(answers, [200, 429, 200]);
      });

      it("finds clients by the app's own ip", async (context) => {
        const app = createApp(express).set('trust proxy', 1);
        Object.defineProperty(app.request, 'ip', { get: () => '192.0.2.1' });
        const { port } = await front(context, app, ONE, way);
        const ask = async (/** @type {string} */ from) =>
          (await send(port, { headers: { 'x-forwarded-for': from } })).status;
        assert.deepEqual([await ask('5.5.5.5'), await ask('5.5.5.6')], [200, 429]);
      });

      it("the user's functions get what Express has", async (context) => {
        const keys = new Set();
        const keyGenerator = (/** @type {any} */ request) => {
          keys.add(`${request.ip} ${request.get('x-tenant')} ${request.protocol}`);
          return request.get('x-tenant');
        };
        const { port } = await front(context, createApp(express), { rateLimit: { limit: 1, keyGenerator } }, way);
        assert.equal((await send(port, { headers: { 'x-tenant': 'a' } })).status, 200);
        assert.equal((await send(port, { headers: { 'x-tenant': 'a' } })).status, 429);
        assert.deepEqual([...keys], ['127.0.0.1 a http']);
      });

      it("routes are read as the app's router reads them", async (context) => {
        const app = createApp(express).set('case sensitive routing', true);
        const routes = { 'GET /Login': { rateLimit: { limit: 1 } } };
        const { port } = await front(context, app, { routes }, way);
        const ask = async (/** @type {string} */ path) => (await send(port, { path })).status;
        assert.deepEqual([await ask('/Login'), await ask('/Login'), await ask('/other')], [200, 429, 200]);
      });
    });
  }
}

describe('the functions among options', () => {
  it('that may get a request are found wherever they stand', () => {
    const skip = () => false;
    for (const options of [
      { rateLimit: { skip } },
      { rateLimit: skip },
      { rateLimit: { policies: [{ limit: skip }] } },
      { routes: { 'POST /login': { json: { verify: skip } } } },
      { securityHeaders: { contentSecurityPolicy: { directives: { 'script-src': ['self', skip] } } } },
    ]) {
      assert.equal(asksUser(options), true, JSON.stringify(options));
    }
  });

  it('that never get one do not count', () => {
    const listen = () => {};
    const store = { increment: listen };
    for (const options of [
      undefined,
      { onEvent: listen, rateLimit: { limit: 1, store, onDecision: listen } },
      { cors: { origin: [/^https:\/\/a\.example$/, 'https://b.example'] }, validate: { body: { parse: listen } } },
      { errorHandler: { onError: listen }, metrics: { registry: store } },
    ]) {
      assert.equal(asksUser(options), false, JSON.stringify(options));
    }
  });
});
