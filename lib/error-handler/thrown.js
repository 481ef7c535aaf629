'use strict';

const { types } = require('node:util');

/** Longest text taken from an error, in UTF-16 units. */
const TEXT_CAP = 1000;
/** Causes that are shown in development. */
const MOST_CAUSES = 5;

/**
 * A property of whatever was thrown. Anything can be: null, a string, a proxy whose traps throw, an error with getters that do.
 * @param {unknown} thrown
 * @param {string} key
 * @returns {any} undefined when there is no such property, or reading it throws
 */
function readFrom(thrown, key) {
  if ((typeof thrown !== 'object' || thrown === null) && typeof thrown !== 'function') return undefined;
  try {
    return /** @type {any} */ (thrown)[key];
  } catch {
    return undefined;
  }
}

/**
 * @param {unknown} thrown
 * @param {string} key
 * @returns {string | undefined} undefined for what is no text, or empty; long text is cut
 */
function textFrom(thrown, key) {
  const text = readFrom(thrown, key);
  return typeof text === 'string' && text !== '' ? cut(text) : undefined;
}

/** @param {string} text */
function cut(text) {
  return text.length > TEXT_CAP ? `${text.slice(0, TEXT_CAP)}…` : text;
}

/**
 * Own enumerable members of an object, read once.
 * @param {unknown} object
 * @returns {[string, unknown][]} none for what is no object, or cannot be read
 */
function entriesOf(object) {
  try {
    return typeof object === 'object' && object !== null && !Array.isArray(object) ? Object.entries(object) : [];
  } catch {
    return [];
  }
}

/**
 * At most so many elements of a list.
 * @param {unknown} list
 * @param {number} most
 * @returns {unknown[]} none for what is no array, or cannot be read
 */
function elementsOf(list, most) {
  try {
    return Array.isArray(list) ? Array.prototype.slice.call(list, 0, most) : [];
  } catch {
    return [];
  }
}

/**
 * Whether it is an error, of this realm or of another.
 * @param {unknown} thrown
 */
function isError(thrown) {
  try {
    return types.isNativeError(thrown) || thrown instanceof Error;
  } catch {
    return false;
  }
}

/**
 * What a developer wants to see: the stacks of the error and of its causes, or what was thrown in its place.
 * @param {unknown} thrown
 * @returns {string[]} at least one
 */
function stacksOf(thrown) {
  const seen = new Set();
  const stacks = [];
  for (let at = thrown; at !== undefined && !seen.has(at) && stacks.length <= MOST_CAUSES; at = readFrom(at, 'cause')) {
    seen.add(at);
    stacks.push(describe(at));
  }
  return stacks.length === 0 ? ['undefined was thrown'] : stacks;
}

/** @param {unknown} thrown */
function describe(thrown) {
  const stack = readFrom(thrown, 'stack');
  if (typeof stack === 'string' && stack !== '') return stack.slice(0, 20 * TEXT_CAP);
  if (typeof thrown === 'object' || typeof thrown === 'function') {
    return textFrom(thrown, 'message') ?? `a value of type ${thrown === null ? 'null' : typeof thrown} was thrown`;
  }
  return cut(`${typeof thrown} ${String(thrown)}`);
}

module.exports = { cut, elementsOf, entriesOf, isError, readFrom, stacksOf, textFrom };
