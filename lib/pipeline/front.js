'use strict';

const { isHttp2 } = require('../body-framing');
const { settleShapes } = require('../object-shapes');
const { Mark } = require('../tally');

/**
 * @typedef {(request: any, response: any, next: (error?: unknown) => void) => void} Middleware
 */

/**
 * Gives a request and response the prototypes that the app will give them, so that the user's functions find what
 * Express has.
 * @param {any} app
 * @param {any} request
 * @param {any} response
 */
function adopt(app, request, response) {
  if (isHttp2(request) || Object.getPrototypeOf(request) === app.request) return;
  request.res = response;
  response.req = request;
  Object.setPrototypeOf(request, app.request);
  Object.setPrototypeOf(response, app.response);
  settleShapes(request, response);
}

/** Options of functions that get no request, and of objects that have such functions. */
const WITHOUT_REQUEST = new Set(['onEvent', 'onFinding', 'onDecision', 'store', 'metrics', 'errorHandler', 'validate']);

/**
 * Whether the options have functions of the user's that may be given a request. To replace prototypes costs more than
 * the whole chain, so without such functions it is left to the app, for the requests that get there.
 * @param {unknown} options
 * @returns {boolean}
 */
function asksUser(options) {
  if (typeof options === 'function') return true;
  if (typeof options !== 'object' || options === null || options instanceof RegExp) return false;
  return Object.entries(options).some(([name, value]) => !WITHOUT_REQUEST.has(name) && asksUser(value));
}

/**
 * Makes the chain that stands in front of an app: the app gets its requests as it would make them itself.
 * @param {{ enter: import('./methods').Enter, tally: import('./methods').Inside['tally'], given: object }} chain
 * @returns {(app: any) => Middleware} `app` is undefined for a plain handler
 */
function createFront({ enter, tally, given }) {
  const isEarly = asksUser(given);
  return function enterFor(app) {
    const mark = new Mark(tally, undefined, app);
    if (app === undefined) return (request, response, next) => enter(mark, request, response, next);
    return function enterInFront(request, response, next) {
      if (isEarly) adopt(app, request, response);
      enter(mark, request, response, (error) => {
        adopt(app, request, response);
        next(error);
      });
    };
  };
}

module.exports = { asksUser, createFront };
