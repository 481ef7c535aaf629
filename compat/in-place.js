'use strict';

const { inspect } = require('../lib/sanitize/inspect');
const { Cleaner } = require('../lib/sanitize/cleaner');
const { isClean } = require('../lib/sanitize/quick-look');
const { defineOwn } = require('../lib/plain-value');

/**
 * @typedef {import('../lib/sanitize/rules').Rules} Rules
 * @typedef {{ value: any, isFound: boolean, isRefused: boolean }} Cleaning `value` is the value given, unless it cannot
 *   be written to
 */

/**
 * Whether there is anything in a value that the rules are about.
 * @param {unknown} value
 * @param {Rules} rules
 */
function hasFindings(value, rules) {
  return inspect(value, rules) !== undefined;
}

/**
 * Has the core judge a value and writes what has to change into the value itself, as packages do whose users hold on to
 * it. Renamed members come last in their object.
 * @param {unknown} value
 * @param {Rules} rules
 * @returns {Cleaning}
 */
function cleanInPlace(value, rules) {
  if (isClean(value, rules)) return { value, isFound: false, isRefused: false };
  const cleaner = new Cleaner(rules);
  const copy = cleaner.clean(value);
  if (cleaner.refusal !== undefined) return { value, isFound: true, isRefused: true };
  const isFound = cleaner.findings.length > 0;
  const isWritten = !cleaner.isChanged || writeBack(cleaner.copies);
  return { value: isWritten ? value : copy, isFound, isRefused: false };
}

/**
 * @param {Map<object, object>} copies by what they are copies of
 * @returns {boolean} whether all of it could be written
 */
function writeBack(copies) {
  const sources = new Map([...copies].map(([source, copy]) => [copy, source]));
  return [...copies].every(([source, copy]) => writeMembers(source, copy, sources));
}

/**
 * @param {any} source
 * @param {any} copy
 * @param {Map<object, object>} sources
 */
function writeMembers(source, copy, sources) {
  // Elements of arrays have no names.
  if (Array.isArray(source)) return true;
  for (const key of Object.keys(source)) {
    if (!Object.hasOwn(copy, key) && !Reflect.deleteProperty(source, key)) return false;
  }
  for (const key of Object.keys(copy)) {
    if (Object.hasOwn(source, key)) continue;
    if (!Object.isExtensible(source)) return false;
    const value = copy[key];
    defineOwn(source, key, sources.get(value) ?? value);
  }
  return true;
}

module.exports = { cleanInPlace, hasFindings };
