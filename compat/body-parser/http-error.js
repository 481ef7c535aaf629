'use strict';

const { STATUS_CODES } = require('node:http');

/** The classes of http-errors that body-parser's errors have, by status; users match on their names. */
const CLASSES = new Map(
  Object.entries({
    400: class BadRequestError extends Error {},
    403: class ForbiddenError extends Error {},
    413: class PayloadTooLargeError extends Error {},
    415: class UnsupportedMediaTypeError extends Error {},
    500: class InternalServerError extends Error {},
  }).map(([status, HttpError]) => [Number(status), withStatus(HttpError, Number(status))]),
);

/**
 * @param {new (message: string) => Error} HttpError
 * @param {number} status
 */
function withStatus(HttpError, status) {
  Object.assign(HttpError.prototype, { status, statusCode: status, expose: status < 500 });
  return HttpError;
}

/**
 * An error as http-errors makes it.
 * @param {number} status one of those above
 * @param {string} message
 * @param {Record<string, unknown>} [details]
 * @returns {Error}
 */
function createHttpError(status, message, details) {
  const HttpError = /** @type {new (message: string) => Error} */ (CLASSES.get(status));
  const error = new HttpError(message);
  Object.defineProperty(error, 'message', { value: message, writable: true, enumerable: true, configurable: true });
  const { name } = HttpError;
  Object.defineProperty(error, 'name', { value: name, writable: true, enumerable: false, configurable: true });
  return Object.assign(error, details);
}

/**
 * Makes an answer of what somebody threw: an error keeps its class, and the status that it has of its own.
 * @param {number} status for what has none
 * @param {any} thrown
 * @param {Record<string, unknown>} [details]
 * @returns {Error}
 */
function toHttpError(status, thrown, details) {
  if (!(thrown instanceof Error)) return createHttpError(status, String(thrown), details);
  const error = /** @type {any} */ (thrown);
  const given = error.status || error.statusCode || status;
  const isKnown = STATUS_CODES[given] !== undefined || (given >= 400 && given < 600);
  const known = typeof given === 'number' && isKnown ? given : 500;
  const HttpError = CLASSES.get(known);
  // Those have it from their class.
  if (HttpError === undefined || !(error instanceof HttpError)) {
    error.expose = known < 500;
    error.statusCode = known;
    error.status = known;
  }
  return Object.assign(error, details);
}

module.exports = { createHttpError, toHttpError };
