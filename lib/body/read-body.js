'use strict';

const { AsyncResource } = require('node:async_hooks');
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
  // The stream's events come in the connection's async context: without this an AsyncLocalStorage that was entered
  // before this middleware would be lost after it.
  const scope = new AsyncResource('carapace.body');
  /** @type {Buffer[]} */
  const chunks = [];
  let received = 0;
  // A request that nothing else keeps alive must not keep the process alive either.
  const timer = readTimeoutMs === Infinity ? undefined : setTimeout(onTimeout, readTimeoutMs).unref();

  /** @param {unknown} error @param {Buffer} [body] */
  function finish(error, body) {
    clearTimeout(timer);
    request.off('data', onData).off('end', onEnd).off('close', onAbort).off('error', onAbort);
    // A connection that breaks later must not be an unhandled error.
    if (error) request.on('error', ignore);
    scope.runInAsyncScope(done, null, error, body);
  }
  /** @param {Buffer} chunk */
  function onData(chunk) {
    if (!Buffer.isBuffer(chunk)) return finish(bodyError('stream.encoding.set'));
    received += chunk.length;
    if (received <= limit) chunks.push(chunk);
    else finish(bodyError('entity.too.large', { details: { limit: namedLimit, received } }));
  }
  function onEnd() {
    if (expected === undefined || received === expected) {
      return finish(null, chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, received));
    }
    finish(bodyError('request.size.invalid', { details: { expected, length: expected, received } }));
  }
  /** @param {Error} [cause] */
  function onAbort(cause) {
    finish(bodyError('request.aborted', { cause, details: { expected, length: expected, received } }));
  }
  function onTimeout() {
    finish(bodyError('request.timeout', { details: { received } }));
  }
  request.on('data', onData).on('end', onEnd).on('close', onAbort).on('error', onAbort);
  // Listening starts a stream, but not one that somebody paused.
  if (request.isPaused()) request.resume();
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
  if (request.destroyed && !request.complete) {
    return bodyError('request.aborted', { details: { expected, length: expected, received: 0 } });
  }
  return request.readable ? undefined : bodyError('stream.not.readable');
}

/** @param {Request} request */
function contentLength(request) {
  const field = request.headers['content-length'];
  const length = field === undefined ? NaN : Number(field);
  return Number.isSafeInteger(length) ? length : undefined;
}

function ignore() {}

module.exports = { readBody };
