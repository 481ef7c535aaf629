'use strict';

const { isHttp2 } = require('../body-framing');
const { CarapaceError, internalError } = require('../errors');
const { show } = require('../options');
const { refuse } = require('../refusal');

/**
 * @typedef {(request: any, response: any, next: (error?: unknown) => void) => void} Enter
 * @typedef {(request: any, response: any) => unknown} Handler
 * @typedef {(error: unknown, request: any, response: any, next: (error?: unknown) => void) => unknown} ErrorHandler
 */

const NO_EXPRESS_ON_HTTP2 =
  'Express does not work on HTTP/2: it puts the prototypes of HTTP/1 in the place of those that HTTP/2 needs. Serve it ' +
  'over HTTP/1.1, or wrap a plain handler';

/** What `wrap` made, and of what. @type {WeakMap<Function, Handler>} */
const wrapped = new WeakMap();

/**
 * Makes `wrap`: the chain in front of a whole app, which sees only what passes.
 * @param {{ enterFor: (app: any) => Enter, errorHandler: () => ErrorHandler | undefined, removesPoweredBy: boolean }} how
 * @returns {(handler: Handler) => Handler}
 */
function createWrap({ enterFor, errorHandler, removesPoweredBy }) {
  return function wrap(handler) {
    if (typeof handler !== 'function') {
      const message = `got ${show(handler)}, expected an Express app or a function of request and response`;
      throw new CarapaceError('ERR_CARAPACE_OPTION_TYPE', message, { path: 'carapace.wrap' });
    }
    const app = asExpressApp(handler);
    // The chain would take the field away again from each answer.
    if (app !== undefined && removesPoweredBy) app.disable('x-powered-by');
    const enter = enterFor(app);

    /** @type {Handler} */
    function carapaceInFront(request, response) {
      if (app !== undefined && isHttp2(request)) return refuseHttp2(request, response);
      enter(request, response, (error) => {
        if (error === undefined) handler(request, response);
        else answerError(errorHandler(), error, request, response);
      });
    }
    wrapped.set(carapaceInFront, handler);
    return carapaceInFront;
  };
}

/**
 * An Express app, of either major.
 * @param {any} handler
 */
function asExpressApp(handler) {
  const isApp = typeof handler?.handle === 'function' && typeof handler.enabled === 'function';
  return isApp && handler.request && handler.response ? handler : undefined;
}

/**
 * @param {ErrorHandler | undefined} errorHandler
 * @param {any} error
 * @param {any} request
 * @param {any} response
 */
function answerError(errorHandler, error, request, response) {
  if (errorHandler !== undefined) return errorHandler(error, request, response, (last) => end(last, request, response));
  end(error, request, response);
}

/**
 * @param {any} error
 * @param {any} request
 * @param {any} response
 */
function end(error, request, response) {
  if (response.headersSent) return void response.destroy();
  refuse(request, response, () => {}, error instanceof CarapaceError && error.status ? error : internalError(error));
}

let hasWarned = false;

/**
 * @param {any} request
 * @param {any} response
 */
function refuseHttp2(request, response) {
  if (!hasWarned) process.emitWarning(NO_EXPRESS_ON_HTTP2, { type: 'CarapaceWarning', code: 'CARAPACE_HTTP2' });
  hasWarned = true;
  refuse(request, response, () => {}, internalError(http2Error()));
}

function http2Error() {
  return new CarapaceError('ERR_CARAPACE_OPTION_CONFLICT', NO_EXPRESS_ON_HTTP2, { path: 'carapace.wrap' });
}

/**
 * What a listener of a server is in the end, when `wrap` made it.
 * @param {any} listener
 */
function unwrap(listener) {
  return wrapped.get(listener) ?? listener;
}

module.exports = { asExpressApp, createWrap, end, http2Error, unwrap };
