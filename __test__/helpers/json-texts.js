'use strict';

/** @typedef {import('./random').Random} Random */

const SPACES = ['', '', '', '', ' ', '\n', '\t', '\r\n  '];
const NUMBERS = [
  '0',
  '-0',
  '1',
  '-1.5',
  '1e400',
  '-1e400',
  '1e-400',
  '123456789012345678901234567890',
  '0.1',
  '9007199254740993',
  '1E+2',
  '2e308',
];
const WORDS = [
  '',
  'x',
  'text',
  'é',
  'Ω',
  '中文',
  '😀',
  '\\n',
  '\\"',
  '\\\\',
  '\\u0000',
  '\\ud800',
  '\\udc00x',
  '\\/',
  '$gt',
];
const PLAIN_KEYS = ['a', 'b', 'c', 'id', 'name', 'user', '', 'é', '10', '2', 'prototype', 'key with spaces', '\\u0061'];
const RULE_KEYS = [
  '__proto__',
  '\\u005f_proto__',
  '__prot\\u006f__',
  '\\u005F\\u005Fproto\\u005f\\u005f',
  'constructor',
  'constr\\u0075ctor',
  '$gt',
  '\\u0024ne',
  'a.b',
  'a.$where',
  'a\\u002e$x',
  '\\u0000k',
  '$',
];

/**
 * JSON text with whatever a text may hold: odd spacing, escapes, extreme numbers, lone surrogates.
 * @param {Random} random
 * @param {{ ruleKeys?: boolean, duplicates?: boolean, depth?: number }} [options] whether keys that a rule looks for, and
 *   the same key twice, may come
 * @returns {string}
 */
function jsonText(random, options = {}) {
  const { depth = 4 } = options;
  const space = () => random.pick(SPACES);
  const deeper = { ...options, depth: depth - 1 };
  const kind = depth === 0 ? random.below(4) : random.below(8);
  const around = (/** @type {string} */ inside) => `${space()}${inside}${space()}`;
  if (kind === 0) return around(random.pick(NUMBERS));
  if (kind === 1) return around(random.pick(['true', 'false', 'null']));
  if (kind < 4) return around(jsonString(random));
  if (kind === 4) return around(`[${random.list(4, () => jsonText(random, deeper)).join(',')}]`);
  return around(jsonObject(random, deeper));
}

/** @param {Random} random */
function jsonString(random) {
  return `"${random.list(3, () => random.pick(WORDS)).join('')}"`;
}

/**
 * @param {Random} random
 * @param {{ ruleKeys?: boolean, duplicates?: boolean, depth: number }} options
 */
function jsonObject(random, options) {
  const seen = new Set();
  const members = [];
  for (let left = random.below(6); left > 0; left -= 1) {
    const raw = options.ruleKeys && random.chance(0.25) ? random.pick(RULE_KEYS) : random.pick(PLAIN_KEYS);
    const key = JSON.parse(`"${raw}"`);
    if (seen.has(key) && !options.duplicates) continue;
    seen.add(key);
    const isHolder = key === 'constructor' && random.chance(0.5);
    const value = isHolder ? `{"prototype":${jsonText(random, { ...options, depth: 0 })}}` : jsonText(random, options);
    members.push(`${random.pick(SPACES)}"${raw}"${random.pick(SPACES)}:${value}`);
  }
  return `{${members.join(',')}}`;
}

/**
 * A text with an object or array at the top, nearly always.
 * @param {Random} random
 * @param {Parameters<typeof jsonText>[1]} [options]
 */
function jsonBody(random, options = {}) {
  if (random.chance(0.05)) return jsonText(random, options);
  const items = () => random.list(4, () => jsonText(random, options)).join(',');
  return random.chance(0.2) ? `[${items()}]` : jsonObject(random, { depth: 4, ...options });
}

/**
 * Breaks a text in one place.
 * @param {Random} random
 * @param {string} text
 */
function damage(random, text) {
  const at = random.below(text.length + 1);
  const junk = random.pick([
    '',
    ',',
    '"',
    '}',
    ']',
    '{',
    '\\',
    "'",
    '/**/',
    'NaN',
    '\u0000',
    '\u00a0',
    '\ufeff',
    ':',
    '1',
  ]);
  return text.slice(0, at) + junk + text.slice(at + random.below(3));
}

module.exports = { damage, jsonBody, jsonText };
