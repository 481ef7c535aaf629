'use strict';

const { bodyError } = require('./body/body-error');
const { compileTypeTest } = require('./body/media-type');
const { CarapaceError, internalError } = require('./errors');
const { createFindingReporter } = require('./events');
const { compileNames } = require('./hpp/names');
const { enforceScalars } = require('./hpp/scalars');
const { putBack, separate } = require('./hpp/separate');
const { readOptions, show } = require('./options');
const { defineOwn, isContainer, partOf } = require('./plain-value');
const { refuse } = require('./refusal');

/**
 * @typedef {'query' | 'body'} Location
 * @typedef {InstanceType<typeof CarapaceError>} Refusal
 */

/** @type {import('./options').OptionTable} */
const OPTIONS = {
  keep: { type: 'string', oneOf: ['last', 'first', 'reject'] },
  whitelist: 'string|array',
  scalar: 'string|array',
  locations: 'array',
  type: 'string|array|function',
  mode: { type: 'string', oneOf: ['enforce', 'report'] },
  onReject: { type: 'string', oneOf: ['answer', 'next'] },
  onEvent: 'function',
  onFinding: 'function',
};

/** @type {Location[]} */
const LOCATIONS = ['query', 'body'];

/** Where the originals are put aside; the names are hpp's. */
const POLLUTED = { query: 'queryPolluted', body: 'bodyPolluted' };

/**
 * @param {import('../index').HppOptions} [options]
 * @returns {import('../index').Middleware}
 */
function hpp(options) {
  const settings = readOptions('hpp', options, OPTIONS);
  const { onReject } = settings;
  const locations = readLocations(settings.locations ?? LOCATIONS);
  const isForm = compileTypeTest('hpp.type', settings.type ?? 'urlencoded');
  const checkPart = createPartCheck(settings);

  return function hpp(request, response, next) {
    for (const location of locations) {
      /** @type {Refusal | undefined} */
      let refusal;
      let value;
      let hasForm;
      try {
        value = partOf(request, location);
        hasForm = location === 'query' || (isContainer(value) && isForm(request));
      } catch (error) {
        // The app's own query parser or type function threw.
        return next(error);
      }
      try {
        refusal = checkPart(request, location, value, hasForm);
      } catch (cause) {
        refusal = internalError(cause);
      }
      if (refusal !== undefined) return refuse(request, response, next, refusal, { onReject });
    }
    next();
  };
}

/**
 * @param {Record<string, any>} settings
 * @returns {(request: any, location: Location, value: unknown, hasForm: boolean) => Refusal | undefined}
 */
function createPartCheck(settings) {
  const { keep = 'last', mode = 'enforce' } = settings;
  const whitelist = compileNames('hpp.whitelist', settings.whitelist);
  const scalars = compileNames('hpp.scalar', settings.scalar);
  const reportFinding = createFindingReporter('hpp', settings);
  const isEnforced = mode === 'enforce';
  const kept = keep === 'first' ? 'first' : 'last';

  /** @param {string[]} paths @param {Location} location @param {'strip' | 'reject'} action */
  function tell(paths, location, action) {
    for (const path of paths) reportFinding({ rule: 'polluted', path, location, action }, mode);
    if (action === 'strip' || !isEnforced) return undefined;
    return bodyError('entity.rejected', { details: { rule: 'polluted', pointer: paths[0], location } });
  }

  /** @param {any} request @param {Location} location @param {unknown} value */
  function checkForm(request, location, value) {
    const name = POLLUTED[location];
    if (request[name] !== undefined) {
      putBack(value, request[name], whitelist);
      const [left] = keep === 'reject' ? Object.keys(request[name]) : [];
      return left === undefined ? undefined : tell([`/${left}`], location, 'reject');
    }
    const separated = isContainer(value) && !Array.isArray(value) ? separate(value, kept, whitelist) : undefined;
    if (isEnforced) putAside(request, location, separated?.polluted ?? {});
    if (separated === undefined) return undefined;
    if (keep === 'reject') return tell(separated.paths.slice(0, 1), location, 'reject');
    if (isEnforced) defineOwn(request, location, separated.value);
    return tell(separated.paths, location, 'strip');
  }

  return function checkPart(request, location, value, hasForm) {
    const refusal = hasForm ? checkForm(request, location, value) : undefined;
    if (refusal !== undefined || scalars === undefined) return refusal;
    const current = hasForm ? (partOf(request, location) ?? value) : value;
    const enforced = enforceScalars(current, keep, scalars);
    if (enforced.refused !== undefined) return tell([enforced.refused], location, 'reject');
    tell(enforced.paths, location, 'strip');
    if (isEnforced && enforced.value !== current) defineOwn(request, location, enforced.value);
    return undefined;
  };
}

/**
 * By plain names: a name in a variable makes V8 turn a request into a hash table.
 * @param {any} request
 * @param {Location} location
 * @param {Record<string, unknown>} polluted
 */
function putAside(request, location, polluted) {
  if (location === 'query') request.queryPolluted = polluted;
  else request.bodyPolluted = polluted;
}

/**
 * @param {unknown[]} locations
 * @returns {Location[]}
 */
function readLocations(locations) {
  const isKnown = (/** @type {any} */ location) => LOCATIONS.includes(location);
  if (locations.length > 0 && locations.every(isKnown)) {
    return LOCATIONS.filter((location) => locations.includes(location));
  }
  const got = locations.length === 0 ? 'an empty list' : show(locations.find((location) => !isKnown(location)));
  const message = `got ${got}, expected some of ${LOCATIONS.join(', ')}`;
  throw new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path: 'hpp.locations' });
}

module.exports = { OPTIONS, hpp };
