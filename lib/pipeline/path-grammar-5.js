'use strict';

const { PathError } = require('./path-error');

/**
 * The grammar of path-to-regexp 8, which the router of Express 5 uses, as far as one pass can match it: text, `\` before a
 * character that means something, `:name`, `*name`, and `{…}` around what may be missing.
 * @typedef {import('./path-grammar').Piece} Piece
 * @typedef {{ type: 'text', value: string } | { type: 'param' | 'wildcard', name: string }} Token
 * @typedef {Token | { type: 'group', tokens: Tree[] }} Tree
 */

const ID_START = /^[$_\p{ID_Start}]$/u;
const ID_CONTINUE = /^[$\u200c\u200d\p{ID_Continue}]$/u;
const RESERVED = '}()[]+?!';

/**
 * @param {string} path
 * @param {boolean} isStrict
 * @returns {Piece[][]}
 */
function parseFive(path, isStrict) {
  // What the router does before it compiles a path that need not be strict.
  const text = isStrict || path === '/' ? path : path.replace(/\/+$/, '');
  const tree = new Reader(text).read('');
  return flatten(tree).map((tokens) => {
    const pieces = piecesOf(tokens);
    if (!isStrict) pieces.push({ slash: true });
    return pieces;
  });
}

class Reader {
  /** @param {string} text */
  constructor(text) {
    this.characters = [...text];
    this.index = 0;
  }

  /**
   * @param {string} end
   * @returns {Tree[]}
   */
  read(end) {
    /** @type {Tree[]} */
    const tokens = [];
    let text = '';
    const endText = () => {
      if (text !== '') tokens.push({ type: 'text', value: text });
      text = '';
    };
    while (this.index < this.characters.length) {
      const character = this.characters[this.index++];
      if (character === end) {
        endText();
        return tokens;
      }
      if (character === '\\') text += this.next('a character after "\\"');
      else if (character === ':' || character === '*') {
        endText();
        tokens.push({ type: character === ':' ? 'param' : 'wildcard', name: this.readName(character) });
      } else if (character === '{') {
        endText();
        tokens.push({ type: 'group', tokens: this.read('}') });
      } else if (RESERVED.includes(character)) {
        throw new PathError(`has ${JSON.stringify(character)}, which needs a "\\" before it`);
      } else text += character;
    }
    if (end !== '') throw new PathError('has a "{" without its "}"');
    endText();
    return tokens;
  }

  /** @param {string} what */
  next(what) {
    if (this.index === this.characters.length) throw new PathError(`ends where ${what} was expected`);
    return this.characters[this.index++];
  }

  /** @param {string} sign */
  readName(sign) {
    let name = '';
    const { characters } = this;
    if (characters[this.index] === '"') {
      this.index += 1;
      for (let next = this.next('a quote'); next !== '"'; next = this.next('a quote')) {
        name += next === '\\' ? this.next('a character after "\\"') : next;
      }
    } else if (ID_START.test(characters[this.index])) {
      do name += characters[this.index++];
      while (this.index < characters.length && ID_CONTINUE.test(characters[this.index]));
    }
    if (name === '') throw new PathError(`has a "${sign}" without a name`);
    return name;
  }
}

/**
 * The paths that a path with optional groups stands for.
 * @param {Tree[]} tree
 * @returns {Token[][]}
 */
function flatten(tree) {
  /** @type {Token[][]} */
  let all = [[]];
  for (const token of tree) {
    if (token.type === 'group') {
      const inner = flatten(token.tokens);
      all = all.flatMap((before) => [...inner.map((tokens) => [...before, ...tokens]), before]);
    } else all = all.map((before) => [...before, token]);
    if (all.length > 256) throw new PathError('has too many groups');
  }
  return all;
}

/**
 * What may stand where a capture is depends on what else its segment captures: so the router keeps its expressions from
 * trying things twice, and here it decides what matches.
 * @param {Token[]} tokens
 * @returns {Piece[]}
 */
function piecesOf(tokens) {
  /** @type {Piece[]} */
  const pieces = [];
  /** @type {'param' | 'wildcard' | undefined} */
  let inSegment;
  let hasCapture = false;
  let hasWildcard = false;
  let since = '';
  tokens.forEach((token, index) => {
    if (token.type === 'text') {
      pieces.push({ text: token.value });
      since += token.value;
      if (token.value.includes('/')) inSegment = undefined;
      return;
    }
    if (hasCapture && since === '') throw new PathError(`needs text between "${token.name}" and what is before it`);
    if (inSegment === 'wildcard') throw new PathError(`has "${token.name}" after a wildcard in one segment`);
    if (token.type === 'wildcard') {
      if (hasWildcard) throw new PathError('has more than one wildcard');
      hasWildcard = true;
      pieces.push({ not: '' });
    } else pieces.push(param(token.name, tokens, index, inSegment === 'param' ? since : undefined));
    inSegment = token.type;
    hasCapture = true;
    since = '';
  });
  return pieces;
}

/**
 * @param {string} name
 * @param {Token[]} tokens
 * @param {number} index
 * @param {string | undefined} separator the text since another parameter of the same segment
 * @returns {Piece}
 */
function param(name, tokens, index, separator) {
  const follower = wildcardAfter(tokens, index) ? textAfter(tokens, index) : undefined;
  const text = follower ?? separator;
  if (text === undefined) return { not: '/' };
  if (text.length > 1) throw new PathError(`needs one character, not several, between "${name}" and its neighbour`);
  return follower === undefined ? { not: `/${text}`, or: text } : { not: `/${text}` };
}

/**
 * Whether a wildcard follows in the same segment.
 * @param {Token[]} tokens
 * @param {number} index
 */
function wildcardAfter(tokens, index) {
  for (const token of tokens.slice(index + 1)) {
    if (token.type === 'wildcard') return true;
    if (token.type === 'text' && token.value.includes('/')) return false;
  }
  return false;
}

/**
 * @param {Token[]} tokens
 * @param {number} index
 */
function textAfter(tokens, index) {
  let text = '';
  for (const token of tokens.slice(index + 1)) {
    if (token.type !== 'text') break;
    text += token.value;
  }
  return text;
}

module.exports = { parseFive };
