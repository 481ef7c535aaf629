'use strict';

const { json } = require('./lib/body/json');
const { queryParser } = require('./lib/body/query-parser');
const { urlencoded } = require('./lib/body/urlencoded');
const { explainClient } = require('./lib/client-key');
const { cookies } = require('./lib/cookies');
const { cors } = require('./lib/cors');
const { errorHandler } = require('./lib/error-handler');
const { CarapaceError } = require('./lib/errors');
const { hostStore } = require('./lib/host-store');
const { hpp } = require('./lib/hpp');
const { carapace } = require('./lib/pipeline');
const { rateLimit } = require('./lib/rate-limit');
const { redisStore } = require('./lib/redis-store');
const { sanitize } = require('./lib/sanitize');
const { securityHeaders } = require('./lib/security-headers');
const { validate } = require('./lib/validate');

// `require('carapace')` is the chain itself; with `__esModule`, a transpiled `import carapace from` finds it as well. Bundlers and
// Node's ES modules find the names because each is assigned by itself.
module.exports = carapace;
module.exports.CarapaceError = CarapaceError;
module.exports.carapace = carapace;
module.exports.cookies = cookies;
module.exports.cors = cors;
module.exports.errorHandler = errorHandler;
module.exports.explainClient = explainClient;
module.exports.hostStore = hostStore;
module.exports.hpp = hpp;
module.exports.json = json;
module.exports.queryParser = queryParser;
module.exports.rateLimit = rateLimit;
module.exports.redisStore = redisStore;
module.exports.sanitize = sanitize;
module.exports.securityHeaders = securityHeaders;
module.exports.urlencoded = urlencoded;
module.exports.validate = validate;
module.exports.default = carapace;
Object.defineProperty(module.exports, '__esModule', { value: true });
