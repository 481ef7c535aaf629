'use strict';

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { join } = require('node:path');
const { after, before, describe, it } = require('node:test');
const { Worker } = require('node:worker_threads');
const { hasRedis, startRedis } = require('./helpers/redis/server');
const { until } = require('./helpers/redis/until');
const native = require('../lib/loader');

const APP = join(__dirname, 'fixtures', 'redis-app.js');
const WAYS = ['ioredis', 'node-redis'];
if (/** @type {any} */ (native).RedisLine?.open !== undefined) WAYS.push('url');

describe('a process with a Redis store', { skip: !hasRedis() && 'needs redis-server' }, () => {
  /** @type {Awaited<ReturnType<typeof startRedis>>} */
  let server;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());

  /**
   * @param {string} way
   * @param {string} task
   */
  async function run(way, task) {
    const child = spawn(process.execPath, [APP, way, task, server.url], { stdio: ['ignore', 'pipe', 'pipe'] });
    const killer = setTimeout(() => child.kill('SIGKILL'), 20_000);
    let output = '';
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    const [code, signal] = await once(child, 'close');
    clearTimeout(killer);
    return { code, signal, output };
  }

  for (const way of WAYS) {
    it(`ends by itself when it is idle, over ${way}`, async () => {
      assert.deepEqual(await run(way, 'idle'), { code: 0, signal: null, output: 'passed\n' });
    });

    it(`does not end before its hits are decided, over ${way}`, async () => {
      assert.deepEqual(await run(way, 'pending'), { code: 0, signal: null, output: 'passed 500\n' });
    });

    it(`ends by itself while Redis is away, over ${way}`, async () => {
      assert.deepEqual(await run(way, 'away'), { code: 0, signal: null, output: 'passed\n' });
    });

    it(`has every answer when the store is closed, over ${way}`, async () => {
      assert.deepEqual(await run(way, 'close'), { code: 0, signal: null, output: 'passed 200, then passed\n' });
    });

    it(`does not lose the others of a batch when one of them throws, over ${way}`, async () => {
      const output = 'passed 1,2,3, caught 1\n';
      assert.deepEqual(await run(way, 'throwing'), { code: 0, signal: null, output });
    });

    it(`goes on when a worker ends in the middle, over ${way}`, async () => {
      const prefix = `workers-${way}:`;
      const workers = Array.from({ length: 3 }, () => new Worker(APP, { argv: [way, 'storm', server.url, prefix] }));
      await Promise.all(workers.map((worker) => once(worker, 'message')));
      const [first, second, third] = workers;
      await Promise.all([first.terminate(), second.terminate()]);
      const decided = async () => {
        third.postMessage('count');
        return (await once(third, 'message'))[0];
      };
      const before = await decided();
      await until(async () => (await decided()) > before, 'the third to go on');
      await third.terminate();
      assert.deepEqual(await run(way, 'idle'), { code: 0, signal: null, output: 'passed\n' });
    });
  }
});
