'use strict';

const { CarapaceError } = require('./errors');
const { readOptions, readStrings, typeError } = require('./options');

/** @typedef {import('./csp-policy').SourceFunction} SourceFunction */

const POLICY = {
  useDefaults: 'boolean',
  directives: 'object',
  nonce: 'boolean|array',
  strictDynamic: 'boolean',
  allowMissingDefaultSrc: 'boolean',
};

/**
 * Reads one policy or a list of them into the form that the core takes.
 * @param {string} stem
 * @param {string} option
 * @param {any} value
 * @param {SourceFunction[]} functions takes the functions found; their numbers stand in the result
 * @throws {CarapaceError}
 */
function readPolicies(stem, option, value, functions) {
  if (value === undefined || typeof value === 'boolean') return value;
  if (!Array.isArray(value)) return [readPolicy(stem, option, value, functions)];
  if (value.length > 0) {
    return value.map((element, index) => readPolicy(stem, `${option}[${index}]`, element, functions));
  }
  const message = 'the list holds no policy; turn the header off with false';
  throw new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path: `${stem}.${option}` });
}

/**
 * @param {string} stem
 * @param {string} path
 * @param {unknown} value
 * @param {SourceFunction[]} functions
 */
function readPolicy(stem, path, value, functions) {
  const full = `${stem}.${path}`;
  const {
    nonce,
    directives = {},
    useDefaults,
    strictDynamic,
    allowMissingDefaultSrc,
  } = readOptions(full, value, POLICY);
  const names = nonce === true ? ['script-src'] : nonce === false ? [] : nonce;
  return {
    path,
    useDefaults,
    strictDynamic,
    allowMissingDefaultSrc,
    nonce: names === undefined ? undefined : readStrings(`${full}.nonce`, names),
    directives: Object.keys(directives)
      .filter((key) => directives[key] !== undefined)
      .map((key) => ({ key, sources: readSources(`${full}.directives.${key}`, directives[key], functions) })),
  };
}

/**
 * A directive's value as a list of texts and function numbers; undefined removes the directive.
 * @param {string} path
 * @param {any} value
 * @param {SourceFunction[]} functions
 * @returns {(string | number)[] | undefined}
 */
function readSources(path, value, functions) {
  if (value === null) return undefined;
  if (value === true) return [];
  const isOne = typeof value === 'string' || typeof value === 'function';
  if (!isOne && (typeof value !== 'object' || typeof value[Symbol.iterator] !== 'function')) {
    throw typeError(path, value, 'string|function|array|null');
  }
  return Array.from(isOne ? [value] : value, (source, index) => {
    if (typeof source === 'string') return source;
    if (typeof source !== 'function') throw typeError(`${path}[${index}]`, source, 'string|function');
    return functions.push(source) - 1;
  });
}

module.exports = { readPolicies };
