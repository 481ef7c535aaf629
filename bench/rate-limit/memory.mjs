// What a million keys take, each store in a process of its own: `node --expose-gc memory.mjs <store>` says it as JSON.
import { MemoryStore } from 'express-rate-limit';
import flexible from 'rate-limiter-flexible';
import native from '../../lib/loader.js';
import { LIMIT, MILLION, WINDOW_MS, address } from './settings.mjs';
import { mapStore } from './stores.mjs';

const MEMORY = {
  'express-rate-limit': async () => {
    const store = new MemoryStore();
    store.init({ windowMs: WINDOW_MS * 60 });
    for (let index = 0; index < MILLION; index += 1) await store.increment(address(index));
    return store;
  },
  'rate-limiter-flexible': async () => {
    const limiter = new flexible.RateLimiterMemory({ points: LIMIT, duration: 3_600 });
    for (let index = 0; index < MILLION; index += 1) await limiter.consume(address(index));
    return limiter;
  },
  'a Map': async () => {
    const hit = mapStore();
    for (let index = 0; index < MILLION; index += 1) hit(address(index), 0);
    return hit;
  },
  carapace: async () => {
    const limiter = native.createRateLimiter(
      { policies: [{ limit: LIMIT, windowMs: WINDOW_MS * 60 }], maxKeys: MILLION },
      native.ClientRules.compile({}),
    );
    const now = Date.now();
    for (let index = 0; index < MILLION; index += 1) limiter.hit(address(index), '', now);
    return limiter;
  },
};

async function measureMemory(name) {
  globalThis.gc();
  const before = process.memoryUsage().rss;
  const kept = await MEMORY[name]();
  globalThis.gc();
  globalThis.gc();
  console.log(JSON.stringify({ bytes: process.memoryUsage().rss - before, kept: typeof kept }));
  process.exit(0);
}

await measureMemory(process.argv[2]);
