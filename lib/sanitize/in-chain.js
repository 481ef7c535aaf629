'use strict';

const { isDeepStrictEqual } = require('node:util');
const { createRequestCheck } = require('../sanitize');

/** The options that say the same for `sanitize` and for each reader. */
const SHARED = ['action', 'proto', 'operator', 'dotted', 'nul', 'maxKeys', 'maxKeyLength'];
/** Those that give a form a size of its own. */
const FORM_SIZES = ['depth', 'parameterLimit', 'arrayLimit'];

/**
 * Makes `sanitize` for the chain. A value that one of the chain's own readers has just built under the same rules is not
 * walked again: nothing runs between them that could have changed it.
 * @param {import('../../index').SanitizeOptions | undefined} options
 * @param {Record<string, any>} chain the options of every part
 */
function createChainSanitize(options, chain) {
  const check = createRequestCheck(options);
  const own = options ?? {};
  const { json, urlencoded, queryParser } = chain;
  const coversJson = json === false || isJsonCovered(own, json);
  const coversBody = coversJson && (urlencoded === false || isFormCovered(own, urlencoded));
  const coversQuery = queryParser !== false && isFormCovered(own, queryParser);

  /**
   * @param {any} request
   * @param {any} response
   * @param {(error?: unknown) => void} next
   * @param {unknown} givenBody what the body was when the chain began
   */
  return function sanitize(request, response, next, givenBody) {
    check(request, response, next, coversBody && request.body !== givenBody, coversQuery);
  };
}

/**
 * @param {Record<string, any>} own
 * @param {unknown} given the reader's options; `true` and undefined are the defaults
 */
function isJsonCovered(own, given) {
  const reader = readerOptions(given);
  const isSame = ['maxDepth', 'maxElements'].every((name) => own[name] === reader[name]);
  // A reviver may build anything.
  return isSame && reader.reviver === undefined && isCovered(own, reader);
}

/**
 * @param {Record<string, any>} own
 * @param {unknown} given
 */
function isFormCovered(own, given) {
  const reader = readerOptions(given);
  const isSized = own.maxDepth !== undefined || own.maxElements !== undefined;
  return !isSized && FORM_SIZES.every((name) => reader[name] === undefined) && isCovered(own, reader);
}

/**
 * @param {Record<string, any>} own
 * @param {Record<string, any>} reader
 */
function isCovered(own, reader) {
  if (own.jsonStrings || (reader.mode === 'report' && own.mode !== 'report')) return false;
  return SHARED.every((name) => isDeepStrictEqual(own[name], reader[name]));
}

/**
 * @param {unknown} given
 * @returns {Record<string, any>}
 */
function readerOptions(given) {
  return typeof given === 'object' && given !== null ? given : {};
}

module.exports = { createChainSanitize, isFormCovered, readerOptions };
