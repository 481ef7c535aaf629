'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const net = require('node:net');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const { rateLimit } = require('..');
const { EXPRESS, listen } = require('./helpers/servers');
const { onEachExpress } = require('./helpers/limited');

/**
 * Sends a request target as it is: a client library would tidy it up.
 * @param {number} port
 * @param {string} target
 * @returns {Promise<{ status: number, isCounted: boolean, body: string }>}
 */
function sendRaw(port, target) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () =>
      socket.write(`GET ${target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`),
    );
    let text = '';
    socket.on('data', (chunk) => (text += chunk)).on('error', reject);
    socket.on('end', () =>
      resolve({
        status: Number(text.slice(9, 12)),
        isCounted: /^ratelimit:/im.test(text),
        body: text.slice(text.indexOf('\r\n\r\n') + 4),
      }),
    );
  });
}

// Spellings of /login that some router, proxy or file system may take for it.
const SPELLINGS = [
  '/login',
  '/login/',
  '/LOGIN',
  '/Login/',
  '//login',
  '/%6cogin',
  '/%256cogin',
  '/login;x',
  '/login;jsessionid=1/',
  '/./login',
  '/x/../login',
  '/x/%2e%2e/login',
  '/login?x=1',
  '/login//',
  '/login/more',
  '/%2flogin',
  '/\\login',
  'http://a/login',
  'http://a/LOGIN?x',
  '/login%20',
  '/login%3bx',
];

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`paths of rateLimit on ${name}`, () => {
    /** @param {import('node:test').TestContext} context @param {any} options @param {Record<string, boolean>} [settings] */
    async function serve(context, options, settings = {}) {
      const app = express();
      for (const [setting, value] of Object.entries(settings)) app.set(setting, value);
      app.use(rateLimit({ limit: 1e6, ...options }));
      app.get('/login', (/** @type {any} */ _request, /** @type {any} */ response) => response.send('login'));
      app.use('/details', (/** @type {any} */ _request, /** @type {any} */ response) => response.send('details'));
      app.use((/** @type {any} */ _request, /** @type {any} */ response) => response.status(404).send('other'));
      return (await listen(context, app)).port;
    }

    it('count each request that the router takes for one of them S-22', async (context) => {
      const port = await serve(context, { paths: '/login' });
      let routed = 0;
      for (const target of SPELLINGS) {
        const { isCounted, body } = await sendRaw(port, target);
        if (body.endsWith('login')) routed += 1;
        assert.ok(isCounted, target);
      }
      assert.ok(routed >= 5, `${routed} reached the route`);
      for (const target of ['/', '/loginx', '/log', '/other/login', '/?/login', '/x?y=/login']) {
        assert.equal((await sendRaw(port, target)).isCounted, false, target);
      }
    });

    it('are left out only when the router takes them for one S-22', async (context) => {
      for (const isSensitive of [false, true]) {
        for (const isStrict of [false, true]) {
          const settings = { 'case sensitive routing': isSensitive, 'strict routing': isStrict };
          const port = await serve(context, { skipPaths: ['/login'] }, settings);
          const skipped = [];
          for (const target of SPELLINGS) {
            const { isCounted, body } = await sendRaw(port, target);
            if (isCounted) continue;
            skipped.push(target);
            assert.ok(
              body.endsWith('login') || target === '/login/more',
              `${target} was left out but is another route`,
            );
          }
          assert.equal(skipped.includes('/LOGIN'), !isSensitive);
          assert.equal(skipped.includes('/login/'), !isStrict);
          assert.ok(skipped.includes('/login') && skipped.includes('/login?x=1'));
        }
      }
    });

    it('match by segments S-23', async (context) => {
      const limited = await serve(context, { paths: ['/details', '/users/:id/reset'] });
      const left = await serve(context, { skipPaths: ['/details', '/users/:id/reset'] });
      for (const [target, isOne] of /** @type {[string, boolean][]} */ ([
        ['/details', true],
        ['/details/1', true],
        ['/details-admin', false],
        ['/detailsx', false],
        ['/users/5/reset', true],
        ['/users/5/reset/now', true],
        ['/users/reset', false],
        ['/users/5/resets', false],
      ])) {
        assert.equal((await sendRaw(limited, target)).isCounted, isOne, target);
        assert.equal((await sendRaw(left, target)).isCounted, !isOne, target);
      }
    });

    it('are relative to where the limiter is mounted', async (context) => {
      const app = express();
      app.use('/api', rateLimit({ limit: 10, paths: '/login' }));
      app.use((/** @type {any} */ _request, /** @type {any} */ response) => response.end());
      const { port } = await listen(context, app);
      assert.equal((await sendRaw(port, '/api/login')).isCounted, true);
      assert.equal((await sendRaw(port, '/login')).isCounted, false);
    });
  });
}

describe('skipPaths without Express', () => {
  it('holds for the very spelling alone', async (context) => {
    const limiter = rateLimit({ limit: 10, skipPaths: '/login' });
    const { port } = await listen(context, (request, response) => limiter(request, response, () => response.end()));
    for (const target of SPELLINGS) {
      const isSkipped = ['/login', '/login?x=1', '/login/more'].includes(target);
      assert.equal((await sendRaw(port, target)).isCounted, !isSkipped, target);
    }
  });
});

onEachExpress('lists of rateLimit', ({ serve }) => {
  const from = (/** @type {string} */ address) => ({ headers: { 'x-forwarded-for': address } });
  const client = { trustProxy: 1 };

  it('leave clients out, or deny them, by address and range', async (context) => {
    const options = {
      limit: 1,
      client,
      allowList: ['10.0.0.0/8', '2001:db8::/32'],
      denyList: ['10.6.6.6', '203.0.113.0/24'],
    };
    const { statuses, ask } = await serve(context, rateLimit(options));
    assert.deepEqual(await statuses(3, from('10.1.2.3')), [200, 200, 200]);
    assert.deepEqual(await statuses(3, from('2001:db8:1::1')), [200, 200, 200]);
    assert.deepEqual(await statuses(2, from('192.0.2.1')), [200, 429]);
    const { status, body, headers } = await ask(from('203.0.113.9'));
    assert.deepEqual(
      [status, JSON.parse(body).code, headers['retry-after']],
      [403, 'ERR_CARAPACE_CLIENT_DENIED', undefined],
    );
    assert.deepEqual(await statuses(1, from('10.6.6.6')), [403]);
    assert.deepEqual(await statuses(1, from('::ffff:203.0.113.9')), [403]);
    // 6to4 of 203.0.113.9.
    assert.deepEqual(await statuses(1, from('2002:cb00:7109::1')), [403]);
  });

  it('are about the client when the key is another', async (context) => {
    const options = { limit: 1, keyGenerator: () => 'all', client, allowList: '10.0.0.0/8', denyList: '203.0.113.9' };
    const { statuses } = await serve(context, rateLimit(options));
    assert.deepEqual(await statuses(3, from('10.1.2.3')), [200, 200, 200]);
    assert.deepEqual(await statuses(1, from('203.0.113.9')), [403]);
    assert.deepEqual(await statuses(2, from('192.0.2.1')), [200, 429]);
  });

  it('are functions as well, at once or later', async (context) => {
    const has = (/** @type {string} */ name) => (/** @type {any} */ request) => request.headers[name] !== undefined;
    const later = (/** @type {string} */ name) => async (/** @type {any} */ request) => has(name)(request);
    for (const make of [has, later]) {
      const { statuses } = await serve(
        context,
        rateLimit({ limit: 1, allowList: make('x-allow'), denyList: make('x-deny') }),
      );
      assert.deepEqual(await statuses(3, { headers: { 'x-allow': '1' } }), [200, 200, 200]);
      assert.deepEqual(await statuses(1, { headers: { 'x-deny': '1', 'x-allow': '1' } }), [403]);
      assert.deepEqual(await statuses(2), [200, 429]);
    }
  });

  it('and skip fail closed', async (context) => {
    const fails = () => {
      throw new Error('no');
    };
    for (const options of [{ skip: fails }, { allowList: async () => fails() }, { denyList: fails }]) {
      assert.deepEqual(await (await serve(context, rateLimit({ limit: 1, ...options }))).statuses(1), [500]);
    }
  });

  it('skip leaves a request out, at once or later', async (context) => {
    for (const skip of [() => 1, async () => true]) {
      const { statuses, ask } = await serve(context, rateLimit({ limit: 0, skip }));
      assert.deepEqual(await statuses(2), [200, 200]);
      const { headers, body } = await ask();
      assert.deepEqual([headers.ratelimit, JSON.parse(body)], [undefined, null]);
    }
    assert.deepEqual(await (await serve(context, rateLimit({ limit: 0, skip: () => 0 }))).statuses(1), [429]);
  });
});

describe('a request with an address of no kind', () => {
  it('counts over a unix socket, where no list holds', async (context) => {
    const limiter = rateLimit({ limit: 1, allowList: ['0.0.0.0/0', '::/0'] });
    const name = `carapace-gates-${process.pid}`;
    const path = process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : join(tmpdir(), `${name}.sock`);
    const server = http.createServer((request, response) => limiter(request, response, () => response.end()));
    await new Promise((resolve) => server.listen(path, () => resolve(undefined)));
    context.after(() => server.close());
    const status = () =>
      new Promise((resolve, reject) =>
        http
          .get({ socketPath: path, agent: false }, (response) =>
            response.resume().on('end', () => resolve(response.statusCode)),
          )
          .on('error', reject),
      );
    assert.deepEqual([await status(), await status()], [200, 429]);
  });
});
