'use strict';

const { readOptions } = require('../options');
const { FORM_OPTIONS, createFormParser } = require('./form');
const { charset } = require('./media-type');
const { READER_OPTIONS, createBodyReader } = require('./reader');

/** @type {import('../options').OptionTable} */
const OPTIONS = {
  ...READER_OPTIONS,
  ...FORM_OPTIONS,
  defaultCharset: { type: 'string', oneOf: ['utf-8', 'iso-8859-1'] },
};

const LATIN1 = 'iso-8859-1';

/**
 * @param {import('../../index').UrlencodedOptions} [options]
 * @returns {import('../../index').Middleware}
 */
function urlencoded(options) {
  return createUrlencoded(options);
}

/**
 * @param {import('../../index').UrlencodedOptions} [options]
 * @param {import('./form').InPass} [chainHpp] what the chain's `hpp` leaves to this reader
 * @returns {import('../../index').Middleware}
 */
function createUrlencoded(options, chainHpp) {
  const settings = readOptions('urlencoded', options, OPTIONS);
  const { defaultCharset = 'utf-8' } = settings;
  const { parseForm } = /** @type {ReturnType<typeof createFormParser<Buffer>>} */ (
    createFormParser('urlencoded', settings, 'body', chainHpp)
  );
  const read = createBodyReader('urlencoded', settings, {
    type: 'application/x-www-form-urlencoded',
    charsets: (name) => name === 'utf-8' || name === LATIN1,
    parse(body, /** @type {any} */ request) {
      const name = charset(request.headers['content-type']) ?? defaultCharset;
      const parsed = parseForm(body, name === LATIN1 ? 1 : 0);
      if ('value' in parsed && parsed.polluted) request.bodyPolluted = parsed.polluted;
      return parsed;
    },
  });
  return function urlencoded(request, response, next) {
    read(request, response, next);
  };
}

module.exports = { OPTIONS, createUrlencoded, urlencoded };
