'use strict';

const { attributeOf, removeAttribute, setAttribute } = require('./set-cookie');

/**
 * What is asked of one cookie.
 * @typedef {import('./set-cookie').Cookie} Cookie
 * @typedef {'strict' | 'lax' | 'none'} SameSite
 * @typedef {{ httpOnly: boolean, secure: boolean | 'auto', sameSite: SameSite | false, partitioned: boolean, maxAgeMs: number }} Policy
 * @typedef {{ isSecure: () => boolean, now: () => number }} Situation
 * @typedef {(cookie: Cookie, policy: Policy, situation: Situation) => 'changed' | 'dropped' | undefined} Rule
 */

/** From the weakest to the strictest. */
const SAME_SITE = ['none', 'lax', 'strict'];

/** Prefixes that browsers hold a cookie to, without regard to case, and what they ask for. */
const PREFIXES = [
  { prefix: '__host-http-', isHost: true, isHttp: true },
  { prefix: '__host-', isHost: true, isHttp: false },
  { prefix: '__http-', isHost: false, isHttp: true },
  { prefix: '__secure-', isHost: false, isHttp: false },
];

/** @param {string} name */
function prefixOf(name) {
  if (!name.startsWith('__')) return undefined;
  const start = name.slice(0, 12).toLowerCase();
  return PREFIXES.find(({ prefix }) => start.startsWith(prefix));
}

/**
 * What browsers ignore: nothing at all, and a cookie without a name whose value looks like a prefixed one (RFC 6265bis,
 * section 5.7, step 22).
 * @type {Rule}
 */
function malformed({ name, value }) {
  if (name !== '') return undefined;
  return value === '' || prefixOf(value) !== undefined ? 'dropped' : undefined;
}

/**
 * A `__Host-` cookie belongs to one host and all its paths. Without `Domain` it does; another `Path` contradicts its name, and
 * browsers refuse it.
 * @type {Rule}
 */
function hostPrefix(cookie) {
  if (!prefixOf(cookie.name)?.isHost) return undefined;
  const path = attributeOf(cookie, 'path')?.value;
  if (path?.startsWith('/') && path !== '/') return 'dropped';
  const hasDomain = attributeOf(cookie, 'domain') !== undefined;
  if (hasDomain) removeAttribute(cookie, 'domain');
  // What does not begin with a slash is no path to a browser, and it would take that of the request.
  if (path !== '/') setAttribute(cookie, 'Path', '/');
  return hasDomain || path !== '/' ? 'changed' : undefined;
}

/** @type {Rule} */
function httpOnly(cookie, { httpOnly }) {
  if (!httpOnly && !prefixOf(cookie.name)?.isHttp) return undefined;
  return add(cookie, 'HttpOnly');
}

/** An attribute that is there may be weaker than the policy, never stronger. @type {Rule} */
function sameSite(cookie, { sameSite }) {
  if (sameSite === false) return undefined;
  const current = attributeOf(cookie, 'samesite')?.value.toLowerCase() ?? '';
  if (SAME_SITE.indexOf(current) >= SAME_SITE.indexOf(sameSite)) return undefined;
  setAttribute(cookie, 'SameSite', `${sameSite[0].toUpperCase()}${sameSite.slice(1)}`);
  return 'changed';
}

/** @type {Rule} */
function partitioned(cookie, { partitioned, secure }, { isSecure }) {
  if (!partitioned || !(secure === true || needsSecure(cookie) || isSecure())) return undefined;
  return add(cookie, 'Partitioned');
}

/** @type {Rule} */
function secure(cookie, { secure }, { isSecure }) {
  if (attributeOf(cookie, 'secure') !== undefined) return undefined;
  const isWanted = secure === true || needsSecure(cookie) || (secure === 'auto' && isSecure());
  return isWanted ? add(cookie, 'Secure') : undefined;
}

/**
 * What browsers take only with `Secure`, whatever the connection.
 * @param {Cookie} cookie
 */
function needsSecure(cookie) {
  return (
    prefixOf(cookie.name) !== undefined ||
    attributeOf(cookie, 'samesite')?.value.toLowerCase() === 'none' ||
    attributeOf(cookie, 'partitioned') !== undefined ||
    attributeOf(cookie, 'secure') !== undefined
  );
}

/** `Max-Age` is stronger than `Expires` (RFC 6265bis, section 5.7); each is cut by itself. @type {Rule} */
function lifetime(cookie, { maxAgeMs }, { now }) {
  if (maxAgeMs === Infinity) return undefined;
  const seconds = Math.floor(maxAgeMs / 1000);
  const maxAge = attributeOf(cookie, 'max-age')?.value ?? '';
  const isLong = /^\d+$/.test(maxAge) && Number(maxAge) > seconds;
  if (isLong) setAttribute(cookie, 'Max-Age', String(seconds));
  const expires = Date.parse(attributeOf(cookie, 'expires')?.value ?? '');
  // The second for which a date is cut must not make it look too long in the next look at the same cookie.
  const isLate = expires > now() + maxAgeMs + 1000;
  if (isLate) setAttribute(cookie, 'Expires', new Date(now() + maxAgeMs).toUTCString());
  return isLong || isLate ? 'changed' : undefined;
}

/**
 * @param {Cookie} cookie
 * @param {string} name
 */
function add(cookie, name) {
  if (attributeOf(cookie, name.toLowerCase()) !== undefined) return undefined;
  setAttribute(cookie, name);
  return 'changed';
}

/** By the names that events have; `secure` after what makes it necessary. @type {[name: string, rule: Rule][]} */
const RULES = [
  ['malformed', malformed],
  ['host-prefix', hostPrefix],
  ['http-only', httpOnly],
  ['same-site', sameSite],
  ['partitioned', partitioned],
  ['secure', secure],
  ['max-age', lifetime],
];

module.exports = { RULES, SAME_SITE };
