'use strict';

const zlib = require('node:zlib');
const { bodyError } = require('./body-error');

/** @typedef {(body: Buffer, options: object, done: (error: Error | null, result: any) => void) => void} Decoder */

const NO_DECODER = /** @type {Decoder | undefined} */ (undefined);

/**
 * The content codings that can be undone. zstd came with Node 22.15.
 * @type {Map<string, Decoder | undefined>}
 */
const DECODERS = new Map([
  ['gzip', /** @type {Decoder | undefined} */ (/** @type {unknown} */ (zlib.gunzip))],
  ['deflate', /** @type {Decoder | undefined} */ (/** @type {unknown} */ (zlib.inflate))],
  ['br', /** @type {Decoder | undefined} */ (/** @type {unknown} */ (zlib.brotliDecompress))],
  ['zstd', /** @type {any} */ (zlib).zstdDecompress ?? NO_DECODER],
]);

const CHUNK_BYTES = 64 * 1024;

/**
 * The content coding of a request in lower case; `identity` when there is none.
 * @param {import('node:http').IncomingMessage} request
 */
function contentEncoding(request) {
  return (request.headers['content-encoding'] || 'identity').trim().toLowerCase();
}

/** @param {string} encoding */
function canInflate(encoding) {
  return DECODERS.get(encoding) !== undefined;
}

/**
 * Undoes a content coding off the main thread. It stops at the limit, so a bomb costs no more than a body of that size.
 * @param {Buffer} body
 * @param {string} encoding one that `canInflate`
 * @param {number} limit bytes
 * @param {(error: unknown, body?: Buffer) => void} done
 */
function inflate(body, encoding, limit, done) {
  const decode = /** @type {Decoder} */ (DECODERS.get(encoding));
  const chunkSize = Math.max(64, Math.min(CHUNK_BYTES, limit + 1));
  decode(body, { maxOutputLength: Math.max(1, limit), chunkSize, info: true }, (error, result) => {
    if (error) return done(inflateError(error, limit));
    const { buffer, engine } = result;
    // Bytes after the end of the coded data would be seen by one reader of the request and not by another.
    if (engine.bytesWritten < body.length) return done(bodyError('encoding.invalid'));
    if (buffer.length > limit) return done(bodyError('entity.too.large', { details: { limit } }));
    done(null, buffer);
  });
}

/**
 * @param {Error & { code?: string }} error
 * @param {number} limit
 */
function inflateError(error, limit) {
  if (error.code === 'ERR_BUFFER_TOO_LARGE') return bodyError('entity.too.large', { cause: error, details: { limit } });
  return bodyError('encoding.invalid', { cause: error });
}

module.exports = { canInflate, contentEncoding, inflate };
