'use strict';

const { refuse } = require('../refusal');
const { bodyError } = require('./body-error');
const { parseByteSize } = require('./byte-size');
const { charset, compileTypeTest, mediaType } = require('./media-type');
const { readBody } = require('./read-body');

/**
 * @typedef {import('node:http').IncomingMessage & { body?: any, rawBody?: Buffer }} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {(error?: unknown) => void} Next
 * @typedef {{ value: any } | { error: unknown }} Parsed
 * @typedef {(body: Buffer, request: Request) => Parsed} Parse
 */

const DEFAULT_LIMIT = '100kb';
const DEFAULT_READ_TIMEOUT_MS = 30_000;

/** @type {import('../options').OptionTable} */
const READER_OPTIONS = {
  limit: 'number|string',
  inflate: 'boolean',
  type: 'string|array|function',
  strictContentType: 'boolean',
  verify: 'function',
  keepRaw: 'boolean',
  readTimeoutMs: { type: 'number', least: 1 },
  onReject: { type: 'string', oneOf: ['answer', 'next'] },
  onEvent: 'function',
};

/**
 * Makes the part that all body middlewares share: decide by type, read within limits, hand the bytes to `parse`, set
 * `request.body`, and answer what cannot be read.
 * @param {string} stem
 * @param {Record<string, any>} settings as read with READER_OPTIONS
 * @param {{ type: string, charsets: (name: string) => boolean, parse: Parse }} format
 * @returns {(request: Request, response: Response, next: Next) => void}
 */
function createBodyReader(stem, settings, format) {
  const limit = parseByteSize(`${stem}.limit`, settings.limit ?? DEFAULT_LIMIT);
  const isWanted = compileTypeTest(`${stem}.type`, settings.type ?? format.type);
  const readOptions = {
    limit,
    inflate: settings.inflate ?? true,
    readTimeoutMs: settings.readTimeoutMs ?? DEFAULT_READ_TIMEOUT_MS,
  };
  const { onReject, strictContentType = false } = settings;

  return function read(request, response, next) {
    const given = givenBody(request);
    if (given === undefined && !hasBody(request)) return next();
    /** @param {unknown} error */
    const reject = (error) => refuse(request, response, next, /** @type {any} */ (error), { onReject });
    let isOurs;
    try {
      isOurs = isWanted(request);
    } catch (error) {
      return next(error);
    }
    if (!isOurs) return strictContentType && given !== PARSED ? reject(unsupportedType(request)) : next();
    if (given === PARSED) return next();
    const name = charset(request.headers['content-type']);
    if (name !== undefined && !format.charsets(name)) {
      return reject(bodyError('charset.unsupported', { details: { charset: name } }));
    }
    /** @param {unknown} error @param {Buffer} [body] */
    const done = (error, body) => {
      const result = error
        ? { error }
        : accept(request, response, /** @type {Buffer} */ (body), settings, format.parse);
      if ('error' in result) return reject(result.error);
      request.body = result.value;
      next();
    };
    if (given === undefined) return readBody(request, readOptions, done);
    if (given.length <= limit) return done(null, given);
    done(bodyError('entity.too.large', { details: { limit, length: given.length } }));
  };
}

/** Stands for a body that another middleware has parsed already. */
const PARSED = Symbol('parsed');

/**
 * A body that was read before this middleware ran: bytes or text, as serverless platforms leave them, are still to be
 * judged; a parsed value is `sanitize`'s business.
 * @param {Request} request
 * @returns {Buffer | typeof PARSED | undefined} undefined when the body is still to be read
 */
function givenBody(request) {
  const { body, rawBody } = request;
  if (body === undefined && !(rawBody && request.readableDidRead)) return undefined;
  if (typeof body === 'string') return Buffer.from(body);
  for (const bytes of [body, rawBody]) {
    if (bytes instanceof Uint8Array) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return request.readableDidRead || !isEmptyObject(body) ? PARSED : undefined;
}

/**
 * body-parser 1.x leaves `{}` on requests that it did not read.
 * @param {unknown} value
 */
function isEmptyObject(value) {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/**
 * RFC 9112, section 6.3: a request has a body when one of these fields says so.
 * @param {Request} request
 */
function hasBody({ headers }) {
  return headers['transfer-encoding'] !== undefined || headers['content-length'] !== undefined;
}

/** @param {Request} request */
function unsupportedType(request) {
  return bodyError('media-type.unsupported', { details: { mediaType: mediaType(request.headers['content-type']) } });
}

/**
 * @param {Request} request
 * @param {Response} response
 * @param {Buffer} body
 * @param {Record<string, any>} settings
 * @param {Parse} parse
 * @returns {Parsed}
 */
function accept(request, response, body, { verify, keepRaw }, parse) {
  if (keepRaw) request.rawBody = body;
  if (verify) {
    try {
      verify(request, response, body, 'utf-8');
    } catch (cause) {
      return { error: bodyError('entity.verify.failed', { cause, status: /** @type {any} */ (cause)?.status }) };
    }
  }
  return parse(body, request);
}

module.exports = { READER_OPTIONS, createBodyReader };
