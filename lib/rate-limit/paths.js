'use strict';

const { appOf } = require('../tally');
const { badValue, readList } = require('./options');

/** @typedef {import('./visit').Request} Request */

// Segments of characters that no router reads in more than one way.
const PLAIN_PATH = /^(?:\/[A-Za-z0-9_~!$&'()*+,=:@.-]+)+\/?$|^\/$/;
const DOT_SEGMENT = /\/\.{1,2}(?:\/|$)/;
const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/[^/?#\\]*/i;
const MAX_DECODINGS = 3;

/**
 * Makes the test for the paths that a limiter is about. It holds for every spelling that some router might take for one of
 * them: other cases, doubled and trailing slashes, escapes, path parameters, dot segments (CWE-177, CWE-41). To be counted
 * too much is safe here.
 * @param {string} option its path in errors
 * @param {unknown} given
 * @returns {(request: Request) => boolean}
 */
function createLooseMatcher(option, given) {
  const patterns = readPatterns(option, given).map((pattern) => segmentsOf(pattern.toLowerCase()));
  return function isOneOf({ url = '/' }) {
    const path = pathOf(url).toLowerCase();
    if (patterns.some((pattern) => startsWith(path.split('/').filter(Boolean), pattern))) return true;
    return readings(path).some((reading) => patterns.some((pattern) => startsWith(reading, pattern)));
  };
}

/**
 * Makes the test for the paths that a limiter leaves alone. It holds only for a spelling that can mean nothing else, and
 * for another case only where the app's own router ignores case.
 * @param {string} option its path in errors
 * @param {unknown} given
 * @returns {(request: Request) => boolean}
 */
function createStrictMatcher(option, given) {
  const patterns = readPatterns(option, given).map(segmentsOf);
  const lowered = patterns.map((pattern) => pattern.map((segment) => segment.toLowerCase()));
  return function isOneOf(request) {
    const [path] = (request.url ?? '/').split('?', 1);
    if (!PLAIN_PATH.test(path) || DOT_SEGMENT.test(path)) return false;
    const { ignoresCase, isStrict } = routing(request);
    const segments = segmentsOf(ignoresCase ? path.toLowerCase() : path);
    const hasSlash = path.length > 1 && path.endsWith('/');
    return (ignoresCase ? lowered : patterns).some(
      (pattern) => startsWith(segments, pattern) && !(isStrict && hasSlash && segments.length === pattern.length),
    );
  };
}

/**
 * @param {string} option
 * @param {unknown} given
 * @returns {string[]}
 */
function readPatterns(option, given) {
  const list = readList(option, given);
  for (const path of list) {
    if (PLAIN_PATH.test(path) && !DOT_SEGMENT.test(path)) continue;
    throw badValue(option, JSON.stringify(path), 'a path that starts with / and has plain segments, such as /api/:id');
  }
  return list;
}

/**
 * How Express's router of the app reads paths; of another router nothing is known.
 * @param {Request} request
 */
function routing(request) {
  const app = appOf(request);
  if (typeof app?.get !== 'function') return { ignoresCase: false, isStrict: true };
  return { ignoresCase: !app.get('case sensitive routing'), isStrict: Boolean(app.get('strict routing')) };
}

/**
 * The path of a request target, which may be a whole URL (RFC 9112, section 3.2.2).
 * @param {string} url
 */
function pathOf(url) {
  return url.replace(ABSOLUTE_FORM, '').split(/[?#]/, 1)[0].replaceAll('\\', '/');
}

/**
 * What different routers and servers may read in a path.
 * @param {string} path
 * @returns {string[][]}
 */
function readings(path) {
  const bySegment = path.split('/').map(decode);
  const whole = decode(path).replaceAll('\\', '/').split('/');
  return [bySegment, whole, withoutDots(bySegment), withoutDots(whole)].map((segments) =>
    segments.map((segment) => segment.split(';', 1)[0].trim().toLowerCase()).filter(Boolean),
  );
}

/** @param {string} text */
function decode(text) {
  let decoded = text;
  for (let times = 0; times < MAX_DECODINGS && decoded.includes('%'); times += 1) {
    decoded = decoded.replace(/%[0-9a-f]{2}/gi, (escape) => String.fromCharCode(Number.parseInt(escape.slice(1), 16)));
  }
  return decoded;
}

/** @param {string[]} segments */
function withoutDots(segments) {
  /** @type {string[]} */
  const result = [];
  for (const segment of segments) {
    const [name] = segment.split(';', 1);
    if (name === '..') result.pop();
    else if (name !== '.' && name !== '') result.push(segment);
  }
  return result;
}

/** @param {string} path */
function segmentsOf(path) {
  return path.split('/').filter(Boolean);
}

/**
 * Whether a path lies at or below a pattern, by whole segments: `/details` is not the start of `/details-admin`.
 * @param {string[]} path
 * @param {string[]} pattern a segment that starts with a colon stands for any
 */
function startsWith(path, pattern) {
  return (
    path.length >= pattern.length && pattern.every((segment, index) => segment[0] === ':' || segment === path[index])
  );
}

module.exports = { createLooseMatcher, createStrictMatcher, pathOf, readings };
