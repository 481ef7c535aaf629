'use strict';

const { hasBody } = require('../lib/body-framing');
const { compileTypeTest, mediaType } = require('../lib/body/media-type');

/** @typedef {(request: any) => boolean} TypeTest */

// What packages expand by a list of all file endings, as far as bodies have such types.
const ENDINGS = new Map([
  ['bin', 'application/octet-stream'],
  ['csv', 'text/csv'],
  ['form', 'application/x-www-form-urlencoded'],
  ['html', 'text/html'],
  ['js', 'text/javascript'],
  ['md', 'text/markdown'],
  ['txt', 'text/plain'],
  ['xml', 'application/xml'],
  ['yaml', 'text/yaml'],
]);

/**
 * The test of a request's Content-Type as the package type-is makes it: what it does not know never matches, and without
 * a type to look for every known Content-Type does. A request without a body never matches.
 * @param {any} types one or several
 * @param {boolean} isStrict whether, as in version 1, a Content-Type with malformed parameters is none
 * @returns {TypeTest}
 */
function createTypeTest(types, isStrict) {
  const isAny = !types || types.length === 0;
  const list = Array.isArray(types) ? types : [types];
  /** @type {TypeTest[]} */
  const tests = isAny ? [isTyped] : list.flatMap((type) => testOf(type) ?? []);
  return (request) =>
    hasBody(request) &&
    (!isStrict || hasParameters(request.headers['content-type'])) &&
    tests.some((test) => test(request));
}

/**
 * Whether what follows the media type is a list of parameters (RFC 9110, section 5.6.6). Linear in the field.
 * @param {string | undefined} field
 */
function hasParameters(field) {
  if (field === undefined || !field.includes(';')) return true;
  const parameter = /; *[\w!#$%&'*+.^`|~-]+ *= *(?:"(?:[^"\\]|\\.)*"|[\w!#$%&'*+.^`|~-]+) */y;
  let end = field.indexOf(';');
  while (end < field.length) {
    parameter.lastIndex = end;
    if (!parameter.test(field)) return false;
    end = parameter.lastIndex;
  }
  return true;
}

/** @type {TypeTest} */
const isTyped = ({ headers }) => mediaType(headers['content-type']) !== undefined;

/**
 * @param {any} type
 * @returns {TypeTest | undefined}
 */
function testOf(type) {
  // Media types are compared as they are written; one in capitals never matches.
  if (typeof type !== 'string' || type !== type.toLowerCase()) return undefined;
  try {
    return compileTypeTest('type', ENDINGS.get(type) ?? type);
  } catch {
    return undefined;
  }
}

module.exports = { createTypeTest };
