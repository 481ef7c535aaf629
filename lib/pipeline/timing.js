'use strict';

/** @typedef {InstanceType<typeof import('../tally')['Tally']>} Tally */

const DEFAULT_SAMPLE = 64;

/**
 * Makes the stopwatch of a chain. Only some requests are measured: a clock costs more than most of what the chain does.
 * @param {Tally} tally
 * @param {number} [sample] one request in so many; `Infinity` for none
 */
function createTiming(tally, sample = DEFAULT_SAMPLE) {
  let left = 1;
  /** Whether this request is one to be measured. */
  function isDue() {
    left -= 1;
    if (left > 0) return false;
    left = sample;
    return true;
  }

  /**
   * @param {any} response
   * @param {(error?: unknown) => void} next
   * @returns {(error?: unknown) => void} to be called in the place of `next`
   */
  function measure(response, next) {
    // A stand-in of a unit test may tell nobody when it is over.
    if (typeof response.once !== 'function') return next;
    const start = performance.now();
    let isInChain = true;
    const leave = () => {
      if (isInChain) tally.chain.add((performance.now() - start) / 1000);
      isInChain = false;
    };
    response.once('close', () => {
      // A refusal ends the chain with its answer.
      leave();
      tally.request.add((performance.now() - start) / 1000);
    });
    return function timedNext(error) {
      leave();
      next(error);
    };
  }
  return { isDue: sample === Infinity ? () => false : isDue, measure };
}

module.exports = { createTiming };
