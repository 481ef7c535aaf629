'use strict';

const assert = require('node:assert/strict');
const http2 = require('node:http2');
const net = require('node:net');
const { describe, it } = require('node:test');
const { native, PANIC } = require('./helpers/hooked');
const { securityHeaders } = require('..');
const { EXPRESS, listen, send } = require('./helpers/servers');

const HTTPS = { 'x-forwarded-proto': 'https' };
const secure = { trustProxy: 1 };

/** A server without a framework: the middleware, then the handler. */
async function serve(context, options, handler = (_request, response) => response.end('body')) {
  const middleware = typeof options === 'function' ? options : securityHeaders(options);
  const { port } = await listen(context, (request, response) =>
    middleware(request, response, () => handler(request, response)),
  );
  return port;
}

describe('the presets of securityHeaders', () => {
  it("web sends helmet's twelve headers over https and leaves two marks out over http (S-60)", async (context) => {
    const port = await serve(context, secure);
    const overHttps = (await send(port, { headers: HTTPS })).headers;
    const overHttp = (await send(port)).headers;
    assert.equal(overHttps['strict-transport-security'], 'max-age=31536000; includeSubDomains');
    assert.match(overHttps['content-security-policy'], /;upgrade-insecure-requests$/);
    assert.equal(overHttp['strict-transport-security'], undefined);
    assert.doesNotMatch(overHttp['content-security-policy'], /upgrade-insecure-requests/);
    assert.equal(Object.keys(overHttps).filter((name) => SECURITY.test(name)).length, 12);
  });

  it('api sends nothing that only a rendered page needs', async (context) => {
    const { headers } = await send(await serve(context, { preset: 'api', ...secure }), { headers: HTTPS });
    const names = Object.keys(headers).filter((name) => SECURITY.test(name) || name === 'cache-control');
    assert.deepEqual(names, [
      'content-security-policy',
      'cross-origin-resource-policy',
      'referrer-policy',
      'strict-transport-security',
      'x-content-type-options',
      'x-frame-options',
      'cache-control',
    ]);
    assert.equal(headers['cache-control'], 'no-store, max-age=0');
    assert.equal(headers['content-security-policy'], "default-src 'none';frame-ancestors 'none'");
  });

  it("strict is, header by header, at least as strict as OWASP's list of 19 July 2026", async (context) => {
    const { headers } = await send(await serve(context, { preset: 'strict', ...secure }), { headers: HTTPS });
    for (const [name, judge] of Object.entries(OWASP)) {
      assert.ok(headers[name] !== undefined && judge(headers[name]), `${name}: ${headers[name]}`);
    }
  });

  it("strict gets 130 points by the table of Mozilla's Observatory, web 120", async (context) => {
    const strict = await send(await serve(context, { preset: 'strict', ...secure }), { headers: HTTPS });
    const web = await send(await serve(context, secure), { headers: HTTPS });
    assert.equal(grade(strict.headers), 130);
    assert.equal(grade(web.headers), 120);
  });

  it('give way to an option of their own', async (context) => {
    const port = await serve(context, { preset: 'strict', crossOriginEmbedderPolicy: false, cacheControl: 'private' });
    const { headers } = await send(port);
    assert.equal(headers['cross-origin-embedder-policy'], undefined);
    assert.equal(headers['cache-control'], 'private');
  });
});

describe('every header of securityHeaders', () => {
  const rows = [
    [{ crossOriginEmbedderPolicy: true }, 'cross-origin-embedder-policy', 'require-corp'],
    [
      { crossOriginEmbedderPolicyReportOnly: 'credentialless' },
      'cross-origin-embedder-policy-report-only',
      'credentialless',
    ],
    [{ crossOriginOpenerPolicy: 'noopener-allow-popups' }, 'cross-origin-opener-policy', 'noopener-allow-popups'],
    [
      { crossOriginOpenerPolicyReportOnly: { reportTo: 'main' }, reportingEndpoints: { main: '/reports' } },
      'cross-origin-opener-policy-report-only',
      'same-origin; report-to="main"',
    ],
    [{ crossOriginResourcePolicy: { policy: 'cross-origin' } }, 'cross-origin-resource-policy', 'cross-origin'],
    [{ originAgentCluster: false }, 'origin-agent-cluster', undefined],
    [{ referrerPolicy: ['no-referrer', 'strict-origin'] }, 'referrer-policy', 'no-referrer,strict-origin'],
    [
      { strictTransportSecurity: { maxAge: 0 }, secureOnly: false },
      'strict-transport-security',
      'max-age=0; includeSubDomains',
    ],
    [{ xContentTypeOptions: false }, 'x-content-type-options', undefined],
    [{ xDnsPrefetchControl: { allow: true } }, 'x-dns-prefetch-control', 'on'],
    [{ xDnsPrefetchControl: 'on' }, 'x-dns-prefetch-control', 'on'],
    [{ xDownloadOptions: false }, 'x-download-options', undefined],
    [{ xFrameOptions: 'deny' }, 'x-frame-options', 'DENY'],
    [{ xPermittedCrossDomainPolicies: 'all' }, 'x-permitted-cross-domain-policies', 'all'],
    [{ preset: 'api', xXssProtection: true }, 'x-xss-protection', '0'],
    [
      {
        permissionsPolicy: {
          useDefaults: false,
          features: { screenWakeLock: ['self', 'https://a.example'], usb: 'none' },
        },
      },
      'permissions-policy',
      'screen-wake-lock=(self "https://a.example"), usb=()',
    ],
    [
      {
        permissionsPolicyReportOnly: { useDefaults: false, features: { camera: '*' }, reportTo: 'a' },
        reportingEndpoints: { a: '/r' },
      },
      'permissions-policy-report-only',
      'camera=*;report-to=a',
    ],
    [
      { permissionsPolicy: { useDefaults: false, allowUnknownFeatures: true, features: { 'next-thing': [] } } },
      'permissions-policy',
      'next-thing=()',
    ],
    [{ integrityPolicy: true }, 'integrity-policy', 'blocked-destinations=(script)'],
    [
      {
        integrityPolicyReportOnly: { blockedDestinations: ['script', 'style'], endpoints: ['a'] },
        reportingEndpoints: { a: 'https://a.example/r' },
      },
      'integrity-policy-report-only',
      'blocked-destinations=(script style), endpoints=(a)',
    ],
    [{ documentIsolationPolicy: true }, 'document-isolation-policy', 'isolate-and-require-corp'],
    [
      { documentIsolationPolicyReportOnly: 'isolate-and-credentialless' },
      'document-isolation-policy-report-only',
      'isolate-and-credentialless',
    ],
    [
      { reportingEndpoints: { a: 'https://a.example/r', b: '/b' } },
      'reporting-endpoints',
      'a="https://a.example/r", b="/b"',
    ],
    [{ cacheControl: 'no-store' }, 'cache-control', 'no-store, max-age=0'],
    [{ contentSecurityPolicy: false }, 'content-security-policy', undefined],
    [
      {
        contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: "'self'" } },
        contentSecurityPolicyReportOnly: { useDefaults: false, directives: { defaultSrc: "'none'", reportTo: 'a' } },
        reportingEndpoints: { a: '/csp' },
      },
      'content-security-policy-report-only',
      "default-src 'none';report-to a",
    ],
  ];
  for (const [options, name, value] of rows) {
    it(`${JSON.stringify(options)} sends ${name}: ${value}`, async (context) => {
      const { headers } = await send(await serve(context, options));
      assert.equal(headers[name], value);
    });
  }

  it('is lower case, in one fixed order, whatever the order of the options', async (context) => {
    const port = await serve(context, {
      cacheControl: true,
      permissionsPolicy: true,
      contentSecurityPolicyReportOnly: true,
      crossOriginEmbedderPolicy: true,
    });
    const { pairs } = await send(port);
    const names = pairs.map(([name]) => name).filter((name) => SECURITY.test(name) || name === 'cache-control');
    assert.deepEqual(names.slice(0, 4), [
      'content-security-policy',
      'content-security-policy-report-only',
      'cross-origin-embedder-policy',
      'cross-origin-opener-policy',
    ]);
    assert.deepEqual(names.slice(-2), ['permissions-policy', 'cache-control']);
  });
});

describe('several policies', () => {
  it('go out as several lines that a later append does not leak between responses', async (context) => {
    const only = (source) => ({ useDefaults: false, directives: { defaultSrc: [source] } });
    const port = await serve(
      context,
      { contentSecurityPolicy: [only("'self'"), only('https:')] },
      (_request, response) => {
        response.appendHeader('content-security-policy', "img-src 'self'");
        response.end();
      },
    );
    for (let round = 0; round < 2; round += 1) {
      const { pairs } = await send(port);
      const lines = pairs.filter(([name]) => name === 'content-security-policy').map(([, value]) => value);
      assert.deepEqual(lines, ["default-src 'self'", 'default-src https:', "img-src 'self'"]);
    }
  });
});

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`securityHeaders on ${name}`, () => {
    async function serveApp(context, options, prepare) {
      const app = express();
      app.set('env', 'test');
      app.use(securityHeaders(options));
      prepare(app);
      return (await listen(context, app)).port;
    }

    it('removes X-Powered-By and lets later setHeader and removeHeader of the app win', async (context) => {
      const port = await serveApp(context, {}, (app) =>
        app.get('/', (_request, response) => {
          response.set('X-Frame-Options', 'DENY');
          response.removeHeader('Referrer-Policy');
          response.send('body');
        }),
      );
      const { headers } = await send(port);
      assert.equal(headers['x-powered-by'], undefined);
      assert.equal(headers['x-frame-options'], 'DENY');
      assert.equal(headers['referrer-policy'], undefined);
      assert.equal(headers['x-content-type-options'], 'nosniff');
    });

    it("survives Express's error page, which sets its own policy (S-61)", async (context) => {
      const port = await serveApp(context, {}, (app) =>
        app.get('/', () => {
          throw new Error('broken');
        }),
      );
      for (const path of ['/', '/missing']) {
        const { status, headers } = await send(port, { path });
        assert.equal(status, path === '/' ? 500 : 404);
        assert.equal(headers['content-security-policy'], "default-src 'none'");
        assert.equal(headers['x-content-type-options'], 'nosniff');
        assert.equal(headers['x-frame-options'], 'SAMEORIGIN');
        assert.equal(headers['x-powered-by'], undefined);
      }
    });

    it('behaves for HEAD, 304, redirects, streams and JSON (S-61)', async (context) => {
      const port = await serveApp(context, { removeHeaders: ['x-powered-by', 'server'] }, (app) => {
        app.get('/', (_request, response) => response.set('Server', 'x').send('body'));
        app.get('/redirect', (_request, response) => response.redirect('/'));
        app.get('/json', (_request, response) => response.json({}));
        app.get('/stream', (_request, response) => {
          response.set('Server', 'x');
          response.write('a');
          setImmediate(() => response.end('b'));
        });
      });
      const { headers } = await send(port);
      const answers = [
        await send(port, { method: 'HEAD' }),
        await send(port, { headers: { 'if-none-match': headers.etag } }),
        await send(port, { path: '/redirect' }),
        await send(port, { path: '/json' }),
        await send(port, { path: '/stream' }),
      ];
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 304, 302, 200, 200],
      );
      for (const answer of answers) {
        assert.equal(answer.headers['x-content-type-options'], 'nosniff');
        assert.equal(answer.headers['x-powered-by'], undefined);
        assert.equal(answer.headers.server, undefined);
      }
    });

    it('follows trust proxy, but not when it trusts everybody, which is reported once', async (context) => {
      const events = [];
      const headersWith = async (trust, options = {}) => {
        const port = await serveApp(context, { onEvent: (event) => events.push(event), ...options }, (app) => {
          if (trust !== undefined) app.set('trust proxy', trust);
          app.get('/', (_request, response) => response.send('body'));
        });
        await send(port, { headers: HTTPS });
        return (await send(port, { headers: HTTPS })).headers['strict-transport-security'] !== undefined;
      };
      assert.equal(await headersWith(undefined), false);
      assert.equal(await headersWith(1), true);
      assert.equal(await headersWith('loopback'), true);
      assert.equal(await headersWith('10.0.0.1'), false);
      assert.deepEqual(events, []);
      assert.equal(await headersWith(true), false);
      assert.equal(await headersWith(true, { trustProxy: false }), false);
      assert.equal(await headersWith(undefined, { trustProxy: 1 }), true);
      assert.deepEqual(events, [
        { stem: 'security-headers', mode: 'enforce', type: 'proxy.trust-all', action: 'ignore' },
      ]);
    });
  });
}

describe('the question whether a request is secure', () => {
  const cases = [
    [false, 'https', false],
    [0, 'https', false],
    [1, 'https', true],
    [1, 'HTTPS', true],
    [1, 'http', false],
    [1, 'https, http', false],
    [1, 'http, https', true],
    [2, 'https, http', true],
    [2, 'https', true],
    [2, 'https,http,http', false],
    ['loopback', 'https', true],
    ['127.0.0.1', 'http, https', true],
    [['127.0.0.0/8'], 'https, http', false],
    [['10.0.0.0/8', '::1'], 'https', false],
    ['10.0.0.0/8, 127.0.0.0/255.0.0.0', 'https', true],
    ['::ffff:127.0.0.0/104', 'https', true],
    [1, '', false],
  ];
  for (const [trustProxy, header, expected] of cases) {
    it(`with trustProxy ${JSON.stringify(trustProxy)} and "${header}" is answered ${expected}`, async (context) => {
      const port = await serve(context, { trustProxy });
      const { headers } = await send(port, { headers: { 'x-forwarded-proto': header } });
      assert.equal(headers['strict-transport-security'] !== undefined, expected);
    });
  }
});

describe('securityHeaders', () => {
  it('does nothing once the headers are sent', async (context) => {
    const middleware = securityHeaders();
    const { port } = await listen(context, (request, response) => {
      response.writeHead(200);
      middleware(request, response, () => response.end('late'));
    });
    const { body, headers } = await send(port);
    assert.equal(body, 'late');
    assert.equal(headers['x-frame-options'], undefined);
  });

  it('leaves informational answers untouched (S-61)', async (context) => {
    const port = await serve(context, {}, (_request, response) => {
      response.writeEarlyHints({ link: '</style.css>; rel=preload' });
      response.end('body');
    });
    const raw = await new Promise((resolve) => {
      const socket = net.connect(port, '127.0.0.1', () =>
        socket.write('GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n'),
      );
      const chunks = [];
      socket.on('data', (chunk) => chunks.push(chunk)).on('close', () => resolve(Buffer.concat(chunks).toString()));
    });
    const [early, final] = raw.split('\r\n\r\n');
    assert.match(early, /^HTTP\/1\.1 103 /);
    assert.doesNotMatch(early, /x-frame-options/);
    assert.match(final, /^HTTP\/1\.1 200 [^]*x-frame-options: SAMEORIGIN/);
  });

  it('works with the compatibility API of HTTP/2 (S-61)', async (context) => {
    const middleware = securityHeaders({ contentSecurityPolicy: { nonce: true } });
    const server = http2.createServer((request, response) => {
      middleware(request, response, () => {
        response.setHeader('x-powered-by', 'x');
        if (request.url === '/head') response.writeHead(200, { 'X-Powered-By': 'y', 'x-own': '1' });
        response.end(response.locals.cspNonce);
      });
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const client = http2.connect(`http://127.0.0.1:${server.address().port}`);
    context.after(() => {
      client.destroy();
      return new Promise((resolve) => server.close(resolve));
    });
    for (const path of ['/', '/head']) {
      const { headers, body } = await getOverHttp2(client, path);
      assert.equal(headers[':status'], 200);
      assert.equal(headers['x-frame-options'], 'SAMEORIGIN');
      assert.equal(headers['x-powered-by'], undefined);
      assert.equal(headers['cache-control'], 'private, no-cache');
      assert.ok(headers['content-security-policy'].includes(`'nonce-${body}'`));
      assert.equal(headers['x-own'], path === '/head' ? '1' : undefined);
    }
  });

  it('has a named function for stack traces and calls next without an argument', () => {
    const middleware = securityHeaders();
    assert.equal(middleware.name, 'securityHeaders');
    const given = [];
    middleware({ headers: {}, socket: {} }, { setHeader() {}, removeHeader() {} }, (...args) => given.push(args));
    assert.deepEqual(given, [[]]);
  });

  it('turns a panic during set-up into an error of the factory', () => {
    native.testPanicAt(PANIC.config);
    assert.throws(() => securityHeaders(), { name: 'CarapaceError', code: 'ERR_CARAPACE_INTERNAL' });
  });

  it('crosses into the core for no request, whatever it sends', async (context) => {
    const port = await serve(context, {
      preset: 'strict',
      contentSecurityPolicy: { strictDynamic: true, directives: { imgSrc: [() => 'https://img.example'] } },
      contentSecurityPolicyReportOnly: true,
    });
    await send(port);
    const before = native.testCrossings();
    for (let round = 0; round < 5; round += 1) await send(port);
    assert.equal(native.testCrossings() - before, 0);
  });
});

describe('the helpers of securityHeaders', () => {
  it('clearSiteData sends the types as quoted strings', async (context) => {
    const all = await send(await serve(context, securityHeaders.clearSiteData()));
    assert.equal(all.headers['clear-site-data'], '"cache", "cookies", "storage"');
    const star = await send(await serve(context, securityHeaders.clearSiteData(['*'])));
    assert.equal(star.headers['clear-site-data'], '"*"');
  });

  it('defaultDirectives is a new object that can be given back', async (context) => {
    const directives = securityHeaders.defaultDirectives();
    assert.notEqual(directives, securityHeaders.defaultDirectives());
    assert.deepEqual(directives['script-src'], ["'self'"]);
    assert.deepEqual(directives['upgrade-insecure-requests'], []);
    const port = await serve(context, { contentSecurityPolicy: { useDefaults: false, directives } });
    const plain = await serve(context, {});
    const policy = 'content-security-policy';
    assert.equal((await send(port)).headers[policy], (await send(plain)).headers[policy]);
    assert.deepEqual(securityHeaders.defaultDirectives('api'), {
      'default-src': ["'none'"],
      'frame-ancestors': ["'none'"],
    });
  });
});

const SECURITY =
  /^(content-security-policy|cross-origin-|origin-agent|referrer-policy|strict-transport|x-(content|dns|download|frame|permitted|xss)|permissions-policy)/;

/** OWASP's headers_add list without Clear-Site-Data: what each value must be at the least. */
const OWASP = {
  'cache-control': (value) => value === 'no-store, max-age=0',
  'content-security-policy': (value) => {
    const policy = parsePolicy(value);
    const narrow = (sources) => sources.every((source) => source === "'self'" || source === "'none'");
    return (
      [...policy].every(([name, sources]) => name === 'upgrade-insecure-requests' || narrow(sources)) &&
      ['form-action', 'base-uri', 'default-src'].every((name) => policy.has(name)) &&
      ['object-src', 'frame-ancestors'].every((name) => policy.get(name).join() === "'none'") &&
      policy.has('upgrade-insecure-requests')
    );
  },
  'cross-origin-embedder-policy': (value) => value === 'require-corp',
  'cross-origin-opener-policy': (value) => value === 'same-origin',
  'cross-origin-resource-policy': (value) => value === 'same-origin',
  'permissions-policy': (value) => {
    const members = value.split(', ');
    return members.length === 29 && members.every((member) => member.endsWith('=()') || member === 'sync-xhr=(self)');
  },
  'referrer-policy': (value) => value === 'no-referrer',
  'strict-transport-security': (value) => /^max-age=63072000; includeSubDomains$/.test(value),
  'x-content-type-options': (value) => value === 'nosniff',
  'x-dns-prefetch-control': (value) => value === 'off',
  'x-frame-options': (value) => value.toLowerCase() === 'deny',
  'x-permitted-cross-domain-policies': (value) => value === 'none',
};

/** @returns {Map<string, string[]>} */
function parsePolicy(value) {
  return new Map(value.split(';').map((directive) => [directive.split(' ')[0], directive.split(' ').slice(1)]));
}

/** Mozilla's published table (grader/charts.js) for a site on https without cookies, scripts, CORS or preloading. */
function grade(headers) {
  const policy = parsePolicy(headers['content-security-policy']);
  const get = (name) => policy.get(name) ?? policy.get('default-src') ?? ['*'];
  const isBroad = (source) => ['http:', 'https:', 'ftp:', '*', "'unsafe-inline'", 'data:'].includes(source);
  const isUnsafe = get('script-src').some(isBroad) || get('object-src').some(isBroad);
  const isStyleUnsafe = get('style-src').some(isBroad);
  const isNone = policy.get('default-src')?.join() === "'none'";
  const formAction = policy.get('form-action')?.join();
  const isFormBound = formAction === "'none'" || formAction === "'self'";
  let points = 100;
  points += isUnsafe ? -20 : isStyleUnsafe ? 0 : isNone && isFormBound ? 10 : 5;
  points += ['same-origin', 'same-site'].includes(headers['cross-origin-resource-policy']) ? 10 : 0;
  points += ['no-referrer', 'same-origin', 'strict-origin'].includes(headers['referrer-policy']) ? 5 : 0;
  points += policy.has('frame-ancestors') && !policy.get('frame-ancestors').some(isBroad) ? 5 : 0;
  const [, seconds] = /^max-age=(\d+)/.exec(headers['strict-transport-security'] ?? '') ?? [];
  points += seconds === undefined ? -20 : Number(seconds) < 15_768_000 ? -10 : 0;
  points += headers['x-content-type-options'] === 'nosniff' ? 0 : -5;
  return points;
}

function getOverHttp2(client, path) {
  return new Promise((resolve, reject) => {
    const stream = client.request({ ':path': path });
    let headers;
    const chunks = [];
    stream.on('response', (received) => (headers = received));
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => resolve({ headers, body: Buffer.concat(chunks).toString() }));
    stream.on('error', reject);
  });
}
