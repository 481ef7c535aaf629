'use strict';

const { CarapaceError } = require('../errors');

/**
 * Why a body is refused: the `type` (body-parser's word where it has one), then status, code and what the client is told.
 * @type {Record<string, [status: number, code: string, message: string]>}
 */
const REFUSALS = {
  'charset.unsupported': [415, 'ERR_CARAPACE_MEDIA_TYPE', 'the charset is not supported; send UTF-8'],
  'encoding.unsupported': [415, 'ERR_CARAPACE_MEDIA_TYPE', 'the content encoding is not supported'],
  'media-type.unsupported': [415, 'ERR_CARAPACE_MEDIA_TYPE', 'the media type is not supported'],
  'encoding.invalid': [400, 'ERR_CARAPACE_BODY_MALFORMED', 'the body is not in its declared content encoding'],
  'entity.parse.failed': [400, 'ERR_CARAPACE_BODY_MALFORMED', 'the body could not be parsed'],
  'entity.too.large': [413, 'ERR_CARAPACE_BODY_TOO_LARGE', 'the body is too large'],
  'entity.verify.failed': [403, 'ERR_CARAPACE_BODY_UNVERIFIED', 'the body was not accepted'],
  'entity.rejected': [400, 'ERR_CARAPACE_REQUEST_REJECTED', 'the request holds what is not allowed'],
  'parameters.too.many': [413, 'ERR_CARAPACE_REQUEST_REJECTED', 'there are too many parameters'],
  'querystring.parse.rangeError': [400, 'ERR_CARAPACE_REQUEST_REJECTED', 'a parameter has too many levels'],
  'request.aborted': [400, 'ERR_CARAPACE_BODY_ABORTED', 'the request was aborted'],
  'request.size.invalid': [400, 'ERR_CARAPACE_BODY_MALFORMED', 'the body is not as long as its Content-Length'],
  'request.timeout': [408, 'ERR_CARAPACE_BODY_TIMEOUT', 'the body did not arrive in time'],
  'stream.encoding.set': [500, 'ERR_CARAPACE_BODY_UNREADABLE', 'the request stream has an encoding set'],
  'stream.not.readable': [500, 'ERR_CARAPACE_BODY_UNREADABLE', 'the request stream cannot be read'],
};

/**
 * @param {string} type one of the refusals above
 * @param {{ cause?: unknown, status?: number, message?: string, details?: Record<string, unknown> }} [how] `details` become
 *   properties of the error, such as `limit`
 * @returns {InstanceType<typeof CarapaceError>}
 */
function bodyError(type, { cause, status, message, details } = {}) {
  const [defaultStatus, code, text] = REFUSALS[type];
  const error = new CarapaceError(code, message ?? text, { status: status ?? defaultStatus, type, cause });
  return details === undefined ? error : Object.assign(error, details);
}

module.exports = { bodyError };
