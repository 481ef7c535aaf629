'use strict';

const { TextDecoder } = require('node:util');

/** @typedef {import('./parser').Format} Format */

/** @type {() => Format} */
const rawFormat = () => ({
  name: 'rawParser',
  type: 'application/octet-stream',
  isBinary: true,
  parse: (bytes) => bytes,
});

/** @type {() => Format} */
const textFormat = () => ({
  name: 'textParser',
  type: 'text/plain',
  accepts: (charset) => isLatin1(charset) || decoderOf(charset) !== undefined,
  parse: (bytes, charset) =>
    isLatin1(charset)
      ? bytes.toString('latin1')
      : /** @type {InstanceType<typeof TextDecoder>} */ (decoderOf(charset)).decode(bytes),
});

/**
 * TextDecoder takes these for windows-1252.
 * @param {string} charset
 */
function isLatin1(charset) {
  return /^(?:latin-?1|iso-?8859-?1|binary)$/.test(charset);
}

/**
 * @param {string} charset
 * @returns {InstanceType<typeof TextDecoder> | undefined} undefined for a charset that Node does not know, such as UTF-7
 */
function decoderOf(charset) {
  try {
    return new TextDecoder(charset);
  } catch {
    return undefined;
  }
}

module.exports = { rawFormat, textFormat };
