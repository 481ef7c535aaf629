'use strict';

const { defineOwn, partOf } = require('../plain-value');

/** @typedef {import('./schemas').Location} Location */

/**
 * What a schema is given. A part without anything is an empty object, except for the body: whether one must be there is for its
 * schema to say.
 * @param {any} request
 * @param {Location} location
 * @returns {unknown}
 */
function rawValue(request, location) {
  if (location === 'cookies') return request.cookies ?? parseCookies(request.headers?.cookie);
  const value = partOf(request, location);
  return location === 'body' ? value : (value ?? {});
}

/**
 * Puts what a schema made in the place of what it was given. Headers are laid over the others, because a schema names only those
 * that it wants, and the rest are not the handler's alone.
 * @param {any} request
 * @param {Location} location
 * @param {unknown} value
 */
function replaceValue(request, location, value) {
  const isOverlay = location === 'headers' && typeof value === 'object';
  defineOwn(request, location, isOverlay ? { ...request.headers, ...value } : value);
}

/**
 * The cookies of a request that nobody has parsed (RFC 6265bis, section 4.2): of several with one name the first, as
 * cookie-parser does it.
 * @param {string | undefined} header
 * @returns {Record<string, string>}
 */
function parseCookies(header) {
  /** @type {Record<string, string>} */
  const cookies = Object.create(null);
  for (const pair of (header ?? '').split(';')) {
    const equals = pair.indexOf('=');
    if (equals === -1) continue;
    const name = pair.slice(0, equals).trim();
    if (!(name in cookies)) cookies[name] = decode(pair.slice(equals + 1).trim());
  }
  return cookies;
}

/** @param {string} text */
function decode(text) {
  const value = text.startsWith('"') && text.endsWith('"') && text.length > 1 ? text.slice(1, -1) : text;
  try {
    return value.includes('%') ? decodeURIComponent(value) : value;
  } catch {
    return value;
  }
}

module.exports = { rawValue, replaceValue };
