'use strict';

const { copyHidden, copyProperty, emptyLike, isContainer, isPlain, ownValue, setOwn } = require('../plain-value');
const { pointerOf } = require('../pointer');
const { isList, keptOf } = require('./lists');
const { below } = require('./names');

/**
 * @typedef {import('./names').NameTree} NameTree
 * @typedef {import('../pointer').Place} Place
 * @typedef {{ source: any, copy: any, keys: string[], at: number, names: NameTree | undefined, place: Place | undefined,
 *   around: Frame | undefined, originals: Record<string, any> | undefined, isWritten: boolean }} Frame
 * @typedef {{ value: any, polluted: Record<string, any>, paths: string[] }} Separated
 */

/** Objects after which the quick look gives up; the exact walk knows what it has seen. */
const LOOK_MAX = 10_000;
/** Most paths that are listed. */
const PATHS_CAP = 100;

/**
 * Whether every parameter has one value. It may say no too often, never yes.
 * @param {object} root
 */
function isSingle(root) {
  const objects = [root];
  for (let at = 0; at < objects.length; at += 1) {
    if (at > LOOK_MAX) return false;
    for (const key of Object.keys(objects[at])) {
      const value = ownValue(objects[at], key);
      if (isList(value)) return false;
      if (isContainer(value)) objects.push(value);
    }
  }
  return true;
}

/**
 * Makes a copy in which each parameter has one value, besides those that `names` exempts with everything below them,
 * and puts the originals aside. Without recursion.
 * @param {object} root
 * @param {'first' | 'last'} keep
 * @param {NameTree | undefined} names
 * @returns {Separated | undefined} undefined when there was nothing to do
 */
function separate(root, keep, names) {
  if (isSingle(root)) return undefined;
  /** @type {Map<object, object>} */
  const copies = new Map();
  /** @type {Record<string, any>} */
  const polluted = {};
  /** @type {string[]} */
  const paths = [];
  /** @type {Frame | undefined} */
  let frame = open(root, { names, place: undefined, around: undefined, isWritten: false }, copies);
  frame.originals = polluted;
  const top = frame.copy;
  while (frame !== undefined) {
    if (frame.at >= frame.keys.length) {
      frame = frame.around;
      continue;
    }
    const key = frame.keys[frame.at++];
    const names = below(frame.names, key);
    let value = ownValue(frame.source, key);
    if (names?.isEnd || !isContainer(value)) {
      copyProperty(frame.source, key, frame.copy);
      continue;
    }
    const place = { key, within: frame };
    let { isWritten } = frame;
    if (isList(value)) {
      if (paths.length < PATHS_CAP) paths.push(pointerOf(place));
      if (!isWritten) setOwn(originalsOf(frame), key, value);
      isWritten = true;
      value = keptOf(value, keep);
      if (leadsToPrototype(key, value)) continue;
    }
    const known = copies.get(/** @type {any} */ (value));
    setOwn(frame.copy, key, known ?? value);
    if (known !== undefined || !isContainer(value)) continue;
    const inner = open(value, { names, place, around: frame, isWritten }, copies);
    setOwn(frame.copy, key, inner.copy);
    frame = inner;
  }
  return paths.length === 0 ? undefined : { value: top, polluted, paths };
}

/**
 * @param {object} source
 * @param {Pick<Frame, 'names' | 'place' | 'around' | 'isWritten'>} where
 * @param {Map<object, object>} copies
 * @returns {Frame}
 */
function open(source, where, copies) {
  const keys = Object.keys(source);
  const copy = emptyLike(source);
  copyHidden(source, keys, copy);
  copies.set(source, copy);
  return { source, copy, keys, at: 0, originals: undefined, ...where };
}

/**
 * Whether what is kept of a list would lead to a prototype, as the list did not: `constructor[0][prototype]` without its
 * index. Rules that have looked at the list let it through.
 * @param {string} key
 * @param {unknown} kept
 */
function leadsToPrototype(key, kept) {
  return key === 'constructor' && isContainer(kept) && Object.hasOwn(kept, 'prototype');
}

/**
 * The object among the polluted originals that stands for a frame.
 * @param {Frame} frame
 * @returns {Record<string, any>}
 */
function originalsOf(frame) {
  /** @type {Frame[]} */
  const missing = [];
  let at = frame;
  while (at.originals === undefined) {
    missing.push(at);
    at = /** @type {Frame} */ (at.around);
  }
  for (const inner of missing.reverse()) {
    inner.originals = {};
    setOwn(/** @type {any} */ (inner.around).originals, /** @type {Place} */ (inner.place).key, inner.originals);
  }
  return /** @type {Record<string, any>} */ (frame.originals);
}

/**
 * Puts back what an earlier `hpp` has put aside, for the names that this one exempts.
 * @param {any} value
 * @param {any} polluted
 * @param {NameTree | undefined} names
 */
function putBack(value, polluted, names) {
  if (names === undefined || !isContainer(polluted)) return;
  /** @type {{ value: any, polluted: any, names: NameTree }[]} */
  const pairs = [{ value, polluted, names }];
  for (const { value, polluted, names } of pairs) {
    for (const key of Object.keys(polluted)) {
      const inner = below(names, key);
      if (inner === undefined || !Object.hasOwn(value, key)) continue;
      if (inner.isEnd) {
        const original = polluted[key];
        const isSet = Reflect.defineProperty(value, key, { value: original, writable: true, enumerable: true });
        if (isSet) delete polluted[key];
      } else if (isContainer(value[key]) && isPlain(polluted[key])) {
        pairs.push({ value: value[key], polluted: polluted[key], names: inner });
      }
    }
  }
}

module.exports = { putBack, separate };
