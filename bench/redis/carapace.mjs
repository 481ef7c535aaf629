// The store as the limiter's middleware calls it: a key goes into the core, the decision comes back as a call.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const native = require('../../lib/loader.js');
const { findRedis } = require('../../lib/rate-limit/redis/access.js');
const { createDenyCache } = require('../../lib/rate-limit/redis/deny-cache.js');
const { readPolicies } = require('../../lib/rate-limit/policies.js');
const { readSettings } = require('../../lib/rate-limit/options.js');
const { Visit } = require('../../lib/rate-limit/visit.js');

/**
 * @param {object} store
 * @param {{ limit: number, windowMs: number, algorithm: string }} options
 */
export function openBackend(store, { limit, windowMs, algorithm }) {
  const settings = readSettings({ name: `bench ${algorithm} ${limit}`, limit, windowMs, algorithm });
  const policies = readPolicies(settings);
  policies.forEach((policy, index) => (policy.index = index));
  const access = findRedis(store);
  const denials = createDenyCache(settings, policies, 10_000, (visit) => visit.keys);
  const backend = access.open(policies, native.ClientRules.compile({}), {}, (visit, failure) => {
    if (failure !== undefined) {
      console.error('a hit failed:', failure);
      process.exit(1);
    }
    if (!visit.isAllowed) denials.remember(visit);
    visit.next(visit.isAllowed);
  });
  const asked = new Visit(undefined, undefined, undefined);
  return {
    hit(key, done) {
      const visit = new Visit(undefined, undefined, done);
      visit.keys = key;
      backend.hit(visit);
    },
    /** Whether a key is known as denied without asking Redis. */
    isDeniedHere(key) {
      asked.keys = key;
      return denials.answer(asked);
    },
    close: () => store.close(),
  };
}
