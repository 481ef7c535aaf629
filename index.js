'use strict';

const { json } = require('./lib/body/json');
const { queryParser } = require('./lib/body/query-parser');
const { urlencoded } = require('./lib/body/urlencoded');
const { CarapaceError } = require('./lib/errors');
const { hostStore } = require('./lib/host-store');
const { carapace } = require('./lib/pipeline');
const { rateLimit } = require('./lib/rate-limit');

// `require('carapace')` is the chain itself; with `__esModule`, a transpiled `import carapace from` finds it as well.
module.exports = Object.assign(carapace, {
  CarapaceError,
  carapace,
  hostStore,
  json,
  queryParser,
  rateLimit,
  urlencoded,
  default: carapace,
});
Object.defineProperty(module.exports, '__esModule', { value: true });
