'use strict';

const native = require('../loader');
const { configure } = require('../errors');
const { createReporter } = require('../events');
const { createEveryJudge, createRulesJudge } = require('./judges');
const { STEM, readCorsOptions } = require('./options');
const { createServing } = require('./serving');
const { createOriginAsker } = require('./user-functions');

/**
 * @typedef {import('./serving').Policy} Policy
 * @typedef {import('./serving').Serving} Serving
 */

/**
 * Checks the options of one `cors()` and compiles them; undefined when they switch it off.
 * @param {unknown} options
 * @returns {Policy | undefined}
 * @throws {CarapaceError}
 */
function compilePolicy(options) {
  const { settings, input } = readCorsOptions(options);
  const plan = configure(STEM, () => native.compileCors(input));
  if (settings.origin === false) return undefined;
  const report = createReporter('cors', settings.onEvent);
  const isEnforced = settings.mode !== 'report';
  return {
    answer: {
      credentials: input.credentials,
      methods: plan.methods,
      allowedHeaders: plan.allowedHeaders,
      reflectsHeaders: plan.reflectsHeaders,
      exposedHeaders: plan.exposedHeaders,
      maxAge: plan.maxAge,
      allowsPrivateNetwork: settings.allowPrivateNetwork ?? false,
    },
    constantOrigin: constantOrigin(settings, plan),
    judge: createJudge(settings, input, plan),
    passesPreflights: settings.preflightContinue ?? false,
    successStatus: plan.successStatus,
    refuses: isEnforced && (settings.enforce ?? false),
    isEnforced,
    onReject: settings.onReject,
    report,
  };
}

/**
 * The one value that every response but a preflight's can have, so that it depends on nobody's `Origin`.
 * @param {Record<string, any>} settings
 * @param {import('../native/binding').CorsPlan} plan
 * @returns {string | undefined}
 */
function constantOrigin({ origin, enforce, mode }, plan) {
  if (origin === '*') return '*';
  const isFixed = typeof origin === 'string' && plan.exact.length === 1 && origin !== 'null';
  return isFixed && !enforce && mode !== 'report' ? origin : undefined;
}

/**
 * @param {Record<string, any>} settings
 * @param {import('../native/binding').CorsInput} input
 * @param {import('../native/binding').CorsPlan} plan
 * @returns {import('./judges').Judge | undefined} undefined when everybody gets the same
 */
function createJudge({ origin }, { rules }, plan) {
  if (origin === '*') return undefined;
  if (origin === true) return createEveryJudge(plan.maxOriginLength);
  if (typeof origin === 'function') return createOriginAsker(origin, plan.maxOriginLength);
  const matcher = plan.hasPatterns ? configure(STEM, () => native.createOriginMatcher(rules)) : undefined;
  return createRulesJudge(new Set(plan.exact), matcher);
}

/** The middleware of `origin: false`. */
const OFF = /** @type {Serving} */ ((_request, _response, next) => next());

/**
 * Compiles options, once for each object.
 * @returns {(options: unknown) => Serving}
 */
function createCachedCompiler() {
  /** @type {WeakMap<object, Serving>} */
  const known = new WeakMap();
  return function compile(options) {
    if (typeof options !== 'object' || options === null) {
      throw new TypeError('expected an object of options');
    }
    let serving = known.get(options);
    if (serving === undefined) {
      const policy = compilePolicy(options);
      known.set(options, (serving = policy === undefined ? OFF : createServing(policy)));
    }
    return serving;
  };
}

module.exports = { compilePolicy, createCachedCompiler };
