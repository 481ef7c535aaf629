'use strict';

const { parseByteSize } = require('../../lib/body/byte-size');

const DEFAULT = '100kb';
// The longest body that can become a string, so more is no limit.
const MOST = 2 ** 29 - 24;
const HUGE = /^\d+(?:\.\d+)? *(?:gb|tb|pb)$/i;

/**
 * Reads the option `limit`: bytes, or text such as `'10mb'`.
 * @param {any} limit
 * @returns {number}
 * @throws {TypeError} in body-parser's words
 */
function readLimit(limit) {
  if (limit === undefined || limit === null) return parseByteSize('limit', DEFAULT);
  if (typeof limit === 'number' && limit > MOST) return MOST;
  try {
    return parseByteSize('limit', typeof limit === 'number' ? Math.floor(limit) : limit);
  } catch {
    if (typeof limit === 'string' && HUGE.test(limit)) return MOST;
    throw new TypeError(`option limit "${String(limit)}" is invalid`);
  }
}

module.exports = { readLimit };
