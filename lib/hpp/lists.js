'use strict';

const { isContainer, isPlain, ownValue } = require('../plain-value');

const INDEX = /^(?:0|[1-9]\d{0,9})$/;
const INDEX_END = 2 ** 32 - 1;

/**
 * Whether a value is what several values of one parameter become: an array, or an object that took over from one, which
 * query parsers make of `id[]=1&id[x]=2` and of arrays that are too long for them.
 * @param {unknown} value
 * @returns {value is any[] | Record<string, any>}
 */
function isList(value) {
  if (Array.isArray(value)) return true;
  if (typeof value !== 'object' || value === null || !isPlain(value)) return false;
  // Indices come first among the own keys of an object, and own keys before inherited ones.
  for (const key in value) return isIndex(key) && Object.hasOwn(value, key);
  return false;
}

/** @param {string} key */
function isIndex(key) {
  return INDEX.test(key) && Number(key) < INDEX_END;
}

/**
 * The one value that is kept of a list, which is none itself: the last (or first) text of its elements, or their last
 * (or first) container, of which the same is asked. Undefined when there is none.
 * @param {any[] | Record<string, any>} list
 * @param {'first' | 'last'} keep
 * @returns {unknown}
 */
function keptOf(list, keep) {
  const seen = new Set();
  /** @type {unknown} */
  let value = list;
  while (isList(value)) {
    if (seen.has(value)) return undefined;
    seen.add(value);
    value = elementOf(value, keep);
  }
  return value;
}

/**
 * @param {any} list
 * @param {'first' | 'last'} keep
 */
function elementOf(list, keep) {
  const indices = Object.keys(list).filter(isIndex);
  if (keep === 'last') indices.reverse();
  const text = indices.find((index) => !isContainer(ownValue(list, index)));
  const index = text ?? indices[0];
  return index === undefined ? undefined : ownValue(list, index);
}

module.exports = { isList, keptOf };
