'use strict';

const { deepEqual, equal } = require('node:assert/strict');
const { after } = require('node:test');
const { rateLimit: peerLimit } = require('express-rate-limit');
const { rateLimit: dropIn } = require('carapace/express-rate-limit');
const { rateLimit: native } = require('carapace');
const { settled } = require('./limited');
const { plainCommand } = require('./redis-store-cases');
const { startRedis } = require('./redis/server');

/**
 * @typedef {import('./parity').Case} Case
 * @typedef {import('./parity').Kit} Kit
 * @typedef {{ client: any, store: any, keys: () => Promise<any> }} Bench
 */

/** @type {Promise<{ server: any, client: any }> | undefined} */
let started;

/** One server for all cases, from the first one on. */
function redis() {
  started ??= (async () => {
    const server = await startRedis();
    const Redis = /** @type {any} */ (require('ioredis'));
    return { server, client: new (Redis.default ?? Redis)(server.port) };
  })();
  return started;
}

after(async () => {
  const { server, client } = (await started) ?? {};
  client?.disconnect();
  await server?.stop();
});

/** @param {string} part */
const withoutDigest = (part) => (/^[0-9a-f]{40}$/.test(part) ? 'sha' : part);

/**
 * An empty database and a store on it.
 * @param {Kit} kit
 * @param {{ windowMs?: number, prefix?: string, quiet?: boolean }} [options]
 * @returns {Promise<Bench>}
 */
async function bench(kit, { windowMs = 60_400, prefix, quiet = false } = {}) {
  const { client } = await redis();
  await client.flushall();
  const sendCommand = (/** @type {any[]} */ ...command) => {
    if (!quiet) kit.note('command', ...plainCommand(command).map(withoutDigest));
    return client.call(...command);
  };
  const store = new kit.lib.RedisStore(prefix === undefined ? { sendCommand } : { sendCommand, prefix });
  if (windowMs !== undefined) await store.init({ windowMs });
  return { client, store, keys: () => everything(client) };
}

/**
 * Everything that Redis holds, with the seconds that are left.
 * @param {any} client
 */
async function everything(client) {
  const names = (await client.keys('*')).sort();
  return Promise.all(
    names.map(async (/** @type {string} */ key) => {
      const type = await client.type(key);
      const value = type === 'string' ? await client.get(key) : type;
      const encoding = await client.object('ENCODING', key);
      return [key, type, encoding, value, Math.round((await client.pttl(key)) / 1000)];
    }),
  );
}

/** @param {{ totalHits: number, resetTime: Date } | undefined} count */
const rounded = (count) =>
  count && { totalHits: count.totalHits, seconds: Math.round((count.resetTime.getTime() - Date.now()) / 1000) };

/** What is done to a store or to its keys. */
const STEPS = {
  increment: (/** @type {Bench} */ { store }, key = 'a') => store.increment(key).then(rounded),
  get: (/** @type {Bench} */ { store }, key = 'a') => store.get(key).then(rounded),
  decrement: (/** @type {Bench} */ { store }, key = 'a') => store.decrement(key),
  resetKey: (/** @type {Bench} */ { store }, key = 'a') => store.resetKey(key),
  expire: (/** @type {Bench} */ { client }) => client.pexpire('rl:a', 0),
  flush: (/** @type {Bench} */ { client }) => client.script('FLUSH'),
  persist: (/** @type {Bench} */ { client }) => client.persist('rl:a'),
  list: (/** @type {Bench} */ { client }) => client.lpush('rl:a', 'x'),
  text: (/** @type {Bench} */ { client }) => client.set('rl:a', 'text', 'EX', 50),
  negative: (/** @type {Bench} */ { client }) => client.set('rl:a', '-3'),
  credit: (/** @type {Bench} */ { client }) => client.set('rl:a', '-3', 'EX', 50),
  huge: (/** @type {Bench} */ { client }) => client.set('rl:a', '9223372036854775807', 'EX', 50),
  old: (/** @type {Bench} */ { client }) => client.set('rl:a', '41', 'EX', 30),
};

/**
 * @param {string[]} steps such as `increment b`
 * @param {{ options?: any, quiet?: boolean, differs?: string, check?: Case['check'] }} [how]
 * @returns {Case}
 */
function sequence(steps, { options, quiet = false, differs, check } = {}) {
  return {
    name: `on Redis: ${steps.join(', ')}${options ? ` with ${JSON.stringify(options)}` : ''}`,
    differs,
    check,
    run: async (kit) => {
      const made = await bench(kit, { ...options, quiet });
      for (const step of steps) {
        const [name, key] = step.split(' ');
        const act = /** @type {any} */ (STEPS)[name];
        kit.note(step, await act(made, key).catch((/** @type {any} */ error) => scriptless(error)));
      }
      kit.note(await made.keys());
    },
  };
}

/** What Redis says of a failure, without the script that it names. @param {Error} error */
const scriptless = (error) => `${error.name}: ${error.message.split(/ script: | Error running|, on @/)[0]}`;

const times = (/** @type {number} */ count, /** @type {string} */ step) => Array(count).fill(step);

/** @returns {Case[]} */
const ofSequences = () => [
  sequence(['increment']),
  sequence(times(3, 'increment')),
  sequence(times(30, 'increment')),
  sequence(['increment', 'get']),
  sequence([...times(4, 'increment'), 'get', 'get b'].slice(0, 5)),
  sequence(['increment a', 'increment b', 'increment a', 'get a', 'get b']),
  sequence(['increment', 'resetKey', 'increment']),
  sequence(['resetKey']),
  sequence(['increment', 'flush', 'increment', 'flush', 'get']),
  sequence(['flush', 'increment']),
  sequence(['increment', 'persist', 'increment']),
  sequence(['negative', 'increment', 'increment']),
  sequence(['old', 'increment', 'get']),
  sequence(['old', 'get', 'resetKey', 'increment']),
  sequence(['list', 'increment']),
  sequence(['list', 'get']),
  sequence(['text', 'increment']),
  sequence(['huge', 'increment']),
  sequence(['increment', 'increment'], { options: { prefix: 'own:' } }),
  sequence(['increment', 'get'], { options: { prefix: '' } }),
  sequence(['increment 2001:db8::/56', 'increment 127.0.0.1']),
  ...[1_400, 900_400, 3_600_400, 86_400_400].map((windowMs) =>
    sequence(['increment', 'increment', 'get'], { options: { windowMs } }),
  ),
  sequence(['increment'], { options: { windowMs: 0 } }),
  sequence(['increment'], { options: { windowMs: -5 } }),
  sequence(['increment', 'expire', 'increment'], { options: { windowMs: 40 } }),
  // What differs on purpose
  sequence(['decrement'], {
    differs: 'refund-script',
    check: (theirs, ours) => {
      deepEqual(theirs.at(-1)[0][0].slice(3, 4), ['-1']);
      deepEqual(ours.at(-1), [[]]);
    },
  }),
  sequence(['increment', 'decrement', 'decrement', 'increment'], { quiet: true, differs: 'refund-script' }),
  sequence(['increment', 'expire', 'decrement'], {
    options: { windowMs: 40 },
    quiet: true,
    differs: 'refund-script',
    check: (_theirs, ours) => {
      deepEqual(ours.slice(-2), [['decrement', { undefined: true }], [[]]], 'no failure and no key is left (S-13)');
    },
  }),
  sequence(['increment', 'decrement', 'decrement'], {
    quiet: true,
    differs: 'refund-script',
    check: (theirs, ours) => {
      deepEqual(theirs.at(-1)[0][0].slice(3), ['-1', 60]);
      deepEqual(ours.at(-1)[0][0].slice(3), ['0', 60], 'no credit (S-13)');
    },
  }),
  sequence(['negative', 'decrement'], {
    quiet: true,
    differs: 'refund-script',
    check: (_theirs, ours) => {
      deepEqual(ours.at(-2), ['decrement', { undefined: true }]);
      deepEqual(ours.at(-1)[0][0].slice(3), ['-3', { number: '-0' }], 'a key without an end is left alone (S-13)');
    },
  }),
  sequence(['persist', 'increment', 'persist', 'decrement'], {
    quiet: true,
    differs: 'refund-script',
    check: (_theirs, ours) =>
      deepEqual(ours.at(-1)[0][0].slice(3, 4), ['1'], 'nor one that another took the end of (S-13)'),
  }),
  sequence(['credit', 'increment'], { quiet: true, differs: 'refund-script' }),
  sequence(['get'], {
    differs: 'no-nan',
    check: (_theirs, ours) => deepEqual(ours.at(-2), ['get', { undefined: true }]),
  }),
  // The same whichever command does it.
  sequence(['increment', 'increment', 'decrement', 'get'], { quiet: true }),
  sequence([...times(5, 'increment'), ...times(5, 'decrement'), 'get'], { quiet: true }),
  sequence([...times(2, 'increment'), 'decrement', 'increment', 'increment'], { quiet: true }),
  sequence(['increment', 'flush', 'decrement', 'get'], { quiet: true }),
  sequence(['old', 'decrement', 'get'], { quiet: true }),
];

const LIMITERS = { 'express-rate-limit': peerLimit, 'carapace/express-rate-limit': dropIn };
const MANY = [{}, {}, {}, {}];
const path = (/** @type {number} */ status) => ({ path: `/${status}` });
const byStatus = (/** @type {any} */ request, /** @type {any} */ response) =>
  response.status(Number(request.url.slice(1)) || 200).send('handled');

/**
 * A limiter with the store of the package under test, over HTTP.
 * @param {string} limiter
 * @param {any} options
 * @param {any[]} requests
 * @returns {Case}
 */
const served = (limiter, options, requests) => ({
  name: `${limiter} with ${JSON.stringify(options)} for ${JSON.stringify(requests)}`,
  run: async (kit) => {
    const isRefunding = options.skipFailedRequests || options.skipSuccessfulRequests;
    const { store, keys } = await bench(kit, { quiet: isRefunding, windowMs: undefined });
    const middleware = /** @type {any} */ (LIMITERS)[limiter]({
      windowMs: 60_400,
      legacyHeaders: false,
      ...options,
      store,
    });
    const see = (/** @type {any} */ request) => ({ ...request.rateLimit, resetTime: 'a time' });
    const request = await kit.serve((app) => app.use(middleware), { see, answer: byStatus });
    for (const one of requests) {
      await request(one);
      // A refund is under way when the answer is there.
      if (isRefunding) await settled();
    }
    kit.note(await keys());
    kit.note(rounded(await middleware.getKey('127.0.0.1')));
    await middleware.resetKey('127.0.0.1');
    kit.note(await keys());
  },
});

/** @returns {Case[]} */
const ofLimiters = () =>
  Object.keys(LIMITERS).flatMap((limiter) => [
    served(limiter, { limit: 2 }, MANY),
    served(limiter, { limit: 2, standardHeaders: 'draft-6' }, MANY),
    served(limiter, { limit: 2, standardHeaders: 'draft-7' }, MANY),
    served(limiter, { limit: 2, standardHeaders: 'draft-8' }, MANY),
    served(limiter, { limit: 2, message: { error: 'slow down' }, statusCode: 420 }, MANY),
    served(limiter, { limit: 2, passOnStoreError: true }, MANY),
    served(limiter, { limit: 2, skipSuccessfulRequests: true }, [
      path(200),
      path(200),
      path(401),
      path(401),
      path(401),
    ]),
    served(limiter, { limit: 2, skipFailedRequests: true }, [path(500), path(500), path(200), path(200), path(200)]),
  ]);

/** @returns {Case[]} */
const ofNative = () => [
  {
    name: 'rateLimit() of carapace with the store',
    run: async (kit) => {
      const { store, keys } = await bench(kit, { quiet: true, windowMs: undefined });
      const options = { limit: 2, windowMs: 60_400, algorithm: 'fixed-window', headers: false, store };
      const request = await kit.serve((app) => app.use(native(/** @type {any} */ (options))), {});
      for (const one of MANY) await request(one);
      equal((await keys()).length, 1);
      kit.note(await keys());
    },
  },
];

/** @returns {Case[]} what a real server is needed for */
const serverCases = () => [...ofSequences(), ...ofLimiters(), ...ofNative()];

module.exports = { serverCases };
