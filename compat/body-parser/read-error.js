'use strict';

const { createHttpError, toHttpError } = require('./http-error');

/**
 * What body-parser says where the core says why a body could not be read.
 * @type {Record<string, (error: any) => Error>}
 */
const ERRORS = {
  'entity.too.large': ({ limit, expected, received }) => {
    const type = 'entity.too.large';
    const size = expected === undefined ? { limit, received, type } : { expected, length: expected, limit, type };
    return createHttpError(413, 'request entity too large', size);
  },
  'request.aborted': ({ expected = null, received }) =>
    createHttpError(400, 'request aborted', {
      code: 'ECONNABORTED',
      expected,
      length: expected,
      received,
      type: 'request.aborted',
    }),
  'request.size.invalid': ({ expected, received }) =>
    createHttpError(400, 'request size did not match content length', {
      expected,
      length: expected,
      received,
      type: 'request.size.invalid',
    }),
  'stream.encoding.set': () =>
    createHttpError(500, 'stream encoding should not be set', { type: 'stream.encoding.set' }),
  'stream.not.readable': () => createHttpError(500, 'stream is not readable', { type: 'stream.not.readable' }),
  'encoding.invalid': ({ cause }) =>
    cause === undefined
      ? createHttpError(400, 'the body goes on after its coded data', { type: 'encoding.invalid' })
      : toHttpError(400, cause),
};

/**
 * @param {any} error of the core's reader
 * @returns {Error}
 */
function readError(error) {
  const translate = ERRORS[error?.type];
  return translate === undefined ? error : translate(error);
}

module.exports = { readError };
