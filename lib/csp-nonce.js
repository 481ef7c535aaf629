'use strict';

const { randomFillSync } = require('node:crypto');

/** @typedef {import('node:http').ServerResponse} Response */

// 144 bits: more than the 128 that CSP Level 3 asks for, and a whole number of base64 characters, so no padding.
const NONCE_BYTES = 18;
// One call of the generator for 256 responses: it costs the same for 4 KB as for 18 bytes.
const pool = Buffer.allocUnsafeSlow(NONCE_BYTES * 256);
let used = pool.length;

const NONCE = Symbol('carapace.csp-nonce');

/**
 * The nonce of a response: fresh for each, and one for all policies of it. Templates find it as
 * `res.locals.cspNonce`.
 * @param {Response} response
 * @returns {string} 24 characters of base64
 */
function nonceOf(response) {
  const target = /** @type {any} */ (response);
  const nonce = (target[NONCE] ??= createNonce());
  target.locals ??= Object.create(null);
  target.locals.cspNonce = nonce;
  return nonce;
}

function createNonce() {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const start = used;
  used += NONCE_BYTES;
  return pool.toString('base64', start, used);
}

/**
 * A stored response would be given to others with its nonce, which they then know beforehand (CWE-323): a response with a
 * nonce that says nothing about caching is sent as `private, no-cache`.
 * @type {import('./response-hook').HeadListener}
 */
function keepNonceFresh(response, headers) {
  if (!response.hasHeader('cache-control') && !names(headers).includes('cache-control')) {
    response.setHeader('cache-control', 'private, no-cache');
  }
  return headers;
}

/**
 * @param {import('./response-hook').ExplicitHeaders} headers
 * @returns {string[]} lower case
 */
function names(headers) {
  if (headers === undefined) return [];
  const list = Array.isArray(headers) ? headers.filter((_, index) => index % 2 === 0) : Object.keys(headers);
  return list.map((name) => String(name).toLowerCase());
}

module.exports = { nonceOf, keepNonceFresh };
