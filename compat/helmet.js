'use strict';

const { settleShapes } = require('../lib/object-shapes');
const { contentSecurityPolicy } = require('./helmet/content-security-policy');
const { HEADERS } = require('./helmet/fixed-headers');

/**
 * @typedef {(request: any, response: any, next: (error?: any) => void) => void} Middleware
 * @typedef {import('./helmet/fixed-headers').Step} Step
 * @typedef {import('./helmet/fixed-headers').HeaderRule} HeaderRule
 */

/** The middlewares of helmet by their names, each with its one header. */
const parts = Object.fromEntries(Object.entries(HEADERS).map(([option, rule]) => [option, partOf(option, rule)]));
const aliases = Object.fromEntries(
  Object.entries(HEADERS).flatMap(([option, { alias }]) => (alias === undefined ? [] : [[alias, parts[option]]])),
);

/**
 * @param {any} [options]
 * @returns {Middleware}
 */
function helmet(options = {}) {
  if (options.constructor?.name === 'IncomingMessage') {
    throw new Error('It appears you have done something like `app.use(helmet)`, but it should be `app.use(helmet())`.');
  }
  const policy = policyOf(options.contentSecurityPolicy);
  const steps = Object.entries(HEADERS).flatMap(([option, rule]) => stepsOf(options, option, rule));
  return function helmetMiddleware(request, response, next) {
    settleShapes(request, response);
    if (policy === undefined) return set(undefined);
    policy(request, response, set);

    /** @param {any} error */
    function set(error) {
      if (error) return next(error);
      take(steps, response);
      next();
    }
  };
}

/** @param {any} given */
function policyOf(given) {
  if (given === false) return undefined;
  return given === undefined || given === true ? contentSecurityPolicy() : contentSecurityPolicy(given);
}

/**
 * @param {any} options
 * @param {string} option
 * @param {HeaderRule} rule
 * @returns {Step[]}
 */
function stepsOf(options, option, { alias, header: name, isOff, takesNothing, value }) {
  if (alias !== undefined && option in options && alias in options) {
    throw new Error(`${name} option was specified twice. Remove the \`${alias}\` option to fix this error.`);
  }
  const given = alias === undefined ? options[option] : (options[option] ?? options[alias]);
  if (given === false || (given === undefined && isOff)) return [];
  if (given === undefined || given === true) return [{ name, value: value({}) }];
  if (takesNothing) console.warn(`${name} does not take options. Remove the property to silence this warning.`);
  return [{ name, value: value(given) }];
}

/**
 * @param {string} option
 * @param {HeaderRule} rule
 */
function partOf(option, { header: name, value }) {
  return named(option, (/** @type {any} */ options = {}) => {
    const steps = [{ name, value: value(options) }];
    /** @type {Middleware} */
    const middleware = (_request, response, next) => {
      take(steps, response);
      next();
    };
    return named(`${option}Middleware`, middleware);
  });
}

/**
 * @param {Step[]} steps
 * @param {any} response
 */
function take(steps, response) {
  for (const { name, value } of steps) {
    if (value === undefined) response.removeHeader(name);
    else response.setHeader(name, value);
  }
}

/**
 * @template {Function} F
 * @param {string} name
 * @param {F} f
 * @returns {F}
 */
function named(name, f) {
  return Object.defineProperty(f, 'name', { value: name });
}

module.exports = Object.assign(helmet, { contentSecurityPolicy, ...parts, ...aliases });
// By itself, so that whoever reads the module without running it finds it.
module.exports.default = helmet;
