'use strict';

const { emptyLike, isContainer, ownValue, setOwn } = require('../plain-value');
const { pointerOf } = require('../pointer');
const { isList, keptOf } = require('./lists');

/**
 * @typedef {import('./names').NameTree} NameTree
 * @typedef {import('../pointer').Place} Place
 * @typedef {{ place: Place | undefined }} Around
 * @typedef {{ keep: 'first' | 'last' | 'reject', paths: string[], refused: string | undefined }} State
 */

/**
 * Makes sure that the named members are no arrays and no objects. Of a list its one value is kept; where there is none,
 * or lists are not allowed, the path is `refused`.
 *
 * It follows the names, and the elements of an array on the way, so its depth is that of the names.
 * @param {unknown} root
 * @param {'first' | 'last' | 'reject'} keep
 * @param {NameTree} names
 * @returns {{ value: unknown, paths: string[], refused: string | undefined }} `value` is `root` itself if nothing had to change
 */
function enforceScalars(root, keep, names) {
  /** @type {State} */
  const state = { keep, paths: [], refused: undefined };
  const value = isContainer(root) ? through(root, names, { place: undefined }, state) : root;
  return { value, paths: state.paths, refused: state.refused };
}

/**
 * @param {any} container
 * @param {NameTree} names
 * @param {Around} around
 * @param {State} state
 * @returns {any} the container, or a copy with what had to change
 */
function through(container, names, around, state) {
  if (!Array.isArray(container)) return members(container, names, around, state);
  let copy = container;
  for (let index = 0; index < container.length && state.refused === undefined; index += 1) {
    const element = container[index];
    if (!isContainer(element) || Array.isArray(element)) continue;
    const result = members(element, names, { place: { key: index, within: around } }, state);
    if (result === element) continue;
    if (copy === container) copy = Array.from(container);
    copy[index] = result;
  }
  return copy;
}

/**
 * @param {any} object
 * @param {NameTree} names
 * @param {Around} around
 * @param {State} state
 */
function members(object, names, around, state) {
  let copy = object;
  for (const [key, inner] of names.children) {
    const value = Object.hasOwn(object, key) ? ownValue(object, key) : undefined;
    if (!isContainer(value)) continue;
    const place = { key, within: around };
    const result = inner.isEnd ? single(value, place, state) : through(value, inner, { place }, state);
    if (state.refused !== undefined) return copy;
    if (result === value) continue;
    if (copy === object) copy = copyOf(object);
    setOwn(copy, key, result);
  }
  return copy;
}

/**
 * @param {any} value
 * @param {Place} place
 * @param {State} state
 */
function single(value, place, state) {
  const kept = state.keep === 'reject' || !isList(value) ? undefined : keptOf(value, state.keep);
  if (kept === undefined || isContainer(kept)) state.refused = pointerOf(place);
  else state.paths.push(pointerOf(place));
  return kept;
}

/** @param {any} object */
function copyOf(object) {
  const copy = emptyLike(object);
  for (const key of Reflect.ownKeys(object)) {
    const descriptor = /** @type {PropertyDescriptor} */ (Object.getOwnPropertyDescriptor(object, key));
    if ('value' in descriptor) descriptor.writable = true;
    Object.defineProperty(copy, key, { ...descriptor, configurable: true });
  }
  return copy;
}

module.exports = { enforceScalars };
