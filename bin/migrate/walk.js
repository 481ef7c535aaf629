'use strict';

/** @typedef {import('./parse').Node} Node */

const LEFT_OUT = new Set([
  'loc',
  'extra',
  'leadingComments',
  'trailingComments',
  'innerComments',
  'comments',
  'tokens',
]);

/**
 * Visits each node of a tree, parents first. It keeps its own stack: generated sources can be deeper than the stack of calls.
 * @param {Node} root
 * @param {(node: Node, parent: Node | undefined) => void} visit
 */
function walk(root, visit) {
  /** @type {[Node, Node | undefined][]} */
  const waiting = [[root, undefined]];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [node, parent] = next;
    visit(node, parent);
    const children = Object.keys(node)
      .filter((key) => !LEFT_OUT.has(key))
      .flatMap((key) => node[key])
      .filter((value) => typeof value?.type === 'string');
    for (const child of children.reverse()) waiting.push([child, node]);
  }
}

module.exports = { walk };
