'use strict';

const { AsyncResource } = require('node:async_hooks');
const native = require('../../loader');
const { CarapaceError, configure } = require('../../errors');
const { createDecisionReader, readStandings } = require('../native-store');
const { toNative } = require('../policies');
const { LATER } = require('../visit');
const { nameOf } = require('./failures');
const { ANSWER, COUNTED_AT, POLICIES } = require('./line');

/**
 * @typedef {import('../policies').Policy} Policy
 * @typedef {InstanceType<typeof import('../visit')['Visit']>} Visit
 * @typedef {import('../visit').Keys} Keys
 * @typedef {import('../visit').Counts} Counts
 * @typedef {import('./line').Line} Line
 * @typedef {import('./line').Taker} Taker
 */

const ALLOW_LISTED = -1;
const [REFUND, PENALTY, REWARD, BLOCK, PEEK, RESET_KEY, RESET_ALL] = [1, 2, 3, 4, 5, 6, 7];

/**
 * The calls of one stage of a limiter.
 * @param {Line} line
 * @param {Policy[]} policies
 * @param {import('../../native/binding').ClientRules} rules
 * @param {{ allowList?: string[], denyList?: string[] }} lists
 * @param {(visit: Visit, failure: string | undefined) => void} done called once for each visit that was given `LATER`
 */
function createBackend(line, policies, rules, lists, done) {
  const limiter = configure('rateLimit', () =>
    /** @type {any} */ (native).createRedisLimiter(
      { ...lists, policies: policies.map((policy) => toNative(policy, true)) },
      rules,
      line.raw,
    ),
  );
  const { hit } = limiter;
  const readDecisions = createDecisionReader(policies);

  /** @type {Taker} */
  function take(visit, out, at) {
    const answer = out[at + ANSWER];
    if (answer >= 0) {
      visit.now = out[at + COUNTED_AT];
      visit.isAllowed = (answer & 1) === 1;
      readDecisions(visit, out, at + POLICIES, answer >> 2);
    }
    const failure = answer < 0 ? nameOf(answer) : undefined;
    const { watcher } = line;
    if (watcher !== undefined && failure !== watcher.refusal) watcher.note(failure);
    // In the context of the request, not in that of the batch: see AsyncLocalStorage.
    visit.scope.runInAsyncScope(done, undefined, visit, failure);
  }

  return {
    ...rareCalls(line, limiter, policies),
    listed: /** @type {(peer: string, forwarded: string) => number} */ (limiter.listed),
    /** @param {Visit} visit */
    hit(visit) {
      const ticket = hit(visit.keys, visit.forwarded, visit.costs, visit.limits);
      if (ticket < 0) {
        visit.outcome = ticket === ALLOW_LISTED ? 'allow-listed' : 'deny-listed';
        return undefined;
      }
      visit.scope = new AsyncResource('CarapaceRateLimit', { requireManualDestroy: true });
      line.wait(ticket, take, visit);
      return LATER;
    },
  };
}

/** @typedef {ReturnType<typeof createBackend>} Backend */

/**
 * The calls that no request waits for, each a promise.
 * @param {Line} line
 * @param {any} limiter
 * @param {Policy[]} policies
 */
function rareCalls(line, limiter, policies) {
  const lastLimits = () => policies.map(({ limitOf, lastLimit }) => (limitOf ? lastLimit : undefined));
  /**
   * @param {number} kind
   * @param {Keys} keys
   * @param {string} forwarded
   * @param {Counts} amounts
   * @param {number} hitMs
   * @param {Counts} [limits]
   * @param {(out: Float64Array, at: number) => any} [read]
   * @returns {Promise<any>}
   */
  const change = (kind, keys, forwarded, amounts, hitMs, limits = lastLimits(), read = (out, at) => out[at + ANSWER]) =>
    new Promise((resolve, reject) => {
      const ticket = limiter.change(kind, keys, forwarded, amounts, hitMs, limits);
      line.wait(ticket, takeChange, { resolve, reject, read });
    });

  return {
    /** @param {Visit} visit @param {Keys} keys @param {Counts} costs */
    refund: (visit, keys, costs) =>
      change(REFUND, keys, visit.forwarded, costs ?? 1, visit.now, visit.limits ?? lastLimits()),
    /** @param {Keys} keys @param {string} forwarded @param {Counts} points @param {Counts} [limits] */
    penalty: (keys, forwarded, points, limits) => change(PENALTY, keys, forwarded, points, 0, limits),
    /** @param {Keys} keys @param {number} points */
    reward: (keys, points) => change(REWARD, keys, '', points, 0),
    /** @param {Keys} keys @param {string} forwarded @param {number} durationMs */
    block: (keys, forwarded, durationMs) => change(BLOCK, keys, forwarded, durationMs, 0),
    /** @param {Keys} keys @param {string} forwarded */
    peek: (keys, forwarded) =>
      change(PEEK, keys, forwarded, 0, 0, undefined, (out, at) =>
        readStandings(policies, out, at + POLICIES, out[at + COUNTED_AT]),
      ),
    /** @param {Keys} keys @param {string} forwarded */
    resetKey: (keys, forwarded) => change(RESET_KEY, keys, forwarded, 0, 0),
    resetAll: () =>
      change(
        RESET_ALL,
        policies.map(() => ''),
        '',
        0,
        0,
      ),
  };
}

/** @type {Taker} */
function takeChange({ resolve, reject, read }, out, at) {
  const answer = out[at + ANSWER];
  if (answer < 0) return reject(unavailable(nameOf(answer)));
  resolve(read(out, at));
}

/**
 * The error of a call that Redis did not answer.
 * @param {string} failure its name
 */
function unavailable(failure) {
  return new CarapaceError('ERR_CARAPACE_STORE_UNAVAILABLE', `the store did not do it: ${failure}`, {
    status: 503,
    type: 'rate-limit.unavailable',
  });
}

module.exports = { createBackend, unavailable };
