// Loads: so many hits in flight, or so many a second; and what one cost the main thread, the process and Redis.
import { readFileSync } from 'node:fs';
import { quantile } from '../harness.mjs';

/** CPU time of this thread in nanoseconds; of the whole process where the system does not tell. */
const mainThreadNs = (() => {
  if (typeof process.threadCpuUsage === 'function') {
    return () => {
      const { user, system } = process.threadCpuUsage();
      return (user + system) * 1000;
    };
  }
  const file = `/proc/self/task/${process.pid}/schedstat`;
  try {
    readFileSync(file, 'latin1');
    return () => Number(readFileSync(file, 'latin1').split(' ')[0]);
  } catch {
    return processNs;
  }
})();

function processNs() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

/**
 * Runs one subject under one load.
 * @param {(key: string, done: (allowed: boolean) => void) => void} hit
 * @param {{ inFlight?: number, perSecond?: number }} load
 * @param {{ keys: string[], forMs: number, redisCpu: () => Promise<number> }} options redisCpu: microseconds that Redis used so far
 */
export async function measure(hit, { inFlight, perSecond }, { keys, forMs, redisCpu }) {
  await run(hit, { inFlight, perSecond }, keys, Math.min(60, forMs / 4));
  const redisBefore = await redisCpu();
  const mainBefore = mainThreadNs();
  const processBefore = processNs();
  const { hits, elapsedMs, latencies } = await run(hit, { inFlight, perSecond }, keys, forMs);
  const main = mainThreadNs() - mainBefore;
  const whole = processNs() - processBefore;
  const redis = (await redisCpu()) - redisBefore;
  return {
    perSecond: (hits / elapsedMs) * 1000,
    mainUs: main / 1000 / hits,
    processUs: whole / 1000 / hits,
    redisUs: redis / hits,
    p50: quantile(latencies, 0.5) * 1000,
    p99: quantile(latencies, 0.99) * 1000,
  };
}

const run = (hit, { inFlight, perSecond }, keys, forMs) =>
  inFlight ? runInFlight(hit, inFlight, keys, forMs) : runPaced(hit, perSecond, keys, forMs);

/** Each answer starts the next hit, until the time is over; resolves when the last answer is there. */
function runInFlight(hit, inFlight, keys, forMs) {
  return new Promise((resolve) => {
    const latencies = [];
    const start = performance.now();
    const end = start + forMs;
    let turn = 0;
    let live = 0;
    const next = () => {
      const began = performance.now();
      live += 1;
      hit(keys[(turn = (turn + 1) % keys.length)], () => {
        const now = performance.now();
        latencies.push(now - began);
        live -= 1;
        if (now < end) next();
        else if (live === 0) resolve({ hits: latencies.length, elapsedMs: now - start, latencies });
      });
    };
    for (let count = 0; count < inFlight; count += 1) next();
  });
}

/**
 * Every millisecond the hits that are due, measured from when they were due. Who cannot keep up has 20,000 in flight and
 * gets no more until some are answered: its rate is below the load's.
 */
function runPaced(hit, perSecond, keys, forMs) {
  return new Promise((resolve) => {
    const latencies = [];
    const start = performance.now();
    const end = start + forMs;
    let sent = 0;
    let turn = 0;
    let isOver = false;
    const finish = () => {
      if (isOver && latencies.length === sent) {
        resolve({ hits: sent, elapsedMs: performance.now() - start, latencies });
      }
    };
    const tick = () => {
      const now = Math.min(performance.now(), end);
      const due = Math.floor(((now - start) / 1000) * perSecond);
      for (; sent < due && sent - latencies.length < 20_000; sent += 1) {
        const dueAt = start + (sent / perSecond) * 1000;
        hit(keys[(turn = (turn + 1) % keys.length)], () => {
          latencies.push(performance.now() - dueAt);
          finish();
        });
      }
      isOver = now >= end;
      if (isOver) finish();
      else setTimeout(tick, 1);
    };
    tick();
  });
}
