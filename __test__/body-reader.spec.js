'use strict';

// What can happen to a request while its body is read.
const assert = require('node:assert/strict');
const { AsyncLocalStorage } = require('node:async_hooks');
const { execFile } = require('node:child_process');
const http2 = require('node:http2');
const net = require('node:net');
const { join } = require('node:path');
const { Readable } = require('node:stream');
const { describe, it } = require('node:test');
const { promisify } = require('node:util');
const zlib = require('node:zlib');
const { json } = require('..');
const { EXPRESS, listen, sendJson } = require('./helpers/servers');

const HEAD = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';

/** @param {string} text @param {string} [fields] */
function rawRequest(text, fields = '') {
  return `${HEAD}${fields}content-length: ${text.length}\r\n\r\n${text}`;
}

/**
 * A request of which the test decides when bytes come.
 * @param {Record<string, string>} [headers]
 * @returns {any}
 */
function fakeRequest(headers = { 'transfer-encoding': 'chunked' }) {
  const request = new Readable({ read() {} });
  return Object.assign(request, {
    headers: { 'content-type': 'application/json', ...headers },
    httpVersionMajor: 1,
    complete: false,
  });
}

/** @param {any} request @param {any} [options] @returns {Promise<any>} what `next` got */
function run(request, options) {
  return new Promise((resolve) =>
    json({ onReject: 'next', ...options })(request, /** @type {any} */ ({ headersSent: false }), resolve),
  );
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

/**
 * A server of which the test sees what `next` gets.
 * @param {import('node:test').TestContext} context
 * @param {any} [options]
 */
async function observe(context, options) {
  /** @type {any[]} */
  const outcomes = [];
  const middleware = json(options);
  /** @type {((outcome: any) => void)[]} */
  const waiting = [];
  const { port, server } = await listen(context, (request, response) => {
    middleware(request, response, (error) => {
      outcomes.push(error ?? /** @type {any} */ (request).body);
      waiting.splice(0).forEach((resolve) => resolve(outcomes.at(-1)));
      if (!response.writableEnded) response.end(JSON.stringify(/** @type {any} */ (request).body));
    });
  });
  return { port, server, outcomes, next: () => new Promise((resolve) => waiting.push(resolve)) };
}

/**
 * Sends bytes and reads until the server closes, or until `until` has come.
 * @param {import('node:test').TestContext} context
 * @param {number} port
 * @param {string} text
 * @param {RegExp} until
 * @returns {Promise<string>}
 */
function exchange(context, port, text, until) {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(text));
    let answer = '';
    context.after(() => socket.destroy());
    socket.on('error', reject).on('end', () => resolve(answer));
    socket.on('data', (chunk) => {
      answer += chunk;
      if (until.test(answer)) resolve(answer);
    });
  });
}

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`a body that ${name} receives`, () => {
    it('is refused without an answer when its client goes, and the server lives on', async (context) => {
      const errors = /** @type {any[]} */ ([]);
      const app = /** @type {any} */ (express)();
      let told = (/** @type {any} */ _error) => {};
      app.use(json({ onReject: 'next' }), (/** @type {any} */ request, /** @type {any} */ response) =>
        response.json(request.body),
      );
      app.use((/** @type {any} */ error, /** @type {any} */ _q, /** @type {any} */ response, /** @type {any} */ _n) => {
        errors.push(error);
        response.status(error.status).end();
        told(error);
      });
      const { port } = await listen(context, app);
      const aborted = new Promise((resolve) => (told = resolve));
      const socket = net.connect(port, '127.0.0.1', () => {
        socket.write(`${HEAD}content-length: 9\r\n\r\n{"a"`, () => socket.destroy());
      });
      const error = /** @type {any} */ (await aborted);
      assert.deepEqual([error.type, error.status, error.expected, error.received], ['request.aborted', 400, 9, 4]);
      assert.equal((await sendJson(port, '{"a":1}')).body, '{"a":1}');
      assert.equal(errors.length, 1);
    });

    it('is read after Expect: 100-continue, or refused', async (context) => {
      const app = /** @type {any} */ (express)();
      app.use(json({ limit: 10 }), (/** @type {any} */ request, /** @type {any} */ response) =>
        response.json(request.body),
      );
      const { port } = await listen(context, app);
      const taken = await exchange(context, port, rawRequest('{"a":1}', 'expect: 100-continue\r\n'), /"a":1/);
      assert.match(taken, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
      const large = `${HEAD}expect: 100-continue\r\ncontent-length: 11\r\n\r\n`;
      assert.match(await exchange(context, port, large, /TOO_LARGE/), /HTTP\/1\.1 413 /);
    });

    it('does not take the next request of the connection with it when it is refused', async (context) => {
      const app = /** @type {any} */ (express)();
      app.use(json(), (/** @type {any} */ request, /** @type {any} */ response) => response.json(request.body));
      const { port } = await listen(context, app);
      const answer = await exchange(context, port, rawRequest('{"a"') + rawRequest('{"b":2}'), /"b":2/);
      assert.match(answer, /^HTTP\/1\.1 400 [^]*\r\nConnection: keep-alive[^]*HTTP\/1\.1 200 OK[^]*\{"b":2\}$/i);
    });

    it('keeps the AsyncLocalStorage that was entered before', async (context) => {
      const storage = new AsyncLocalStorage();
      const app = /** @type {any} */ (express)();
      app.use((/** @type {any} */ request, /** @type {any} */ _response, /** @type {any} */ next) =>
        storage.run(request.url, next),
      );
      app.use(json({ verify: () => Promise.resolve() }));
      app.use((/** @type {any} */ _request, /** @type {any} */ response) => response.json(storage.getStore()));
      const { port } = await listen(context, app);
      assert.equal((await sendJson(port, '{}', { path: '/one' })).body, '"/one"');
      const headers = { 'content-encoding': 'gzip' };
      assert.equal((await sendJson(port, zlib.gzipSync('{}'), { path: '/two', headers })).body, '"/two"');
    });
  });
}

describe('a body that is read', () => {
  it('ends the connection after a refusal in the middle, and no later answer is sent', async (context) => {
    const { port } = await observe(context, { limit: 10 });
    const text = `{"a":"${'x'.repeat(100)}"}`;
    const answer = await exchange(context, port, rawRequest(text) + rawRequest('{"b":2}'), /never/);
    assert.match(answer, /^HTTP\/1\.1 413 [^]*\r\nconnection: close/i);
    assert.doesNotMatch(answer, /200 OK/);
  });

  it('is refused when the app destroys the request, with the reason as the cause', async () => {
    const request = fakeRequest();
    const outcome = run(request);
    const cause = new Error('app');
    request.push('{"a"');
    await turn();
    request.destroy(cause);
    const error = await outcome;
    assert.deepEqual([error.type, error.cause], ['request.aborted', cause]);
  });

  it('is refused, and the process lives, when somebody sets an encoding meanwhile', async () => {
    const request = fakeRequest();
    const outcome = run(request);
    request.setEncoding('utf8');
    request.push('{"a":1}');
    assert.equal((await outcome).type, 'stream.encoding.set');
  });

  it('calls next once, whatever the stream does later, and leaves no listener', async () => {
    let calls = 0;
    const request = fakeRequest();
    const before = request.eventNames();
    json({ onReject: 'next' })(request, /** @type {any} */ ({}), () => (calls += 1));
    request.push('{"a":1}');
    request.push(null);
    await turn();
    assert.deepEqual([calls, request.body], [1, { a: 1 }]);
    request.emit('end');
    request.emit('close');
    assert.equal(calls, 1);
    assert.deepEqual(request.eventNames(), before);
  });

  it('calls next once when a refused stream breaks afterwards', async () => {
    const errors = /** @type {any[]} */ ([]);
    const request = fakeRequest();
    json({ onReject: 'next', limit: 1 })(request, /** @type {any} */ ({}), (error) => errors.push(error));
    request.push('{"a":1}');
    await turn();
    request.destroy(new Error('late'));
    await turn();
    assert.deepEqual(
      errors.map(({ type }) => type),
      ['entity.too.large'],
    );
  });

  it('has to arrive within readTimeoutMs as a whole, however steadily it trickles', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const request = fakeRequest();
    const outcome = run(request, { readTimeoutMs: 30_000 });
    for (let second = 0; second < 30; second += 5) {
      request.push(' ');
      context.mock.timers.tick(5_000);
    }
    const error = await outcome;
    assert.deepEqual([error.type, error.status], ['request.timeout', 408]);
    request.destroy();
  });

  it('does not keep the process alive', async () => {
    const script = `
      const { Readable } = require('node:stream');
      const { json } = require(${JSON.stringify(join(__dirname, '..'))});
      const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
      json()(Object.assign(new Readable({ read() {} }), { headers }), {}, () => {});
      console.log('waiting');`;
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { timeout: 10_000 });
    assert.equal(stdout, 'waiting\n');
  });

  it('is refused at once when its coded length is beyond any use', async () => {
    const error = await run(fakeRequest({ 'content-encoding': 'gzip', 'content-length': '10000' }), { limit: 1000 });
    assert.deepEqual([error.status, error.limit, error.expected], [413, 1000, 10_000]);
  });

  it('goes on as an error when somebody has answered already', async (context) => {
    let failed = (/** @type {any} */ _error) => {};
    const outcome = new Promise((resolve) => (failed = resolve));
    // Node tells an answered request nothing more, not even that its client has gone.
    const middleware = json({ readTimeoutMs: 1 });
    const { port } = await listen(context, (request, response) => {
      response.end('busy');
      middleware(request, response, failed);
    });
    const answer = exchange(context, port, `${HEAD}content-length: 9\r\n\r\n{"a"`, /busy/);
    assert.equal(/** @type {any} */ (await outcome).type, 'request.timeout');
    assert.match(await answer, /200 OK/);
  });

  it('stays as it is for a second reader, be it text', async () => {
    const request = fakeRequest();
    request.push('"{\\"$a\\":1}"');
    request.push(null);
    const options = { strict: false };
    assert.equal(await run(request, options), undefined);
    assert.equal(await run(request, options), undefined);
    assert.equal(request.body, '{"$a":1}');
  });

  it('waits for a promise of verify, and is refused with its rejection', async () => {
    for (const [reason, expected] of /** @type {const} */ ([
      [undefined, undefined],
      [new Error('no'), 403],
      [Object.assign(new Error('no'), { status: 401 }), 401],
      [Object.assign(new Error('no'), { status: 200 }), 403],
      ['text', 403],
    ])) {
      const request = fakeRequest();
      request.push('{"a":1}');
      request.push(null);
      const verify = async () => {
        await turn();
        if (reason) throw reason;
      };
      const error = await run(request, { verify });
      assert.equal(error?.status, expected);
      assert.deepEqual(request.body, expected ? undefined : { a: 1 });
    }
  });

  it('is no JSON for what the reviver throws', async () => {
    const request = fakeRequest();
    request.push('{"a":1}');
    request.push(null);
    const cause = new Error('mine');
    const reviver = () => {
      throw cause;
    };
    const error = await run(request, { reviver });
    assert.deepEqual([error.type, error.cause], ['entity.parse.failed', cause]);
  });
});

describe('a body in HTTP/2', () => {
  /**
   * @param {import('node:test').TestContext} context
   * @param {any} options
   */
  async function serve(context, options) {
    const middleware = json(options);
    const server = http2.createServer((request, response) => {
      middleware(/** @type {any} */ (request), /** @type {any} */ (response), (error) => {
        response.end(JSON.stringify(error ?? /** @type {any} */ (request).body ?? null));
      });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
    const { port } = /** @type {net.AddressInfo} */ (server.address());
    const client = http2.connect(`http://127.0.0.1:${port}`);
    context.after(() => {
      client.destroy();
      server.close();
    });
    return client;
  }

  /** @param {http2.ClientHttp2Session} client @param {Record<string, string | number>} [headers] */
  function open(client, headers = {}) {
    const stream = client.request({ ':method': 'POST', ':path': '/', 'content-type': 'application/json', ...headers });
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk) => (text += chunk));
    const ended = new Promise((resolve) => stream.on('end', () => resolve(text)));
    const status = new Promise((resolve) => stream.on('response', (fields) => resolve(fields[':status'])));
    const closed = new Promise((resolve) => stream.on('close', () => resolve(stream.rstCode)));
    return { stream, ended, status, closed };
  }

  it('is read with and without a length', async (context) => {
    const client = await serve(context, {});
    for (const headers of [{ 'content-length': 7 }, {}]) {
      const { stream, ended } = open(client, headers);
      stream.end('{"a":1}');
      assert.equal(await ended, '{"a":1}');
    }
  });

  it('is absent when the stream ends with its head', async (context) => {
    const client = await serve(context, {});
    const stream = client.request(
      { ':method': 'POST', ':path': '/', 'content-type': 'application/json' },
      { endStream: true },
    );
    const [chunk] = await new Promise((resolve) => stream.on('data', (data) => resolve([data.toString()])));
    assert.equal(chunk, 'null');
  });

  it('over the limit has its whole answer while the client still sends, and the stream closes without an error', async (context) => {
    const client = await serve(context, { limit: 10 });
    const { stream, ended, status, closed } = open(client);
    stream.on('error', () => {});
    stream.write('x'.repeat(100));
    assert.equal(await status, 413);
    assert.match(await /** @type {Promise<string>} */ (ended), /TOO_LARGE/);
    stream.write('x'.repeat(2 ** 20));
    assert.equal(await closed, http2.constants.NGHTTP2_NO_ERROR);
    const { stream: second, ended: answer } = open(client);
    second.end('{"a":1}');
    assert.equal(await answer, '{"a":1}');
  });

  it('is refused when its client resets the stream', async (context) => {
    const errors = /** @type {any[]} */ ([]);
    const client = await serve(context, { verify: () => errors.push('verified') });
    const { stream, closed } = open(client);
    stream.on('error', () => {});
    stream.write('{"a":1}');
    stream.close(http2.constants.NGHTTP2_CANCEL);
    await closed;
    const { stream: second, ended } = open(client);
    second.end('{"b":1}');
    assert.equal(await ended, '{"b":1}');
    assert.deepEqual(errors, ['verified']);
  });
});
