'use strict';

const native = require('../loader');
const { configure, internalError } = require('../errors');
const { createFindingReporter } = require('../events');
const { IN_PASS_OPTION, readInPass } = require('../hpp/in-pass');
const { bodyError } = require('./body-error');
const { KEY_RULE_OPTIONS, toNativeRules } = require('./key-rules');

/**
 * A parsed form, with the originals of polluted parameters where `hpp` is on; or why there is none.
 * @typedef {{ value: any, polluted?: Record<string, unknown> } | { error: unknown }} Parsed
 * @typedef {import('../hpp/in-pass').InPass} InPass
 */

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
  hpp: IN_PASS_OPTION,
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

/** The rule of parameters that came with several values, by the name that `hpp` gives it. */
const POLLUTED = 'polluted';

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
 * @param {InPass} [chainHpp] what the chain's `hpp` leaves to this pass
 * @returns {{ parseForm: (text: Text, isLatin1: number) => Parsed, separates: boolean }} whether a parsed form has `polluted`
 */
function createFormParser(stem, settings, location, chainHpp) {
  const reportFinding = createFindingReporter(location === 'body' ? 'body' : 'query-parser', settings);
  const hpp = chainHpp ?? readInPass(`${stem}.hpp`, settings.hpp, reportFinding);
  const mode = settings.mode ?? 'enforce';
  const enforced = compile(stem, settings, location, { hpp: hpp?.input });
  const permissive = mode === 'report' ? compile(stem, settings, location, { permissive: true }) : undefined;
  const separates = hpp !== undefined && permissive === undefined;

  /** @param {Text} text @param {number} isLatin1 @returns {Parsed} */
  function parseForm(text, isLatin1) {
    try {
      const json = enforced.parse(text, isLatin1);
      if (enforced.parse.out[0] === 0) return parsed(json);
      const { refusal, polluted } = explain();
      if (permissive) return readAsPeer(permissive.parse(text, isLatin1));
      return refusal ? { error: refusalError(refusal, location) } : parsed(json, polluted?.json);
    } catch (cause) {
      return { error: internalError(cause) };
    }
  }

  /** @param {string} json @param {string} [originals] @returns {Parsed} */
  function parsed(json, originals) {
    if (!separates) return { value: JSON.parse(json) };
    return { value: JSON.parse(json), polluted: originals === undefined ? {} : JSON.parse(originals) };
  }

  function explain() {
    const { refusal, findings, polluted } = enforced.rules.explain() ?? { findings: [] };
    const reportPolluted = hpp?.report ?? reportFinding;
    for (const finding of findings) reportFinding({ ...finding, location }, mode);
    for (const path of polluted?.paths ?? []) reportPolluted({ rule: POLLUTED, path, location, action: 'strip' }, mode);
    if (refusal) {
      const report = refusal.rule === POLLUTED ? reportPolluted : reportFinding;
      report({ ...refusal, location, action: 'reject' }, mode);
    }
    return { refusal, polluted };
  }

  return { parseForm, separates };
}

/**
 * @param {string} stem
 * @param {Record<string, any>} settings
 * @param {'body' | 'query'} location
 * @param {{ permissive?: boolean, hpp?: InPass['input'] }} how
 */
function compile(stem, settings, location, how) {
  const { extended = true } = settings;
  const input = { ...toNativeRules(settings, NATIVE_OPTIONS), extended, ...how };
  const { FormRules } = native;
  const rules = configure(stem, () => (location === 'body' ? FormRules.forBody(input) : FormRules.forQuery(input)));
  const parse = configure(stem, () => (location === 'body' ? rules.bodyParser() : rules.queryParser()));
  return { rules, parse: /** @type {any} */ (parse) };
}

/** @param {string | number} json 0 when even the peer refuses the form */
function readAsPeer(json) {
  return typeof json === 'string' ? { value: JSON.parse(json) } : { error: bodyError('entity.parse.failed') };
}

/**
 * @param {{ rule: string, path: string }} refusal
 * @param {'body' | 'query'} location
 */
function refusalError({ rule, path }, location) {
  const details = rule === POLLUTED ? { rule, pointer: path, location } : { rule, pointer: path };
  return bodyError(TYPES.get(rule) ?? 'entity.rejected', { details });
}

module.exports = { FORM_OPTIONS, createFormParser };
