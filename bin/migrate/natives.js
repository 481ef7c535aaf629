'use strict';

/**
 * @typedef {object} Native
 * @property {string} name what takes the call's place
 * @property {Record<string, string[]>} [renamed] options that have other names; an empty list: not needed
 * @property {string} [added] an option that keeps the results as they were
 * @property {string} [argument] in place of the options
 * @property {string} [note]
 */

const HEADERS = {
  crossOriginEmbedderPolicy: 'crossOriginEmbedderPolicy',
  crossOriginOpenerPolicy: 'crossOriginOpenerPolicy',
  crossOriginResourcePolicy: 'crossOriginResourcePolicy',
  contentSecurityPolicy: 'contentSecurityPolicy',
  dnsPrefetchControl: 'xDnsPrefetchControl',
  frameguard: 'xFrameOptions',
  hidePoweredBy: 'removeHeaders',
  hsts: 'strictTransportSecurity',
  ieNoOpen: 'xDownloadOptions',
  noSniff: 'xContentTypeOptions',
  originAgentCluster: 'originAgentCluster',
  permittedCrossDomainPolicies: 'xPermittedCrossDomainPolicies',
  referrerPolicy: 'referrerPolicy',
  strictTransportSecurity: 'strictTransportSecurity',
  xContentTypeOptions: 'xContentTypeOptions',
  xDnsPrefetchControl: 'xDnsPrefetchControl',
  xDownloadOptions: 'xDownloadOptions',
  xFrameOptions: 'xFrameOptions',
  xPermittedCrossDomainPolicies: 'xPermittedCrossDomainPolicies',
  xPoweredBy: 'removeHeaders',
  xXssProtection: 'xXssProtection',
  xssFilter: 'xXssProtection',
};

/** @type {Native} */
const LIMITER = {
  name: 'rateLimit',
  renamed: {
    headers: ['legacyHeaders'],
    identifier: ['name'],
    ipv6Subnet: ['ipv6Prefix'],
    logger: ['onEvent'],
    max: ['limit'],
    passOnStoreError: ['onStoreFailure'],
    requestPropertyName: [],
    retryAfter: [],
    standardHeaders: ['headers'],
    validate: [],
  },
  added: "algorithm: 'fixed-window'",
};

/** @type {Native} */
const JSON_READER = { name: 'json', renamed: { defaultCharset: [] } };
/** @type {Native} */
const FORM_READER = { name: 'urlencoded' };
const READERS = { json: JSON_READER, urlencoded: FORM_READER };

/**
 * What replaces each call, by package and export; the empty export is the package itself.
 * @type {Record<string, Record<string, Native>>}
 */
const NATIVES = {
  helmet: {
    '': {
      name: 'securityHeaders',
      renamed: Object.fromEntries(Object.entries(HEADERS).map(([old, name]) => [old, [name]])),
    },
    ...Object.fromEntries(
      Object.entries(HEADERS).map(([old, option]) => [
        old,
        { name: 'securityHeaders', argument: `{ ${option} }`, note: 'with every other option false' },
      ]),
    ),
  },
  'express-rate-limit': { '': LIMITER, rateLimit: LIMITER },
  'rate-limit-redis': {
    RedisStore: { name: 'redisStore', renamed: { resetExpiryOnChange: [], sendCommandCluster: ['client'] } },
  },
  cors: { '': { name: 'cors', renamed: { headers: ['allowedHeaders'] } } },
  hpp: {
    '': {
      name: 'hpp',
      renamed: { checkQuery: ['locations'], checkBody: ['locations'], checkBodyOnlyForContentType: ['type'] },
    },
  },
  'express-mongo-sanitize': {
    '': {
      name: 'sanitize',
      renamed: {
        allowDots: [],
        dryRun: ['mode'],
        onSanitize: ['onFinding'],
        replaceWith: ['operator', 'dotted'],
      },
    },
    sanitize: { name: 'sanitize.value' },
    has: { name: 'sanitize.has' },
  },
  'body-parser': { '': { name: 'json', note: 'and urlencoded()' }, ...READERS },
  'secure-json-parse': Object.fromEntries(
    ['', 'parse', 'safeParse', 'scan'].map((name) => [
      name,
      {
        name: 'json',
        argument: "{ proto: 'reject' }",
        note: 'for bodies; for other text, JSON.parse and sanitize.value',
      },
    ]),
  ),
  express: READERS,
};
NATIVES['rate-limit-redis'][''] = NATIVES['rate-limit-redis'].RedisStore;

/**
 * The native call, such as `rateLimit({ limit, windowMs, algorithm: 'fixed-window' })`.
 * @param {string} peer
 * @param {string} member
 * @param {string[] | undefined} options the names of those that the call has, undefined when they are no literal
 * @returns {string | undefined} undefined when there is none
 */
function nativeFor(peer, member, options) {
  const natives = NATIVES[peer];
  if (natives === undefined || !Object.hasOwn(natives, member)) return undefined;
  const { name, argument, note, ...native } = natives[member];
  return `${name}(${argument ?? argumentOf(native, options)})${note ? `, ${note},` : ''} of carapace`;
}

/**
 * @param {Pick<Native, 'renamed' | 'added'>} native
 * @param {string[] | undefined} options
 */
function argumentOf({ renamed = {}, added }, options) {
  if (options === undefined) return '…';
  const kept = options.flatMap((option) => (Object.hasOwn(renamed, option) ? renamed[option] : [option]));
  const parts = [...new Set(kept), ...(added === undefined ? [] : [added])];
  return parts.length > 0 ? `{ ${parts.join(', ')} }` : '';
}

module.exports = { NATIVES, nativeFor };
