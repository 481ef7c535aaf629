'use strict';

const { createJsonParser } = require('../../lib/body/json');

/** @typedef {import('./parser').Format} Format */

/** The peer has one rule, which is ours: what leads to a prototype is removed (S-32). */
const RULES = {
  proto: 'strip',
  operator: 'off',
  nul: 'off',
  duplicateKeys: 'last',
  maxDepth: Infinity,
  maxKeys: Infinity,
  maxElements: Infinity,
  maxKeyLength: Infinity,
  maxNumberLength: Infinity,
};
const STRUCTURE = /^[\x20\x09\x0a\x0d]*([^\x20\x09\x0a\x0d])/;

/**
 * @param {any} options
 * @returns {Format}
 */
function jsonFormat(options) {
  const reviver = typeof options?.reviver === 'function' ? options.reviver : undefined;
  const isStrict = options?.strict !== false;
  const parseBytes = createJsonParser({ ...RULES, reviver, strict: isStrict });
  return {
    name: 'jsonParser',
    type: 'application/json',
    // RFC 8259, section 8.1: what is in another charset passes every filter in front of the app (S-28).
    refuses: (charset) => !charset.startsWith('utf-'),
    accepts: (charset) => charset === 'utf-8',
    parse(bytes) {
      const result = parseBytes(bytes, /** @type {any} */ (undefined));
      if ('value' in result) return result.value;
      throw parseError(bytes, /** @type {any} */ (result.error), isStrict);
    },
  };
}

/**
 * The error that JSON.parse has for a text, as users match on its class.
 * @param {Buffer} bytes
 * @param {any} error of the core
 * @param {boolean} isStrict
 */
function parseError(bytes, error, isStrict) {
  if (error.type !== 'entity.parse.failed') return error;
  const text = bytes.toString().replace(/^\ufeff/, '');
  const own = (isStrict ? strictError(text) : undefined) ?? syntaxError(text) ?? plainly(error.cause);
  return own ?? new SyntaxError('the body is not UTF-8');
}

/**
 * @param {string} text
 * @returns {SyntaxError | undefined} in the words of V8
 */
function syntaxError(text) {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return /** @type {SyntaxError} */ (error);
  }
}

/**
 * The error of a text that is no object and no array: what V8 says of its first character where one must stand.
 * @param {string} text
 */
function strictError(text) {
  const first = STRUCTURE.exec(text)?.[1];
  if (first === '{' || first === '[') return undefined;
  const index = first === undefined ? -1 : text.indexOf(first);
  const error = syntaxError(index < 0 ? '' : text.slice(0, index) + '#'.repeat(text.length - index));
  if (error === undefined) return undefined;
  error.message = error.message.replace(/#+/g, (marks) => text.slice(index, index + marks.length));
  return error;
}

/**
 * What a reviver threw, without its own properties.
 * @param {any} thrown
 */
function plainly(thrown) {
  if (!(thrown instanceof Error)) return thrown;
  for (const key of Object.getOwnPropertyNames(thrown)) {
    if (key !== 'stack' && key !== 'message') delete (/** @type {any} */ (thrown)[key]);
  }
  return thrown;
}

module.exports = { jsonFormat };
