'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const { send, sendJson } = require('./helpers/servers');

/**
 * Starts an example on a free port, as a user would.
 * @param {import('node:test').TestContext} context
 * @param {string} name
 * @returns {Promise<number>} the port it listens on
 */
function start(context, name) {
  const child = spawn(process.execPath, [join(__dirname, '..', 'examples', name)], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  context.after(() => child.kill('SIGKILL'));
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (/** @type {Buffer} */ chunk) => {
      output += chunk;
      const [, port] = /http:\/\/localhost:(\d+)/.exec(output) ?? [];
      if (port) resolve(Number(port));
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', () => reject(new Error(output)));
  });
}

/** @type {[name: string, framework: string, echo: string][]} */
const EXAMPLES = [
  ['hardened-app.js', 'Express', '/echo'],
  ['wrapped-app.js', 'Express, wrapped', '/echo'],
  ['plain-http.js', 'node:http', '/'],
  ['connect-app.js', 'Connect', '/echo'],
  ['nest-app.js', 'NestJS', '/echo'],
  ['fastify-app.js', 'Fastify', '/echo'],
];

describe('the examples', () => {
  for (const [name, framework, echo] of EXAMPLES) {
    it(`harden ${framework} (${name})`, async (context) => {
      const port = await start(context, name);
      const hello = await send(port);
      assert.deepEqual([hello.status, hello.headers['x-content-type-options']], [200, 'nosniff']);
      assert.equal(hello.headers['x-powered-by'], undefined);
      assert.match(hello.headers.ratelimit, /^"default";r=19;/);
      const echoed = await sendJson(port, '{"a":1,"$ne":1,"__proto__":{"b":2}}', { path: echo });
      assert.deepEqual(JSON.parse(echoed.body), { a: 1 });
      const malformed = await sendJson(port, '{"a":', { path: echo });
      assert.deepEqual([malformed.status, JSON.parse(malformed.body).code], [400, 'ERR_CARAPACE_BODY_MALFORMED']);
      const all = await Promise.all(Array.from({ length: 20 }, () => send(port)));
      const denied = all.filter(({ status }) => status === 429);
      assert.equal(denied.length, 3);
      assert.equal(denied[0].headers['x-content-type-options'], 'nosniff');
    });
  }

  it('clean queries for Fastify, and hide errors of Connect', async (context) => {
    const fastify = await start(context, 'fastify-app.js');
    assert.deepEqual(JSON.parse((await send(fastify, { path: '/query?a=1&a=2&$b=3' })).body), { a: '2' });
    const { status, body } = await send(await start(context, 'connect-app.js'), { path: '/fails' });
    assert.equal(status, 500);
    assert.ok(!body.includes('nobody'));
  });
});
