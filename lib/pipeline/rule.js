'use strict';

const { METHODS } = require('node:http');
const { CarapaceError } = require('../errors');
const { PathError } = require('./path-error');

/**
 * @typedef {object} Rule
 * @property {string} name as it is written
 * @property {string | undefined} method undefined: any
 * @property {string} path
 * @property {import('./path-grammar').CompiledPath['matches']} matches
 * @property {string[]} samples paths that it matches
 */

const RULE = /^(?:([A-Za-z-]+) +)?(\S+)$/;

/**
 * Reads the key of a rule: a method, or `ALL`, and a path; or a path alone.
 * @param {string} at its place among the options
 * @param {string} name
 * @returns {Rule}
 * @throws {CarapaceError} ERR_CARAPACE_OPTION_VALUE
 */
function readRule(at, name) {
  const [, word, path] = RULE.exec(name) ?? [];
  if (path === undefined) throw invalid(at, 'is no rule; expected a method and a path, such as "POST /login"');
  const method = word?.toUpperCase();
  if (method !== undefined && method !== 'ALL' && !METHODS.includes(method)) {
    throw invalid(at, `has the method ${word}, which Node does not know`);
  }
  if (!/^[/*{]/.test(path)) throw invalid(at, 'has a path that does not start with "/"');
  return { name, method: method === 'ALL' ? undefined : method, path, ...compile(at, path) };
}

/**
 * @param {string} at
 * @param {string} path
 */
function compile(at, path) {
  // Loaded here, for chains that have rules.
  const { compilePath } = require('./path-grammar');
  try {
    return compilePath(path);
  } catch (error) {
    if (!(error instanceof PathError)) throw error;
    throw invalid(at, `has a path that ${error.message}; docs/carapace.md tells the grammar`);
  }
}

/**
 * @param {string} path
 * @param {string} message
 */
function invalid(path, message) {
  return new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path });
}

/**
 * Whether a rule is about a method. A route for GET answers HEAD as well, in both majors.
 * @param {Rule} rule
 * @param {string} method
 */
function takes(rule, method) {
  return rule.method === undefined || rule.method === method || (method === 'HEAD' && rule.method === 'GET');
}

module.exports = { readRule, takes };
