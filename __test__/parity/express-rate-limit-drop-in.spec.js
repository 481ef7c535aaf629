'use strict';

const { mock } = require('node:test');
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
