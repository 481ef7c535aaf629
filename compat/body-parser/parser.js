'use strict';

const { hasBody } = require('../../lib/body-framing');
const { canInflate, contentEncoding } = require('../../lib/body/inflate');
const { charset } = require('../../lib/body/media-type');
const { readBody } = require('../../lib/body/read-body');
const { drainInBackground } = require('../../lib/drain');
const { settleShapes } = require('../../lib/object-shapes');
const { createTypeTest } = require('../request-type');
const { createHttpError, toHttpError } = require('./http-error');
const { readLimit } = require('./limit');
const { readError } = require('./read-error');

/**
 * One kind of body.
 * @typedef {object} Format
 * @property {string} name of the middleware
 * @property {string} type of the bodies, unless an option says otherwise
 * @property {boolean} [isBinary] whether charsets do not matter
 * @property {(charset: string) => boolean} [refuses] whether a charset is out of the question
 * @property {(charset: string) => boolean} [accepts] whether it can be read
 * @property {(bytes: Buffer, charset: string) => unknown} parse
 *
 * What is different between the versions of body-parser.
 * @typedef {object} Version
 * @property {string[]} codings that it undoes
 * @property {(request: any) => boolean} prepare makes the request ready; false when the body was read before
 * @property {(request: any) => void} start is called when reading begins
 * @property {boolean} isStrict whether a Content-Type with malformed parameters is none
 */

/**
 * Makes the middleware that reads one kind of body, on the core's reader.
 * @param {any} options
 * @param {Format} format
 * @param {Version} version
 * @returns {(request: any, response: any, next: (error?: any) => void) => void}
 */
function createParser(options, format, { codings, prepare, start, isStrict }) {
  const { verify, isWanted, defaultCharset, ...reading } = readOptions(options, format, isStrict);

  /** @param {any} request @param {any} response @param {(error?: any) => void} next */
  function parser(request, response, next) {
    settleShapes(request, response);
    if (!prepare(request) || !hasBody(request) || !isWanted(request)) return next();
    const encoding = format.isBinary ? null : (charset(request.headers['content-type']) ?? defaultCharset);
    if (encoding !== null && format.refuses?.(encoding)) return next(charsetError(encoding));
    start(request);
    if (encoding !== null && format.accepts?.(encoding) === false) return next(charsetError(encoding));
    const unsupported = codingError(request, reading.inflate, codings);
    if (unsupported) return next(unsupported);
    readBody(request, reading, (error, body) => {
      if (error || body === undefined) {
        drainInBackground(request, response);
        return next(readError(error));
      }
      const finish = () => parse(request, body, encoding, next);
      if (verify === undefined) return finish();
      callVerify(() => verify(request, response, body, encoding), body, finish, next);
    });
  }

  /** @param {any} request @param {Buffer} body @param {string | null} encoding @param {(error?: any) => void} next */
  function parse(request, body, encoding, next) {
    try {
      request.body = format.parse(body, /** @type {string} */ (encoding));
    } catch (thrown) {
      const text = body.toString(encoding === 'iso-8859-1' ? 'latin1' : 'utf8').replace(/^\ufeff/, '');
      return next(toHttpError(400, thrown, { body: text, type: Object(thrown).type || 'entity.parse.failed' }));
    }
    next();
  }

  return Object.defineProperty(parser, 'name', { value: format.name });
}

/**
 * @param {any} options
 * @param {Format} format
 * @param {boolean} isStrict
 */
function readOptions(options, format, isStrict) {
  const verify = options?.verify || undefined;
  const type = options?.type || format.type;
  const limit = readLimit(options?.limit);
  if (verify !== undefined && typeof verify !== 'function') throw new TypeError('option verify must be function');
  return {
    limit,
    inflate: options?.inflate !== false,
    // body-parser waits as long as the server does.
    readTimeoutMs: Infinity,
    verify,
    isWanted: typeof type === 'function' ? type : createTypeTest(type, isStrict),
    defaultCharset: /** @type {string} */ (options?.defaultCharset || 'utf-8'),
  };
}

/**
 * @param {any} request
 * @param {boolean} mayInflate
 * @param {string[]} codings
 */
function codingError(request, mayInflate, codings) {
  const encoding = contentEncoding(request);
  const isKnown = codings.includes(encoding) && canInflate(encoding);
  if (encoding === 'identity' || (mayInflate && isKnown)) return undefined;
  const message = mayInflate ? `unsupported content encoding "${encoding}"` : 'content encoding unsupported';
  return createHttpError(415, message, { encoding, type: 'encoding.unsupported' });
}

/** @param {string} encoding */
function charsetError(encoding) {
  const message = `unsupported charset "${encoding.toUpperCase()}"`;
  return createHttpError(415, message, { charset: encoding.toLowerCase(), type: 'charset.unsupported' });
}

/**
 * Calls the user's check of the bytes. A promise is waited for: otherwise its refusal would come too late.
 * @param {() => any} call
 * @param {Buffer} body
 * @param {() => void} accept
 * @param {(error: unknown) => void} refuse
 */
function callVerify(call, body, accept, refuse) {
  /** @param {any} thrown */
  const deny = (thrown) =>
    refuse(toHttpError(403, thrown, { body, type: Object(thrown).type || 'entity.verify.failed' }));
  let answer;
  try {
    answer = call();
  } catch (thrown) {
    return deny(thrown);
  }
  if (typeof answer?.then !== 'function') return accept();
  // Outside of the promise, so that what `next` throws is not taken for the check's answer.
  answer.then(
    () => setImmediate(accept),
    (/** @type {unknown} */ thrown) => setImmediate(deny, thrown),
  );
}

module.exports = { createParser };
