'use strict';

const { configure } = require('../lib/errors');
const native = require('../lib/loader');
const { MARKS } = require('../lib/sanitize/key-marks');
const { cleanInPlace } = require('./in-place');

/**
 * @typedef {import('../lib/sanitize/rules').Rules} Rules
 * @typedef {import('../lib/sanitize/rules').Action} Action
 */

const LIMITS = { maxDepth: Infinity, maxKeys: Infinity, maxElements: Infinity, maxKeyLength: Infinity };

/** Looks for `__proto__` and `constructor` in the bytes of a text; clean text is answered as a string or 1. */
const scanBytes = configure('secure-json-parse', () => {
  const off = { action: 'off' };
  const rules = { ...LIMITS, maxNumberLength: Infinity, duplicateKeys: 'last', operator: off, dotted: off, nul: off };
  return native.JsonRules.compile({ ...rules, proto: { action: 'reject' } }).scanner(0);
});

/** What the peer does about a key, in the core's words; whatever it does not know removes. */
const ACTIONS = new Map([
  ['error', 'reject'],
  ['ignore', 'off'],
]);

/**
 * @param {any} text
 * @param {any} reviver
 * @param {any} options
 */
function parseChecked(text, reviver, options) {
  if ((options === undefined || options === null) && reviver !== null && typeof reviver === 'object') {
    options = reviver;
    reviver = undefined;
  }
  if (Buffer.isBuffer(text)) text = text.toString();
  if (text && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
  const value = JSON.parse(text, reviver);
  if (value === null || typeof value !== 'object') return value;
  const protoAction = options?.protoAction || 'error';
  const constructorAction = options?.constructorAction || 'error';
  if (protoAction === 'ignore' && constructorAction === 'ignore') return value;
  if (!isSuspect(text)) return value;
  return scan(value, { protoAction, constructorAction, safe: options?.safe });
}

/**
 * Whether a text may hold such a key: written out, or with escapes, which the core looks into.
 * @param {string} text
 */
function isSuspect(text) {
  if (text.includes('__proto__') || text.includes('constructor')) return true;
  if (!text.includes('\\')) return false;
  const answer = scanBytes(Buffer.from(text));
  return typeof answer !== 'string' && answer !== 1;
}

/**
 * Removes what leads to a prototype from the value itself, or refuses it.
 * @param {any} value
 * @param {any} [options]
 */
function scan(value, { protoAction = 'error', constructorAction = 'error', safe } = {}) {
  if (value === null || value === undefined) throw new TypeError('Cannot convert undefined or null to object');
  const cleaning = cleanInPlace(value, rulesOf(protoAction, constructorAction, safe === true));
  if (!cleaning.isRefused) return cleaning.value;
  if (safe === true) return null;
  throw new SyntaxError('Object contains forbidden prototype property');
}

/**
 * @param {string} protoAction
 * @param {string} constructorAction
 * @param {boolean} isSafe
 * @returns {Rules}
 */
function rulesOf(protoAction, constructorAction, isSafe) {
  const proto = ruleOf('proto', protoAction, isSafe);
  const constructor = ruleOf('constructor', constructorAction, isSafe);
  const rules = [proto, constructor];
  const wanted = rules.reduce((marks, rule) => (rule.action === 'off' ? marks : marks | rule.marks), 0);
  return { rules, wanted, limits: LIMITS, text: undefined, isForm: false };
}

/**
 * @param {'proto' | 'constructor'} name
 * @param {string} given
 * @param {boolean} isSafe
 */
function ruleOf(name, given, isSafe) {
  const known = /** @type {Action} */ (ACTIONS.get(given) ?? 'strip');
  const action = isSafe && known !== 'off' ? 'reject' : known;
  const rank = { off: 0, report: 1, replace: 2, strip: 3, reject: 4 }[action];
  return { name, marks: MARKS[name], action, rank, replaceWith: '', allow: [] };
}

/**
 * A stack for an error is dear and of no use: the text is at fault, not the code. So none is collected.
 * @param {any} text
 * @param {any} [reviver]
 * @param {any} [options]
 */
function parse(text, reviver, options) {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return parseChecked(text, reviver, options);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * @param {any} text
 * @param {any} [reviver]
 * @returns {any} null for what is refused, undefined for what is no JSON
 */
function safeParse(text, reviver) {
  try {
    return parse(text, reviver, { safe: true });
  } catch {
    return undefined;
  }
}

module.exports = Object.assign(parse, { default: parse, parse, safeParse, scan });
