'use strict';

// json() against body-parser's: generated requests, each to both, on both majors of Express. What differs on purpose has
// a name here and a row in docs/migrating.md; everything else has to be equal.
const assert = require('node:assert/strict');
const { isUtf8 } = require('node:buffer');
const { EventEmitter } = require('node:events');
const { Readable } = require('node:stream');
const { describe, it } = require('node:test');
const zlib = require('node:zlib');
const bodyParser = require('body-parser');
const { json } = require('../..');
const { damage, jsonBody, jsonText } = require('../helpers/json-texts');
const { documentedDifferences } = require('../helpers/migrating');
const { applyDefaultRules } = require('../helpers/naive-rules');
const { isIdentical, observe } = require('../helpers/outcomes');
const { Random } = require('../helpers/random');
const { EXPRESS } = require('../helpers/servers');

/** @typedef {import('../helpers/outcomes').Outcome} Outcome */
/** @typedef {import('../helpers/outcomes').Sample & { text?: string, isUtf8?: boolean, charset?: string, coding?: string }} Sample */

const SEED = 20_261_120;
const SAMPLES = 160;

const ALL_OFF = {
  ...{ proto: 'off', operator: 'off', nul: 'off', duplicateKeys: 'last' },
  ...{
    maxDepth: Infinity,
    maxKeys: Infinity,
    maxElements: Infinity,
    maxKeyLength: Infinity,
    maxNumberLength: Infinity,
  },
};

/** @param {unknown[][]} calls */
const reviver = (calls) =>
  function (/** @type {string} */ key, /** @type {any} */ value) {
    calls.push(['reviver', key, typeof value === 'object' ? JSON.stringify(value) : String(value)]);
    if (key === 'c') throw new Error('not c');
    return typeof value === 'number' ? -value : value;
  };

/** @param {unknown[][]} calls */
const verify =
  (calls) =>
  (/** @type {any} */ request, /** @type {any} */ _r, /** @type {Buffer} */ body, /** @type {any} */ encoding) => {
    calls.push(['verify', body.toString('hex'), encoding, request.headers['x-id'] !== undefined]);
    const first = body[0] ?? 0;
    if (first === 0x5b) throw Object.assign(new Error('no arrays'), { status: 422, type: 'array.refused' });
    if (body.length % 7 === 0) throw Object.assign(new Error('no sevens'), { statusCode: 401 });
    if (body.length % 11 === 0) throw new Error('no elevens');
  };

/**
 * Options that both take.
 * @type {Record<string, (calls: unknown[][]) => Record<string, any>>}
 */
const OPTIONS = {
  default: () => ({}),
  lax: () => ({ strict: false }),
  'limit text': () => ({ limit: '0.1kb' }),
  'limit spaced text': () => ({ limit: '1  KB' }),
  'limit number': () => ({ limit: 64 }),
  'limit none': () => ({ limit: 0 }),
  'no inflate': () => ({ inflate: false }),
  'type suffix': () => ({ type: '+json' }),
  'type list': () => ({ type: ['json', 'text/*', 'application/*+json'] }),
  'type any': () => ({ type: '*/*' }),
  'type function': () => ({
    type: (/** @type {any} */ { headers }) => headers['transfer-encoding'] && headers['content-type'],
  }),
  reviver: (calls) => ({ reviver: reviver(calls), strict: false }),
  verify: (calls) => ({ verify: verify(calls), limit: 200 }),
  'verify and reviver': (calls) => ({ verify: verify(calls), reviver: reviver(calls) }),
};

const CHARSETS = [
  'utf-8',
  'UTF-8',
  '"utf-8"',
  'utf-7',
  'utf-16le',
  'utf-16',
  'utf-bogus',
  'iso-8859-1',
  'utf8',
  'us-ascii',
  '',
];
const UTF8_NAMES = ['utf8', 'us-ascii'];
const TYPES = [
  'application/vnd.api+json',
  'text/plain',
  'application/jsonx',
  'Application/JSON',
  'application/json ',
  'bad',
  '',
];
const CODINGS = {
  gzip: zlib.gzipSync,
  GZIP: zlib.gzipSync,
  deflate: zlib.deflateSync,
  br: zlib.brotliCompressSync,
  raw: (/** @type {Buffer} */ body) => body,
};

/**
 * @param {Random} random
 * @param {boolean} hasDefaultRules
 * @returns {Sample}
 */
function generate(random, hasDefaultRules) {
  let text = jsonBody(random, { ruleKeys: true, duplicates: !hasDefaultRules || random.chance(0.1) });
  if (random.chance(0.1)) text = damage(random, text);
  if (random.chance(0.03)) {
    text = random.pick(['', ' ', '\ufeff', '\ufeff\ufeff{}', '{}{}', 'null', '[[[[]]]]', '"x"', ' \n{}']);
  }
  if (random.chance(0.05)) text = `\ufeff${text}`;
  let body = Buffer.from(text);
  if (random.chance(0.04)) body = Buffer.concat([Buffer.from('{"a":"'), random.pick(BAD_UTF8), Buffer.from('"}')]);
  const sample = {
    text: body.toString(),
    isUtf8: isUtf8(body),
    body,
    headers: /** @type {Record<string, string>} */ ({}),
  };
  const type = random.chance(0.1) ? random.pick(TYPES) : 'application/json';
  const charset = random.chance(0.2) ? random.pick(CHARSETS) : undefined;
  const parameters =
    charset === undefined ? '' : `${random.pick([';', '; a=b; ', '; x="; charset=utf-7";'])}charset=${charset}`;
  if (type !== '') sample.headers['content-type'] = type + parameters;
  const name = charset?.replaceAll('"', '').toLowerCase();
  const coding = random.chance(0.15) ? encode(random, sample) : undefined;
  return { ...sample, isChunked: random.chance(0.3), charset: type === '' ? undefined : name || undefined, coding };
}

const BAD_UTF8 = [[0xff], [0xc0, 0xae], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf5, 0x80, 0x80, 0x80]].map((bytes) =>
  Buffer.from(bytes),
);

/**
 * @param {Random} random
 * @param {{ body: Buffer, headers: Record<string, string> }} sample
 * @returns {string} what is wrong with the coding, if anything
 */
function encode(random, sample) {
  const [name, code] = random.pick(Object.entries(CODINGS));
  const header = name === 'raw' ? random.pick(['identity', 'IDENTITY', 'gzip', 'x', 'gzip, gzip']) : name;
  sample.headers['content-encoding'] = header;
  sample.body = code(sample.body);
  if (name === 'raw') return header === 'gzip' ? 'broken' : 'whole';
  if (random.chance(0.1)) {
    sample.body = sample.body.subarray(0, -3);
    return 'broken';
  }
  if (random.chance(0.1)) {
    sample.body = Buffer.concat([sample.body, Buffer.from('garbage')]);
    return 'trailing';
  }
  return 'whole';
}

/** @type {Set<string>} */
const met = new Set();

/**
 * What json() has to make of a request of which body-parser makes `peer`.
 * @param {Sample} sample
 * @param {Outcome} peer
 * @param {boolean} hasDefaultRules
 * @param {Outcome} ours
 * @returns {Partial<Outcome>}
 */
function expected(sample, peer, hasDefaultRules, ours) {
  /** @param {string} id @param {Partial<Outcome>} outcome */
  const differs = (id, outcome) => {
    met.add(id);
    return { ...peer, ...outcome };
  };
  const isSkipped = peer.status === 200 && peer.body === undefined;
  if (isSkipped) return peer;
  if (sample.charset !== undefined && sample.charset !== 'utf-8' && !UTF8_NAMES.includes(sample.charset)) {
    const fields = { charset: sample.charset };
    const outcome = { status: 415, type: 'charset.unsupported', fields, body: undefined, calls: [] };
    return peer.type === 'charset.unsupported' ? { ...peer, ...outcome } : differs('utf-8-only', outcome);
  }
  const coded = sample.coding && expectedOfCoding(sample.coding, peer, ours, differs);
  if (coded) return coded;
  const isRead = peer.status === 200 || peer.type === 'entity.parse.failed';
  if (!isRead) return peer;
  if (!sample.isUtf8) {
    return differs('invalid-utf-8', { status: 400, type: 'entity.parse.failed', body: undefined, calls: ours.calls });
  }
  return hasDefaultRules ? expectedByRules(sample, peer, ours, differs) : peer;
}

/**
 * @param {string} coding
 * @param {Outcome} peer
 * @param {Outcome} ours
 * @param {(id: string, outcome: Partial<Outcome>) => Partial<Outcome>} differs
 */
function expectedOfCoding(coding, peer, ours, differs) {
  const invalid = { status: 400, type: 'encoding.invalid', fields: {}, body: undefined, calls: [] };
  const isTooLarge = peer.type === 'entity.too.large';
  const isTaken = peer.status === 200 || peer.type !== undefined;
  // Of a broken coding either fault may show first.
  if (coding !== 'whole' && peer.type !== 'encoding.unsupported' && (isTooLarge || !isTaken || coding === 'trailing')) {
    const id = coding === 'trailing' ? 'trailing-bytes' : 'coding-errors';
    return differs(id, ours.type === 'entity.too.large' && (isTooLarge || !isTaken) ? pick(ours) : invalid);
  }
  if (isTooLarge && peer.fields.expected === undefined && ours.fields.received === undefined) {
    return differs('received-of-coded', { fields: { limit: peer.fields.limit } });
  }
  return undefined;
}

/**
 * @param {Sample} sample
 * @param {Outcome} peer
 * @param {Outcome} ours
 * @param {(id: string, outcome: Partial<Outcome>) => Partial<Outcome>} differs
 */
function expectedByRules(sample, peer, ours, differs) {
  const rejected = { status: 400, type: 'entity.rejected', body: undefined };
  // Of text that is not JSON the rules may see something first.
  if (peer.status === 400) return ours.type === 'entity.rejected' ? differs('refused-keys', rejected) : peer;
  const text = /** @type {string} */ (sample.text).replace(/^\ufeff/, '');
  if (text === '') return peer;
  const { isRefused, hasFindings, value } = applyDefaultRules(text);
  if (isRefused) return differs('refused-keys', rejected);
  return hasFindings ? differs('removed-keys', { body: value }) : peer;
}

/**
 * @param {Partial<Outcome>} left
 * @param {Partial<Outcome>} right
 */
function isSame(left, right) {
  const { status, type, fields, calls } = left;
  assert.deepEqual({ status, type, fields, calls }, pick(right));
  return isIdentical(left.body, right.body);
}

/** @param {Partial<Outcome>} outcome */
function pick({ status, type, fields, calls }) {
  return { status, type, fields, calls };
}

/**
 * The middlewares of one set of options, each noting calls in lists of their own.
 * @returns {Record<string, (calls: unknown[][]) => any>}
 */
function middlewares() {
  /** @type {Record<string, (calls: unknown[][]) => any>} */
  const all = {};
  for (const [name, options] of Object.entries(OPTIONS)) {
    all[`${name}, peer`] = (calls) => bodyParser.json(options(calls));
    all[`${name}, off`] = (calls) => json({ ...options(calls), ...ALL_OFF, onReject: 'next' });
    if (!name.includes('reviver')) all[`${name}, rules`] = (calls) => json({ ...options(calls), onReject: 'next' });
  }
  return all;
}

describe('json and body-parser', () => {
  it('make the same of generated requests, on Express 4 and 5', { timeout: 60_000 }, async (context) => {
    const all = middlewares();
    const outcomeOf = await observe(context, all);
    let compared = 0;
    const runs = Object.keys(OPTIONS).flatMap((name, index) =>
      Object.keys(EXPRESS).map(async (major, side) => {
        const random = new Random(SEED + index * 2 + side);
        for (let turn = 0; turn < SAMPLES; turn += 1) {
          const hasDefaultRules = turn % 2 === 1 && Object.hasOwn(all, `${name}, rules`);
          const sample = generate(random, hasDefaultRules);
          const isRenamed = UTF8_NAMES.includes(sample.charset ?? '');
          const ours = await outcomeOf(major, `${name}, ${hasDefaultRules ? 'rules' : 'off'}`, sample);
          let peer = await outcomeOf(major, `${name}, peer`, sample);
          if (isRenamed && peer.type === 'charset.unsupported') {
            met.add('charset-names');
            const headers = {
              ...sample.headers,
              'content-type': String(sample.headers['content-type']).replace(/charset=.*/, 'charset=utf-8'),
            };
            peer = await outcomeOf(major, `${name}, peer`, { ...sample, headers });
          }
          const wanted = expected(sample, peer, hasDefaultRules, ours);
          const label = `${major}, ${name}, ${hasDefaultRules ? 'rules' : 'off'}, ${JSON.stringify(sample.headers)}, ${sample.text}`;
          assert.ok(isSame(wanted, ours), label);
          compared += 1;
        }
      }),
    );
    await Promise.all(runs);
    assert.ok(compared >= 2_000, `${compared} requests`);
  });
});

/**
 * A request without a connection, which may break the rules that Node's own parser enforces.
 * @param {string | Buffer | undefined} text `undefined`: nothing comes yet
 * @param {Record<string, string>} [headers]
 * @returns {any}
 */
function fakeRequest(text, headers = {}) {
  const request = new Readable({ read() {} });
  if (text !== undefined) request.push(Buffer.from(text));
  if (text !== undefined) request.push(null);
  const length = `${Buffer.byteLength(text ?? '{"a":1}')}`;
  const all = { 'content-type': 'application/json', 'content-length': length, ...headers };
  const socket = Object.assign(new EventEmitter(), { readable: true });
  request.on('close', () => Object.assign(socket, { readable: false }).emit('close'));
  return Object.assign(request, { headers: all, httpVersionMajor: 1, complete: text !== undefined, socket });
}

/** @param {any} middleware @param {any} request @returns {Promise<any>} what `next` got */
function run(middleware, request) {
  return new Promise((resolve) => middleware(request, { headersSent: false }, resolve));
}

const ours = (options = {}) => json({ ...options, onReject: 'next' });

describe('json and body-parser, beyond the protocol', () => {
  it('say the same about a body of another length than declared', async () => {
    const random = new Random(SEED);
    for (let turn = 0; turn < 200; turn += 1) {
      const text = jsonText(random);
      const headers = { 'content-length': `${Buffer.byteLength(text) + random.below(3) - 1}` };
      const errors = [
        await run(bodyParser.json(), fakeRequest(text, headers)),
        await run(ours(), fakeRequest(text, headers)),
      ];
      const [peer, own] = errors.map(
        (error) => error && [error.status, error.type, error.expected, error.length, error.received],
      );
      assert.deepEqual(own, peer, text);
    }
  });

  it('say the same about an aborted request, but for the code', async () => {
    const [peer, own] = await Promise.all(
      [bodyParser.json(), ours()].map((middleware) => {
        const request = fakeRequest(undefined, { 'content-length': '9' });
        const outcome = run(middleware, request);
        request.push('{"a"');
        setImmediate(() => {
          request.emit('aborted');
          request.destroy();
        });
        return outcome;
      }),
    );
    for (const field of ['status', 'type', 'expected', 'length', 'received']) {
      assert.equal(own[field], peer[field], field);
    }
    differs('aborted-code', peer.code, 'ECONNABORTED', own.code, 'ERR_CARAPACE_BODY_ABORTED');
  });

  it('say the same about a stream with an encoding, and about one that was read', async () => {
    for (const prepare of [(/** @type {any} */ r) => r.setEncoding('utf8'), (/** @type {any} */ r) => r.destroy()]) {
      const [peer, own] = await Promise.all(
        [bodyParser.json(), ours()].map((middleware) => {
          const request = fakeRequest('{"a":1}');
          prepare(request);
          return run(middleware, request);
        }),
      );
      assert.deepEqual([own?.status, own?.type], [peer?.status, peer?.type]);
    }
    for (const middleware of [bodyParser.json(), ours()]) {
      const request = fakeRequest('{"a":1}');
      await new Promise((resolve) => request.resume().on('end', resolve));
      assert.equal(await run(middleware, request), undefined);
      assert.equal(request.body, undefined);
    }
  });
});

/**
 * Notes a difference of which each side shows its part.
 * @param {string} id
 * @param {unknown} peer
 * @param {unknown} peerExpected
 * @param {unknown} own
 * @param {unknown} ownExpected
 */
function differs(id, peer, peerExpected, own, ownExpected) {
  assert.deepEqual(peer, peerExpected, `body-parser, ${id}`);
  assert.deepEqual(own, ownExpected, `json(), ${id}`);
  met.add(id);
}

describe('json differs from body-parser on purpose', () => {
  it('in the size of the coded bytes', async () => {
    // A gzip header whose file name alone is beyond the limit.
    const plain = zlib.gzipSync('{"a":1}');
    const body = Buffer.concat([
      plain.subarray(0, 3),
      Buffer.from([8]),
      plain.subarray(4, 10),
      Buffer.alloc(9_000, 'x'),
      Buffer.from([0]),
      plain.subarray(10),
    ]);
    const headers = { 'content-encoding': 'gzip' };
    const [peer, own] = [fakeRequest(body, headers), fakeRequest(body, headers)];
    const errors = [await run(bodyParser.json({ limit: 1000 }), peer), await run(ours({ limit: 1000 }), own)];
    differs('coded-size', [errors[0], peer.body], [undefined, { a: 1 }], errors[1].type, 'entity.too.large');
  });

  it('in the error: one class of its own, without the body', async () => {
    const verify = () => {
      throw new RangeError('mine');
    };
    const errors = [];
    for (const middleware of [bodyParser.json(), ours()]) errors.push(await run(middleware, fakeRequest('{"secret"')));
    for (const middleware of [bodyParser.json({ verify }), ours({ verify })]) {
      errors.push(await run(middleware, fakeRequest('{"a":1}')));
    }
    const [peer, own, peerVerify, ownVerify] = errors;
    differs(
      'error-object',
      [peer.name, peer.body, peerVerify.name],
      ['SyntaxError', '{"secret"', 'RangeError'],
      [own.name, own.body, ownVerify.name],
      ['CarapaceError', undefined, 'CarapaceError'],
    );
    assert.deepEqual([own.cause.name, ownVerify.cause.name], ['SyntaxError', 'RangeError']);
  });

  it('in a body that is there already', async () => {
    const bodies = [];
    for (const middleware of [bodyParser.json(), ours()]) {
      const request = Object.assign(fakeRequest('{"a":1}'), { body: '{"$b":1,"c":2}' });
      await run(middleware, request);
      bodies.push(request.body);
    }
    differs('given-body', bodies[0], { a: 1 }, bodies[1], { c: 2 });
  });

  it('in when it refuses', async () => {
    const calls = /** @type {string[]} */ ([]);
    const headers = { 'content-length': '1000' };
    for (const [name, middleware] of Object.entries({ peer: bodyParser.json({ limit: 9 }), own: ours({ limit: 9 }) })) {
      const request = fakeRequest(undefined, headers);
      middleware(request, /** @type {any} */ ({}), () => calls.push(name));
      await new Promise((resolve) => setImmediate(resolve));
      calls.push(`end of ${name}`);
      request.destroy();
    }
    const isAtOnce = (/** @type {string} */ name) =>
      calls.includes(name) && calls.indexOf(name) < calls.indexOf(`end of ${name}`);
    differs('refused-at-once', isAtOnce('peer'), false, isAtOnce('own'), true);
  });

  it('in bodies that never end', async (context) => {
    context.mock.timers.enable({ apis: ['setTimeout'] });
    const requests = [fakeRequest(undefined), fakeRequest(undefined)];
    const errors = /** @type {any[]} */ ([]);
    bodyParser.json()(requests[0], /** @type {any} */ ({}), (error) => (errors[0] = error));
    ours()(requests[1], /** @type {any} */ ({}), (/** @type {any} */ error) => (errors[1] = error));
    context.mock.timers.tick(30_000);
    differs('read-timeout', errors[0], undefined, [errors[1].status, errors[1].type], [408, 'request.timeout']);
    for (const request of requests) request.destroy();
  });

  it('in a request that something paused', async () => {
    const bodies = [];
    for (const middleware of [bodyParser.json(), ours()]) {
      const request = fakeRequest('{"a":1}');
      request.pause();
      middleware(request, /** @type {any} */ ({}), () => {});
      for (let turn = 0; turn < 5; turn += 1) await new Promise((resolve) => setImmediate(resolve));
      bodies.push(request.body);
    }
    differs('paused-request', bodies[0], undefined, bodies[1], { a: 1 });
  });

  it('in HTTP/2 bodies without a length', async () => {
    const requests = [fakeRequest('{"a":1}'), fakeRequest('{"a":1}')];
    for (const request of requests) {
      delete request.headers['content-length'];
      Object.assign(request, { httpVersionMajor: 2, stream: { endAfterHeaders: false } });
    }
    await run(bodyParser.json(), requests[0]);
    await run(ours(), requests[1]);
    differs('http2-bodies', requests[0].body, undefined, requests[1].body, { a: 1 });
  });

  it('in a check that answers with a promise', async () => {
    const verify = () => Promise.reject(new Error('bad signature'));
    const swallowed = () => ({
      then: (/** @type {any} */ _ok, /** @type {any} */ fail) => fail?.(new Error('bad signature')),
    });
    const peer = await run(bodyParser.json({ verify: /** @type {any} */ (swallowed) }), fakeRequest('{"a":1}'));
    const own = await run(ours({ verify: /** @type {any} */ (verify) }), fakeRequest('{"a":1}'));
    differs('verify-promise', peer, undefined, own.status, 403);
  });

  it('in the case of media types among the options', async () => {
    const bodies = [];
    for (const create of [bodyParser.json, ours]) {
      const request = fakeRequest('{"a":1}');
      await run(create({ type: 'Application/JSON' }), request);
      bodies.push(request.body);
    }
    differs('type-case', bodies[0], undefined, bodies[1], { a: 1 });
  });

  it('in options that make no sense', () => {
    const options = [
      { limit: '10 mbb' },
      { limit: -1 },
      { limit: null },
      { limit: Infinity },
      { type: [] },
      { type: 'nonsense' },
      { verify: false },
      { reviver: 5 },
      { strict: 0 },
      { defaultCharset: 'utf-8' },
      { unknown: 1 },
    ];
    for (const each of options) {
      assert.doesNotThrow(() => bodyParser.json(/** @type {any} */ (each)), JSON.stringify(each));
      assert.throws(() => json(/** @type {any} */ (each)), { name: 'CarapaceError' }, JSON.stringify(each));
    }
    met.add('option-values');
  });

  it('in nothing else: docs/migrating.md names the same differences', () => {
    assert.deepEqual(documentedDifferences('body-parser'), [...met].sort());
  });
});
