'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { native } = require('./helpers/hooked');
const { carapace } = require('..');
const { EXPRESS, listen, send, sendJson } = require('./helpers/servers');

const options = {
  cookies: true,
  cors: { origin: ['https://app.example', 'https://other.example'] },
  rateLimit: { limit: 1000 },
  routes: {
    'POST /login': { rateLimit: { limit: 500 } },
    'POST /apart': { rateLimit: { limit: 500, skipFailedRequests: true } },
    'GET /static/*path': { rateLimit: false },
  },
};

describe('the whole chain crosses into the core', () => {
  /** @type {[what: string, crossings: number, ask: (port: number) => Promise<any>][]} */
  const CASES = [
    ['for a GET', 1, (port) => send(port)],
    ['for a GET with a plain query', 1, (port) => send(port, { path: '/?page=2' })],
    ['for a GET with an origin', 1, (port) => send(port, { headers: { origin: 'https://app.example' } })],
    ['for a POST', 2, (port) => sendJson(port, '{"a":1}')],
    ['for a POST to a route with a limit of its own', 2, (port) => sendJson(port, '{"a":1}', { path: '/login' })],
    ['for a POST to a route that counts apart', 3, (port) => sendJson(port, '{"a":1}', { path: '/apart' })],
    ['for a POST with a query that is none of the plain', 3, (port) => sendJson(port, '{"a":1}', { path: '/?a[b]=1' })],
    ['for a GET that is not limited', 0, (port) => send(port, { path: '/static/a/b.js' })],
    [
      'for a preflight',
      0,
      (port) =>
        send(port, {
          method: 'OPTIONS',
          headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT' },
        }),
    ],
  ];
  for (const [name, express] of Object.entries(EXPRESS)) {
    for (const isWrapped of [false, true]) {
      for (const [what, crossings, ask] of CASES) {
        it(`${crossings} times ${what}, ${isWrapped ? 'in front of' : 'in'} ${name}`, async (context) => {
          const shield = carapace(options);
          const app = express();
          app.use(shield, (/** @type {any} */ _request, /** @type {any} */ response) => response.end('handler'));
          const { port } = await listen(context, isWrapped ? shield.wrap(app) : app);
          await ask(port);
          const before = native.testCrossings();
          await ask(port);
          assert.equal(native.testCrossings() - before, crossings);
        });
      }
    }
  }
});
