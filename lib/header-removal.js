'use strict';

/**
 * @typedef {import('./response-hook').HeadListener} HeadListener
 * @typedef {import('./response-hook').ExplicitHeaders} ExplicitHeaders
 */

// Up to this many names it is quicker to remove each than to look at what is set.
const FEW = 4;

/**
 * Makes a listener that takes headers away, whatever set them: `setHeader`, or the headers given to `writeHead`.
 * @param {readonly string[]} names lower case
 * @returns {HeadListener}
 */
function createHeaderRemoval(names) {
  const removed = new Set(names);
  const isFew = names.length <= FEW;
  return function removeHeaders(response, headers) {
    if (isFew) for (let index = 0; index < names.length; index += 1) response.removeHeader(names[index]);
    else removeFound(response, removed);
    return headers === undefined ? undefined : without(headers, removed);
  };
}

/**
 * @param {import('node:http').ServerResponse} response
 * @param {Set<string>} removed
 */
function removeFound(response, removed) {
  for (const name of response.getHeaderNames()) if (removed.has(name)) response.removeHeader(name);
}

/**
 * The headers without the removed ones; the same object where there are none.
 * @param {Record<string, any> | any[]} headers
 * @param {Set<string>} removed
 * @returns {ExplicitHeaders}
 */
function without(headers, removed) {
  if (Array.isArray(headers)) return withoutInList(headers, removed);
  const names = Object.keys(headers);
  if (!names.some((name) => removed.has(name.toLowerCase()))) return headers;
  return Object.fromEntries(
    names.filter((name) => !removed.has(name.toLowerCase())).map((name) => [name, headers[name]]),
  );
}

/**
 * @param {any[]} list
 * @param {Set<string>} removed
 */
function withoutInList(list, removed) {
  const kept = [];
  // A list of odd length is Node's to refuse: its last name goes through as it came.
  for (let index = 0; index < list.length; index += 2) {
    if (!removed.has(String(list[index]).toLowerCase())) kept.push(...list.slice(index, index + 2));
  }
  return kept.length === list.length ? list : kept;
}

module.exports = { createHeaderRemoval };
