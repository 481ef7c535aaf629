'use strict';

const { configure } = require('../../lib/errors');
const native = require('../../lib/loader');

/**
 * @typedef {import('../../lib/native/binding').SecurityHeadersInput} SecurityHeadersInput
 * @typedef {import('../../lib/native/binding').HeaderTokenInput} HeaderTokenInput
 * @typedef {{ name: string, value: string | undefined }} Step a header to set, or, without a value, to remove
 * @typedef {{ alias?: string, header: string, isOff?: boolean, takesNothing?: boolean, value: (options: any) => string | undefined }} HeaderRule
 */

/** Every header of the core switched off, to compile one by itself. */
const TOKENS_OFF = [
  'crossOriginEmbedderPolicy',
  'crossOriginOpenerPolicy',
  'crossOriginResourcePolicy',
  'originAgentCluster',
  'xContentTypeOptions',
  'xDnsPrefetchControl',
  'xDownloadOptions',
  'xFrameOptions',
  'xPermittedCrossDomainPolicies',
  'xXssProtection',
].map((option) => ({ option, setting: false }));
const OFF = {
  tokens: TOKENS_OFF,
  contentSecurityPolicy: false,
  referrerPolicy: false,
  strictTransportSecurity: false,
  reportingEndpoints: [],
  removeHeaders: false,
};

/**
 * The value that the core gives one header.
 * @param {Partial<SecurityHeadersInput>} input
 * @returns {string}
 * @throws {CarapaceError}
 */
function compile(input) {
  const plan = configure('helmet', () => native.compileSecurityHeaders({ ...OFF, ...input }));
  return /** @type {string} */ (plan.secure[0].value);
}

/**
 * @param {string} option
 * @param {string} [token]
 */
function compileToken(option, token) {
  const setting = token === undefined ? true : { path: option, token, reportTo: undefined };
  return compile({ tokens: TOKENS_OFF.map((off) => (off.option === option ? { option, setting } : off)) });
}

/**
 * A header of one token out of a list; what the core refuses is refused in helmet's words.
 * @param {string} option
 * @param {string} field
 * @param {(shown: string) => string} refusal
 */
function tokenOf(option, field, refusal) {
  /** @param {any} options */
  return function value({ [field]: token }) {
    if (token === undefined || typeof token === 'string') {
      try {
        return compileToken(option, token);
      } catch {
        // Told below.
      }
    }
    throw new Error(refusal(JSON.stringify(token)));
  };
}

/** @param {any} options */
function referrerPolicy({ policy = ['no-referrer'] }) {
  const tokens = typeof policy === 'string' ? [policy] : policy;
  if (tokens.length === 0) throw new Error('Referrer-Policy received no policy tokens');
  const seen = new Set();
  for (const token of tokens) {
    const shown = JSON.stringify(token);
    if (!isReferrerToken(token)) throw new Error(`Referrer-Policy received an unexpected policy token ${shown}`);
    if (seen.has(token)) throw new Error(`Referrer-Policy received a duplicate policy token ${shown}`);
    seen.add(token);
  }
  return compile({ referrerPolicy: [...seen] });
}

/** @param {unknown} token */
function isReferrerToken(token) {
  if (typeof token !== 'string') return false;
  try {
    return typeof compile({ referrerPolicy: [token] }) === 'string';
  } catch {
    return false;
  }
}

/** @param {any} options */
function strictTransportSecurity(options) {
  if ('maxage' in options) {
    throw new Error(
      'Strict-Transport-Security received an unsupported property, `maxage`. Did you mean to pass `maxAge`?',
    );
  }
  if ('includeSubdomains' in options) {
    throw new Error(
      'Strict-Transport-Security middleware should use `includeSubDomains` instead of `includeSubdomains`. (The correct one has an uppercase "D".)',
    );
  }
  const { maxAge, includeSubDomains, preload } = options;
  const wantsSubDomains = includeSubDomains === undefined || Boolean(includeSubDomains);
  const value = transportValue(maxAge, wantsSubDomains);
  // The core takes no `preload` that the preload list would refuse; helmet leaves that to the list.
  return preload ? `${value}; preload` : value;
}

/**
 * @param {any} maxAge
 * @param {boolean} includeSubDomains
 */
function transportValue(maxAge, includeSubDomains) {
  try {
    if (maxAge !== undefined && typeof maxAge !== 'number') throw new TypeError('no number');
    const seconds = maxAge === undefined ? undefined : Math.floor(maxAge);
    return compile({ strictTransportSecurity: { maxAge: seconds, includeSubDomains, preload: false } });
  } catch {
    throw new Error(
      `Strict-Transport-Security: ${JSON.stringify(maxAge)} is not a valid value for maxAge. Please choose a positive integer.`,
    );
  }
}

/** @param {string} option */
const constant = (option) => () => compileToken(option);

/**
 * What stands behind Content-Security-Policy, in helmet's order and spelling.
 * @type {Record<string, HeaderRule>}
 */
const HEADERS = {
  crossOriginEmbedderPolicy: {
    header: 'Cross-Origin-Embedder-Policy',
    isOff: true,
    value: tokenOf(
      'crossOriginEmbedderPolicy',
      'policy',
      (shown) => `Cross-Origin-Embedder-Policy does not support the ${shown} policy`,
    ),
  },
  crossOriginOpenerPolicy: {
    header: 'Cross-Origin-Opener-Policy',
    value: tokenOf(
      'crossOriginOpenerPolicy',
      'policy',
      (shown) => `Cross-Origin-Opener-Policy does not support the ${shown} policy`,
    ),
  },
  crossOriginResourcePolicy: {
    header: 'Cross-Origin-Resource-Policy',
    value: tokenOf(
      'crossOriginResourcePolicy',
      'policy',
      (shown) => `Cross-Origin-Resource-Policy does not support the ${shown} policy`,
    ),
  },
  originAgentCluster: {
    header: 'Origin-Agent-Cluster',
    takesNothing: true,
    value: constant('originAgentCluster'),
  },
  referrerPolicy: { header: 'Referrer-Policy', value: referrerPolicy },
  strictTransportSecurity: { alias: 'hsts', header: 'Strict-Transport-Security', value: strictTransportSecurity },
  xContentTypeOptions: {
    alias: 'noSniff',
    header: 'X-Content-Type-Options',
    takesNothing: true,
    value: constant('xContentTypeOptions'),
  },
  xDnsPrefetchControl: {
    alias: 'dnsPrefetchControl',
    header: 'X-DNS-Prefetch-Control',
    value: ({ allow }) => compileToken('xDnsPrefetchControl', allow ? 'on' : 'off'),
  },
  xDownloadOptions: {
    alias: 'ieNoOpen',
    header: 'X-Download-Options',
    takesNothing: true,
    value: constant('xDownloadOptions'),
  },
  xFrameOptions: {
    alias: 'frameguard',
    header: 'X-Frame-Options',
    value: tokenOf('xFrameOptions', 'action', (shown) => `X-Frame-Options received an invalid action ${shown}`),
  },
  xPermittedCrossDomainPolicies: {
    alias: 'permittedCrossDomainPolicies',
    header: 'X-Permitted-Cross-Domain-Policies',
    value: tokenOf(
      'xPermittedCrossDomainPolicies',
      'permittedPolicies',
      (shown) => `X-Permitted-Cross-Domain-Policies does not support ${shown}`,
    ),
  },
  xPoweredBy: { alias: 'hidePoweredBy', header: 'X-Powered-By', takesNothing: true, value: () => undefined },
  xXssProtection: {
    alias: 'xssFilter',
    header: 'X-XSS-Protection',
    takesNothing: true,
    value: constant('xXssProtection'),
  },
};

module.exports = { HEADERS };
