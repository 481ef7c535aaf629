'use strict';

const { IncomingMessage } = require('node:http');
const { CarapaceError } = require('../errors');
const { refuse } = require('../refusal');
const { responseOn } = require('./upgrade');

/** @type {Record<string, { status: number, message: string }>} */
const KNOWN = {
  HPE_HEADER_OVERFLOW: { status: 431, message: 'the header fields are too large' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: 'the chunk extensions are too large' },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'the request did not arrive in time' },
};
const MALFORMED = { status: 400, message: 'the request is not valid HTTP' };

/**
 * Makes the listener for what cannot be read as HTTP: it is answered as other refusals are, with the chain's headers.
 * @param {(request: any, response: any, next: () => void) => void} setHeaders
 * @returns {(error: any, socket: any) => void}
 */
function createClientErrorAnswer(setHeaders) {
  return function answerClientError(error, socket) {
    // An answer that has begun must not be followed by another one, which a proxy might take for that of the next request.
    if (error.code === 'ECONNRESET' || !socket.writable || socket._httpMessage) return void socket.destroy();
    const { status, message } = KNOWN[error.code] ?? MALFORMED;
    const request = new IncomingMessage(socket);
    const response = responseOn(request, socket);
    setHeaders(request, response, () => {
      const details = { status, type: 'request.malformed' };
      refuse(request, response, () => {}, new CarapaceError('ERR_CARAPACE_REQUEST_REJECTED', message, details));
    });
  };
}

module.exports = { createClientErrorAnswer };
