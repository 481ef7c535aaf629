'use strict';

/**
 * The options that all readers share: what is done about keys. Those of JSON bodies and of forms add their own limits.
 * @type {import('../options').OptionTable}
 */
const KEY_RULE = { action: 'string', replaceWith: 'string', allow: 'array' };

const RULES = ['proto', 'operator', 'dotted', 'nul'];

/** @type {import('../options').OptionTable} */
const KEY_RULE_OPTIONS = {
  action: { type: 'string', oneOf: ['strip', 'reject', 'report'] },
  ...Object.fromEntries(RULES.map((rule) => [rule, { type: 'string|object', keys: KEY_RULE }])),
  maxKeys: 'number',
  maxKeyLength: 'number',
  mode: { type: 'string', oneOf: ['enforce', 'report'] },
  onFinding: 'function',
};

// The rules that the short option `action` speaks for: the two that let a client change what code does.
const ATTACK_RULES = ['proto', 'operator'];

/**
 * Brings the options into the form that the core checks.
 * @param {Record<string, any>} settings
 * @param {string[]} names of the options that the core takes besides the rules
 * @returns {Record<string, any>}
 */
function toNativeRules(settings, names) {
  const { action } = settings;
  /** @type {Record<string, any>} */
  const input = Object.fromEntries(names.map((name) => [name, settings[name]]));
  for (const rule of RULES) {
    const given = settings[rule];
    if (typeof given === 'string') input[rule] = { action: given };
    else if (given !== undefined) input[rule] = { ...given };
    else if (action !== undefined && ATTACK_RULES.includes(rule)) input[rule] = { action };
  }
  return input;
}

module.exports = { KEY_RULE_OPTIONS, toNativeRules };
