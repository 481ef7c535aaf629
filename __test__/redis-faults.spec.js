'use strict';

// The quick ones of the faults that `npm run test:faults` measures: under load no decision is lost or wrong, nor later than a
// machine that is busy with other tests makes it.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { hasRedis } = require('./helpers/redis/server');

const skip = hasRedis() ? false : 'redis-server is missing';

describe('limiters under load keep their promises when Redis fails (S-15, S-17)', { skip }, async () => {
  const { FAULTS } = await import('../scripts/redis/faults.mjs');
  const { runFault } = await import('../scripts/redis/run-fault.mjs');
  for (const fault of FAULTS.filter(({ isQuick }) => isQuick)) {
    it(fault.name, async () => {
      const generous = { timeoutMs: 500, slackMs: 250 };
      const options = { perSecond: 1_000, cpuShare: 0, beforeMs: 300, afterMs: 1_500, ...generous };
      const { broken } = await runFault(fault, options);
      assert.deepEqual(broken, []);
    });
  }
});
