'use strict';

// The longest texts that are split here, and those with escapes or brackets: the core is quicker with longer ones
// (bench/query.mjs).
const LENGTH = 96;
const SHORT_LENGTH = 40;

// Text in which each name stands for itself and concerns no rule, and values need no more than their escapes decoded:
// without `$` and dots in names, and brackets where they mean something.
const PLAIN = /^(?:[\w,:;@!*~/?-]*(?:=[!-%'-Z\\^-~]*)?&)*[\w,:;@!*~/?-]*(?:=[!-%'-Z\\^-~]*)?$/;
const PLAIN_FLAT = /^(?:[\w,:;@!*~/?[\]-]*(?:=[!-%'-~]*)?&)*[\w,:;@!*~/?[\]-]*(?:=[!-%'-~]*)?$/;

/** Parts of the names that only the core judges, wherever they are. */
const JUDGED = /__|constructor/;

/**
 * Makes the function that splits a query string of the plain kind, which most are, without a call into the core. It returns
 * undefined for any other: when a name comes twice, too.
 * @param {Record<string, any>} settings of `queryParser`
 * @returns {((query: string) => Record<string, string> | undefined) | undefined} undefined under options that ask for more
 */
function createPlainSplitter({ extended = true, parameterLimit, maxKeys, maxKeyLength, charsetSentinel = false }) {
  const hasLimits = [parameterLimit, maxKeys, maxKeyLength].some((limit) => limit !== undefined);
  if (hasLimits || charsetSentinel) return undefined;
  return (query) => {
    if (query.length > LENGTH) return undefined;
    const hasBrackets = query.includes('[');
    if (hasBrackets && (extended || query.length > SHORT_LENGTH)) return undefined;
    const isPlain = (hasBrackets ? PLAIN_FLAT : PLAIN).test(query) && !JUDGED.test(query);
    return isPlain ? split(query) : undefined;
  };
}

/**
 * @param {string} query
 * @returns {Record<string, string> | undefined}
 */
function split(query) {
  const isEscaped = query.includes('%') || query.includes('+');
  if (isEscaped && query.length > SHORT_LENGTH) return undefined;
  /** @type {Record<string, string>} */
  const result = {};
  for (let start = 0; start < query.length;) {
    const ampersand = query.indexOf('&', start);
    const end = ampersand === -1 ? query.length : ampersand;
    const equals = query.indexOf('=', start);
    const nameEnd = equals === -1 || equals > end ? end : equals;
    if (nameEnd > start) {
      const name = query.slice(start, nameEnd);
      const raw = nameEnd === end ? '' : query.slice(nameEnd + 1, end);
      const value = isEscaped ? decode(raw) : raw;
      // A repeated name, and one that an object inherits.
      if (value === undefined || name in result) return undefined;
      result[name] = value;
    } else if (end > start) {
      // A value without a name: what that is depends on the grammar.
      return undefined;
    }
    start = end + 1;
  }
  return result;
}

/**
 * @param {string} raw
 * @returns {string | undefined} undefined for escapes that are no UTF-8, and for an equals sign that one may belong to
 */
function decode(raw) {
  const text = raw.includes('+') ? raw.replaceAll('+', ' ') : raw;
  if (!text.includes('%')) return text;
  if (text.includes('=')) return undefined;
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

module.exports = { createPlainSplitter };
