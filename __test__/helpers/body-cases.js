'use strict';

const { deepEqual, equal, match } = require('node:assert/strict');
const { inspect } = require('node:util');
const http = require('node:http');
const zlib = require('node:zlib');
const { listen } = require('./servers');

/**
 * @typedef {import('./parity').Case} Case
 * @typedef {import('./parity').Kit} Kit
 */

const FORM = 'application/x-www-form-urlencoded';
const show = (value) => inspect(value, { depth: 5, breakLength: Infinity, maxStringLength: 60 });

/** A request with a body, in one piece or in chunks. */
const post = (body, type, headers = {}) => ({
  method: 'POST',
  body,
  headers: { ...(type === undefined ? {} : { 'content-type': type }), ...headers },
});
const json = (body, headers) => post(body, 'application/json', headers);
const form = (body, headers) => post(body, FORM, headers);
const text = (body, type = 'text/plain', headers = undefined) => post(body, type, headers);
const bytes = (body, headers) => post(body, 'application/octet-stream', headers);
const CHUNKED = { 'transfer-encoding': 'chunked' };

/**
 * Sends requests through one parser.
 * @param {Kit} kit
 * @param {string} parser
 * @param {any} options a function gets the kit
 * @param {any[]} requests
 */
async function through(kit, parser, options, requests) {
  const given = typeof options === 'function' ? options(kit) : options;
  const middleware = kit.call(() => (given === undefined ? kit.lib[parser]() : kit.lib[parser](given)));
  if (middleware === undefined) return;
  const see = ({ body, _body }) => ({ body, _body });
  const send = await kit.serve((app) => app.use(middleware), { see });
  for (const request of requests) await send(request);
}

/** @type {(parser: string, options: any, requests: any[], differs?: string) => Case} */
const one = (parser, options, requests, differs = undefined) => ({
  name: `${parser}(${options === undefined ? '' : show(options)}): ${requests.map((request) => show(request)).join(', ')}`,
  differs,
  run: (kit) => through(kit, parser, options, requests),
});

const JSON_BODIES = [
  '{}',
  '[]',
  '{"a":1,"b":[null,true,"x"]}',
  ' \n\t{"a":1}',
  '',
  ' ',
  'null',
  '5',
  '"text"',
  'true',
  '{',
  '{"a":',
  '{"a":1}}',
  '{"a":1}{"b":2}',
  "{'a':1}",
  '{"a":1,}',
  '[1,2',
  'nonsense',
  '  nonsense',
  'a{',
  '#{"a":1}',
  '###',
  '{"a":"\n"}',
  '\ufeff{"a":1}',
  '\ufeff',
  '{"a":1,"a":2}',
  '{"$where":1,"a.b":2,"x\\u0000":3}',
  '{"constructor":{"name":"x"},"prototype":1}',
  '{"é":"☃😀","\\ud800":"\\udc00"}',
  '{"a":1e400,"b":-0,"c":123456789012345678901234567890}',
];

const FORM_BODIES = [
  '',
  'a=1',
  'a=1&b=2&a=3',
  'a',
  'a=',
  '=a',
  '&&&',
  'a=b=c',
  'a+b=c+d',
  '%61=%62',
  'a=%',
  'a=%zz&b=%E2%98%83&c=%ff',
  'é=☃',
  'a[b]=1',
  'a[b][c]=1&a[b][d]=2',
  'a[]=1&a[]=2',
  'a[]=1',
  'a[0]=1&a[1]=2',
  'a[1]=2&a[0]=1',
  'a[200]=x',
  'a.b=1',
  'a[b]=1&a=2',
  'a=1&a[b]=2',
  'a]=1&b[=2&[c]=3&[]=4',
  'hasOwnProperty=1&toString=2&valueOf=3',
  '$where=1&a[$ne]=2',
  'a%00=1',
  Array.from({ length: 150 }, (_, at) => `a[]=${at}`).join('&'),
  Array.from({ length: 30 }, (_, at) => `a=${at}`).join('&'),
  `a${'[x]'.repeat(32)}=1`,
  `a${'[x]'.repeat(33)}=1`,
  'utf8=%E2%9C%93&a=%C3%B8',
  'a=%26%239786%3B',
];

const LIMITS = [undefined, null, 5, '5', '5b', '1kb', '0.01kb', '1 KB', '1mb', 0, '0', '10gb', '1tb'];
const BAD_LIMITS = ['abc', '', NaN, {}, true, [], 'kb', '-', () => 5];

const CODINGS = { gzip: zlib.gzipSync, deflate: zlib.deflateSync, br: zlib.brotliCompressSync };
const sample = Buffer.from('{"a":[1,2,3,4,5,6,7,8,9,10]}');

/** What every parser takes. */
const PARSERS = {
  json: { type: 'application/json', body: '{"a":"0123456789"}' },
  urlencoded: { type: FORM, body: 'abcdefgh=0123456789', base: { extended: true } },
  text: { type: 'text/plain', body: 'abcdefgh 0123456789' },
  raw: { type: 'application/octet-stream', body: 'abcdefgh 0123456789' },
};

/** @type {(major: 1 | 2) => Case[]} */
const shared = (major) =>
  Object.entries(PARSERS).flatMap(([parser, { type, body, base }]) => [
    one(parser, base, [post(body, type), post(body, undefined), { method: 'GET' }, post('', type)]),
    one(parser, base, [post(body, type, CHUNKED), post('', type, CHUNKED)]),
    ...LIMITS.map((limit) => one(parser, { ...base, limit }, [post(body, type), post(body, type, CHUNKED)])),
    ...BAD_LIMITS.map((limit) => one(parser, { ...base, limit }, [])),
    ...[
      'text/*',
      '*/*',
      'json',
      '+json',
      'application/vnd.api+json',
      'urlencoded',
      'nonsense',
      ['text/html', 'application/*'],
      [],
      'html',
      'Application/JSON',
    ].map((wanted) =>
      one(parser, { ...base, type: wanted }, [
        post(body, type),
        post(body, 'text/html'),
        post(body, 'application/vnd.api+json; charset=utf-8'),
        post(body, 'APPLICATION/JSON'),
        post(body, 'bad'),
      ]),
    ),
    one(parser, ({ spy }) => ({ ...base, type: spy('type', ({ headers }) => headers['x-parse']) }), [
      post(body, type),
      post(body, 'x/y', { 'x-parse': 'yes' }),
      { method: 'GET' },
    ]),
    one(parser, ({ spy }) => ({ ...base, verify: spy('verify') }), [post(body, type), post('', type)]),
    ...[
      new Error('no'),
      Object.assign(new Error('no'), { status: 422, type: 'mine' }),
      Object.assign(new TypeError('no'), { statusCode: 401 }),
      Object.assign(new Error('no'), { status: 200 }),
      'text',
      Object.assign(new Error('no'), { status: 999, own: 1 }),
    ].map((thrown) => ({
      name: `${parser} with a check that throws ${show(thrown).split('\n')[0]} ${Object.keys(thrown)}`,
      run: (kit) => {
        const verify = () => {
          throw thrown instanceof Error ? Object.assign(new thrown.constructor(thrown.message), { ...thrown }) : thrown;
        };
        return through(kit, parser, { ...base, verify }, [post(body, type)]);
      },
    })),
    ...['text', {}, 1, true].map((verify) => one(parser, { ...base, verify }, [])),
    ...[false, null, 0, ''].map((verify) => one(parser, { ...base, verify }, [post(body, type)])),
    ...Object.entries(CODINGS)
      .filter(([name]) => major === 2 || name !== 'br')
      .map(([name, encode]) =>
        one(parser, base, [
          post(encode(body), type, { 'content-encoding': name }),
          post(encode(body), type, { 'content-encoding': name.toUpperCase(), ...CHUNKED }),
          post(encode(body), type, { 'content-encoding': `${name}, ${name}` }),
        ]),
      ),
    one(parser, { ...base, inflate: false }, [
      post(zlib.gzipSync(body), type, { 'content-encoding': 'gzip' }),
      post(body, type, { 'content-encoding': 'identity' }),
      post(body, type, { 'content-encoding': 'bogus' }),
    ]),
    one(parser, base, [
      post(body, type, { 'content-encoding': 'bogus' }),
      post(body, type, { 'content-encoding': '' }),
      post('not gzip', type, { 'content-encoding': 'gzip' }),
      post(zlib.gzipSync(body).subarray(0, 20), type, { 'content-encoding': 'gzip' }),
      post('', type, { 'content-encoding': 'gzip' }),
    ]),
    one(parser, { ...base, limit: 30 }, [post('x'.repeat(200_000), type)]),
  ]);

/** @type {(major: 1 | 2) => Case[]} */
const ofJson = (major) => [
  ...JSON_BODIES.flatMap((body) => [
    one('json', undefined, [json(body)]),
    one('json', { strict: false }, [json(body)]),
  ]),
  ...JSON_BODIES.slice(0, 12).map((body) => one('json', { verify: () => {} }, [json(body)])),
  one('json', { reviver: (_key, value) => (typeof value === 'number' ? value + 1 : value) }, [
    json('{"a":1,"b":[2]}'),
    json('{"a":'),
    json(''),
  ]),
  one('json', ({ spy }) => ({ reviver: spy('reviver', (_key, value) => value) }), [json('{"a":[1,{"b":2}]}')]),
  {
    name: 'json with a reviver that throws',
    run: (kit) => {
      const reviver = () => {
        throw Object.assign(new RangeError('mine'), { own: 1 });
      };
      return through(kit, 'json', { reviver }, [json('{"a":1}'), json('{')]);
    },
  },
  ...['utf-8', 'UTF-8', '"utf-8"', 'iso-8859-1', 'utf8', 'us-ascii', 'utf-bogus', '', 'x'].map((charset) =>
    one('json', undefined, [post('{"a":1}', `application/json; charset=${charset}`)]),
  ),
  one('json', { verify: () => {} }, [
    post('not gzip', 'application/json; charset=utf-bogus', { 'content-encoding': 'gzip' }),
  ]),
  one('json', null, [json('{"a":1}')]),
  one('json', { unknown: true, strict: null, inflate: null }, [json('{"a":1}'), json('5')]),
  // What differs on purpose
  ...['{"a":1,"__proto__":{"x":1}}', '{"a":[{"\\u005f_proto__":1}]}', '{"constructor":{"prototype":{"x":1}}}'].map(
    (body) => one('json', undefined, [json(body)], 'removed-keys'),
  ),
  ...['utf-7', 'utf-16', 'utf-16le'].map((charset) =>
    one(
      'json',
      undefined,
      [post('+AHs-+ACI-+ACQ-ne+ACI-:1+AH0-', `application/json; charset=${charset}`)],
      'utf-8-only',
    ),
  ),
  {
    ...one('json', undefined, [json(Buffer.from('{"a":"\xff"}', 'latin1'))], 'invalid-utf-8'),
    check: (_theirs, got) => match(JSON.stringify(got), /"class":"SyntaxError".*"type","entity\.parse\.failed"/),
  },
  ...(major === 2 ? [one('json', { defaultCharset: 'utf-8' }, [json('{"a":1}')])] : []),
];

/** @type {(major: 1 | 2) => Case[]} */
const ofForms = (major) => [
  ...FORM_BODIES.flatMap((body) => [
    one('urlencoded', { extended: true }, [form(body)]),
    one('urlencoded', { extended: false }, [form(body)]),
  ]),
  ...[1, 3, '3', 3.9, Infinity].map((parameterLimit) =>
    one('urlencoded', { extended: true, parameterLimit }, [form('a=1'), form('a=1&b=2&c=3'), form('a=1&b=2&c=3&d=4')]),
  ),
  ...[0, -1, NaN, 'x', {}].map((parameterLimit) => one('urlencoded', { extended: true, parameterLimit }, [])),
  ...[0, 1, 3, '2', Infinity].map((depth) =>
    one('urlencoded', { extended: true, depth }, [form('a=1&b[c]=2'), form('a[b][c]=1'), form('a[b][c][d][e]=1')]),
  ),
  ...[-1, NaN, 'x', {}].map((depth) => one('urlencoded', { extended: true, depth }, [])),
  one('urlencoded', { extended: false, parameterLimit: 2 }, [form('a=1&b=2'), form('a=1&b=2&c=3')]),
  one('urlencoded', { extended: 0 }, [form('a[b]=1&a[b]=2')]),
  one('urlencoded', { extended: 'yes' }, [form('a[b]=1&a[b]=2')]),
  ...(major === 2 ? [one('urlencoded', undefined, [form('a[b]=1&a[b]=2')])] : []),
  one('urlencoded', { extended: true }, [form(Array.from({ length: 1_001 }, () => 'a=1').join('&'))]),
  ...['utf-8', 'iso-8859-1', 'utf-7', 'utf8', ''].map((charset) =>
    one('urlencoded', { extended: true }, [post('a=%C3%B8&b=%f8', `${FORM}; charset=${charset}`)]),
  ),
  ...(major === 2
    ? [
        one('urlencoded', { defaultCharset: 'iso-8859-1', extended: true }, [form('a=%f8')]),
        one('urlencoded', { defaultCharset: 'utf-16' }, []),
        one('urlencoded', { charsetSentinel: true, extended: true }, [
          form('utf8=%26%2310003%3B&a=%f8'),
          form('utf8=%E2%9C%93&a=%C3%B8'),
        ]),
        one('urlencoded', { interpretNumericEntities: true, extended: true, charsetSentinel: true }, [
          post('utf8=%26%2310003%3B&a=%26%239786%3B', `${FORM}; charset=iso-8859-1`),
        ]),
      ]
    : []),
  one('urlencoded', { extended: true }, [form(Buffer.from('a=\xff&b=1', 'latin1'))]),
  ...[
    ['constructor[prototype][y]=2&a=1', true],
    ['a[constructor][prototype]=1', true],
    ['constructor[prototype]=1', false],
    ['__proto__[x]=1&a=1', false],
  ].map(([body, extended]) => one('urlencoded', { extended }, [form(body)], 'removed-keys')),
];

/** @type {() => Case[]} */
const ofText = () => [
  ...['utf-8', 'iso-8859-1', 'latin1', 'utf-16le', 'windows-1252', 'koi8-r', 'shift_jis', 'bogus', ''].map((charset) =>
    one('text', undefined, [text(Buffer.from([0xe9, 0x41, 0xc3, 0xa9, 0x42, 0x43]), `text/plain; charset=${charset}`)]),
  ),
  ...['utf-8', 'iso-8859-1', 'utf-16le', 'windows-1251'].map((defaultCharset) =>
    one('text', { defaultCharset }, [text(Buffer.from([0xe9, 0x41])), text('é', 'text/plain; charset=utf-8')]),
  ),
  one('text', undefined, [text('\ufeffa'), text('é☃😀'), text('')]),
  one('text', ({ spy }) => ({ verify: spy('verify') }), [text('é', 'text/plain; charset=ISO-8859-1')]),
  one('raw', undefined, [bytes(Buffer.from([0, 255, 1])), bytes(Buffer.alloc(70_000, 1))]),
  one('raw', { type: '*/*' }, [post('{"a":1}', 'application/json; charset=utf-7')]),
  ...['utf-7', 'base64', 'hex'].map((charset) =>
    one('text', undefined, [text('+AHs-', `text/plain; charset=${charset}`)], 'text-charsets'),
  ),
];

/** @type {(major: 1 | 2) => Case[]} */
const together = (major) => [
  {
    name: 'one parser after the other',
    async run({ lib, serve }) {
      const mount = (app) => {
        app.use(lib.json(), lib.urlencoded({ extended: true }), lib.text(), lib.raw());
        app.use(lib.json({ type: '*/*' }));
      };
      const send = await serve(mount, { see: ({ body }) => body });
      for (const request of [json('{"a":1}'), form('a=1'), text('x'), bytes('y'), post('{"z":1}', 'x/y')]) {
        await send(request);
      }
    },
  },
  {
    name: 'the parser of a route, whose error reaches the error handler once',
    async run({ lib, serve, note }) {
      const send = await serve((app) => {
        app.post('/', lib.json({ limit: 5 }), (_request, response) => response.send('routed'));
        app.use((error, _request, _response, next) => {
          note('seen', error instanceof SyntaxError, error.expose, error.stack.split('\n')[0]);
          next(error);
        });
      });
      for (const body of ['{}', '{', '[1,2,3]']) await send(json(body));
    },
  },
  {
    name: 'a body that somebody has set',
    async run({ lib, serve }) {
      const mount = (app) => {
        app.use((request, _response, next) => {
          request.body = { set: 'before' };
          next();
        });
        app.use(lib.json());
      };
      const send = await serve(mount, { see: ({ body }) => body });
      for (const request of [json('{"a":1}'), text('x'), {}]) await send(request);
    },
  },
  {
    name: 'a stream with an encoding',
    async run({ lib, serve }) {
      const mount = (app) => {
        app.use((request, _response, next) => {
          request.setEncoding('utf8');
          next();
        });
        app.use(lib.json());
      };
      await (
        await serve(mount)
      )(json('{"a":1}'));
    },
  },
  {
    name: 'errors in JSON, as error handlers print them',
    async run({ lib, serve, note }) {
      const send = await serve((app) => {
        app.use(lib.json({ limit: 10 }), lib.urlencoded({ extended: true, depth: 1 }));
        app.use((error, _request, response, _next) => {
          note(Object.prototype.toString.call(error), String(error), error.toString());
          response.status(error.status).json(error);
        });
      });
      for (const request of [json('{'), json('[1,2,3,4,5,6,7]'), form('a[b][c]=1'), json('5')]) await send(request);
    },
  },
  {
    name: 'the exports',
    run({ lib, note }) {
      note(Object.keys(lib).sort());
      for (const parser of ['json', 'raw', 'text', 'urlencoded']) {
        const middleware = lib[parser]({ extended: true });
        note(lib[parser].name, lib[parser].length, middleware.name, middleware.length);
      }
    },
  },
  major === 2
    ? { name: 'the generic, which is no more', run: ({ call, lib }) => call(() => lib()) }
    : {
        name: 'the generic',
        async run({ lib, serve }) {
          const send = await serve((app) => app.use(lib({ extended: true, limit: 20 })), { see: ({ body }) => body });
          for (const request of [json('{"a":1}'), form('a[b]=1'), text('x'), json(`"${'x'.repeat(30)}"`)]) {
            await send(request);
          }
        },
      },
  // What differs on purpose
  ...['10 mbb', -1, '5x'].map((limit) => one('json', { limit }, [], 'bad-limits')),
  {
    name: 'bytes after a coded body (S-27)',
    differs: 'trailing-bytes',
    run: (kit) =>
      through(kit, 'json', undefined, [
        json(Buffer.concat([zlib.deflateSync('{"a":1}'), Buffer.from('trash')]), { 'content-encoding': 'deflate' }),
      ]),
    check: (_theirs, got) => match(JSON.stringify(got), /\["answer",400/),
  },
  {
    name: 'a bomb (S-27)',
    differs: 'received-of-coded',
    run: (kit) =>
      through(kit, 'json', undefined, [
        json(zlib.gzipSync(Buffer.alloc(5_000_000, 32)), { 'content-encoding': 'gzip' }),
      ]),
    check: (theirs, got) => {
      for (const notes of [theirs, got]) match(JSON.stringify(notes), /PayloadTooLargeError.*\["answer",413/);
    },
  },
  {
    name: 'a body that is too long and never ends (S-39)',
    differs: 'refused-at-once',
    async run({ lib, express, context, note }) {
      const app = express();
      app.use(lib.json({ limit: 10 }));
      app.use((error, _request, response, _next) => response.status(error.status).end());
      const { port } = await listen(context, app);
      const request = http.request({
        port,
        host: '127.0.0.1',
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      });
      request.on('error', () => {});
      request.write('x'.repeat(100));
      const answered = await Promise.race([
        new Promise((resolve) => request.on('response', ({ statusCode }) => resolve(statusCode))),
        new Promise((resolve) => setTimeout(resolve, 250, 'nothing yet')),
      ]);
      request.destroy();
      note(answered);
    },
    check: (_theirs, got) => deepEqual(got, [[413]]),
  },
  {
    name: 'a check that answers with a promise',
    differs: 'verify-promise',
    run: (kit) => {
      const verify = () => ({ then: (_accept, refuse) => refuse(new Error('no')) });
      return through(kit, 'json', { verify }, [json('{}')]);
    },
    check: (_theirs, got) => equal(got.at(-1)[1], 403),
  },
  {
    name: 'coded bytes far beyond the limit',
    differs: 'coded-size',
    run: (kit) => {
      const empty = zlib.gzipSync('');
      const blocks = Buffer.concat([...Array.from({ length: 300 }, () => empty), zlib.gzipSync('{"a":1}')]);
      return through(kit, 'json', { limit: 100 }, [json(blocks, { 'content-encoding': 'gzip' })]);
    },
    check: (_theirs, got) => equal(got.at(-1)[1], 413),
  },
];

/**
 * The cases of body-parser, in a major of it.
 * @param {1 | 2} major
 * @returns {Case[]}
 */
function bodyCases(major) {
  return [...shared(major), ...ofJson(major), ...ofForms(major), ...ofText(), ...together(major)];
}

module.exports = { bodyCases, deepEqual, sample };
