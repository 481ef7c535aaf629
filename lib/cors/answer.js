'use strict';

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 *
 * @typedef {object} Answer the fields of an answer to an origin that is let in; absent ones are not sent
 * @property {boolean} credentials
 * @property {string | undefined} methods
 * @property {string | undefined} allowedHeaders
 * @property {boolean} reflectsHeaders whether `allowedHeaders` are those that the preflight asks for
 * @property {string | undefined} exposedHeaders
 * @property {string | undefined} maxAge
 * @property {boolean} allowsPrivateNetwork
 */

/** The fields of an answer. An earlier `cors()` may have set them for the same response: the last one decides. */
const FIELDS = Object.freeze([
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-max-age',
  'access-control-expose-headers',
  'access-control-allow-private-network',
]);

/** What `Vary` says when the preflight's own list is repeated. */
const ASKED_NAMES = 'Access-Control-Request-Headers';

/** A list of names as browsers send it (Fetch, section 4.8): anything else is not repeated to them. */
const NAMES = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*,[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+)*$/;

/**
 * Whether a browser asks for permission (Fetch, section 3.2.2). Any other OPTIONS request is the app's.
 * @param {Request} request
 */
function isPreflight(request) {
  return (
    request.method === 'OPTIONS' &&
    request.headers.origin !== undefined &&
    request.headers['access-control-request-method'] !== undefined
  );
}

/**
 * The fields of an answer that is no preflight's.
 * @param {Answer} answer
 * @param {Response} response
 * @param {string | undefined} allowed the origin that is let in
 * @param {boolean} dependsOnOrigin
 */
function setActual(answer, response, allowed, dependsOnOrigin) {
  if (allowed !== undefined) response.setHeader('access-control-allow-origin', allowed);
  if (dependsOnOrigin) addVary(response, 'Origin');
  if (allowed === undefined) return;
  if (answer.credentials) response.setHeader('access-control-allow-credentials', 'true');
  if (answer.exposedHeaders !== undefined) {
    response.setHeader('access-control-expose-headers', answer.exposedHeaders);
  }
}

/**
 * The fields of a preflight's answer, in the order of the cors package.
 * @param {Answer} answer
 * @param {Request} request
 * @param {Response} response
 * @param {string} allowed the origin that is let in
 * @param {boolean} dependsOnOrigin
 */
function setPreflight(answer, request, response, allowed, dependsOnOrigin) {
  const { methods, maxAge, exposedHeaders } = answer;
  response.setHeader('access-control-allow-origin', allowed);
  // Both names at once: setting a field twice costs twice, and it keeps its first place.
  if (dependsOnOrigin) addVary(response, answer.reflectsHeaders ? `Origin, ${ASKED_NAMES}` : 'Origin');
  if (answer.credentials) response.setHeader('access-control-allow-credentials', 'true');
  if (methods !== undefined) response.setHeader('access-control-allow-methods', methods);
  if (answer.reflectsHeaders && !dependsOnOrigin) addVary(response, ASKED_NAMES);
  setAllowedHeaders(answer, request, response);
  if (maxAge !== undefined) response.setHeader('access-control-max-age', maxAge);
  if (exposedHeaders !== undefined) response.setHeader('access-control-expose-headers', exposedHeaders);
  if (answer.allowsPrivateNetwork && request.headers['access-control-request-private-network'] === 'true') {
    response.setHeader('access-control-allow-private-network', 'true');
  }
}

/**
 * @param {Answer} answer
 * @param {Request} request
 * @param {Response} response
 */
function setAllowedHeaders({ reflectsHeaders, allowedHeaders }, request, response) {
  if (!reflectsHeaders) {
    if (allowedHeaders !== undefined) response.setHeader('access-control-allow-headers', allowedHeaders);
    return;
  }
  const asked = request.headers['access-control-request-headers'];
  if (typeof asked === 'string' && NAMES.test(asked)) response.setHeader('access-control-allow-headers', asked);
}

/**
 * Ends a preflight without a body.
 * @param {Response} response
 * @param {number} status
 */
function endPreflight(response, status) {
  response.statusCode = status;
  // Some browsers wait for a body otherwise, even with 204.
  response.setHeader('content-length', '0');
  response.end();
}

/**
 * Takes an earlier answer away.
 * @param {Response} response
 */
function clearAnswer(response) {
  if (!response.hasHeader('access-control-allow-origin')) return;
  for (const field of FIELDS) response.removeHeader(field);
}

/**
 * Adds names to `Vary`, except those that are there, and none to `*`.
 * @param {Response} response
 * @param {string} names
 */
function addVary(response, names) {
  const present = response.getHeader('vary');
  if (present === undefined || present === '') return void response.setHeader('vary', names);
  const text = Array.isArray(present) ? present.join(', ') : String(present);
  const known = new Set(text.split(',').map((name) => name.trim().toLowerCase()));
  if (known.has('*')) return;
  const missing = names.split(', ').filter((name) => !known.has(name.toLowerCase()));
  if (missing.length > 0) response.setHeader('vary', `${text}, ${missing.join(', ')}`);
}

module.exports = { addVary, clearAnswer, endPreflight, isPreflight, setActual, setPreflight };
