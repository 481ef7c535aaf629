'use strict';

const { createHmac, randomBytes } = require('node:crypto');
const { channel } = require('node:diagnostics_channel');

/**
 * @typedef {InstanceType<typeof import('./visit')['Visit']>} Visit
 * @typedef {ReturnType<typeof import('../events')['createReporter']>} Reporter
 */

// Events name a key without revealing it; the secret lives as long as the process.
const digestSecret = randomBytes(32);
const decisions = channel('carapace:decision');
const events = channel('carapace:rate-limit');

/** What is reported of an outcome: the event's type, or none, and the action. */
const OUTCOMES = {
  skipped: { type: undefined, action: 'skip' },
  counted: { type: 'rate-limit.denied', action: 'deny' },
  'allow-listed': { type: undefined, action: 'allow' },
  'deny-listed': { type: 'rate-limit.deny-listed', action: 'deny' },
  unavailable: { type: 'rate-limit.unavailable', action: 'deny' },
};

/**
 * Makes the function that tells about a visit: what was decided to `onDecision` and on the channel `carapace:decision`, and
 * what is amiss as an event. When nobody listens it costs two checks.
 * @param {import('./options').Settings} settings
 * @param {Reporter} report
 * @param {(visit: Visit, index: number) => string} keyText
 * @returns {(visit: Visit, isPassed: boolean) => void}
 */
function createDecisionReporter({ onDecision, onEvent, mode = 'enforce' }, report, keyText) {
  return function reportDecision(visit, isPassed) {
    const isHeard = onDecision !== undefined || decisions.hasSubscribers;
    const isEvent = !isPassed && (onEvent !== undefined || events.hasSubscribers);
    // The key costs a crossing.
    if (!isHeard && !isEvent) return;
    const { type, action } = OUTCOMES[visit.outcome ?? 'skipped'];
    const policy = visit.strictest?.policy;
    const key = policy && digest(keyText(visit, policy.index));
    if (isEvent && type) report({ type, policy: policy?.name, key, action, mode });
    if (!isHeard) return;
    const decision = describe(visit, {
      policy: policy?.name,
      key,
      mode,
      action: isPassed ? passAction(visit) : action,
    });
    if (decisions.hasSubscribers) decisions.publish(decision);
    if (onDecision !== undefined) deliver(onDecision, decision);
  };
}

/** @param {Visit} visit */
function passAction({ outcome, delayMs }) {
  if (outcome === 'skipped') return 'skip';
  return delayMs > 0 ? 'delay' : 'allow';
}

/**
 * @param {Visit} visit
 * @param {Record<string, unknown>} fields
 */
function describe({ strictest, decisions: all, delayMs, outcome }, fields) {
  const standings = all.map(({ policy: { name }, isAllowed, limit, used, remaining, resetAt }) => {
    return { name, isAllowed, limit, used, remaining, resetTime: new Date(resetAt) };
  });
  return {
    type: 'rate-limit.decision',
    stem: 'rate-limit',
    ...fields,
    outcome,
    isBlocked: strictest?.isBlocked ?? false,
    delayMs,
    policies: standings,
  };
}

/**
 * A listener that throws must not decide about a request.
 * @param {(decision: any) => void} listener
 * @param {unknown} decision
 */
function deliver(listener, decision) {
  try {
    listener(decision);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    process.emitWarning(`onDecision threw: ${reason}`, { type: 'CarapaceWarning', code: 'CARAPACE_LISTENER' });
  }
}

/** @param {string} key */
function digest(key) {
  return createHmac('sha256', digestSecret).update(key).digest('hex').slice(0, 16);
}

module.exports = { createDecisionReporter };
