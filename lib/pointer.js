'use strict';

/** Longest pointer in a report, in UTF-16 units: one segment may exceed it before the rest is cut. */
const CAP = 1000;
const LONE_SURROGATE = /\p{Surrogate}/gu;

/**
 * A place in a value: a member's key or index, and the container that it is in.
 * @typedef {{ place: Place | undefined }} Container
 * @typedef {{ key: string | number, within: Container }} Place
 */

/**
 * The keys from the root down to a place.
 * @param {Place | undefined} place
 * @returns {string[]}
 */
function segmentsOf(place) {
  /** @type {string[]} */
  const segments = [];
  for (let at = place; at !== undefined; at = at.within.place) segments.push(String(at.key));
  return segments.reverse();
}

/**
 * The JSON pointer (RFC 6901) of a place, cut when it is long. Lone surrogates become U+FFFD.
 * @param {Place | undefined} place
 * @returns {string}
 */
function pointerOf(place) {
  return pointerFrom(segmentsOf(place));
}

/**
 * The same of the keys from the root down.
 * @param {readonly string[]} segments
 * @returns {string}
 */
function pointerFrom(segments) {
  let pointer = '';
  for (const segment of segments) {
    if (pointer.length >= CAP) return `${pointer}…`;
    const head = segment.length > CAP ? `${segment.slice(0, CAP)}…` : segment;
    pointer += `/${head.replace(LONE_SURROGATE, '\ufffd').replaceAll('~', '~0').replaceAll('/', '~1')}`;
  }
  return pointer;
}

module.exports = { pointerFrom, pointerOf, segmentsOf };
