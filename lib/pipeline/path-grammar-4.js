'use strict';

const { PathError } = require('./path-error');

/** @typedef {import('./path-grammar').Piece} Piece */

// The part of path-to-regexp 0.1's grammar, which the router of Express 4 uses, that is no regular expression: text,
// `:name` and `:name?` with a slash or dot before them, and `*`.
const TOKEN = /(\/)?(\.)?:(\w+)(\?)?|\*|\.|[^$.|?*+()[\]{}:\\"^]/y;

/**
 * @param {string} path
 * @param {boolean} isStrict
 * @returns {Piece[][]}
 */
function parseFour(path, isStrict) {
  /** @type {Piece[][]} */
  let all = [[]];
  let since = '';
  for (let at = 0; at < path.length;) {
    TOKEN.lastIndex = at;
    const [match, slash, dot, name, optional] = TOKEN.exec(path) ?? [];
    if (match === undefined) throw new PathError(`has ${JSON.stringify(path[at])}, which is not supported there`);
    at += match.length;
    if (name === undefined) {
      since = match === '*' ? '' : since + match;
      all = append(all, [match === '*' ? { not: '', isEmptyToo: true } : { text: match }]);
      continue;
    }
    checkEnd(path, at, name);
    // In this order, whatever the path says: so `/.:x` never matches there.
    const before = (dot ?? '') + (slash ?? '');
    /** @type {Piece[]} */
    const pieces = before === '' ? [] : [{ text: before }];
    pieces.push({ not: before === '' ? notOf(since, name) : dot ? '/.' : '/' });
    all = optional ? [...append(all, pieces), ...all] : append(all, pieces);
    since = '';
  }
  return isStrict ? all : all.map((pieces) => withLooseEnd(pieces, path.endsWith('/')));
}

/**
 * @param {Piece[][]} all
 * @param {Piece[]} pieces
 */
function append(all, pieces) {
  return all.map((before) => [...before, ...pieces]);
}

/**
 * @param {string} path
 * @param {number} at
 * @param {string} name
 */
function checkEnd(path, at, name) {
  if (path[at] === '*') throw new PathError(`has a "*" after "${name}"`);
}

/**
 * A parameter with text before it stops at that text.
 * @param {string} since
 * @param {string} name
 */
function notOf(since, name) {
  if (since === '' || since.startsWith('/')) {
    if (since.includes('.')) throw new PathError(`has a "." before "${name}" in its segment`);
    return '/';
  }
  if (since.length === 1 && since !== '.') return `/${since}`;
  throw new PathError(`needs one character, not several, between "${name}" and its neighbour`);
}

/**
 * A slash at the end of the path may be missing; a path without one may have one.
 * @param {Piece[]} pieces
 * @param {boolean} hasSlash
 * @returns {Piece[]}
 */
function withLooseEnd(pieces, hasSlash) {
  return [...(hasSlash ? pieces.slice(0, -1) : pieces), { slash: true }];
}

module.exports = { parseFour };
