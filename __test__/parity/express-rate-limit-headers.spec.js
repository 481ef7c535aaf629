'use strict';

// The header fields of rateLimit() beside those of express-rate-limit itself, for one sequence of requests. What differs is
// listed in docs/migrating.md, and here.
const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { rateLimit: peer } = require('express-rate-limit');
const { rateLimit } = require('../..');
const { documentedDifferences } = require('../helpers/migrating');
const { EXPRESS, listen, send } = require('../helpers/servers');
const { stopClock } = require('../helpers/limited');

/** Every difference by its name in docs/migrating.md; those of header fields as what they make of the peer's fields. */
/** @type {Record<string, ((fields: Record<string, string>, headers: string) => void) | undefined>} */
const DIFFERENCES = {
  'default-limit': undefined,
  'default-algorithm': undefined,
  'default-fields': undefined,
  'option-names': undefined,
  'option-values': undefined,
  'policy-name': undefined,
  'partition-key': (fields) => {
    if (fields['ratelimit-policy']) fields['ratelimit-policy'] = fields['ratelimit-policy'].replace(/; pk=:[^:]+:/, '');
  },
  'retry-after': undefined,
  'denial-body': undefined,
  'several-limiters': undefined,
  'date-field': undefined,
  'key-canonical': undefined,
  'shared-store': undefined,
  'store-keys': undefined,
  'store-failure': undefined,
  'reset-time': undefined,
  'trust-all': undefined,
};

/** @param {Record<string, any>} headers */
function fieldsOf(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => /ratelimit|retry-after/.test(name)));
}

const TIMES = { limit: 3, windowMs: 90_500 };

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`header fields beside express-rate-limit on ${name}`, () => {
    /** @param {import('node:test').TestContext} context @param {any[]} limiters */
    async function serve(context, ...limiters) {
      const app = express();
      app.use(...limiters);
      app.use((/** @type {any} */ _request, /** @type {any} */ response) => response.end('in'));
      return (await listen(context, app)).port;
    }

    for (const headers of /** @type {const} */ (['draft-6', 'draft-7', 'draft-8', false])) {
      for (const legacyHeaders of [true, false]) {
        it(`are equal for ${headers}, ${legacyHeaders ? 'with' : 'without'} the older ones`, async (context) => {
          const tick = stopClock(context, 1_800_000_000_250);
          const theirs = await serve(
            context,
            peer({ ...TIMES, standardHeaders: headers, legacyHeaders, identifier: 'api' }),
          );
          const ours = await serve(
            context,
            rateLimit({ ...TIMES, algorithm: 'fixed-window', headers, legacyHeaders, name: 'api' }),
          );
          for (const wait of [0, 0, 10_000, 700, 30_000, 60_000]) {
            tick(wait);
            const [left, right] = [await send(theirs), await send(ours)];
            assert.equal(left.status, right.status);
            const expected = fieldsOf(left.headers);
            for (const adapt of Object.values(DIFFERENCES)) adapt?.(expected, String(headers));
            const found = fieldsOf(right.headers);
            if (!headers && !legacyHeaders) delete found['retry-after'];
            assert.deepEqual(found, expected);
          }
        });
      }
    }

    it('append to each other in draft-8', async (context) => {
      stopClock(context);
      const limits = [
        ['a', 5],
        ['b', 3],
      ];
      const theirs = await serve(
        context,
        ...limits.map(([identifier, limit]) =>
          peer({
            limit: Number(limit),
            standardHeaders: 'draft-8',
            legacyHeaders: false,
            identifier: String(identifier),
            validate: false,
          }),
        ),
      );
      const ours = await serve(
        context,
        ...limits.map(([id, limit]) =>
          rateLimit({ limit: Number(limit), algorithm: 'fixed-window', headers: 'draft-8', name: String(id) }),
        ),
      );
      const expected = fieldsOf((await send(theirs)).headers);
      expected['ratelimit-policy'] = expected['ratelimit-policy'].replaceAll(/; pk=:[^:]+:/g, '');
      assert.deepEqual(fieldsOf((await send(ours)).headers), expected);
    });

    it('are what the peer makes malformed: S-19', async (context) => {
      const port = await serve(
        context,
        peer({ limit: 1.5, standardHeaders: 'draft-8', identifier: 'a"b', validate: false }),
      );
      assert.match((await send(port)).headers['ratelimit-policy'], /^"a"b"; q=1\.5/);
      assert.throws(() => rateLimit({ limit: 1.5 }), { code: 'ERR_CARAPACE_OPTION_VALUE' });
      assert.throws(() => rateLimit({ limit: 1, name: 'a"b' }), { code: 'ERR_CARAPACE_OPTION_VALUE' });
    });
  });
}

describe('the differences from express-rate-limit', () => {
  it('are those that docs/migrating.md lists', () => {
    assert.deepEqual(documentedDifferences('express-rate-limit'), Object.keys(DIFFERENCES).sort());
  });
});
