'use strict';

const { CarapaceError } = require('../errors');

/** @typedef {import('node:http').IncomingMessage} Request */

// RFC 9110, section 8.3.1: a type and a subtype of token characters, then parameters.
const TYPE = /^\s*([!#$%&'*+.^_`|~\w-]{1,127}\/[!#$%&'*+.^_`|~\w-]{1,127})\s*(?:;|$)/;
const CHARSET = /;\s*charset\s*=\s*(?:"([^"\\]{1,64})"|([^\s;"]{1,64}))/i;
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
 * The charset parameter of a Content-Type field in lower case.
 * @param {string | undefined} field
 */
function charset(field) {
  const match = field === undefined ? null : CHARSET.exec(field);
  return match === null ? undefined : (match[1] ?? match[2]).toLowerCase();
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
  const expanded = SHORTHANDS.get(item) ?? (item.startsWith('+') ? `*/*${item}` : item.toLowerCase());
  const [type, subtype, ...rest] = expanded.toLowerCase().split('/');
  if (!type || !subtype || rest.length > 0 || mediaType(expanded) === undefined) {
    throw invalid(path, JSON.stringify(item));
  }
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
