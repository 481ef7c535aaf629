'use strict';

const { createHash } = require('node:crypto');

/** @typedef {{ limit: any, used: number, remaining: number, resetTime: Date | undefined, key: string }} Info */

/** The largest integer of a structured field (RFC 9651, section 3.3.1). */
const MAX_INTEGER = 999_999_999_999_999;

/**
 * @param {any} response
 * @param {Info} info
 */
function setLegacyHeaders(response, { limit, remaining, resetTime }) {
  response.setHeader('X-RateLimit-Limit', limit.toString());
  response.setHeader('X-RateLimit-Remaining', remaining.toString());
  if (!(resetTime instanceof Date)) return;
  response.setHeader('Date', new Date().toUTCString());
  response.setHeader('X-RateLimit-Reset', Math.ceil(resetTime.getTime() / 1000).toString());
}

/**
 * The fields of a draft by its name.
 * @type {Record<string, (response: any, info: Info, windowMs: number, name: string) => void>}
 */
const WRITERS = {
  'draft-6'(response, { limit, remaining, resetTime }, windowMs) {
    response.setHeader('RateLimit-Policy', `${integer(limit)};w=${Math.ceil(windowMs / 1000)}`);
    response.setHeader('RateLimit-Limit', integer(limit));
    response.setHeader('RateLimit-Remaining', integer(remaining));
    response.setHeader('RateLimit-Reset', secondsLeft(windowMs, resetTime).toString());
  },
  'draft-7'(response, { limit, remaining, resetTime }, windowMs) {
    const reset = secondsLeft(windowMs, resetTime);
    response.setHeader('RateLimit-Policy', `${integer(limit)};w=${Math.ceil(windowMs / 1000)}`);
    response.setHeader('RateLimit', `limit=${integer(limit)}, remaining=${integer(remaining)}, reset=${reset}`);
  },
  'draft-8'(response, { limit, remaining, resetTime, key }, windowMs, name) {
    const item = `"${quoted(name)}"`;
    response.append('RateLimit', `${item}; r=${integer(remaining)}; t=${secondsLeft(windowMs, resetTime)}`);
    const quota = `q=${integer(limit)}; w=${Math.ceil(windowMs / 1000)}; pk=:${partitionKey(key)}:`;
    response.append('RateLimit-Policy', `${item}; ${quota}`);
  },
};

/**
 * @param {any} response
 * @param {Info} info
 * @param {number} windowMs
 * @param {any} retryAfter
 */
function setRetryAfter(response, { resetTime }, windowMs, retryAfter) {
  if (response.headersSent) return;
  response.setHeader('Retry-After', (retryAfter ?? secondsLeft(windowMs, resetTime)).toString());
}

/**
 * @param {number} windowMs
 * @param {Date | undefined} resetTime
 */
function secondsLeft(windowMs, resetTime) {
  if (!resetTime) return Math.ceil(windowMs / 1000);
  return Math.max(0, Math.ceil((resetTime.getTime() - Date.now()) / 1000));
}

/**
 * A number as a structured field has it: whole, and of at most 15 digits (S-19).
 * @param {any} value
 */
function integer(value) {
  return `${Math.floor(Math.min(Number(value), MAX_INTEGER))}`;
}

/**
 * The inside of a structured field's string, whatever the name holds (S-19, S-59).
 * @param {unknown} name
 */
function quoted(name) {
  return String(name)
    .replace(/[^\x20-\x7e]/g, '?')
    .replace(/["\\]/g, '\\$&');
}

/** @param {string} key */
function partitionKey(key) {
  const digest = createHash('sha256').update(key).digest('hex').slice(0, 12);
  return Buffer.from(digest).toString('base64');
}

module.exports = { WRITERS, setLegacyHeaders, setRetryAfter };
