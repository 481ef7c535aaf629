'use strict';

/**
 * @typedef {import('./config').Config} Config
 * @typedef {{ finished?: Promise<unknown>, closed?: Promise<unknown>, failed?: Promise<unknown> }} Ends
 */

/** @type {Ends} */
const NONE = {};

/**
 * Listens for the ends of a response that a refund depends on, from the beginning: what the user's functions wait for may
 * take longer.
 * @param {Config} config
 * @param {any} response
 * @returns {Ends}
 */
function watchEnds({ skipFailedRequests, skipSuccessfulRequests }, response) {
  if (!skipFailedRequests && !skipSuccessfulRequests) return NONE;
  const event = (/** @type {string} */ name) => new Promise((resolve) => response.once(name, resolve));
  return {
    closed: skipFailedRequests ? event('close') : undefined,
    finished: event('finish'),
    failed: skipFailedRequests ? event('error') : undefined,
  };
}

/**
 * Takes the hit back when the response ends as the options say.
 * @param {Config} config
 * @param {Ends} ends
 * @param {{ request: any, response: any, key: string, resetAt: number | undefined }} hit
 */
function refundLater(config, { finished, closed, failed }, { request, response, key, resetAt }) {
  const { logger, skipFailedRequests, skipSuccessfulRequests } = config;
  let isRefunded = false;
  const refund = async () => {
    if (isRefunded) return;
    isRefunded = true;
    // The window that counted it is over (S-13).
    if (resetAt !== undefined && Date.now() >= resetAt) return;
    try {
      await config.store.decrement(key);
    } catch (error) {
      logger.error(error, 'express-rate-limit: error from store during decrement.');
    }
  };
  /** @param {Promise<unknown> | undefined} end @param {() => unknown} act @param {string} where */
  const when = (end, act, where) => {
    end?.then(act).catch((error) => logger.error(error, `express-rate-limit: error ${where}.`));
  };
  /** @param {boolean} wanted */
  const judge = (wanted) => async () => {
    const isSuccess = await config.requestWasSuccessful(request, response);
    if (Boolean(isSuccess) === wanted) await refund();
  };
  if (skipFailedRequests) {
    when(finished, judge(false), 'in requestWasSuccessful callback');
    when(closed, () => (response.writableEnded ? undefined : refund()), 'handling close event during decrement');
    when(failed, refund, 'handling error event during decrement');
  }
  if (skipSuccessfulRequests) when(finished, judge(true), 'in requestWasSuccessful callback');
}

module.exports = { refundLater, watchEnds };
