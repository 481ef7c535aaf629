'use strict';

const assert = require('node:assert/strict');
const { describe, it, mock } = require('node:test');
const theirs = require('express-rate-limit');
const ours = require('carapace/express-rate-limit');
const { limiterCases } = require('../helpers/limiter-cases');
const { parity } = require('../helpers/parity');

// Node warns of its own clock once, which must not fall into a case.
mock.timers.enable({ apis: ['Date'] });
mock.timers.reset();

/** The drop-in with other options or one thing done otherwise. */
const variant = (change, statics = {}) => {
  const rateLimit = (options = {}) => ours(change(options));
  return Object.assign(rateLimit, ours, { default: rateLimit, rateLimit, ...statics });
};
const same = (options) => options;

const mutants = {
  'never denies': variant((options) => ({ ...options, handler: (_request, _response, next) => next() })),
  'logs nothing': variant((options) => ({ ...options, validate: false })),
  'counts one more': variant((options) => ({
    ...options,
    limit: typeof options.limit === 'number' ? options.limit - 1 : options.limit,
  })),
  'refunds nothing': variant((options) => ({ ...options, skipSuccessfulRequests: false })),
  'has another key': variant(same, { ipKeyGenerator: (ip) => ours.ipKeyGenerator(ip, 64) }),
  'resets nothing': variant(same, {
    MemoryStore: class MemoryStore extends ours.MemoryStore {
      async resetKey() {}
    },
  }),
};

parity('carapace/express-rate-limit', { theirs, ours, cases: limiterCases(), mutants });

describe('carapace/express-rate-limit', () => {
  const request = (ip) => ({ ip, headers: {}, app: { get: () => false } });
  const response = () => ({ headersSent: false, setHeader() {}, status() {}, send() {}, once() {} });

  /** How many of the requests pass. */
  async function passed(limiter, requests) {
    let count = 0;
    await Promise.all(requests.map((one) => limiter(one, response(), (error) => (count += error ? NaN : 1))));
    return count;
  }

  it('lets the limit through and no more, of 1,000 requests at once (S-16)', async () => {
    const requests = Array.from({ length: 1_000 }, () => request('192.0.2.1'));
    assert.equal(await passed(ours({ limit: 5 }), requests), 5);
    assert.equal(
      await passed(
        ours({ limit: async () => 5 }),
        requests.map(() => request('192.0.2.2')),
      ),
      5,
    );
  });

  it('knows nothing of a client that never came (S-14)', async () => {
    assert.equal(await ours().getKey('nobody'), undefined);
  });

  it('keeps clients over their limit while a million others come (S-20)', async () => {
    const limiters = [2, () => 2].map((limit) => ours({ limit, windowMs: 3_600_000, validate: false }));
    for (const limiter of limiters) {
      const counts = [];
      for (let turn = 0; turn < 4; turn += 1) counts.push(await passed(limiter, [request('192.0.2.9')]));
      assert.deepEqual(counts, [1, 1, 0, 0]);
    }
    // All limiters share the table of the process.
    const others = new ours.MemoryStore({ windowMs() {} });
    others.init({ windowMs: 3_600_000, limit: 100 });
    for (let count = 0; count < 1_100_000; count += 1) void others.increment(`${count}`);
    const known = await Promise.all(Array.from({ length: 5_000 }, (_, count) => others.get(`${count}`)));
    assert.ok(known.includes(undefined), 'the table is full');
    for (const limiter of limiters) {
      assert.equal((await limiter.getKey('192.0.2.9')).totalHits, 4);
      assert.equal(await passed(limiter, [request('192.0.2.9')]), 0);
    }
  });
});
