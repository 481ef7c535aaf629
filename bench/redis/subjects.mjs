// Who is measured. Each subject: `hit(key, done)` counts one hit and calls back once with whether it was allowed.
import { createRequire } from 'node:module';
import flexible from 'rate-limiter-flexible';
import { Redis } from 'ioredis';
import { createClient } from 'redis';
import { RedisStore } from 'rate-limit-redis';
import { createTwin } from './twin.mjs';

const require = createRequire(import.meta.url);

export const LIMIT = 2 ** 31 - 1;
export const WINDOW_MS = 600_000;

/** Those that the budgets compare with. */
export const PEERS = [
  'rate-limit-redis, ioredis',
  'rate-limit-redis, ioredis auto-pipelining',
  'rate-limit-redis, node-redis',
  'rate-limiter-flexible, ioredis',
];
export const TWIN = 'plain JS by hand, batched';
export const CARAPACE = 'carapace';
/** With the algorithm of the packages, a fixed window; this one with its own default. */
export const CARAPACE_SLIDING = 'carapace, sliding window';
export const CARAPACE_IOREDIS = 'carapace over ioredis';

/**
 * @param {number} port
 * @returns {Promise<{ subjects: Record<string, (key: string, done: (allowed: boolean) => void) => void>, close: () => Promise<void> }>}
 */
export async function openSubjects(port) {
  const clients = [
    new Redis({ port, lazyConnect: true }),
    new Redis({ port, lazyConnect: true, enableAutoPipelining: true }),
    new Redis({ port, lazyConnect: true }),
    new Redis({ port, lazyConnect: true }),
  ];
  await Promise.all(clients.map((client) => client.connect()));
  const [plain, pipelining, forFlexible, forCarapace] = clients;
  const nodeRedis = createClient({ url: `redis://127.0.0.1:${port}` });
  await nodeRedis.connect();
  const twin = await createTwin(port, LIMIT, WINDOW_MS);
  const own = await openCarapace({ url: `redis://127.0.0.1:${port}` });
  const sliding = await openCarapace({ url: `redis://127.0.0.1:${port}` }, { algorithm: 'sliding-window' });
  const overIoredis = await openCarapace({ client: forCarapace });
  const subjects = {
    [PEERS[0]]: await rateLimitRedis('a:', (...words) => plain.call(...words)),
    [PEERS[1]]: await rateLimitRedis('b:', (...words) => pipelining.call(...words)),
    [PEERS[2]]: await rateLimitRedis('c:', (...words) => nodeRedis.sendCommand(words)),
    [PEERS[3]]: rateLimiterFlexible(forFlexible),
    [TWIN]: twin.hit,
    [CARAPACE]: own.hit,
    [CARAPACE_SLIDING]: sliding.hit,
    [CARAPACE_IOREDIS]: overIoredis.hit,
  };
  const close = async () => {
    for (const client of clients) client.disconnect();
    nodeRedis.destroy();
    twin.close();
    for (const backend of [own, sliding, overIoredis]) await backend.close();
  };
  return { subjects, close };
}

async function rateLimitRedis(prefix, sendCommand) {
  const store = new RedisStore({ prefix, sendCommand });
  await store.init({ windowMs: WINDOW_MS });
  return (key, done) => {
    store.increment(key).then(({ totalHits }) => done(totalHits <= LIMIT), fail);
  };
}

function rateLimiterFlexible(storeClient) {
  const limiter = new flexible.RateLimiterRedis({
    storeClient,
    points: LIMIT,
    duration: WINDOW_MS / 1000,
    keyPrefix: 'd',
  });
  return (key, done) => {
    limiter.consume(key).then(() => done(true), fail);
  };
}

function fail(error) {
  console.error('a hit failed:', error);
  process.exit(1);
}

/**
 * The store as the limiter's middleware calls it, without the middleware around it: the key goes into the core and the
 * decision's numbers come out.
 * @param {object} connection options of `redisStore`
 * @param {{ limit?: number, timeoutMs?: number, algorithm?: string }} [options]
 */
export async function openCarapace(connection, { limit = LIMIT, timeoutMs = 10_000, algorithm = 'fixed-window' } = {}) {
  const { redisStore } = require('../../index.js');
  const { openBackend } = await import('./carapace.mjs');
  return openBackend(redisStore({ ...connection, timeoutMs }), { limit, windowMs: WINDOW_MS, algorithm });
}
