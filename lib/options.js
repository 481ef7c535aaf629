'use strict';

const { CarapaceError } = require('./errors');

/**
 * What an option takes: a type name, several joined by `|`, or, for nested options, the types with a table of their
 * own. Ranges and meaning are checked by the core; only options that never cross to it carry their least number
 * or their words here.
 * @typedef {{ type: string, keys?: OptionTable, required?: boolean, least?: number, oneOf?: string[] }} OptionSpec
 * @typedef {string | OptionSpec} OptionRule
 * @typedef {{ [key: string]: OptionRule }} OptionTable
 */

/**
 * Reads the options of one factory: own enumerable keys only, each read once, so that later changes by the caller and
 * a polluted `Object.prototype` have no effect. `undefined` means absent.
 * @param {string} stem the factory's name, the root of every path
 * @param {unknown} options
 * @param {OptionTable} table
 * @returns {Record<string, any>}
 * @throws {CarapaceError} ERR_CARAPACE_OPTION_UNKNOWN, _TYPE, _VALUE or _REQUIRED, with `path`
 */
function readOptions(stem, options, table) {
  if (options === undefined) options = {};
  if (typeOf(options) !== 'object') throw typeError(stem, options, 'object');
  const source = /** @type {Record<string, unknown>} */ (options);
  /** @type {Record<string, any>} */
  const result = Object.create(null);
  for (const key of Object.keys(source)) {
    const value = source[key];
    const path = `${stem}.${key}`;
    if (!Object.hasOwn(table, key)) throw unknownOption(path, key, Object.keys(table));
    if (value !== undefined) result[key] = readValue(path, value, table[key]);
  }
  for (const [key, rule] of Object.entries(table)) {
    if (typeof rule === 'object' && rule.required && !Object.hasOwn(result, key)) {
      throw new CarapaceError('ERR_CARAPACE_OPTION_REQUIRED', `is required and takes ${describe(rule.type)}`, {
        path: `${stem}.${key}`,
      });
    }
  }
  return result;
}

/**
 * @param {string} path
 * @param {unknown} value
 * @param {OptionRule} rule
 * @returns {unknown}
 */
function readValue(path, value, rule) {
  /** @type {OptionSpec} */
  const { type, keys, least, oneOf } = typeof rule === 'string' ? { type: rule } : rule;
  const actual = typeOf(value);
  if (type !== 'any' && !type.split('|').includes(actual)) throw typeError(path, value, type);
  if (keys && actual === 'object') return readOptions(path, value, keys);
  if (least !== undefined && actual === 'number') checkNumber(path, /** @type {number} */ (value), least);
  if (oneOf && actual === 'string') checkWord(path, /** @type {string} */ (value), oneOf);
  return value;
}

/**
 * @param {string} path
 * @param {number} value
 * @param {number} least
 */
function checkNumber(path, value, least) {
  // The longest time a timer takes; beyond it Node would fire at once.
  const isTimer = Number.isInteger(value) && value >= least && value < 2 ** 31;
  if (isTimer || value === Infinity) return;
  const message = `got ${value}, expected a whole number from ${least} to ${2 ** 31 - 1}, or Infinity`;
  throw new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path });
}

/**
 * @param {string} path
 * @param {string} value
 * @param {string[]} words
 */
function checkWord(path, value, words) {
  if (words.includes(value)) return;
  const near = nearest(value, words);
  const hint = near ? `; did you mean "${near}"?` : '';
  const message = `got ${show(value)}, expected one of ${words.map((word) => `"${word}"`).join(', ')}${hint}`;
  throw new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path });
}

/**
 * `typeof`, with `null` and `array` told apart from `object`.
 * @param {unknown} value
 * @returns {string}
 */
function typeOf(value) {
  if (value === null) return 'null';
  return Array.isArray(value) ? 'array' : typeof value;
}

/**
 * @param {string} path
 * @param {unknown} value
 * @param {string} type
 */
function typeError(path, value, type) {
  const message = `got ${show(value)}, expected ${describe(type)}`;
  return new CarapaceError('ERR_CARAPACE_OPTION_TYPE', message, { path });
}

/**
 * A copy of a list that holds nothing but strings.
 * @param {string} path
 * @param {readonly unknown[]} list
 * @returns {string[]}
 * @throws {CarapaceError} ERR_CARAPACE_OPTION_TYPE with the path of the element that is none
 */
function readStrings(path, list) {
  return Array.from(list, (element, index) => {
    if (typeof element !== 'string') throw typeError(`${path}[${index}]`, element, 'string');
    return element;
  });
}

/**
 * @param {string} path
 * @param {string} key
 * @param {string[]} known
 */
function unknownOption(path, key, known) {
  const near = nearest(key, known);
  const hint = near ? `did you mean "${near}"?` : `known are ${known.join(', ')}`;
  return new CarapaceError('ERR_CARAPACE_OPTION_UNKNOWN', `is not an option; ${hint}`, { path });
}

/** @param {string} type */
function describe(type) {
  const names = type.split('|').map((name) => (/^[aeiou]/.test(name) ? `an ${name}` : `a ${name}`));
  return names.join(' or ');
}

/**
 * A value as an error message shows it: short, on one line, never an object's contents.
 * @param {unknown} value
 * @returns {string}
 */
function show(value) {
  const type = typeOf(value);
  if (type === 'string') return JSON.stringify(String(value).slice(0, 40));
  if (type === 'object' || type === 'array' || type === 'function') return `a value of type ${type}`;
  return String(value);
}

/**
 * The known name nearest to what was written, or undefined when none is near.
 * @param {string} name
 * @param {readonly string[]} known
 * @returns {string | undefined}
 */
function nearest(name, known) {
  const wanted = simplify(name);
  let best;
  let bestDistance = Math.max(2, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(wanted, simplify(candidate), bestDistance);
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance];
  }
  return best;
}

/** @param {string} name */
function simplify(name) {
  return name.slice(0, 64).toLowerCase().replace(/[-_]/g, '');
}

/**
 * Levenshtein distance, or `limit` when it is not below that.
 * @param {string} left
 * @param {string} right
 * @param {number} limit
 */
function editDistance(left, right, limit) {
  if (Math.abs(left.length - right.length) >= limit) return limit;
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const substitution = row[j - 1] + (left[i - 1] === right[j - 1] ? 0 : 1);
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, substitution);
    }
    row = next;
  }
  return Math.min(row[right.length], limit);
}

module.exports = { readOptions, readStrings, typeError, nearest, show, typeOf };
