// What the benchmark of forms and query strings compares: texts, and ways from a text to its value.
import { createRequire } from 'node:module';
import querystring from 'node:querystring';

const require = createRequire(import.meta.url);
const { queryParser } = require('../../index.js');
const { createFormParser } = require('../../lib/body/form.js');
const qs = require('qs');

const PLAIN = ['page=2', 'size=10', 'sort=name', 'order=desc', 'state=open'];
const ESCAPED = ['q=hello+world', 'city=K%C3%B6ln', 'mail=ada%40example.com', 'from=2024-05-06', 'note=a%2Fb'];
const NESTED = ['filter[name]=ada', 'filter[age][from]=20', 'filter[age][to]=40', 'tags[]=red', 'tags[]=blue'];

/** @param {string[]} parts @param {number} count */
function repeat(parts, count) {
  const name = (/** @type {string} */ part, /** @type {number} */ turn) =>
    turn === 0 ? part : part.replace(/^\w+/, `$&${turn}`);
  return Array.from({ length: count }, (_, at) => name(parts[at % parts.length], Math.floor(at / parts.length))).join(
    '&',
  );
}

const COUNTS = [1, 5, 50];

/** Texts by title: of 1, 5 and 50 parameters, plain, with escapes, and with brackets. */
export const TEXTS = Object.fromEntries(
  Object.entries({ plain: PLAIN, escaped: ESCAPED, nested: NESTED }).flatMap(([kind, parts]) =>
    COUNTS.map((count) => [`${count} ${kind}`, repeat(parts, count)]),
  ),
);

/** Small texts that cost a parser more than their size, and the rule that refuses them under the default limits. */
export const BOMBS = {
  'a[x][x]… 10,000 levels': [`a${'[x]'.repeat(10_000)}=1`, 'key-too-long'],
  '1 MB of a&a&…': ['a&'.repeat(500_000), 'too-many-parameters'],
  '500 indices of 999,999': [Array.from({ length: 500 }, (_, at) => `k${at}[999999]=1`).join('&'), 'array-limit'],
};

/** body-parser 2.4's step for a form. @param {Buffer} bytes */
export function bodyParser(bytes, extended = true) {
  const text = bytes.toString();
  let count = 1;
  for (let at = text.indexOf('&'); at !== -1; at = text.indexOf('&', at + 1)) count += 1;
  if (count > 1000) throw new RangeError('too many parameters');
  return qs.parse(text, {
    allowPrototypes: true,
    arrayLimit: extended ? Math.max(100, count) : count,
    depth: extended ? 32 : 0,
    charsetSentinel: false,
    interpretNumericEntities: false,
    charset: 'utf-8',
    parameterLimit: 1000,
    strictDepth: true,
  });
}

/** Express's step for a query string, extended and simple. */
export const express = (/** @type {string} */ text) => qs.parse(text, { allowPrototypes: true });
export const simple = (/** @type {string} */ text) => querystring.parse(text);

/** qs without limits of depth and number. */
export const limitless = (/** @type {string} */ text) =>
  qs.parse(text, { allowPrototypes: true, depth: Infinity, parameterLimit: Infinity });

/** @param {any} options */
function body(options) {
  const { parseForm } = createFormParser('urlencoded', options, 'body');
  return (/** @type {Buffer} */ bytes) => {
    const parsed = parseForm(bytes, 0);
    if ('error' in parsed) throw parsed.error;
    return parsed.value;
  };
}

export const urlencoded = body({});
export const urlencodedHpp = body({ hpp: true });
export const urlencodedFlat = body({ extended: false });
export const query = queryParser();
export const queryHpp = queryParser({ hpp: true });
export const querySimple = queryParser({ extended: false });

/**
 * The same in plain JavaScript, written well: one loop, no regular expression for a name, no copy of the text; brackets,
 * arrays, the rules about names and the limits of count, depth and length.
 * @param {string} text
 */
export function twin(text) {
  const result = {};
  let count = 0;
  for (let start = 0; start <= text.length;) {
    if ((count += 1) > 1000) throw new RangeError('too many parameters');
    const ampersand = text.indexOf('&', start);
    const end = ampersand === -1 ? text.length : ampersand;
    if (end > start) addPart(result, text.slice(start, end));
    start = end + 1;
  }
  return result;
}

/** @param {any} result @param {string} part */
function addPart(result, part) {
  const closed = part.indexOf(']=');
  const equals = closed === -1 ? part.indexOf('=') : closed + 1;
  const name = decode(equals === -1 ? part : part.slice(0, equals));
  const value = equals === -1 ? '' : decode(part.slice(equals + 1));
  if (name === '') return;
  if (name.length > 1024) throw new RangeError('name too long');
  const open = name.indexOf('[');
  if (open <= 0) return put(result, name, value);
  let target = result;
  let key = name.slice(0, open);
  let depth = 0;
  for (let at = open; at !== -1;) {
    const close = name.indexOf(']', at);
    if (close === -1) return put(target, key + name.slice(at), value);
    if ((depth += 1) > 32) throw new RangeError('too deep');
    const inner = name.slice(at + 1, close);
    if (isProhibited(key)) return;
    const isArray = inner === '' || (inner.length < 3 && String(Number(inner)) === inner);
    target = Object.hasOwn(target, key) ? target[key] : (target[key] = isArray ? [] : {});
    if (typeof target !== 'object') return;
    key = inner === '' ? String(target.length) : inner;
    at = name.indexOf('[', close);
  }
  put(target, key, value);
}

/** @param {any} target @param {string} key @param {string} value */
function put(target, key, value) {
  if (isProhibited(key)) return;
  if (!Object.hasOwn(target, key)) target[key] = value;
  else if (Array.isArray(target[key])) target[key].push(value);
  else target[key] = [target[key], value];
}

/** @param {string} key */
function isProhibited(key) {
  const first = key.charCodeAt(0);
  if (first === 36 || (first === 95 && key === '__proto__')) return true;
  if (key.includes('\0')) throw new RangeError('NUL');
  return (first === 99 && key === 'constructor') || key.includes('.$');
}

/** @param {string} text */
function decode(text) {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
