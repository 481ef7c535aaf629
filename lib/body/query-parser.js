'use strict';

const { readOptions } = require('../options');
const { refuse } = require('../refusal');
const { FORM_OPTIONS, createFormParser } = require('./form');

/** @type {import('../options').OptionTable} */
const OPTIONS = {
  ...FORM_OPTIONS,
  onReject: { type: 'string', oneOf: ['answer', 'next'] },
  onEvent: 'function',
};

// Text in which every name and value stands for itself and no rule has anything to find: it is split here, and the core
// is not called.
const PLAIN = /^[A-Za-z0-9&=,:;@!*~/?-]*$/;
const PLAIN_LENGTH = 256;

/**
 * @param {import('../../index').QueryParserOptions} [options]
 * @returns {import('../../index').QueryParser}
 */
function queryParser(options) {
  return createQueryParser(options);
}

/**
 * @param {import('../../index').QueryParserOptions} [options]
 * @param {import('./form').InPass} [chainHpp] what the chain's `hpp` leaves to this parser
 * @returns {import('../../index').QueryParser}
 */
function createQueryParser(options, chainHpp) {
  const settings = readOptions('queryParser', options, OPTIONS);
  const { onReject } = settings;
  const { parseForm, separates } = /** @type {ReturnType<typeof createFormParser<string>>} */ (
    createFormParser('queryParser', settings, 'query', chainHpp)
  );
  const isDefault = settings.parameterLimit === undefined && settings.maxKeys === undefined;
  const splitsPlain = isDefault && settings.maxKeyLength === undefined;

  /** @param {string} query @returns {import('./form').Parsed} */
  function parse(query) {
    const plain = splitsPlain ? splitPlain(query) : undefined;
    if (plain === undefined) return parseForm(query, 0);
    return separates ? { value: plain, polluted: {} } : { value: plain };
  }

  /**
   * @param {any} request or, for `app.set('query parser', …)`, the query string
   * @param {any} [response]
   * @param {(error?: unknown) => void} [next]
   */
  function queryParser(request, response, next) {
    if (typeof next !== 'function') return valueOf(parse(request ?? ''));
    const parsed = parse(queryOf(request.url));
    if ('error' in parsed) return refuse(request, response, next, /** @type {any} */ (parsed.error), { onReject });
    setQuery(request, parsed.value);
    // What an earlier `hpp` has put aside belongs to a query that is replaced now.
    if (separates || request.queryPolluted !== undefined) request.queryPolluted = parsed.polluted;
    next();
  }
  return /** @type {any} */ (queryParser);
}

/** @param {import('./form').Parsed} parsed */
function valueOf(parsed) {
  if ('error' in parsed) throw parsed.error;
  return parsed.value;
}

/** @type {unknown} */
let parsedQuery;

/** Gives its field to the object that it is made with. */
class Target {
  /** @param {object} target */
  constructor(target) {
    return target;
  }
}

class WithQuery extends Target {
  query = parsedQuery;
}

/**
 * Express 5 has `query` as a getter that parses on each read: an own property stays what it is. It is defined as a class
 * defines its fields, because `Object.defineProperty` makes V8 turn the request into a hash table.
 * @param {object} request
 * @param {unknown} value
 */
function setQuery(request, value) {
  parsedQuery = value;
  new WithQuery(request);
  parsedQuery = undefined;
}

/** @param {string} url */
function queryOf(url) {
  const start = url.indexOf('?');
  if (start === -1) return '';
  const end = url.indexOf('#', start);
  return end === -1 ? url.slice(start + 1) : url.slice(start + 1, end);
}

/**
 * Splits a query string that needs no decoding, or returns undefined: when a name comes twice, too.
 * @param {string} query
 * @returns {Record<string, string> | undefined}
 */
function splitPlain(query) {
  if (query.length > PLAIN_LENGTH || !PLAIN.test(query)) return undefined;
  /** @type {Record<string, string>} */
  const result = {};
  for (let start = 0; start < query.length;) {
    const ampersand = query.indexOf('&', start);
    const end = ampersand === -1 ? query.length : ampersand;
    const equals = query.indexOf('=', start);
    const nameEnd = equals === -1 || equals > end ? end : equals;
    if (nameEnd > start) {
      const name = query.slice(start, nameEnd);
      // A repeated name, and one that an object inherits, such as constructor.
      if (name in result) return undefined;
      result[name] = nameEnd === end ? '' : query.slice(nameEnd + 1, end);
    } else if (end > start) {
      // A value without a name: what that is depends on the grammar.
      return undefined;
    }
    start = end + 1;
  }
  return result;
}

module.exports = { OPTIONS, createQueryParser, queryParser };
