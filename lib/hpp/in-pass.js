'use strict';

const { compileNames } = require('./names');

/**
 * What a form's reader needs to do the work of `hpp` in its own pass: the core's options, and who is told.
 * @typedef {{ input: { keep?: string, whitelist?: string[] }, report: import('../events').FindingReporter }} InPass
 */

/** @type {import('../options').OptionSpec} */
const IN_PASS_OPTION = {
  type: 'boolean|object',
  keys: { keep: { type: 'string', oneOf: ['last', 'first', 'reject'] }, whitelist: 'string|array' },
};

/**
 * @param {string} path of the option
 * @param {boolean | Record<string, any> | undefined} given
 * @param {InPass['report']} report
 * @returns {InPass | undefined} undefined when it is off
 */
function readInPass(path, given, report) {
  if (given === undefined || given === false) return undefined;
  const { keep, whitelist } = given === true ? /** @type {Record<string, any>} */ ({}) : given;
  compileNames(`${path}.whitelist`, whitelist);
  return { input: { keep, whitelist: typeof whitelist === 'string' ? [whitelist] : whitelist?.slice() }, report };
}

module.exports = { IN_PASS_OPTION, readInPass };
