'use strict';

const { readPolicies } = require('./csp-options');
const { readOptions, readStrings, typeError } = require('./options');

/**
 * @typedef {import('./native/binding').SecurityHeadersInput} SecurityHeadersInput
 * @typedef {import('./csp-policy').SourceFunction} SourceFunction
 */

const STEM = 'securityHeaders';

/** Headers of one token: the field that an object form carries it in, or nothing where `true` and `false` are all. */
const TOKEN_FIELDS = {
  crossOriginEmbedderPolicy: 'policy',
  crossOriginEmbedderPolicyReportOnly: 'policy',
  crossOriginOpenerPolicy: 'policy',
  crossOriginOpenerPolicyReportOnly: 'policy',
  crossOriginResourcePolicy: 'policy',
  originAgentCluster: '',
  xContentTypeOptions: '',
  xDnsPrefetchControl: 'allow',
  xDownloadOptions: '',
  xFrameOptions: 'action',
  xPermittedCrossDomainPolicies: 'permittedPolicies',
  xXssProtection: '',
  documentIsolationPolicy: 'policy',
  documentIsolationPolicyReportOnly: 'policy',
};

const PERMISSIONS = {
  type: 'boolean|object',
  keys: { useDefaults: 'boolean', features: 'object', reportTo: 'string', allowUnknownFeatures: 'boolean' },
};
const INTEGRITY = { type: 'boolean|object', keys: { blockedDestinations: 'array', endpoints: 'array' } };

/** @type {import('./options').OptionTable} */
const OPTIONS = {
  preset: 'string',
  contentSecurityPolicy: 'boolean|object|array',
  contentSecurityPolicyReportOnly: 'boolean|object|array',
  ...Object.fromEntries(Object.entries(TOKEN_FIELDS).map(([option, field]) => [option, tokenRule(field)])),
  referrerPolicy: { type: 'boolean|string|array|object', keys: { policy: 'string|array' } },
  strictTransportSecurity: {
    type: 'boolean|object',
    keys: { maxAge: 'number', includeSubDomains: 'boolean', preload: 'boolean' },
  },
  permissionsPolicy: PERMISSIONS,
  permissionsPolicyReportOnly: PERMISSIONS,
  integrityPolicy: INTEGRITY,
  integrityPolicyReportOnly: INTEGRITY,
  reportingEndpoints: 'object',
  cacheControl: 'boolean|string',
  removeHeaders: { type: 'boolean|string|array', oneOf: ['owasp'] },
  secureOnly: 'boolean',
  trustProxy: 'boolean|number|string|array',
  onEvent: 'function',
};

/**
 * @param {string} field
 * @returns {import('./options').OptionRule}
 */
function tokenRule(field) {
  if (field === '') return 'boolean';
  const type = field === 'allow' ? 'boolean' : 'string';
  return { type: 'boolean|string|object', keys: { [field]: type, reportTo: 'string' } };
}

/**
 * Reads the options of `securityHeaders` and brings them into the form that the core takes.
 * @param {unknown} options
 * @returns {{ input: SecurityHeadersInput, functions: SourceFunction[], settings: Record<string, any> }} `functions` are
 *   those found in directives; in `input` their numbers stand for them
 * @throws {CarapaceError}
 */
function readHeaderOptions(options) {
  const settings = readOptions(STEM, options, OPTIONS);
  /** @type {SourceFunction[]} */
  const functions = [];
  /** @param {string} option */
  const policies = (option) => readPolicies(STEM, option, settings[option], functions);
  const { referrerPolicy, removeHeaders } = settings;
  // Here and below every key is set, so that the core finds none on a polluted Object.prototype.
  const input = {
    preset: settings.preset,
    tokens: readTokens(settings),
    contentSecurityPolicy: policies('contentSecurityPolicy'),
    contentSecurityPolicyReportOnly: policies('contentSecurityPolicyReportOnly'),
    referrerPolicy: readReferrer(referrerPolicy),
    strictTransportSecurity: settings.strictTransportSecurity,
    permissionsPolicy: readPermissions('permissionsPolicy', settings.permissionsPolicy),
    permissionsPolicyReportOnly: readPermissions('permissionsPolicyReportOnly', settings.permissionsPolicyReportOnly),
    integrityPolicy: readIntegrity('integrityPolicy', settings.integrityPolicy),
    integrityPolicyReportOnly: readIntegrity('integrityPolicyReportOnly', settings.integrityPolicyReportOnly),
    reportingEndpoints: readEndpoints(settings.reportingEndpoints),
    cacheControl: settings.cacheControl,
    // `true` is the preset's list; across the boundary it is OWASP's.
    removeHeaders: removeHeaders === true ? undefined : removeHeaders === 'owasp' || readNames(removeHeaders),
    secureOnly: settings.secureOnly,
  };
  if (Array.isArray(settings.trustProxy)) readStrings(`${STEM}.trustProxy`, settings.trustProxy);
  return { input, functions, settings };
}

/** @param {Record<string, any>} settings */
function readTokens(settings) {
  return Object.entries(TOKEN_FIELDS)
    .filter(([option]) => settings[option] !== undefined)
    .map(([option, field]) => {
      const value = settings[option];
      if (typeof value === 'boolean') return { option, setting: value };
      if (typeof value === 'string') return { option, setting: { path: option, token: value, reportTo: undefined } };
      const { [field]: given, reportTo } = value;
      const token = typeof given === 'boolean' ? (given ? 'on' : 'off') : given;
      return { option, setting: { path: `${option}.${field}`, token, reportTo } };
    });
}

/** @param {any} value */
function readReferrer(value) {
  if (value === undefined || typeof value === 'boolean') return value;
  const policy = typeof value === 'object' && !Array.isArray(value) ? value.policy : value;
  if (policy === undefined) return true;
  return typeof policy === 'string' ? [policy] : readStrings(`${STEM}.referrerPolicy`, policy);
}

/**
 * @param {string} option
 * @param {any} value
 */
function readPermissions(option, value) {
  if (value === undefined || typeof value === 'boolean') return value;
  const { features = {}, useDefaults, allowUnknownFeatures, reportTo } = value;
  const keys = Object.keys(features).filter((key) => features[key] !== undefined);
  return {
    useDefaults,
    allowUnknownFeatures,
    reportTo,
    features: keys.map((key) => {
      const list = features[key];
      if (list === null) return { key, allowlist: undefined };
      const path = `${STEM}.${option}.features.${key}`;
      if (typeof list === 'string') return { key, allowlist: [list] };
      if (!Array.isArray(list)) throw typeError(path, list, 'string|array|null');
      return { key, allowlist: readStrings(path, list) };
    }),
  };
}

/**
 * @param {string} option
 * @param {any} value
 */
function readIntegrity(option, value) {
  if (value === undefined || typeof value === 'boolean') return value;
  for (const key of Object.keys(value)) readStrings(`${STEM}.${option}.${key}`, value[key]);
  return value;
}

/** @param {Record<string, unknown>} [endpoints] */
function readEndpoints(endpoints = {}) {
  return Object.keys(endpoints).map((name) => {
    const url = endpoints[name];
    if (typeof url !== 'string') throw typeError(`${STEM}.reportingEndpoints.${name}`, url, 'string');
    return { name, url };
  });
}

/** @param {any} names */
function readNames(names) {
  return Array.isArray(names) ? readStrings(`${STEM}.removeHeaders`, names) : names;
}

module.exports = { OPTIONS, readHeaderOptions };
