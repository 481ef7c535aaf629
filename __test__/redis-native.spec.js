'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const native = require('../lib/loader');
const { hasRedis, startRedis } = require('./helpers/redis/server');

const root = join(__dirname, '..');

/** Runs a script in a process of its own, and gives what it printed. */
function run(script) {
  const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', cwd: root });
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout);
}

describe('the core of the Redis store', () => {
  it('has the scripts for every client, each under its digest', () => {
    const { createHash } = require('node:crypto');
    const scripts = native.redisScripts();
    assert.deepEqual(
      scripts.map(({ name }) => name),
      ['hit', 'change'],
    );
    for (const { text, sha1 } of scripts) assert.equal(createHash('sha1').update(text).digest('hex'), sha1);
  });

  it('knows its failures by the names that JavaScript has', () => {
    const { FAILURE } = require('../lib/rate-limit/redis/failures');
    native.redisFailures().forEach((name, index) => assert.equal(FAILURE[name], -(index + 1), name));
  });

  it('refuses what it cannot use, by path and without showing it', () => {
    const open = (input) => native.RedisLine.open({ nodes: [{ host: 'h' }], ...input }, () => {});
    for (const [input, path] of [
      [{ nodes: [] }, 'nodes'],
      [{ nodes: [{ host: 'h', port: 70_000 }] }, 'nodes[0].port'],
      [{ kind: 'sentinel' }, 'sentinelName'],
      [{ timeoutMs: Number.NaN, password: 'hunter2' }, 'timeoutMs'],
      [{ tls: { ca: 'no PEM' } }, 'tls.ca'],
      [{ prefix: '{' }, 'prefix'],
    ]) {
      assert.throws(
        () => open(input),
        (error) => error.message.startsWith(`${path}\n`) && !/hunter2/.test(error.message),
      );
    }
  });

  it('survives replies that no script gives', () => {
    const line = native.RedisLine.manual({});
    const { drain } = line.calls();
    const rules = native.ClientRules.compile({});
    const { hit } = native.createRedisLimiter({ policies: [{ name: 'p', limit: 5 }] }, rules, line);
    const now = Date.now();
    const numberOf = (batch) => Number(batch.args.at(-1));
    for (const reply of [
      () => [],
      () => [now],
      () => [Number.NaN, Infinity, -1],
      (batch) => [now, numberOf(batch) + 1, 0],
      (batch) => [now, numberOf(batch), 0, 0],
      (batch) => [now, numberOf(batch), (now + 5) * 8 + 1, 3, 0],
      (batch) => [now, numberOf(batch), 2 ** 53, 2 ** 53, 2 ** 53],
      (batch) => [now, numberOf(batch), 0.5],
    ]) {
      const ticket = hit('192.0.2.1', '');
      const batch = line.take();
      line.settle(batch.id, Float64Array.from(reply(batch)));
      line.settle(batch.id, Float64Array.of(1));
      line.fail(99_999, -1);
      assert.equal(drain(), 1);
      assert.deepEqual([...drain.out.slice(0, 4)], [ticket, -11, 0, 0]);
    }
  });
});

describe('the thread of the Redis store', { skip: process.platform !== 'linux' && 'reads /proc' }, () => {
  const THREADS = `
    const { readdirSync, readFileSync } = require('node:fs');
    const count = () => readdirSync('/proc/self/task')
      .filter((task) => readFileSync('/proc/self/task/' + task + '/comm', 'utf8').startsWith('carapace-redis')).length;
    const { rateLimit, redisStore } = require('./index.js');`;

  it('does not run before there is a store that is used', () => {
    const counts = run(`${THREADS}
      rateLimit({ limit: 5 });
      const store = redisStore({ url: 'redis://127.0.0.1:1' });
      const before = count();
      rateLimit({ limit: 5, store });
      setTimeout(() => console.log(JSON.stringify([before, count()])), 50);`);
    assert.deepEqual(counts, [0, 1]);
  });

  it(
    'is one, however many stores and workers there are',
    { skip: !hasRedis() && 'needs redis-server' },
    async (context) => {
      const server = await startRedis();
      context.after(() => server.stop());
      const counts = run(`${THREADS}
      const { Worker } = require('node:worker_threads');
      const url = ${JSON.stringify(server.url)};
      for (let index = 0; index < 3; index += 1) {
        rateLimit({ limit: 5, name: 'p' + index, store: redisStore({ url, db: index }) });
      }
      const script = "const { rateLimit, redisStore } = require('./index.js');" +
        "rateLimit({ limit: 5, store: redisStore({ url: '" + url + "' }) });" +
        "require('node:worker_threads').parentPort.postMessage('ready'); setInterval(() => {}, 1000)";
      const workers = [1, 2, 3].map(() => new Worker(script, { eval: true }));
      Promise.all(workers.map((worker) => new Promise((done) => worker.once('message', done))))
        .then(async () => {
          const during = count();
          await Promise.all(workers.map((worker) => worker.terminate()));
          console.log(JSON.stringify([during, count()]));
        });`);
      assert.deepEqual(counts, [1, 1]);
    },
  );
});
