'use strict';

const { parseByteSize } = require('../body/byte-size');
const { PARTS } = require('./parts');

/** @typedef {Record<string, any>} Options */

/** What is done about a key, the mildest first (src/json/rules.rs). */
const ACTIONS = ['off', 'report', 'replace', 'strip', 'reject'];

/**
 * How strict a value of an option is, as a number that grows with it.
 * @type {Record<string, (value: any) => number>}
 */
const STRICTNESS = {
  limit: (value) => -parseByteSize('limit', value ?? '100kb'),
  action: (value) => ACTIONS.indexOf(actionOf(value) ?? 'strip'),
  proto: (value) => ACTIONS.indexOf(actionOf(value) ?? 'strip'),
  operator: (value) => ACTIONS.indexOf(actionOf(value) ?? 'strip'),
  dotted: (value) => ACTIONS.indexOf(actionOf(value) ?? 'off'),
  nul: (value) => ACTIONS.indexOf(actionOf(value) ?? 'reject'),
  keep: (value) => Number(value === 'reject'),
  strictContentType: (value) => Number(value ?? false),
  strict: (value) => Number(value ?? true),
};

/**
 * The parts for a request of which it is not certain that a rule is about it: nothing that the rule switches off, and of
 * both settings the one that lets less through.
 * @param {Options} chain
 * @param {Options} rule
 * @returns {Options}
 */
function stricterParts(chain, rule) {
  /** @type {Options} */
  const result = {};
  for (const { name } of PARTS) {
    const [ours, theirs] = [chain[name], rule[name]];
    if (ours === false) result[name] = theirs;
    else result[name] = typeof ours === 'object' && typeof theirs === 'object' ? stricter(ours, theirs) : ours;
  }
  return result;
}

/**
 * @param {Options} ours
 * @param {Options} theirs
 */
function stricter(ours, theirs) {
  const result = { ...ours };
  for (const [name, value] of Object.entries(theirs)) {
    const strictnessOf = STRICTNESS[name];
    if (strictnessOf !== undefined && strictnessOf(value) > strictnessOf(ours[name])) result[name] = value;
    else if (strictnessOf === undefined && typeof value === 'number' && value < (ours[name] ?? 0)) result[name] = value;
  }
  return result;
}

/** @param {any} rule an action, or an object with one */
function actionOf(rule) {
  if (typeof rule !== 'object') return rule;
  return rule.action ?? (rule.replaceWith === undefined ? undefined : 'replace');
}

module.exports = { stricterParts };
