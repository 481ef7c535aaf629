'use strict';

const { mediaType } = require('../body/media-type');
const { internalError } = require('../errors');
const { createFindingReporter } = require('../events');
const { defineOwn, partOf } = require('../plain-value');
const { refuse } = require('../refusal');
const { inspect } = require('./inspect');
const { createParamJudge } = require('./param-judge');
const { refusalError } = require('./refusal-error');
const { compileRules } = require('./rules');

/**
 * @typedef {'body' | 'query' | 'params' | 'headers'} Location
 * @typedef {import('./inspect').Inspection} Inspection
 * @typedef {InstanceType<typeof import('../errors')['CarapaceError']>} CarapaceError
 */

/**
 * Makes the check of a request: each part is held against the rules and replaced by its clean copy. The last two
 * arguments are for the chain, whose own readers have judged the body or query already.
 * @param {string} stem
 * @param {Record<string, any>} settings
 * @param {Location[]} locations
 */
function createCheck(stem, settings, locations) {
  const { onReject, mode = 'enforce' } = settings;
  const rules = compileRules(stem, settings);
  const formRules = { ...rules, isForm: true };
  const judgeParam = createParamJudge(rules);
  const tell = createTell(settings);

  /** @param {any} request @param {Location} location @param {any} value */
  function checkPart(request, location, value) {
    const inspection = inspect(value, hasNames(request, location) ? formRules : rules);
    const refusal = inspection && tell(location === 'headers' ? asSeen(inspection) : inspection, location);
    if (refusal !== undefined) return refusal;
    if (inspection !== undefined && mode === 'enforce' && location !== 'headers' && inspection.value !== value) {
      defineOwn(request, location, inspection.value);
    }
    return location === 'params' ? checkParams(value) : undefined;
  }

  /** @param {any} params */
  function checkParams(params) {
    for (const name of Object.keys(params)) {
      const inspection = judgeParam(params[name], name);
      const refusal = inspection && tell(inspection, 'params');
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  /** @param {any} request @param {Location} location @param {any} value */
  function checkSafely(request, location, value) {
    try {
      return checkPart(request, location, value);
    } catch (cause) {
      return internalError(cause);
    }
  }

  /**
   * @param {any} request
   * @param {any} response
   * @param {(error?: unknown) => void} next
   * @param {boolean} isBodyJudged
   * @param {boolean} isQueryJudged
   */
  return function check(request, response, next, isBodyJudged, isQueryJudged) {
    for (const location of locations) {
      if ((isBodyJudged && location === 'body') || (isQueryJudged && location === 'query')) continue;
      let value;
      try {
        value = partOf(request, location);
      } catch (error) {
        // The app's own query parser threw.
        return next(error);
      }
      if (value === undefined || value === null) continue;
      const refusal = checkSafely(request, location, value);
      if (refusal !== undefined) return refuse(request, response, next, refusal, { onReject });
    }
    next();
  };
}

/**
 * Makes the function that tells what was found, and returns the error of a request that is to be refused.
 * @param {Record<string, any>} settings
 * @returns {(inspection: Inspection, location: Location) => CarapaceError | undefined}
 */
function createTell(settings) {
  const { mode = 'enforce' } = settings;
  const reportFinding = createFindingReporter('sanitize', settings);
  return function tell({ findings, refusal }, location) {
    for (const finding of findings) reportFinding({ ...finding, location }, mode);
    if (refusal === undefined) return undefined;
    reportFinding({ ...refusal, location, action: 'reject' }, mode);
    return mode === 'enforce' ? refusalError(refusal, { location }) : undefined;
  };
}

/**
 * Whether the keys are names of parameters.
 * @param {any} request
 * @param {Location} location
 */
function hasNames({ headers }, location) {
  if (location !== 'body') return location === 'query';
  return mediaType(headers?.['content-type']) === 'application/x-www-form-urlencoded';
}

/**
 * Headers stay as they are, so a finding there is only reported.
 * @param {Inspection} inspection
 * @returns {Inspection}
 */
function asSeen(inspection) {
  return { ...inspection, findings: inspection.findings.map((finding) => ({ ...finding, action: 'report' })) };
}

module.exports = { createCheck, createTell };
