'use strict';

const { isThenable, toCount } = require('./inputs');

/** @typedef {InstanceType<typeof import('./visit')['Visit']>} Visit */

const DEFAULT_AFTER = 1;
const STEP_MS = 1_000;
const DEFAULT_MAX_MS = 60_000;

/**
 * Makes the step that says for how long a request is held back: as express-slow-down does, every hit beyond `after` by `ms`.
 * @param {{ after?: any, ms?: any, maxMs?: number }} delay
 * @returns {import('./inputs').Step}
 */
function createDelayStep({ after = DEFAULT_AFTER, ms, maxMs = DEFAULT_MAX_MS }) {
  const afterOf = typeof after === 'function' ? after : () => after;
  /** @type {(used: number, after: number, visit: Visit) => any} */
  const msOf =
    typeof ms === 'function'
      ? (used, _free, { request, response }) => ms(used, request, response)
      : (used, free) => ms ?? (used - free) * STEP_MS;

  return function measureDelay(visit) {
    const free = afterOf(visit.request, visit.response);
    return isThenable(free) ? Promise.resolve(free).then((value) => measure(visit, value)) : measure(visit, free);
  };

  /**
   * @param {Visit} visit
   * @param {unknown} given
   */
  function measure(visit, given) {
    const { strictest } = visit;
    const free = toCount('delay.after', given);
    if (strictest === undefined || !visit.isAllowed) return undefined;
    if (strictest.policy.isUnlimited) {
      strictest.limit = free;
      strictest.remaining = Math.max(0, free - strictest.used);
    }
    if (strictest.used <= free) return undefined;
    const wanted = msOf(strictest.used, free, visit);
    return isThenable(wanted) ? Promise.resolve(wanted).then((value) => set(visit, value)) : set(visit, wanted);
  }

  /**
   * @param {Visit} visit
   * @param {unknown} wanted
   * @returns {undefined}
   */
  function set(visit, wanted) {
    const number = Number(wanted);
    if (!(number >= 0)) throw new TypeError(`delay.ms gave ${wanted}, expected milliseconds`);
    visit.delayMs = Math.min(Math.floor(number), maxMs);
  }
}

/**
 * Lets a request go on after its delay, unless its client is gone by then.
 * @param {Visit} visit
 */
function goOnLater({ response, next, delayMs }) {
  const timer = setTimeout(goOn, delayMs);
  response.once('close', cancel);
  function goOn() {
    response.off('close', cancel);
    next();
  }
  function cancel() {
    clearTimeout(timer);
  }
}

module.exports = { createDelayStep, goOnLater };
