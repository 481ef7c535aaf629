'use strict';

const { STATUS_CODES } = require('node:http');
const { drainInBackground, endAfterDrain } = require('./drain');
const { countRefusal } = require('./tally');

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {(error?: unknown) => void} Next
 * @typedef {InstanceType<typeof import('./errors')['CarapaceError']>} CarapaceError
 */

/**
 * Ends a request that is not let through: with a problem document (RFC 9457), or, with `onReject: 'next'`, by handing
 * the error to the app's own error handler.
 * @param {Request} request
 * @param {Response} response
 * @param {Next} next
 * @param {CarapaceError} error with `status`
 * @param {{ onReject?: 'answer' | 'next', members?: Record<string, unknown> }} [how] `members` join the document
 */
function refuse(request, response, next, error, { onReject = 'answer', members } = {}) {
  countRefusal(request, error.code);
  if (onReject === 'next' || response.headersSent) {
    drainInBackground(request, response);
    return next(error);
  }
  const { status = 500, rule, pointer } = /** @type {Record<string, any>} */ (/** @type {unknown} */ (error));
  const document = {
    type: 'about:blank',
    title: STATUS_CODES[status],
    status,
    detail: status < 500 ? error.message : undefined,
    code: error.code,
    rule,
    pointer,
    ...members,
  };
  const body = JSON.stringify(document);
  response.statusCode = status;
  response.setHeader('content-type', 'application/problem+json; charset=utf-8');
  response.setHeader('content-length', Buffer.byteLength(body));
  response.setHeader('cache-control', 'no-store');
  endAfterDrain(request, response, body);
}

module.exports = { refuse };
