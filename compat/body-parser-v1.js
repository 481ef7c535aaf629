'use strict';

const { jsonFormat } = require('./body-parser/json');
const { createParser } = require('./body-parser/parser');
const { rawFormat, textFormat } = require('./body-parser/text');
const { urlencodedFormat } = require('./body-parser/urlencoded');

/** @type {import('./body-parser/parser').Version} */
const VERSION_1 = {
  codings: ['gzip', 'deflate'],
  prepare(request) {
    if (request._body) return false;
    request.body = request.body || {};
    return true;
  },
  // What other readers ask to know whether the body was read.
  start(request) {
    request._body = true;
  },
  isStrict: true,
};

/** Version 1 has one charset for all but text. @param {any} options */
const withoutCharset = (options) => ({ ...options, defaultCharset: undefined });

/** @param {any} [options] */
function json(options) {
  return createParser(withoutCharset(options), jsonFormat(options), VERSION_1);
}

/** @param {any} [options] */
function raw(options) {
  return createParser(options, rawFormat(), VERSION_1);
}

/** @param {any} [options] */
function text(options) {
  return createParser(options, textFormat(), VERSION_1);
}

/** @param {any} [options] */
function urlencoded(options) {
  if (options?.extended === undefined) warn('undefined extended: provide extended option');
  const isExtended = options?.extended !== false;
  const settings = { ...withoutCharset(options), charsetSentinel: false, interpretNumericEntities: false };
  const format = urlencodedFormat(settings, { isExtended, isSimple: !isExtended, charsets: ['utf-8'] });
  return createParser(settings, format, VERSION_1);
}

/**
 * JSON and forms at once, as long ago.
 * @param {any} [options]
 * @returns {(request: any, response: any, next: (error?: any) => void) => void}
 */
function bodyParser(options) {
  warn('bodyParser: use individual json/urlencoded middlewares');
  const shared = { ...options, type: undefined };
  const [readForm, readJson] = [urlencoded(shared), json(shared)];
  return function bodyParser(request, response, next) {
    readJson(request, response, (error) => (error ? next(error) : readForm(request, response, next)));
  };
}

/** @type {Set<string>} */
const warned = new Set();

/** @param {string} message */
function warn(message) {
  if (warned.has(message)) return;
  warned.add(message);
  process.emitWarning(`body-parser: ${message}`, 'DeprecationWarning');
}

module.exports = Object.assign(bodyParser, { json, raw, text, urlencoded });
