'use strict';

// After so many batches without an answer, one after the other, Redis is left alone.
const TIMEOUTS = 3;
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 400;

/**
 * Keeps hits from waiting for a Redis that does not answer. It counts batches, not hits. While it is open nothing but a
 * PING is sent, by the first hit after each pause; when that is answered the circuit closes, so no request waits for the
 * proof.
 * @param {() => Promise<unknown>} ping rejects when there is no answer in time
 * @param {(isUp: boolean, reason: string) => void} tell
 */
function createCircuit(ping, tell) {
  /** @type {'closed' | 'open' | 'half-open'} */
  let state = 'closed';
  let isUp = true;
  let timeouts = 0;
  let pauseMs = FIRST_PAUSE_MS;
  let askAgainAt = 0;
  /** @type {string | undefined} */
  let lastError;

  /** @param {string} failure */
  function open(failure) {
    state = 'open';
    // Instances that lost the same server do not come back to it in step.
    askAgainAt = performance.now() + pauseMs * (0.75 + Math.random() / 2);
    pauseMs = Math.min(MAX_PAUSE_MS, pauseMs * 2);
    change(false, failure);
  }

  /** @param {boolean} isNowUp @param {string} reason */
  function change(isNowUp, reason) {
    if (isUp === isNowUp) return;
    isUp = isNowUp;
    tell(isUp, reason);
  }

  function probe() {
    state = 'half-open';
    ping().then(succeed, () => open('timeout'));
  }

  function succeed() {
    timeouts = 0;
    pauseMs = FIRST_PAUSE_MS;
    state = 'closed';
    change(true, 'answered');
  }

  return {
    succeed,
    /** Whether a batch may be sent. */
    isClosed() {
      if (state === 'closed') return true;
      if (state === 'open' && performance.now() >= askAgainAt) probe();
      return false;
    },
    /**
     * A batch was not decided. Only silence opens the circuit: an error comes at once, and the next batch may fare better.
     * @param {string} failure
     */
    fail(failure) {
      lastError = failure;
      timeouts = failure === 'timeout' ? timeouts + 1 : 0;
      if (failure !== 'timeout') return change(false, failure);
      if (timeouts >= TIMEOUTS && state === 'closed') open(failure);
    },
    status: () => ({ state: isUp ? 'up' : 'down', circuit: state, ...(lastError !== undefined && { lastError }) }),
  };
}

module.exports = { createCircuit };
