'use strict';

/** What rules ask for in a key, as bits; the same as in src/json/keys.rs. */
const MARKS = { proto: 1, constructor: 2, nul: 4, operator: 8, dotted: 16 };

const { proto: PROTO, constructor: CONSTRUCTOR, nul: NUL, operator: OPERATOR, dotted: DOTTED } = MARKS;
const UNDERSCORE = 0x5f;
const SMALL_C = 0x63;
const DOLLAR = 0x24;
const DOT = 0x2e;

/**
 * The marks of a key. Linear in its length.
 * @param {string} key
 * @returns {number}
 */
function marksOf(key) {
  const first = key.charCodeAt(0);
  let marks = 0;
  if (first === UNDERSCORE) marks = key === '__proto__' ? PROTO : 0;
  else if (first === SMALL_C) marks = key === 'constructor' ? CONSTRUCTOR : 0;
  else if (first === DOLLAR) marks = OPERATOR;
  for (let at = 0; at < key.length; at += 1) {
    const unit = key.charCodeAt(at);
    if (unit === DOT) marks |= key.charCodeAt(at + 1) === DOLLAR ? OPERATOR | DOTTED : DOTTED;
    else if (unit === 0) marks |= NUL;
  }
  return marks;
}

const BRACKETS = /[[\]]+/;

/**
 * The segments of a parameter's name that its parser has left whole.
 * @param {string} name
 */
function bracketSegments(name) {
  return name.split(BRACKETS).filter(Boolean);
}

/**
 * The marks of a parameter's name: `u[$ne]` has those of `$ne`, because what reads it may split it later.
 * @param {string} name
 * @returns {number}
 */
function marksOfName(name) {
  if (!name.includes('[')) return marksOf(name);
  const segments = bracketSegments(name);
  return segments.reduce((marks, segment, index) => {
    if (segment !== 'constructor') return marks | marksOf(segment);
    return segments[index + 1] === 'prototype' ? marks | PROTO : marks;
  }, 0);
}

/**
 * Whether a key has more bytes in UTF-8 than allowed; a lone surrogate counts three.
 * @param {string} key
 * @param {number} limit
 */
function isTooLong(key, limit) {
  return key.length * 3 > limit && Buffer.byteLength(key) > limit;
}

module.exports = { MARKS, bracketSegments, isTooLong, marksOf, marksOfName };
