'use strict';

/**
 * A JSON value as it is written: objects keep every member, be its key there already.
 * @typedef {{ members: [key: string, value: Node][] } | { items: Node[] } | { scalar: any }} Node
 */

const TOKEN = /[ \t\n\r]*([[\]{},:]|"(?:[^"\\]|\\.)*"|[^[\]{},:" \t\n\r]+)/gy;

/**
 * Reads text that `JSON.parse` takes.
 * @param {string} text
 * @returns {Node}
 */
function read(text) {
  const tokens = [...text.matchAll(TOKEN)].map(([, token]) => token);
  let at = 0;
  /** @returns {Node} */
  const value = () => {
    const token = tokens[at++];
    if (token === '{') return { members: list('}', member) };
    return token === '[' ? { items: list(']', value) } : { scalar: JSON.parse(token) };
  };
  /** @returns {[string, Node]} */
  const member = () => {
    const key = JSON.parse(tokens[at]);
    at += 2;
    return [key, value()];
  };
  /** @template T @param {string} end @param {() => T} item @returns {T[]} */
  const list = (end, item) => {
    const items = [];
    while (tokens[at] !== end) {
      items.push(item());
      if (tokens[at] === ',') at += 1;
    }
    at += 1;
    return items;
  };
  return value();
}

/**
 * What the default rules make of a text, worked out as plainly as can be: json() is held against it.
 * @param {string} text one that `JSON.parse` takes
 * @returns {{ isRefused: boolean, hasFindings: boolean, value: any }}
 */
function applyDefaultRules(text) {
  const tree = read(text);
  const result = { isRefused: hasDuplicates(tree), hasFindings: false, value: undefined };
  result.value = build(tree, result);
  return result;
}

/** @param {Node} node @returns {boolean} */
function hasDuplicates(node) {
  if ('items' in node) return node.items.some(hasDuplicates);
  if (!('members' in node)) return false;
  const keys = node.members.map(([key]) => key);
  return new Set(keys).size < keys.length || node.members.some(([, value]) => hasDuplicates(value));
}

/**
 * @param {Node} node
 * @param {{ isRefused: boolean, hasFindings: boolean }} result
 * @returns {any}
 */
function build(node, result) {
  if ('scalar' in node) return node.scalar;
  if ('items' in node) return node.items.map((item) => build(item, result));
  const object = {};
  for (const [key, value] of node.members) {
    if (key.includes('\0')) {
      result.isRefused = true;
    } else if (isStripped(key, value)) {
      result.hasFindings = true;
      continue;
    }
    Object.defineProperty(object, key, {
      value: build(value, result),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return object;
}

/** @param {string} key @param {Node} value */
function isStripped(key, value) {
  if (key === '__proto__' || key.split('.').some((segment) => segment.startsWith('$'))) return true;
  return key === 'constructor' && 'members' in value && value.members.some(([inner]) => inner === 'prototype');
}

module.exports = { applyDefaultRules };
