'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const v8 = require('node:v8');
const vm = require('node:vm');
const { carapace, cors, json, rateLimit, securityHeaders } = require('..');
const { EXPRESS, listen, send } = require('./helpers/servers');

v8.setFlagsFromString('--allow-natives-syntax');
/** @type {(object: object) => boolean} whether V8 keeps an object's fields by a hidden class, not in a hash table */
const isFast = vm.runInThisContext('(object) => %HasFastProperties(object)');

const losesClasses = Number.parseInt(process.versions.v8, 10) < 13;

/** @type {Record<string, () => any>} */
const PARTS = {
  'carapace()': () => carapace(),
  'securityHeaders()': () => securityHeaders(),
  'cors()': () => cors({ origin: 'https://a.example' }),
  'rateLimit()': () => rateLimit({ limit: 9 }),
  'json()': () => json(),
  'carapace/helmet': () => require('carapace/helmet')(),
  'carapace/cors': () => require('carapace/cors')(),
  'carapace/express-rate-limit': () => require('carapace/express-rate-limit')({ limit: 9 }),
  'carapace/body-parser': () => require('carapace/body-parser').json(),
};

describe('the hidden classes of requests and responses', () => {
  for (const [major, express] of Object.entries(EXPRESS)) {
    for (const [name, make] of Object.entries(PARTS)) {
      it(`are one for all behind ${name} in ${major}, and no field is lost`, async (context) => {
        const app = /** @type {any} */ (express)();
        /** @type {any[]} */
        const seen = [];
        app.use((/** @type {any} */ request, /** @type {any} */ response, /** @type {() => void} */ next) => {
          seen.push(Object.keys(request), Object.keys(response));
          next();
        });
        app.use(make());
        app.use((/** @type {any} */ request, /** @type {any} */ response) => {
          assert.deepEqual([isFast(request), isFast(response)], [!losesClasses, !losesClasses]);
          const [ofRequest, ofResponse] = seen;
          for (const key of ofRequest) assert.ok(key in request, key);
          for (const key of ofResponse) assert.ok(key in response, key);
          assert.ok(request.res === response && response.req === request);
          response.json({});
        });
        const { port } = await listen(context, app);
        assert.equal((await send(port)).status, 200);
      });
    }
  }

  it('are left alone without Express', async (context) => {
    const shield = carapace();
    const { port } = await listen(context, (request, response) =>
      shield(request, response, () => {
        assert.deepEqual([isFast(request), isFast(response)], [true, true]);
        response.end();
      }),
    );
    assert.equal((await send(port)).status, 200);
  });
});
