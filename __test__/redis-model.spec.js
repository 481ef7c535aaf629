'use strict';

const assert = require('node:assert/strict');
const { EventEmitter } = require('node:events');
const { after, before, describe, it, mock } = require('node:test');
const Redis = require('ioredis');
const { rateLimit, redisStore } = require('..');
const { Random } = require('./helpers/random');
const { freshPrefix } = require('./helpers/redis-ways');
const { hasRedis, startRedis } = require('./helpers/redis/server');

const OPERATIONS = Number(process.env.CARAPACE_MODEL_OPERATIONS ?? 100_000);
const START = 1_900_000_000_000;

/** Limiters of every kind, each under a name of its own. */
const RULES = /** @type {any[]} */ ([
  ...['fixed-window', 'sliding-window', 'gcra'].flatMap((algorithm) => [
    { algorithm, limit: 5, windowMs: 1_000 },
    { algorithm, limit: 7, windowMs: 977, blockMs: 450 },
    { algorithm, limit: 1, windowMs: 10 },
    { algorithm, limit: 2 ** 31 - 1, windowMs: 31_536_000_000 / 8 },
    { algorithm, limit: 0, windowMs: 500 },
    { algorithm, limit: 6, windowMs: 700, skipFailedRequests: true },
  ]),
  { algorithm: 'gcra', limit: 3, burst: 11, windowMs: 1_001 },
  { algorithm: 'gcra', limit: 60, burst: 2, windowMs: 60_000 },
  {
    policies: [
      { name: 'a', algorithm: 'fixed-window', limit: 6, windowMs: 800 },
      { name: 'b', algorithm: 'gcra', limit: 9, windowMs: 3_000 },
      { name: 'c', algorithm: 'sliding-window', limit: 11, windowMs: 2_000, blockMs: 300 },
    ],
  },
]);

describe('what Redis decides', { skip: !hasRedis() && 'needs redis-server' }, () => {
  /** @type {Awaited<ReturnType<typeof startRedis>>} */
  let server;
  before(async () => {
    server = await startRedis();
  });
  after(() => server.stop());

  it(`equals what the table of the process decides, in ${OPERATIONS} random operations on a clock of the test's`, async (context) => {
    mock.timers.enable({ apis: ['Date'], now: START });
    context.after(() => mock.timers.reset());
    const client = new Redis(server.port, '127.0.0.1');
    context.after(() => client.disconnect());
    const pairs = await openPairs(context, client);
    const random = new Random(20_261_120);
    const startedAt = performance.now();
    let done = 0;
    let denied = 0;
    while (done < OPERATIONS) {
      mock.timers.tick(random.below(400));
      await client.mset('clock:s', Math.floor(Date.now() / 1_000), 'clock:us', (Date.now() % 1_000) * 1_000);
      const [count, refused] = random.below(4) > 0 ? await hitAll(pairs, random) : await changeOne(pairs, random);
      done += count;
      denied += refused;
    }
    context.diagnostic(
      `${done} operations, ${denied} of them denied, in ${Math.round(performance.now() - startedAt)} ms`,
    );
    assert.ok(denied > done / 50);
    assert.ok(denied < done * 0.9);
  });
});

/**
 * Each limiter twice: on Redis, with its clock replaced, and in the process.
 * @param {import('node:test').TestContext} context
 * @param {import('ioredis').Redis} client
 */
async function openPairs(context, client) {
  /** @type {Map<string, string>} */
  const texts = new Map();
  const { redisScripts } = /** @type {any} */ (require('../lib/loader'));
  for (const { sha1, text } of redisScripts()) {
    // Keys stay for longer in real time, in which this clock may stand still.
    const moved = text
      .replace("call('TIME')", "call('MGET', 'clock:s', 'clock:us')")
      .replace("'PX', ends - now)", "'PX', ends - now + 600000)")
      .replace("'PEXPIRE', key, lifetime)", "'PEXPIRE', key, lifetime + 600000)");
    assert.ok(moved.includes('clock:us') && moved.includes('600000'));
    texts.set(sha1, /** @type {string} */ (await client.script('LOAD', moved)));
  }
  const store = redisStore({
    sendCommand: (name, sha1, ...rest) => client.call(name, texts.get(sha1) ?? sha1, ...rest),
    prefix: freshPrefix(),
    timeoutMs: 10_000,
    onStoreFailure: 'closed',
    denyCache: false,
  });
  context.after(() => store.close());
  return RULES.map((rule, index) => {
    const options = {
      keyGenerator: (/** @type {any} */ request) => request.key,
      cost: (/** @type {any} */ request) => request.cost,
      handler: (/** @type {any} */ request) => request.deny(),
      ...(rule.policies ? {} : { name: `rule-${index}` }),
      ...rule,
    };
    if (rule.policies) {
      options.policies = rule.policies.map((/** @type {any} */ policy) => ({
        ...policy,
        name: `${policy.name}-${index}`,
      }));
    }
    return { rule, onRedis: rateLimit({ ...options, store }), inProcess: rateLimit(options) };
  });
}

/**
 * Hits of one moment, equal ones of each key, for those of a batch are counted together.
 * @param {Awaited<ReturnType<typeof openPairs>>} pairs
 * @param {Random} random
 */
async function hitAll(pairs, random) {
  /** @type {[any, any, unknown][]} */
  const asked = [];
  for (const { rule, onRedis, inProcess } of pairs) {
    for (const client of new Set([0, random.below(3), random.below(15)])) {
      const key = `client-${client}`;
      const cost = random.pick([1, 1, 1, 2, 3, 0, 8]);
      const times = random.pick([1, 1, 2, 5]);
      for (let time = 0; time < times; time += 1) {
        asked.push([ask(onRedis, key, cost), ask(inProcess, key, cost), { rule, key, cost, time }]);
      }
    }
  }
  let denied = 0;
  for (const [redis, table, what] of asked) {
    const [decision, expected] = [await redis, await table];
    assert.deepEqual(decision.facts, expected.facts, JSON.stringify(what));
    if (!decision.facts.isPassed) denied += 1;
    // A client that goes away is a failure, for which some of these limiters give back.
    if (random.chance(0.4)) for (const { response } of [decision, expected]) response.emit('close');
  }
  return [asked.length, denied];
}

/**
 * One of the methods, and where the key stands after it.
 * @param {Awaited<ReturnType<typeof openPairs>>} pairs
 * @param {Random} random
 */
async function changeOne(pairs, random) {
  const { rule, onRedis, inProcess } = pairs[random.below(pairs.length)];
  const key = `client-${random.below(6)}`;
  const amount = 1 + random.below(9);
  const changes = /** @type {((limiter: any) => unknown)[]} */ ([
    (limiter) => limiter.penalty(key, amount),
    (limiter) => limiter.reward(key, amount),
    (limiter) => limiter.reward(key, amount),
    (limiter) => limiter.block(key, amount * 40),
    (limiter) => limiter.block(key, 0),
    (limiter) => limiter.resetKey(key),
    () => undefined,
  ]);
  const change = changes[random.below(changes.length)];
  for (const limiter of [onRedis, inProcess]) await change(limiter);
  const [redis, table] = [await onRedis.getKey(key), await inProcess.getKey(key)].map((info) => info && plain(info));
  assert.deepEqual(redis, table, `${JSON.stringify(rule)} ${change}`);
  return [1, 0];
}

/**
 * @param {any} limiter
 * @param {string} key
 * @param {number} cost
 * @returns {Promise<{ response: EventEmitter, facts: Record<string, unknown> }>}
 */
function ask(limiter, key, cost) {
  return new Promise((resolve) => {
    const response = Object.assign(new EventEmitter(), { headersSent: true, writableFinished: false });
    const end = (/** @type {boolean} */ isPassed) => () =>
      resolve({ response, facts: { isPassed, ...plain(request.rateLimit) } });
    /** @type {any} */
    const request = { socket: {}, headers: {}, key, cost, deny: end(false) };
    limiter(request, response, end(true));
  });
}

/** @param {any} info */
function plain(info) {
  const policies = info.policies.map((/** @type {any} */ policy) => [
    policy.name,
    policy.limit,
    policy.used,
    policy.remaining,
    policy.resetTime.getTime(),
  ]);
  return { name: info.name, policies };
}
