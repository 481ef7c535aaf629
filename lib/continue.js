'use strict';

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 */

// On a request whose client waits to be asked for the body.
const UNASKED = Symbol('carapace.unasked');
const READING = ['data', 'readable'];

/**
 * Asks a client that sent `Expect: 100-continue` (RFC 9110, section 10.1.1) for its body when somebody begins to read it,
 * and never when the request is answered without.
 * @param {Request} request
 * @param {Response} response
 */
function askWhenRead(request, response) {
  /** @type {any} */ (request)[UNASKED] = true;
  request.on('newListener', function ask(event) {
    if (!READING.includes(String(event))) return;
    request.off('newListener', ask);
    if (response.headersSent) return;
    /** @type {any} */ (request)[UNASKED] = false;
    response.writeContinue();
  });
}

/**
 * Whether the client of a request still waits to be asked for its body, so that none is coming.
 * @param {Request} request
 */
function isUnasked(request) {
  return /** @type {any} */ (request)[UNASKED] === true;
}

module.exports = { askWhenRead, isUnasked };
