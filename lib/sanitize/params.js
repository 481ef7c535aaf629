'use strict';

const { readOptions } = require('../options');
const { refuse } = require('../refusal');
const { createParamJudge } = require('./param-judge');
const { createCheck, createTell } = require('./request-check');
const { compileRules } = require('./rules');
const { VALUE_OPTIONS } = require('./values');

/** @type {import('../options').OptionTable} */
const PARAMS_OPTIONS = {
  ...VALUE_OPTIONS,
  onReject: { type: 'string', oneOf: ['answer', 'next'] },
  onEvent: 'function',
};

/**
 * @param {import('../../index').SanitizeParamsOptions} [options]
 * @returns {import('../../index').Middleware}
 */
function params(options) {
  const check = createCheck('sanitize.params', readOptions('sanitize.params', options, PARAMS_OPTIONS), ['params']);
  return function sanitizeParams(request, response, next) {
    check(request, response, next, false, false);
  };
}

/**
 * @param {import('../../index').SanitizeParamsOptions} [options]
 * @returns {import('../../index').ParamHandler}
 */
function param(options) {
  const settings = readOptions('sanitize.params.param', options, PARAMS_OPTIONS);
  const judgeParam = createParamJudge(compileRules('sanitize.params.param', settings));
  const tell = createTell(settings);
  const { onReject } = settings;
  return function sanitizeParam(request, response, next, input, name) {
    const inspection = judgeParam(input, name);
    const refusal = inspection && tell(inspection, 'params');
    if (refusal === undefined) return next();
    refuse(request, response, next, refusal, { onReject });
  };
}

module.exports = { PARAMS_OPTIONS, params: Object.assign(params, { param }) };
