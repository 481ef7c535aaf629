'use strict';

const native = require('../loader');
const { configure, internalError } = require('../errors');
const { createFindingReporter } = require('../events');
const { bodyError } = require('./body-error');
const { KEY_RULE_OPTIONS, toNativeRules } = require('./key-rules');

/** @typedef {{ value: any } | { error: unknown }} Parsed */

/**
 * What `urlencoded` and `queryParser` share.
 * @type {import('../options').OptionTable}
 */
const FORM_OPTIONS = {
  ...KEY_RULE_OPTIONS,
  extended: 'boolean',
  depth: 'number',
  parameterLimit: 'number',
  arrayLimit: 'number',
  duplicates: 'string',
  charsetSentinel: 'boolean',
  interpretNumericEntities: 'boolean',
};

const NATIVE_OPTIONS = [
  'depth',
  'parameterLimit',
  'arrayLimit',
  'duplicates',
  'charsetSentinel',
  'interpretNumericEntities',
  'maxKeys',
  'maxKeyLength',
];

/** The refusals that have a body-parser `type` of their own; the others are `entity.rejected`. */
const TYPES = new Map([
  ['too-large', 'entity.too.large'],
  ['too-many-parameters', 'parameters.too.many'],
  ['too-deep', 'querystring.parse.rangeError'],
  ['invalid-utf8', 'entity.parse.failed'],
]);

/**
 * Compiles the rules and makes the function that parses one form, from the text to the value.
 * @template Text
 * @param {string} stem
 * @param {Record<string, any>} settings as read with FORM_OPTIONS
 * @param {'body' | 'query'} location
 * @returns {(text: Text, isLatin1: number) => Parsed}
 */
function createFormParser(stem, settings, location) {
  const reportFinding = createFindingReporter(location === 'body' ? 'body' : 'query-parser', settings);
  const mode = settings.mode ?? 'enforce';
  const enforced = compile(stem, settings, location, false);
  const permissive = mode === 'report' ? compile(stem, settings, location, true) : undefined;

  return function parseForm(text, isLatin1) {
    try {
      const json = enforced.parse(text, isLatin1);
      if (enforced.parse.out[0] === 0) return { value: JSON.parse(json) };
      const refusal = explain();
      if (permissive) return readAsPeer(permissive.parse(text, isLatin1));
      return refusal ? { error: refusalError(refusal) } : { value: JSON.parse(json) };
    } catch (cause) {
      return { error: internalError(cause) };
    }
  };

  function explain() {
    const { refusal, findings } = enforced.rules.explain() ?? { findings: [] };
    for (const finding of findings) reportFinding({ ...finding, location }, mode);
    if (refusal) reportFinding({ ...refusal, location, action: 'reject' }, mode);
    return refusal;
  }
}

/**
 * @param {string} stem
 * @param {Record<string, any>} settings
 * @param {'body' | 'query'} location
 * @param {boolean} permissive
 */
function compile(stem, settings, location, permissive) {
  const { extended = true } = settings;
  const input = { ...toNativeRules(settings, NATIVE_OPTIONS), extended, permissive };
  const { FormRules } = native;
  const rules = configure(stem, () => (location === 'body' ? FormRules.forBody(input) : FormRules.forQuery(input)));
  const parse = configure(stem, () => (location === 'body' ? rules.bodyParser() : rules.queryParser()));
  return { rules, parse: /** @type {any} */ (parse) };
}

/** @param {string | number} json 0 when even the peer refuses the form */
function readAsPeer(json) {
  return typeof json === 'string' ? { value: JSON.parse(json) } : { error: bodyError('entity.parse.failed') };
}

/** @param {{ rule: string, path: string }} refusal */
function refusalError({ rule, path }) {
  return bodyError(TYPES.get(rule) ?? 'entity.rejected', { details: { rule, pointer: path } });
}

module.exports = { FORM_OPTIONS, createFormParser };
