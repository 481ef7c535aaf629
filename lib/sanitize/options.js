'use strict';

const { KEY_RULE_OPTIONS } = require('../body/key-rules');

/** @type {import('../options').OptionTable} */
const VALUE_OPTIONS = {
  ...KEY_RULE_OPTIONS,
  maxDepth: 'number',
  maxElements: 'number',
  jsonStrings: 'boolean',
};

/** @type {import('../options').OptionTable} */
const PARAMS_OPTIONS = {
  ...VALUE_OPTIONS,
  onReject: { type: 'string', oneOf: ['answer', 'next'] },
  onEvent: 'function',
};

module.exports = { PARAMS_OPTIONS, VALUE_OPTIONS };
