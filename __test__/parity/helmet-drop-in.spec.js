'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { describe, it } = require('node:test');
const theirs = require('helmet');
const ours = require('carapace/helmet');
const { listen, send } = require('../helpers/servers');
const { parity } = require('../helpers/parity');

const csp = (directives, rest = {}) => ({ contentSecurityPolicy: { directives, ...rest } });
const bare = (directives) => csp(directives, { useDefaults: false });

const show = (value) =>
  JSON.stringify(value, (_, part) => {
    if (typeof part === 'function') return `${part}`;
    if (typeof part === 'symbol') return String(part);
    if (part instanceof Set) return [...part];
    return part === undefined || Object.is(part, -0) || (typeof part === 'number' && !Number.isFinite(part))
      ? String(part)
      : part;
  }) ?? 'undefined';

/** Options whose headers, refusals and warnings must be the same; a function gets the package. */
const OPTIONS = [
  undefined,
  {},
  Object.create(null),
  // Content-Security-Policy
  { contentSecurityPolicy: undefined },
  { contentSecurityPolicy: true },
  { contentSecurityPolicy: false },
  { contentSecurityPolicy: {} },
  { contentSecurityPolicy: null },
  { contentSecurityPolicy: { reportOnly: true } },
  { contentSecurityPolicy: { reportOnly: 0 } },
  csp(undefined),
  csp({}),
  csp({ 'script-src': ["'self'", 'example.com'] }),
  csp({ scriptSrc: ["'self'", 'example.com'], objectSrc: ["'none'"], upgradeInsecureRequests: [] }),
  csp({ defaultSrc: ["'self'"], scriptSrc: ["'self'", 'example.com'] }, { useDefaults: false }),
  csp({ 'script-src': ["'self'", 'example.com'], 'style-src': null }),
  csp({ 'upgrade-insecure-requests': null }),
  csp({ 'upgrade-insecure-requests': [] }),
  csp({ imgSrc: new Set(["'self'", 'data:']) }),
  csp({ imgSrc: 'a.example' }),
  csp({ imgSrc: '' }),
  csp({ imgSrc: [] }),
  csp({ imgSrc: [''] }),
  csp({ imgSrc: "  'self'   a.example " }),
  csp({ imgSrc: [1] }),
  csp({ imgSrc: ["'self'", undefined] }),
  csp({ madeUp: ['x'] }),
  csp({ 'x-1': ['x'] }),
  csp({ scriptSrc: ["'nonce-constant'"] }),
  csp({ scriptSrc: ["'sha256-abc'", "'sha384-x'", "'sha512-y'"] }),
  csp({ scriptSrc: ["'none'", "'self'"] }),
  csp({ scriptSrc: ["'slef'", 'https', 'a.example:port'] }),
  csp({ reportTo: 'nowhere' }),
  csp({ reportUri: ['/reports'] }),
  csp({ sandbox: ['allow-scripts', 'allow-nothing'] }),
  csp({ requireTrustedTypesFor: ["'script'"], trustedTypes: ['default'] }),
  csp({ scriptSrc: ['bücher.example'] }),
  csp({ scriptSrc: ['a.example\nx'] }),
  csp({ blockAllMixedContent: [], pluginTypes: ['application/pdf'] }),
  csp({ defaultSrc: null }),
  csp({ 'default-src': null }),
  csp({ scriptSrc: false }),
  csp({ scriptSrc: undefined }),
  csp({ scriptSrc: 0 }),
  csp({ scriptSrc: 1 }),
  csp({ scriptSrc: true }),
  csp({ scriptSrc: {} }),
  csp({ scriptSrc: () => 'a.example' }),
  csp({ '': ["'self'"] }),
  csp({ 'script src': ["'self'"] }),
  csp({ ScriptSrc: ["'self'"] }),
  csp({ 'script-': ["'self'"] }),
  csp({ 'script;src': ["'self'"] }),
  csp({ scriptSrc: ["'self'"], 'script-src': ["'self'"] }),
  csp({ defaultSrc: ["'self'"], 'default-src': null }),
  ...['none', 'self', 'strict-dynamic', 'report-sample', 'inline-speculation-rules', 'unsafe-inline'].map((source) =>
    csp({ scriptSrc: [source] }),
  ),
  ...['unsafe-eval', 'unsafe-hashes', 'wasm-unsafe-eval', 'nonce-abc', 'sha256-abc', 'sha384-a', 'sha512-a'].map(
    (source) => csp({ scriptSrc: ["'self'", source] }),
  ),
  csp({ scriptSrc: ['a.example;script-src *'] }),
  csp({ scriptSrc: ['a.example,b.example'] }),
  csp({ scriptSrc: 'a.example; b.example' }),
  bare(undefined),
  bare({}),
  bare({ scriptSrc: ["'self'"] }),
  bare({ defaultSrc: ["'self'"] }),
  bare({ defaultSrc: [], imgSrc: '*' }),
  bare({ imgSrc: ["'self'"], defaultSrc: ["'none'"] }),
  (lib) => csp({ defaultSrc: lib.contentSecurityPolicy.dangerouslyDisableDefaultSrc }),
  (lib) => csp({ 'default-src': lib.contentSecurityPolicy.dangerouslyDisableDefaultSrc }, { reportOnly: true }),
  (lib) => bare({ defaultSrc: lib.contentSecurityPolicy.dangerouslyDisableDefaultSrc, scriptSrc: ["'self'"] }),
  (lib) => bare({ defaultSrc: lib.contentSecurityPolicy.dangerouslyDisableDefaultSrc }),
  (lib) => csp({ scriptSrc: lib.contentSecurityPolicy.dangerouslyDisableDefaultSrc }),
  (lib) => csp(lib.contentSecurityPolicy.getDefaultDirectives(), { useDefaults: false }),
  (lib) => csp({ ...lib.contentSecurityPolicy.getDefaultDirectives(), 'img-src': ['*'] }),
  // One token
  ...['crossOriginEmbedderPolicy', 'crossOriginOpenerPolicy', 'crossOriginResourcePolicy'].flatMap((option) =>
    [true, false, undefined, null, {}, { policy: undefined }, { policy: null }, { policy: '' }, { policy: 'foo' }].map(
      (value) => ({ [option]: value }),
    ),
  ),
  ...['require-corp', 'credentialless', 'unsafe-none'].map((policy) => ({ crossOriginEmbedderPolicy: { policy } })),
  ...['same-origin', 'same-origin-allow-popups', 'noopener-allow-popups', 'unsafe-none'].map((policy) => ({
    crossOriginOpenerPolicy: { policy },
  })),
  ...['same-origin', 'same-site', 'cross-origin', 'SAME-SITE', ['same-site']].map((policy) => ({
    crossOriginResourcePolicy: { policy },
  })),
  // Without options
  ...['originAgentCluster', 'xContentTypeOptions', 'noSniff', 'xDownloadOptions', 'ieNoOpen', 'xPoweredBy'].flatMap(
    (option) => [true, false, undefined, null, {}, { setting: 1 }].map((value) => ({ [option]: value })),
  ),
  ...['hidePoweredBy', 'xXssProtection', 'xssFilter'].flatMap((option) =>
    [true, false, {}].map((value) => ({ [option]: value })),
  ),
  // Referrer-Policy
  { referrerPolicy: true },
  { referrerPolicy: false },
  { referrerPolicy: {} },
  ...['no-referrer', 'no-referrer-when-downgrade', 'same-origin', 'origin', 'strict-origin', 'unsafe-url', ''].map(
    (policy) => ({ referrerPolicy: { policy } }),
  ),
  { referrerPolicy: { policy: ['origin', 'unsafe-url'] } },
  { referrerPolicy: { policy: ['origin-when-cross-origin', 'strict-origin-when-cross-origin'] } },
  { referrerPolicy: { policy: [] } },
  { referrerPolicy: { policy: ['origin', 'origin'] } },
  { referrerPolicy: { policy: ['origin', 'foo', 'foo'] } },
  { referrerPolicy: { policy: ['origin', null] } },
  { referrerPolicy: { policy: 'foo' } },
  { referrerPolicy: { policy: null } },
  // Strict-Transport-Security
  ...['strictTransportSecurity', 'hsts'].flatMap((option) =>
    [
      true,
      false,
      null,
      {},
      { maxAge: 123456 },
      { maxAge: 123456, includeSubDomains: false },
      { maxAge: 63072000, preload: true },
      { maxAge: 1, preload: true },
      { preload: true, includeSubDomains: false },
      { maxAge: 0 },
      { maxAge: 1.9 },
      { maxAge: -0 },
      { includeSubDomains: 0, preload: 1 },
      { includeSubDomains: null },
    ].map((value) => ({ [option]: value })),
  ),
  ...[-1, NaN, Infinity, -Infinity, '1', null, 1e15, [1]].map((maxAge) => ({ strictTransportSecurity: { maxAge } })),
  { strictTransportSecurity: { maxage: 1 } },
  { strictTransportSecurity: { includeSubdomains: true } },
  { hsts: { maxage: undefined } },
  // X-*
  ...[true, false, {}, { allow: true }, { allow: false }, { allow: 'yes' }, { allow: 0 }].flatMap((value) => [
    { xDnsPrefetchControl: value },
    { dnsPrefetchControl: value },
  ]),
  ...['deny', 'DENY', 'sameorigin', 'SameOrigin', 'same-origin', 'allow-from', '', null, undefined, 1].map(
    (action) => ({
      xFrameOptions: { action },
    }),
  ),
  { frameguard: { action: 'deny' } },
  { frameguard: false },
  { xFrameOptions: true },
  { xFrameOptions: 'deny' },
  ...['none', 'master-only', 'by-content-type', 'all', '', 'foo', null].map((permittedPolicies) => ({
    xPermittedCrossDomainPolicies: { permittedPolicies },
  })),
  { permittedCrossDomainPolicies: { permittedPolicies: 'all' } },
  { permittedCrossDomainPolicies: false },
  // Two names for one option
  ...[
    ['strictTransportSecurity', 'hsts'],
    ['xContentTypeOptions', 'noSniff'],
    ['xDnsPrefetchControl', 'dnsPrefetchControl'],
    ['xDownloadOptions', 'ieNoOpen'],
    ['xFrameOptions', 'frameguard'],
    ['xPermittedCrossDomainPolicies', 'permittedCrossDomainPolicies'],
    ['xPoweredBy', 'hidePoweredBy'],
    ['xXssProtection', 'xssFilter'],
  ].map(([name, alias]) => ({ [alias]: false, [name]: undefined })),
  { hsts: false, noSniff: false, frameguard: false, unknown: 1 },
  Object.create({ hsts: false, frameguard: { action: 'deny' } }),
];

/** Sources that a function gives; what the other sources are does not matter. */
const FUNCTIONS = [
  () => "'nonce-abc'",
  (request, response) => `'nonce-${response.locals.cspNonce}'`,
  (request) => request.headers.host,
  () => '',
  () => ' a.example ',
  () => "'nonce-constant'",
  () => "'slef'",
  () => 'a.example;script-src *',
  () => 'a.example, b.example',
  () => 'a.example b.example;x',
  () => 'unsafe-inline',
  () => 'nonce-abc',
  () => 'sha256-abc',
  () => undefined,
  () => null,
  () => 1,
  () => ["'self'"],
  async () => 'a.example',
  () => {
    throw new RangeError('mine');
  },
  () => {
    throw 'a string';
  },
  () => 'bücher.example',
  () => '☃',
  () => 'a\n',
];

const PARTS = Object.keys(theirs).filter((name) => name !== 'default');

/** Arguments of the parts by themselves. */
const PART_OPTIONS = {
  contentSecurityPolicy: [{ directives: { imgSrc: '*' } }, { useDefaults: false }, null],
  crossOriginEmbedderPolicy: [{ policy: 'credentialless' }, { policy: 'x' }, null],
  crossOriginOpenerPolicy: [{ policy: 'unsafe-none' }, 'unsafe-none'],
  crossOriginResourcePolicy: [{ policy: 'same-site' }, true],
  referrerPolicy: [{ policy: ['origin', 'origin'] }, 'origin'],
  strictTransportSecurity: [{ maxAge: 5 }, { maxAge: '5' }],
  xDnsPrefetchControl: [{ allow: true }],
  xFrameOptions: [{ action: 'deny' }, { action: 'x' }],
  xPermittedCrossDomainPolicies: [{ permittedPolicies: 'all' }, { permittedPolicies: 1 }],
  xPoweredBy: [{ setTo: 'PHP' }],
};

async function respond(kit, create) {
  const middleware = kit.call(create);
  if (middleware === undefined) return;
  const request = await kit.serve((app) => {
    app.use((_request, response, next) => {
      response.locals.cspNonce = 'cmFuZG9t';
      next();
    });
    app.use(middleware);
  });
  await request();
  await request({ method: 'HEAD', path: '/other?x=1' });
}

const unit = (middleware, kit) => {
  const response = { setHeader: kit.spy('setHeader'), removeHeader: kit.spy('removeHeader') };
  kit.note('middleware returned', middleware({}, response, kit.spy('next')));
};

const cases = [
  ...OPTIONS.map((options, index) => ({
    name: `helmet(${show(typeof options === 'function' ? options(theirs) : options)}) [${index}]`,
    run: (kit) => respond(kit, () => kit.lib(typeof options === 'function' ? options(kit.lib) : options)),
  })),
  ...FUNCTIONS.flatMap((source) => [
    {
      name: `a function among others gives ${source}`,
      run: (kit) => respond(kit, () => kit.lib(csp({ scriptSrc: ["'self'", source, 'z.example'] }))),
    },
    {
      name: `a lone function gives ${source}`,
      run: (kit) =>
        respond(kit, () => kit.lib.contentSecurityPolicy({ directives: { imgSrc: [source] }, reportOnly: true })),
    },
  ]),
  {
    name: 'functions of several directives are called in order with the request and the response',
    run: (kit) =>
      respond(kit, () =>
        kit.lib(
          csp({
            scriptSrc: [kit.spy('script', () => 'a.example'), kit.spy('second', () => 'b.example')],
            'style-src': [kit.spy('style', () => 'c.example')],
            imgSrc: [''],
          }),
        ),
      ),
  },
  {
    name: 'after a function that fails, no other is called and no header is set',
    run: (kit) =>
      respond(kit, () => kit.lib(csp({ fontSrc: [() => 'self'], imgSrc: [kit.spy('image', () => 'a.example')] }))),
  },
  ...["* 'unsafe-inline'", "'self'\t*", 'a.example\nx'].map((value) => ({
    name: `a function gives several sources, ${JSON.stringify(value)} (S-57)`,
    differs: 'one-source',
    run: (kit) => respond(kit, () => kit.lib(csp({ scriptSrc: ["'self'", () => value] }))),
    check: (_expected, got) => assert.match(JSON.stringify(got), /script-src 'self';/),
  })),
  {
    name: 'an iterable that can be read once',
    differs: 'iterables',
    run: (kit) =>
      respond(kit, () => {
        const directives = { imgSrc: ['a.example', 'b.example'].values() };
        return kit.lib.contentSecurityPolicy({ directives });
      }),
    check: (_expected, got) => assert.match(JSON.stringify(got), /img-src a\.example b\.example;/),
  },
  ...PARTS.flatMap((name) =>
    [undefined, ...(PART_OPTIONS[name] ?? [])].map((options) => ({
      name: `helmet.${name}(${show(options)}) alone`,
      run: async (kit) => {
        kit.note(kit.lib[name].name, kit.lib[name].length, kit.lib[name] === kit.lib.default[name]);
        await respond(kit, () => (options === undefined ? kit.lib[name]() : kit.lib[name](options)));
      },
    })),
  ),
  ...PARTS.filter((name) => name !== 'contentSecurityPolicy').map((name) => ({
    name: `the calls that ${name} makes on a response`,
    run: (kit) => unit(kit.lib[name](), kit),
  })),
  { name: 'the calls that helmet makes on a response', run: (kit) => unit(kit.lib(), kit) },
  {
    name: 'the calls that contentSecurityPolicy makes on a response',
    run: (kit) => unit(kit.lib.contentSecurityPolicy({ directives: { imgSrc: [() => 'self'] } }), kit),
  },
  {
    name: 'the exports in CommonJS',
    run: ({ lib, note }) => {
      note(Object.keys(lib).sort(), lib.default === lib, lib.name, lib.length, lib.__esModule);
      for (const [alias, name] of Object.entries({ hsts: 'strictTransportSecurity', noSniff: 'xContentTypeOptions' })) {
        note(lib[alias] === lib[name]);
      }
    },
  },
  {
    name: 'the statics of contentSecurityPolicy',
    run: ({ lib: { contentSecurityPolicy }, note }) => {
      note(Object.keys(contentSecurityPolicy), contentSecurityPolicy.dangerouslyDisableDefaultSrc);
      note(contentSecurityPolicy.getDefaultDirectives(), contentSecurityPolicy.getDefaultDirectives.name);
      const [one, other] = [contentSecurityPolicy.getDefaultDirectives(), contentSecurityPolicy.getDefaultDirectives()];
      note(one === other, one['img-src'] === other['img-src']);
    },
  },
  {
    name: 'helmet itself is mounted',
    run: async (kit) => {
      const request = await kit.serve((app) => app.use(kit.lib));
      await request();
    },
  },
  {
    name: 'a factory of a part is mounted',
    run: (kit) => kit.call(() => kit.lib.xFrameOptions(new http.IncomingMessage(null), {}, () => {})),
  },
  {
    name: 'the headers were sent before',
    run: async (kit) => {
      const request = await kit.serve((app) => {
        app.use((_request, response, next) => {
          response.write('early');
          next();
        });
        app.use(kit.lib());
      });
      await request();
    },
  },
  {
    name: 'X-Powered-By is removed once, and may come again',
    run: async (kit) => {
      const answer = (_request, response) => response.set('X-Powered-By', 'late').send('handled');
      const request = await kit.serve((app) => app.use(kit.lib()), { answer });
      await request();
    },
  },
  {
    name: 'a handler replaces a header, and a second policy wins',
    run: async (kit) => {
      const answer = (_request, response) => response.set('X-Frame-Options', 'DENY').send('handled');
      const mount = (app) => {
        app.use(kit.lib());
        app.use(kit.lib.contentSecurityPolicy({ directives: { imgSrc: '*' } }));
      };
      const request = await kit.serve(mount, { answer });
      await request();
    },
  },
  {
    name: 'the error page of Express',
    run: async (kit) => {
      const request = await kit.serve((app) => {
        app.use(kit.lib());
        app.get('/fails', () => {
          throw new Error('mine');
        });
      });
      await request({ path: '/fails' });
    },
  },
  {
    name: 'without Express',
    run: async ({ lib, context, note }) => {
      const middleware = lib();
      const { port } = await listen(context, (request, response) =>
        middleware(request, response, () => response.end('plain')),
      );
      const { status, pairs, body } = await send(port);
      note(
        status,
        pairs.filter(([name]) => name !== 'date'),
        body,
      );
    },
  },
  {
    name: 'options and directives are not changed',
    run: (kit) => {
      const options = Object.freeze({
        contentSecurityPolicy: Object.freeze({ directives: Object.freeze({ imgSrc: Object.freeze(['a.example']) }) }),
        hsts: Object.freeze({ maxAge: 1 }),
      });
      return respond(kit, () => kit.lib(options));
    },
  },
];

/** The drop-in with one thing done otherwise. */
const variant = (wrap, statics = {}) =>
  Object.assign(
    function helmet(options = {}) {
      return wrap(ours, options);
    },
    ours,
    statics,
  );
const itself = (statics) => {
  const lib = variant((helmet, options) => helmet(options), statics);
  return Object.assign(lib, { default: lib });
};

const mutants = {
  'does nothing': itself({ hsts: () => (_request, _response, next) => next() }),
  'sends one header less': (() => {
    const lib = variant((helmet, options) => helmet({ xDownloadOptions: false, ...options }));
    return Object.assign(lib, { default: lib });
  })(),
  'refuses a constant nonce': (() => {
    const lib = variant((helmet, options) => {
      if (show(options).includes('nonce-constant')) throw new Error('refused');
      return helmet(options);
    });
    return Object.assign(lib, { default: lib });
  })(),
  'has another message': (() => {
    const lib = variant((helmet, options) => {
      try {
        return helmet(options);
      } catch (error) {
        throw new Error(error.message.replace('received', 'got'), { cause: error });
      }
    });
    return Object.assign(lib, { default: lib });
  })(),
  'lacks an alias': itself({ ieNoOpen: undefined }),
};

parity('carapace/helmet', { theirs, ours, cases, mutants });

describe('carapace/helmet', () => {
  it('exports to ES modules what helmet exports', async () => {
    const [expected, got] = await Promise.all([import('helmet'), import('carapace/helmet')]);
    assert.deepEqual(Object.keys(got).sort(), Object.keys(expected).sort());
    assert.equal(got.default, ours);
    for (const name of Object.keys(got)) assert.equal(got[name], ours[name], name);
  });

  it('leaves a directive of which nothing is left with no source at all (S-57)', async (context) => {
    const middleware = ours(csp({ scriptSrc: [() => "'self' *"] }));
    const { port } = await listen(context, (request, response) => middleware(request, response, () => response.end()));
    const { headers } = await send(port);
    assert.match(headers['content-security-policy'], /;script-src;/);
  });
});
