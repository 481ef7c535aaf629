'use strict';

const { CarapaceError } = require('./errors');
const { readOptions, show, typeOf } = require('./options');

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

const POLICY = {
  useDefaults: 'boolean',
  directives: 'object',
  nonce: 'boolean|array',
  strictDynamic: 'boolean',
  allowMissingDefaultSrc: 'boolean',
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
  const policies = (option) => readPolicies(option, settings[option], functions);
  const { referrerPolicy, removeHeaders } = settings;
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
  if (Array.isArray(settings.trustProxy)) strings(`${STEM}.trustProxy`, settings.trustProxy);
  return { input, functions, settings };
}

/** @param {Record<string, any>} settings */
function readTokens(settings) {
  return Object.entries(TOKEN_FIELDS)
    .filter(([option]) => settings[option] !== undefined)
    .map(([option, field]) => {
      const value = settings[option];
      if (typeof value === 'boolean') return { option, setting: value };
      if (typeof value === 'string') return { option, setting: { path: option, token: value } };
      const { [field]: given, reportTo } = value;
      const token = typeof given === 'boolean' ? (given ? 'on' : 'off') : given;
      return { option, setting: { path: `${option}.${field}`, token, reportTo } };
    });
}

/**
 * @param {string} option
 * @param {any} value
 * @param {SourceFunction[]} functions
 */
function readPolicies(option, value, functions) {
  if (value === undefined || typeof value === 'boolean') return value;
  if (!Array.isArray(value)) return [readPolicy(option, value, functions)];
  if (value.length === 0) throw valueError(option, 'the list holds no policy; turn the header off with false');
  return value.map((element, index) => readPolicy(`${option}[${index}]`, element, functions));
}

/**
 * @param {string} path
 * @param {unknown} value
 * @param {SourceFunction[]} functions
 */
function readPolicy(path, value, functions) {
  const full = `${STEM}.${path}`;
  const { nonce, directives = {}, ...rest } = readOptions(full, value, POLICY);
  const names = nonce === true ? ['script-src'] : nonce === false ? [] : nonce;
  return {
    ...rest,
    path,
    nonce: names === undefined ? undefined : strings(`${full}.nonce`, names),
    directives: Object.keys(directives)
      .filter((key) => directives[key] !== undefined)
      .map((key) => ({ key, sources: readSources(`${full}.directives.${key}`, directives[key], functions) })),
  };
}

/**
 * A directive's value as a list of texts and function numbers; undefined removes the directive.
 * @param {string} path
 * @param {any} value
 * @param {SourceFunction[]} functions
 * @returns {(string | number)[] | undefined}
 */
function readSources(path, value, functions) {
  if (value === null) return undefined;
  if (value === true) return [];
  const isOne = typeof value === 'string' || typeof value === 'function';
  if (!isOne && (typeof value !== 'object' || typeof value[Symbol.iterator] !== 'function')) {
    throw typeError(path, value, 'a string, a function, a list of them, true for no value, or null to leave it out');
  }
  return Array.from(isOne ? [value] : value, (source, index) => {
    if (typeof source === 'string') return source;
    if (typeof source !== 'function') throw typeError(`${path}[${index}]`, source, 'a string or a function');
    return functions.push(source) - 1;
  });
}

/** @param {any} value */
function readReferrer(value) {
  if (value === undefined || typeof value === 'boolean') return value;
  const policy = typeof value === 'object' && !Array.isArray(value) ? value.policy : value;
  if (policy === undefined) return true;
  return typeof policy === 'string' ? [policy] : strings(`${STEM}.referrerPolicy`, policy);
}

/**
 * @param {string} option
 * @param {any} value
 */
function readPermissions(option, value) {
  if (value === undefined || typeof value === 'boolean') return value;
  const { features = {}, ...rest } = value;
  const keys = Object.keys(features).filter((key) => features[key] !== undefined);
  return {
    ...rest,
    features: keys.map((key) => {
      const list = features[key];
      if (list === null) return { key };
      const path = `${STEM}.${option}.features.${key}`;
      if (typeof list === 'string') return { key, allowlist: [list] };
      if (!Array.isArray(list)) throw typeError(path, list, 'a string, an array of strings or null');
      return { key, allowlist: strings(path, list) };
    }),
  };
}

/**
 * @param {string} option
 * @param {any} value
 */
function readIntegrity(option, value) {
  if (value === undefined || typeof value === 'boolean') return value;
  for (const key of Object.keys(value)) strings(`${STEM}.${option}.${key}`, value[key]);
  return value;
}

/** @param {Record<string, unknown>} [endpoints] */
function readEndpoints(endpoints = {}) {
  return Object.keys(endpoints).map((name) => {
    const url = endpoints[name];
    if (typeof url !== 'string') throw typeError(`${STEM}.reportingEndpoints.${name}`, url, 'a string');
    return { name, url };
  });
}

/** @param {any} names */
function readNames(names) {
  return Array.isArray(names) ? strings(`${STEM}.removeHeaders`, names) : names;
}

/**
 * @param {string} path
 * @param {any[] | undefined} list
 * @returns {any[]}
 */
function strings(path, list = []) {
  list.forEach((element, index) => {
    if (typeof element !== 'string') throw typeError(`${path}[${index}]`, element, 'a string');
  });
  return [...list];
}

/**
 * @param {string} path
 * @param {unknown} value
 * @param {string} expected
 */
function typeError(path, value, expected) {
  const got = typeOf(value) === 'undefined' ? 'undefined' : show(value);
  return new CarapaceError('ERR_CARAPACE_OPTION_TYPE', `got ${got}, expected ${expected}`, { path });
}

/**
 * @param {string} option
 * @param {string} message
 */
function valueError(option, message) {
  return new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path: `${STEM}.${option}` });
}

module.exports = { OPTIONS, readHeaderOptions, strings };
