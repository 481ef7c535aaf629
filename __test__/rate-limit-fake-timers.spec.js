'use strict';

// The process's table counts by `Date.now()`, so the fake timers of a user's tests move its windows.
const assert = require('node:assert/strict');
const { it } = require('node:test');
const { ModernFakeTimers } = require('@jest/fake-timers');
const { rateLimit } = require('..');
const { onEachExpress } = require('./helpers/limited');

/**
 * @typedef {{ tick: (ms: number) => void, set: (now: number) => void }} Clock
 * @typedef {(context: import('node:test').TestContext, now: number) => Clock} MakeClock
 */

/** Requests need the real timers; only the clock is faked. */
const REAL = /** @type {const} */ ([
  'hrtime',
  'nextTick',
  'performance',
  'queueMicrotask',
  'setImmediate',
  'clearImmediate',
  'setInterval',
  'clearInterval',
  'setTimeout',
  'clearTimeout',
]);

/** @type {Record<string, MakeClock>} */
const CLOCKS = {
  'node:test': ({ mock: { timers } }, now) => {
    timers.enable({ apis: ['Date'], now });
    return { tick: (ms) => timers.tick(ms), set: (time) => timers.setTime(time) };
  },
  jest: (context, now) => {
    const config = /** @type {any} */ ({ fakeTimers: {} });
    const timers = new ModernFakeTimers({ config, global: globalThis });
    timers.useFakeTimers(/** @type {any} */ ({ now, doNotFake: REAL }));
    context.after(() => timers.useRealTimers());
    return { tick: (ms) => timers.advanceTimersByTime(ms), set: (time) => timers.setSystemTime(time) };
  },
};

onEachExpress('the window of a limiter', ({ serve }) => {
  for (const [name, makeClock] of Object.entries(CLOCKS)) {
    it(`is moved by the fake timers of ${name}`, async (context) => {
      const { tick, set } = makeClock(context, 1_800_000_000_000);
      const block = { durationMs: 3_600_000 };
      for (const algorithm of /** @type {const} */ (['fixed-window', 'sliding-window', 'gcra'])) {
        const { statuses } = await serve(context, rateLimit({ limit: 2, windowMs: 60_000, algorithm }));
        assert.deepEqual(await statuses(3), [200, 200, 429], algorithm);
        tick(algorithm === 'gcra' ? 29_999 : 59_999);
        assert.deepEqual(await statuses(1), [429], algorithm);
        tick(60_001);
        assert.deepEqual(await statuses(1), [200], algorithm);
      }
      const { statuses } = await serve(context, rateLimit({ limit: 1, windowMs: 1_000, block }));
      assert.deepEqual(await statuses(2), [200, 429]);
      tick(3_599_999);
      assert.deepEqual(await statuses(1), [429]);
      set(1_900_000_000_000);
      assert.deepEqual(await statuses(1), [200]);
    });
  }
});
