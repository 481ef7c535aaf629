'use strict';

const { denialError } = require('../errors');
const { endAfterDrain } = require('../drain');
const { refuse } = require('../refusal');
const { countRefusal } = require('../tally');
const { isThenable } = require('./inputs');
const { secondsUntil } = require('./headers');

/**
 * @typedef {InstanceType<typeof import('./visit')['Visit']>} Visit
 * @typedef {import('./visit').Outcome} Outcome
 * @typedef {ReturnType<typeof denialError>} Denial
 */

// The IANA registry of HTTP problem types (draft-ietf-httpapi-ratelimit-headers, section 7).
const PROBLEM_TYPES = 'https://iana.org/assignments/http-problem-types#';

/**
 * Makes the function that answers a request that may not pass.
 * @param {import('./options').Settings} settings
 * @param {(visit: Visit, cause: unknown) => void} fail
 * @returns {(visit: Visit) => void}
 */
function createDenier(settings, fail) {
  const { body, handler, message, onReject, statusCode } = settings;
  const answer = handler ? callHandler : message !== undefined ? sendMessage : sendDefault;
  return function deny(visit) {
    const { error, members } = describeDenial(visit, statusCode);
    const seconds = retryAfter(visit);
    if (seconds > 0 && !visit.response.headersSent) visit.response.setHeader('retry-after', `${seconds}`);
    // Our own answer counts itself.
    if (answer !== sendDefault || body === 'text') countRefusal(visit.request, error.code);
    try {
      const pending = answer(visit, error, members);
      if (isThenable(pending)) pending.then(undefined, (/** @type {unknown} */ cause) => fail(visit, cause));
    } catch (cause) {
      fail(visit, cause);
    }
  };

  /** @param {Visit} visit @param {Denial} error */
  function callHandler({ request, response, next }, error) {
    return handler(request, response, next, error);
  }

  /** @param {Visit} visit @param {Denial} error */
  function sendMessage(visit, error) {
    const given = typeof message === 'function' ? message(visit.request, visit.response) : message;
    /** @param {unknown} value */
    const sendGiven = (value) => send(visit, Number(error.status), value);
    return isThenable(given) ? Promise.resolve(given).then(sendGiven) : sendGiven(given);
  }

  /** @param {Visit} visit @param {Denial} error @param {Record<string, unknown>} members */
  function sendDefault(visit, error, members) {
    if (body === 'text') return send(visit, Number(error.status), `${error.message}\n`);
    refuse(visit.request, visit.response, visit.next, error, { onReject, members });
  }
}

/**
 * @param {Visit} visit
 * @param {number} [statusCode]
 * @returns {{ error: Denial, members: Record<string, unknown> }}
 */
function describeDenial(visit, statusCode) {
  if (visit.outcome === 'unavailable') {
    const details = { status: 503, type: 'rate-limit.unavailable' };
    const message = 'requests cannot be counted at the moment';
    const error = denialError('ERR_CARAPACE_STORE_UNAVAILABLE', message, details);
    return { error, members: { type: `${PROBLEM_TYPES}temporary-reduced-capacity`, detail: message } };
  }
  if (visit.outcome === 'deny-listed') {
    const details = { status: 403, type: 'rate-limit.deny-list' };
    const error = denialError('ERR_CARAPACE_CLIENT_DENIED', 'this client is not let in', details);
    return { error, members: {} };
  }
  const message = `too many requests; try again in ${retryAfter(visit)} s`;
  const details = { status: statusCode ?? 429, type: 'rate-limit.exceeded' };
  const violated = visit.decisions.filter(({ isAllowed }) => !isAllowed).map(({ policy }) => policy.name);
  return {
    error: denialError('ERR_CARAPACE_RATE_LIMITED', message, details),
    members: { type: `${PROBLEM_TYPES}quota-exceeded`, 'violated-policies': violated },
  };
}

/**
 * Seconds after which the client may try again: never earlier than what the fields say.
 * @param {Visit} visit
 */
function retryAfter({ outcome, strictest, now }) {
  if (outcome === 'unavailable') return 1;
  return strictest === undefined ? 0 : Math.max(1, secondsUntil(strictest.resetAt, now));
}

/**
 * Sends a body of the user's: text, bytes, or a value that becomes JSON.
 * @param {Visit} visit
 * @param {number} status
 * @param {unknown} value
 */
function send({ request, response }, status, value) {
  // A message function may have answered itself.
  if (response.headersSent) return;
  const isBytes = value instanceof Uint8Array;
  const isText = typeof value === 'string';
  const body = isBytes ? Buffer.from(value) : Buffer.from(isText ? value : (JSON.stringify(value) ?? ''));
  response.statusCode = status;
  if (!response.hasHeader('content-type')) response.setHeader('content-type', mediaType(isBytes, isText));
  response.setHeader('content-length', body.length);
  response.setHeader('cache-control', 'no-store');
  endAfterDrain(request, response, body);
}

/**
 * @param {boolean} isBytes
 * @param {boolean} isText
 */
function mediaType(isBytes, isText) {
  if (isBytes) return 'application/octet-stream';
  return isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8';
}

module.exports = { createDenier };
