'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { securityHeaders } = require('..');

const TYPE = 'ERR_CARAPACE_OPTION_TYPE';
const VALUE = 'ERR_CARAPACE_OPTION_VALUE';
const UNKNOWN = 'ERR_CARAPACE_OPTION_UNKNOWN';
const CONFLICT = 'ERR_CARAPACE_OPTION_CONFLICT';
const HEADER = 'ERR_CARAPACE_HEADER_VALUE';
const SOURCE = 'ERR_CARAPACE_CSP_SOURCE';

const csp = (key, value) => ({ contentSecurityPolicy: { directives: { [key]: value } } });
const features = (value) => ({ permissionsPolicy: { features: value } });

/** Each row: options, code, and the path below the factory's name. */
const BAD = [
  // Shape
  [null, TYPE, ''],
  [[], TYPE, ''],
  ['web', TYPE, ''],
  [{ hsts: true }, UNKNOWN, 'hsts'],
  [{ noSniff: true }, UNKNOWN, 'noSniff'],
  [{ contentSecurityPolcy: false }, UNKNOWN, 'contentSecurityPolcy'],
  [{ ContentSecurityPolicy: false }, UNKNOWN, 'ContentSecurityPolicy'],
  [JSON.parse('{"__proto__": {}}'), UNKNOWN, '__proto__'],
  [{ contentSecurityPolicy: null }, TYPE, 'contentSecurityPolicy'],
  [{ contentSecurityPolicy: 'default-src *' }, TYPE, 'contentSecurityPolicy'],
  [{ contentSecurityPolicy: [] }, VALUE, 'contentSecurityPolicy'],
  [{ contentSecurityPolicy: [{}, null] }, TYPE, 'contentSecurityPolicy[1]'],
  [{ contentSecurityPolicy: [{ directive: {} }] }, UNKNOWN, 'contentSecurityPolicy[0].directive'],
  [{ contentSecurityPolicy: { reportOnly: true } }, UNKNOWN, 'contentSecurityPolicy.reportOnly'],
  [{ contentSecurityPolicy: { directives: [] } }, TYPE, 'contentSecurityPolicy.directives'],
  [{ contentSecurityPolicy: { useDefaults: 1 } }, TYPE, 'contentSecurityPolicy.useDefaults'],
  [{ contentSecurityPolicy: { nonce: 'script-src' } }, TYPE, 'contentSecurityPolicy.nonce'],
  [{ contentSecurityPolicy: { nonce: [1] } }, TYPE, 'contentSecurityPolicy.nonce[0]'],
  [{ contentSecurityPolicy: { nonce: ['img-src'] } }, VALUE, 'contentSecurityPolicy.nonce'],
  [{ contentSecurityPolicy: { nonce: ['scripts'] } }, UNKNOWN, 'contentSecurityPolicy.nonce'],
  [{ contentSecurityPolicy: { strictDynamic: 'yes' } }, TYPE, 'contentSecurityPolicy.strictDynamic'],
  [{ contentSecurityPolicy: { strictDynamic: true, nonce: false } }, CONFLICT, 'contentSecurityPolicy.strictDynamic'],
  [{ contentSecurityPolicy: { useDefaults: false } }, CONFLICT, 'contentSecurityPolicy.directives'],
  [
    { contentSecurityPolicy: { useDefaults: false, directives: { scriptSrc: ["'self'"] } } },
    CONFLICT,
    'contentSecurityPolicy.directives',
  ],
  // Directives
  [csp('defaultSrc', null), CONFLICT, 'contentSecurityPolicy.directives'],
  [csp('scriptSrc', false), TYPE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', 1), TYPE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', {}), TYPE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ["'self'", 1]), TYPE, 'contentSecurityPolicy.directives.scriptSrc[1]'],
  [csp('scriptSrc', [null]), TYPE, 'contentSecurityPolicy.directives.scriptSrc[0]'],
  [csp('scriptSrc', [["'self'"]]), TYPE, 'contentSecurityPolicy.directives.scriptSrc[0]'],
  [csp('scirptSrc', ["'self'"]), UNKNOWN, 'contentSecurityPolicy.directives.scirptSrc'],
  [csp('Script-Src', ["'self'"]), UNKNOWN, 'contentSecurityPolicy.directives.Script-Src'],
  [csp('script_src', ["'self'"]), UNKNOWN, 'contentSecurityPolicy.directives.script_src'],
  [csp('', ["'self'"]), UNKNOWN, 'contentSecurityPolicy.directives.'],
  [csp('scriptSrc', ['self']), SOURCE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', 'none'), SOURCE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ['unsafe-inline']), SOURCE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ["'unsafe-inlin'"]), SOURCE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ['nonce-abc']), SOURCE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ["'nonce-abc'"]), SOURCE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ['sha256-abc']), SOURCE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ["'sha256-abc'"]), SOURCE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ["'none'", 'a.example']), SOURCE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ["'none'", () => '']), SOURCE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ['a.example; img-src *']), SOURCE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ['a.example,b.example']), SOURCE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ['a.example\r\nSet-Cookie: a=b']), HEADER, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ['a.example\n']), HEADER, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ['bücher.example']), HEADER, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ['https']), SOURCE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ['http://']), SOURCE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('scriptSrc', ['a.example:123456']), SOURCE, 'contentSecurityPolicy.directives.scriptSrc'],
  [csp('frameAncestors', ["'unsafe-inline'"]), SOURCE, 'contentSecurityPolicy.directives.frameAncestors'],
  [csp('sandbox', ['allow-everything']), SOURCE, 'contentSecurityPolicy.directives.sandbox'],
  [csp('upgradeInsecureRequests', ["'self'"]), SOURCE, 'contentSecurityPolicy.directives.upgradeInsecureRequests'],
  [csp('upgradeInsecureRequests', () => ''), TYPE, 'contentSecurityPolicy.directives.upgradeInsecureRequests'],
  [csp('reportUri', ['reports']), SOURCE, 'contentSecurityPolicy.directives.reportUri'],
  [csp('reportTo', ['main']), UNKNOWN, 'contentSecurityPolicy.directives.reportTo'],
  [csp('reportTo', ['a', 'b']), SOURCE, 'contentSecurityPolicy.directives.reportTo'],
  [
    { contentSecurityPolicyReportOnly: { directives: { imgSrc: ['self'] } } },
    SOURCE,
    'contentSecurityPolicyReportOnly.directives.imgSrc',
  ],
  [
    { contentSecurityPolicy: { directives: { imgSrc: ['a.example'], 'img-src': ['b.example'] } } },
    CONFLICT,
    'contentSecurityPolicy.directives.img-src',
  ],
  // Headers of one token
  [{ crossOriginEmbedderPolicy: 'require' }, VALUE, 'crossOriginEmbedderPolicy'],
  [{ crossOriginEmbedderPolicy: { policy: '' } }, VALUE, 'crossOriginEmbedderPolicy.policy'],
  [{ crossOriginOpenerPolicy: { policy: 'same-orgin' } }, VALUE, 'crossOriginOpenerPolicy.policy'],
  [{ crossOriginOpenerPolicy: { policies: 'same-origin' } }, UNKNOWN, 'crossOriginOpenerPolicy.policies'],
  [{ crossOriginOpenerPolicy: { reportTo: 'main' } }, UNKNOWN, 'crossOriginOpenerPolicy.reportTo'],
  [{ crossOriginResourcePolicy: 'none' }, VALUE, 'crossOriginResourcePolicy'],
  [{ crossOriginResourcePolicy: { policy: 1 } }, TYPE, 'crossOriginResourcePolicy.policy'],
  [{ originAgentCluster: '?1' }, TYPE, 'originAgentCluster'],
  [{ xContentTypeOptions: {} }, TYPE, 'xContentTypeOptions'],
  [{ xDnsPrefetchControl: { allow: 'yes' } }, TYPE, 'xDnsPrefetchControl.allow'],
  [{ xDnsPrefetchControl: 'maybe' }, VALUE, 'xDnsPrefetchControl'],
  [{ xFrameOptions: 'allow-from https://a.example' }, VALUE, 'xFrameOptions'],
  [{ xFrameOptions: { action: 'DENY\r\nX: y' } }, VALUE, 'xFrameOptions.action'],
  [
    { xPermittedCrossDomainPolicies: { permittedPolicies: 'some' } },
    VALUE,
    'xPermittedCrossDomainPolicies.permittedPolicies',
  ],
  [{ documentIsolationPolicy: 'isolate' }, VALUE, 'documentIsolationPolicy'],
  // Referrer-Policy
  [{ referrerPolicy: 'never' }, VALUE, 'referrerPolicy'],
  [{ referrerPolicy: { policy: [] } }, VALUE, 'referrerPolicy'],
  [{ referrerPolicy: ['origin', 'origin'] }, VALUE, 'referrerPolicy'],
  [{ referrerPolicy: ['origin', 1] }, TYPE, 'referrerPolicy[1]'],
  // HSTS
  [{ strictTransportSecurity: { maxAge: -1 } }, VALUE, 'strictTransportSecurity.maxAge'],
  [{ strictTransportSecurity: { maxAge: NaN } }, VALUE, 'strictTransportSecurity.maxAge'],
  [{ strictTransportSecurity: { maxAge: Infinity } }, VALUE, 'strictTransportSecurity.maxAge'],
  [{ strictTransportSecurity: { maxAge: 1.5 } }, VALUE, 'strictTransportSecurity.maxAge'],
  [{ strictTransportSecurity: { maxAge: '1' } }, TYPE, 'strictTransportSecurity.maxAge'],
  [{ strictTransportSecurity: { maxage: 1 } }, UNKNOWN, 'strictTransportSecurity.maxage'],
  [{ strictTransportSecurity: { includeSubdomains: true } }, UNKNOWN, 'strictTransportSecurity.includeSubdomains'],
  [{ strictTransportSecurity: { preload: true, maxAge: 31_535_999 } }, CONFLICT, 'strictTransportSecurity.preload'],
  [
    { strictTransportSecurity: { preload: true, includeSubDomains: false } },
    CONFLICT,
    'strictTransportSecurity.preload',
  ],
  // Permissions and integrity
  [{ permissionsPolicy: 'camera=()' }, TYPE, 'permissionsPolicy'],
  [features({ camra: 'none' }), UNKNOWN, 'permissionsPolicy.features.camra'],
  [features({ camera: true }), TYPE, 'permissionsPolicy.features.camera'],
  [features({ camera: [1] }), TYPE, 'permissionsPolicy.features.camera[0]'],
  [features({ camera: ['a.example'] }), VALUE, 'permissionsPolicy.features.camera'],
  [features({ camera: ['*', 'self'] }), CONFLICT, 'permissionsPolicy.features.camera'],
  [features({ camera: ['https://ü.example'] }), HEADER, 'permissionsPolicy.features.camera'],
  [{ permissionsPolicyReportOnly: { reportTo: 'main' } }, UNKNOWN, 'permissionsPolicyReportOnly.reportTo'],
  [{ integrityPolicy: { blockedDestinations: ['image'] } }, VALUE, 'integrityPolicy.blockedDestinations'],
  [{ integrityPolicy: { blockedDestinations: 'script' } }, TYPE, 'integrityPolicy.blockedDestinations'],
  [{ integrityPolicy: { endpoints: ['main'] } }, UNKNOWN, 'integrityPolicy.endpoints'],
  // Reporting, caching, removal
  [{ reportingEndpoints: { main: 'http://a.example' } }, VALUE, 'reportingEndpoints.main'],
  [{ reportingEndpoints: { Main: 'https://a.example' } }, VALUE, 'reportingEndpoints.Main'],
  [{ reportingEndpoints: { main: 1 } }, TYPE, 'reportingEndpoints.main'],
  [{ reportingEndpoints: { main: 'https://a.example/\r\nX: y' } }, HEADER, 'reportingEndpoints.main'],
  [{ reportingEndpoints: ['https://a.example'] }, TYPE, 'reportingEndpoints'],
  [{ cacheControl: 'no store' }, HEADER, 'cacheControl'],
  [{ cacheControl: 'no-store\r\nX: y' }, HEADER, 'cacheControl'],
  [{ removeHeaders: 'x-powered-by' }, VALUE, 'removeHeaders'],
  [{ removeHeaders: ['x powered by'] }, HEADER, 'removeHeaders[0]'],
  [{ removeHeaders: [''] }, HEADER, 'removeHeaders[0]'],
  [{ removeHeaders: [1] }, TYPE, 'removeHeaders[0]'],
  [{ removeHeaders: ['server', 'Content-Length'] }, VALUE, 'removeHeaders[1]'],
  [{ removeHeaders: ['X-Frame-Options'] }, CONFLICT, 'removeHeaders[0]'],
  // The rest
  [{ preset: 'lax' }, VALUE, 'preset'],
  [{ preset: 1 }, TYPE, 'preset'],
  [{ secureOnly: 'true' }, TYPE, 'secureOnly'],
  [{ trustProxy: true }, VALUE, 'trustProxy'],
  [{ trustProxy: 1.5 }, VALUE, 'trustProxy'],
  [{ trustProxy: -1 }, VALUE, 'trustProxy'],
  [{ trustProxy: NaN }, VALUE, 'trustProxy'],
  [{ trustProxy: ['10.0.0.0/33'] }, VALUE, 'trustProxy[0]'],
  [{ trustProxy: '0.0.0.0/0' }, VALUE, 'trustProxy'],
  [{ trustProxy: ['2000::/3'] }, VALUE, 'trustProxy'],
  [{ trustProxy: [1] }, TYPE, 'trustProxy[0]'],
  [{ onEvent: 'log' }, TYPE, 'onEvent'],
];

describe('a bad configuration of securityHeaders', () => {
  for (const [options, code, path] of BAD) {
    it(`throws ${code} at ${path || 'the factory'} for ${print(options)}`, () => {
      const full = path === '' ? 'securityHeaders' : `securityHeaders.${path}`;
      assert.throws(
        () => securityHeaders(options),
        (error) => {
          assert.equal(error.name, 'CarapaceError');
          assert.deepEqual([error.code, error.path], [code, full]);
          assert.ok(error.message.startsWith(`${full}: `), error.message);
          assert.equal(error.help, `docs/errors.md#${code.toLowerCase()}`);
          return true;
        },
      );
    });
  }

  it('is tried in at least 60 ways', () => assert.ok(BAD.length >= 60, String(BAD.length)));

  it('names the nearest directive, feature, keyword and option', () => {
    const hints = [
      [csp('scirptSrc', "'self'"), /did you mean script-src\?/],
      [csp('scriptSrc', "'slef'"), /did you mean 'self'\?/],
      [csp('scriptSrc', 'self'), /must be quoted: 'self'/],
      [features({ camra: 'none' }), /did you mean camera\?/],
      [{ xFrameOption: true }, /did you mean "xFrameOptions"\?/],
    ];
    for (const [options, hint] of hints) assert.throws(() => securityHeaders(options), { message: hint });
  });

  it('of the helpers throws as well', () => {
    for (const types of [null, 'cache', [], ['cookie'], ['cache', 'cache'], [1]]) {
      assert.throws(() => securityHeaders.clearSiteData(types), {
        name: 'CarapaceError',
        path: /clearSiteData\.types/,
      });
    }
    assert.throws(() => securityHeaders.defaultDirectives('lax'), { code: VALUE });
  });
});

describe('a configuration of securityHeaders', () => {
  it('does not change with the object it came from', () => {
    const directives = { imgSrc: ['a.example'] };
    const middleware = securityHeaders({ contentSecurityPolicy: { directives } });
    directives.imgSrc.push('evil.example');
    assert.match(headersOf(middleware)['content-security-policy'], /img-src a\.example;/);
  });

  it('ignores what a polluted Object.prototype would add', () => {
    const names =
      'preset contentSecurityPolicy useDefaults strictDynamic allowMissingDefaultSrc nonce reportTo allowlist maxAge ' +
      'preload token secureOnly removeHeaders endpoints blockedDestinations scriptSrc features policy';
    const options = () => ({
      contentSecurityPolicy: { directives: { imgSrc: ["'self'"] } },
      permissionsPolicy: { features: { camera: null } },
      strictTransportSecurity: {},
      integrityPolicy: {},
      xFrameOptions: {},
      crossOriginOpenerPolicy: 'same-origin',
    });
    const clean = headersOf(securityHeaders(options()));
    for (const name of names.split(' ')) {
      for (const value of [true, 'api', ['*'], 1, { policy: 'unsafe-none' }]) {
        Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: true });
        try {
          assert.deepEqual(headersOf(securityHeaders(options())), clean, name);
        } finally {
          delete Object.prototype[name];
        }
      }
    }
  });
});

/** What a middleware sets on a stand-in for a response. */
function headersOf(middleware) {
  const sent = {};
  middleware(
    { headers: {}, socket: {} },
    { setHeader: (name, value) => (sent[name] = value), removeHeader() {} },
    () => {},
  );
  return sent;
}

function print(options) {
  return JSON.stringify(options, (_, value) =>
    typeof value === 'function' ? 'fn' : Number.isNaN(value) ? 'NaN' : value,
  );
}
