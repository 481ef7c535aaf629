'use strict';

const { json } = require('./lib/body/json');
const { queryParser } = require('./lib/body/query-parser');
const { urlencoded } = require('./lib/body/urlencoded');
const { explainClient } = require('./lib/client-key');
const { CarapaceError } = require('./lib/errors');
const { hostStore } = require('./lib/host-store');
const { hpp } = require('./lib/hpp');
const { carapace } = require('./lib/pipeline');
const { rateLimit } = require('./lib/rate-limit');
const { redisStore } = require('./lib/redis-store');
const { sanitize } = require('./lib/sanitize');
const { securityHeaders } = require('./lib/security-headers');

// `require('carapace')` is the chain itself; with `__esModule`, a transpiled `import carapace from` finds it as well.
module.exports = Object.assign(carapace, {
  CarapaceError,
  carapace,
  explainClient,
  hostStore,
  hpp,
  json,
  queryParser,
  rateLimit,
  redisStore,
  sanitize,
  securityHeaders,
  urlencoded,
  default: carapace,
});
Object.defineProperty(module.exports, '__esModule', { value: true });
