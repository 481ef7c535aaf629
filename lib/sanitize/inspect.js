'use strict';

const { Cleaner } = require('./cleaner');
const { findOverLimit } = require('./over-limit');
const { isClean } = require('./quick-look');

/**
 * What the rules say about a value that is not clean. Without a `refusal`, `value` is what may be used instead of it:
 * itself, when nothing had to change.
 * @typedef {{ value: unknown, findings: import('./cleaner').Found[], refusal?: import('./cleaner').Refusal }} Inspection
 */

/**
 * Holds a value against the rules: a quick look at all of it, and an exact decision where that sees something.
 * @param {unknown} value
 * @param {import('./rules').Rules} rules
 * @returns {Inspection | undefined} undefined when the value is clean
 */
function inspect(value, rules) {
  if (isClean(value, rules)) return undefined;
  const overLimit = findOverLimit(value, rules.limits);
  if (overLimit !== undefined) return { value, findings: [], refusal: overLimit };
  const cleaner = new Cleaner(rules);
  const copy = cleaner.clean(value);
  const { findings, refusal } = cleaner;
  if (refusal !== undefined) return { value, findings: [], refusal };
  if (findings.length === 0) return undefined;
  return { value: cleaner.isChanged ? copy : value, findings };
}

module.exports = { inspect };
