'use strict';

const { STATUS_CODES } = require('node:http');
const { isHttp2 } = require('./body-framing');
const { endAfterDrain } = require('./drain');
const { prefersHtml } = require('./error-handler/accept');
const { notFound } = require('./error-handler/not-found');
const { createNotifier } = require('./error-handler/notify');
const { developerDetail, recognise } = require('./error-handler/recognise');
const { renderHtml, renderProblem, renderShaped } = require('./error-handler/render');
const { createIdReader, readHeaderName } = require('./error-handler/request-id');
const { removeStale, setErrorHeaders, varyOnAccept } = require('./error-handler/response-headers');
const { isError, stacksOf } = require('./error-handler/thrown');
const { CarapaceError } = require('./errors');
const { readOptions } = require('./options');

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {import('../index').ProblemDocument} ProblemDocument
 * @typedef {import('./error-handler/render').Rendering} Rendering
 */

/** @type {import('./options').OptionTable} */
const OPTIONS = {
  shape: 'function',
  html: 'boolean',
  development: 'boolean',
  validationStatus: 'number|boolean',
  requestId: 'string|boolean',
  onError: 'function|object',
  onEvent: 'function',
};

const NO_POLICY = "default-src 'none'";
const INTERNAL_ERROR_HTTP2 = 2;

/**
 * @param {import('../index').ErrorHandlerOptions} [options]
 * @returns {import('../index').ErrorMiddleware}
 */
function errorHandler(options) {
  const settings = readSettings(options);
  const idOf = createIdReader(settings.requestId);
  const notify = createNotifier(settings.onError, settings.onEvent);
  const render = createRenderer(settings);

  // Express tells error middlewares by their four parameters.
  return function errorHandler(error, request, response, _next) {
    const account = recognise(error, response.statusCode, settings);
    const id = idOf(request, response);
    const isTooLate = response.headersSent || response.destroyed;
    notify(error, request, { status: account.status, id }, isTooLate ? 'abandon' : 'answer');
    if (isTooLate) return abandon(request, response);
    removeStale(response);
    setErrorHeaders(response, error);
    const problem = problemOf(account, id, settings.development ? error : undefined, settings.development);
    answer(request, response, problem, render(error, request, response, problem), settings.requestId);
  };
}

/** @param {import('../index').ErrorHandlerOptions} [options] */
function readSettings(options) {
  const { html = true, validationStatus = 400, ...rest } = readOptions('errorHandler', options, OPTIONS);
  return {
    html,
    shape: rest.shape,
    development: readDevelopment(rest.development),
    validationStatus: readValidationStatus(validationStatus),
    requestId: readRequestId(rest.requestId),
    onError: rest.onError,
    onEvent: rest.onEvent,
  };
}

/**
 * Nothing of an error is shown unless the environment says that this is a developer's machine; a forgotten NODE_ENV must
 * not show it to everybody.
 * @param {boolean | undefined} development
 */
function readDevelopment(development) {
  const { NODE_ENV } = process.env;
  if (development === true && NODE_ENV === 'production') {
    const message = 'got true while NODE_ENV is "production"; stacks would be shown to clients';
    throw new CarapaceError('ERR_CARAPACE_OPTION_CONFLICT', message, { path: 'errorHandler.development' });
  }
  return development ?? NODE_ENV === 'development';
}

/**
 * @param {number | boolean} status
 * @returns {number | false}
 */
function readValidationStatus(status) {
  if (status === false) return false;
  if (typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 499) return status;
  const message = `got ${status}, expected a whole number from 400 to 499, or false`;
  throw new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path: 'errorHandler.validationStatus' });
}

/** @param {string | boolean | undefined} name */
function readRequestId(name) {
  const header = name === undefined || name === true ? 'x-request-id' : name;
  return readHeaderName('errorHandler.requestId', header);
}

/**
 * @param {import('./error-handler/recognise').Account} account
 * @param {string} id
 * @param {unknown} thrown
 * @param {boolean} isDevelopment
 * @returns {ProblemDocument}
 */
function problemOf({ status, detail, ...members }, id, thrown, isDevelopment) {
  const told = isDevelopment ? (detail ?? developerDetail(thrown)) : detail;
  const stack = isDevelopment ? stacksOf(thrown) : undefined;
  return { type: 'about:blank', title: STATUS_CODES[status], status, detail: told, ...members, id, stack };
}

/**
 * Makes the function that writes the body: the app's own shape, a page, or the problem document.
 * @param {ReturnType<typeof readSettings>} settings
 * @returns {(error: unknown, request: Request, response: Response, problem: ProblemDocument) => Rendering}
 */
function createRenderer({ shape, html }) {
  return function render(error, request, response, problem) {
    if (shape !== undefined) {
      const shaped = tryShape(() => shape(error, request, { ...problem }));
      if (shaped !== undefined) return shaped;
    } else if (html) {
      varyOnAccept(response);
      if (prefersHtml(request.headers?.accept)) return renderHtml(problem);
    }
    return renderProblem(problem);
  };
}

/**
 * An app's function that fails while an error is handled must not make a second error.
 * @param {() => unknown} shape
 */
function tryShape(shape) {
  try {
    return renderShaped(shape());
  } catch (thrown) {
    const reason = isError(thrown) ? stacksOf(thrown)[0].split('\n', 1)[0] : 'a value that is no error';
    process.emitWarning(`shape threw: ${reason}`, { type: 'CarapaceWarning', code: 'CARAPACE_LISTENER' });
    return undefined;
  }
}

/**
 * @param {Request} request
 * @param {Response} response
 * @param {ProblemDocument} problem
 * @param {Rendering} rendering
 * @param {string | false} idHeader
 */
function answer(request, response, { status, id }, { type, body }, idHeader) {
  response.statusCode = status;
  if (!isHttp2(request)) response.statusMessage = STATUS_CODES[status] ?? '';
  if (idHeader !== false) response.setHeader(idHeader, id);
  if (type.startsWith('text/html') && !response.hasHeader('content-security-policy')) {
    response.setHeader('content-security-policy', NO_POLICY);
  }
  response.setHeader('content-type', type);
  response.setHeader('content-length', body.length);
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
  endAfterDrain(request, response, body);
}

/**
 * An answer that has begun cannot become another. A whole one goes out; half of one is cut off, so that the client can
 * tell that it is not whole.
 * @param {Request & { stream?: any }} request
 * @param {Response} response
 */
function abandon(request, response) {
  if (response.writableEnded) return;
  if (isHttp2(request)) request.stream.close(INTERNAL_ERROR_HTTP2);
  else request.socket?.destroy();
}

module.exports = { OPTIONS, errorHandler: Object.assign(errorHandler, { notFound }) };
