'use strict';

const { pointerFrom } = require('./pointer');

/**
 * One thing that is wrong with a request, as a client is told it.
 * @typedef {import('../index').FieldError} FieldError
 * @typedef {Record<string, unknown>} Issue what validators report: Standard Schema's `message` and `path`, and what some have beside
 *   them
 */

/** Longest text of one error, in UTF-16 units. */
const DETAIL_CAP = 200;
const NO_DETAIL = 'is not valid';
/** The value in joi's messages. */
const JOI_VALUE = / with value .* (?=fails to match|matches the inverted)/s;

/**
 * The errors of a list of issues, of whichever validator. None holds a value of the request, which some validators
 * write into their messages.
 * @param {readonly unknown[]} issues
 * @param {number} most errors at the most
 * @param {FieldError['location']} [location]
 * @returns {FieldError[]}
 */
function fieldErrors(issues, most, location) {
  /** @type {FieldError[]} */
  const errors = [];
  for (const issue of issues) {
    if (errors.length >= most) break;
    if (isObject(issue)) errors.push(...errorsOf(issue, most - errors.length, location));
  }
  return errors;
}

/**
 * @param {Issue} issue
 * @param {number} most
 * @param {FieldError['location']} location
 * @returns {FieldError[]}
 */
function errorsOf(issue, most, location) {
  const path = segmentsOf(issue.path);
  // zod has one issue for all unknown keys of an object; each is an error of its own place.
  if (issue.code === 'unrecognized_keys' && Array.isArray(issue.keys)) {
    return issue.keys.slice(0, most).map((key) => fieldError(location, [...path, String(key)], 'is not a known key'));
  }
  return [fieldError(location, path, detailOf(issue))];
}

/**
 * @param {FieldError['location']} location
 * @param {readonly string[]} path
 * @param {string} detail
 * @returns {FieldError}
 */
function fieldError(location, path, detail) {
  const pointer = pointerFrom(path);
  return location === undefined ? { pointer, detail } : { location, pointer, detail };
}

/**
 * @param {unknown} path keys, or objects with `key`
 * @returns {string[]}
 */
function segmentsOf(path) {
  if (!Array.isArray(path)) return [];
  return Array.from(path, (segment) => String(isObject(segment) ? segment.key : segment));
}

/**
 * The validator's message without what it was given.
 * @param {Issue} issue
 * @returns {string}
 */
function detailOf(issue) {
  const { message, received } = issue;
  const text = typeof message === 'string' ? message : '';
  const detail = issue[' arkKind'] === 'error' ? arkDetail(issue) : withoutValue(text, received);
  if (detail === '') return NO_DETAIL;
  return detail.length > DETAIL_CAP ? `${detail.slice(0, DETAIL_CAP)}…` : detail;
}

/**
 * arktype: `must be a number (was a string)`, or the value in the middle and a list below. What was expected has none of
 * it, except where several types were tried.
 * @param {Issue} issue
 */
function arkDetail({ expected, code }) {
  const [text] = String(expected ?? '').split(' (was ');
  const flat = text.replaceAll(/\n? *◦ /g, ', ').replace(/^, /, '');
  return code === 'union' || flat === '' ? flat : `must be ${flat}`;
}

/**
 * @param {string} text
 * @param {unknown} received how valibot writes the value, with which its messages end
 */
function withoutValue(text, received) {
  if (typeof received !== 'string') return text.replace(JOI_VALUE, ' ');
  const end = [` but received ${received}`, `: Received ${received}`].find((end) => text.endsWith(end));
  return end === undefined ? text : text.slice(0, -end.length);
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isObject(value) {
  return typeof value === 'object' && value !== null;
}

module.exports = { fieldError, fieldErrors };
