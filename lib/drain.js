'use strict';

const { hasBody, isHttp2 } = require('./body-framing');
const { isUnasked } = require('./continue');

/**
 * @typedef {import('node:http').IncomingMessage & { stream?: any }} Request
 * @typedef {import('node:http').ServerResponse} Response
 */

// A client that writes its whole body before it reads must still get the answer: after a refusal its bytes are read and
// thrown away, up to this much.
const DRAIN_MS = 2_000;
const DRAIN_BYTES = 2 ** 20;

// RFC 9113, section 8.1: the answer is whole, the rest of the request is not wanted, and nothing went wrong.
const NO_ERROR = 0;

/**
 * Reads and discards what a refused client still sends, within bounds.
 * @param {Request} request
 * @param {() => void} done called once: the request is whole, gone, or beyond the bounds
 */
function drain(request, done) {
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
  request.on('data', onData).on('end', finish).on('close', finish).on('error', ignore);
  request.resume();
}

/**
 * Whether nothing more can come of a request.
 * @param {Request} request
 */
function isOver(request) {
  if (request.readableEnded || request.destroyed || !request.readable) return true;
  return !hasBody(request) || isUnasked(request);
}

/**
 * Ends an answer whose whole body is written: at once when the request is whole; else the client has the answer already,
 * and the connection closes after the drain.
 * @param {Request} request
 * @param {Response} response
 * @param {Buffer | string} body text goes out with the head in one piece
 */
function endAfterDrain(request, response, body) {
  const isWhole = isOver(request);
  if (!isWhole && isHttp2(request)) {
    response.end(body);
    return drain(request, () => closeStream(request));
  }
  if (!isWhole) response.setHeader('connection', 'close');
  // An answer that waits behind another one of its connection: given bytes, Node would put the head before the
  // `100 Continue` that waits already, and so that one into the body.
  if (response.socket === null) response.flushHeaders();
  if (isWhole) return void response.end(body);
  response.write(body);
  drain(request, () => response.end());
}

/**
 * Discards the rest of a request that the app's own error handler answers, and closes the connection of a client that
 * never stops sending. An answer that is on its way goes out first.
 * @param {Request} request
 * @param {Response} response
 */
function drainInBackground(request, response) {
  if (isOver(request)) return;
  drain(request, () => {
    if (isOver(request)) return;
    if (isHttp2(request)) return closeStream(request);
    if (!response.writableEnded || response.writableFinished) return void request.destroy();
    request.pause();
    response.once('finish', () => request.destroy()).once('close', () => request.destroy());
  });
}

/** @param {Request} request */
function closeStream({ stream }) {
  if (!stream.closed) stream.close(NO_ERROR);
}

function ignore() {}

module.exports = { drainInBackground, endAfterDrain };
