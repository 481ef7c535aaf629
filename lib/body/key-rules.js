'use strict';

/**
 * The options that every reader and `sanitize` share: what is done about keys, and how large a value may be built.
 * @type {import('../options').OptionTable}
 */
const KEY_RULE = { action: 'string', replaceWith: 'string', allow: 'array' };

const RULES = ['proto', 'operator', 'dotted', 'nul'];

/** @type {import('../options').OptionTable} */
const KEY_RULE_OPTIONS = {
  action: { type: 'string', oneOf: ['strip', 'reject', 'report'] },
  ...Object.fromEntries(RULES.map((rule) => [rule, { type: 'string|object', keys: KEY_RULE }])),
  duplicateKeys: 'string',
  maxDepth: 'number',
  maxKeys: 'number',
  maxElements: 'number',
  maxKeyLength: 'number',
  maxNumberLength: 'number',
};

// The rules that the short option `action` speaks for: the two that let a client change what code does.
const ATTACK_RULES = ['proto', 'operator'];

/**
 * Brings the options into the form that the core checks.
 * @param {Record<string, any>} settings as read with KEY_RULE_OPTIONS
 * @returns {Record<string, any>}
 */
function toNativeRules(settings) {
  const { action, duplicateKeys, maxDepth, maxKeys, maxElements, maxKeyLength, maxNumberLength } = settings;
  /** @type {Record<string, any>} */
  const input = { duplicateKeys, maxDepth, maxKeys, maxElements, maxKeyLength, maxNumberLength };
  for (const rule of RULES) {
    const given = settings[rule];
    if (typeof given === 'string') input[rule] = { action: given };
    else if (given !== undefined) input[rule] = { ...given };
    else if (action !== undefined && ATTACK_RULES.includes(rule)) input[rule] = { action };
  }
  return input;
}

module.exports = { KEY_RULE_OPTIONS, toNativeRules };
