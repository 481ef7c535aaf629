'use strict';

const assert = require('node:assert/strict');
const { EventEmitter, once } = require('node:events');
const http = require('node:http');
const http2 = require('node:http2');
const net = require('node:net');
const { describe, it } = require('node:test');
const { carapace } = require('..');
const { EXPRESS, listen, send, sendJson } = require('./helpers/servers');

/**
 * @param {import('node:test').TestContext} context
 * @param {any} shield
 * @param {any} handler
 * @param {any} [options]
 */
async function serve(context, shield, handler, options) {
  const { port, server } = await listen(context, handler);
  shield.attach(server, options);
  return { port, server };
}

/**
 * Sends raw text and gives what comes back until the connection ends, or until `isDone`.
 * @param {import('node:test').TestContext} context
 * @param {number} port
 * @param {string} text
 * @param {(answer: string, socket: net.Socket) => unknown} [onData]
 * @returns {Promise<string>}
 */
function talk(context, port, text, onData = () => {}) {
  const socket = net.connect(port, '127.0.0.1');
  context.after(() => socket.destroy());
  return new Promise((resolve) => {
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk;
      onData(answer, socket);
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
    socket.write(text);
  });
}

/** @param {any} _request @param {any} response */
const hello = (_request, response) => response.end('handler');

describe('an attached server', () => {
  for (const [name, express] of Object.entries(EXPRESS)) {
    it(`has the chain in front of ${name}, once, with the app's own trust proxy`, async (context) => {
      const shield = carapace({ rateLimit: { limit: 1 } });
      const app = express();
      app.set('trust proxy', 1);
      app.use(shield, hello);
      const { port } = await serve(context, shield, app);
      const ask = (/** @type {string} */ address) => send(port, { headers: { 'x-forwarded-for': address } });
      const all = [await ask('192.0.2.1'), await ask('192.0.2.1'), await ask('192.0.2.2')];
      assert.deepEqual(
        all.map(({ status }) => status),
        [200, 429, 200],
      );
      assert.equal(all[0].headers['x-content-type-options'], 'nosniff');
    });
  }

  it('asks for a body only when it is read (Expect: 100-continue)', async (context) => {
    /** @type {string[]} */
    const seen = [];
    const shield = carapace({ rateLimit: { limit: 2 }, json: { limit: 100 } });
    const { port } = await serve(context, shield, (/** @type {any} */ request, /** @type {any} */ response) => {
      seen.push(JSON.stringify(request.body));
      response.end('handler');
    });
    const head = (/** @type {number} */ length) =>
      `POST / HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: ${length}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n`;
    const read = await talk(context, port, head(7), (answer, socket) => {
      if (answer === 'HTTP/1.1 100 Continue\r\n\r\n') socket.write('{"a":1}');
    });
    assert.match(read, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n/);
    assert.deepEqual(seen, ['{"a":1}']);
    const started = Date.now();
    assert.match(await talk(context, port, head(101)), /^HTTP\/1\.1 413 /);
    assert.match(await talk(context, port, head(7)), /^HTTP\/1\.1 429 /);
    // Nothing comes that would have to be read and thrown away.
    assert.ok(Date.now() - started < 1_000);
  });

  describe('checks upgrades', () => {
    /**
     * @param {import('node:test').TestContext} context
     * @param {any} shieldOptions
     * @param {any} [options]
     */
    async function upgrades(context, shieldOptions, options) {
      const { port, server } = await serve(context, carapace(shieldOptions), hello, options);
      // Listens after the shield, as WebSocket libraries do.
      server.on('upgrade', (_request, socket) =>
        socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n'),
      );
      return async (/** @type {string} */ origin) => {
        const field = origin === '' ? '' : `origin: ${origin}\r\n`;
        const text = `GET /chat HTTP/1.1\r\nhost: app.example\r\nconnection: upgrade\r\nupgrade: websocket\r\n${field}\r\n`;
        const answer = await talk(context, port, text);
        return Number(answer.slice(9, 12));
      };
    }

    it('by the origin, which is that of the app itself by default', async (context) => {
      const ask = await upgrades(context, {});
      assert.deepEqual(
        [await ask(''), await ask('https://app.example'), await ask('https://evil.example'), await ask('null')],
        [101, 101, 403, 403],
      );
    });

    it('by what cors allows', async (context) => {
      const ask = await upgrades(context, { cors: { origin: 'https://web.example' } });
      assert.deepEqual(
        [await ask('https://web.example'), await ask('https://app.example'), await ask('https://evil.example')],
        [101, 101, 403],
      );
    });

    it('by origins of their own, or not at all', async (context) => {
      const ask = await upgrades(context, {}, { upgradeOrigins: ['https://web.example'] });
      assert.deepEqual([await ask('https://web.example'), await ask('https://evil.example')], [101, 403]);
      const askAny = await upgrades(context, {}, { upgradeOrigins: false });
      assert.equal(await askAny('https://evil.example'), 101);
    });

    it('by the limits, of rules too', async (context) => {
      const ask = await upgrades(context, {
        rateLimit: { limit: 3 },
        routes: { '/chat': { rateLimit: { limit: 2 } } },
      });
      assert.deepEqual([await ask(''), await ask(''), await ask('')], [101, 101, 429]);
    });

    it('and lets all pass in report mode', async (context) => {
      /** @type {string[]} */
      const types = [];
      const onEvent = (/** @type {any} */ { type }) => types.push(type);
      const ask = await upgrades(context, { mode: 'report', onEvent, rateLimit: { limit: 1 } });
      assert.deepEqual([await ask('https://evil.example'), await ask('')], [101, 101]);
      assert.deepEqual(types, ['attach.origin-denied', 'rate-limit.denied']);
    });
  });

  it('takes so many connections of an address', async (context) => {
    const { port, server } = await serve(context, carapace(), hello, { connectionsPerAddress: 2 });
    const sockets = [1, 2, 3].map(() => net.connect(port, '127.0.0.1'));
    context.after(() => sockets.forEach((socket) => socket.destroy()));
    await once(sockets[2], 'close');
    assert.deepEqual(
      sockets.map(({ destroyed }) => destroyed),
      [false, false, true],
    );
    sockets[0].destroy();
    const count = () => new Promise((resolve) => server.getConnections((_error, open) => resolve(open)));
    while ((await count()) !== 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal((await send(port)).status, 200);
  });

  it('counts IPv6 addresses of one prefix as one', () => {
    const server = new http.Server();
    /** @type {any[]} */
    const passed = [];
    carapace().attach(server, { connectionsPerAddress: 1 });
    server.removeAllListeners('connection').on('connection', (socket) => passed.push(socket.remoteAddress));
    const connect = (/** @type {string} */ remoteAddress) => {
      const socket = Object.assign(new EventEmitter(), { remoteAddress, destroy() {} });
      server.emit('connection', socket);
      return socket;
    };
    const first = connect('2001:db8::1');
    connect('2001:db8::ffff:1');
    connect('2001:db8:0:f00::1');
    first.emit('close');
    connect('2001:db8::2');
    assert.deepEqual(passed, ['2001:db8::1', '2001:db8:0:f00::1', '2001:db8::2']);
  });

  it('sets times and sizes, and leaves the others as they are', async (context) => {
    const { server } = await serve(context, carapace(), hello, {
      keepAliveTimeoutMs: 61_000,
      requestTimeoutMs: Infinity,
    });
    assert.deepEqual(
      [server.headersTimeout, server.requestTimeout, server.keepAliveTimeout, server.maxHeadersCount],
      [15_000, 0, 61_000, 100],
    );
  });

  it('answers what is no HTTP with a refusal like others', async (context) => {
    const { port } = await serve(context, carapace(), hello);
    const answer = await talk(context, port, 'GET / HTTP/1.1\r\nhost: a\r\nbad header\r\n\r\n');
    assert.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
    assert.match(answer, /x-content-type-options: nosniff\r\n/);
    assert.match(answer, /"code":"ERR_CARAPACE_REQUEST_REJECTED"/);
    const large = await talk(context, port, `GET / HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`);
    assert.match(large, /^HTTP\/1\.1 431 /);
  });

  it('works on HTTP/2 with a plain handler, and not with Express', async (context) => {
    const server = carapace().attach(http2.createServer(hello));
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
    const { port } = /** @type {net.AddressInfo} */ (server.address());
    const client = http2.connect(`http://127.0.0.1:${port}`);
    context.after(() => (client.destroy(), server.close()));
    const [headers] = await once(client.request({ ':path': '/' }), 'response');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    const shield = carapace();
    const other = http2.createServer(shield.wrap(EXPRESS.express5()));
    assert.throws(() => shield.attach(other), { code: 'ERR_CARAPACE_OPTION_CONFLICT', message: /HTTP\/2/ });
  });

  it('is closed when its requests are answered', async (context) => {
    const shield = carapace();
    /** @type {() => void} */
    let finish = () => {};
    const { port, server } = await serve(
      context,
      shield,
      (/** @type {any} */ _request, /** @type {any} */ response) => {
        finish = () => response.end('late');
        server.emit('waiting');
      },
    );
    const agent = new http.Agent({ keepAlive: true });
    context.after(() => agent.destroy());
    const answer = new Promise((resolve) =>
      http.get({ port, host: '127.0.0.1', agent }, (response) =>
        response.on('data', (chunk) => resolve(String(chunk))),
      ),
    );
    await once(server, 'waiting');
    const closed = shield.close({ timeoutMs: 5_000 });
    assert.equal(server.listening, false);
    finish();
    assert.deepEqual([await answer, await closed], ['late', true]);
  });

  it('is closed in time when a request is never answered', async (context) => {
    const shield = carapace();
    const { port, server } = await serve(context, shield, () => server.emit('waiting'));
    const request = http.get({ port, host: '127.0.0.1' });
    request.on('error', () => {});
    await once(server, 'waiting');
    assert.equal(await shield.close({ timeoutMs: 20 }), false);
  });

  it('keeps bodies for handlers that read them later', async (context) => {
    const { port } = await serve(
      context,
      carapace({ json: false }),
      async (/** @type {any} */ request, /** @type {any} */ response) => {
        let text = '';
        for await (const chunk of request) text += chunk;
        response.end(text);
      },
    );
    assert.equal((await sendJson(port, '{"a":1}', { headers: { expect: '100-continue' } })).body, '{"a":1}');
  });

  /** @type {[what: string, server: any, options: any, code: string][]} */
  const BAD = [
    ['what is no server', {}, undefined, 'ERR_CARAPACE_OPTION_TYPE'],
    ['an unknown option', new http.Server(), { timeout: 5 }, 'ERR_CARAPACE_OPTION_UNKNOWN'],
    ['a time of none', new http.Server(), { headersTimeoutMs: 0 }, 'ERR_CARAPACE_OPTION_VALUE'],
    ['a bad origin', new http.Server(), { upgradeOrigins: ['/evil/'] }, 'ERR_CARAPACE_OPTION_VALUE'],
  ];
  for (const [what, server, options, code] of BAD) {
    it(`throws for ${what}`, () => {
      assert.throws(() => carapace().attach(server, options), { name: 'CarapaceError', code });
    });
  }

  it('is attached once', () => {
    const server = new http.Server();
    const shield = carapace();
    shield.attach(server);
    assert.throws(() => shield.attach(server), { code: 'ERR_CARAPACE_OPTION_CONFLICT' });
  });
});
