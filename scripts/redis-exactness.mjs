// Whether counts are exact: four processes with 16 clients each send a million hits to one key and to 10,000, on one server and
// on a cluster; what Redis holds at the end, and what each request was told, must add up. And a thousand at once on a limit of 5.
// `npm run test:exact -- 100000` sends fewer; `--via ioredis` goes over such a client.
import { fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { ask } from './redis/requests.mjs';

const require = createRequire(import.meta.url);
const PROCESSES = 4;
const CLIENTS = 16;
const WINDOW_MS = 3_600_000;
const ALGORITHMS = ['fixed-window', 'sliding-window', 'gcra'];

async function main() {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { via: { type: 'string' } } });
  const hits = Number(positionals[0] ?? 1_000_000);
  const { startRedis } = require('../__test__/helpers/redis/server.js');
  const { startCluster } = require('../__test__/helpers/redis/cluster.js');
  const server = await startRedis();
  const cluster = await startCluster();
  const places = {
    standalone: values.via === 'ioredis' ? { ioredis: { port: server.port } } : { url: server.url },
    cluster:
      values.via === 'ioredis'
        ? { ioredis: cluster.nodes.map(({ port }) => ({ host: '127.0.0.1', port })) }
        : { urls: cluster.urls, cluster: true },
  };
  try {
    for (const [place, store] of Object.entries(places)) {
      for (const keys of [1, 10_000]) await countAll(place, store, keys, hits);
      for (const algorithm of ALGORITHMS) await limitFive(place, store, algorithm);
    }
  } finally {
    await Promise.all([server.stop(), cluster.stop()]);
  }
}

async function countAll(place, store, keys, hits) {
  const each = hits / PROCESSES;
  const limiter = { algorithm: 'fixed-window', name: `count-${keys}`, limit: 2 ** 31 - 1 };
  const start = performance.now();
  const told = await runWorkers({ store, limiter, keys, hits: each });
  const seconds = (performance.now() - start) / 1000;
  const held = await runWorkers({ store, limiter, keys, read: true }, 1);
  const perKey = hits / keys;
  const facts = {
    admitted: [told.admitted, hits],
    refused: [told.refused, 0],
    'held by Redis': [held.used, hits],
    // Each hit of a key was told another number from 1 up: their sum is known.
    'sum of what each was told': [told.used, (keys * perKey * (perKey + 1)) / 2],
  };
  conclude(
    `${place}, ${hits} hits on ${keys} keys in ${seconds.toFixed(1)} s (${Math.round(hits / seconds)} a second)`,
    facts,
  );
}

async function limitFive(place, store, algorithm) {
  const limiter = { algorithm, name: `five-${algorithm}`, limit: 5 };
  const { admitted, refused } = await runWorkers({ store, limiter, keys: 1, hits: 1_000 / PROCESSES, atOnce: true });
  conclude(`${place}, 1000 at once, limit 5, ${algorithm}`, { admitted: [admitted, 5], refused: [refused, 995] });
}

function conclude(title, facts) {
  const wrong = Object.entries(facts).filter(([, [value, expected]]) => value !== expected);
  console.log(`${wrong.length === 0 ? 'exact' : 'WRONG'}: ${title}`);
  for (const [what, [value, expected]] of wrong) console.log(`  ${what}: ${value}, expected ${expected}`);
  if (wrong.length > 0) process.exitCode = 1;
}

/** Runs workers until each has said what it saw, and adds that up. All begin when all are ready. */
async function runWorkers(order, count = PROCESSES) {
  const workers = Array.from({ length: count }, () => fork(fileURLToPath(import.meta.url), ['--worker']));
  const answer = (worker) =>
    new Promise((resolve, reject) => {
      worker.once('message', (message) => (message.error ? reject(new Error(message.error)) : resolve(message)));
      worker.once('exit', (code) => reject(new Error(`a worker ended with ${code}`)));
    });
  const ask = (message) =>
    Promise.all(
      workers.map((worker) => {
        const answered = answer(worker);
        worker.send(message);
        return answered;
      }),
    );
  try {
    await ask(order);
    const reports = await ask({ go: true });
    const sum = (field) => reports.reduce((total, report) => total + report[field], 0);
    return { admitted: sum('admitted'), refused: sum('refused'), used: sum('used') };
  } finally {
    for (const worker of workers) worker.kill();
  }
}

// In a worker.

async function work() {
  let order;
  let limiter;
  process.on('message', async (message) => {
    try {
      if (message.go) process.send(await (order.read ? read(limiter, order) : send(limiter, order)));
      else {
        order = message;
        limiter = await open(order);
        process.send({ ready: true });
      }
    } catch (error) {
      process.send({ error: error.stack });
    }
  });
}

async function open({ store, limiter }) {
  const { rateLimit, redisStore } = require('../index.js');
  const { ioredis, ...options } = store;
  if (ioredis) {
    const { Cluster, Redis } = await import('ioredis');
    options.client = Array.isArray(ioredis) ? new Cluster(ioredis) : new Redis(ioredis);
  }
  const middleware = rateLimit({
    ...limiter,
    windowMs: WINDOW_MS,
    headers: false,
    keyGenerator: (request) => request.client,
    store: redisStore({ ...options, timeoutMs: 10_000, onStoreFailure: 'closed', denyCache: false }),
  });
  await until(() => one(middleware, 'somebody else').then(({ status }) => status === 200));
  return middleware;
}

async function until(holds) {
  for (let count = 0; count < 500 && !(await holds()); count += 1) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

const one = (middleware, client) =>
  new Promise((resolve) => ask(middleware, client, (status, request) => resolve({ status, request })));

function send(middleware, { keys, hits, atOnce }) {
  return new Promise((resolve) => {
    let sent = 0;
    let answered = 0;
    const tally = { admitted: 0, refused: 0, used: 0 };
    const next = () => {
      if (sent === hits) return;
      const client = `client-${sent % keys}`;
      sent += 1;
      ask(middleware, client, (status, request) => {
        if (status === 200) {
          tally.admitted += 1;
          tally.used += request.rateLimit.used;
        } else if (status === 429 || !atOnce) tally.refused += 1;
        else tally.refused = NaN;
        answered += 1;
        if (answered === hits) resolve(tally);
        // The stack of an answer that comes at once would grow with the hits.
        else setImmediate(next);
      });
    };
    for (let count = 0; count < (atOnce ? hits : CLIENTS); count += 1) next();
  });
}

async function read(middleware, { keys }) {
  const tally = { admitted: 0, refused: 0, used: 0 };
  for (let from = 0; from < keys; from += 500) {
    const clients = Array.from({ length: Math.min(500, keys - from) }, (_, index) => `client-${from + index}`);
    const infos = await Promise.all(clients.map((client) => middleware.getKey(client)));
    for (const info of infos) tally.used += info?.used ?? 0;
  }
  return tally;
}

await (process.argv.includes('--worker') ? work() : main());
