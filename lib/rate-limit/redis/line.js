'use strict';

/**
 * @typedef {(subject: any, out: Float64Array, at: number) => void} Taker
 *
 * What the limiters of one Redis have in common in this thread.
 * @typedef {object} Line
 * @property {any} raw the queue in the core
 * @property {(ticket: number, taker: Taker, subject: object) => void} wait
 * @property {() => Promise<void>} drained resolves when every hit that was taken has its answer
 * @property {{ refusal: string | undefined, note: (failure: string | undefined) => void } | undefined} [watcher] is told of
 *   hits that were not decided, and then of the next one that was
 */

// What each answer writes into the out of `drain`: ticket, answer, time of counting, how many policies follow, and eight
// numbers for each of them.
const [TICKET, ANSWER, COUNTED_AT, COUNT, POLICIES] = [0, 1, 2, 3, 4];
const STRIDE = 8;

/**
 * Keeps who waits for which ticket, has the hits of a tick sent together, and hands out the answers.
 * @param {any} raw the queue in the core
 * @param {() => void} flush sends what was queued
 * @returns {Line & { answer: () => void, answerAndSend: () => void }}
 */
function createLine(raw, flush) {
  const { drain } = raw.calls();
  const out = /** @type {Float64Array} */ (drain.out);
  /** @type {(Taker | undefined)[]} */
  const takers = [];
  /** @type {any[]} */
  const subjects = [];
  /** @type {(() => void)[]} */
  let onDrained = [];
  let waiting = 0;
  const { send, sendAfter } = createSender(flush);

  /** Hands out what has come in: first all are taken off the list, for those who go on may ask again under a free ticket. */
  function answer() {
    for (let count = drain(); count > 0; count = drain()) {
      const batch = [];
      for (let at = 0; batch.length < 3 * count; at += POLICIES + STRIDE * out[at + COUNT]) {
        const ticket = out[at + TICKET];
        batch.push(takers[ticket], subjects[ticket], at);
        takers[ticket] = undefined;
        subjects[ticket] = undefined;
      }
      waiting -= count;
      for (let index = 0; index < batch.length; index += 3) {
        handOver(batch[index], batch[index + 1], out, batch[index + 2]);
      }
    }
    if (waiting > 0 || onDrained.length === 0) return;
    const listeners = onDrained;
    onDrained = [];
    for (const listener of listeners) listener();
  }

  return {
    raw,
    answer,
    answerAndSend: () => sendAfter(answer),
    wait(ticket, taker, subject) {
      takers[ticket] = taker;
      subjects[ticket] = subject;
      waiting += 1;
      send();
    },
    drained: () => (waiting === 0 ? Promise.resolve() : new Promise((done) => onDrained.push(done))),
  };
}

/**
 * Sends what is queued in a turn of the event loop at its end.
 * @param {() => void} flush
 */
function createSender(flush) {
  let isScheduled = false;
  let isHeld = false;
  let isWanted = false;

  function sendNow() {
    isScheduled = false;
    flush();
  }

  return {
    send() {
      if (isHeld) isWanted = true;
      else if (!isScheduled) {
        isScheduled = true;
        setImmediate(sendNow);
      }
    },
    /**
     * Sends what `action` queues as soon as it is done, which spares it a turn of the event loop.
     * @param {() => void} action
     */
    sendAfter(action) {
      isHeld = true;
      try {
        action();
      } finally {
        isHeld = false;
        if (isWanted) {
          isWanted = false;
          flush();
        }
      }
    },
  };
}

/**
 * What one of those who go on throws is its own: the others of the batch still get their answers.
 * @param {Taker | undefined} taker
 * @param {any} subject
 * @param {Float64Array} out
 * @param {number} at
 */
function handOver(taker, subject, out, at) {
  try {
    taker?.(subject, out, at);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

module.exports = { ANSWER, COUNTED_AT, POLICIES, createLine };
