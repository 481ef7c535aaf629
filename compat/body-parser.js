'use strict';

const { jsonFormat } = require('./body-parser/json');
const { createParser } = require('./body-parser/parser');
const { rawFormat, textFormat } = require('./body-parser/text');
const { urlencodedFormat } = require('./body-parser/urlencoded');

/** @type {import('./body-parser/parser').Version} */
const VERSION_2 = {
  codings: ['gzip', 'deflate', 'br', 'zstd'],
  prepare(request) {
    if (isFinished(request)) return false;
    if (!('body' in request)) request.body = undefined;
    return true;
  },
  start() {},
  isStrict: false,
};

const CHARSETS = ['utf-8', 'iso-8859-1'];

/**
 * Whether somebody has read the request whole.
 * @param {any} request
 */
function isFinished({ socket, complete, readable, upgrade }) {
  return Boolean(upgrade || !socket?.readable || (complete && !readable));
}

/** @param {any} [options] */
function json(options) {
  return createParser(options, jsonFormat(options), VERSION_2);
}

/** @param {any} [options] */
function raw(options) {
  return createParser(options, rawFormat(), VERSION_2);
}

/** @param {any} [options] */
function text(options) {
  return createParser(options, textFormat(), VERSION_2);
}

/** @param {any} [options] */
function urlencoded(options) {
  if (!CHARSETS.includes(options?.defaultCharset || 'utf-8')) {
    throw new TypeError('option defaultCharset must be either utf-8 or iso-8859-1');
  }
  const format = urlencodedFormat(options, { isExtended: Boolean(options?.extended), charsets: CHARSETS });
  return createParser(options, format, VERSION_2);
}

function bodyParser() {
  throw new Error('The bodyParser() generic has been split into individual middleware to use instead.');
}

module.exports = Object.assign(bodyParser, { json, raw, text, urlencoded });
