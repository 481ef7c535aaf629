'use strict';

/**
 * Whether a request has a body, be it empty. RFC 9112, section 6.3: one of two fields says so; in HTTP/2 the stream does
 * (RFC 9113, section 8.1).
 * @param {import('node:http').IncomingMessage & { stream?: { endAfterHeaders: boolean } }} request
 */
function hasBody({ headers, stream }) {
  if (headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined) return true;
  return stream?.endAfterHeaders === false;
}

module.exports = { hasBody };
