'use strict';

const { OPTIONS: ERROR_OPTIONS } = require('../error-handler');
const { CarapaceError } = require('../errors');
const { readOptions, typeError, typeOf } = require('../options');
const { PARTS } = require('./parts');
const { PRESETS } = require('./presets');
const { reportHeaders } = require('./report-mode');
const { readRule } = require('./rule');

/**
 * @typedef {Record<string, any>} Options
 * @typedef {import('./rule').Rule & { parts: Options, given: Options, hasGlobalLimit: boolean }} RuleSettings
 */

/** What a part's option may be. A limiter may be one that the app has made, to keep its methods. */
const PART_TYPES = Object.fromEntries(
  PARTS.map(({ name }) => [name, name === 'rateLimit' ? 'object|boolean|function' : 'object|boolean']),
);

/** @type {import('../options').OptionTable} */
const METRICS_OPTIONS = { registry: 'object', prefix: 'string', sample: { type: 'number', least: 1 } };

/** @type {import('../options').OptionTable} */
const OPTIONS = {
  preset: { type: 'string', oneOf: Object.keys(PRESETS) },
  mode: { type: 'string', oneOf: ['enforce', 'report'] },
  onEvent: 'function',
  onReject: { type: 'string', oneOf: ['answer', 'next'] },
  trustProxy: 'boolean|number|string|array',
  ...PART_TYPES,
  routes: 'object',
  errorHandler: { type: 'object', keys: ERROR_OPTIONS },
  metrics: { type: 'object|boolean', keys: METRICS_OPTIONS },
};

/** The options of a rule: those of the parts, and whether the chain's own limiter counts its requests, too. */
const RULE_OPTIONS = { ...PART_TYPES, globalLimit: 'boolean', mode: OPTIONS.mode };

/** Options of the chain that a part gets unless it has its own. */
const SHARED = ['mode', 'onReject', 'trustProxy'];

/**
 * The options of every part and rule: the preset's, the user's, and those of the chain that each part takes.
 * @param {unknown} options
 */
function readSettings(options) {
  const given = readOptions('carapace', options, OPTIONS);
  const preset = PRESETS[/** @type {'web'} */ (given.preset ?? 'web')];
  const parts = partsOf(given, given, preset);
  const rules = Object.entries(given.routes ?? {}).map(([name, own]) => readRuleSettings(name, own, given, parts));
  return { given, parts, rules, metrics: given.metrics };
}

/**
 * @param {Options} own the options of the chain or of a rule
 * @param {Options} chain
 * @param {Options} base what each part starts from
 * @returns {Options} by part: its options, or false
 */
function partsOf(own, chain, base) {
  /** @type {Options} */
  const parts = {};
  for (const part of PARTS) {
    const value = merge(own[part.name], base[part.name], part.isDefault ?? false);
    parts[part.name] = typeOf(value) === 'object' ? withShared(part, value, own, chain) : value;
  }
  return parts;
}

/**
 * @param {any} own
 * @param {any} base
 * @param {boolean} isDefault
 */
function merge(own, base, isDefault) {
  if (own === false || typeof own === 'function') return own;
  const isOn = own !== undefined || (base === undefined ? isDefault : base !== false);
  if (!isOn) return false;
  if (typeof base === 'function' && own !== undefined && own !== true) return own;
  if (typeof base === 'function') return base;
  return { ...objectOf(base), ...objectOf(own) };
}

/** @param {any} value */
function objectOf(value) {
  return typeof value === 'object' ? value : {};
}

/**
 * @param {import('./parts').Part} part
 * @param {Options} options
 * @param {Options} own
 * @param {Options} chain
 */
function withShared({ name, table }, options, own, chain) {
  const result = { ...options };
  for (const option of SHARED) {
    const value = own[option] ?? chain[option];
    if (value !== undefined && Object.hasOwn(table, option)) result[option] ??= value;
  }
  // In report mode nothing is rejected, and an answer of the app's own error handler would be one.
  if (result.mode === 'report' && options.onReject === undefined && name === 'rateLimit') delete result.onReject;
  const mode = own.mode ?? chain.mode;
  if (name === 'securityHeaders' && mode === 'report') return reportHeaders(result);
  if (Object.hasOwn(table, 'client') && chain.trustProxy !== undefined) {
    result.client = { trustProxy: chain.trustProxy, ...result.client };
    if (result.client.header !== undefined && options.client?.trustProxy === undefined) delete result.client.trustProxy;
  }
  return result;
}

/**
 * @param {string} name
 * @param {unknown} own
 * @param {Options} chain
 * @param {Options} parts of the chain
 * @returns {RuleSettings}
 */
function readRuleSettings(name, own, chain, parts) {
  const at = `carapace.routes[${JSON.stringify(name)}]`;
  if (typeOf(own) !== 'object') throw typeError(at, own, 'object');
  const rule = readRule(at, name);
  const given = readOptions(at, own, RULE_OPTIONS);
  // A limiter of a rule joins the chain's and inherits nothing from it.
  const base = { ...parts, rateLimit: undefined, login: undefined };
  return { ...rule, given, parts: partsOf(given, chain, base), hasGlobalLimit: given.globalLimit ?? true };
}

/**
 * Runs what makes a part of a rule, and names the rule in its errors.
 * @template T
 * @param {string} name
 * @param {() => T} make
 * @returns {T}
 */
function inRule(name, make) {
  return withPath(make, (path) => `carapace.routes[${JSON.stringify(name)}].${path}`);
}

/**
 * Runs `make`, and gives the paths of options in its errors other names.
 * @template T
 * @param {() => T} make
 * @param {(path: string) => string} rename
 * @returns {T}
 */
function withPath(make, rename) {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof CarapaceError) || error.path === undefined) throw error;
    const message = error.message.slice(error.path.length + 2);
    throw new CarapaceError(error.code, message, { path: rename(error.path) });
  }
}

module.exports = { OPTIONS, RULE_OPTIONS, inRule, readSettings, withPath };
