'use strict';

const { ServerResponse } = require('node:http');

// In V8 before 13 (Node 20 and 22) an object whose prototype was replaced gets a hidden class of its own with each
// property that is added to it: none is shared with another object, so every access to it, Node's own included, misses
// the caches. Express replaces the prototypes of each request and response. Bun has another engine.
const LOSES_CLASSES = Number.parseInt(process.versions.v8, 10) < 13 && process.versions.bun === undefined;

const plainResponse = ServerResponse.prototype;

/**
 * Makes a request and response of Express hash tables, whose hidden class is one for all, where that pays: from then on
 * Node and Express take a third less for them (bench/pipeline.mjs). A field is taken away and put back, which is how V8
 * is told; nothing else changes. Whoever of this package comes first does it.
 * @param {any} request
 * @param {any} response
 */
function settleShapes(request, response) {
  if (request._carapaceSettled === true || request.res !== response || response.req !== request) return;
  if (Object.getPrototypeOf(response) === plainResponse) return;
  delete request.res;
  request.res = response;
  delete response.req;
  response.req = request;
  // By a plain name, as lib/tally.js says.
  request._carapaceSettled = true;
}

module.exports = { settleShapes: LOSES_CLASSES ? settleShapes : () => {} };
