'use strict';

const { readOptions } = require('../options');
const { refuse } = require('../refusal');
const { PARAMS_OPTIONS } = require('./options');
const { createParamJudge } = require('./param-judge');
const { createCheck, createTell } = require('./request-check');
const { compileRules } = require('./rules');

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

module.exports = { params: Object.assign(params, { param }) };
