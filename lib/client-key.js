'use strict';

const native = require('./loader');
const { CarapaceError, configure } = require('./errors');
const { readOptions, show, typeOf } = require('./options');
const { expressAddress, expressTrust } = require('./proxy-trust');

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('./native/binding').ClientRules} ClientRules
 */

/** The options of `client`. @type {import('./options').OptionTable} */
const OPTIONS = {
  trustProxy: 'boolean|number|string|array',
  header: 'string',
  ipv6Prefix: 'number|boolean',
  ipv4Prefix: 'number|boolean',
  canonicalKeys: 'boolean',
};

// The core looks at the last 4,096 characters of a header; one more tells it that there was more.
const MAX_FORWARDED = 4_097;
const MAX_SHOWN = 256;

/**
 * Finds the client of each request. The key is made by the core, in the limiter's own call: a hot function that takes
 * `peerOf(request)` and `forwardedOf(request)` as two of its arguments (`KeyReader` in src/bindings/client_key.rs), so
 * that finding a client crosses no further time.
 * @typedef {object} ClientResolver
 * @property {ClientRules} rules the compiled options, for the set-up call of such a function
 * @property {(request: Request) => string} forwardedOf what a proxy says: the value of the one header that is read, or
 *   the address that Express chose; empty when there is none
 * @property {(request: Request) => string} keyOf the canonical key as text; it crosses once
 */

/**
 * @param {string} path of the options, such as `rateLimit.client`
 * @param {Record<string, any> | undefined} options as `readOptions` returns them for {@link OPTIONS}
 * @param {() => void} onTrustAll called when the app's `trust proxy` trusts every sender; it is not followed
 * @returns {ClientResolver}
 * @throws {CarapaceError} for options that are out of range, or in conflict
 */
function createClientResolver(path, options, onTrustAll) {
  const rules = compileRules(path, options);
  const forwardedOf = createForwardedReader(rules, onTrustAll);
  /** @type {((peer: string, forwarded: string) => string) | undefined} */
  let keyText;
  return {
    rules,
    forwardedOf,
    keyOf(request) {
      keyText ??= rules.keyText(false);
      return keyText(peerOf(request), forwardedOf(request));
    },
  };
}

/**
 * @param {string} path
 * @param {Record<string, any>} [options]
 * @returns {ClientRules}
 */
function compileRules(path, options = {}) {
  const trustProxy = readTrustProxy(`${path}.trustProxy`, options.trustProxy);
  return configure(path, () => native.ClientRules.compile({ ...options, trustProxy }));
}

/**
 * @param {string} path
 * @param {unknown} value
 * @returns {boolean | number | string[] | undefined}
 */
function readTrustProxy(path, value) {
  // As Express: text is a list with commas.
  if (typeof value === 'string') return value.split(',');
  if (!Array.isArray(value)) return /** @type {boolean | number | undefined} */ (value);
  return Array.from(value, (entry, index) => {
    if (typeof entry === 'string') return entry;
    const message = `got ${show(entry)}, expected a string`;
    throw new CarapaceError('ERR_CARAPACE_OPTION_TYPE', message, { path: `${path}[${index}]` });
  });
}

/**
 * @param {ClientRules} rules
 * @param {() => void} onTrustAll
 * @returns {(request: Request) => string}
 */
function createForwardedReader(rules, onTrustAll) {
  const { header, takesChosen } = rules;
  if (takesChosen) return (request) => addressFromExpress(request, onTrustAll);
  if (typeof header === 'string') return (request) => headerOf(request, header);
  return () => '';
}

/**
 * The address of the connection, empty for a unix socket and for a connection that is gone.
 * @param {Request} request
 * @returns {string}
 */
function peerOf(request) {
  return request.socket?.remoteAddress ?? '';
}

/**
 * What Express's own `trust proxy` makes of the request, where that setting trusts somebody but not everybody.
 * @param {Request} request
 * @param {() => void} onTrustAll
 * @returns {string}
 */
function addressFromExpress(request, onTrustAll) {
  const { trust, isRefused } = expressTrust(request);
  if (isRefused) onTrustAll();
  // Express looks at a header only when the peer is trusted (proxy-addr); asking first saves it from parsing one.
  if (trust === undefined || !trust(peerOf(request), 0)) return '';
  const ip = expressAddress(request);
  return typeof ip === 'string' && ip !== peerOf(request) ? bounded(ip) : '';
}

/**
 * A header's lines, joined by commas as Node does it.
 * @param {Request} request
 * @param {string} name
 * @returns {string}
 */
function headerOf(request, name) {
  const value = request.headers[name];
  if (typeof value === 'string') return bounded(value);
  return Array.isArray(value) ? bounded(value.join(', ')) : '';
}

/** @param {string} value */
function bounded(value) {
  return value.length > MAX_FORWARDED ? value.slice(-MAX_FORWARDED) : value;
}

/**
 * Makes the `onTrustAll` of a middleware: one event and one warning, at the first request that shows it.
 * @param {(fields: { type: string, action: string }) => void} report
 * @returns {() => void}
 */
function createTrustAllReporter(report) {
  let hasWarned = false;
  return function onTrustAll() {
    if (hasWarned) return;
    hasWarned = true;
    report({ type: 'proxy.trust-all', action: 'ignore' });
    process.emitWarning(
      "Express's `trust proxy` trusts every sender, so any client could choose its address: it is not followed, and " +
        'clients are told apart by their connection. Set it to the number of proxies in front of the app.',
      { type: 'CarapaceWarning', code: 'CARAPACE_TRUST_ALL' },
    );
  };
}

/**
 * @param {Request} request
 * @param {import('../index').ClientOptions} [options]
 * @returns {import('../index').ClientExplanation}
 */
function explainClient(request, options) {
  if (typeOf(request) !== 'object' || typeOf(request.headers) !== 'object') {
    const message = `got ${show(request)}, expected a request`;
    throw new CarapaceError('ERR_CARAPACE_OPTION_TYPE', message, { path: 'explainClient' });
  }
  const rules = compileRules('explainClient', readOptions('explainClient', options, OPTIONS));
  let trustsAll = false;
  const forwardedOf = createForwardedReader(rules, () => {
    trustsAll = true;
  });
  const peer = peerOf(request);
  const { key, rule, text } = rules.explain(peer, forwardedOf(request));
  const source = /** @type {import('../index').ClientExplanation['source']} */ (
    FOUND.includes(rule) ? (rules.header ?? 'x-forwarded-for') : 'socket'
  );
  return {
    key,
    rule: /** @type {import('../index').ClientKeyRule} */ (
      trustsAll && rule === 'socket' ? 'express-trusts-all' : rule
    ),
    peer,
    source,
    value: text.slice(0, MAX_SHOWN),
    ignored: ignoredHeaders(request, source),
  };
}

/** The rules under which the key comes from a header. */
const FOUND = ['hops', 'trusted-proxies', 'header', 'express'];

/**
 * The headers that name a client too, and were not believed.
 * @param {Request} request
 * @param {string} source
 */
function ignoredHeaders(request, source) {
  const names = /** @type {import('../index').ClientHeader[]} */ (native.clientHeaders());
  return names
    .filter((name) => name !== source && request.headers[name] !== undefined)
    .map((name) => ({ header: name, value: headerOf(request, name).slice(-MAX_SHOWN) }));
}

module.exports = { OPTIONS, createClientResolver, createTrustAllReporter, explainClient, peerOf };
