'use strict';

const { CarapaceError } = require('../errors');
const { show } = require('../options');

/**
 * Names of parameters as a tree of their segments: `u.role` and `u[role]` are `u`, then `role`.
 * @typedef {{ children: Map<string, NameTree>, isEnd: boolean }} NameTree
 */

const SEPARATORS = /[.[\]]+/;

/**
 * The segments of a name, whichever way it is written; `a[]` is `a`.
 * @param {string} name
 */
function segmentsOf(name) {
  return name.split(SEPARATORS).filter(Boolean);
}

/**
 * @param {string} path of the option
 * @param {string | unknown[] | undefined} names
 * @returns {NameTree | undefined} undefined without names
 * @throws {CarapaceError} ERR_CARAPACE_OPTION_TYPE or ERR_CARAPACE_OPTION_VALUE
 */
function compileNames(path, names) {
  const list = typeof names === 'string' ? [names] : (names ?? []);
  if (list.length === 0) return undefined;
  const root = emptyTree();
  for (const [index, name] of [...list].entries()) {
    addName(root, name, typeof names === 'string' ? path : `${path}[${index}]`);
  }
  return root;
}

/**
 * @param {NameTree} root
 * @param {unknown} name
 * @param {string} path
 */
function addName(root, name, path) {
  if (typeof name !== 'string') {
    throw new CarapaceError('ERR_CARAPACE_OPTION_TYPE', `got ${show(name)}, expected a string`, { path });
  }
  const segments = segmentsOf(name);
  if (segments.length === 0) {
    const message = `got ${show(name)}, expected the name of a parameter such as "ids" or "filter.tags"`;
    throw new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path });
  }
  let tree = root;
  for (const segment of segments) {
    const child = tree.children.get(segment) ?? emptyTree();
    tree.children.set(segment, child);
    tree = child;
  }
  tree.isEnd = true;
}

/** @returns {NameTree} */
function emptyTree() {
  return { children: new Map(), isEnd: false };
}

/**
 * The part of the tree below a key, which may hold several segments itself: simple query parsers leave `u[role]` whole.
 * @param {NameTree | undefined} tree
 * @param {string} key
 * @returns {NameTree | undefined}
 */
function below(tree, key) {
  if (tree === undefined) return undefined;
  const direct = tree.children.get(key);
  if (direct !== undefined || !SEPARATORS.test(key)) return direct;
  /** @type {NameTree | undefined} */
  let result = tree;
  for (const segment of segmentsOf(key)) {
    result = result?.children.get(segment);
    if (result?.isEnd) return result;
  }
  return result;
}

module.exports = { below, compileNames };
