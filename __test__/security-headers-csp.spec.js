'use strict';

const assert = require('node:assert/strict');
const { channel } = require('node:diagnostics_channel');
const { describe, it } = require('node:test');
const { native, PANIC } = require('./helpers/hooked');
const { securityHeaders } = require('..');
const { EXPRESS, listen, send } = require('./helpers/servers');

const POLICY = 'content-security-policy';
const REPORTED = 'content-security-policy-report-only';

/** A policy of one directive beside `default-src 'none'`, for tests that look at that one. */
const only = (name, value) => ({ useDefaults: false, directives: { defaultSrc: "'none'", [name]: value } });

/** The policy that one request gets, and the events it caused. */
async function policyOf(context, policy, { headers, name = POLICY } = {}) {
  const events = [];
  const middleware = securityHeaders({ contentSecurityPolicy: policy, onEvent: (event) => events.push(event) });
  const { port } = await listen(context, (request, response) => middleware(request, response, () => response.end()));
  const answer = await send(port, { headers });
  return { status: answer.status, policy: answer.headers[name], events };
}

describe('a per-request function (S-57)', () => {
  const good = ["'self'", 'https:', 'a.example', 'https://a.example:8443/x/', "'nonce-q1W2e3R4t5Y6u7I8o9P0aA'", '*'];
  for (const value of good) {
    it(`may add ${value}`, async (context) => {
      const { policy, events } = await policyOf(context, only('scriptSrc', ['b.example', () => value]));
      assert.equal(policy, `default-src 'none';script-src b.example ${value}`);
      assert.deepEqual(events, []);
    });
  }

  const bad = [
    ['two tokens', "* 'unsafe-inline'", 'value.refused'],
    ['a second directive', 'a.example; script-src *', 'value.refused'],
    ['a second policy', 'a.example, script-src *', 'value.refused'],
    ['a line break', "'self'\r\nset-cookie: a=b", 'value.refused'],
    ['a line feed', 'a.example\n', 'value.refused'],
    ['NUL', 'a.example\0', 'value.refused'],
    ['text outside ASCII', 'bücher.example', 'value.refused'],
    ['a lone surrogate', 'a\ud800', 'value.refused'],
    ['an unquoted keyword', 'unsafe-inline', 'value.refused'],
    ['an unquoted nonce', 'nonce-abc', 'value.refused'],
    ['a nonce with a quote', "'nonce-a'b'", 'value.refused'],
    ['an unknown keyword', "'unsafe'", 'value.refused'],
    ['a short hash', "'sha256-abc'", 'value.refused'],
    ['a very long value (S-62)', `a.example/${'a'.repeat(100_000)}`, 'value.refused'],
    ['a number', 1, 'value.type'],
    ['undefined', undefined, 'value.type'],
    ['null', null, 'value.type'],
    ['a list', ["'self'"], 'value.type'],
    ['an object with toString', { toString: () => '*' }, 'value.type'],
    ['a promise', Promise.resolve("'self'"), 'value.type'],
  ];
  for (const [what, value, rule] of bad) {
    it(`that returns ${what} is dropped with an event, and the directive stays closed`, async (context) => {
      const { status, policy, events } = await policyOf(context, only('scriptSrc', [() => value]));
      assert.equal(status, 200);
      assert.equal(policy, "default-src 'none';script-src 'none'");
      assert.deepEqual(events, [
        {
          stem: 'security-headers',
          mode: 'enforce',
          type: 'header.dropped',
          rule,
          path: `${POLICY}.script-src`,
          action: 'drop',
        },
      ]);
    });
  }

  it('that throws is dropped with an event, never a 500', async (context) => {
    const source = () => {
      throw new Error('broken');
    };
    const { status, policy, events } = await policyOf(context, only('scriptSrc', ["'self'", source]));
    assert.deepEqual([status, policy], [200, "default-src 'none';script-src 'self'"]);
    assert.equal(events[0].rule, 'function.threw');
  });

  it("that returns '' or 'none' adds nothing and is no event", async (context) => {
    const sources = [() => '', () => "'none'", () => 'a.example'];
    const mixed = await policyOf(context, only('scriptSrc', sources));
    assert.equal(mixed.policy, "default-src 'none';script-src a.example");
    const nothing = await policyOf(context, only('scriptSrc', sources.slice(0, 2)));
    assert.equal(nothing.policy, "default-src 'none';script-src 'none'");
    assert.deepEqual([...mixed.events, ...nothing.events], []);
  });

  it('that is the whole value of its directive falls back to what allows least', async (context) => {
    const rows = [
      ['frameAncestors', "frame-ancestors 'none'"],
      ['trustedTypes', "trusted-types 'none'"],
      ['requireTrustedTypesFor', "require-trusted-types-for 'script'"],
      ['sandbox', 'sandbox'],
    ];
    for (const [name, expected] of rows) {
      const { policy } = await policyOf(context, only(name, [() => ';']));
      assert.equal(policy, `default-src 'none';${expected}`);
    }
  });

  it('is called in order with request and response, in several places and policies', async (context) => {
    const source = (request, response) => (response.statusCode === 200 ? request.headers.host : '');
    const middleware = securityHeaders({
      contentSecurityPolicy: [only('imgSrc', new Set(['a.example', source])), only('fontSrc', source)],
      contentSecurityPolicyReportOnly: only('scriptSrc', [source, "'self'", () => 'z.example']),
    });
    const { port } = await listen(context, (request, response) => middleware(request, response, () => response.end()));
    const { pairs } = await send(port, { headers: { host: 'host.example' } });
    const lines = pairs.filter(([name]) => name.startsWith(POLICY));
    assert.deepEqual(lines, [
      [POLICY, "default-src 'none';img-src a.example host.example"],
      [POLICY, "default-src 'none';font-src host.example"],
      [REPORTED, "default-src 'none';script-src host.example 'self' z.example"],
    ]);
  });

  it('crosses once for a new value, and not again', async (context) => {
    let value = 'a.example';
    const middleware = securityHeaders({ contentSecurityPolicy: only('imgSrc', [() => value]) });
    const { port } = await listen(context, (request, response) => middleware(request, response, () => response.end()));
    const crossings = async (next) => {
      value = next;
      const before = native.testCrossings();
      await send(port);
      return native.testCrossings() - before;
    };
    assert.deepEqual(
      [await crossings('b.example'), await crossings('b.example'), await crossings('c d'), await crossings('c d')],
      [1, 0, 1, 1],
    );
  });

  it('cannot fill the memory with values', async (context) => {
    let number = 0;
    const middleware = securityHeaders({ contentSecurityPolicy: only('imgSrc', [() => `h${(number += 1)}.example`]) });
    const { port } = await listen(context, (request, response) => middleware(request, response, () => response.end()));
    for (let round = 0; round < 70; round += 1) await send(port);
    number = 69;
    const before = native.testCrossings();
    const { headers } = await send(port);
    assert.match(headers[POLICY], /img-src h70\.example$/);
    assert.equal(native.testCrossings() - before, 1);
  });

  it('does not fill the memory with nonces', async (context) => {
    let value;
    const middleware = securityHeaders({ contentSecurityPolicy: only('scriptSrc', [() => value]) });
    const { port } = await listen(context, (request, response) => middleware(request, response, () => response.end()));
    for (let round = 0; round < 70; round += 1) {
      value = `'nonce-${String(round).padStart(22, 'n')}'`;
      await send(port);
    }
    value = 'a.example';
    await send(port);
    const before = native.testCrossings();
    await send(port);
    assert.equal(native.testCrossings() - before, 0);
  });

  it('is dropped when the core panics over its value', async (context) => {
    native.testPanicAt(PANIC.hot);
    const { status, policy, events } = await policyOf(context, only('scriptSrc', [() => 'a.example']));
    assert.deepEqual([status, policy], [200, "default-src 'none';script-src 'none'"]);
    assert.equal(events[0].rule, 'function.threw');
  });

  it('reports on the diagnostics channel too, never the value', async (context) => {
    const seen = [];
    const listener = (event) => seen.push(event);
    channel('carapace:security-headers').subscribe(listener);
    context.after(() => channel('carapace:security-headers').unsubscribe(listener));
    await policyOf(context, only('scriptSrc', [() => 'secret value']));
    assert.equal(seen.length, 1);
    assert.doesNotMatch(JSON.stringify(seen), /secret/);
  });
});

describe('a nonce (S-58)', () => {
  for (const [name, express] of Object.entries(EXPRESS)) {
    it(`is fresh for each response and known to templates on ${name}`, async (context) => {
      const app = express();
      app.engine('tiny', (_path, locals, done) => done(null, `<script nonce="${locals.cspNonce}"></script>`));
      app.set('view engine', 'tiny');
      app.set('views', __dirname);
      app.use(securityHeaders({ contentSecurityPolicy: { nonce: true } }));
      app.get('/', (_request, response) => response.send(response.locals.cspNonce));
      const { port } = await listen(context, app);
      const seen = new Set();
      for (let round = 0; round < 600; round += 1) {
        const { headers, body } = await send(port);
        assert.match(body, /^[A-Za-z0-9+/]{24}$/);
        assert.ok(headers[POLICY].includes(`;script-src 'self' 'nonce-${body}';`));
        seen.add(body);
      }
      assert.equal(seen.size, 600);
    });
  }

  it('has no bit that is always the same', async (context) => {
    const middleware = securityHeaders({ contentSecurityPolicy: { nonce: true } });
    const { port } = await listen(context, (request, response) =>
      middleware(request, response, () => response.end(response.locals.cspNonce)),
    );
    const nonces = await Promise.all(Array.from({ length: 100 }, () => send(port)));
    const bytes = nonces.map(({ body }) => Buffer.from(body, 'base64'));
    assert.ok(bytes.every((nonce) => nonce.length === 18));
    for (let index = 0; index < 18; index += 1) {
      const zeros = bytes.reduce((all, nonce) => all & ~nonce[index], 0xff);
      const ones = bytes.reduce((all, nonce) => all & nonce[index], 0xff);
      assert.deepEqual([zeros & 0xff, ones], [0, 0]);
    }
  });

  it('stands in every directive asked for and is one for all policies and middlewares of a response', async (context) => {
    const first = securityHeaders({
      contentSecurityPolicy: { nonce: ['script-src', 'styleSrc'] },
      contentSecurityPolicyReportOnly: { nonce: true },
    });
    const second = securityHeaders({ contentSecurityPolicy: { nonce: true, strictDynamic: true } });
    let before;
    const { port } = await listen(context, (request, response) => {
      response.locals = { kept: true };
      first(request, response, () => {
        before = [response.getHeader(POLICY), response.locals.kept];
        second(request, response, () => response.end(response.locals.cspNonce));
      });
    });
    const { headers, body } = await send(port);
    assert.equal(before[0].split(`'nonce-${body}'`).length, 3);
    assert.equal(before[1], true);
    assert.ok(headers[REPORTED].includes(`'nonce-${body}'`));
    assert.ok(headers[POLICY].includes(`script-src 'nonce-${body}' 'strict-dynamic' https: 'unsafe-inline'`));
  });

  const hints = [
    ['nothing set', () => {}, 'private, no-cache'],
    ['the app sets one', (response) => response.setHeader('Cache-Control', 'no-store'), 'no-store'],
    ['writeHead gets one', (response) => response.writeHead(200, { 'CACHE-CONTROL': 'max-age=1' }), 'max-age=1'],
    ['writeHead gets a list', (response) => response.writeHead(200, ['Cache-Control', 'max-age=2']), 'max-age=2'],
    [
      'writeHead names it in a value',
      (response) => response.writeHead(200, ['a', 'cache-control']),
      'private, no-cache',
    ],
    ['writeHead gets others', (response) => response.writeHead(200, { 'x-own': '1' }), 'private, no-cache'],
  ];
  for (const [what, act, expected] of hints) {
    it(`is sent with Cache-Control: ${expected} when ${what}`, async (context) => {
      const middleware = securityHeaders({ contentSecurityPolicy: { nonce: true } });
      const { port } = await listen(context, (request, response) =>
        middleware(request, response, () => {
          act(response);
          response.end();
        }),
      );
      assert.equal((await send(port)).headers['cache-control'], expected);
    });
  }

  it('leaves the Cache-Control of static files to express.static', async (context) => {
    const express = EXPRESS.express5;
    const app = express();
    app.use(securityHeaders({ contentSecurityPolicy: { nonce: true } }));
    app.use(express.static(__dirname, { maxAge: 60_000 }));
    const { port } = await listen(context, app);
    const { status, headers } = await send(port, { path: '/security-headers-csp.spec.js' });
    assert.deepEqual([status, headers['cache-control']], [200, 'public, max-age=60']);
  });

  it('is not made, and no hint is given, without a policy that holds it', async (context) => {
    const middleware = securityHeaders();
    const { port } = await listen(context, (request, response) =>
      middleware(request, response, () => response.end(String(response.locals?.cspNonce))),
    );
    const { body, headers } = await send(port);
    assert.deepEqual([body, headers['cache-control']], ['undefined', undefined]);
  });
});
