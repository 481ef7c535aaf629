'use strict';

const { CarapaceError } = require('../errors');

const UNITS = { b: 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30 };
const SIZE = /^(\d+(?:\.\d+)?) *(b|kb|mb|gb)?$/i;
// The longest string that V8 makes, and so the longest body that it can parse.
const MAX_BYTES = 2 ** 29 - 24;

/**
 * Reads a size: whole bytes as a number, or text such as `'10kb'` (1 kb is 1024 bytes).
 * @param {string} path
 * @param {number | string} size
 * @returns {number}
 * @throws {CarapaceError} ERR_CARAPACE_OPTION_VALUE
 */
function parseByteSize(path, size) {
  const bytes = typeof size === 'number' ? size : parseText(size);
  if (Number.isInteger(bytes) && bytes >= 0 && bytes <= MAX_BYTES) return bytes;
  const message = `got ${JSON.stringify(size) ?? size}, expected bytes from 0 to ${MAX_BYTES}, or text such as "10kb"`;
  throw new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path });
}

/** @param {string} text */
function parseText(text) {
  const match = SIZE.exec(text.slice(0, 32));
  if (match === null || text.length > 32) return NaN;
  const unit = /** @type {keyof typeof UNITS} */ ((match[2] ?? 'b').toLowerCase());
  return Math.floor(Number(match[1]) * UNITS[unit]);
}

module.exports = { parseByteSize };
