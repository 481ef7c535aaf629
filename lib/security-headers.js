'use strict';

const native = require('./loader');
const { keepNonceFresh } = require('./csp-nonce');
const { createPolicyRenderer } = require('./csp-policy');
const { configure } = require('./errors');
const { createReporter } = require('./events');
const { readHeaderOptions } = require('./header-options');
const { createHeaderRemoval } = require('./header-removal');
const { settleShapes } = require('./object-shapes');
const { readOptions, readStrings } = require('./options');
const { createHeadHook, installHeadHook } = require('./response-hook');
const { createSecureTest } = require('./secure-request');

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {import('node:http').ServerResponse} Response
 * @typedef {import('./native/binding').PlannedHeader} PlannedHeader
 * @typedef {import('./csp-policy').PolicyRenderer} PolicyRenderer
 * @typedef {(request: Request, response: Response) => void} HeaderSetter
 */

const STEM = 'securityHeaders';

/**
 * @param {import('../index').SecurityHeadersOptions} [options]
 * @returns {import('../index').Middleware}
 */
function securityHeaders(options) {
  const { input, functions, settings } = readHeaderOptions(options);
  const report = createReporter('security-headers', settings.onEvent);
  const isSecure = createSecureTest(STEM, settings.trustProxy, warnOnce(report));
  const plan = configure(STEM, () => native.compileSecurityHeaders(input));
  const check = configure(STEM, () => native.createCspChecker());
  /** @param {PlannedHeader[]} headers */
  const setter = (headers) => createSetter(headers, functions, check, report);
  const setSecure = setter(plan.secure);
  const setPlain = settings.secureOnly === false ? setSecure : setter(plan.plain);
  const removal = plan.removed.length > 0 ? createHeaderRemoval(plan.removed) : undefined;
  const hook = createHook(plan, removal);

  return function securityHeaders(request, response, next) {
    settleShapes(request, response);
    if (!response.headersSent) {
      const set = setSecure === setPlain || isSecure(request) ? setSecure : setPlain;
      // What is there goes now, so that it is gone even if somebody undoes the hook; what comes later goes with the hook.
      // First of all, because taking one away from among others makes V8 turn them all into a hash table.
      if (removal !== undefined) removal(response, undefined);
      set(request, response);
      if (hook !== undefined) installHeadHook(response, hook);
    }
    next();
  };
}

/**
 * @param {import('./native/binding').HeaderPlan} plan
 * @param {import('./response-hook').HeadListener | undefined} removal
 * @returns {import('./response-hook').HeadHook | undefined}
 */
function createHook(plan, removal) {
  const listeners = [];
  if (plan.hasNonce) listeners.push(keepNonceFresh);
  if (removal !== undefined) listeners.push(removal);
  return listeners.length > 0 ? createHeadHook(listeners) : undefined;
}

/**
 * Makes the function that sets the headers of one response: one loop over frozen lists.
 * @param {PlannedHeader[]} headers
 * @param {import('./csp-policy').SourceFunction[]} functions
 * @param {(directive: number, value: string) => number} check
 * @param {ReturnType<typeof createReporter>} report
 * @returns {HeaderSetter}
 */
function createSetter(headers, functions, check, report) {
  const names = Object.freeze(headers.map(({ name }) => name));
  const values = Object.freeze(headers.map(({ value }) => value));
  if (values.every((value) => typeof value === 'string')) return createFixedSetter(names, values);
  const renderers = headers.map(({ templates }) =>
    templates?.map((parts) => createPolicyRenderer(parts, functions, check, report)),
  );
  return function setHeaders(request, response) {
    for (let index = 0; index < names.length; index += 1) {
      const policies = renderers[index];
      const value = policies ? render(policies, request, response) : values[index];
      // Node keeps the list it is given, and `appendHeader` would add to ours.
      response.setHeader(names[index], Array.isArray(value) ? [...value] : /** @type {string} */ (value));
    }
  };
}

/**
 * @param {readonly string[]} names
 * @param {readonly string[]} values
 * @returns {HeaderSetter}
 */
function createFixedSetter(names, values) {
  return function setHeaders(_request, response) {
    for (let index = 0; index < names.length; index += 1) response.setHeader(names[index], values[index]);
  };
}

/**
 * @param {PolicyRenderer[]} policies
 * @param {Request} request
 * @param {Response} response
 * @returns {string | string[]}
 */
function render(policies, request, response) {
  if (policies.length === 1) return policies[0](request, response);
  return policies.map((policy) => policy(request, response));
}

/**
 * @param {ReturnType<typeof createReporter>} report
 * @returns {() => void}
 */
function warnOnce(report) {
  let hasWarned = false;
  return function onTrustAll() {
    if (hasWarned) return;
    hasWarned = true;
    report({ type: 'proxy.trust-all', action: 'ignore' });
  };
}

/**
 * A middleware for routes that end a session: the browser forgets what it stored for this origin.
 * @param {string[]} [types]
 * @returns {import('../index').Middleware}
 */
securityHeaders.clearSiteData = function clearSiteData(types = ['cache', 'cookies', 'storage']) {
  const path = 'securityHeaders.clearSiteData';
  const { types: list } = readOptions(path, { types }, { types: 'array' });
  const value = configure(path, () => native.clearSiteDataValue(readStrings(`${path}.types`, list)));
  return function clearSiteData(_request, response, next) {
    if (!response.headersSent) response.setHeader('clear-site-data', value);
    next();
  };
};

/**
 * The directives that a preset starts from, as a new object each time.
 * @param {string} [preset]
 * @returns {Record<string, string[]>}
 */
securityHeaders.defaultDirectives = function defaultDirectives(preset = 'web') {
  const path = 'securityHeaders.defaultDirectives';
  const { preset: name } = readOptions(path, { preset }, { preset: 'string' });
  const directives = configure(path, () => native.defaultCspDirectives(name));
  return Object.fromEntries(directives.map(({ name, sources }) => [name, sources]));
};

module.exports = { securityHeaders };
