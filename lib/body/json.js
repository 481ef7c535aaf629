'use strict';

const native = require('../loader');
const { configure, internalError } = require('../errors');
const { createFindingReporter } = require('../events');
const { readOptions } = require('../options');
const { bodyError } = require('./body-error');
const { KEY_RULE_OPTIONS, toNativeRules } = require('./key-rules');
const { READER_OPTIONS, createBodyReader } = require('./reader');

/** @type {import('../options').OptionTable} */
const OPTIONS = {
  ...READER_OPTIONS,
  ...KEY_RULE_OPTIONS,
  strict: 'boolean',
  reviver: 'function',
  duplicateKeys: 'string',
  maxDepth: 'number',
  maxElements: 'number',
  maxNumberLength: 'number',
};

const NATIVE_OPTIONS = ['duplicateKeys', 'maxDepth', 'maxKeys', 'maxElements', 'maxKeyLength', 'maxNumberLength'];

// What the scan answers (src/bindings/body.rs).
const CLEAN_ASCII = 0;
const CLEAN_TEXT = 1;

const STRUCTURE = /^[ \t\n\r]*[[{]/;
const NOT_A_STRUCTURE = 'the body is not a JSON object or array';

/**
 * @param {import('../../index').JsonOptions} [options]
 * @returns {import('../../index').Middleware}
 */
function json(options) {
  const settings = readOptions('json', options, OPTIONS);
  const parse = createJsonParser(settings);
  const read = createBodyReader('json', settings, {
    type: 'application/json',
    // RFC 8259, section 8.1: UTF-8 and nothing else. ASCII is part of it.
    charsets: (name) => name === 'utf-8' || name === 'utf8' || name === 'us-ascii',
    parse,
  });
  return function json(request, response, next) {
    read(request, response, next);
  };
}

/**
 * @param {Record<string, any>} settings
 * @returns {import('./reader').Parse}
 */
function createJsonParser(settings) {
  const { reviver, strict = true } = settings;
  const rules = configure('json', () => native.JsonRules.compile(toNativeRules(settings, NATIVE_OPTIONS)));
  const scan = configure('json', () => rules.scanner());
  const judge = createJudge(rules, settings);

  return function parse(body) {
    const bytes = skipByteOrderMark(body);
    if (bytes.length === 0) return { value: {} };
    try {
      const verdict = scan(bytes);
      if (verdict === CLEAN_ASCII) return toValue(bytes.toString('latin1'), reviver, strict);
      if (verdict === CLEAN_TEXT) return toValue(bytes.toString(), reviver, strict);
    } catch (cause) {
      return { error: internalError(cause) };
    }
    return judge(bytes, (text) => toValue(text, reviver, strict));
  };
}

/**
 * What happens to a body in which the scan saw something.
 * @param {import('../native/binding').JsonRules} rules
 * @param {Record<string, any>} settings
 * @returns {(body: Buffer, parse: (text: string) => import('./reader').Parsed) => import('./reader').Parsed}
 */
function createJudge(rules, settings) {
  const reportFinding = createFindingReporter('body', settings);
  const mode = settings.mode ?? 'enforce';

  return function judge(body, parse) {
    let judgement;
    try {
      judgement = rules.judge(body);
    } catch (cause) {
      return { error: internalError(cause) };
    }
    const { refusal, text, findings } = judgement;
    for (const finding of findings) reportFinding({ ...finding, location: 'body' }, mode);
    if (refusal) {
      if (!isText(refusal)) return { error: bodyError('entity.parse.failed') };
      reportFinding({ ...refusal, location: 'body', action: 'reject' }, mode);
      if (mode === 'enforce') {
        return { error: bodyError('entity.rejected', { details: { rule: refusal.rule, pointer: refusal.path } }) };
      }
    }
    return parse((mode === 'enforce' ? (text ?? body) : body).toString());
  };
}

/**
 * Whether a refused body is JSON in UTF-8 at all: what is not is refused in report mode too.
 * @param {{ rule: string }} refusal
 */
function isText({ rule }) {
  return rule !== 'malformed' && rule !== 'invalid-utf8';
}

/**
 * @param {string} text
 * @param {((this: any, key: string, value: any) => any) | undefined} reviver
 * @param {boolean} strict
 * @returns {import('./reader').Parsed}
 */
function toValue(text, reviver, strict) {
  if (strict && !STRUCTURE.test(text)) return { error: bodyError('entity.parse.failed', { message: NOT_A_STRUCTURE }) };
  try {
    return { value: JSON.parse(text, reviver) };
  } catch (cause) {
    return { error: bodyError('entity.parse.failed', { cause, message: 'the body is not valid JSON' }) };
  }
}

/** @param {Buffer} body */
function skipByteOrderMark(body) {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;
}

module.exports = { OPTIONS, json };
