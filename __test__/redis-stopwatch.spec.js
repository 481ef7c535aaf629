'use strict';

// The clock in the core that `npm run test:faults` goes by.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { native } = require('./helpers/hooked');
const { rateLimit, redisStore } = require('..');
const { hasRedis, startRedis } = require('./helpers/redis/server');
const { freshPrefix } = require('./helpers/redis-ways');

const TIMEOUT_MS = 500;
const skip = !hasRedis() && 'needs redis-server';

it('hits are timed in the core until their answers are ready, late ones too', { skip }, async (context) => {
  const server = await startRedis();
  context.after(() => server.stop());
  const options = { timeoutMs: TIMEOUT_MS, connectTimeoutMs: 10_000, onStoreFailure: /** @type {const} */ ('closed') };
  const store = redisStore({ url: server.url, prefix: freshPrefix(), ...options });
  context.after(() => store.close());
  const limiter = /** @type {any} */ (rateLimit({ limit: 1_000, store }));

  /** How long a hit took for its caller, what became of it, and what the core has seen until then. */
  async function hit() {
    const request = { socket: { remoteAddress: '192.0.2.1' }, headers: {} };
    const began = performance.now();
    const error = await new Promise((resolve) => limiter(request, { headersSent: true }, resolve));
    const took = performance.now() - began;
    const [count, longest, longestFromCall] = /** @type {any} */ (native).testDecisionTimes();
    return { took, status: error?.status, count, longest, longestFromCall };
  }

  await limiter.getKey('192.0.2.1');
  const first = await hit();
  assert.deepEqual([first.count, first.status], [1, undefined], 'and getKey is none');
  assert.ok(first.longest > 0 && first.longest <= first.longestFromCall, JSON.stringify(first));
  assert.ok(first.longestFromCall <= first.took, JSON.stringify(first));

  server.pause();
  const second = await hit();
  assert.deepEqual([second.count, second.status], [2, 503]);
  assert.ok(second.longest >= TIMEOUT_MS && second.longest <= second.took, JSON.stringify(second));
});
