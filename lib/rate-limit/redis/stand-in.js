'use strict';

const { countAt, keyAt } = require('../visit');
const { createKnownKeys } = require('./known-keys');

/**
 * @typedef {import('../policies').Policy} Policy
 * @typedef {import('../native-store').Store} Store
 * @typedef {InstanceType<typeof import('../visit')['Visit']>} Visit
 * @typedef {InstanceType<typeof import('../visit')['Decision']>} Decision
 */

/**
 * Counts while Redis is away: in a table in memory, at this instance's share of each limit. It is warm: what Redis last said
 * of a key is remembered, and put into the table when the key comes, so that nobody begins anew with an outage.
 * @param {Policy[]} policies
 * @param {number} instances
 * @param {(policies: Policy[]) => Store} openLocal
 */
function createStandIn(policies, instances, openLocal) {
  const shares = policies.map((policy) => shareOf(policy, instances));
  const local = openLocal(shares);
  const known = createKnownKeys(Math.max(...policies.map(({ windowMs }) => windowMs)));

  /**
   * Puts what Redis said of the visit's keys into the table, as far as that knows less.
   * @param {Visit} visit
   */
  function warmUp(visit) {
    const standing = known.take(visit);
    if (standing === undefined) return;
    const { decisions, lead } = standing;
    const present = /** @type {Decision[]} */ (local.peek(visit.keys, visit.forwarded));
    for (const decision of decisions) {
      const { index } = decision.policy;
      const keys = policies.map((_, at) => (at === index ? keyAt(visit.keys, index) : undefined));
      const now = Date.now();
      const end = decision.resetAt - lead;
      if (end <= now) continue;
      const before = present.find(({ policy }) => policy.index === index);
      if (decision.isBlocked) {
        local.block(keys, visit.forwarded, end - now);
        continue;
      }
      const points = usedOf(decision, countAt(visit.limits, index), instances) - (before?.used ?? 0);
      if (points <= 0) continue;
      const at = before === undefined ? Math.min(now, startOf(decision, end, standing.at)) : now;
      local.penalty(keys, visit.forwarded, points, visit.limits, at);
    }
  }

  return {
    local,
    note: known.note,
    forget: known.forget,
    forgetAll: known.forgetAll,
    /** @param {Visit} visit */
    hit(visit) {
      if (instances > 1 && visit.limits !== undefined) visit.limits = shareOfLimits(visit.limits, instances);
      warmUp(visit);
      local.hit(visit, goOnAtOnce);
    },
  };
}

/** A table in memory does not call back. */
function goOnAtOnce() {}

/**
 * The policy as one of several instances keeps it.
 * @param {Policy} policy
 * @param {number} instances
 * @returns {Policy}
 */
function shareOf(policy, instances) {
  if (instances === 1) return policy;
  const { limit, burst } = policy;
  // What `limitOf` said last is still read from the policy itself.
  return Object.assign(Object.create(policy), {
    limit: limit && Math.ceil(limit / instances),
    burst: burst && Math.ceil(burst / instances),
  });
}

/**
 * @param {import('../visit').Counts} limits
 * @param {number} instances
 */
function shareOfLimits(limits, instances) {
  /** @param {number | undefined} limit */
  const share = (limit) => limit && Math.ceil(limit / instances);
  return Array.isArray(limits) ? limits.map(share) : share(/** @type {number} */ (limits));
}

/**
 * How much of this instance's share a key has used that has used so much of the whole.
 * @param {Decision} decision
 * @param {number | undefined} limit of this instance, when it depends on the request
 * @param {number} instances
 */
function usedOf({ used, limit: whole }, limit, instances) {
  const share = limit ?? Math.ceil(whole / instances);
  return whole === 0 ? 0 : Math.min(Math.ceil((used * share) / whole), 2 ** 31 - 1);
}

/**
 * When what Redis knows of the key began, on our clock, so that it ends here when it ends there.
 * @param {Decision} decision
 * @param {number} end when the whole limit is back, or, denied, when it may try again
 * @param {number} at when Redis said so
 */
function startOf({ policy: { algorithm, windowMs }, isAllowed, limit }, end, at) {
  if (algorithm === 'fixed-window') return end - windowMs;
  if (algorithm === 'gcra') return at;
  if (isAllowed) return Math.min(at, end - 2 * windowMs);
  // A full window is below its limit again when it has lost the weight of one hit.
  return Math.min(at, Math.floor(end - windowMs - windowMs / Math.max(1, limit)));
}

module.exports = { createStandIn };
