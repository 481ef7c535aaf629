'use strict';

const { pathOf, readings } = require('../rate-limit/paths');
const { appOf } = require('../tally');

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('./path-grammar').Routing} Routing
 */

// Paths that every router reads in one way, but for their case and a slash at the end.
const PLAIN = /^(?:\/[A-Za-z0-9_~!$&'()*+,=:@.-]+)+\/?$|^\/$/;
const DOTS = /\/\.{1,2}(?:\/|$)/;
// What makes parseurl, and so Express's router, leave its own quick way.
const UNUSUAL = /[\t\n\f\r #\u00a0\ufeff]/;

/** @type {Routing} */
const UNKNOWN = Object.freeze({ major: 5, isSensitive: false, isStrict: false });

/** @type {WeakMap<object, Routing>} */
const known = new WeakMap();

/**
 * How the router of the request's app reads paths. An app decides that once, with its first route.
 * @param {any} request
 * @returns {Routing}
 */
function routingOf(request) {
  const app = appOf(request);
  if (typeof app?.enabled !== 'function') return UNKNOWN;
  let routing = known.get(app);
  if (routing === undefined) {
    routing = {
      major: typeof app.lazyrouter === 'function' ? 4 : 5,
      isSensitive: Boolean(app.enabled('case sensitive routing')),
      isStrict: Boolean(app.enabled('strict routing')),
    };
    known.set(app, routing);
  }
  return routing;
}

/**
 * The path of a request as Express's router sees it: not decoded, below what the middleware is mounted at.
 * @param {string} url
 */
function pathnameOf(url) {
  if (url.charCodeAt(0) !== 0x2f || UNUSUAL.test(url)) return pathOf(url) || '/';
  const end = url.indexOf('?');
  return end === -1 ? url : url.slice(0, end);
}

/** @param {string} path */
function isPlain(path) {
  return PLAIN.test(path) && !DOTS.test(path);
}

/**
 * The paths that some router, proxy or file system might read in this one.
 * @param {string} path
 * @returns {string[]}
 */
function pathsOf(path) {
  return [path, ...readings(path).map((segments) => `/${segments.join('/')}`)];
}

module.exports = { isPlain, pathnameOf, pathsOf, routingOf };
