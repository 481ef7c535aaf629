'use strict';

const native = require('../loader');
const { configure } = require('../errors');
const { toNativeRules } = require('../body/key-rules');
const { segmentsOf } = require('../pointer');
const { MARKS, bracketSegments, marksOf, marksOfName } = require('./key-marks');

/**
 * @typedef {import('../pointer').Place} Place
 * @typedef {'off' | 'report' | 'replace' | 'strip' | 'reject'} Action
 * @typedef {{ name: string, marks: number, action: Action, rank: number, replaceWith: string, allow: (string | undefined)[][] }} Rule
 * @typedef {{ maxDepth: number, maxKeys: number, maxElements: number, maxKeyLength: number }} Limits
 * @typedef {{ rules: Rule[], wanted: number, limits: Limits, text: import('./json-text').TextRules | undefined,
 *   isForm: boolean }} Rules `isForm`: keys are names of parameters, whose brackets a parser may have left
 */

const NATIVE_OPTIONS = ['maxDepth', 'maxKeys', 'maxElements', 'maxKeyLength'];

/** Of several rules that match one key the strictest acts (src/json/rules.rs). */
const RANKS = { off: 0, report: 1, replace: 2, strip: 3, reject: 4 };

/** The rules in the core's order, which decides between equally strict ones. @type {['proto', 'nul', 'operator', 'dotted']} */
const NAMES = ['proto', 'nul', 'operator', 'dotted'];

/**
 * Has the core check the options and fill in the defaults, and brings them into the form that the walk needs.
 * @param {string} stem
 * @param {Record<string, any>} settings
 * @returns {Rules}
 */
function compileRules(stem, settings) {
  const input = toNativeRules(settings, NATIVE_OPTIONS);
  const { maxDepth, maxKeys, maxElements, maxKeyLength, ...resolved } = configure(stem, () =>
    native.resolveRules(input),
  );
  const rules = NAMES.map((name) => {
    const { replaceWith = '' } = resolved[name];
    const action = /** @type {Action} */ (resolved[name].action);
    const marks = MARKS[name] | (name === 'proto' ? MARKS.constructor : 0);
    return {
      name,
      marks,
      action,
      rank: RANKS[action],
      replaceWith,
      allow: (input[name]?.allow ?? []).map(parsePattern),
    };
  });
  const wanted = rules.reduce((marks, rule) => (rule.action === 'off' ? marks : marks | rule.marks), 0);
  const limits = { maxDepth, maxKeys, maxElements, maxKeyLength };
  const text = settings.jsonStrings ? require('./json-text').createTextRules(stem, input) : undefined;
  return { rules, wanted, limits, text, isForm: false };
}

/**
 * The segments of a JSON pointer that the core has checked; undefined stands for any.
 * @param {string} pattern
 */
function parsePattern(pattern) {
  const segments = pattern.split('/').slice(1);
  return segments.map((raw) => (raw === '*' ? undefined : raw.replaceAll('~1', '/').replaceAll('~0', '~')));
}

/**
 * The strictest rule that is about a key with these marks.
 * @param {Rules} rules
 * @param {number} marks
 * @param {Place} [place] for the allow lists; without one they are not asked
 * @returns {Rule | undefined}
 */
function ruleFor({ rules, isForm }, marks, place) {
  /** @type {Rule | undefined} */
  let strictest;
  for (const rule of rules) {
    if ((marks & rule.marks) === 0 || rule.rank <= (strictest?.rank ?? 0)) continue;
    if (place === undefined || !isAllowed(rule, place, isForm)) strictest = rule;
  }
  return strictest;
}

/**
 * @param {Rule} rule
 * @param {Place} place
 * @param {boolean} isForm
 */
function isAllowed({ allow }, place, isForm) {
  if (allow.length === 0) return false;
  const keys = segmentsOf(place);
  const path = isForm ? keys.flatMap(bracketSegments) : keys;
  return allow.some(
    (pattern) =>
      pattern.length === path.length &&
      pattern.every((segment, index) => segment === undefined || segment === path[index]),
  );
}

const SPECIAL = /^\$|\./g;
const FORM_SPECIAL = /(?<=^|[[\]])\$|\./g;
const PROHIBITED_NAMES = ['__proto__', 'constructor', 'prototype'];

/**
 * The new name of a key: `replaceWith` for a `$` at the start and for each dot, or undefined where the new name is
 * prohibited itself.
 * @param {Rules} rules
 * @param {Rule} rule
 * @param {string} key
 * @returns {string | undefined}
 */
function renamed(rules, { replaceWith }, key) {
  const name = key.replace(rules.isForm ? FORM_SPECIAL : SPECIAL, () => replaceWith);
  const segments = rules.isForm ? bracketSegments(name) : [name];
  const marks = rules.isForm ? marksOfName(name) : marksOf(name);
  const isProhibited =
    segments.some((segment) => PROHIBITED_NAMES.includes(segment)) || ruleFor(rules, marks) !== undefined;
  return isProhibited ? undefined : name;
}

module.exports = { compileRules, renamed, ruleFor };
