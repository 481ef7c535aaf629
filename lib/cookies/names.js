'use strict';

/**
 * Cookie names as the app writes them: a name, or a pattern in which `*` stands for any characters.
 * @template T
 * @typedef {{ pattern: string, value: T }} Named
 */

/**
 * Makes the look-up: the name itself first, then the pattern with the most characters besides `*`.
 * @template T
 * @param {Named<T>[]} entries
 * @param {T} otherwise
 * @returns {(name: string) => T}
 */
function compileNames(entries, otherwise) {
  const exact = new Map(entries.map(({ pattern, value }) => [pattern, value]));
  const patterns = entries
    .filter(({ pattern }) => pattern.includes('*'))
    .map(({ pattern, value }) => ({ parts: pattern.split('*'), value, length: pattern.replaceAll('*', '').length }))
    .sort((left, right) => right.length - left.length);
  return function lookUp(name) {
    const known = exact.get(name);
    if (known !== undefined) return known;
    return patterns.find(({ parts }) => matches(name, parts))?.value ?? otherwise;
  };
}

/**
 * Whether the parts occur one after the other, the first at the start and the last at the end. Each is looked for once.
 * @param {string} name
 * @param {string[]} parts at least two
 */
function matches(name, parts) {
  const first = parts[0];
  const last = parts[parts.length - 1];
  const end = name.length - last.length;
  if (!name.startsWith(first) || !name.endsWith(last) || end < first.length) return false;
  let at = first.length;
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at);
    if (found === -1 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

module.exports = { compileNames };
