'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const http = require('node:http');
const http2 = require('node:http2');
const { describe, it } = require('node:test');
const { type } = require('arktype');
const connect = require('connect');
const fc = require('fast-check');
const createError = require('http-errors');
const Joi = require('joi');
const v = require('valibot');
const { z } = require('zod');
const { CarapaceError, errorHandler, json, securityHeaders } = require('..');
const { prefersHtml } = require('../lib/error-handler/accept');
const { EXPRESS, listen, send, sendJson } = require('./helpers/servers');

const SECRET = 'postgres://user:hunter2@db';
const UUID = /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/;

/** Answers what is thrown, on plain `node:http`. */
async function answerTo(context, thrown, options, { headers, prepare, method } = {}) {
  const handle = errorHandler(options);
  const { port } = await listen(context, (request, response) => {
    prepare?.(request, response);
    handle(thrown, request, response);
  });
  const answer = await send(port, { headers, method });
  const isJson = /json/.test(answer.headers['content-type'] ?? '') && answer.body !== '';
  return { ...answer, document: isJson ? JSON.parse(answer.body) : undefined };
}

function thrownBy(call) {
  try {
    call();
  } catch (thrown) {
    return thrown;
  }
  throw new Error('nothing was thrown');
}

describe('an error of the app', () => {
  it('is a problem document that tells nothing', async (context) => {
    const { status, headers, body, document } = await answerTo(context, new Error(SECRET));
    assert.equal(status, 500);
    assert.equal(headers['content-type'], 'application/problem+json; charset=utf-8');
    assert.equal(headers['cache-control'], 'no-store');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(Number(headers['content-length']), Buffer.byteLength(body));
    const { id, ...rest } = document;
    assert.deepEqual(rest, { type: 'about:blank', title: 'Internal Server Error', status: 500 });
    assert.match(id, UUID);
    assert.equal(headers['x-request-id'], id);
  });

  it('tells its message when it says expose, below 500 and above', async (context) => {
    const told = [];
    for (const error of [
      createError(404, 'no such user'),
      createError(503, 'back at noon', { expose: true }),
      createError(503, SECRET),
      createError(403, SECRET, { expose: false }),
      Object.assign(new Error(SECRET), { status: 404 }),
      Object.assign(new Error(SECRET), { status: 404, expose: 'yes' }),
    ]) {
      told.push((await answerTo(context, error)).document.detail);
    }
    assert.deepEqual(told, ['no such user', 'back at noon', undefined, undefined, undefined, undefined]);
  });

  it('has the status of the error, from 400 to 599, or of the response, or 500', async (context) => {
    const cases = [
      [{ status: 418 }, 418],
      [{ statusCode: 409 }, 409],
      [{ status: 200, statusCode: 410 }, 410],
      [{ status: 399 }, 500],
      [{ status: 600 }, 500],
      [{ status: 404.5 }, 500],
      [{ status: '404' }, 500],
      [{ status: NaN }, 500],
      [{ status: Infinity }, 500],
    ];
    for (const [fields, expected] of cases) {
      assert.equal((await answerTo(context, Object.assign(new Error(), fields))).status, expected);
    }
    const prepare = (_request, response) => void (response.statusCode = 402);
    assert.equal((await answerTo(context, new Error(), {}, { prepare })).status, 402);
    assert.equal((await answerTo(context, createError(400), {}, { prepare })).status, 400);
  });

  it('is answered to HEAD without a body', async (context) => {
    const { status, body, headers } = await answerTo(context, new Error(), {}, { method: 'HEAD' });
    assert.deepEqual([status, body], [500, '']);
    assert.ok(Number(headers['content-length']) > 50);
  });

  it('does not take over the phrase of the status', async (context) => {
    const prepare = (_request, response) => void (response.statusMessage = 'All Fine');
    const handle = errorHandler();
    const { port } = await listen(context, (request, response) => {
      prepare(request, response);
      handle(new Error(), request, response);
    });
    const phrase = await new Promise((resolve) => {
      http.get({ port, host: '127.0.0.1', agent: false }, (response) => {
        response.resume();
        resolve(response.statusMessage);
      });
    });
    assert.equal(phrase, 'Internal Server Error');
  });
});

describe('the headers of an error', () => {
  it('are set where they are valid and nothing is set', async (context) => {
    const headers = {
      'Retry-After': 7,
      Allow: ['GET', 'HEAD'],
      'access-control-allow-origin': '*',
      'Content-Length': '3',
      'content-type': 'text/html',
      'Transfer-Encoding': 'chunked',
      'set-cookie': 'a=1',
      'bad name': 'x',
      'x-split': 'a\r\nset-cookie: b=1',
      'x-object': {},
    };
    const prepare = (_request, response) => response.setHeader('Access-Control-Allow-Origin', 'https://app.example');
    const answer = await answerTo(context, createError(503, '', { headers }), {}, { prepare });
    assert.equal(answer.status, 503);
    assert.equal(answer.headers['retry-after'], '7');
    assert.equal(answer.headers.allow, 'GET, HEAD');
    assert.equal(answer.headers['access-control-allow-origin'], 'https://app.example');
    assert.equal(answer.headers['content-type'], 'application/problem+json; charset=utf-8');
    for (const name of ['set-cookie', 'x-split', 'x-object', 'transfer-encoding']) {
      assert.equal(answer.headers[name], undefined, name);
    }
  });

  // S-61: what was set for the answer that failed is there on the error's.
  it('stay when they are about security, and go when they described another answer', async (context) => {
    const prepare = (_request, response) => {
      securityHeaders()(_request, response, () => {});
      response.setHeader('vary', 'Origin');
      response.setHeader('access-control-allow-origin', 'https://app.example');
      for (const name of ['etag', 'last-modified', 'content-encoding', 'content-disposition', 'content-range']) {
        response.setHeader(name, 'gzip');
      }
    };
    const { headers, status } = await answerTo(
      context,
      new Error(),
      {},
      { prepare, headers: { 'if-none-match': '*' } },
    );
    assert.equal(status, 500);
    assert.match(headers['content-security-policy'], /default-src 'self'/);
    assert.equal(headers['x-frame-options'], 'SAMEORIGIN');
    assert.equal(headers['access-control-allow-origin'], 'https://app.example');
    assert.equal(headers.vary, 'Origin, Accept');
    for (const name of ['etag', 'last-modified', 'content-encoding', 'content-disposition', 'content-range']) {
      assert.equal(headers[name], undefined, name);
    }
  });
});

describe('what was thrown', () => {
  const circular = new Error('a');
  circular.cause = new Error('b', { cause: circular });
  const hostile = new Proxy(
    {},
    {
      get() {
        throw new Error('trap');
      },
      getPrototypeOf() {
        throw new Error('trap');
      },
      ownKeys() {
        throw new Error('trap');
      },
    },
  );
  const throwing = {
    get() {
      throw new Error('getter');
    },
  };
  const names = ['status', 'message', 'stack', 'headers', 'name', 'cause', 'expose'];
  const getters = Object.create(Error.prototype, Object.fromEntries(names.map((name) => [name, throwing])));
  const things = {
    null: null,
    undefined,
    text: SECRET,
    number: 404,
    bigint: 1n,
    symbol: Symbol('x'),
    function: () => {},
    array: [1],
    'an object without a prototype': Object.create(null),
    'a frozen error': Object.freeze(new Error(SECRET)),
    'causes in a circle': circular,
    'a proxy whose traps throw': hostile,
    'getters that throw': getters,
    'an error whose issues throw': Object.assign(new Error(), {
      name: 'ZodError',
      issues: [hostile, { path: [hostile] }],
    }),
  };
  for (const [name, thing] of Object.entries(things)) {
    it(`may be ${name}`, async (context) => {
      for (const development of [false, true]) {
        const { status, document, body } = await answerTo(context, thing, { development, onError: { error() {} } });
        assert.ok(status === 500 || status === 400, `${status}`);
        assert.match(document.id, UUID);
        if (!development) assert.ok(!body.includes(SECRET));
      }
    });
  }
});

it('whatever is thrown, the answer is whole and has a status of an error', () => {
  const anything = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withNullPrototype: true,
    maxDepth: 3,
  });
  const keys = [
    'status',
    'statusCode',
    'expose',
    'headers',
    'issues',
    'details',
    'errors',
    'name',
    'type',
    'message',
    'cause',
    'field',
  ];
  const members = fc.dictionary(
    fc.constantFrom(...keys),
    fc.oneof(
      anything,
      fc.integer({ min: 300, max: 700 }),
      fc.constantFrom('ZodError', 'ValidationError', 'MulterError', 'URIError', true),
    ),
  );
  const error = fc.oneof(
    anything,
    members.map((given) => Object.assign(new Error(SECRET), given)),
    members.map((given) => Object.assign(new CarapaceError('ERR_CARAPACE_INTERNAL', 'x', { status: 400 }), given)),
  );
  for (const development of [true, false]) {
    const handle = errorHandler({ development });
    fc.assert(
      fc.property(error, fc.boolean(), (error, isBrowser) => {
        const request = {
          headers: isBrowser ? { accept: 'text/html' } : {},
          method: 'GET',
          httpVersionMajor: 1,
          httpVersionMinor: 1,
          readableEnded: true,
        };
        const response = new http.ServerResponse(request);
        let body = '';
        response.end = (bytes) => (body = String(bytes));
        handle(error, request, response);
        assert.ok(response.statusCode >= 400 && response.statusCode <= 599);
        assert.equal(Buffer.byteLength(body), response.getHeader('content-length'));
        if (!isBrowser) assert.equal(JSON.parse(body).status, response.statusCode);
      }),
      { numRuns: 1500, seed: 20261120 },
    );
  }
});

describe('in development', () => {
  it('stacks, causes and messages are shown', async (context) => {
    const error = new Error('outer', { cause: new Error('inner') });
    const { document } = await answerTo(context, error, { development: true });
    assert.equal(document.detail, 'outer');
    assert.equal(document.stack.length, 2);
    assert.match(document.stack[0], /^Error: outer\n {4}at /);
    assert.match(document.stack[1], /^Error: inner\n/);
  });

  it('is what NODE_ENV says; a forgotten one shows nothing, and production refuses it', () => {
    const script = `
      const { errorHandler } = require('./lib/error-handler');
      const result = [];
      const response = { headersSent: false, setHeader() {}, getHeader() {}, hasHeader() {}, removeHeader() {}, end: (body) => result.push(JSON.parse(body)) };
      const request = { headers: {}, readableEnded: true, httpVersionMajor: 1 };
      errorHandler()(new Error('secret'), request, response);
      let code;
      try { errorHandler({ development: true }); } catch (error) { code = error.code; }
      console.log(JSON.stringify({ isShown: result[0].stack !== undefined, code }));
    `;
    const outcome = (environment) => {
      const env = { ...process.env };
      delete env.NODE_ENV;
      const { stdout } = spawnSync(process.execPath, ['-e', script], {
        cwd: `${__dirname}/..`,
        env: { ...env, ...environment },
      });
      return JSON.parse(stdout.toString());
    };
    assert.deepEqual(outcome({}), { isShown: false });
    assert.deepEqual(outcome({ NODE_ENV: 'test' }), { isShown: false });
    assert.deepEqual(outcome({ NODE_ENV: 'development' }), { isShown: true });
    assert.deepEqual(outcome({ NODE_ENV: 'production' }), { isShown: false, code: 'ERR_CARAPACE_OPTION_CONFLICT' });
  });
});

describe('errors that are recognised', () => {
  const input = { email: SECRET, age: SECRET, extra: SECRET };
  const validators = {
    zod: () => z.strictObject({ email: z.email(), age: z.number() }).parse(input),
    valibot: () => v.parse(v.strictObject({ email: v.pipe(v.string(), v.email()), age: v.number() }), input),
    arktype: () => type({ email: 'string.email', age: 'number', '+': 'reject' }).assert(input),
    joi: () =>
      Joi.attempt(input, Joi.object({ email: Joi.string().email().pattern(/z/), age: Joi.number() }), {
        abortEarly: false,
      }),
    'the Standard Schema utilities': () => {
      throw Object.assign(new Error(), {
        name: 'SchemaError',
        issues: [
          { message: 'm', path: [{ key: 'email' }] },
          { message: 'n', path: ['age'] },
        ],
      });
    },
  };
  for (const [name, call] of Object.entries(validators)) {
    it(`of ${name}: 400, with a pointer for each member and no value`, async (context) => {
      const { status, document, body } = await answerTo(context, thrownBy(call));
      assert.equal(status, 400);
      assert.equal(document.detail, 'the request is not valid');
      const pointers = new Set(document.errors.map(({ pointer }) => pointer));
      assert.ok(pointers.has('/email') && pointers.has('/age'), body);
      assert.ok(!body.includes(SECRET) && !body.includes('hunter2'), body);
    });
  }

  it('of a validator: with another status, or as errors of the app', async (context) => {
    const error = thrownBy(validators.zod);
    assert.equal((await answerTo(context, error, { validationStatus: 422 })).status, 422);
    const { status, document } = await answerTo(context, error, { validationStatus: false });
    assert.deepEqual([status, document.errors], [500, undefined]);
    assert.equal(
      (await answerTo(context, Object.assign(thrownBy(validators.zod), { status: 500 }))).document.errors,
      undefined,
    );
  });

  it('of multer', async (context) => {
    const error = (code, field) => Object.assign(new Error('File too large'), { name: 'MulterError', code, field });
    const large = await answerTo(context, error('LIMIT_FILE_SIZE', 'photo'));
    assert.equal(large.status, 413);
    assert.deepEqual(large.document.errors, [{ location: 'body', pointer: '/photo', detail: 'a file is too large' }]);
    assert.equal((await answerTo(context, error('LIMIT_UNEXPECTED_FILE'))).status, 400);
  });

  it('of JavaScript: a SyntaxError with a status, a URIError; a bare SyntaxError is a 500', async (context) => {
    const syntax = () => thrownBy(() => JSON.parse(SECRET));
    const parsed = await answerTo(context, Object.assign(syntax(), { status: 400, expose: true, body: SECRET }));
    assert.deepEqual([parsed.status, parsed.document.detail], [400, 'the body could not be parsed']);
    assert.equal((await answerTo(context, syntax())).status, 500);
    assert.equal(
      (
        await answerTo(
          context,
          thrownBy(() => decodeURIComponent('%E0%A4%A')),
        )
      ).status,
      400,
    );
  });

  it('of carapace: code, rule and pointer', async (context) => {
    const error = new CarapaceError('ERR_CARAPACE_REQUEST_REJECTED', 'no', { status: 400, type: 'entity.rejected' });
    const { document } = await answerTo(
      context,
      Object.assign(error, { rule: 'operator', pointer: '/a', errors: [{ circular: error }] }),
    );
    assert.equal(document.code, 'ERR_CARAPACE_REQUEST_REJECTED');
    assert.deepEqual([document.detail, document.rule, document.pointer], ['no', 'operator', '/a']);
    const setUp = new CarapaceError('ERR_CARAPACE_OPTION_VALUE', SECRET, { path: 'x' });
    assert.deepEqual(Object.keys((await answerTo(context, setUp)).document).sort(), ['id', 'status', 'title', 'type']);
  });
});

describe('the form of the answer', () => {
  const browser = { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' };

  it('is a page for a browser, escaped, with a policy that allows nothing', async (context) => {
    const error = createError(404, '<script>alert("1")</script>');
    const { headers, body } = await answerTo(context, error, {}, { headers: browser });
    assert.equal(headers['content-type'], 'text/html; charset=utf-8');
    assert.equal(headers['content-security-policy'], "default-src 'none'");
    assert.equal(headers.vary, 'Accept');
    assert.ok(!body.includes('<script') && body.includes('&lt;script&gt;alert(&quot;1&quot;)'));
    assert.ok(body.includes('<title>404 Not Found</title>') && body.includes(headers['x-request-id']));
  });

  it('keeps the policy that is set', async (context) => {
    const prepare = (_request, response) => response.setHeader('content-security-policy', "default-src 'self'");
    const { headers } = await answerTo(context, new Error(), {}, { headers: browser, prepare });
    assert.equal(headers['content-security-policy'], "default-src 'self'");
  });

  it('is JSON for browsers too, without html', async (context) => {
    const { headers } = await answerTo(context, new Error(), { html: false }, { headers: browser });
    assert.match(headers['content-type'], /^application\/problem\+json/);
    assert.equal(headers.vary, undefined);
  });

  it('follows Accept', () => {
    const html = [
      'text/html',
      browser.accept,
      'text/*',
      'application/json;q=0.5, text/html;q=0.6',
      '*/*;q=0.1,text/html',
    ];
    const other = [
      undefined,
      '',
      '*/*',
      'application/json',
      'text/html, application/json',
      'text/html;q=0',
      'text/plain',
    ];
    other.push('text/html;q=x', 'text/html;q=0.4, application/problem+json;q=0.5', 'text/*;q=0.3, */*');
    for (const accept of html) assert.equal(prefersHtml(accept), true, accept);
    for (const accept of other) assert.equal(prefersHtml(accept), false, accept);
  });

  it('is what shape gives', async (context) => {
    const shaped = async (shape) => {
      const { headers, body, status } = await answerTo(
        context,
        createError(404, 'no'),
        { shape },
        { headers: browser },
      );
      return [status, headers['content-type'], body];
    };
    assert.deepEqual(
      await shaped((error, request, { detail }) => ({ ok: false, detail, at: request.url, is: error.status })),
      [404, 'application/json; charset=utf-8', '{"ok":false,"detail":"no","at":"/","is":404}'],
    );
    assert.deepEqual(await shaped(() => '<b>'), [404, 'text/plain; charset=utf-8', '<b>']);
    assert.deepEqual(await shaped(() => Buffer.from('x')), [404, 'application/octet-stream', 'x']);
    assert.deepEqual((await shaped(() => undefined))[1], 'application/problem+json; charset=utf-8');
    assert.deepEqual((await shaped(async () => ({})))[1], 'application/problem+json; charset=utf-8');
  });

  it('is the default when shape throws, or gives what is no JSON', async (context) => {
    const warnings = [];
    const onWarning = (warning) => warnings.push(warning.code);
    process.on('warning', onWarning);
    context.after(() => process.off('warning', onWarning));
    const circular = {};
    circular.self = circular;
    const shapes = [
      () => {
        throw new Error(SECRET);
      },
      () => circular,
    ];
    for (const shape of shapes) {
      const { status, document } = await answerTo(context, createError(404), { shape });
      assert.deepEqual([status, document.status], [404, 404]);
    }
    await new Promise(setImmediate);
    assert.deepEqual(warnings, ['CARAPACE_LISTENER', 'CARAPACE_LISTENER']);
  });
});

describe('the id', () => {
  it('is the request’s own where it is well formed', async (context) => {
    const idOf = async (id) =>
      (await answerTo(context, new Error(), {}, { headers: { 'x-request-id': id } })).document.id;
    assert.equal(await idOf('req-7_a.b:c'), 'req-7_a.b:c');
    for (const bad of ['<b>', 'a b', 'x'.repeat(129), '"', '']) assert.match(await idOf(bad), UUID);
  });

  it('is the one of the logger first', async (context) => {
    const headers = { 'x-request-id': 'client' };
    const onRequest = (request) => void (request.id = 7);
    assert.equal((await answerTo(context, null, {}, { headers, prepare: onRequest })).document.id, '7');
    const onResponse = (_request, response) => response.setHeader('X-Request-Id', 'logger');
    assert.equal((await answerTo(context, null, {}, { headers, prepare: onResponse })).document.id, 'logger');
  });

  it('has the header that the app says, or none', async (context) => {
    const headers = { 'x-trace': 'abc', 'x-request-id': 'def' };
    const named = await answerTo(context, null, { requestId: 'X-Trace' }, { headers });
    assert.deepEqual([named.document.id, named.headers['x-trace']], ['abc', 'abc']);
    const none = await answerTo(context, null, { requestId: false }, { headers });
    assert.match(none.document.id, UUID);
    assert.equal(none.headers['x-request-id'], undefined);
  });
});

describe('onError', () => {
  it('gets the error as it was thrown, the request, the status and the id', async (context) => {
    const calls = [];
    const error = createError(404);
    const { document } = await answerTo(context, error, { onError: (...args) => calls.push(args) });
    assert.equal(calls.length, 1);
    assert.equal(calls[0][0], error);
    assert.equal(calls[0][1].url, '/');
    assert.deepEqual(calls[0][2], { status: 404, id: document.id });
  });

  it('is a logger: fields first, warnings below 500, no query', async (context) => {
    const lines = [];
    const log = {
      error: (...args) => lines.push(['error', ...args]),
      warn: (...args) => lines.push(['warn', ...args]),
    };
    const handle = errorHandler({ onError: log });
    const { port } = await listen(context, (request, response) =>
      handle(lines.length ? null : createError(404), request, response),
    );
    await send(port, { path: '/a?token=1' });
    await send(port, { path: '/a?token=1' });
    assert.deepEqual(
      lines.map(([level, , message]) => [level, message]),
      [
        ['warn', 'request failed'],
        ['error', 'request failed'],
      ],
    );
    assert.deepEqual([lines[0][1].path, lines[0][1].method, lines[0][1].status], ['/a', 'GET', 404]);
    assert.ok(lines[0][1].err instanceof Error);
    assert.equal(lines[1][1].err.message, 'a value of type null was thrown');
  });

  it('decides nothing when it throws or rejects', async (context) => {
    for (const onError of [
      () => {
        throw new Error('x');
      },
      async () => {
        throw new Error('x');
      },
    ]) {
      assert.equal((await answerTo(context, createError(404), { onError })).status, 404);
    }
    await new Promise(setImmediate);
  });

  it('comes with an event on the channel', async (context) => {
    const events = [];
    await answerTo(context, new Error(SECRET), { onEvent: (event) => events.push(event) });
    assert.deepEqual(events, [
      { stem: 'error-handler', mode: 'enforce', type: 'error-handler.error', rule: '500', action: 'answer' },
    ]);
  });
});

describe('an answer that has begun', () => {
  it('is cut off, so that nobody takes it for a whole one', async (context) => {
    let isTold = false;
    const actions = [];
    const onEvent = ({ action }) => actions.push(action);
    const handle = errorHandler({ onError: () => void (isTold = true), onEvent });
    const { port } = await listen(context, (request, response) => {
      response.write('half');
      setImmediate(() => handle(new Error(), request, response));
    });
    await assert.rejects(send(port), /aborted|hang up|ECONNRESET/);
    assert.ok(isTold);
    assert.deepEqual(actions, ['abandon']);
  });

  it('goes out when it is whole', async (context) => {
    const handle = errorHandler();
    const { port } = await listen(context, (request, response) => {
      // More than the system takes at once.
      response.end('whole'.repeat(2e6));
      handle(new Error(), request, response);
    });
    assert.equal((await send(port)).body.length, 1e7);
  });
});

describe('the client', () => {
  it('reads the answer though it is still sending', async (context) => {
    const handle = errorHandler();
    const { port } = await listen(context, (request, response) => handle(createError(409, 'twice'), request, response));
    const answer = await send(port, { method: 'POST', body: Buffer.alloc(8e5) });
    assert.deepEqual([answer.status, JSON.parse(answer.body).detail], [409, 'twice']);
  });

  it('may speak HTTP/2', async (context) => {
    const handle = errorHandler();
    const server = http2.createServer((request, response) => {
      if (request.url === '/half') response.write('half');
      setImmediate(() => handle(createError(409, 'twice'), request, response));
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
    const client = http2.connect(`http://127.0.0.1:${server.address().port}`);
    context.after(() => (client.destroy(), server.close()));
    const get = (path) =>
      new Promise((resolve, reject) => {
        const stream = client.request({ ':path': path });
        const answer = { status: 0, body: '' };
        stream.on('response', (headers) => (answer.status = headers[':status']));
        stream.on('data', (chunk) => (answer.body += chunk)).on('end', () => resolve(answer));
        stream.on('close', () => (stream.rstCode === 0 ? undefined : reject(new Error(`reset ${stream.rstCode}`))));
        stream.on('error', reject);
      });
    const { status, body } = await get('/');
    assert.deepEqual([status, JSON.parse(body).detail], [409, 'twice']);
    await assert.rejects(get('/half'), /INTERNAL_ERROR|reset 2/);
  });
});

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`under ${name}`, () => {
    async function app(context, mount, options) {
      const app = express();
      mount(app);
      app.use(errorHandler.notFound());
      app.use(errorHandler(options));
      return (await listen(context, app)).port;
    }

    it('answers what routes throw and pass on, and what has no route', async (context) => {
      const port = await app(context, (app) => {
        app.get('/throw', () => {
          throw new Error(SECRET);
        });
        app.get('/next', (_request, _response, next) => next(createError(402, 'pay')));
      });
      for (const [path, status, detail] of [
        ['/throw', 500, undefined],
        ['/next', 402, 'pay'],
        ['/none', 404, 'there is nothing at this path for this method'],
      ]) {
        const answer = await send(port, { path });
        const document = JSON.parse(answer.body);
        assert.deepEqual([answer.status, document.status, document.detail], [status, status, detail]);
      }
      assert.equal(JSON.parse((await send(port, { path: '/none' })).body).code, 'ERR_CARAPACE_NOT_FOUND');
    });

    it('answers errors of Express itself without quoting the request', async (context) => {
      const port = await app(context, (app) => {
        app.get('/users/:id', (_request, response) => response.end());
        app.post('/', express.json({ limit: 100 }), (_request, response) => response.end());
      });
      const malformed = await send(port, { path: '/users/%E0%A4%A' });
      assert.equal(malformed.status, 400);
      assert.equal(JSON.parse(malformed.body).detail, 'the path or a parameter has a wrong escape');
      assert.ok(!malformed.body.includes('E0'));
      const broken = await sendJson(port, '{"password":hunter2}');
      assert.deepEqual([broken.status, JSON.parse(broken.body).detail], [400, 'the body could not be parsed']);
      assert.ok(!broken.body.includes('hunter2'));
      const large = await sendJson(port, JSON.stringify('x'.repeat(200)));
      assert.deepEqual([large.status, JSON.parse(large.body).detail], [413, 'the body is too large']);
    });

    it('answers what carapace passes on, in the shape in which it answers itself', async (context) => {
      const port = await app(context, (app) => {
        app.post('/next', json({ action: 'reject', onReject: 'next' }));
        app.post('/self', json({ action: 'reject' }));
      });
      const answers = [];
      for (const path of ['/next', '/self']) {
        const { id, ...document } = JSON.parse((await sendJson(port, '{"a":{"$ne":1}}', { path })).body);
        assert.equal(id !== undefined, path === '/next');
        answers.push(document);
      }
      assert.deepEqual(answers[0], answers[1]);
      assert.equal(answers[0].pointer, '/a/$ne');
    });
  });
}

it('is an error middleware of Connect', async (context) => {
  const app = connect();
  app.use('/throw', () => {
    throw createError(409, 'twice');
  });
  app.use(errorHandler());
  const { port } = await listen(context, app);
  const { status, body } = await send(port, { path: '/throw' });
  assert.deepEqual([status, JSON.parse(body).detail], [409, 'twice']);
});

describe('options that are wrong', () => {
  const cases = [
    [{ shape: {} }, 'ERR_CARAPACE_OPTION_TYPE', 'errorHandler.shape'],
    [{ onError: {} }, 'ERR_CARAPACE_OPTION_TYPE', 'errorHandler.onError'],
    [{ validationStatus: 500 }, 'ERR_CARAPACE_OPTION_VALUE', 'errorHandler.validationStatus'],
    [{ validationStatus: true }, 'ERR_CARAPACE_OPTION_VALUE', 'errorHandler.validationStatus'],
    [{ requestId: 'a b' }, 'ERR_CARAPACE_OPTION_VALUE', 'errorHandler.requestId'],
    [{ stack: true }, 'ERR_CARAPACE_OPTION_UNKNOWN', 'errorHandler.stack'],
  ];
  for (const [options, code, path] of cases) {
    it(`throws ${code} for ${JSON.stringify(options)}`, () => {
      assert.throws(() => errorHandler(options), { code, path });
    });
  }
});
