'use strict';

const { hasBody } = require('../body-framing');
const { settleShapes } = require('../object-shapes');
const { refuse } = require('../refusal');
const { bodyError } = require('./body-error');
const { parseByteSize } = require('./byte-size');
const { charset, compileTypeTest, mediaType } = require('./media-type');
const { readBody } = require('./read-body');

/**
 * @typedef {import('node:http').IncomingMessage & { body?: any, rawBody?: Buffer, stream?: { endAfterHeaders: boolean } }} Request
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
  const { keepRaw, onReject, strictContentType = false, verify } = settings;

  return function read(request, response, next) {
    settleShapes(request, response);
    const given = givenBody(request);
    if (given === undefined && (!hasBody(request) || isConsumed(request))) return next();
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
    /** @param {Buffer} body */
    const accept = (body) => {
      const result = format.parse(body, request);
      if ('error' in result) return reject(result.error);
      setBody(request, result.value);
      next();
    };
    /** @param {unknown} error @param {Buffer} [body] */
    const done = (error, body) => {
      if (error || body === undefined) return reject(error);
      if (keepRaw) request.rawBody = body;
      if (verify === undefined) return accept(body);
      callVerify(verify, [request, response, body, 'utf-8'], (refusal) => (refusal ? reject(refusal) : accept(body)));
    };
    if (given === undefined) return readBody(request, readOptions, done);
    if (given.length <= limit) return done(null, given);
    done(bodyError('entity.too.large', { details: { limit, length: given.length } }));
  };
}

/** Stands for a body that another middleware has parsed already. */
const PARSED = Symbol('parsed');

/**
 * Requests whose parsed body is text or bytes, which a second reader would take for one still to be parsed.
 * @type {WeakSet<Request>}
 */
const parsedToBytes = new WeakSet();

/**
 * @param {Request} request
 * @param {unknown} value
 */
function setBody(request, value) {
  // What body-parser looks at before it reads: a reader that the app still has leaves this request alone.
  /** @type {any} */ (request)._body = true;
  if (typeof value === 'string' || value instanceof Uint8Array) parsedToBytes.add(request);
  request.body = value;
}

/**
 * A body that was read before this middleware ran: bytes or text, as serverless platforms leave them, are still to be
 * judged; a parsed value is `sanitize`'s business.
 * @param {Request} request
 * @returns {Buffer | typeof PARSED | undefined} undefined when the body is still to be read
 */
function givenBody(request) {
  const { body, rawBody } = request;
  if (body === undefined && !(rawBody && request.readableDidRead)) return undefined;
  if (parsedToBytes.has(request)) return PARSED;
  if (typeof body === 'string') return Buffer.from(body);
  for (const bytes of [body, rawBody]) {
    if (bytes instanceof Uint8Array) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
  return request.readableDidRead || !isEmpty(body) ? PARSED : undefined;
}

/**
 * Whether a value is what stands for no body: body-parser 1.x leaves `{}` on requests that it did not read.
 * @param {unknown} value
 */
function isEmpty(value) {
  return value === null || (typeof value === 'object' && Object.keys(value).length === 0);
}

/**
 * Whether somebody else has read the whole request, and left nothing of it.
 * @param {Request} request
 */
function isConsumed(request) {
  return request.readableEnded || (request.complete && !request.readable && !request.aborted);
}

/** @param {Request} request */
function unsupportedType(request) {
  return bodyError('media-type.unsupported', { details: { mediaType: mediaType(request.headers['content-type']) } });
}

/**
 * Calls the user's check of the bytes, which may answer with a promise.
 * @param {(...parameters: any[]) => unknown} verify
 * @param {[Request, Response, Buffer, string]} parameters
 * @param {(refusal?: Error) => void} done
 */
function callVerify(verify, parameters, done) {
  let result;
  try {
    result = verify(...parameters);
  } catch (thrown) {
    return done(verifyError(thrown));
  }
  if (typeof (/** @type {any} */ (result)?.then) !== 'function') return done();
  // Outside of the promise, so that what `next` throws is not taken for the check's answer.
  const later = (/** @type {Error | undefined} */ refusal) => setImmediate(done, refusal);
  Promise.resolve(result).then(
    () => later(undefined),
    (thrown) => later(verifyError(thrown)),
  );
}

/** @param {unknown} thrown what it says itself about status and type counts, as with body-parser */
function verifyError(thrown) {
  const { status, statusCode, type } = Object(thrown);
  const own = status ?? statusCode;
  return bodyError('entity.verify.failed', {
    cause: thrown,
    status: Number.isInteger(own) && own >= 400 && own < 600 ? own : undefined,
    details: typeof type === 'string' && type !== '' ? { type } : undefined,
  });
}

module.exports = { READER_OPTIONS, createBodyReader };
