'use strict';

const assert = require('node:assert/strict');
const { EventEmitter } = require('node:events');
const { describe, it } = require('node:test');
const { native } = require('./helpers/hooked');
const { rateLimit } = require('..');

/** A response that can be told to end. */
class FakeResponse extends EventEmitter {
  statusCode = 200;
  headersSent = false;
  writableFinished = true;
  setHeader() {}
  getHeader() {}
  hasHeader() {
    return false;
  }
  end() {}
}

const request = () =>
  /** @type {any} */ ({
    headers: {},
    method: 'GET',
    url: '/',
    socket: { remoteAddress: '192.0.2.1' },
    readableEnded: true,
  });

/**
 * @param {any} limiter
 * @param {any} [incoming]
 * @returns {{ crossings: number, isPassed: boolean, response: any }}
 */
function pass(limiter, incoming = request()) {
  const response = /** @type {any} */ (new FakeResponse());
  let isPassed = false;
  const before = native.testCrossings();
  limiter(incoming, response, () => {
    isPassed = true;
  });
  return { crossings: native.testCrossings() - before, isPassed, response };
}

const policies = [
  { name: 'a', limit: 100 },
  { name: 'b', limit: 50, windowMs: 1_000, cost: 2 },
];

describe('a decision in the same tick', () => {
  /** @type {[what: string, options: any, crossings: number][]} */
  const CASES = [
    ['by default', { limit: 100 }, 1],
    ['with every field', { limit: 100, legacyHeaders: true }, 1],
    ['with cost and limit of functions', { limit: () => 100, cost: () => 2 }, 1],
    ['with a key generator', { limit: 100, keyGenerator: () => 'a' }, 1],
    ['with several policies', { policies }, 1],
    ['with keys of their own', { policies: [...policies, { name: 'c', limit: 9, keyGenerator: () => 'x' }] }, 1],
    ['with lists of addresses', { limit: 100, allowList: ['10.0.0.0/8'], denyList: ['10.6.6.6'] }, 1],
    ['with lists beside a key generator', { limit: 100, keyGenerator: () => 'a', denyList: ['10.6.6.6'] }, 2],
    ['for a client that is not counted', { limit: 100, allowList: ['192.0.2.0/24'] }, 1],
    ['for a request that is skipped', { limit: 100, skip: () => true }, 0],
    ['for a path that is not limited', { limit: 100, paths: '/login' }, 0],
    ['with a partition key', { limit: 100, secret: 'x'.repeat(16) }, 2],
  ];
  for (const [what, options, crossings] of CASES) {
    it(`crosses ${crossings} times ${what}`, () => {
      const limiter = rateLimit(options);
      pass(limiter);
      const result = pass(limiter);
      assert.deepEqual([result.isPassed, result.crossings], [true, crossings]);
    });
  }

  it('crosses once for a denial', () => {
    assert.deepEqual([pass(rateLimit({ limit: 0 })).crossings, pass(rateLimit({ limit: 0 })).isPassed], [1, false]);
  });

  it('crosses once more for a refund, after the response', () => {
    const limiter = rateLimit({ limit: 5, skipSuccessfulRequests: true });
    const { crossings, isPassed, response } = pass(limiter);
    assert.deepEqual([crossings, isPassed], [1, true]);
    const before = native.testCrossings();
    response.emit('finish');
    response.emit('close');
    assert.equal(native.testCrossings() - before, 1);
    assert.equal(response.listenerCount('finish') + response.listenerCount('close'), 0);
  });

  it('crosses once more for the key, when somebody reads it', () => {
    const limiter = rateLimit({ limit: 5 });
    const incoming = request();
    pass(limiter, incoming);
    const before = native.testCrossings();
    assert.equal(incoming.rateLimit.used, 1);
    assert.equal(native.testCrossings() - before, 0);
    assert.equal(incoming.rateLimit.key, '192.0.2.1');
    assert.equal(incoming.rateLimit.policies[0].remaining, 4);
  });

  it('comes later only when a function of the user gives a promise', async () => {
    for (const options of [
      { skip: async () => false },
      { limit: async () => 5 },
      { keyGenerator: async () => 'a' },
      { cost: async () => 1 },
    ]) {
      const limiter = rateLimit(/** @type {any} */ ({ limit: 5, ...options }));
      const response = /** @type {any} */ (new FakeResponse());
      let isPassed = false;
      const passed = new Promise((resolve) =>
        limiter(request(), response, () => {
          isPassed = true;
          resolve(undefined);
        }),
      );
      assert.equal(isPassed, false);
      await passed;
    }
  });

  it('throws on what next throws, and refuses nothing for it', () => {
    const limiter = rateLimit({ limit: 5 });
    const fails = () => {
      throw new Error('downstream');
    };
    assert.throws(() => limiter(request(), /** @type {any} */ (new FakeResponse()), fails), { message: 'downstream' });
  });
});

describe('functions that fail side by side', () => {
  it('refuse the request once, and end no process', async () => {
    const fails = async () => {
      throw new Error('late');
    };
    const limiter = rateLimit({
      limit: fails,
      keyGenerator: fails,
      cost() {
        throw new Error('early');
      },
    });
    /** @type {any} */
    const response = new FakeResponse();
    let ends = 0;
    response.end = () => (ends += 1);
    limiter(request(), response, () => assert.fail('passed'));
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([ends, response.statusCode], [1, 500]);
  });
});
