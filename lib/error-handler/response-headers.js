'use strict';

const { validateHeaderName, validateHeaderValue } = require('node:http');
const { elementsOf, entriesOf, readFrom } = require('./thrown');

/** @typedef {import('node:http').ServerResponse} Response */

/** What described the answer that was never given. */
const OF_THE_OTHER_ANSWER = [
  'accept-ranges',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-location',
  'content-md5',
  'content-range',
  'etag',
  'expires',
  'last-modified',
  'pragma',
  'trailer',
  'transfer-encoding',
];

/** What an error must not say about the message: its framing and its body. */
const NOT_AN_ERRORS = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'keep-alive',
  'proxy-connection',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/**
 * Takes away what described the answer that the app had begun. Everything else stays: security headers, CORS, `Vary`, limits.
 * @param {Response} response
 */
function removeStale(response) {
  for (const name of OF_THE_OTHER_ANSWER) response.removeHeader(name);
}

/**
 * Sets the headers of an error, as http-errors carries them (`Retry-After`, `WWW-Authenticate`, `Allow` …). One that is
 * set already stays, so that no error weakens a policy; what is no header is left out.
 * @param {Response} response
 * @param {unknown} thrown
 */
function setErrorHeaders(response, thrown) {
  for (const [name, given] of entriesOf(readFrom(thrown, 'headers'))) {
    const value = toHeader(given);
    if (value === undefined || !isSettable(name, value) || response.hasHeader(name)) continue;
    response.setHeader(name, value);
  }
}

/** @param {unknown} given */
function toHeader(given) {
  if (typeof given === 'string') return given;
  if (typeof given === 'number') return String(given);
  const list = elementsOf(given, 100);
  return list.length > 0 && list.every((element) => typeof element === 'string') ? list.join(', ') : undefined;
}

/**
 * @param {string} name
 * @param {string} value
 */
function isSettable(name, value) {
  if (NOT_AN_ERRORS.has(name.toLowerCase())) return false;
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
    return true;
  } catch {
    return false;
  }
}

/**
 * Says that the answer depends on what the client accepts.
 * @param {Response} response
 */
function varyOnAccept(response) {
  const current = response.getHeader('vary');
  const fields = current === undefined ? '' : String(current);
  if (/(?:^|[,\s])(?:accept|\*)(?:$|[,\s])/i.test(fields)) return;
  response.setHeader('vary', fields === '' ? 'Accept' : `${fields}, Accept`);
}

module.exports = { removeStale, setErrorHeaders, varyOnAccept };
