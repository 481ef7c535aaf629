'use strict';

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const helmet = require('helmet');
const { securityHeaders } = require('../..');
const { EXPRESS, listen, send } = require('../helpers/servers');

/** helmet sends HSTS over plain http too; every row compares with that. */
const ALWAYS = { secureOnly: false };

/** Everything off, to compare one middleware by itself. */
const OFF = {
  ...ALWAYS,
  contentSecurityPolicy: false,
  crossOriginOpenerPolicy: false,
  crossOriginResourcePolicy: false,
  originAgentCluster: false,
  referrerPolicy: false,
  strictTransportSecurity: false,
  xContentTypeOptions: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xFrameOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
  removeHeaders: false,
};

const csp = (directives, rest = {}) => ({ contentSecurityPolicy: { directives, ...rest } });
const bare = (directives) => csp(directives, { useDefaults: false });
const both = (options) => [options, options];
const { dangerouslyDisableDefaultSrc } = helmet.contentSecurityPolicy;
const hash = `'sha256-${'A'.repeat(43)}='`;

/** Settings that must give the same headers: helmet's options, ours. */
const SAME_HEADERS = [
  [undefined, {}],
  both({}),
  // Content-Security-Policy
  both({ contentSecurityPolicy: true }),
  both({ contentSecurityPolicy: false }),
  both({ contentSecurityPolicy: {} }),
  both(csp({})),
  both(csp({ imgSrc: ["'self'", 'https://img.example'] })),
  both(csp({ 'img-src': ['a.example'], workerSrc: ["'self'", 'blob:'] })),
  both(csp({ scriptSrc: new Set(["'self'", 'https://cdn.example:8443/lib/']) })),
  both(csp({ scriptSrc: "'self'" })),
  both(csp({ scriptSrc: "'self' cdn.example 'unsafe-eval'" })),
  both(csp({ scriptSrc: ["'self' cdn.example", hash] })),
  both(csp({ upgradeInsecureRequests: null })),
  both(csp({ fontSrc: null, 'style-src': null })),
  both(csp({ scriptSrc: [] })),
  both(csp({ sandbox: ['allow-scripts', 'allow-forms'] })),
  both(csp({ sandbox: [] })),
  both(csp({ reportUri: '/csp-reports' })),
  both(csp({ frameAncestors: ["'none'"], formAction: ["'self'", 'https:'] })),
  both(csp({ requireTrustedTypesFor: ["'script'"], trustedTypes: ['default', "'allow-duplicates'"] })),
  both(bare({ defaultSrc: ["'self'"] })),
  both(bare({ defaultSrc: "'none'", imgSrc: '*', blockAllMixedContent: [] })),
  both(bare({ imgSrc: ["'self'"], defaultSrc: ["'self'"] })),
  both(csp(helmet.contentSecurityPolicy.getDefaultDirectives(), { useDefaults: false })),
  [csp({ defaultSrc: dangerouslyDisableDefaultSrc }), csp({ defaultSrc: null }, { allowMissingDefaultSrc: true })],
  [
    bare({ defaultSrc: dangerouslyDisableDefaultSrc, scriptSrc: ["'self'"] }),
    csp({ scriptSrc: ["'self'"] }, { useDefaults: false, allowMissingDefaultSrc: true }),
  ],
  both(csp({ scriptSrc: ["'self'", () => 'a.example', () => `'nonce-${'x'.repeat(22)}'`] })),
  both(csp({ scriptSrc: [(request) => request.headers.host.split(':')[0], "'self'"], imgSrc: [() => 'b.example'] })),
  both(bare({ defaultSrc: [() => "'none'"] })),
  // The others
  ...['require-corp', 'credentialless', 'unsafe-none'].map((policy) => both({ crossOriginEmbedderPolicy: { policy } })),
  both({ crossOriginEmbedderPolicy: true }),
  both({ crossOriginEmbedderPolicy: false }),
  both({ crossOriginEmbedderPolicy: {} }),
  ...['same-origin', 'same-origin-allow-popups', 'noopener-allow-popups', 'unsafe-none'].map((policy) =>
    both({ crossOriginOpenerPolicy: { policy } }),
  ),
  both({ crossOriginOpenerPolicy: false }),
  both({ crossOriginOpenerPolicy: true }),
  ...['same-origin', 'same-site', 'cross-origin'].map((policy) => both({ crossOriginResourcePolicy: { policy } })),
  both({ crossOriginResourcePolicy: false }),
  both({ crossOriginResourcePolicy: {} }),
  both({ originAgentCluster: false }),
  both({ originAgentCluster: true }),
  ...['no-referrer-when-downgrade', 'same-origin', 'origin', 'strict-origin', 'origin-when-cross-origin', ''].map(
    (policy) => both({ referrerPolicy: { policy } }),
  ),
  ...['no-referrer', 'strict-origin-when-cross-origin', 'unsafe-url'].map((policy) =>
    both({ referrerPolicy: { policy: [policy] } }),
  ),
  both({ referrerPolicy: { policy: ['no-referrer', 'unsafe-url'] } }),
  both({ referrerPolicy: {} }),
  both({ referrerPolicy: false }),
  both({ referrerPolicy: true }),
  both({ strictTransportSecurity: false }),
  both({ strictTransportSecurity: true }),
  both({ strictTransportSecurity: {} }),
  both({ strictTransportSecurity: { maxAge: 0 } }),
  both({ strictTransportSecurity: { maxAge: 123 } }),
  both({ strictTransportSecurity: { maxAge: 123, includeSubDomains: false } }),
  both({ strictTransportSecurity: { preload: true } }),
  both({ strictTransportSecurity: { maxAge: 63_072_000, preload: true, includeSubDomains: true } }),
  both({ xContentTypeOptions: false }),
  both({ xContentTypeOptions: true }),
  both({ xDnsPrefetchControl: false }),
  both({ xDnsPrefetchControl: true }),
  both({ xDnsPrefetchControl: { allow: true } }),
  both({ xDnsPrefetchControl: { allow: false } }),
  both({ xDownloadOptions: false }),
  both({ xDownloadOptions: true }),
  ...['deny', 'DENY', 'sameorigin', 'SAMEORIGIN', 'SameOrigin', 'same-origin', 'SAME-ORIGIN'].map((action) =>
    both({ xFrameOptions: { action } }),
  ),
  both({ xFrameOptions: false }),
  both({ xFrameOptions: {} }),
  ...['none', 'master-only', 'by-content-type', 'all'].map((permittedPolicies) =>
    both({ xPermittedCrossDomainPolicies: { permittedPolicies } }),
  ),
  both({ xPermittedCrossDomainPolicies: false }),
  both({ xXssProtection: false }),
  both({ xXssProtection: true }),
  [{ xPoweredBy: false }, { removeHeaders: false }],
  [{ xPoweredBy: true }, { removeHeaders: true }],
  // Old names
  [{ hsts: { maxAge: 1 } }, { strictTransportSecurity: { maxAge: 1 } }],
  [{ noSniff: false }, { xContentTypeOptions: false }],
  [{ dnsPrefetchControl: { allow: true } }, { xDnsPrefetchControl: { allow: true } }],
  [{ ieNoOpen: false }, { xDownloadOptions: false }],
  [{ frameguard: { action: 'deny' } }, { xFrameOptions: { action: 'deny' } }],
  [
    { permittedCrossDomainPolicies: { permittedPolicies: 'all' } },
    { xPermittedCrossDomainPolicies: { permittedPolicies: 'all' } },
  ],
  [{ hidePoweredBy: false }, { removeHeaders: false }],
  [{ xssFilter: false }, { xXssProtection: false }],
  // Report only
  [
    { contentSecurityPolicy: { reportOnly: true } },
    { contentSecurityPolicy: false, contentSecurityPolicyReportOnly: true },
  ],
  [
    csp({ scriptSrc: ["'none'"] }, { reportOnly: true }),
    { contentSecurityPolicy: false, contentSecurityPolicyReportOnly: { directives: { scriptSrc: ["'none'"] } } },
  ],
];

/** helmet's middlewares by themselves, beside ours with all but one option off. */
const SAME_ALONE = [
  [helmet.contentSecurityPolicy(), { contentSecurityPolicy: true }],
  [helmet.contentSecurityPolicy(csp({ imgSrc: '*' }).contentSecurityPolicy), csp({ imgSrc: '*' })],
  [helmet.crossOriginEmbedderPolicy(), { crossOriginEmbedderPolicy: true }],
  [helmet.crossOriginOpenerPolicy(), { crossOriginOpenerPolicy: true }],
  [helmet.crossOriginResourcePolicy({ policy: 'same-site' }), { crossOriginResourcePolicy: { policy: 'same-site' } }],
  [helmet.originAgentCluster(), { originAgentCluster: true }],
  [helmet.referrerPolicy(), { referrerPolicy: true }],
  [helmet.strictTransportSecurity(), { strictTransportSecurity: true }],
  [helmet.xContentTypeOptions(), { xContentTypeOptions: true }],
  [helmet.xDnsPrefetchControl(), { xDnsPrefetchControl: true }],
  [helmet.xDownloadOptions(), { xDownloadOptions: true }],
  [helmet.xFrameOptions(), { xFrameOptions: true }],
  [helmet.xPermittedCrossDomainPolicies(), { xPermittedCrossDomainPolicies: true }],
  [helmet.xPoweredBy(), { removeHeaders: true }],
  [helmet.xXssProtection(), { xXssProtection: true }],
];

/** Settings that both refuse. */
const BOTH_REFUSE = [
  both(csp({ '': ["'self'"] })),
  both(csp({ 'script src': ["'self'"] })),
  both(csp({ ScriptSrc: ["'self'"] })),
  both(csp({ scriptSrc: ['self'] })),
  both(csp({ scriptSrc: ['none'] })),
  both(csp({ scriptSrc: ['strict-dynamic'] })),
  both(csp({ scriptSrc: ['unsafe-inline'] })),
  both(csp({ scriptSrc: ['nonce-abc'] })),
  both(csp({ scriptSrc: ['sha384-abc'] })),
  both(csp({ scriptSrc: ['a.example; img-src *'] })),
  both(csp({ scriptSrc: ['a.example, b.example'] })),
  both(csp({ scriptSrc: ["'self'"], 'script-src': ["'self'"] })),
  both(csp({ scriptSrc: false })),
  both(csp({ scriptSrc: 0 })),
  both(csp({ scriptSrc: 1 })),
  both(csp({ scriptSrc: {} })),
  both(csp({ defaultSrc: null })),
  both(csp({ scriptSrc: dangerouslyDisableDefaultSrc })),
  both(bare({})),
  both(bare({ scriptSrc: ["'self'"] })),
  both({ crossOriginEmbedderPolicy: { policy: 'foo' } }),
  both({ crossOriginOpenerPolicy: { policy: '' } }),
  both({ crossOriginResourcePolicy: { policy: null } }),
  both({ referrerPolicy: { policy: 'foo' } }),
  both({ referrerPolicy: { policy: [] } }),
  both({ referrerPolicy: { policy: ['origin', 'origin'] } }),
  both({ referrerPolicy: { policy: ['origin', null] } }),
  both({ strictTransportSecurity: { maxAge: -1 } }),
  both({ strictTransportSecurity: { maxAge: NaN } }),
  both({ strictTransportSecurity: { maxAge: Infinity } }),
  both({ strictTransportSecurity: { maxAge: '1' } }),
  both({ strictTransportSecurity: { maxage: 1 } }),
  both({ strictTransportSecurity: { includeSubdomains: true } }),
  both({ xFrameOptions: { action: 'allow-from' } }),
  both({ xFrameOptions: { action: null } }),
  both({ xPermittedCrossDomainPolicies: { permittedPolicies: '' } }),
  both({ strictTransportSecurity: true, hsts: true }),
  both(null),
];

/**
 * Where carapace differs on purpose: the name of the row in docs/migrating.md, and a proof that both behave as it says.
 * A proof is a setting of helmet that ours refuses (`refused`), one of ours that helmet refuses (`allowed`), or a test.
 * @type {Record<string, { refused?: any[], allowed?: any[], proof?: (name: string, context: any) => Promise<void> }>}
 */
const DIFFERENCES = {
  'secure-only': {
    async proof(express, context) {
      const [theirs, ours] = await headersOf(context, express, helmet(), securityHeaders());
      const [name, value] = ours[0];
      const expected = theirs.filter(([header]) => header !== 'strict-transport-security');
      assert.deepEqual(ours, [[name, value], ...expected.slice(1)]);
      assert.equal(`${value};upgrade-insecure-requests`, expected[0][1]);
    },
  },
  'function-values': {
    async proof(express, context) {
      const options = (source) => csp({ scriptSrc: ["'self'", source] });
      for (const [value, status] of [
        ["* 'unsafe-inline'", 200],
        ['a.example;script-src *', 500],
        ['a.example\nx', 500],
        ['unsafe-inline', 500],
        [undefined, 500],
      ]) {
        const answers = await answersOf(
          context,
          express,
          helmet(options(() => value)),
          securityHeaders(options(() => value)),
        );
        assert.deepEqual(
          answers.map((answer) => answer.status),
          [status, 200],
        );
        assert.match(answers[1].headers['content-security-policy'], /;script-src 'self';/);
      }
    },
  },
  'constant-nonce': { refused: [csp({ scriptSrc: ["'nonce-abc'"] })] },
  'hash-length': {
    refused: [csp({ scriptSrc: ["'sha256-abc'"] }), csp({ scriptSrc: [`'sha256-${'A'.repeat(43)}'`] })],
  },
  'source-grammar': {
    refused: [
      csp({ scriptSrc: ["'slef'"] }),
      csp({ scriptSrc: ['https'] }),
      csp({ scriptSrc: ['a.example:port'] }),
      csp({ scriptSrc: ['bücher.example'] }),
      csp({ scriptSrc: ['a.example\r\nx: y'] }),
      csp({ frameAncestors: ["'unsafe-inline'"] }),
      csp({ sandbox: ['allow-all'] }),
      csp({ upgradeInsecureRequests: ["'self'"] }),
      csp({ reportUri: 'reports' }),
    ],
  },
  'none-alone': { refused: [csp({ scriptSrc: ["'none'", 'a.example'] })] },
  'unknown-directive': { refused: [csp({ scriptSrcs: ["'self'"] })] },
  'report-to': { refused: [csp({ reportTo: ['main'] })] },
  'directive-values': {
    allowed: [csp({ upgradeInsecureRequests: true }), csp({ imgSrc: () => 'a.example' }), csp({ imgSrc: undefined })],
    async proof(express, context) {
      const options = csp({ imgSrc: ['  a.example   b.example  ', "'self'"] });
      const [theirs, ours] = await headersOf(
        context,
        express,
        helmet(options),
        securityHeaders({ ...ALWAYS, ...options }),
      );
      assert.ok(theirs[0][1].includes("img-src   a.example   b.example   'self';"));
      assert.ok(ours[0][1].includes("img-src a.example b.example 'self';"));
    },
  },
  'default-src': { refused: [csp({ defaultSrc: dangerouslyDisableDefaultSrc })] },
  'report-only': { refused: [{ contentSecurityPolicy: { reportOnly: true } }] },
  'unknown-option': { refused: [{ strictTransportSecurty: false }, { xFrameOptions: { acton: 'deny' } }] },
  aliases: {
    refused: [
      { hsts: false },
      { noSniff: false },
      { dnsPrefetchControl: false },
      { ieNoOpen: false },
      { frameguard: false },
      { permittedCrossDomainPolicies: false },
      { xssFilter: false },
    ],
  },
  'powered-by': {
    refused: [{ xPoweredBy: true }, { hidePoweredBy: true }],
    async proof(express, context) {
      const late = (response) => response.set('X-Powered-By', 'late');
      const [theirs, ours] = await answersOf(context, express, helmet(), securityHeaders(), late);
      assert.deepEqual([theirs.headers['x-powered-by'], ours.headers['x-powered-by']], ['late', undefined]);
    },
  },
  'hsts-preload': {
    refused: [
      { strictTransportSecurity: { preload: true, maxAge: 1 } },
      { strictTransportSecurity: { preload: true, includeSubDomains: false } },
    ],
  },
  'hsts-whole': { refused: [{ strictTransportSecurity: { maxAge: 1.5 } }] },
  types: {
    refused: [
      { contentSecurityPolicy: { useDefaults: 0, directives: { defaultSrc: "'self'" } } },
      { strictTransportSecurity: { includeSubDomains: 1 } },
      { xDnsPrefetchControl: { allow: 'yes' } },
      { strictTransportSecurity: null },
      { originAgentCluster: {} },
    ],
  },
  strings: {
    async proof(express, context) {
      // helmet reads a string as an object without the field: the setting is lost without a word.
      const options = { xFrameOptions: 'deny' };
      const [theirs, ours] = await answersOf(context, express, helmet(options), securityHeaders(options));
      assert.equal(theirs.headers['x-frame-options'], 'SAMEORIGIN');
      assert.equal(ours.headers['x-frame-options'], 'DENY');
    },
  },
  'headers-sent': {
    async proof(express, context) {
      const status = async (middleware) => {
        const app = express();
        app.set('env', 'test');
        const caught = [];
        app.use((_request, response, next) => {
          response.write('early');
          next();
        });
        app.use(middleware);
        app.use((_request, response) => response.end());
        app.use((error, _request, response, _next) => {
          caught.push(error.code);
          response.end();
        });
        const { port } = await listen(context, app);
        await send(port);
        return caught;
      };
      assert.deepEqual(await status(helmet()), ['ERR_HTTP_HEADERS_SENT']);
      assert.deepEqual(await status(securityHeaders()), []);
    },
  },
};

/** What each middleware answers in an app of its own. */
async function answersOf(context, express, theirs, ours, act = () => {}) {
  const answers = [];
  for (const middleware of [theirs, ours]) {
    const app = express();
    app.set('env', 'test');
    app.use(middleware);
    app.get('/', (_request, response) => {
      act(response);
      response.send('body');
    });
    const { port } = await listen(context, app);
    answers.push(await send(port, { headers: { host: 'host.example:80' } }));
  }
  return answers;
}

/** Names and values in the order received, without those that change by themselves. */
async function headersOf(context, express, theirs, ours) {
  const answers = await answersOf(context, express, theirs, ours);
  for (const { status } of answers) assert.equal(status, 200);
  return answers.map(({ pairs }) => pairs.filter(([name]) => name !== 'date'));
}

const print = (options) =>
  JSON.stringify(options, (_, value) =>
    typeof value === 'function' ? 'fn' : value instanceof Set ? [...value] : value,
  );

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`the headers of helmet on ${name}`, () => {
    for (const [theirs, ours] of SAME_HEADERS) {
      it(`are the same for ${print(ours)}`, async (context) => {
        const [expected, got] = await headersOf(
          context,
          express,
          helmet(theirs),
          securityHeaders({ ...ALWAYS, ...ours }),
        );
        assert.deepEqual(got, expected);
      });
    }

    for (const [theirs, ours] of SAME_ALONE) {
      it(`are the same for ${theirs.name} alone`, async (context) => {
        const [expected, got] = await headersOf(context, express, theirs, securityHeaders({ ...OFF, ...ours }));
        assert.deepEqual(got, expected);
      });
    }

    for (const [row, { proof }] of Object.entries(DIFFERENCES)) {
      if (proof) it(`differ on purpose: ${row}`, (context) => proof(express, context));
    }
  });
}

describe('a configuration that helmet refuses', () => {
  for (const [theirs, ours] of BOTH_REFUSE) {
    it(`is refused too: ${print(ours)}`, () => {
      assert.throws(() => helmet(theirs));
      assert.throws(() => securityHeaders(ours), { name: 'CarapaceError' });
    });
  }

  it('is refused too when the factory itself is mounted', () => {
    const { IncomingMessage } = require('node:http');
    const request = new IncomingMessage(null);
    assert.throws(() => helmet(request, {}, () => {}));
    assert.throws(() => securityHeaders(request, {}, () => {}), { name: 'CarapaceError' });
  });
});

describe('the differences from helmet', () => {
  for (const [row, { refused = [], allowed = [] }] of Object.entries(DIFFERENCES)) {
    for (const options of refused) {
      it(`${row}: ${print(options)} is refused`, (context) => {
        // helmet tells of options that it ignores on the console.
        context.mock.method(console, 'warn', () => {});
        assert.doesNotThrow(() => helmet(options));
        assert.throws(() => securityHeaders(options), { name: 'CarapaceError' });
      });
    }
    for (const options of allowed) {
      it(`${row}: ${print(options)} is taken`, () => {
        assert.throws(() => helmet(options));
        assert.doesNotThrow(() => securityHeaders(options));
      });
    }
  }

  it('are those that docs/migrating.md lists', () => {
    const text = readFileSync(join(__dirname, '..', '..', 'docs', 'migrating.md'), 'utf8');
    const section = text.slice(text.indexOf('Deliberate differences:', text.indexOf('## From helmet')));
    const end = section.indexOf('\n## ', 1);
    const rows = [...(end < 0 ? section : section.slice(0, end)).matchAll(/^\| `([a-z-]+)` \|/gm)].map(
      ([, row]) => row,
    );
    assert.deepEqual(rows.sort(), Object.keys(DIFFERENCES).sort());
  });

  it('leave the default directives alone', () => {
    assert.deepEqual(securityHeaders.defaultDirectives(), helmet.contentSecurityPolicy.getDefaultDirectives());
  });
});
