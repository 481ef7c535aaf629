// A process under load, as an app is: two limiters on one Redis store, so many requests a second, most of its CPU busy.
// It is told by messages what to do and tells at the end what it saw. `scripts/redis-faults.mjs` and others fork it.
import { createRequire } from 'node:module';
import { ask as send } from './requests.mjs';

const require = createRequire(import.meta.url);
// The core with a clock in it, which is to be loaded first; soaks run the shipped one.
const clocked = process.argv.includes('--clocked') ? require('../../__test__/helpers/hooked.js').native : undefined;
const { rateLimit, redisStore } = require('../../index.js');

const BOUND = 5;
const CLIENTS = 500;
const WINDOW_MS = 3_600_000;
/** How long after the last request an answer counts as lost. */
const PATIENCE_MS = 5_000;

const seen = { unhandled: 0, uncaught: 0, lastError: '' };
process.on('unhandledRejection', (error) => note('unhandled', error));
process.on('uncaughtException', (error) => note('uncaught', error));

function note(kind, error) {
  seen[kind] += 1;
  seen.lastError = String(error?.stack ?? error).slice(0, 500);
}

const wall = () => performance.timeOrigin + performance.now();

/**
 * @param {object} order
 * @param {object} order.store options of `redisStore`; with `ioredis` or `nodeRedis` in place of an address, a client of that kind
 * @param {number} order.perSecond
 * @param {number} [order.cpuShare] of one core, that the process keeps busy
 */
async function startLoad({ store: storeOptions, perSecond, cpuShare = 0 }) {
  const { options, leave } = await withClient(storeOptions);
  const store = redisStore(options);
  const common = {
    algorithm: 'fixed-window',
    windowMs: WINDOW_MS,
    headers: false,
    keyGenerator: (request) => request.client,
  };
  const load = rateLimit({ ...common, name: 'load', limit: 2 ** 31 - 1, store });
  const bound = rateLimit({ ...common, name: 'bound', limit: BOUND, store });
  const tally = createTally();

  /** One request through a middleware; how it went is noted. */
  function ask(middleware, client, settle) {
    const began = performance.now();
    let answers = 0;
    tally.sent += 1;
    send(middleware, client, (status) => {
      answers += 1;
      if (answers > 1) return void (tally.double += 1);
      tally.answered += 1;
      tally.time(performance.now() - began);
      settle(status);
    });
  }

  let turn = 0;
  function askLoad() {
    const client = `client-${(turn = (turn + 1) % CLIENTS)}`;
    ask(load, client, (status) => {
      if (status === 200) tally.counted += 1;
      else if (status === 429) tally.wronglyDenied += 1;
      else tally.failed(status);
    });
  }
  function askBound() {
    ask(bound, 'attacker', (status) => {
      if (status === 200) tally.admitted += 1;
      else if (status !== 429) tally.failedBound += 1;
    });
  }

  const pacer = startPacer({ perSecond, cpuShare, askLoad, askBound });
  return {
    tally,
    /** Stands still for so long, just when hits have been sent. @param {number} ms */
    stall(ms) {
      for (let count = 0; count < 10; count += 1) askLoad();
      // After the immediate in which they are sent.
      setImmediate(() => {
        const end = performance.now() + ms;
        while (performance.now() < end);
      });
    },
    async stop() {
      const busy = pacer.stop();
      const patience = performance.now() + PATIENCE_MS;
      while (tally.answered < tally.sent && performance.now() < patience) await pause(10);
      const [clockedHits, longestInCore, longestFromCall] = clocked?.testDecisionTimes() ?? [];
      const used = await usedOf(load);
      const status = store.status();
      await Promise.all([load.close(), bound.close()]);
      await store.close();
      leave?.();
      return {
        ...tally.report(),
        ...seen,
        clockedHits,
        longestInCore,
        longestFromCall,
        busy,
        used,
        state: status.state,
        circuit: status.circuit,
        lost: tally.sent - tally.answered,
      };
    },
  };
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** How soon a client of the user's connects again is its own affair: the same for both here. */
const RECONNECT_MS = 100;

async function withClient({ ioredis, nodeRedis, ...options }) {
  if (ioredis) {
    const { Redis, Cluster } = await import('ioredis');
    const retryStrategy = () => RECONNECT_MS;
    const client = Array.isArray(ioredis) ? new Cluster(ioredis) : new Redis({ ...ioredis, retryStrategy });
    client.on('error', () => {});
    return { options: { ...options, client }, leave: () => client.disconnect() };
  }
  if (nodeRedis) {
    const { createClient } = await import('redis');
    const client = createClient({ ...nodeRedis, socket: { reconnectStrategy: RECONNECT_MS } });
    client.on('error', () => {});
    client.connect().catch(() => {});
    return { options: { ...options, client }, leave: () => client.destroy() };
  }
  return { options };
}

/** The sum of what Redis counted for all clients; undefined when it cannot be asked. */
async function usedOf(limiter) {
  try {
    let used = 0;
    for (let index = 0; index < CLIENTS; index += 1) used += (await limiter.getKey(`client-${index}`))?.used ?? 0;
    return used;
  } catch (error) {
    seen.lastError ||= String(error);
    return undefined;
  }
}

function createTally() {
  let longest = 0;
  let failures = 0;
  /** Each millisecond in which decisions failed, and how many did. @type {{ at: number, count: number }[]} */
  const bad = [];
  const byStatus = {};
  const latencies = [];
  return {
    sent: 0,
    answered: 0,
    counted: 0,
    double: 0,
    wronglyDenied: 0,
    admitted: 0,
    failedBound: 0,
    time(took) {
      if (took > longest) longest = took;
      if (latencies.length < 200_000) latencies.push(took);
    },
    failed(status) {
      const at = Math.floor(wall());
      failures += 1;
      byStatus[status] = (byStatus[status] ?? 0) + 1;
      const last = bad.at(-1);
      if (last?.at === at) last.count += 1;
      else bad.push({ at, count: 1 });
    },
    report() {
      latencies.sort((left, right) => left - right);
      const { sent, answered, counted, double, wronglyDenied, admitted, failedBound } = this;
      const figures = { sent, answered, counted, double, wronglyDenied, admitted, failedBound, failures, byStatus };
      const p99 = latencies[Math.floor(latencies.length * 0.99)] ?? 0;
      return { ...figures, longest, p99, bad };
    },
  };
}

/** Sends what is due each millisecond, and keeps the thread busy until it uses its share of a core. */
function startPacer({ perSecond, cpuShare, askLoad, askBound }) {
  const start = performance.now();
  const cpuStart = process.cpuUsage();
  let cpuBefore = process.cpuUsage();
  let checked = start;
  let spinMs = cpuShare;
  let sent = 0;
  let isStopped = false;
  const most = Math.ceil(perSecond / 20);
  let from = start;
  const tick = () => {
    const now = performance.now();
    if (isStopped) return void setTimeout(tick, 5).unref();
    // After a long stop of the whole process the hits of that time are not made up for.
    let due = Math.floor(((now - from) / 1000) * perSecond) - sent;
    if (due > most) {
      from = now;
      sent = 0;
      due = 1;
    }
    for (; due > 0; due -= 1, sent += 1) askLoad();
    if (sent % 50 === 0) askBound();
    while (performance.now() - now < spinMs);
    if (cpuShare && now - checked > 100) {
      const { user, system } = process.cpuUsage(cpuBefore);
      const share = (user + system) / 1000 / (now - checked);
      spinMs = Math.max(0, Math.min(5, spinMs + (cpuShare - share) * 0.5));
      cpuBefore = process.cpuUsage();
      checked = now;
    }
    setTimeout(tick, 1);
  };
  tick();
  return {
    stop() {
      isStopped = true;
      const { user, system } = process.cpuUsage(cpuStart);
      return (user + system) / 1000 / (performance.now() - start);
    },
  };
}

let running;
process.on('message', async ({ start, stop, look, stallMs }) => {
  try {
    if (start) {
      running = await startLoad(start);
      process.send({ started: true });
    }
    if (stallMs) running.stall(stallMs);
    if (look) process.send({ looked: { counted: running.tally.counted, memory: process.memoryUsage() } });
    if (stop) {
      process.send({ report: await running.stop() }, () => process.disconnect());
    }
  } catch (error) {
    process.send({ error: String(error?.stack ?? error) });
  }
});
