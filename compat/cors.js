'use strict';

const { settleShapes } = require('../lib/object-shapes');
const { CarapaceError } = require('../lib/errors');
const { addVary, endPreflight, isPreflight, setActual, setPreflight } = require('../lib/cors/answer');
const { createRuleTest } = require('../lib/cors/user-functions');

/**
 * @typedef {(request: any, response: any, next: (error?: any) => void) => void} Middleware
 * @typedef {{ isAllowed: boolean, value: string | undefined, dependsOnOrigin: boolean }} Verdict
 */

const DEFAULTS = Object.freeze({
  origin: '*',
  methods: 'GET,HEAD,PUT,PATCH,POST,DELETE',
  preflightContinue: false,
  optionsSuccessStatus: 204,
});

/** Whether a pattern describes an origin. The same source and flags are compiled once for all. */
const isDescribed = createRuleTest(true);

/**
 * @param {any} [o] options, or a function that calls back with them for each request
 * @returns {Middleware}
 */
function middlewareWrapper(o) {
  if (typeof o !== 'function') checkOptions({ ...DEFAULTS, ...o });
  const optionsCallback = typeof o === 'function' ? o : giveOptions;

  return function corsMiddleware(req, res, next) {
    settleShapes(req, res);
    optionsCallback(req, (/** @type {any} */ error, /** @type {any} */ given) => {
      if (error) return next(error);
      // As the cors package, options are read for each request, so that a list may change while the app runs.
      const options = { ...DEFAULTS, ...given };
      const mistake = given === o ? undefined : mistakeIn(options);
      if (mistake) return next(mistake);
      if (!options.origin) return next();
      if (typeof options.origin !== 'function') return decide(options, req, res, next);
      options.origin(req.headers.origin, (/** @type {any} */ failure, /** @type {any} */ origin) => {
        if (!failure && origin) return decide({ ...options, origin }, req, res, next);
        addVary(res, 'Origin');
        next(asDenial(failure));
      });
    });
  };

  /** @param {any} _req @param {(error: null, options: any) => void} callback */
  function giveOptions(_req, callback) {
    callback(null, o);
  }
}

/**
 * @param {any} options whose `origin` is no function
 * @param {any} req
 * @param {any} res
 * @param {(error?: any) => void} next
 */
function decide(options, req, res, next) {
  let verdict;
  try {
    verdict = judge(req.headers.origin, options.origin);
  } catch (error) {
    addVary(res, 'Origin');
    return next(error);
  }
  const { isAllowed, value, dependsOnOrigin } = verdict;
  const answer = answerOf(options, value);
  if (!isPreflight(req)) {
    setActual(answer, res, value, dependsOnOrigin);
    return next();
  }
  if (isAllowed) setPreflight(answer, req, res, /** @type {string} */ (value), dependsOnOrigin);
  else addVary(res, 'Origin');
  if (options.preflightContinue) return next();
  endPreflight(res, options.optionsSuccessStatus);
}

/**
 * What an origin is told.
 * @param {string | undefined} asked
 * @param {any} rule
 * @returns {Verdict}
 */
function judge(asked, rule) {
  if (isText(rule)) {
    const value = String(rule);
    return { isAllowed: value === '*' || value === asked, value, dependsOnOrigin: value !== '*' };
  }
  const isAllowed = asked !== undefined && isAmong(rule, asked);
  return { isAllowed, value: isAllowed ? asked : undefined, dependsOnOrigin: true };
}

/**
 * @param {any} rule
 * @param {string} asked
 * @returns {boolean}
 */
function isAmong(rule, asked) {
  if (Array.isArray(rule)) return rule.some((one) => isAmong(one, asked));
  // A String object in a list is never equal.
  if (isText(rule)) return rule === asked;
  // `null` is everybody who hides: it must be listed.
  return typeof rule === 'boolean' ? rule && asked !== 'null' : isDescribed(rule, asked);
}

/**
 * The fields for an origin that is let in, as the cors package makes them of the options.
 * @param {any} options
 * @param {string | undefined} value of `Access-Control-Allow-Origin`
 * @returns {import('../lib/cors/answer').Answer}
 */
function answerOf({ methods, allowedHeaders, headers, exposedHeaders, credentials, maxAge }, value) {
  const names = allowedHeaders || headers;
  return {
    // Browsers refuse credentials together with the asterisk anyway.
    credentials: credentials === true && value !== '*',
    methods: joined(methods),
    allowedHeaders: names ? joined(names) : undefined,
    reflectsHeaders: !names,
    exposedHeaders: exposedHeaders ? joined(exposedHeaders) : undefined,
    maxAge: typeof maxAge === 'number' || maxAge ? maxAge.toString() || undefined : undefined,
    allowsPrivateNetwork: false,
  };
}

/**
 * @param {any} names a list or text with commas
 * @returns {string | undefined}
 */
function joined(names) {
  const text = names.join ? names.join(',') : names;
  return text && text.length ? text : undefined;
}

/**
 * Refuses what would let strangers in.
 * @param {any} options
 * @throws {CarapaceError}
 */
function checkOptions({ origin, credentials }) {
  if (origin === true && credentials === true) throw everySite();
  if (typeof origin !== 'function' && origin && !isText(origin)) checkRule('origin', origin, credentials);
}

/**
 * @param {string} path
 * @param {any} rule
 * @param {unknown} credentials
 */
function checkRule(path, rule, credentials) {
  if (Array.isArray(rule)) {
    rule.forEach((one, index) => checkRule(`${path}[${index}]`, one, credentials));
  } else if (rule === '*') {
    const message = 'got "*" in a list, expected origins; anybody is origin: \'*\'';
    throw new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path: `cors.${path}` });
  } else if (rule === true && credentials === true) {
    throw everySite();
  } else if (!isText(rule) && typeof rule !== 'boolean') {
    // Compiles a pattern, and throws for what is none.
    isDescribed(rule, '');
  }
}

function everySite() {
  const message =
    'got true with credentials: true, which would let every site read what a user sees when logged in; list the origins';
  return new CarapaceError('ERR_CARAPACE_OPTION_CONFLICT', message, { path: 'cors.origin' });
}

/**
 * What is wrong with options that were made for one request.
 * @param {any} options
 * @returns {unknown}
 */
function mistakeIn(options) {
  try {
    checkOptions(options);
    return undefined;
  } catch (error) {
    return error;
  }
}

/**
 * The error of a function that does not let an origin in: by default error handlers answer 403 to it, not 500.
 * @param {any} error
 */
function asDenial(error) {
  const hasRoom = typeof error === 'object' && error !== null && Object.isExtensible(error);
  if (hasRoom && error.status === undefined && error.statusCode === undefined) error.status = 403;
  return error;
}

/**
 * @param {unknown} value
 * @returns {value is string | String}
 */
function isText(value) {
  return typeof value === 'string' || value instanceof String;
}

module.exports = middlewareWrapper;
// Not enumerable, because the cors package has no such name: for transpiled `import cors from`.
Object.defineProperty(module.exports, 'default', { value: middlewareWrapper });
