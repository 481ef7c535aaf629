'use strict';

const { pointerOf } = require('../pointer');
const { MARKS, marksOf } = require('./key-marks');
const { ruleFor } = require('./rules');

/** A route parameter often ends as a name: of a field, a file, a member. Dots and `constructor` are common in those. */
const JUDGED = MARKS.proto | MARKS.operator | MARKS.nul;

/**
 * Makes the judge of decoded route parameters. Nothing can be taken away from a route, so every action besides `report`
 * and `off` refuses.
 * @param {import('./rules').Rules} rules
 * @returns {(value: unknown, name: string) => import('./inspect').Inspection | undefined}
 */
function createParamJudge(rules) {
  return function judgeParam(value, name) {
    // A wildcard of Express 5 is an array of segments.
    const segments = Array.isArray(value) ? value : [value];
    /** @type {import('./cleaner').Found[]} */
    const findings = [];
    for (const segment of segments) {
      const marks = typeof segment === 'string' ? marksOf(segment) & rules.wanted & JUDGED : 0;
      if (marks === 0) continue;
      const place = { key: name, within: { place: undefined } };
      const rule = ruleFor(rules, marks, place);
      if (rule === undefined) continue;
      const found = { rule: rule.name, path: pointerOf(place) };
      if (rule.action !== 'report') return { value, findings: [], refusal: found };
      findings.push({ ...found, action: 'report' });
    }
    return findings.length === 0 ? undefined : { value, findings };
  };
}

module.exports = { createParamJudge };
