'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { describe, it } = require('node:test');
const { securityHeaders } = require('..');
const { createHeadHook, installHeadHook } = require('../lib/response-hook');
const { EXPRESS, listen, send } = require('./helpers/servers');

const REMOVED = ['X-Powered-By', 'server'];

async function answer(context, handler, options = { removeHeaders: REMOVED }) {
  const middleware = securityHeaders(options);
  const { port } = await listen(context, (request, response) =>
    middleware(request, response, () => handler(response, request)),
  );
  return send(port);
}

/** As on-headers, morgan, express-session and others do it. */
function wrapWriteHead(response, listener) {
  const inner = response.writeHead;
  response.writeHead = function writeHead(...args) {
    listener(this);
    return inner.apply(this, args);
  };
  return inner;
}

describe('headers on the removal list are gone', () => {
  const ways = {
    'set with setHeader': (response) => {
      response.setHeader('X-Powered-By', 'x');
      response.setHeader('Server', 'x');
      response.end('body');
    },
    'set with appendHeader': (response) => {
      response.appendHeader('server', 'x');
      response.appendHeader('server', 'y');
      response.end('body');
    },
    'given to writeHead as an object': (response) => {
      response.writeHead(200, { server: 'x', 'X-POWERED-BY': 'x', 'x-kept': '1' });
      response.end('body');
    },
    'given to writeHead with a reason': (response) => {
      response.writeHead(200, 'Fine', { Server: 'x', 'x-kept': '1' });
      response.end('body');
    },
    'given to writeHead after an undefined reason': (response) => {
      response.writeHead(200, undefined, { Server: 'x', 'x-kept': '1' });
      response.end('body');
    },
    'given to writeHead as a flat list': (response) => {
      response.writeHead(200, ['Server', 'x', 'x-kept', '1', 'X-Powered-By', 'y']);
      response.end('body');
    },
    'given to writeHead as pairs': (response) => {
      response.writeHead(200, [
        ['Server', 'x'],
        ['x-kept', '1'],
      ]);
      response.end('body');
    },
    'flushed early': (response) => {
      response.setHeader('Server', 'x');
      response.flushHeaders();
      response.end('body');
    },
    'written as a stream': (response) => {
      response.setHeader('Server', 'x');
      response.write('bo');
      response.end('dy');
    },
    'set by a library that wrapped writeHead later': (response) => {
      wrapWriteHead(response, () => response.setHeader('Server', 'x'));
      response.end('body');
    },
    'set by a library that wrapped later and unwrapped again': (response) => {
      const inner = wrapWriteHead(response, () => {});
      response.writeHead = inner;
      response.setHeader('Server', 'x');
      response.end('body');
    },
    'given as arguments by a library that wrapped writeHead later': (response) => {
      const inner = response.writeHead;
      response.writeHead = function writeHead(status) {
        return inner.call(this, status, { Server: 'x', 'x-kept': '1' });
      };
      response.end('body');
    },
  };
  for (const [way, act] of Object.entries(ways)) {
    it(way, async (context) => {
      const { status, headers, body } = await answer(context, act);
      assert.deepEqual([status, body], [200, 'body']);
      assert.equal(headers.server, undefined);
      assert.equal(headers['x-powered-by'], undefined);
      assert.equal(headers['x-frame-options'], 'SAMEORIGIN');
      if (act.toString().includes('x-kept')) assert.equal(headers['x-kept'], '1');
    });
  }

  for (const count of [2, 87]) {
    it(`set by a library that wrapped writeHead before, with a list of ${count}`, async (context) => {
      const middleware = securityHeaders({ removeHeaders: count === 2 ? REMOVED : 'owasp' });
      const { port } = await listen(context, (request, response) => {
        wrapWriteHead(response, () => {
          response.setHeader('Server', 'x');
          response.setHeader('x-kept', '1');
          response.appendHeader('X-Powered-By', 'x');
        });
        middleware(request, response, () => response.end('body'));
      });
      const { headers } = await send(port);
      assert.deepEqual([headers.server, headers['x-powered-by'], headers['x-kept']], [undefined, undefined, '1']);
    });
  }

  it('given as arguments by a library that wrapped writeHead before', async (context) => {
    const middleware = securityHeaders({ removeHeaders: REMOVED });
    const { port } = await listen(context, (request, response) => {
      const inner = response.writeHead;
      response.writeHead = function writeHead(status) {
        return inner.call(this, status, { Server: 'x', 'x-kept': '1' });
      };
      middleware(request, response, () => response.end('body'));
    });
    const { headers } = await send(port);
    assert.deepEqual([headers.server, headers['x-kept']], [undefined, '1']);
  });

  it('when set before, even if another library undoes the hook', async (context) => {
    const middleware = securityHeaders();
    const { port } = await listen(context, (request, response) => {
      response.setHeader('X-Powered-By', 'x');
      const inner = wrapWriteHead(response, () => {});
      middleware(request, response, () => {
        response.writeHead = inner;
        response.end();
      });
    });
    assert.equal((await send(port)).headers['x-powered-by'], undefined);
  });

  it("with OWASP's list, whatever their case", async (context) => {
    const { headers } = await answer(
      context,
      (response) => {
        response.setHeader('X-AspNet-Version', '1');
        response.setHeader('SourceMap', '/a.map');
        response.writeHead(200, { 'X-KONG-Proxy-Latency': '1', ETag: '"a"' });
        response.end();
      },
      { removeHeaders: 'owasp' },
    );
    assert.deepEqual(
      [headers['x-aspnet-version'], headers.sourcemap, headers['x-kong-proxy-latency'], headers.etag],
      [undefined, undefined, undefined, '"a"'],
    );
  });

  it('by name only: true is the list of the preset', async (context) => {
    const handler = (response) => response.setHeader('x-powered-by', 'x').setHeader('server', 'x').end();
    const { headers } = await answer(context, handler, { removeHeaders: true });
    assert.deepEqual([headers['x-powered-by'], headers.server], [undefined, 'x']);
    const strict = await answer(context, handler, { preset: 'strict', removeHeaders: true });
    assert.deepEqual([strict.headers['x-powered-by'], strict.headers.server], [undefined, undefined]);
  });

  for (const options of [{ removeHeaders: false }, { removeHeaders: [] }]) {
    it(`but not with ${JSON.stringify(options)}`, async (context) => {
      const handler = (response) =>
        response.setHeader('x-powered-by', 'x').end(String(Object.hasOwn(response, 'writeHead')));
      const { headers, body } = await answer(context, handler, options);
      assert.deepEqual([headers['x-powered-by'], body], ['x', 'false']);
    });
  }
});

describe('the response hook', () => {
  it("leaves the caller's headers as they were", async (context) => {
    const object = Object.freeze({ Server: 'x', 'x-kept': '1' });
    const list = Object.freeze(['Server', 'x', 'x-kept', '1']);
    for (const headers of [object, list]) {
      const { headers: sent } = await answer(context, (response) => response.writeHead(200, headers).end());
      assert.equal(sent['x-kept'], '1');
    }
    assert.deepEqual([object.Server, list.length], ['x', 4]);
  });

  it('keeps status, reason and several cookies', async (context) => {
    const { status, headers } = await answer(context, (response) => {
      response.setHeader('set-cookie', ['a=1', 'b=2']);
      response.writeHead(201, 'Made', ['Server', 'x']);
      response.end();
    });
    assert.deepEqual([status, headers['set-cookie']], [201, ['a=1', 'b=2']]);
  });

  it("keeps Node's own error for a second head", async (context) => {
    const { body } = await answer(context, (response) => {
      response.writeHead(200);
      try {
        response.writeHead(200, { a: 'b' });
      } catch (error) {
        response.end(error.message);
      }
    });
    assert.match(body, /^Cannot write headers after they are sent/);
  });

  it("keeps Node's own error for bad headers", async (context) => {
    const { body } = await answer(context, (response) => {
      try {
        response.writeHead(200, ['a']);
      } catch (error) {
        response.end(error.code);
      }
    });
    assert.equal(body, 'ERR_INVALID_ARG_VALUE');
  });

  it('wraps once, whoever comes, and calls each listener in order', () => {
    const calls = [];
    const hooks = ['a', 'b', 'c'].map((name) =>
      createHeadHook([
        (_response, headers) => {
          calls.push(name);
          return headers;
        },
      ]),
    );
    const response = new http.ServerResponse({ method: 'GET' });
    for (const hook of [hooks[0], hooks[0], hooks[1], hooks[0], hooks[2], hooks[1]]) installHeadHook(response, hook);
    response.writeHead(204);
    assert.deepEqual(calls, ['a', 'b', 'c']);
    const other = new http.ServerResponse({ method: 'GET' });
    for (const hook of hooks) installHeadHook(other, hook);
    assert.equal(other.writeHead, response.writeHead);
  });

  it('lets a listener replace the headers', () => {
    const hook = createHeadHook([(_response, headers) => ({ ...headers, 'x-added': '1' })]);
    for (const args of [[200], [200, { a: '1' }], [200, 'Fine', { a: '1' }]]) {
      const response = new http.ServerResponse({ method: 'GET' });
      installHeadHook(response, hook);
      response.writeHead(...args);
      assert.match(response._header, /x-added: 1/);
      assert.ok(response._header.startsWith(args[1] === 'Fine' ? 'HTTP/1.1 200 Fine' : 'HTTP/1.1 200 OK'));
    }
  });

  it('calls a listener once for each header that an earlier wrapper sets, not for those it sets itself', () => {
    let calls = 0;
    const hook = createHeadHook([
      (response, headers) => {
        calls += 1;
        response.setHeader('x-calls', calls);
        return headers;
      },
    ]);
    const response = new http.ServerResponse({ method: 'GET' });
    wrapWriteHead(response, () => response.setHeader('x-late', '1'));
    installHeadHook(response, hook);
    response.writeHead(200);
    assert.match(response._header, /x-calls: 2\r\n/);
    assert.equal(Object.hasOwn(response, 'setHeader'), false);
  });

  it('calls a writeHead that somebody put on the prototype', async (context) => {
    const original = http.ServerResponse.prototype.writeHead;
    const seen = [];
    http.ServerResponse.prototype.writeHead = function writeHead(...args) {
      seen.push(args[0]);
      return original.apply(this, args);
    };
    context.after(() => (http.ServerResponse.prototype.writeHead = original));
    const { headers } = await answer(context, (response) => response.setHeader('server', 'x').end());
    assert.deepEqual([seen, headers.server], [[200], undefined]);
  });

  for (const [name, express] of Object.entries(EXPRESS)) {
    it(`serves two middlewares mounted in different apps of ${name}`, async (context) => {
      const inner = express();
      inner.use(securityHeaders({ removeHeaders: ['server'] }));
      inner.get('/', (_request, response) => response.set('Server', 'x').set('X-Powered-By', 'x').send('body'));
      const outer = express();
      outer.use(securityHeaders());
      outer.use('/inner', inner);
      const { port } = await listen(context, outer);
      const { headers } = await send(port, { path: '/inner' });
      assert.deepEqual([headers.server, headers['x-powered-by']], [undefined, undefined]);
    });
  }
});
