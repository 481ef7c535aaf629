'use strict';

const { isThenable, toCount } = require('./inputs');
const { countAt, isCounted, keyAt } = require('./visit');

/**
 * @typedef {InstanceType<typeof import('./visit')['Visit']>} Visit
 * @typedef {import('./policies').Policy} Policy
 */

/**
 * Makes the function that watches how a response ends and corrects what was counted, or nothing when nothing is to be
 * corrected. A correction is one crossing.
 * @param {import('./options').Settings} settings
 * @param {Policy[]} policies
 * @param {(cause: unknown) => void} onError
 * @returns {((visit: Visit) => void) | undefined}
 */
function createWatcher(settings, policies, onError) {
  const { skipSuccessfulRequests, skipFailedRequests, adjust, onOutcome } = settings;
  const { requestWasSuccessful = wasSuccessful } = settings;
  const isJudged = skipSuccessfulRequests || skipFailedRequests || onOutcome;
  if (!isJudged && !adjust) return undefined;

  return function watch(visit) {
    const { response } = visit;
    let isOver = false;
    /** @param {boolean} isComplete */
    const end = (isComplete) => {
      if (isOver) return;
      isOver = true;
      response.off('finish', onFinish).off('close', onClose);
      correct(visit, isComplete);
    };
    const onFinish = () => end(true);
    const onClose = () => end(response.writableFinished);
    response.on('finish', onFinish).on('close', onClose);
  };

  /**
   * @param {Visit} visit
   * @param {boolean} isComplete whether the answer went out whole
   */
  function correct(visit, isComplete) {
    const { request, response } = visit;
    try {
      // A request whose client went away has failed, whatever status was meant for it.
      const verdict = isJudged && isComplete ? requestWasSuccessful(request, response) : false;
      const pending = isThenable(verdict) ? verdict.then((value) => settle(visit, value)) : settle(visit, verdict);
      if (isThenable(pending)) pending.then(undefined, onError);
    } catch (cause) {
      onError(cause);
    }
  }

  /**
   * @param {Visit} visit
   * @param {unknown} verdict
   */
  function settle(visit, verdict) {
    const isSuccess = Boolean(verdict);
    if ((isSuccess && skipSuccessfulRequests) || (!isSuccess && skipFailedRequests)) {
      const refunded = refund(visit, policies);
      return isThenable(refunded) ? refunded.then(() => onOutcome?.(visit, isSuccess)) : onOutcome?.(visit, isSuccess);
    }
    if (onOutcome) return onOutcome(visit, isSuccess);
    if (!adjust) return undefined;
    const cost = adjust(visit.request, visit.response);
    return isThenable(cost) ? cost.then((value) => charge(visit, policies, value)) : charge(visit, policies, cost);
  }
}

/**
 * @param {unknown} _request
 * @param {import('node:http').ServerResponse} response
 */
function wasSuccessful(_request, response) {
  return response.statusCode < 400;
}

/**
 * The keys under which a hit of this visit is counted.
 * @param {Visit} visit
 * @param {Policy[]} policies
 * @returns {import('./visit').Keys | undefined} undefined when none
 */
function countedKeys(visit, policies) {
  const counted = visit.decisions.filter((decision) => isCounted(visit, decision));
  if (counted.length === policies.length) return visit.keys;
  if (counted.length === 0) return undefined;
  /** @type {(string | undefined)[]} */
  const keys = new Array(policies.length).fill(undefined);
  for (const { policy } of counted) keys[policy.index] = keyAt(visit.keys, policy.index);
  return keys;
}

/**
 * @param {Visit} visit
 * @param {Policy[]} policies
 */
function refund(visit, policies) {
  const keys = countedKeys(visit, policies);
  return keys === undefined ? undefined : visit.countedBy?.refund(visit, keys, visit.costs);
}

/**
 * Makes a request cost what it turned out to be worth.
 * @param {Visit} visit
 * @param {Policy[]} policies
 * @param {unknown} worth undefined changes nothing
 */
function charge(visit, policies, worth) {
  if (worth === undefined) return undefined;
  const cost = toCount('adjust', worth);
  const keys = countedKeys(visit, policies);
  if (keys === undefined || visit.countedBy === undefined) return undefined;
  const more = policies.map(({ index }) => Math.max(0, cost - (countAt(visit.costs, index) ?? 1)));
  const less = policies.map(({ index }) => Math.max(0, (countAt(visit.costs, index) ?? 1) - cost));
  const changes = [];
  if (less.some((points) => points > 0)) changes.push(visit.countedBy.refund(visit, keys, less));
  if (more.some((points) => points > 0)) {
    changes.push(visit.countedBy.penalty(keys, visit.forwarded, more, visit.limits));
  }
  return changes.some(isThenable) ? Promise.all(changes) : undefined;
}

module.exports = { createWatcher };
