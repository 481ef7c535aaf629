'use strict';

const { CarapaceError } = require('../errors');
const { refuse } = require('../refusal');
const { addVary, clearAnswer, endPreflight, isPreflight, setActual, setPreflight } = require('./answer');
const { isSameOrigin } = require('./same-origin');

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {(error?: unknown) => void} Next
 * @typedef {import('./judges').Verdict} Verdict
 * @typedef {(request: Request, response: Response, next: Next) => void} Serving
 *
 * @typedef {object} Policy the compiled options of one `cors()`
 * @property {import('./answer').Answer} answer
 * @property {string | undefined} constantOrigin the value that all responses but preflights have
 * @property {import('./judges').Judge | undefined} judge undefined when everybody gets the same
 * @property {boolean} passesPreflights
 * @property {number} successStatus
 * @property {boolean} refuses whether a denied origin is answered with 403
 * @property {boolean} isEnforced false when denials are only reported
 * @property {'answer' | 'next' | undefined} onReject
 * @property {ReturnType<typeof import('../events')['createReporter']>} report
 */

/**
 * Lets nobody in.
 * @type {Omit<Policy, 'report'>}
 */
const DENY_ALL = {
  answer: {
    credentials: false,
    methods: undefined,
    allowedHeaders: undefined,
    reflectsHeaders: false,
    exposedHeaders: undefined,
    maxAge: undefined,
    allowsPrivateNetwork: false,
  },
  constantOrigin: undefined,
  judge: () => 'function-failed',
  passesPreflights: false,
  successStatus: 204,
  refuses: false,
  isEnforced: true,
  onReject: undefined,
};

/**
 * Makes what a compiled policy does with a request.
 * @param {Policy} policy
 * @returns {Serving}
 */
function createServing(policy) {
  const { answer, constantOrigin, judge } = policy;
  const settle = createSettling(policy);

  return function serve(request, response, next) {
    if (response.headersSent) return next();
    const { origin } = request.headers;
    if (origin === undefined || judge === undefined) {
      // Without an Origin the answer still depends on it: with one it would be another.
      if (judge === undefined && isPreflight(request)) return settle(request, response, next, '');
      clearAnswer(response);
      setActual(answer, response, constantOrigin, judge !== undefined && constantOrigin === undefined);
      return next();
    }
    const verdict = judge(origin, request);
    if (typeof verdict === 'string') return settle(request, response, next, verdict);
    verdict.then((given) => settle(request, response, next, given));
  };
}

/**
 * Makes what follows the verdict on an origin.
 * @param {Policy} policy
 * @returns {(request: Request, response: Response, next: Next, verdict: Verdict) => void}
 */
function createSettling(policy) {
  const { answer, constantOrigin, judge, passesPreflights, successStatus } = policy;
  const deny = createDenying(policy);
  const dependsOnOrigin = judge !== undefined;

  return function settle(request, response, next, verdict) {
    if (response.headersSent) return next();
    if (verdict !== '') return deny(request, response, next, verdict);
    clearAnswer(response);
    const allowed = constantOrigin ?? /** @type {string} */ (request.headers.origin);
    if (!isPreflight(request)) {
      setActual(answer, response, allowed, constantOrigin === undefined);
      return next();
    }
    setPreflight(answer, request, response, allowed, dependsOnOrigin);
    if (passesPreflights) return next();
    endPreflight(response, successStatus);
  };
}

/**
 * Makes what becomes of a request whose origin is not let in: an answer that no script can read, or, if it is asked for, none but 403.
 * @param {Policy} policy
 * @returns {(request: Request, response: Response, next: Next, verdict: Verdict) => void}
 */
function createDenying(policy) {
  const { answer, constantOrigin, passesPreflights, successStatus, refuses, isEnforced, onReject, report } = policy;

  return function deny(request, response, next, verdict) {
    const isOwn = isSameOrigin(request);
    const isRefused = refuses && !isOwn;
    if (!isOwn) {
      const mode = isEnforced ? 'enforce' : 'report';
      report({ type: 'cors.denied', rule: verdict, location: 'headers', action: isRefused ? 'reject' : 'deny', mode });
    }
    if (!isEnforced) {
      addVary(response, 'Origin');
      return next();
    }
    clearAnswer(response);
    const isAsking = isPreflight(request);
    if (constantOrigin !== undefined && !isAsking) {
      setActual(answer, response, constantOrigin, false);
      return next();
    }
    addVary(response, 'Origin');
    if (isRefused) return refuse(request, response, next, deniedError(), { onReject });
    if (!isAsking || passesPreflights) return next();
    endPreflight(response, successStatus);
  };
}

function deniedError() {
  return new CarapaceError('ERR_CARAPACE_ORIGIN_DENIED', 'requests from this origin are not allowed', {
    status: 403,
    type: 'origin.denied',
  });
}

module.exports = { DENY_ALL, createServing };
