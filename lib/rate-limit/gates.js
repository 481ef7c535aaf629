'use strict';

const { peerOf } = require('../client-key');
const { isThenable } = require('./inputs');
const { createLooseMatcher, createStrictMatcher } = require('./paths');

/**
 * @typedef {InstanceType<typeof import('./visit')['Visit']>} Visit
 * @typedef {import('./visit').Outcome} Outcome
 * @typedef {import('./inputs').Step} Step
 */

/**
 * The steps before a request is counted, each of which may settle it: paths, `skip`, and lists that are functions.
 * @param {import('./options').Settings} settings
 * @returns {Step[]}
 */
function createGates({ paths, skipPaths, skip, allowList, denyList }) {
  /** @type {Step[]} */
  const steps = [];
  if (paths !== undefined) {
    const isOneOf = createLooseMatcher('paths', paths);
    steps.push((visit) => settleIf(visit, !isOneOf(visit.request), 'skipped'));
  }
  if (skipPaths !== undefined) {
    const isOneOf = createStrictMatcher('skipPaths', skipPaths);
    steps.push((visit) => settleIf(visit, isOneOf(visit.request), 'skipped'));
  }
  if (skip) steps.push(asking(skip, 'skipped'));
  if (typeof denyList === 'function') steps.push(asking(denyList, 'deny-listed'));
  if (typeof allowList === 'function') steps.push(asking(allowList, 'allow-listed'));
  return steps;
}

/**
 * Looks a client up in the lists of addresses; for limiters whose hit does not do it on the way.
 * @param {(peer: string, forwarded: string) => number} listed
 * @param {(request: any) => string} forwardedOf
 * @returns {Step}
 */
function createListGate(listed, forwardedOf) {
  return function checkLists(visit) {
    const listing = listed(peerOf(visit.request), forwardedOf(visit.request));
    return settleIf(visit, listing < 0, listing === -1 ? 'allow-listed' : 'deny-listed');
  };
}

/**
 * @param {(request: any, response: any) => unknown} question
 * @param {Outcome} outcome when the answer is yes
 * @returns {Step}
 */
function asking(question, outcome) {
  return function ask(visit) {
    const answer = question(visit.request, visit.response);
    if (!isThenable(answer)) return settleIf(visit, answer, outcome);
    return Promise.resolve(answer).then((value) => settleIf(visit, value, outcome));
  };
}

/**
 * @param {Visit} visit
 * @param {unknown} answer
 * @param {Outcome} outcome
 * @returns {undefined}
 */
function settleIf(visit, answer, outcome) {
  if (answer) visit.outcome = outcome;
}

module.exports = { createGates, createListGate };
