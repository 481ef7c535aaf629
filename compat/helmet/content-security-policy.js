'use strict';

const { createReporter } = require('../../lib/events');
const { securityHeaders } = require('../../lib/security-headers');

/**
 * @typedef {(request: any, response: any) => string} SourceFunction
 * @typedef {(string | SourceFunction)[]} Sources
 */

const dangerouslyDisableDefaultSrc = Symbol('dangerouslyDisableDefaultSrc');

/** What means something else without its quotes. */
const KEYWORDS = new Set([
  'none',
  'self',
  'strict-dynamic',
  'report-sample',
  'inline-speculation-rules',
  'unsafe-inline',
  'unsafe-eval',
  'unsafe-hashes',
  'wasm-unsafe-eval',
]);
const QUOTED = ['nonce-', 'sha256-', 'sha384-', 'sha512-'];
const report = createReporter('security-headers', undefined);
const getDefaultDirectives = () => securityHeaders.defaultDirectives();

/**
 * @param {any} [options]
 * @returns {(request: any, response: any, next: (error?: Error) => void) => void}
 */
function contentSecurityPolicy(options = {}) {
  const header = options.reportOnly ? 'Content-Security-Policy-Report-Only' : 'Content-Security-Policy';
  const directives = readDirectives(options);
  if (directives.every(([, sources]) => sources.every((source) => typeof source === 'string'))) {
    const value = directives.map(([name, sources]) => withSpace(name, sources.join(' '))).join(';');
    return function contentSecurityPolicyMiddleware(_request, response, next) {
      response.setHeader(header, value);
      next();
    };
  }
  return function contentSecurityPolicyMiddleware(request, response, next) {
    const value = render(directives, request, response);
    if (value instanceof Error) return next(value);
    response.setHeader(header, value);
    next();
  };
}
contentSecurityPolicy.getDefaultDirectives = getDefaultDirectives;
contentSecurityPolicy.dangerouslyDisableDefaultSrc = dangerouslyDisableDefaultSrc;

/**
 * @param {any} options
 * @returns {[string, Sources][]} in the order in which they are sent
 */
function readDirectives({ useDefaults = true, directives: given = {} }) {
  /** @type {Map<string, Sources>} */
  const result = new Map(useDefaults ? Object.entries(getDefaultDirectives()) : []);
  const seen = new Set();
  for (const key of Object.keys(given)) {
    const name = nameOf(key);
    if (seen.has(name)) throw refusal(`received a duplicate directive ${JSON.stringify(name)}`);
    seen.add(name);
    const sources = readSources(name, given[key]);
    if (sources === undefined) result.delete(name);
    else result.set(name, sources);
  }
  if (result.size === 0) throw refusal('has no directives. Either set some or disable the header');
  const isDisabled = [given.defaultSrc, given['default-src']].includes(dangerouslyDisableDefaultSrc);
  if (!result.has('default-src') && !isDisabled) throw missingDefault('but none was provided');
  return [...result];
}

/** @param {string} key */
function nameOf(key) {
  if (!/^[a-z](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?$/.test(key)) {
    throw refusal(`received an invalid directive name ${JSON.stringify(key)}`);
  }
  return key.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);
}

/**
 * @param {string} name
 * @param {any} value
 * @returns {Sources | undefined} undefined removes the directive
 */
function readSources(name, value) {
  if (value === null && name === 'default-src') throw missingDefault('but it was set to `null`');
  if (value === dangerouslyDisableDefaultSrc && name !== 'default-src') {
    const shown = JSON.stringify(name);
    throw new Error(
      `Content-Security-Policy: tried to disable ${shown} as if it were default-src; simply omit the key`,
    );
  }
  if (value === null || value === dangerouslyDisableDefaultSrc) return undefined;
  if (!value && value !== '') throw invalid(name);
  const sources = typeof value === 'string' ? [value] : [...value];
  for (const source of sources) {
    const error = typeof source === 'string' ? (splitError(name, source) ?? quoteError(name, source)) : undefined;
    if (error) throw error;
  }
  return sources;
}

/**
 * @param {[string, Sources][]} directives
 * @param {any} request
 * @param {any} response
 * @returns {string | Error}
 */
function render(directives, request, response) {
  const result = [];
  for (const [name, sources] of directives) {
    let text = '';
    for (const source of sources) {
      if (typeof source !== 'function') {
        text += ` ${source}`;
        continue;
      }
      const value = call(source, request, response);
      if (value instanceof Error) return value;
      const error = quoteError(name, value);
      if (error) return error;
      if (isOneSource(name, value)) text += ` ${value}`;
    }
    const error = splitError(name, text);
    if (error) return error;
    result.push(name + text);
  }
  return result.join(';');
}

/**
 * @param {SourceFunction} source
 * @param {any} request
 * @param {any} response
 */
function call(source, request, response) {
  try {
    return source(request, response);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

let hasWarned = false;

/**
 * A function answers for one source: data in its value must not add others, such as `'unsafe-inline'` (S-57). What
 * would end the directive is left to the check that follows.
 * @param {string} name
 * @param {string} value
 */
function isOneSource(name, value) {
  if (!/\S\s+\S/.test(value) || /[;,]/.test(value)) return true;
  report({
    type: 'header.dropped',
    rule: 'value.refused',
    path: `content-security-policy.${name}`,
    action: 'drop',
  });
  if (!hasWarned) {
    hasWarned = true;
    const message = `a function for ${name} returned several sources, which were left out: return one from each function`;
    process.emitWarning(message, { type: 'CarapaceWarning', code: 'CARAPACE_CSP_SOURCE' });
  }
  return false;
}

/**
 * @param {string} name
 * @param {string} text
 */
const withSpace = (name, text) => (text === '' ? name : `${name} ${text}`);

/** @param {string} reason */
const refusal = (reason) => new Error(`Content-Security-Policy ${reason}`);

/** @param {string} name */
const invalid = (name) => refusal(`received an invalid directive value for ${JSON.stringify(name)}`);

/** @param {string} reason */
const missingDefault = (reason) =>
  refusal(
    `needs a default-src ${reason}. If you really want to disable it, set it to \`contentSecurityPolicy.dangerouslyDisableDefaultSrc\`.`,
  );

/**
 * @param {string} name
 * @param {string} text
 */
const splitError = (name, text) => (/[;,]/.test(text) ? invalid(name) : undefined);

/**
 * @param {string} name
 * @param {string} source
 */
function quoteError(name, source) {
  if (!KEYWORDS.has(source) && !QUOTED.some((prefix) => source.startsWith(prefix))) return undefined;
  return new Error(`${invalid(name).message}. ${JSON.stringify(source)} should be quoted`);
}

module.exports = { contentSecurityPolicy };
