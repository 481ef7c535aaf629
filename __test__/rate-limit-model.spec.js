'use strict';

// Fixed windows through the middleware, in the process's table and in a store written for express-rate-limit, against a
// naive model: hits, answers that give their hit back, resets, and a clock that goes on. `npm run test:model` runs a
// million operations of each; the core's own tests check every algorithm in every store of the core likewise.
const assert = require('node:assert/strict');
const { EventEmitter } = require('node:events');
const { describe, it } = require('node:test');
const { MemoryStore } = require('express-rate-limit');
const { rateLimit } = require('..');
const { Random } = require('./helpers/random');

const OPERATIONS = Number(process.env.CARAPACE_MODEL_OPERATIONS ?? 30_000);
const START = 1_800_000_000_000;
const WINDOW_MS = 1_000;
const LIMIT = 5;
const KEYS = ['192.0.2.1', '192.0.2.2', '2001:db8::1', '2001:db8:0:100::1'];

/** @typedef {{ key: string, at: number, end: number, response: EventEmitter }} Hit */

/** What is known of each key: when its window has begun, and the hits in it. */
class Model {
  constructor() {
    /** @type {Map<string, { start: number, used: number }>} */
    this.windows = new Map();
  }

  /** @param {string} key @param {number} now */
  at(key, now) {
    const window = this.windows.get(key);
    return window !== undefined && now < window.start + WINDOW_MS ? window : undefined;
  }

  /** @param {string} key @param {number} now */
  hit(key, now) {
    const window = this.at(key, now) ?? { start: now, used: 0 };
    window.used += 1;
    this.windows.set(key, window);
    return window;
  }

  /**
   * The table of the process knows to which window a hit belongs; a store that only counts, how long that lasts.
   * @param {Hit} hit @param {number} now @param {boolean} isForeign
   */
  refund({ key, at, end }, now, isForeign) {
    let window = this.at(key, now);
    if (isForeign && now < end && window === undefined) this.windows.set(key, (window = { start: now, used: 0 }));
    const isDue = isForeign ? now < end : window !== undefined && at >= window.start;
    if (window !== undefined && isDue) window.used = Math.max(0, window.used - 1);
  }
}

const STORES = /** @type {[string, boolean, () => any][]} */ ([
  ['the table of the process', false, () => undefined],
  ["express-rate-limit's memory store", true, () => new MemoryStore()],
]);

describe('rateLimit', () => {
  for (const [name, isForeign, makeStore] of STORES) {
    it(`counts fixed windows in ${name} as the naive model does`, async (context) => {
      context.mock.timers.enable({ apis: ['Date', 'setInterval'], now: START });
      const model = new Model();
      const limiter = rateLimit({
        limit: LIMIT,
        windowMs: WINDOW_MS,
        algorithm: 'fixed-window',
        skipFailedRequests: true,
        mode: 'report',
        headers: false,
        client: { ipv6Prefix: 128 },
        store: makeStore(),
      });
      const random = new Random(20_261_120);
      /** @type {Hit[]} */
      let open = [];
      let denied = 0;
      let refunded = 0;
      for (let step = 0; step < OPERATIONS; step += 1) {
        const key = random.pick(KEYS);
        const now = Date.now();
        const kind = random.below(100);
        const where = `step ${step}`;
        if (kind < 60) {
          const { info, response } = await request(limiter, key);
          const { used, start } = model.hit(key, now);
          denied += used > LIMIT ? 1 : 0;
          const expected = { used, remaining: Math.max(0, LIMIT - used), end: start + WINDOW_MS };
          const { remaining, resetTime } = info;
          assert.deepEqual({ used: info.used, remaining, end: resetTime.getTime() }, expected, where);
          open.push({ key, at: now, end: start + WINDOW_MS, response });
        } else if (kind < 80 && open.length > 0) {
          const [hit] = open.splice(random.below(open.length), 1);
          const hasFailed = random.chance(0.5);
          await finish(hit.response, hasFailed ? 500 : 200);
          if (hasFailed) model.refund(hit, now, isForeign);
          refunded += hasFailed ? 1 : 0;
        } else if (kind < 82) {
          await limiter.resetKey(key);
          model.windows.delete(key);
        } else if (kind < 90) {
          const known = await limiter.getKey(key);
          // A key whose hits were all given back may be forgotten, or stay with none.
          assert.equal(known?.used ?? 0, model.at(key, now)?.used ?? 0, where);
        } else {
          context.mock.timers.tick(random.pick([1, 7, 60, 250, WINDOW_MS - 1, WINDOW_MS, 2_500]));
        }
        if (open.length > 50) open = open.slice(25);
      }
      limiter.close();
      assert.ok(denied > OPERATIONS / 50 && refunded > OPERATIONS / 50, `${denied} denied, ${refunded} given back`);
    });
  }
});

/**
 * One request, up to where a handler would run.
 * @param {any} limiter
 * @param {string} remoteAddress
 * @returns {Promise<{ info: any, response: EventEmitter }>}
 */
function request(limiter, remoteAddress) {
  const response = Object.assign(new EventEmitter(), { headersSent: true, writableFinished: true, statusCode: 200 });
  const made = { headers: {}, socket: { remoteAddress } };
  return new Promise((resolve, reject) => {
    limiter(made, response, (/** @type {unknown} */ error) =>
      error === undefined ? resolve({ info: /** @type {any} */ (made).rateLimit, response }) : reject(error),
    );
  });
}

/**
 * @param {any} response
 * @param {number} statusCode
 */
async function finish(response, statusCode) {
  response.statusCode = statusCode;
  response.emit('finish');
  // The store's promises.
  for (let turn = 0; turn < 4; turn += 1) await undefined;
}
