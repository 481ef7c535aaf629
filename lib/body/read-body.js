'use strict';

const { bodyError } = require('./body-error');
const { canInflate, contentEncoding, inflate } = require('./inflate');

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {{ limit: number, inflate: boolean, readTimeoutMs: number }} ReadOptions
 * @typedef {(error: unknown, body?: Buffer) => void} Done
 */

// What a coding may add to a body that it cannot make smaller.
const CODING_OVERHEAD_BYTES = 4096;

/**
 * Reads a request's body whole, and undoes its content coding.
 * @param {Request} request
 * @param {ReadOptions} options
 * @param {Done} done called once, with a body error or the bytes
 */
function readBody(request, options, done) {
  const encoding = contentEncoding(request);
  if (encoding === 'identity') return collect(request, options, options.limit, done);
  if (!options.inflate || !canInflate(encoding)) {
    return done(bodyError('encoding.unsupported', { details: { encoding } }));
  }
  collect(request, options, options.limit + CODING_OVERHEAD_BYTES, (error, body) => {
    if (error) return done(error);
    inflate(/** @type {Buffer} */ (body), encoding, options.limit, done);
  });
}

/**
 * @param {Request} request
 * @param {ReadOptions} options
 * @param {number} limit of the bytes as they are sent
 * @param {Done} done
 */
function collect(request, { readTimeoutMs, limit: namedLimit }, limit, done) {
  const expected = contentLength(request);
  const unreadable = refuseAtOnce(request, expected, limit, namedLimit);
  if (unreadable) return done(unreadable);
  /** @type {Buffer[]} */
  const chunks = [];
  let received = 0;
  const timer = readTimeoutMs === Infinity ? undefined : setTimeout(onTimeout, readTimeoutMs);

  /** @param {unknown} error @param {Buffer} [body] */
  function finish(error, body) {
    clearTimeout(timer);
    request.off('data', onData).off('end', onEnd).off('close', onAbort);
    // The error listener stays: a connection that breaks later must not be an unhandled error.
    done(error, body);
  }
  /** @param {Buffer} chunk */
  function onData(chunk) {
    received += chunk.length;
    if (received <= limit) chunks.push(chunk);
    else finish(bodyError('entity.too.large', { details: { limit: namedLimit, received } }));
  }
  function onEnd() {
    if (expected === undefined || received === expected) {
      return finish(null, chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, received));
    }
    finish(bodyError('request.size.invalid', { details: { expected, received } }));
  }
  function onAbort() {
    finish(bodyError('request.aborted', { details: { expected, received } }));
  }
  function onTimeout() {
    finish(bodyError('request.timeout', { details: { received } }));
  }
  request.on('data', onData).on('end', onEnd).on('close', onAbort).on('error', ignore);
}

/**
 * What can be refused before a byte is read.
 * @param {Request} request
 * @param {number | undefined} expected
 * @param {number} limit
 * @param {number} namedLimit
 */
function refuseAtOnce(request, expected, limit, namedLimit) {
  if (expected !== undefined && expected > limit) {
    return bodyError('entity.too.large', { details: { limit: namedLimit, expected, length: expected } });
  }
  if (request.readableEncoding) return bodyError('stream.encoding.set');
  if (request.destroyed && !request.complete) return bodyError('request.aborted', { details: { expected } });
  return request.readable ? undefined : bodyError('stream.not.readable');
}

/** @param {Request} request */
function contentLength(request) {
  const field = request.headers['content-length'];
  return field === undefined ? undefined : Number.parseInt(field, 10);
}

function ignore() {}

module.exports = { readBody };
