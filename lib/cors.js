'use strict';

// The rest is loaded by the factory: a chain without cors reads these options, too.
const { OPTIONS } = require('./cors/options');
const { settleShapes } = require('./object-shapes');

/**
 * @typedef {import('./cors/serving').Policy} Policy
 */

/**
 * @param {import('../index').CorsOptions | import('../index').CorsOptionsFunction} [options]
 * @returns {import('../index').Middleware}
 */
function cors(options) {
  if (typeof options === 'function') return createPerRequest(options);
  const { compilePolicy } = require('./cors/policy');
  const policy = compilePolicy(options);
  if (policy === undefined) {
    return function cors(_request, _response, next) {
      next();
    };
  }
  const { createServing } = require('./cors/serving');
  const serve = createServing(policy);
  return function cors(request, response, next) {
    settleShapes(request, response);
    serve(request, response, next);
  };
}

/**
 * The middleware whose options a function chooses for each request.
 * @param {import('../index').CorsOptionsFunction} choose
 * @returns {import('../index').Middleware}
 */
function createPerRequest(choose) {
  const { createCachedCompiler } = require('./cors/policy');
  const { createOptionsReader } = require('./cors/user-functions');
  const read = createOptionsReader(/** @type {any} */ (choose), createCachedCompiler());
  return function cors(request, response, next) {
    const serve = read(request);
    if (typeof serve === 'function') return serve(request, response, next);
    serve.then((chosen) => chosen(request, response, next));
  };
}

module.exports = { OPTIONS, cors };
