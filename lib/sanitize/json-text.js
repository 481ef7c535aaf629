'use strict';

const native = require('../loader');
const { configure } = require('../errors');

/**
 * @typedef {import('../native/binding').JudgementReply} Judgement
 * @typedef {{ isClean: (text: string) => boolean, judge: (text: string) => Judgement | undefined }} TextRules
 */

const FLAGGED = 2;

/**
 * The rules for strings that hold a JSON object or array: those of `json`, on their bytes.
 * @param {string} stem
 * @param {Record<string, any>} input as checked by the core already
 * @returns {TextRules}
 */
function createTextRules(stem, input) {
  const rules = configure(stem, () => native.JsonRules.compile(input));
  const scan = configure(stem, () => rules.scanner());

  /** @param {string} text */
  function isClean(text) {
    return !isStructure(text) || scan(Buffer.from(text)) < FLAGGED;
  }

  /** @param {string} text */
  function judge(text) {
    if (isClean(text) || !isJson(text)) return undefined;
    const bytes = Buffer.from(text);
    // The core remembers why it refused the text that it scanned last.
    scan(bytes);
    return rules.judge(bytes);
  }

  return { isClean, judge };
}

/**
 * Whether the first character besides whitespace opens an object or an array.
 * @param {string} text
 */
function isStructure(text) {
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    if (unit === 0x7b || unit === 0x5b) return true;
    if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return false;
  }
  return false;
}

/**
 * Text that only looks like JSON, such as a template, is nobody's object.
 * @param {string} text
 */
function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

module.exports = { createTextRules };
