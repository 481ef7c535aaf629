'use strict';

const { readOptions } = require('../options');
const { refuse } = require('../refusal');
const { FORM_OPTIONS, createFormParser } = require('./form');
const { createPlainSplitter } = require('./plain-query');

/** @type {import('../options').OptionTable} */
const OPTIONS = {
  ...FORM_OPTIONS,
  onReject: { type: 'string', oneOf: ['answer', 'next'] },
  onEvent: 'function',
};

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
  const splitPlain = createPlainSplitter(settings);

  /** @param {string} query @returns {import('./form').Parsed} */
  function parse(query) {
    const plain = splitPlain?.(query);
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

module.exports = { OPTIONS, createQueryParser, queryParser };
