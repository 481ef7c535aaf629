'use strict';

const { CarapaceError } = require('./lib/errors');
// Without the native core nothing would be checked, so an app does not start without it.
require('./lib/loader');

// All else is loaded by its first use: the modules of a factory when it is called, which is while an app starts. The requires are
// literal for bundlers and file tracers.

/** @type {typeof import('./lib/pipeline').carapace} */
const carapace = (options) => require('./lib/pipeline').carapace(options);

/** @type {typeof import('./lib/cookies').cookies} */
const cookies = (options) => require('./lib/cookies').cookies(options);

/** @type {typeof import('./lib/cors').cors} */
const cors = (options) => require('./lib/cors').cors(options);

/** @type {typeof import('./lib/error-handler').errorHandler} */
const errorHandler = (options) => require('./lib/error-handler').errorHandler(options);
errorHandler.notFound = () => require('./lib/error-handler').errorHandler.notFound();

/** @type {typeof import('./lib/host-store').hostStore} */
const hostStore = (options) => require('./lib/host-store').hostStore(options);

/** @type {typeof import('./lib/hpp').hpp} */
const hpp = (options) => require('./lib/hpp').hpp(options);

/** @type {typeof import('./lib/body/json').json} */
const json = (options) => require('./lib/body/json').json(options);

/** @type {typeof import('./lib/body/query-parser').queryParser} */
const queryParser = (options) => require('./lib/body/query-parser').queryParser(options);

/** @type {typeof import('./lib/rate-limit').rateLimit} */
const rateLimit = (options) => require('./lib/rate-limit').rateLimit(options);
rateLimit.login = (options) => require('./lib/rate-limit').rateLimit.login(options);

/** @type {typeof import('./lib/redis-store').redisStore} */
const redisStore = (options) => require('./lib/redis-store').redisStore(options);

/** @type {typeof import('./lib/security-headers').securityHeaders} */
const securityHeaders = (options) => require('./lib/security-headers').securityHeaders(options);
securityHeaders.clearSiteData = (types) => require('./lib/security-headers').securityHeaders.clearSiteData(types);
securityHeaders.defaultDirectives = (preset) =>
  require('./lib/security-headers').securityHeaders.defaultDirectives(preset);

/** @type {typeof import('./lib/body/urlencoded').urlencoded} */
const urlencoded = (options) => require('./lib/body/urlencoded').urlencoded(options);

/** @type {typeof import('./lib/validate').validate} */
const validate = (schemas, options) => require('./lib/validate').validate(schemas, options);
validate.joi = (schema, options) => require('./lib/validate').validate.joi(schema, options);

// `require('carapace')` is the chain itself; with `__esModule`, a transpiled `import carapace from` finds it as well. Bundlers and
// Node's ES modules find the names because each is assigned by itself.
module.exports = carapace;
module.exports.CarapaceError = CarapaceError;
module.exports.carapace = carapace;
module.exports.cookies = cookies;
module.exports.cors = cors;
module.exports.errorHandler = errorHandler;
module.exports.explainClient = undefined;
module.exports.hostStore = hostStore;
module.exports.hpp = hpp;
module.exports.json = json;
module.exports.queryParser = queryParser;
module.exports.rateLimit = rateLimit;
module.exports.redisStore = redisStore;
module.exports.sanitize = undefined;
module.exports.securityHeaders = securityHeaders;
module.exports.urlencoded = urlencoded;
module.exports.validate = validate;
module.exports.default = carapace;
Object.defineProperty(module.exports, '__esModule', { value: true });

// These two are called with what came in a request, too late to load anything: to touch them is their first use.
loadWhenTouched('explainClient', () => require('./lib/client-key').explainClient);
loadWhenTouched('sanitize', () => require('./lib/sanitize').sanitize);

/**
 * @param {string} name
 * @param {() => unknown} load
 */
function loadWhenTouched(name, load) {
  const set = (/** @type {unknown} */ value) =>
    Object.defineProperty(module.exports, name, { value, writable: true, enumerable: true, configurable: true });
  Object.defineProperty(module.exports, name, {
    get() {
      const value = load();
      set(value);
      return value;
    },
    set,
    enumerable: true,
    configurable: true,
  });
}
