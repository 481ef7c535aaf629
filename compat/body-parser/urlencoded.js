'use strict';

const { configure } = require('../../lib/errors');
const native = require('../../lib/loader');
const { compileRules } = require('../../lib/sanitize/rules');
const { cleanInPlace } = require('../in-place');
const { createHttpError } = require('./http-error');

/** @typedef {import('./parser').Format} Format */

const STEM = 'body-parser';
const LATIN1 = 'iso-8859-1';

/** What leads to a prototype is removed, as from JSON (S-34); nothing else. */
const rules = {
  ...compileRules(STEM, {
    proto: 'strip',
    operator: 'off',
    nul: 'off',
    maxDepth: Infinity,
    maxKeys: Infinity,
    maxElements: Infinity,
    maxKeyLength: Infinity,
  }),
  isForm: true,
};

/**
 * @param {any} options
 * @param {{ isExtended: boolean, charsets: string[], isSimple?: boolean }} how `isSimple`: names are kept whole and the
 *   result has no prototype, as `node:querystring` has it
 * @returns {Format}
 */
function urlencodedFormat(options, { isExtended, charsets, isSimple = false }) {
  const parameterLimit = readParameterLimit(options?.parameterLimit);
  const depth = isExtended ? readDepth(options?.depth) : undefined;
  const input = {
    extended: isExtended,
    permissive: true,
    depth,
    parameterLimit,
    charsetSentinel: Boolean(options?.charsetSentinel),
    interpretNumericEntities: Boolean(options?.interpretNumericEntities),
  };
  const parse = isSimple ? simpleParser(input) : bodyParser(input);
  return {
    name: 'urlencodedParser',
    type: 'application/x-www-form-urlencoded',
    refuses: (charset) => !charsets.includes(charset),
    parse(bytes, charset) {
      if (bytes.length === 0) return {};
      if (countParameters(bytes, parameterLimit) > parameterLimit) throw tooMany();
      return cleanInPlace(parse(bytes, charset), rules).value;
    },
  };
}

/**
 * @param {import('../../lib/native/binding').FormInput} input
 * @returns {(bytes: Buffer, charset: string) => any}
 */
function bodyParser(input) {
  const form = configure(STEM, () => native.FormRules.forBody(input));
  const parse = form.bodyParser();
  return (bytes, charset) => {
    const json = parse(bytes, charset === LATIN1 ? 1 : 0);
    if (typeof json === 'string') return JSON.parse(json);
    throw refusalOf(form.explain()?.refusal?.rule);
  };
}

/**
 * @param {import('../../lib/native/binding').FormInput} input
 * @returns {(bytes: Buffer, charset: string) => any}
 */
function simpleParser(input) {
  const form = configure(STEM, () => native.FormRules.forQuery(input));
  const parse = form.queryParser();
  return (bytes) => Object.setPrototypeOf(JSON.parse(/** @type {string} */ (parse(bytes.toString()))), null);
}

/** @param {any} limit */
function readParameterLimit(limit = 1000) {
  if (isNaN(limit) || limit < 1) throw new TypeError('option parameterLimit must be a positive number');
  return isFinite(limit) ? Math.floor(limit) : Infinity;
}

/** @param {any} depth */
function readDepth(depth = 32) {
  if (isNaN(depth) || depth < 0) throw new TypeError('option depth must be a zero or a positive number');
  // What is no number qs takes for its own default.
  if (typeof depth !== 'number') return depth === false ? 0 : 5;
  return isFinite(depth) ? Math.floor(depth) : Infinity;
}

const AMPERSAND = 0x26;

/**
 * Counts no further than the limit.
 * @param {Buffer} bytes
 * @param {number} limit
 */
function countParameters(bytes, limit) {
  let count = 1;
  let at = bytes.indexOf(AMPERSAND);
  while (at !== -1 && count <= limit) {
    count += 1;
    at = bytes.indexOf(AMPERSAND, at + 1);
  }
  return count;
}

/** @param {string | undefined} rule */
function refusalOf(rule) {
  if (rule === 'too-deep') {
    return createHttpError(400, 'The input exceeded the depth', { type: 'querystring.parse.rangeError' });
  }
  return createHttpError(400, 'the form could not be read', { type: 'entity.parse.failed' });
}

function tooMany() {
  return createHttpError(413, 'too many parameters', { type: 'parameters.too.many' });
}

module.exports = { urlencodedFormat };
