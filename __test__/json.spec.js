'use strict';

const assert = require('node:assert/strict');
const net = require('node:net');
const { describe, it } = require('node:test');
const zlib = require('node:zlib');
const { json } = require('..');
const { EXPRESS, listen, send, sendJson } = require('./helpers/servers');

/**
 * An app that answers with the body that its handler sees.
 * @param {import('node:test').TestContext} context
 * @param {any} express
 * @param {any} [options]
 */
async function serve(context, express, options) {
  const app = express();
  app.use(json(options));
  app.post('/', (/** @type {any} */ request, /** @type {any} */ response) => {
    response.json({ body: request.body, raw: request.rawBody?.toString('latin1') });
  });
  app.use((/** @type {any} */ error, /** @type {any} */ _q, /** @type {any} */ response, /** @type {any} */ _n) => {
    response.status(error.status).json({ caught: error.type, code: error.code });
  });
  return (await listen(context, app)).port;
}

const OPERATORS = '{"user":{"$gt":""},"__proto__":{"admin":true}}';

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`json on ${name}`, () => {
    it('takes prototype and operator keys out, however they are escaped S-32 S-47 S-49', async (context) => {
      const port = await serve(context, express);
      for (const [text, expected] of [
        [OPERATORS, { user: {} }],
        ['{"a":1,"\\u005f\\u005fproto\\u005f_":{"x":1},"b":[{"$ne":1}]}', { a: 1, b: [{}] }],
        ['{"constructor":{"prototype":{"x":1}},"k":1}', { k: 1 }],
        ['{"constructor":{"name":"x"},"prototype":1}', { constructor: { name: 'x' }, prototype: 1 }],
        ['{"a.$where":"1","a.b":2}', { 'a.b': 2 }],
        ['{"text":"$gt __proto__"}', { text: '$gt __proto__' }],
      ]) {
        const { status, body } = await sendJson(port, /** @type {string} */ (text));
        assert.equal(status, 200);
        assert.deepEqual(JSON.parse(body).body, expected);
      }
    });

    it('refuses them with action reject, naming rule and place but not the value', async (context) => {
      /** @type {any[]} */
      const findings = [];
      const onFinding = (/** @type {any} */ finding) => findings.push(finding);
      const port = await serve(context, express, { action: 'reject', onFinding });
      const { status, body, headers } = await sendJson(port, '{"user":{"$gt":"secret"}}');
      assert.equal(status, 400);
      assert.equal(headers['content-type'], 'application/problem+json; charset=utf-8');
      const problem = JSON.parse(body);
      assert.deepEqual(
        [problem.code, problem.rule, problem.pointer],
        ['ERR_CARAPACE_REQUEST_REJECTED', 'operator', '/user/$gt'],
      );
      assert.doesNotMatch(body, /secret/);
      assert.deepEqual(findings, [{ rule: 'operator', path: '/user/$gt', location: 'body', action: 'reject' }]);
    });

    it('changes nothing in report mode', async (context) => {
      /** @type {any[]} */
      const events = [];
      const port = await serve(context, express, { mode: 'report', onEvent: (/** @type {any} */ e) => events.push(e) });
      const { body } = await sendJson(port, OPERATORS);
      assert.deepEqual(Object.keys(JSON.parse(body).body), ['user', '__proto__']);
      assert.deepEqual(
        events.map(({ type, rule, path, action, mode }) => [type, rule, path, action, mode]),
        [
          ['finding', 'operator', '/user/$gt', 'strip', 'report'],
          ['finding', 'proto', '/__proto__', 'strip', 'report'],
        ],
      );
    });

    it('answers 413 for a body over the limit, declared or not', async (context) => {
      const port = await serve(context, express, { limit: '1kb' });
      const text = JSON.stringify({ a: 'x'.repeat(2000) });
      for (const headers of [{}, { 'transfer-encoding': 'chunked' }]) {
        const { status, body } = await sendJson(port, text, { headers });
        assert.equal(status, 413);
        assert.equal(JSON.parse(body).code, 'ERR_CARAPACE_BODY_TOO_LARGE');
      }
    });

    it('answers 400 for what is not JSON S-37', async (context) => {
      const port = await serve(context, express);
      for (const text of [
        '{"a":1}{"b":2}',
        '{"a":NaN}',
        '{"a":1,}',
        "{'a':1}",
        '{/**/}',
        '"text"',
        '1',
        'null',
        '{"a":"\xff',
      ]) {
        const { status, body } = await sendJson(port, Buffer.from(text, 'latin1'));
        assert.deepEqual([status, JSON.parse(body).code], [400, 'ERR_CARAPACE_BODY_MALFORMED'], text);
      }
    });

    it('answers 415 for a charset that is not UTF-8 S-28', async (context) => {
      const port = await serve(context, express);
      for (const charset of ['utf-7', 'utf-16', 'iso-8859-1', 'utf-bogus']) {
        const headers = { 'content-type': `application/json; charset=${charset}` };
        const { status, body } = await sendJson(port, '+AHs-+ACI-+ACQ-ne+ACI-:1+AH0-', { headers });
        assert.deepEqual([status, JSON.parse(body).code], [415, 'ERR_CARAPACE_MEDIA_TYPE'], charset);
      }
      const upper = await sendJson(port, '{"a":"é"}', {
        headers: { 'content-type': 'Application/JSON; Charset="UTF-8"' },
      });
      assert.deepEqual(JSON.parse(upper.body).body, { a: 'é' });
    });

    it('leaves bodies of another type alone, and refuses them when strict S-38', async (context) => {
      const lax = await serve(context, express);
      const strict = await serve(context, express, { strictContentType: true });
      for (const type of [
        'text/plain',
        'application/jsonx',
        'application/vnd.api+json',
        'application/json, text/plain',
      ]) {
        const headers = { 'content-type': type };
        assert.deepEqual(JSON.parse((await sendJson(lax, '{"a":1}', { headers })).body), {}, type);
        assert.equal((await sendJson(strict, '{"a":1}', { headers })).status, 415, type);
      }
      const missing = await send(strict, { method: 'POST', body: '{"a":1}' });
      assert.equal(missing.status, 415);
    });

    it('undoes content codings within the limit S-27', async (context) => {
      const port = await serve(context, express, { limit: 1000 });
      const bomb = Buffer.from(`"${'x'.repeat(1_000_000)}"`);
      const small = Buffer.from('{"a":1}');
      for (const [encoding, encode] of Object.entries({
        gzip: zlib.gzipSync,
        deflate: zlib.deflateSync,
        br: zlib.brotliCompressSync,
      })) {
        const headers = { 'content-encoding': encoding };
        const answer = await sendJson(port, encode(small), { headers });
        assert.deepEqual(JSON.parse(answer.body).body, { a: 1 }, encoding);
        assert.equal((await sendJson(port, encode(bomb), { headers })).status, 413, encoding);
        assert.equal((await sendJson(port, encode(small).subarray(0, -4), { headers })).status, 400, encoding);
      }
      const trailing = Buffer.concat([zlib.gzipSync(small), Buffer.from('garbage')]);
      assert.equal((await sendJson(port, trailing, { headers: { 'content-encoding': 'gzip' } })).status, 400);
      for (const encoding of ['gzip, gzip', 'compress', 'x']) {
        assert.equal(
          (await sendJson(port, small, { headers: { 'content-encoding': encoding } })).status,
          415,
          encoding,
        );
      }
      const off = await serve(context, express, { inflate: false });
      assert.equal(
        (await sendJson(off, zlib.gzipSync(small), { headers: { 'content-encoding': 'gzip' } })).status,
        415,
      );
    });

    it('survives a bad charset with a bad coding and a verify function S-26', async (context) => {
      const port = await serve(context, express, { verify() {} });
      const headers = { 'content-type': 'application/json; charset=utf-bogus', 'content-encoding': 'gzip' };
      assert.equal((await sendJson(port, 'not gzip', { headers })).status, 415);
      assert.equal((await sendJson(port, '{}')).status, 200);
    });

    it('lets verify see the raw bytes first, and keeps them on request', async (context) => {
      /** @type {string[]} */
      const seen = [];
      const verify = (/** @type {any} */ _request, /** @type {any} */ _response, /** @type {Buffer} */ body) => {
        seen.push(body.toString());
        if (body.includes('bad')) throw Object.assign(new Error('secret reason'), { status: 401 });
        if (body.includes('worse')) throw new Error('secret reason');
      };
      const port = await serve(context, express, { verify, keepRaw: true });
      assert.equal(JSON.parse((await sendJson(port, OPERATORS)).body).raw, OPERATORS);
      assert.equal((await sendJson(port, '{"bad":1}')).status, 401);
      const refused = await sendJson(port, '{"worse"');
      assert.equal(refused.status, 403);
      assert.doesNotMatch(refused.body, /secret/);
      assert.deepEqual(seen, [OPERATORS, '{"bad":1}', '{"worse"']);
    });

    it('refuses duplicate keys, depth and counts by default S-30 S-31 S-36 S-40', async (context) => {
      const port = await serve(context, express, { limit: '2mb' });
      for (const [rule, text] of [
        ['duplicate', '{"role":"user","role":"admin"}'],
        ['duplicate', '{"role":"user","ro\\u006ce":"admin"}'],
        ['too-deep', '[{"a":'.repeat(3000)],
        ['too-deep', '['.repeat(200_000)],
        ['too-many-keys', JSON.stringify(Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, 1])))],
        ['key-too-long', JSON.stringify({ ['k'.repeat(1_000_000)]: 1 })],
        ['number-too-long', `[${'1'.repeat(1_000_000)}]`],
        ['too-many-elements', `[${'[],'.repeat(300_000)}1]`],
        ['nul', '{"a\\u0000b":1}'],
      ]) {
        const { status, body } = await sendJson(port, text);
        assert.deepEqual([status, JSON.parse(body).rule], [400, rule], text.slice(0, 40));
      }
    });

    it('passes an error on with onReject next', async (context) => {
      const port = await serve(context, express, { onReject: 'next', limit: 10 });
      assert.deepEqual(JSON.parse((await sendJson(port, '{"a"')).body).caught, 'entity.parse.failed');
      assert.deepEqual(JSON.parse((await sendJson(port, '{"a":123456789}')).body).caught, 'entity.too.large');
      assert.equal((await sendJson(port, '{"a":1}')).status, 200);
    });

    it('takes an empty body as {} and a byte order mark as nothing S-29', async (context) => {
      const port = await serve(context, express);
      assert.deepEqual(JSON.parse((await sendJson(port, '')).body).body, {});
      assert.deepEqual(JSON.parse((await sendJson(port, '\ufeff{"a":1}')).body).body, { a: 1 });
    });

    it('judges a body that the platform has read already', async (context) => {
      const app = express();
      app.use((/** @type {any} */ request, /** @type {any} */ _response, /** @type {any} */ next) => {
        const chunks = /** @type {Buffer[]} */ ([]);
        request.on('data', (/** @type {Buffer} */ chunk) => chunks.push(chunk));
        request.on('end', () => {
          const raw = Buffer.concat(chunks);
          if (request.url === '/raw') request.rawBody = raw;
          else request.body = request.url === '/text' ? raw.toString() : raw;
          next();
        });
      });
      app.use(json({ limit: 100 }));
      app.use((/** @type {any} */ request, /** @type {any} */ response) => response.json(request.body));
      const { port } = await listen(context, app);
      for (const path of ['/raw', '/text', '/bytes']) {
        assert.deepEqual(JSON.parse((await sendJson(port, OPERATORS, { path })).body), { user: {} }, path);
        assert.equal((await sendJson(port, `"${'x'.repeat(200)}"`, { path })).status, 413, path);
      }
    });
  });
}

describe('json', () => {
  it('answers an upload over the limit while the client still writes, and the client can read it S-39', async (context) => {
    const port = await serve(context, EXPRESS.express5, { limit: 1000 });
    const answer = await new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1');
      context.after(() => socket.destroy());
      socket.on('error', reject);
      // Never finishes its body: the answer has to come all the same.
      socket.write(
        'POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n',
      );
      socket.write(`7d0\r\n${'x'.repeat(2000)}\r\n`);
      socket.once('data', (chunk) => resolve(chunk.toString()));
    });
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.match(answer, /\r\nconnection: close\r\n/i);
    assert.match(answer, /ERR_CARAPACE_BODY_TOO_LARGE/);
  });

  it('lets a client that writes everything first read its 413', async (context) => {
    const port = await serve(context, EXPRESS.express5, { limit: 1000 });
    const text = await new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1');
      const size = 900_000;
      let answer = '';
      socket.on('error', reject);
      socket.pause();
      socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: ${size}\r\n\r\n`);
      socket.write('x'.repeat(size), () => socket.resume());
      socket.on('data', (chunk) => (answer += chunk));
      socket.on('end', () => resolve(answer));
    });
    assert.match(text, /^HTTP\/1\.1 413 /);
  });

  it('answers 408 for a body that does not arrive in time', async (context) => {
    const port = await serve(context, EXPRESS.express5, { readTimeoutMs: 1 });
    const answer = await new Promise((resolve, reject) => {
      const socket = net.connect(port, '127.0.0.1');
      context.after(() => socket.destroy());
      socket.on('error', reject);
      socket.write('POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{"a"');
      socket.once('data', (chunk) => resolve(chunk.toString()));
    });
    assert.match(answer, /^HTTP\/1\.1 408 /);
    assert.match(answer, /ERR_CARAPACE_BODY_TIMEOUT/);
  });

  it('calls next in the same tick for a request without a body', () => {
    let hasRun = false;
    const request = /** @type {any} */ ({ headers: {} });
    json()(request, /** @type {any} */ ({}), () => (hasRun = true));
    assert.equal(hasRun, true);
  });

  const BAD = [
    ...['abc', '10 mbb', '', '-1', '1e3', NaN, -1, 1.5, Infinity].map((limit) => ['json.limit', { limit }]),
    ['json.limit', { limit: null }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['json.inflate', { inflate: 'yes' }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['json.type', { type: 5 }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['json.type', { type: 'a/b/c' }],
    ['json.type', { type: [] }],
    ['json.type', { type: ['json', 5] }],
    ['json.verify', { verify: true }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['json.reviver', { reviver: {} }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['json.strict', { strict: 1 }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['json.keepRaw', { keepRaw: 'yes' }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['json.action', { action: 'drop' }],
    ['json.mode', { mode: 'dry-run' }],
    ['json.onReject', { onReject: 'throw' }],
    ['json.onFinding', { onFinding: [] }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['json.maxdepth', { maxdepth: 5 }, 'ERR_CARAPACE_OPTION_UNKNOWN'],
    ['json.protoAction', { protoAction: 'remove' }, 'ERR_CARAPACE_OPTION_UNKNOWN'],
    ...[0, -1, 1.5, NaN, 2 ** 31].map((readTimeoutMs) => ['json.readTimeoutMs', { readTimeoutMs }]),
    ...['maxDepth', 'maxKeys', 'maxElements', 'maxKeyLength', 'maxNumberLength'].flatMap((limit) => [
      ...[-1, 1.5, NaN, 2 ** 40].map((value) => [`json.${limit}`, { [limit]: value }]),
      [`json.${limit}`, { [limit]: '5' }, 'ERR_CARAPACE_OPTION_TYPE'],
    ]),
    ['json.duplicateKeys', { duplicateKeys: 'merge' }],
    ['json.proto.action', { proto: 'delete' }],
    ['json.proto', { proto: true }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['json.operator.replaceWith', { operator: { replaceWith: '$' } }],
    ['json.operator.replaceWith', { operator: { replaceWith: '' } }],
    ['json.operator.with', { operator: { with: '_' } }, 'ERR_CARAPACE_OPTION_UNKNOWN'],
    ['json.nul.replaceWith', { nul: { replaceWith: '_' } }, 'ERR_CARAPACE_OPTION_CONFLICT'],
    ['json.operator.allow', { operator: { allow: '/a' } }, 'ERR_CARAPACE_OPTION_TYPE'],
  ];
  for (const [path, options, code = 'ERR_CARAPACE_OPTION_VALUE'] of BAD) {
    it(`throws ${code} for ${path} given ${JSON.stringify(options)} S-24`, () => {
      assert.throws(() => json(/** @type {any} */ (options)), { name: 'CarapaceError', path, code });
    });
  }
});
