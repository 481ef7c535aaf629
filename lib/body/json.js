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

// What the scan answers in place of a clean body's text (src/bindings/body.rs).
const DECODE = 1;

// Bytes beyond ASCII in a thousand up to which the text is built natively. Before Node 22 V8's own decoder is slower than
// that for any text; from then on only while Latin-1 with a few escapes will do (bench/body.mjs).
const DENSITY = Number.parseInt(process.versions.node, 10) < 22 ? 1000 : 48;

const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
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
  // A reviver may be shown the source text, in which no character must have become an escape.
  const scan = configure('json', () => rules.scanner(reviver ? 0 : DENSITY));
  const judge = createJudge(rules, settings);

  return function parse(body) {
    const bytes = skipByteOrderMark(body);
    if (bytes.length === 0) return { value: {} };
    try {
      const answer = scan(bytes);
      if (typeof answer === 'string') return toValue(answer, reviver, strict);
      if (answer === DECODE) return toValue(bytes.toString(), reviver, strict);
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
  const decide = configure('json', () => rules.judge(settings.reviver !== undefined));
  const { mode = 'enforce' } = settings;
  const isEnforced = mode === 'enforce';

  return function judge(body, parse) {
    let text;
    let refusal;
    /** @type {import('../native/binding').FindingReply[]} */
    let findings = [];
    try {
      text = decide(body);
      if (typeof text !== 'string') refusal = rules.refusal();
      else if (decide.out[0] > 0 && reportFinding.isHeard()) findings = rules.findings();
    } catch (cause) {
      return { error: internalError(cause) };
    }
    for (const finding of findings) reportFinding({ ...finding, location: 'body' }, mode);
    if (refusal) {
      if (!isText(refusal)) return { error: bodyError('entity.parse.failed') };
      reportFinding({ ...refusal, location: 'body', action: 'reject' }, mode);
      if (isEnforced) {
        return { error: bodyError('entity.rejected', { details: { rule: refusal.rule, pointer: refusal.path } }) };
      }
    }
    return parse(isEnforced && typeof text === 'string' ? text : body.toString());
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
  if (strict && !isStructure(text)) return { error: bodyError('entity.parse.failed', { message: NOT_A_STRUCTURE }) };
  try {
    return { value: JSON.parse(text, reviver) };
  } catch (cause) {
    return { error: bodyError('entity.parse.failed', { cause, message: 'the body is not valid JSON' }) };
  }
}

/** @param {string} text */
function isStructure(text) {
  const first = text.charCodeAt(0);
  return first === OPEN_BRACE || first === OPEN_BRACKET || STRUCTURE.test(text);
}

/** @param {Buffer} body */
function skipByteOrderMark(body) {
  return body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf ? body.subarray(3) : body;
}

module.exports = { OPTIONS, createJsonParser, json };
