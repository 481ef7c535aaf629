'use strict';

const { isContainer, listedKeys, ownValue } = require('../plain-value');
const { pointerOf } = require('../pointer');
const { isTooLong } = require('./key-marks');

/**
 * @typedef {import('./rules').Limits} Limits
 * @typedef {import('../pointer').Place} Place
 * @typedef {{ rule: string, path: string }} Refusal
 * @typedef {{ value: any, keys: string[] | undefined, at: number, depth: number, place: Place | undefined, around: Frame | undefined }} Frame
 */

/**
 * The first limit that a value is over, in the order in which its text would be read, or undefined.
 * @param {unknown} root
 * @param {Limits} limits
 * @returns {Refusal | undefined}
 */
function findOverLimit(root, limits) {
  if (!isContainer(root)) return undefined;
  const seen = new Set([root]);
  let keys = 0;
  /** @type {Frame | undefined} */
  let frame = open(root, undefined, undefined);
  let refusal = overSize(frame, limits);
  while (frame !== undefined && refusal === undefined) {
    const { value, at } = frame;
    if (at >= (frame.keys ?? value).length) {
      frame = frame.around;
      continue;
    }
    frame.at += 1;
    const key = frame.keys?.[at] ?? at;
    const place = { key, within: frame };
    if (typeof key === 'string' && !Array.isArray(value)) {
      keys += 1;
      refusal = overKeys(key, keys, place, limits);
    }
    const member = typeof key === 'string' ? ownValue(value, key) : value[key];
    if (refusal === undefined && isContainer(member) && !seen.has(member)) {
      seen.add(member);
      frame = open(member, place, frame);
      refusal = overSize(frame, limits);
    }
  }
  return refusal;
}

/**
 * @param {any} value
 * @param {Place | undefined} place
 * @param {Frame | undefined} around
 * @returns {Frame}
 */
function open(value, place, around) {
  return { value, keys: listedKeys(value), at: 0, depth: (around?.depth ?? 0) + 1, place, around };
}

/**
 * @param {Frame} frame
 * @param {Limits} limits
 */
function overSize({ value, depth, place }, { maxDepth, maxElements }) {
  if (depth > maxDepth) return { rule: 'too-deep', path: pointerOf(place) };
  const isLong = Array.isArray(value) && value.length > maxElements;
  return isLong ? { rule: 'too-many-elements', path: pointerOf(place) } : undefined;
}

/**
 * @param {string} key
 * @param {number} keys so far
 * @param {Place} place
 * @param {Limits} limits
 */
function overKeys(key, keys, place, { maxKeys, maxKeyLength }) {
  if (keys > maxKeys) return { rule: 'too-many-keys', path: pointerOf(place) };
  return isTooLong(key, maxKeyLength) ? { rule: 'key-too-long', path: pointerOf(place) } : undefined;
}

module.exports = { findOverLimit };
