'use strict';

/**
 * @typedef {import('./path-grammar').Piece} Piece
 * @typedef {(path: string, isSensitive: boolean) => boolean} PathTest a path that is not sensitive to case is given
 *   folded
 */

// What one step of a pattern takes: a character; one that is not in a set, or another in its place that ends the capture;
// any number of those; a slash or nothing.
const CHARACTER = 0;
const FIRST = 1;
const MORE = 2;
const SLASH = 3;

/**
 * Makes the test for paths of certain shapes. It walks a path once, with all steps at which a shape may be: its time is
 * that of the path times that of the pattern, whatever the path is.
 * @param {Piece[][]} shapes
 * @returns {PathTest}
 */
function createPathTest(shapes) {
  const tests = shapes.map(createShapeTest);
  if (tests.length === 1) return tests[0];
  return (path, isSensitive) => tests.some((test) => test(path, isSensitive));
}

/** @typedef {{ kind: number, text: string, or: string }} Step */

/**
 * @param {Piece[]} pieces
 * @returns {PathTest}
 */
function createShapeTest(pieces) {
  const exact = pieces.flatMap(stepsOf);
  const folded = exact.map(({ kind, text, or }) => ({ kind, text: fold(text), or: fold(or) }));
  const end = exact.findIndex(({ kind }) => kind !== CHARACTER);
  const fixed = end === -1 ? exact.length : end;
  const walkers = [folded, exact].map((steps) => {
    const start = steps
      .slice(0, fixed)
      .map(({ text }) => text)
      .join('');
    return { start, walk: createWalk(steps.slice(fixed)) };
  });
  return function isOfShape(path, isSensitive) {
    const { start, walk } = walkers[isSensitive ? 1 : 0];
    return path.startsWith(start) && walk(path, start.length);
  };
}

/**
 * @param {Piece} piece
 * @returns {Step[]}
 */
function stepsOf(piece) {
  if ('text' in piece) return Array.from({ length: piece.text.length }, (_, index) => character(piece.text[index]));
  if ('slash' in piece) return [{ kind: SLASH, text: '/', or: '' }];
  const more = { kind: MORE, text: piece.not, or: '' };
  return piece.isEmptyToo ? [more] : [{ kind: FIRST, text: piece.not, or: piece.or ?? '' }, more];
}

/** @param {string} text */
function character(text) {
  return { kind: CHARACTER, text, or: '' };
}

/**
 * @param {Step[]} steps
 * @returns {(path: string, start: number) => boolean}
 */
function createWalk(steps) {
  if (steps.length === 0) return (path, start) => start === path.length;
  // At which character a step was last entered; `marks` is kept, because making it costs more than most walks.
  const marks = new Int32Array(steps.length + 1);
  /** @type {[number[], number[]]} */
  const lists = [[], []];

  /** @param {number[]} list @param {number} mark @param {number} step */
  function enter(list, mark, step) {
    for (let at = step; marks[at] !== mark; at += 1) {
      marks[at] = mark;
      list.push(at);
      if (at === steps.length || steps[at].kind < MORE) return;
    }
  }

  return function walk(path, start) {
    let [current, next] = lists;
    current.length = 0;
    marks.fill(0);
    enter(current, 1, 0);
    for (let index = start; index < path.length && current.length > 0; index += 1) {
      next.length = 0;
      const mark = index - start + 2;
      for (const at of current) {
        if (at < steps.length) advance(steps[at], path[index], at, (to) => enter(next, mark, to));
      }
      [current, next] = [next, current];
    }
    return current.includes(steps.length);
  };
}

/**
 * @param {Step} step
 * @param {string} given
 * @param {number} at
 * @param {(to: number) => void} go
 */
function advance({ kind, text, or }, given, at, go) {
  if (kind === CHARACTER || kind === SLASH) {
    if (given === text) go(at + 1);
  } else if (!text.includes(given)) go(kind === FIRST ? at + 1 : at);
  else if (kind === FIRST && or !== '' && given === or) go(at + 2);
}

const ASCII = /^[\0-\x7f]*$/;

/**
 * Characters as a regular expression without regard to case compares them (ECMA-262, Canonicalize).
 * @param {string} text
 */
function fold(text) {
  if (ASCII.test(text)) return text.toUpperCase();
  let folded = '';
  for (let index = 0; index < text.length; index += 1) folded += foldCharacter(text[index]);
  return folded;
}

/** @param {string} character */
function foldCharacter(character) {
  const upper = character.toUpperCase();
  if (upper.length !== 1 || (character > '\x7f' && upper <= '\x7f')) return character;
  return upper;
}

module.exports = { createPathTest, fold };
