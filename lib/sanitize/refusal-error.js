'use strict';

const { bodyError } = require('../body/body-error');

/**
 * @param {import('./cleaner').Refusal} refusal
 * @param {Record<string, unknown>} [details]
 */
function refusalError({ rule, path }, details) {
  return bodyError('entity.rejected', { details: { rule, pointer: path, ...details } });
}

module.exports = { refusalError };
