'use strict';

/** Every code that an error of this package can carry; docs/errors.md has an entry for each. */
const ERROR_CODES = Object.freeze([
  'ERR_CARAPACE_OPTION_UNKNOWN',
  'ERR_CARAPACE_OPTION_TYPE',
  'ERR_CARAPACE_OPTION_VALUE',
  'ERR_CARAPACE_OPTION_CONFLICT',
  'ERR_CARAPACE_OPTION_REQUIRED',
  'ERR_CARAPACE_HEADER_VALUE',
  'ERR_CARAPACE_CSP_SOURCE',
  'ERR_CARAPACE_STORE_FILE',
  'ERR_CARAPACE_NATIVE_LOAD',
  'ERR_CARAPACE_NATIVE_VERSION',
  'ERR_CARAPACE_INTERNAL',
  'ERR_CARAPACE_RATE_LIMITED',
  'ERR_CARAPACE_CLIENT_DENIED',
  'ERR_CARAPACE_ORIGIN_DENIED',
  'ERR_CARAPACE_STORE_UNAVAILABLE',
  'ERR_CARAPACE_BODY_TOO_LARGE',
  'ERR_CARAPACE_BODY_MALFORMED',
  'ERR_CARAPACE_REQUEST_REJECTED',
  'ERR_CARAPACE_BODY_ABORTED',
  'ERR_CARAPACE_BODY_TIMEOUT',
  'ERR_CARAPACE_BODY_UNREADABLE',
  'ERR_CARAPACE_BODY_UNVERIFIED',
  'ERR_CARAPACE_MEDIA_TYPE',
  'ERR_CARAPACE_NOT_FOUND',
  'ERR_CARAPACE_REQUEST_INVALID',
]);

/**
 * The only error class of the package. Set-up mistakes carry `code`, `path` and `help`; refused requests carry
 * `code`, `status`, `type` and `expose` as well, in the form that Express and http-errors understand.
 */
class CarapaceError extends Error {
  /**
   * @param {string} code one of ERROR_CODES
   * @param {string} message what came and what is allowed, without the path
   * @param {{ path?: string, status?: number, type?: string, cause?: unknown }} [details]
   */
  constructor(code, message, details = {}) {
    const { path, status, type, cause } = details;
    super(path ? `${path}: ${message}` : message, cause === undefined ? undefined : { cause });
    this.name = 'CarapaceError';
    this.code = code;
    this.help = `docs/errors.md#${code.toLowerCase()}`;
    if (path !== undefined) this.path = path;
    if (status !== undefined) {
      this.status = status;
      this.statusCode = status;
      this.type = type;
      this.expose = status < 500;
    }
  }
}

/**
 * The error of a request that is denied, without a stack: it is made for each, nobody looks for its origin, and to take
 * down a stack costs more than the denial.
 * @param {string} code
 * @param {string} message
 * @param {{ status: number, type: string }} details
 */
function denialError(code, message, details) {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return new CarapaceError(code, message, details);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/**
 * Turns what a native set-up call threw into a CarapaceError. The core sends `path`, a line feed and the reason
 * (bindings/error.rs); anything else, such as a caught panic, is an internal error.
 * @param {string} stem the factory, put before the option path
 * @param {unknown} thrown
 * @returns {CarapaceError}
 */
function fromNative(stem, thrown) {
  const { code, message } = /** @type {{ code?: string, message?: string }} */ (thrown);
  if (typeof code !== 'string' || typeof message !== 'string' || !ERROR_CODES.includes(code)) {
    return new CarapaceError('ERR_CARAPACE_INTERNAL', 'the native core failed while it read the options', {
      path: stem,
      cause: thrown,
    });
  }
  const end = message.indexOf('\n');
  const path = message.slice(0, end);
  return new CarapaceError(code, message.slice(end + 1), { path: path ? `${stem}.${path}` : stem });
}

/**
 * Runs a native set-up call and gives its errors the package's own form.
 * @template T
 * @param {string} stem
 * @param {() => T} call
 * @returns {T}
 */
function configure(stem, call) {
  try {
    return call();
  } catch (thrown) {
    throw fromNative(stem, thrown);
  }
}

/**
 * The error of a request during which the native core failed: the request is refused, never passed on.
 * @param {unknown} cause
 * @returns {CarapaceError}
 */
function internalError(cause) {
  return new CarapaceError('ERR_CARAPACE_INTERNAL', 'the request could not be checked', {
    status: 500,
    type: 'internal',
    cause,
  });
}

module.exports = { CarapaceError, ERROR_CODES, configure, denialError, internalError };
