'use strict';

const { mock } = require('node:test');
const theirs = require('rate-limit-redis');
const ours = require('carapace/rate-limit-redis');
const { hasRedis } = require('../helpers/redis/server');
const { protocolCases } = require('../helpers/redis-store-cases');
const { serverCases } = require('../helpers/redis-server-cases');
const { parity } = require('../helpers/parity');

// Node warns of its own clock once, which must not fall into a case.
mock.timers.enable({ apis: ['Date'] });
mock.timers.reset();

/** Another copy of the drop-in with one member done otherwise. */
const variant = (/** @type {any} */ members) => {
  const path = require.resolve('carapace/rate-limit-redis');
  delete require.cache[path];
  const copy = require(path);
  Object.assign(copy.RedisStore.prototype, members);
  return copy;
};
const store = ours.RedisStore.prototype;

const mutants = {
  'has another prefix': variant({ prefixKey: (/** @type {string} */ key) => `rlx:${key}` }),
  'tries everything again': variant({
    /** @this {any} @param {string} key */
    async retryableIncrement(key) {
      const again = () => store.retryableIncrement.call(this, key);
      return again().catch(again);
    },
  }),
  'resets nothing': variant({ resetKey: async () => {} }),
  'counts one more': variant({
    /** @this {any} @param {string} key */
    async increment(key) {
      const { totalHits, resetTime } = await store.increment.call(this, key);
      return { totalHits: totalHits + 1, resetTime };
    },
  }),
  'loads no script at the start': variant({
    /** @this {any} @param {{ windowMs: number }} options */
    async init({ windowMs }) {
      this.windowMs = windowMs;
    },
  }),
};

parity('carapace/rate-limit-redis', {
  theirs,
  ours,
  cases: [...protocolCases(), ...(hasRedis() ? serverCases() : [])],
  mutants,
});
