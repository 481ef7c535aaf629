'use strict';

const { DENSE_MAX, isPlain, ownValue } = require('../plain-value');
const { MARKS, isTooLong, marksOf, marksOfName } = require('./key-marks');

/** Containers after which those seen are remembered: a value with cycles, or that shares parts, ends all the same. */
const REMEMBER_AFTER = 10_000;

/**
 * @typedef {import('./rules').Rules} Rules
 * @typedef {{ rules: Rules, next: any[], keys: number }} Look
 */

/**
 * Whether there is nothing in a value that a rule or a limit could be about. It may say no too often, never yes.
 *
 * Level by level, so neither depth nor width costs stack; nothing is allocated for a member.
 * @param {unknown} root
 * @param {Rules} rules
 * @returns {boolean}
 */
function isClean(root, rules) {
  /** @type {Look} */
  const look = { rules, next: [], keys: 0 };
  if (!isCleanValue(look, root)) return false;
  /** @type {Set<unknown> | undefined} */
  let seen;
  let count = 0;
  for (let depth = 1; look.next.length > 0; depth += 1) {
    const level = look.next;
    if (depth > rules.limits.maxDepth) return false;
    look.next = [];
    for (const container of level) {
      count += 1;
      if (count > REMEMBER_AFTER) {
        seen ??= new Set();
        if (seen.has(container)) continue;
        seen.add(container);
      }
      if (!(Array.isArray(container) ? isCleanArray(look, container) : isCleanObject(look, container))) return false;
    }
  }
  return true;
}

/**
 * @param {Look} look
 * @param {any[]} array
 */
function isCleanArray(look, array) {
  if (array.length > look.rules.limits.maxElements) return false;
  if (array.length > DENSE_MAX) {
    for (const index in array) if (!isCleanValue(look, ownValue(array, index))) return false;
    return true;
  }
  for (let index = 0; index < array.length; index += 1) {
    if (!isCleanValue(look, array[index])) return false;
  }
  return true;
}

/**
 * @param {Look} look
 * @param {Record<string, any>} object
 */
function isCleanObject(look, object) {
  const { wanted, limits, isForm } = look.rules;
  for (const key in object) {
    const descriptor = Object.getOwnPropertyDescriptor(object, key);
    if (descriptor === undefined) continue;
    const { value } = descriptor;
    look.keys += 1;
    const marks = (isForm ? marksOfName(key) : marksOf(key)) & wanted;
    if (marks !== 0 && (marks !== MARKS.constructor || (typeof value === 'object' && value !== null))) return false;
    if (look.keys > limits.maxKeys || isTooLong(key, limits.maxKeyLength)) return false;
    if (!isCleanValue(look, value)) return false;
  }
  return true;
}

/**
 * Looks at a string, and keeps a container for later.
 * @param {Look} look
 * @param {unknown} value
 */
function isCleanValue(look, value) {
  if (typeof value === 'object' && value !== null) {
    if (Array.isArray(value) || isPlain(value)) look.next.push(value);
    return true;
  }
  return typeof value !== 'string' || look.rules.text === undefined || look.rules.text.isClean(value);
}

module.exports = { isClean };
