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

/**
 * Whether a request came over HTTP/2. The version that it names does not tell: a client of HTTP/1 may write any.
 * @param {import('node:http').IncomingMessage & { stream?: unknown }} request
 */
function isHttp2({ stream }) {
  return stream !== undefined;
}

module.exports = { hasBody, isHttp2 };
