'use strict';

const { keyAt } = require('../visit');

/**
 * @typedef {import('../policies').Policy} Policy
 * @typedef {InstanceType<typeof import('../visit')['Visit']>} Visit
 * @typedef {InstanceType<typeof import('../visit')['Decision']>} Decision
 * @typedef {{ until: number, lead: number, decisions: Decision[], strictest: Decision }} Denial `lead` is how far the
 *   server's clock is ahead of ours
 */

// For so long another instance's reset goes unnoticed.
const MAX_MS = 1_000;

/**
 * Remembers denials, so that an attack costs Redis nothing: until it may try again a key is denied whatever comes, at the
 * same cost and limit. There is no such cache for a limiter that takes hits back or holds them back, nor for one whose cost
 * or limit depends on the request.
 * @param {import('../options').Settings} settings
 * @param {Policy[]} policies
 * @param {number} maxKeys 0 for no cache
 * @param {(visit: Visit, index: number) => string} keyText
 */
function createDenyCache(settings, policies, maxKeys, keyText) {
  const { skipSuccessfulRequests, skipFailedRequests, adjust, delay, onOutcome } = settings;
  if (maxKeys === 0 || skipSuccessfulRequests || skipFailedRequests || adjust || delay || onOutcome) return undefined;
  if (policies.some(({ costOf, limitOf }) => costOf || limitOf)) return undefined;
  const [{ keyOf }] = policies;
  const isOneKey = policies.every((policy) => policy.keyOf === keyOf);
  const { denials, find, put } = createDenials(maxKeys);

  /** @param {Visit} visit @param {number} index */
  const keyOfPolicy = (visit, index) => `${index}\n${keyText(visit, index)}`;

  /**
   * The denial under any of the policies, each of which has keys of its own.
   * @param {Visit} visit
   */
  function findAny(visit) {
    for (const { index } of policies) {
      if (keyAt(visit.keys, index) === undefined) continue;
      const denial = find(keyOfPolicy(visit, index));
      if (denial !== undefined) return denial;
    }
    return undefined;
  }

  return {
    /**
     * Decides a visit if that needs no question.
     * @param {Visit} visit
     */
    answer(visit) {
      if (denials.size === 0) return false;
      const denial = isOneKey ? find(keyText(visit, 0)) : findAny(visit);
      if (denial === undefined) return false;
      visit.outcome = 'counted';
      visit.isAllowed = false;
      visit.now = Math.floor(performance.now() + denial.lead);
      visit.decisions = denial.decisions;
      visit.strictest = denial.strictest;
      return true;
    },
    /**
     * @param {Visit} visit denied by Redis
     */
    remember(visit) {
      const { decisions, now } = visit;
      const strictest = /** @type {Decision} */ (visit.strictest);
      const clock = performance.now();
      for (const decision of decisions) {
        if (decision.isAllowed) continue;
        const until = clock + Math.min(decision.resetAt - now, MAX_MS);
        const lead = now - clock;
        if (isOneKey) return put(keyText(visit, 0), { until, lead, decisions, strictest });
        put(keyOfPolicy(visit, decision.policy.index), { until, lead, decisions: [decision], strictest: decision });
      }
    },
    clear: () => denials.clear(),
  };
}

/**
 * Denials by key, the newest `maxKeys` of them.
 * @param {number} maxKeys
 */
function createDenials(maxKeys) {
  /** Oldest first. @type {Map<string, Denial>} */
  const denials = new Map();
  return {
    denials,
    /** @param {string} key @param {Denial} denial */
    put(key, denial) {
      denials.delete(key);
      if (denials.size >= maxKeys) denials.delete(/** @type {string} */ (denials.keys().next().value));
      denials.set(key, denial);
    },
    /** @param {string} key */
    find(key) {
      const denial = denials.get(key);
      if (denial === undefined || performance.now() < denial.until) return denial;
      denials.delete(key);
      return undefined;
    },
  };
}

module.exports = { createDenyCache };
