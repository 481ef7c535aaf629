'use strict';

const native = require('../loader');
const { configure } = require('../errors');

/**
 * @typedef {{ refusal?: import('../native/binding').RefusalReply, findings: import('../native/binding').FindingReply[], text?: string }} Judgement
 * @typedef {{ isClean: (text: string) => boolean, judge: (text: string) => Judgement | undefined }} TextRules
 */

// What the scan answers when it has seen something; clean text is answered otherwise (src/bindings/body.rs).
const FLAGGED = 2;
const REFUSED = 3;

/**
 * The rules for strings that hold a JSON object or array: those of `json`, on their bytes.
 * @param {string} stem
 * @param {Record<string, any>} input as checked by the core already
 * @returns {TextRules}
 */
function createTextRules(stem, input) {
  const rules = configure(stem, () => native.JsonRules.compile(input));
  // Density 0: clean text is not built a second time unless it is ASCII.
  const scan = configure(stem, () => rules.scanner(0));
  const decide = configure(stem, () => rules.judge(true));

  /** @param {string} text */
  function isClean(text) {
    if (!isStructure(text)) return true;
    const answer = scan(Buffer.from(text));
    return answer !== FLAGGED && answer !== REFUSED;
  }

  /** @param {string} text */
  function judge(text) {
    if (isClean(text) || !isJson(text)) return undefined;
    // The core remembers what it saw in the text that it scanned last.
    const answer = decide(Buffer.from(text));
    if (typeof answer !== 'string') return { refusal: rules.refusal() ?? undefined, findings: [] };
    return { findings: rules.findings(), text: answer === text ? undefined : answer };
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
