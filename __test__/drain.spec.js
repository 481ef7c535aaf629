'use strict';

// What happens to the rest of a request that was refused: the bounds of lib/drain.js, on a clock of the test's own.
const assert = require('node:assert/strict');
const { EventEmitter } = require('node:events');
const { connect } = require('node:net');
const { Readable } = require('node:stream');
const { text } = require('node:stream/consumers');
const { describe, it } = require('node:test');
const { rateLimit } = require('..');
const { drainInBackground, endAfterDrain } = require('../lib/drain');
const { listen, send } = require('./helpers/servers');

const ANSWER = Buffer.from('no');
const KILOBYTE = Buffer.alloc(1024);

/** @param {Record<string, string>} [headers] @returns {any} */
function upload(headers = { 'transfer-encoding': 'chunked' }) {
  return Object.assign(new Readable({ read() {} }), { headers, httpVersionMajor: 1 });
}

/** A response that notes what is done to it. @returns {any} */
function recorder() {
  const calls = /** @type {string[]} */ ([]);
  return Object.assign(new EventEmitter(), {
    calls,
    headersSent: false,
    writableEnded: false,
    writableFinished: false,
    setHeader: (/** @type {string} */ name, /** @type {string} */ value) => calls.push(`${name}: ${value}`),
    write: (/** @type {Buffer} */ body) => calls.push(`write ${body}`),
    end: (/** @type {Buffer | undefined} */ body) => calls.push(body ? `end ${body}` : 'end'),
  });
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('an answer to a refused upload', () => {
  it('is written whole at once, and ends 2 s later while bytes trickle', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const [request, response] = [upload(), recorder()];
    endAfterDrain(request, response, ANSWER);
    assert.deepEqual(response.calls, ['connection: close', 'write no']);
    request.push(KILOBYTE);
    context.mock.timers.tick(1_999);
    assert.equal(response.calls.length, 2);
    context.mock.timers.tick(1);
    assert.equal(response.calls.at(-1), 'end');
    assert.equal(request.listenerCount('data'), 0);
  });

  it('ends as soon as more than 1 MB was thrown away', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const [request, response] = [upload(), recorder()];
    endAfterDrain(request, response, ANSWER);
    for (let count = 0; count < 1024; count += 1) request.push(KILOBYTE);
    await turn();
    assert.equal(response.calls.length, 2);
    request.push('x');
    await turn();
    assert.equal(response.calls.at(-1), 'end');
  });

  it('ends when the upload does, or when its client goes', async () => {
    for (const finish of [
      (/** @type {any} */ r) => r.push(null),
      (/** @type {any} */ r) => r.destroy(new Error('gone')),
    ]) {
      const [request, response] = [upload(), recorder()];
      endAfterDrain(request, response, ANSWER);
      finish(request);
      await turn();
      assert.deepEqual(response.calls, ['connection: close', 'write no', 'end']);
    }
  });

  it('ends likewise when a client of HTTP/1 names version 2.0', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const [request, response] = [Object.assign(upload(), { httpVersionMajor: 2 }), recorder()];
    endAfterDrain(request, response, ANSWER);
    assert.deepEqual(response.calls, ['connection: close', 'write no']);
    context.mock.timers.tick(2_000);
    assert.deepEqual(response.calls.slice(2), ['end']);
  });

  it('comes after the 100 Continue of its request behind another answer', async (context) => {
    const limiter = rateLimit({ limit: 0 });
    /** @type {import('node:http').ServerResponse | undefined} */
    let first;
    const { port } = await listen(context, (request, response) => {
      if (first === undefined) return void (first = response);
      limiter(request, response, () => response.end());
      first.end('first');
    });
    const socket = connect(port, '127.0.0.1');
    const expecting = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\nbody';
    socket.end(`GET / HTTP/1.1\r\nHost: a\r\n\r\n${expecting}`);
    const lines = (await text(socket)).split('\r\n').filter((line) => /^(HTTP|\{|first)/.test(line));
    assert.deepEqual(
      lines.map((line) => line.slice(0, 15)),
      ['HTTP/1.1 200 OK', 'firstHTTP/1.1 1', 'HTTP/1.1 429 To', '{"type":"https:'],
    );
  });

  it('ends at once without a body to wait for', () => {
    const [request, response] = [upload({}), recorder()];
    endAfterDrain(request, response, ANSWER);
    assert.deepEqual(response.calls, ['end no']);
  });

  it('keeps the connection of a request without a body', async (context) => {
    const limiter = rateLimit({ limit: 0 });
    const { port } = await listen(context, (request, response) => limiter(request, response, () => response.end()));
    const { status, headers } = await send(port, { headers: { connection: 'keep-alive' } });
    assert.deepEqual([status, headers.connection], [429, 'keep-alive']);
  });
});

describe("a refused upload that the app's own handler answers", () => {
  it('loses its connection after 2 s without an answer', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const request = upload();
    drainInBackground(request, recorder());
    context.mock.timers.tick(1_999);
    assert.equal(request.destroyed, false);
    context.mock.timers.tick(1);
    assert.equal(request.destroyed, true);
  });

  it('keeps its connection until an answer on its way is out', (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const [request, response] = [upload(), recorder()];
    drainInBackground(request, response);
    response.writableEnded = true;
    context.mock.timers.tick(2_000);
    assert.deepEqual([request.destroyed, request.isPaused()], [false, true]);
    response.emit('finish');
    assert.equal(request.destroyed, true);
  });

  it('keeps its connection when it ends within the bounds', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const request = upload();
    drainInBackground(request, recorder());
    request.push(KILOBYTE);
    request.push(null);
    await turn();
    context.mock.timers.tick(10_000);
    assert.equal(request.readableEnded, true);
  });
});
