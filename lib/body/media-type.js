'use strict';

const { CarapaceError } = require('../errors');

/** @typedef {import('node:http').IncomingMessage} Request */

// A type and a subtype as they can be registered (RFC 6838, section 4.2), then parameters.
const TYPE = /^[ \t]*([a-z0-9][a-z0-9!#$&^_-]{0,126}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,126})[ \t]*(?:;|$)/i;
// The same for what an option names, with `*` in either half.
const PATTERN = /^(?:\*|[a-z0-9][a-z0-9!#$&^_-]{0,126})\/(?:\*|(?:\*\+)?[a-z0-9][a-z0-9!#$&^_.+-]{0,126})$/;
const SHORTHANDS = new Map([
  ['json', 'application/json'],
  ['urlencoded', 'application/x-www-form-urlencoded'],
  ['text', 'text/plain'],
  ['bin', 'application/octet-stream'],
  ['multipart', 'multipart/*'],
]);

/**
 * The media type of a Content-Type field, in lower case and without parameters, or undefined when the field is missing,
 * a list, or malformed.
 * @param {string | undefined} field
 */
function mediaType(field) {
  if (field === undefined) return undefined;
  return TYPE.exec(field)?.[1].toLowerCase();
}

/**
 * The charset parameter of a Content-Type field in lower case; undefined when it is missing or empty. Of several the
 * first counts. Time is linear in the field.
 * @param {string | undefined} field
 */
function charset(field) {
  if (field === undefined) return undefined;
  let equals = -1;
  for (let at = field.indexOf(';'); at !== -1;) {
    if (equals <= at) equals = field.indexOf('=', at);
    if (equals === -1) return undefined;
    const next = field.indexOf(';', at + 1);
    if (next !== -1 && next < equals) {
      at = next;
      continue;
    }
    const { value, end } = parameterValue(field, equals + 1);
    if (
      field
        .slice(at + 1, equals)
        .trim()
        .toLowerCase() === 'charset'
    ) {
      return value.toLowerCase() || undefined;
    }
    at = field.indexOf(';', end);
  }
  return undefined;
}

/**
 * Reads a token or a quoted string (RFC 9110, section 5.6.6).
 * @param {string} field
 * @param {number} start
 * @returns {{ value: string, end: number }}
 */
function parameterValue(field, start) {
  while (field[start] === ' ' || field[start] === '\t') start += 1;
  if (field[start] !== '"') {
    const end = field.indexOf(';', start);
    return end === -1
      ? { value: field.slice(start).trim(), end: field.length }
      : { value: field.slice(start, end).trim(), end };
  }
  let value = '';
  let at = start + 1;
  for (; at < field.length && field[at] !== '"'; at += 1) {
    if (field[at] === '\\') at += 1;
    value += field[at] ?? '';
  }
  return { value, end: at };
}

/**
 * Compiles the option `type` into a test of a request: media types, `*` in either half, a `+suffix`, or the short names
 * `json` and `urlencoded`; or the user's own function.
 * @param {string} path
 * @param {string | string[] | ((request: Request) => unknown)} type
 * @returns {(request: Request) => boolean}
 * @throws {CarapaceError} ERR_CARAPACE_OPTION_VALUE
 */
function compileTypeTest(path, type) {
  if (typeof type === 'function') return (request) => Boolean(type(request));
  const patterns = (Array.isArray(type) ? type : [type]).map((item) => compilePattern(path, item));
  if (patterns.length === 0) throw invalid(path, 'an empty list');
  return (request) => {
    const actual = mediaType(request.headers['content-type']);
    return actual !== undefined && patterns.some((matches) => matches(actual));
  };
}

/**
 * @param {string} path
 * @param {unknown} item
 * @returns {(actual: string) => boolean}
 */
function compilePattern(path, item) {
  if (typeof item !== 'string') throw invalid(path, `a value of type ${typeof item}`);
  const expanded = (SHORTHANDS.get(item) ?? (item.startsWith('+') ? `*/*${item}` : item)).toLowerCase();
  if (!PATTERN.test(expanded)) throw invalid(path, JSON.stringify(item));
  const [type, subtype] = expanded.split('/');
  const suffix = subtype.startsWith('*+') ? subtype.slice(1) : undefined;
  return (actual) => {
    const slash = actual.indexOf('/');
    if (type !== '*' && type !== actual.slice(0, slash)) return false;
    if (suffix !== undefined) return actual.endsWith(suffix);
    return subtype === '*' || subtype === actual.slice(slash + 1);
  };
}

/**
 * @param {string} path
 * @param {string} got
 */
function invalid(path, got) {
  const message = `got ${got}, expected a media type such as "application/json", a list of them, or a function`;
  return new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path });
}

module.exports = { charset, compileTypeTest, mediaType };
