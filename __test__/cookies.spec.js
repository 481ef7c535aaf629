'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const http2 = require('node:http2');
const { describe, it } = require('node:test');
const connect = require('connect');
const session = require('express-session');
const { cookies, securityHeaders } = require('..');
const { compileNames } = require('../lib/cookies/names');
const { attributeOf, parseSetCookie } = require('../lib/cookies/set-cookie');
const { EXPRESS, listen, send } = require('./helpers/servers');

const DAY = 24 * 60 * 60_000;

/** The Set-Cookie lines of one answer. */
async function linesOf(context, handler, options, { headers } = {}) {
  const middleware = cookies(options);
  const { port } = await listen(context, (request, response) =>
    middleware(request, response, () => handler(response, request)),
  );
  const answer = await send(port, { headers });
  assert.equal(answer.body, 'body');
  return answer.headers['set-cookie'] ?? [];
}

/** One line through the policy. */
async function through(context, line, options, how) {
  const set = (response) => {
    response.setHeader('set-cookie', line);
    response.end('body');
  };
  return (await linesOf(context, set, options, how))[0];
}

describe('every cookie that leaves has its flags', () => {
  const SET = 'a=1; Path=/';
  const ways = {
    'set with setHeader': (response) => {
      response.setHeader('Set-Cookie', SET);
      response.end('body');
    },
    'set with setHeader as a list': (response) => {
      response.setHeader('set-cookie', [SET, 'b=2']);
      response.end('body');
    },
    'set with appendHeader': (response) => {
      response.appendHeader('Set-Cookie', SET);
      response.appendHeader('Set-Cookie', 'b=2');
      response.end('body');
    },
    'set with setHeaders of Headers': (response) => {
      const headers = new Headers();
      headers.append('set-cookie', SET);
      headers.append('set-cookie', 'b=2');
      response.setHeaders(headers);
      response.end('body');
    },
    'set with setHeaders of a Map': (response) => {
      response.setHeaders(new Map([['Set-Cookie', [SET, 'b=2']]]));
      response.end('body');
    },
    'given to writeHead as an object': (response) => {
      response.writeHead(200, { 'Set-Cookie': SET, 'x-kept': '1' });
      response.end('body');
    },
    'given to writeHead as an object with a list': (response) => {
      response.writeHead(200, { 'set-cookie': [SET, 'b=2'], 'x-kept': '1' });
      response.end('body');
    },
    'given to writeHead with a reason': (response) => {
      response.writeHead(200, 'Fine', { 'SET-COOKIE': SET, 'x-kept': '1' });
      response.end('body');
    },
    'given to writeHead after an undefined reason': (response) => {
      response.writeHead(200, undefined, { 'Set-Cookie': SET });
      response.end('body');
    },
    'given to writeHead as a flat list': (response) => {
      response.writeHead(200, ['Set-Cookie', SET, 'x-kept', '1', 'set-cookie', 'b=2']);
      response.end('body');
    },
    'given to writeHead as pairs': (response) => {
      response.writeHead(200, [
        ['Set-Cookie', SET],
        ['Set-Cookie', 'b=2'],
      ]);
      response.end('body');
    },
    'given to writeHead beside one that is set': (response) => {
      response.setHeader('x-other', '1');
      response.writeHead(200, { 'Set-Cookie': [SET, 'b=2'] });
      response.end('body');
    },
    'flushed early': (response) => {
      response.setHeader('Set-Cookie', SET);
      response.flushHeaders();
      response.end('body');
    },
    'written as a stream': (response) => {
      response.setHeader('Set-Cookie', SET);
      response.write('bo');
      response.end('dy');
    },
    'set by a library that wrapped writeHead later': (response) => {
      const inner = response.writeHead;
      response.writeHead = function writeHead(...args) {
        this.setHeader('Set-Cookie', SET);
        return inner.apply(this, args);
      };
      response.end('body');
    },
    'given as arguments by a library that wrapped writeHead later': (response) => {
      const inner = response.writeHead;
      response.writeHead = function writeHead(status) {
        return inner.call(this, status, { 'Set-Cookie': SET });
      };
      response.end('body');
    },
  };
  for (const [way, act] of Object.entries(ways)) {
    it(way, async (context) => {
      const expected = ['a=1; Path=/; HttpOnly; SameSite=Lax', 'b=2; HttpOnly; SameSite=Lax'];
      const count = act.toString().includes('b=2') ? 2 : 1;
      assert.deepEqual(await linesOf(context, act), expected.slice(0, count));
    });
  }

  const before = {
    'setHeader before the middleware': (response) => response.setHeader('Set-Cookie', SET),
    'a library that wrapped writeHead before, with setHeader': (response) =>
      wrapBefore(response, () => response.setHeader('Set-Cookie', SET)),
    'a library that wrapped writeHead before, with appendHeader': (response) =>
      wrapBefore(response, () => response.appendHeader('Set-Cookie', SET)),
    'a library that wrapped writeHead before, with setHeaders': (response) =>
      wrapBefore(response, () => response.setHeaders(new Map([['set-cookie', [SET]]]))),
  };
  function wrapBefore(response, act) {
    const inner = response.writeHead;
    response.writeHead = function writeHead(...args) {
      act();
      return inner.apply(this, args);
    };
  }
  for (const [way, act] of Object.entries(before)) {
    it(way, async (context) => {
      const middleware = cookies();
      const { port } = await listen(context, (request, response) => {
        act(response);
        middleware(request, response, () => response.end('body'));
      });
      assert.deepEqual((await send(port)).headers['set-cookie'], ['a=1; Path=/; HttpOnly; SameSite=Lax']);
    });
  }

  it('beside the other headers of writeHead', async (context) => {
    const middleware = cookies();
    const { port } = await listen(context, (request, response) =>
      middleware(request, response, () =>
        response.writeHead(201, 'Made', { 'set-cookie': 'a=1', 'x-kept': '1' }).end(),
      ),
    );
    const { status, headers } = await send(port);
    assert.deepEqual([status, headers['x-kept']], [201, '1']);
    assert.deepEqual(headers['set-cookie'], ['a=1; HttpOnly; SameSite=Lax']);
  });

  it('together with securityHeaders, in either order', async (context) => {
    for (const order of [
      [cookies(), securityHeaders()],
      [securityHeaders(), cookies()],
    ]) {
      const app = connect();
      for (const part of order) app.use(part);
      app.use((_request, response) => response.writeHead(200, { 'set-cookie': 'a=1', 'x-powered-by': 'x' }).end());
      const { port } = await listen(context, app);
      const { headers } = await send(port);
      assert.deepEqual([headers['set-cookie'], headers['x-powered-by']], [['a=1; HttpOnly; SameSite=Lax'], undefined]);
    }
  });

  it('over HTTP/2', async (context) => {
    const middleware = cookies({ secure: true });
    const server = http2.createServer((request, response) =>
      middleware(request, response, () => {
        response.setHeader('set-cookie', 'a=1');
        response.end('body');
      }),
    );
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
    const client = http2.connect(`http://127.0.0.1:${server.address().port}`);
    context.after(() => (client.destroy(), server.close()));
    const headers = await new Promise((resolve, reject) => {
      client.request({ ':path': '/' }).on('response', resolve).on('error', reject);
    });
    assert.deepEqual(headers['set-cookie'], ['a=1; HttpOnly; SameSite=Lax; Secure']);
  });
});

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`under ${name}`, () => {
    const keep = { secret: 'secret', resave: false, saveUninitialized: true };
    const mounts = { before: (app, part) => app.use(part, session({ ...keep, cookie: { httpOnly: false } })) };
    mounts.after = (app, part) => app.use(session({ ...keep, cookie: { httpOnly: false } }), part);
    for (const [order, mount] of Object.entries(mounts)) {
      it(`express-session, mounted ${order === 'before' ? 'after' : 'before'} cookies`, async (context) => {
        const app = express();
        mount(app, cookies({ sameSite: 'strict', cookies: { theme: { httpOnly: false } } }));
        app.get('/', (request, response) => {
          request.session.seen = true;
          response.cookie('theme', 'dark', { maxAge: 1000 });
          response.cookie('id', '7', { sameSite: 'none', path: '/x' });
          response.json({});
        });
        const { port } = await listen(context, app);
        const lines = (await send(port)).headers['set-cookie'];
        assert.equal(lines.length, 3);
        assert.match(
          lines.find((line) => line.startsWith('connect.sid=')),
          /; Path=\/; HttpOnly; SameSite=Strict$/,
        );
        const theme = lines.find((line) => line.startsWith('theme='));
        assert.match(theme, /^theme=dark; Max-Age=1; Path=\/; Expires=[^;]+ GMT; SameSite=Strict$/);
        assert.ok(lines.includes('id=7; Path=/x; SameSite=Strict; HttpOnly'), lines.join('\n'));
      });
    }

    it('a session works, and clearCookie deletes', async (context) => {
      const app = express();
      app.use(cookies(), session(keep));
      app.get('/', (request, response) => {
        request.session.count = (request.session.count ?? 0) + 1;
        response.clearCookie('old');
        response.json(request.session.count);
      });
      const { port } = await listen(context, app);
      const first = await send(port);
      const [sid] = first.headers['set-cookie'].find((line) => line.startsWith('connect.sid')).split(';');
      assert.ok(first.headers['set-cookie'].some((line) => /^old=; .*Expires=Thu, 01 Jan 1970/.test(line)));
      assert.equal((await send(port, { headers: { cookie: sid } })).body, '2');
    });

    it('errors that Express answers itself keep their cookies and flags', async (context) => {
      const app = express().set('env', 'test');
      app.use(cookies(), (_request, response) => {
        response.cookie('a', '1');
        throw Object.assign(new Error('x'), { status: 400 });
      });
      const { port } = await listen(context, app);
      assert.deepEqual((await send(port)).headers['set-cookie'], ['a=1; Path=/; HttpOnly; SameSite=Lax']);
    });
  });
}

describe('what is there', () => {
  const cases = [
    ['a=1; HttpOnly; Secure; SameSite=Strict', 'a=1; HttpOnly; Secure; SameSite=Strict'],
    ['a=1; samesite=STRICT; httponly', 'a=1; samesite=STRICT; httponly'],
    ['a=1;secure;path=/ ;  Max-Age=5', 'a=1;secure;path=/ ;  Max-Age=5; HttpOnly; SameSite=Lax'],
    ['a=1; SameSite=None', 'a=1; SameSite=Lax; HttpOnly'],
    ['a=1; SameSite=Nome; Path=/', 'a=1; SameSite=Lax; Path=/; HttpOnly'],
    ['a=1; SameSite', 'a=1; SameSite=Lax; HttpOnly'],
    ['a=1; SameSite=Strict; SameSite=None', 'a=1; SameSite=Lax; SameSite=Lax; HttpOnly'],
    ['a=1; SameSite=None; SameSite=Strict', 'a=1; SameSite=None; SameSite=Strict; HttpOnly'],
    ['a=1; HttpOnly=false', 'a=1; HttpOnly=false; SameSite=Lax'],
    ['a=1; XHttpOnly', 'a=1; XHttpOnly; HttpOnly; SameSite=Lax'],
    ['a="x; HttpOnly"', 'a="x; HttpOnly"; HttpOnly; SameSite=Lax'],
    ['a=b=c; Path=/', 'a=b=c; Path=/; HttpOnly; SameSite=Lax'],
    ['nameless', 'nameless; HttpOnly; SameSite=Lax'],
    ['=nameless', '=nameless; HttpOnly; SameSite=Lax'],
    ['a=', 'a=; HttpOnly; SameSite=Lax'],
    ['a=1; Partitioned', 'a=1; Partitioned; HttpOnly; SameSite=Lax; Secure'],
  ];
  for (const [line, expected] of cases) {
    it(`${JSON.stringify(line)} becomes ${JSON.stringify(expected)}`, async (context) => {
      assert.equal(await through(context, line), expected);
    });
  }

  it('is only what a browser takes for it: no other space than space and tab', () => {
    assert.equal(attributeOf(parseSetCookie('a=1; \u00a0HttpOnly'), 'httponly'), undefined);
    assert.equal(attributeOf(parseSetCookie('a=1;\t HttpOnly \t'), 'httponly')?.name, 'httponly');
    assert.equal(parseSetCookie('\u00a0a\u00a0=1').name, '\u00a0a\u00a0');
  });

  it('that says nothing to a browser is not sent', async (context) => {
    for (const line of ['', ' ', '=', ' = ; Path=/', '=__Host-a=1', '__secure-x', '=__HTTP-a']) {
      assert.equal(await through(context, [line]), undefined, line);
    }
    const both = (response) => response.writeHead(200, { 'set-cookie': ['=', 'a=1'], 'x-y': '1' }).end('body');
    assert.deepEqual(await linesOf(context, both), ['a=1; HttpOnly; SameSite=Lax']);
    const list = (response) => response.writeHead(200, ['set-cookie', '=', 'x-y', '1']).end('body');
    assert.deepEqual(await linesOf(context, list), []);
    const object = (response) => response.writeHead(200, { 'set-cookie': '=', 'x-y': '1' }).end('body');
    assert.deepEqual(await linesOf(context, object), []);
  });
});

describe('prefixes', () => {
  const cases = [
    ['__Secure-a=1', '__Secure-a=1; HttpOnly; SameSite=Lax; Secure'],
    ['__Host-a=1', '__Host-a=1; Path=/; HttpOnly; SameSite=Lax; Secure'],
    ['__Host-a=1; Domain=example.com; Path=/', '__Host-a=1; Path=/; HttpOnly; SameSite=Lax; Secure'],
    ['__HOST-a=1; Path=', '__HOST-a=1; Path=/; HttpOnly; SameSite=Lax; Secure'],
    ['__host-http-a=1; Secure', '__host-http-a=1; Secure; Path=/; HttpOnly; SameSite=Lax'],
    ['__Host-a=1; Path=/admin', undefined],
    ['__Hostess=1', '__Hostess=1; HttpOnly; SameSite=Lax'],
  ];
  for (const [line, expected] of cases) {
    it(`${line} becomes ${expected}`, async (context) => assert.equal(await through(context, line), expected));
  }

  it('of HttpOnly cookies are stronger than an exception', async (context) => {
    const options = { httpOnly: false, secure: false };
    assert.equal(await through(context, '__Http-a=1', options), '__Http-a=1; HttpOnly; SameSite=Lax; Secure');
    assert.equal(await through(context, '__Host-a=1', options), '__Host-a=1; Path=/; SameSite=Lax; Secure');
  });
});

describe('Secure', () => {
  it('is added when a trusted proxy says https', async (context) => {
    const headers = { 'x-forwarded-proto': 'https' };
    const how = { headers };
    assert.equal(await through(context, 'a=1', { trustProxy: 1 }, how), 'a=1; HttpOnly; SameSite=Lax; Secure');
    assert.equal(await through(context, 'a=1', { trustProxy: false }, how), 'a=1; HttpOnly; SameSite=Lax');
    assert.equal(await through(context, 'a=1', {}, how), 'a=1; HttpOnly; SameSite=Lax');
    assert.equal(await through(context, 'a=1', { trustProxy: 1 }), 'a=1; HttpOnly; SameSite=Lax');
  });

  it('follows the app’s own trust proxy', async (context) => {
    const app = EXPRESS.express5().set('trust proxy', 1);
    app.use(cookies(), (_request, response) => response.cookie('a', '1').end());
    const { port } = await listen(context, app);
    const { headers } = await send(port, { headers: { 'x-forwarded-proto': 'https' } });
    assert.deepEqual(headers['set-cookie'], ['a=1; Path=/; HttpOnly; SameSite=Lax; Secure']);
  });

  it('is always added, or never', async (context) => {
    assert.equal(await through(context, 'a=1', { secure: true }), 'a=1; HttpOnly; SameSite=Lax; Secure');
    const options = { secure: false, trustProxy: 1 };
    const how = { headers: { 'x-forwarded-proto': 'https' } };
    assert.equal(await through(context, 'a=1', options, how), 'a=1; HttpOnly; SameSite=Lax');
    assert.equal(await through(context, 'a=1; Secure', options, how), 'a=1; Secure; HttpOnly; SameSite=Lax');
  });

  it('is added to SameSite=None whatever the connection', async (context) => {
    const options = { sameSite: 'none' };
    assert.equal(await through(context, 'a=1', options), 'a=1; HttpOnly; SameSite=None; Secure');
    assert.equal(await through(context, 'a=1; SameSite=Strict', options), 'a=1; SameSite=Strict; HttpOnly');
    assert.equal(
      await through(context, 'a=1; SameSite=None', { sameSite: false }),
      'a=1; SameSite=None; HttpOnly; Secure',
    );
  });

  it('comes before Partitioned is added', async (context) => {
    const options = { partitioned: true };
    assert.equal(await through(context, 'a=1', options), 'a=1; HttpOnly; SameSite=Lax');
    assert.equal(await through(context, 'a=1; Secure', options), 'a=1; Secure; HttpOnly; SameSite=Lax; Partitioned');
    const none = await through(context, 'a=1', { ...options, sameSite: 'none' });
    assert.equal(none, 'a=1; HttpOnly; SameSite=None; Partitioned; Secure');
  });
});

describe('the longest life', () => {
  it('cuts Max-Age and Expires', async (context) => {
    const options = { maxAgeMs: 7 * DAY, httpOnly: false, sameSite: false };
    assert.equal(await through(context, 'a=1; Max-Age=99999999999; Path=/', options), 'a=1; Max-Age=604800; Path=/');
    for (const kept of ['a=1', 'a=1; Max-Age=604800', 'a=1; Max-Age=0', 'a=1; Max-Age=-1', 'a=1; Max-Age=x']) {
      assert.equal(await through(context, kept, options), kept);
    }
    assert.equal(
      await through(context, 'a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT', options),
      'a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT',
    );
    const line = await through(context, 'a=1; Expires=Fri, 01 Jan 2100 00:00:00 GMT', options);
    const left = Date.parse(line.split('Expires=')[1]) - Date.now();
    assert.ok(left > 7 * DAY - 60_000 && left <= 7 * DAY, line);
  });
});

describe('exceptions', () => {
  it('are by name, by pattern, or leave a cookie alone', async (context) => {
    const options = {
      sameSite: 'strict',
      cookies: {
        theme: { httpOnly: false },
        'embed-*': { sameSite: 'none' },
        'embed-*-x': { sameSite: 'lax' },
        legacy: false,
      },
    };
    const expected = {
      'theme=1': 'theme=1; SameSite=Strict',
      'Theme=1': 'Theme=1; HttpOnly; SameSite=Strict',
      'embed-a=1': 'embed-a=1; HttpOnly; SameSite=None; Secure',
      'embed-a-x=1': 'embed-a-x=1; HttpOnly; SameSite=Lax',
      'legacy=1; SameSite=Nome': 'legacy=1; SameSite=Nome',
      'constructor=1': 'constructor=1; HttpOnly; SameSite=Strict',
    };
    for (const [line, result] of Object.entries(expected)) assert.equal(await through(context, line, options), result);
  });

  it('match as a pattern does', () => {
    const look = compileNames(
      ['a*', '*z', 'm*n*o', 'same', 'x*x'].map((pattern) => ({ pattern, value: pattern })),
      'none',
    );
    const expected = {
      a: 'a*',
      abc: 'a*',
      qz: '*z',
      mno: 'm*n*o',
      m1n2n3o: 'm*n*o',
      mo: 'none',
      same: 'same',
      x: 'none',
      xx: 'x*x',
      nom: 'none',
    };
    for (const [name, pattern] of Object.entries(expected)) assert.equal(look(name), pattern, name);
  });
});

describe('events', () => {
  it('name the cookie and the rule, never a value', async (context) => {
    const events = [];
    const onEvent = (event) => events.push(event);
    await through(context, ['sid=hunter2; SameSite=None', '__Host-a=hunter2; Path=/x'], { onEvent });
    const common = { stem: 'cookies', mode: 'enforce' };
    assert.deepEqual(events, [
      { ...common, type: 'cookies.changed', rule: 'http-only', cookie: 'sid', action: 'change' },
      { ...common, type: 'cookies.changed', rule: 'same-site', cookie: 'sid', action: 'change' },
      { ...common, type: 'cookies.dropped', rule: 'host-prefix', cookie: '__Host-a', action: 'drop' },
    ]);
    assert.ok(!JSON.stringify(events).includes('hunter2'));
  });

  it('tell once in report mode, and nothing changes', async (context) => {
    const events = [];
    const options = { mode: 'report', onEvent: (event) => events.push(event) };
    const middleware = cookies(options);
    const { port } = await listen(context, (request, response) => {
      // A library that wrapped earlier and sets a header makes the head be looked at again.
      const inner = response.writeHead;
      response.writeHead = function writeHead(...args) {
        this.appendHeader('x-a', '1');
        return inner.apply(this, args);
      };
      response.setHeader('set-cookie', 'a=1; SameSite=None');
      middleware(request, response, () => response.end('body'));
    });
    assert.deepEqual((await send(port)).headers['set-cookie'], ['a=1; SameSite=None']);
    assert.deepEqual(
      events.map(({ rule, mode }) => [rule, mode]),
      [
        ['http-only', 'report'],
        ['same-site', 'report'],
      ],
    );
  });
});

describe('options that are wrong', () => {
  const cases = [
    [{ sameSite: 'strickt' }, 'ERR_CARAPACE_OPTION_VALUE', 'cookies.sameSite'],
    [{ sameSite: true }, 'ERR_CARAPACE_OPTION_VALUE', 'cookies.sameSite'],
    [{ secure: 'always' }, 'ERR_CARAPACE_OPTION_VALUE', 'cookies.secure'],
    [{ secure: false, sameSite: 'none' }, 'ERR_CARAPACE_OPTION_CONFLICT', 'cookies.secure'],
    [{ secure: false, partitioned: true }, 'ERR_CARAPACE_OPTION_CONFLICT', 'cookies.secure'],
    [{ maxAgeMs: -1 }, 'ERR_CARAPACE_OPTION_VALUE', 'cookies.maxAgeMs'],
    [{ trustProxy: true }, 'ERR_CARAPACE_OPTION_VALUE', 'cookies.trustProxy'],
    [{ httponly: false }, 'ERR_CARAPACE_OPTION_UNKNOWN', 'cookies.httponly'],
    [{ cookies: { a: true } }, 'ERR_CARAPACE_OPTION_TYPE', 'cookies.cookies["a"]'],
    [{ cookies: { a: { path: '/' } } }, 'ERR_CARAPACE_OPTION_UNKNOWN', 'cookies.cookies["a"].path'],
    [{ cookies: { '': {} } }, 'ERR_CARAPACE_OPTION_VALUE', 'cookies.cookies[""]'],
  ];
  for (const [options, code, path] of cases) {
    it(`throws ${code} for ${JSON.stringify(options)}`, () => assert.throws(() => cookies(options), { code, path }));
  }
});

it('does nothing to a response that is sent already', async (context) => {
  const middleware = cookies();
  const { port } = await listen(context, (request, response) => {
    response.end('body');
    middleware(request, response, () => {});
  });
  assert.equal((await send(port)).body, 'body');
  assert.equal(typeof http.ServerResponse.prototype.writeHead, 'function');
});
