'use strict';

const { isRegExp } = require('node:util').types;
const { CarapaceError } = require('../errors');
const { readOptions, readStrings, typeError } = require('../options');

/**
 * @typedef {import('../native/binding').OriginRuleInput} OriginRuleInput
 */

const STEM = 'cors';

/** @type {import('../options').OptionTable} */
const OPTIONS = {
  origin: 'boolean|string|array|object|function',
  methods: 'string|array',
  allowedHeaders: 'string|array',
  exposedHeaders: 'string|array',
  credentials: 'boolean',
  maxAge: 'number',
  preflightContinue: 'boolean',
  optionsSuccessStatus: 'number',
  allowPrivateNetwork: 'boolean',
  enforce: 'boolean',
  mode: { type: 'string', oneOf: ['enforce', 'report'] },
  onReject: { type: 'string', oneOf: ['answer', 'next'] },
  onEvent: 'function',
};

/**
 * Reads the options of `cors` and brings them into the form that the core takes.
 * @param {unknown} options
 * @returns {{ settings: Record<string, any>, input: import('../native/binding').CorsInput }}
 * @throws {CarapaceError}
 */
function readCorsOptions(options) {
  const settings = readOptions(STEM, options, OPTIONS);
  const { origin = '*', enforce } = settings;
  const kind = kindOf(origin);
  if (enforce && (kind === 'any' || kind === 'every')) {
    const message = 'cannot refuse anybody while origin lets everybody in; list the origins';
    throw new CarapaceError('ERR_CARAPACE_OPTION_CONFLICT', message, { path: `${STEM}.enforce` });
  }
  // Every key is set, so that the core finds none on a polluted Object.prototype.
  const input = {
    origin: kind,
    rules: kind === 'rules' ? readRules(origin) : [],
    credentials: settings.credentials ?? false,
    methods: readNames('methods', settings.methods),
    allowedHeaders: readNames('allowedHeaders', settings.allowedHeaders),
    exposedHeaders: readNames('exposedHeaders', settings.exposedHeaders),
    maxAge: settings.maxAge,
    successStatus: settings.optionsSuccessStatus,
  };
  return { settings: { ...settings, origin }, input };
}

/** @param {unknown} origin */
function kindOf(origin) {
  if (origin === '*') return 'any';
  if (origin === true) return 'every';
  return typeof origin === 'function' || origin === false ? 'function' : 'rules';
}

/**
 * @param {any} origin
 * @returns {OriginRuleInput[]}
 */
function readRules(origin) {
  if (!Array.isArray(origin)) return [readRule('origin', origin)];
  return Array.from(origin, (rule, index) => readRule(`origin[${index}]`, rule));
}

/**
 * @param {string} path
 * @param {unknown} rule
 * @param {boolean} [isLenient]
 * @returns {OriginRuleInput}
 * @throws {CarapaceError} ERR_CARAPACE_OPTION_TYPE
 */
function readRule(path, rule, isLenient = false) {
  const empty = { path, text: undefined, canonical: undefined, source: undefined, flags: undefined, isLenient };
  if (typeof rule === 'string') return { ...empty, text: rule, canonical: canonicalOrigin(rule) };
  if (!isRegExp(rule)) throw typeError(`${STEM}.${path}`, rule, 'string|RegExp');
  return { ...empty, source: rule.source, flags: rule.flags };
}

/**
 * How browsers write the origin of what may have been meant; only for the error message.
 * @param {string} text
 */
function canonicalOrigin(text) {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  return URL.canParse(url) ? new URL(url).origin : undefined;
}

/**
 * @param {string} option
 * @param {any} names
 */
function readNames(option, names) {
  return Array.isArray(names) ? readStrings(`${STEM}.${option}`, names) : names;
}

module.exports = { OPTIONS, STEM, readCorsOptions, readRule };
