'use strict';

const { CarapaceError } = require('./errors');
const { readOptions, show } = require('./options');
const { PARAMS_OPTIONS, VALUE_OPTIONS } = require('./sanitize/options');
const { compile, has, value } = require('./sanitize/values');

/** @typedef {import('./sanitize/request-check').Location} Location */

/** @type {import('./options').OptionTable} */
const OPTIONS = { ...PARAMS_OPTIONS, locations: 'array' };

/** @type {Location[]} */
const LOCATIONS = ['body', 'query', 'params', 'headers'];
/** @type {Location[]} */
const DEFAULT_LOCATIONS = ['body', 'query', 'params'];

/**
 * @param {import('../index').SanitizeOptions} [options]
 * @returns {import('../index').Middleware}
 */
function sanitize(options) {
  const check = createRequestCheck(options);
  return function sanitize(request, response, next) {
    check(request, response, next, false, false);
  };
}

/** @param {import('../index').SanitizeOptions} [options] */
function createRequestCheck(options) {
  const settings = readOptions('sanitize', options, OPTIONS);
  const locations = readLocations('sanitize.locations', settings.locations ?? DEFAULT_LOCATIONS);
  // Requests need more than values do: it is loaded by the factories.
  const { createCheck } = require('./sanitize/request-check');
  return createCheck('sanitize', settings, locations);
}

/** @type {typeof import('./sanitize/params').params} */
const params = (options) => require('./sanitize/params').params(options);
params.param = (options) => require('./sanitize/params').params.param(options);

/**
 * @param {string} path
 * @param {unknown[]} locations
 * @returns {Location[]}
 */
function readLocations(path, locations) {
  const wrong = locations.find((location) => !LOCATIONS.includes(/** @type {any} */ (location)));
  if (locations.length > 0 && wrong === undefined && !locations.includes(undefined)) {
    return LOCATIONS.filter((location) => locations.includes(location));
  }
  const got = locations.length === 0 ? 'an empty list' : show(wrong);
  throw new CarapaceError('ERR_CARAPACE_OPTION_VALUE', `got ${got}, expected some of ${LOCATIONS.join(', ')}`, {
    path,
  });
}

module.exports = {
  OPTIONS,
  PARAMS_OPTIONS,
  VALUE_OPTIONS,
  createRequestCheck,
  sanitize: Object.assign(sanitize, { compile, has, params, value }),
};
