'use strict';

/**
 * @typedef {import('../../index').ProblemDocument} ProblemDocument
 * @typedef {{ type: string, body: Buffer }} Rendering
 */

/** @type {Record<string, string>} */
const ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/**
 * @param {ProblemDocument} problem
 * @returns {Rendering}
 */
function renderProblem(problem) {
  return { type: 'application/problem+json; charset=utf-8', body: Buffer.from(JSON.stringify(problem)) };
}

/**
 * A page with the same, for people: without style or script, so that it needs no policy.
 * @param {ProblemDocument} problem
 * @returns {Rendering}
 */
function renderHtml({ status, title, detail, errors = [], id, stack = [] }) {
  const name = title ?? 'Error';
  const items = errors.map(
    ({ location = '', pointer, detail }) => `<li>${escape(`${location}${pointer} ${detail}`)}</li>`,
  );
  const parts = [
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${escape(`${status} ${name}`)}</title></head><body>`,
    `<h1>${escape(name)}</h1>`,
    detail === undefined ? '' : `<p>${escape(detail)}</p>`,
    items.length === 0 ? '' : `<ul>${items.join('')}</ul>`,
    `<p>Request ${escape(id)}</p>`,
    ...stack.map((text) => `<pre>${escape(text)}</pre>`),
    '</body></html>\n',
  ];
  return { type: 'text/html; charset=utf-8', body: Buffer.from(parts.join('')) };
}

/**
 * What the app's own `shape` gave: text, bytes, or a value that becomes JSON.
 * @param {unknown} shaped
 * @returns {Rendering | undefined} undefined for what cannot be sent
 */
function renderShaped(shaped) {
  if (typeof shaped === 'string') return { type: 'text/plain; charset=utf-8', body: Buffer.from(shaped) };
  if (shaped instanceof Uint8Array) return { type: 'application/octet-stream', body: Buffer.from(shaped) };
  if (isPromise(shaped)) return undefined;
  const json = JSON.stringify(shaped);
  return json === undefined ? undefined : { type: 'application/json; charset=utf-8', body: Buffer.from(json) };
}

/** @param {any} value */
function isPromise(value) {
  return typeof value === 'object' && value !== null && typeof value.then === 'function';
}

/** @param {string} text */
function escape(text) {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character]);
}

module.exports = { renderHtml, renderProblem, renderShaped };
