'use strict';

const { CarapaceError } = require('../errors');
const { createReporter } = require('../events');
const { isError, readFrom, stacksOf } = require('./thrown');

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {{ status: number, id: string }} About
 * @typedef {(error: unknown, request: Request, about: About, action: 'answer' | 'abandon') => void} Notifier `abandon`: the answer had begun
 */

/**
 * Makes the function that tells the app of an error: its own function, or a logger, and the package's events.
 * @param {Function | Record<string, unknown> | undefined} onError
 * @param {((event: import('../../index').CarapaceEvent) => void) | undefined} onEvent
 * @returns {Notifier}
 */
function createNotifier(onError, onEvent) {
  const report = createReporter('error-handler', onEvent);
  const tell = readListener(onError);
  return function notify(error, request, about, action) {
    report({ type: 'error-handler.error', rule: String(about.status), action });
    if (tell === undefined) return;
    try {
      watch(tell(error, request, about));
    } catch (thrown) {
      warn(thrown);
    }
  };
}

/**
 * @param {any} onError
 * @returns {((error: unknown, request: Request, about: About) => unknown) | undefined}
 */
function readListener(onError) {
  if (onError === undefined || typeof onError === 'function') return onError;
  if (typeof onError.error !== 'function') {
    const message = 'got an object without a method "error", expected a function or a logger';
    throw new CarapaceError('ERR_CARAPACE_OPTION_TYPE', message, { path: 'errorHandler.onError' });
  }
  return function log(error, request, { status, id }) {
    const level = status < 500 && typeof onError.warn === 'function' ? 'warn' : 'error';
    const fields = { err: isError(error) ? error : { message: stacksOf(error)[0] }, status, id };
    onError[level]({ ...fields, method: request.method, path: pathOf(request) }, 'request failed');
  };
}

/**
 * The path that was asked for, without the query, which may hold secrets.
 * @param {Request} request
 */
function pathOf(request) {
  const url = readFrom(request, 'originalUrl') ?? request.url;
  return typeof url === 'string' ? url.split('?', 1)[0] : undefined;
}

/** @param {any} result a promise of an async listener must not end the process */
function watch(result) {
  if (typeof result === 'object' && result !== null && typeof result.then === 'function') result.then(undefined, warn);
}

/** @param {unknown} thrown */
function warn(thrown) {
  const reason = isError(thrown) ? stacksOf(thrown)[0].split('\n', 1)[0] : 'a value that is no error';
  process.emitWarning(`onError threw: ${reason}`, { type: 'CarapaceWarning', code: 'CARAPACE_LISTENER' });
}

module.exports = { createNotifier };
