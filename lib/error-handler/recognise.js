'use strict';

const { types } = require('node:util');
const { CarapaceError } = require('../errors');
const { fieldError, fieldErrors } = require('../field-errors');
const { cut, elementsOf, readFrom, textFrom } = require('./thrown');

/**
 * What a client may be told of an error.
 * @typedef {import('../../index').FieldError} FieldError
 * @typedef {{ status: number, detail?: string, code?: string, rule?: string, pointer?: string, errors?: FieldError[] }} Account
 * @typedef {{ validationStatus: number | false }} Settings
 * @typedef {(thrown: unknown, status: number | undefined, settings: Settings) => Account | undefined} Recogniser
 */

const MOST_ERRORS = 100;

/**
 * body-parser's words, and ours for them: its own messages quote the body.
 * @type {Record<string, string>}
 */
const BODY_DETAILS = {
  'charset.unsupported': 'the charset is not supported',
  'encoding.unsupported': 'the content encoding is not supported',
  'entity.parse.failed': 'the body could not be parsed',
  'entity.too.large': 'the body is too large',
  'entity.verify.failed': 'the body was not accepted',
  'parameters.too.many': 'there are too many parameters',
  'querystring.parse.rangeError': 'a parameter has too many levels',
  'request.aborted': 'the request was aborted',
  'request.size.invalid': 'the body is not as long as its Content-Length',
};

/** Names of errors that carry Standard Schema's `issues`: zod's, valibot's, @standard-schema/utils'. */
const ISSUE_ERRORS = new Set(['ZodError', '$ZodError', 'ZodRealError', 'ValiError', 'SchemaError']);

/**
 * The 4xx or 5xx that an error, or a response, names.
 * @param {unknown} status
 * @returns {number | undefined}
 */
function errorStatus(status) {
  return typeof status === 'number' && Number.isInteger(status) && status >= 400 && status <= 599 ? status : undefined;
}

/** @param {number | undefined} status */
function isServers(status) {
  return status !== undefined && status >= 500;
}

/** @type {Recogniser} */
function ours(thrown, status) {
  if (!isCarapaceError(thrown) || status === undefined) return undefined;
  const errors = elementsOf(readFrom(thrown, 'errors'), MOST_ERRORS).map(toFieldError);
  return {
    status,
    detail: readFrom(thrown, 'expose') === true ? textFrom(thrown, 'message') : undefined,
    code: textFrom(thrown, 'code'),
    rule: textFrom(thrown, 'rule'),
    pointer: textFrom(thrown, 'pointer'),
    errors: errors.length > 0 ? errors : undefined,
  };
}

/** @param {unknown} given @returns {FieldError} */
function toFieldError(given) {
  const location = /** @type {FieldError['location']} */ (textFrom(given, 'location'));
  return { location, pointer: textFrom(given, 'pointer') ?? '', detail: textFrom(given, 'detail') ?? '' };
}

/** @param {unknown} thrown */
function isCarapaceError(thrown) {
  try {
    return thrown instanceof CarapaceError;
  } catch {
    return false;
  }
}

/** @type {Recogniser} */
function bodyParsers(thrown, status) {
  const type = readFrom(thrown, 'type');
  if (status === undefined || isServers(status) || typeof type !== 'string') return undefined;
  return Object.hasOwn(BODY_DETAILS, type) ? { status, detail: BODY_DETAILS[type] } : undefined;
}

/** A parser's SyntaxError with a status; one without may be about any text of the app's own. @type {Recogniser} */
function syntaxErrors(thrown, status) {
  const isClients = status !== undefined && !isServers(status) && textFrom(thrown, 'name') === 'SyntaxError';
  return isClients ? { status, detail: BODY_DETAILS['entity.parse.failed'] } : undefined;
}

/** A path or a parameter with a wrong escape; Express quotes it in the message. @type {Recogniser} */
function uriErrors(thrown, status = 400) {
  const isUriError = types.isNativeError(thrown) && textFrom(thrown, 'name') === 'URIError';
  return isUriError && status === 400 ? { status, detail: 'the path or a parameter has a wrong escape' } : undefined;
}

/** @type {Recogniser} */
function uploads(thrown, status) {
  if (isServers(status) || textFrom(thrown, 'name') !== 'MulterError') return undefined;
  const code = textFrom(thrown, 'code');
  const field = textFrom(thrown, 'field');
  const detail = code === 'LIMIT_FILE_SIZE' ? 'a file is too large' : 'the upload is not accepted';
  return {
    status: status ?? (code === 'LIMIT_FILE_SIZE' ? 413 : 400),
    detail,
    errors: field === undefined ? undefined : [fieldError('body', [field], detail)],
  };
}

/** What validators throw. @type {Recogniser} */
function validators(thrown, status, { validationStatus }) {
  if (validationStatus === false || isServers(status)) return undefined;
  const issues = issuesOf(thrown);
  if (issues === undefined) return undefined;
  return {
    status: status ?? validationStatus,
    detail: 'the request is not valid',
    errors: fieldErrors(elementsOf(issues, MOST_ERRORS), MOST_ERRORS),
  };
}

/** @param {unknown} thrown */
function issuesOf(thrown) {
  const name = textFrom(thrown, 'name') ?? '';
  if (ISSUE_ERRORS.has(name)) return readFrom(thrown, 'issues');
  if (name === 'TraversalError') return readFrom(thrown, 'arkErrors');
  return name === 'ValidationError' ? readFrom(thrown, 'details') : undefined;
}

/** Everything else, by its status: http-errors and what is made like them. @type {Recogniser} */
function others(thrown, status) {
  if (status === undefined) return undefined;
  const isExposed = readFrom(thrown, 'expose') === true;
  return { status, detail: isExposed ? textFrom(thrown, 'message') : undefined };
}

/** The first that knows an error speaks for it. @type {Recogniser[]} */
const RECOGNISERS = [ours, validators, uploads, bodyParsers, uriErrors, syntaxErrors, others];

/**
 * What is to be told of something that was thrown: never its message, unless it says so itself with `expose`.
 * @param {unknown} thrown
 * @param {number} responseStatus what the app had set before; it counts when the error names none
 * @param {Settings} settings
 * @returns {Account}
 */
function recognise(thrown, responseStatus, settings) {
  const status = errorStatus(readFrom(thrown, 'status')) ?? errorStatus(readFrom(thrown, 'statusCode'));
  for (const recogniser of RECOGNISERS) {
    const account = tryWith(recogniser, thrown, status, settings);
    if (account !== undefined) return account;
  }
  return { status: errorStatus(responseStatus) ?? 500 };
}

/**
 * @param {Recogniser} recogniser
 * @param {unknown} thrown
 * @param {number | undefined} status
 * @param {Settings} settings
 */
function tryWith(recogniser, thrown, status, settings) {
  try {
    return recogniser(thrown, status, settings);
  } catch {
    // An issue whose members throw when they are read.
    return undefined;
  }
}

/**
 * The message for a developer's eyes.
 * @param {unknown} thrown
 */
function developerDetail(thrown) {
  return textFrom(thrown, 'message') ?? (typeof thrown === 'string' ? cut(thrown) : undefined);
}

module.exports = { developerDetail, recognise };
