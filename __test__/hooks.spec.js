'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { native, PANIC } = require('./helpers/hooked');
const { rateLimit } = require('..');
const { EXPRESS, listen, send } = require('./helpers/servers');

describe('a panic in the native core', () => {
  it('becomes an error of the factory when it happens during set-up', () => {
    native.testPanicAt(PANIC.config);
    assert.throws(() => rateLimit({ limit: 1 }), { name: 'CarapaceError', code: 'ERR_CARAPACE_INTERNAL' });
    assert.equal(typeof rateLimit({ limit: 1 }), 'function');
  });

  for (const [name, express] of Object.entries(EXPRESS)) {
    it(`becomes a 500 that reveals nothing on the request path of ${name}`, async (context) => {
      const app = express();
      app.use(rateLimit({ limit: 10 }));
      app.get('/', (/** @type {any} */ _request, /** @type {any} */ response) => response.send('handler'));
      const { port } = await listen(context, app);
      native.testPanicAt(PANIC.hot);
      const { status, headers, body } = await send(port);
      assert.equal(status, 500);
      assert.equal(headers['content-type'], 'application/problem+json; charset=utf-8');
      assert.deepEqual(JSON.parse(body), {
        type: 'about:blank',
        title: 'Internal Server Error',
        status: 500,
        code: 'ERR_CARAPACE_INTERNAL',
      });
      assert.equal((await send(port)).body, 'handler');
    });
  }
});

describe('crossings into the native core', () => {
  it('are one for a request through the limiter', async (context) => {
    const limiter = rateLimit({ limit: 10 });
    const { port } = await listen(context, (request, response) => limiter(request, response, () => response.end()));
    const before = native.testCrossings();
    await send(port);
    assert.equal(native.testCrossings() - before, 1);
  });
});
