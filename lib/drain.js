'use strict';

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 */

// A client that writes its whole body before it reads must still get the answer: after a refusal its bytes are read and
// thrown away, up to this much.
const DRAIN_MS = 2_000;
const DRAIN_BYTES = 2 ** 20;

/**
 * Reads and discards what a refused client still sends, within bounds.
 * @param {Request} request
 * @param {() => void} done called once: the request is whole, gone, or beyond the bounds
 */
function drain(request, done) {
  if (isOver(request)) return done();
  let discarded = 0;
  const timer = setTimeout(finish, DRAIN_MS);
  timer.unref();
  function finish() {
    clearTimeout(timer);
    request.off('data', onData).off('end', finish).off('close', finish);
    done();
  }
  /** @param {Buffer} chunk */
  function onData(chunk) {
    discarded += chunk.length;
    if (discarded > DRAIN_BYTES) finish();
  }
  request.on('data', onData).on('end', finish).on('close', finish);
  request.on('error', () => {});
  request.resume();
}

/** @param {Request} request */
function isOver(request) {
  return request.readableEnded || request.destroyed || !request.readable;
}

/**
 * Ends an answer whose whole body is written: at once when the request is whole; else the client has the answer already,
 * and the connection closes after the drain.
 * @param {Request} request
 * @param {Response} response
 * @param {Buffer} body
 */
function endAfterDrain(request, response, body) {
  if (isOver(request)) return void response.end(body);
  if (request.httpVersionMajor < 2) response.setHeader('connection', 'close');
  response.write(body);
  drain(request, () => response.end());
}

/**
 * Discards the rest of a request that the app's own error handler answers, and closes the connection of a client that
 * never stops sending.
 * @param {Request} request
 */
function drainInBackground(request) {
  drain(request, () => {
    if (!isOver(request)) request.destroy();
  });
}

module.exports = { drainInBackground, endAfterDrain };
