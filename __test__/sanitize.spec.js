'use strict';

const assert = require('node:assert/strict');
const { existsSync, readFileSync } = require('node:fs');
const { join } = require('node:path');
const querystring = require('node:querystring');
const { describe, it } = require('node:test');
const vm = require('node:vm');
const fc = require('fast-check');
const { CarapaceError, carapace, json, sanitize } = require('..');
const { marksOf } = require('../lib/sanitize/key-marks');
const { EXPRESS, listen, send, sendJson } = require('./helpers/servers');

/** @typedef {import('..').SanitizeValueOptions} ValueOptions */

const FORM = 'application/x-www-form-urlencoded';
const NO_LIMITS = { maxDepth: Infinity, maxKeys: Infinity, maxElements: Infinity, maxKeyLength: Infinity };

/**
 * What `sanitize.value` does with a value: the result, or the refusal, and the findings.
 * @param {unknown} value
 * @param {ValueOptions} [options]
 */
function outcomeOf(value, options) {
  /** @type {any[]} */
  const findings = [];
  try {
    const result = sanitize.value(value, { ...options, onFinding: (finding) => findings.push(finding) });
    return { result, findings };
  } catch (error) {
    assert.ok(error instanceof CarapaceError);
    assert.deepEqual([error.status, error.code], [400, 'ERR_CARAPACE_REQUEST_REJECTED']);
    return { refusal: error.rule, pointer: error.pointer, findings };
  }
}

/**
 * What `json()` does with a text, called with the request that a platform leaves after it has read the body.
 * @param {string | Buffer} text
 * @param {import('..').JsonOptions} [options]
 */
function outcomeOfBytes(text, options) {
  /** @type {any[]} */
  const findings = [];
  const body = Buffer.from(text);
  const request = /** @type {any} */ ({ headers: { 'content-type': 'application/json' }, body, readableDidRead: true });
  /** @type {any} */
  let error;
  const onFinding = (/** @type {any} */ { location: _location, ...finding }) => findings.push(finding);
  const options_ = { strict: false, limit: 2 ** 28, ...options, onFinding, onReject: /** @type {const} */ ('next') };
  // A value in error position stands for a request that is read on; nothing of it is used.
  request.unpipe = request.resume = () => request;
  json(options_)(request, /** @type {any} */ ({ headersSent: false }), (given) => (error = given));
  if (error === undefined) return { result: request.body, findings };
  return { refusal: error.rule ?? error.type, pointer: error.pointer, findings };
}

/** Key order, NaN and prototypes count: as text with the kinds of all values. @param {unknown} value */
function exactly(value) {
  return JSON.stringify(value, (_key, inner) => (typeof inner === 'number' ? `number ${inner}` : inner));
}

describe('sanitize.value', () => {
  it('takes prototype and operator keys out at any depth S-32 S-33 S-47 S-49', () => {
    const parsed = (/** @type {string} */ text) => JSON.parse(text);
    for (const [text, expected] of [
      ['{"email":{"$gt":""},"a":1}', '{"email":{},"a":1}'],
      ['[{"$ne":1}]', '[{}]'],
      ['{"__proto__":{"x":1},"b":[{"__proto__":1,"c":[[{"$in":[]}]]}]}', '{"b":[{"c":[[{}]]}]}'],
      ['{"constructor":{"prototype":{}},"prototype":1}', '{"prototype":1}'],
      ['{"constructor":{"name":1}}', '{"constructor":{"name":1}}'],
      ['{"constructor":null}', '{"constructor":null}'],
      ['{"a.$where":"1","a.b":2,"a.b.$gt":1}', '{"a.b":2}'],
      ['{"text":"$gt __proto__"}', '{"text":"$gt __proto__"}'],
      ['{"\\uff04ne":1}', '{"\\uff04ne":1}'],
    ]) {
      assert.equal(exactly(sanitize.value(parsed(text))), exactly(parsed(expected)), text);
      assert.equal(sanitize.has(parsed(text)), text !== expected, text);
    }
  });

  it('refuses keys with NUL by default S-50', () => {
    assert.deepEqual(outcomeOf({ a: [{ 'x\0$where': 1 }] }), {
      refusal: 'nul',
      pointer: '/a/0/x\0$where',
      findings: [{ rule: 'nul', path: '/a/0/x\0$where', action: 'reject' }],
    });
    assert.deepEqual(sanitize.value({ 'x\0': 1, y: 2 }, { nul: 'strip' }), { y: 2 });
  });

  it('returns a clean value itself, and never writes to its input', () => {
    const clean = Object.freeze({ a: Object.freeze([1, Object.freeze({ b: 'c' })]) });
    assert.equal(sanitize.value(clean), clean);
    for (const value of [null, undefined, 1, 'text', true, Symbol.iterator, 1n]) {
      assert.equal(sanitize.value(value), value);
    }
    const dirty = Object.freeze({ a: Object.freeze([Object.freeze({ $gt: 1, b: 2 })]) });
    assert.deepEqual(sanitize.value(dirty), { a: [{ b: 2 }] });
    assert.equal(dirty.a[0].$gt, 1);
  });

  it('survives frozen, sealed and inextensible values, which get a copy S-50', () => {
    for (const seal of [Object.freeze, Object.seal, Object.preventExtensions]) {
      const value = seal({ $where: 1, list: seal([seal({ $gt: 1, k: 1 })]) });
      const cleaned = sanitize.value(value);
      assert.deepEqual(cleaned, { list: [{ k: 1 }] });
      assert.ok(Object.isExtensible(cleaned));
      assert.deepEqual(Object.getOwnPropertyDescriptor(cleaned, 'list')?.writable, true);
    }
  });

  it('does not enter instances of classes, which stay what they are S-50', () => {
    class ObjectId {
      $oid = 'x';
      constructor() {
        /** @type {any} */ (this)['a.$b'] = 1;
      }
    }
    const instances = {
      buffer: Buffer.from('$'),
      date: new Date(0),
      id: new ObjectId(),
      map: new Map([['$gt', 1]]),
      set: new Set(['$gt']),
      error: Object.assign(new Error('x'), { $gt: 1 }),
      regexp: /\$/,
      typed: new Uint8Array(3),
      run: Object.assign(() => {}, { $gt: 1 }),
      url: new URLSearchParams('$a=1'),
    };
    assert.equal(sanitize.value(instances), instances);
    const cleaned = sanitize.value({ ...instances, $gt: 1 });
    assert.deepEqual(Object.keys(cleaned), Object.keys(instances));
    for (const [name, instance] of Object.entries(instances)) {
      assert.equal(/** @type {any} */ (cleaned)[name], instance);
    }
  });

  it('enters objects without prototype, of another realm and of querystring', () => {
    const bare = Object.assign(Object.create(null), { $a: 1, b: 2 });
    const cleaned = sanitize.value(bare);
    assert.deepEqual([Object.getPrototypeOf(cleaned), Object.keys(cleaned)], [null, ['b']]);
    const foreign = vm.runInNewContext('({ $a: 1, b: [{ $c: 1 }] })');
    assert.equal(JSON.stringify(sanitize.value(foreign)), '{"b":[{}]}');
    assert.equal(Object.getPrototypeOf(sanitize.value(foreign)), Object.getPrototypeOf(foreign));
    const query = querystring.parse('$a=1&b=2&__proto__=3');
    assert.deepEqual(Object.keys(sanitize.value(query)), ['b']);
    assert.equal(Object.getPrototypeOf(sanitize.value(query)), Object.getPrototypeOf(query));
  });

  it('calls no getter and no setter', () => {
    let calls = 0;
    const make = () =>
      Object.defineProperties(
        { $a: 1, b: { $c: 1 } },
        {
          lazy: { get: () => (calls += 1), enumerable: true, configurable: true },
          $lazy: { get: () => (calls += 1), enumerable: true, configurable: true },
          sink: {
            set: (_value) => {
              calls += 1;
            },
            enumerable: true,
            configurable: true,
          },
        },
      );
    const cleaned = sanitize.value(make());
    assert.equal(calls, 0);
    assert.deepEqual(Object.keys(cleaned), ['b', 'lazy', 'sink']);
    assert.equal(typeof Object.getOwnPropertyDescriptor(cleaned, 'lazy')?.get, 'function');
    const clean = { b: 1, ...make().b, $c: undefined };
    delete (/** @type {any} */ (clean).$c);
    Object.defineProperty(clean, 'lazy', { get: () => (calls += 1), enumerable: true });
    assert.equal(sanitize.value(clean), clean);
    assert.equal(calls, 0);
  });

  it('keeps symbols, hidden properties and holes of what it copies', () => {
    const tag = Symbol('tag');
    const value = Object.defineProperty({ $a: 1, [tag]: { $kept: 1 } }, 'hidden', { value: 5 });
    const cleaned = /** @type {any} */ (sanitize.value(value));
    assert.deepEqual([cleaned[tag], cleaned.hidden, Object.keys(cleaned)], [{ $kept: 1 }, 5, []]);
    // eslint-disable-next-line no-sparse-arrays
    const [sparse] = sanitize.value([[1, , { $a: 1 }]]);
    assert.deepEqual([sparse.length, 1 in sparse, sparse[2]], [3, false, {}]);
  });

  it('ends on cycles and shared parts, whose copies are cyclic and shared S-30', () => {
    const clean = /** @type {any} */ ({ list: [] });
    clean.self = clean;
    clean.list.push(clean.list);
    assert.equal(sanitize.value(clean), clean);
    const dirty = /** @type {any} */ ({ a: { $gt: 1 }, $where: 1 });
    dirty.self = dirty;
    dirty.twin = dirty.a;
    const cleaned = sanitize.value(dirty);
    assert.equal(cleaned.self, cleaned);
    assert.equal(cleaned.twin, cleaned.a);
    assert.deepEqual(Object.keys(cleaned), ['a', 'self', 'twin']);
    let doubled = /** @type {any[]} */ ([{ $gt: 1 }]);
    for (let level = 0; level < 60; level += 1) doubled = [doubled, doubled];
    let inside = sanitize.value(doubled);
    for (let level = 0; level < 60; level += 1) inside = inside[level % 2];
    assert.deepEqual(inside, [{}]);
  });

  it('bounds its work: depth, keys, elements and key length S-30 S-40', () => {
    const deep = JSON.parse(`${'{"a":'.repeat(200_000)}1${'}'.repeat(200_000)}`);
    const keys = Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`k${index}`, index]));
    for (const [value, refusal, pointer] of [
      [deep, 'too-deep', '/a'.repeat(64)],
      [JSON.parse(`${'['.repeat(65)}${']'.repeat(65)}`), 'too-deep', '/0'.repeat(64)],
      [keys, 'too-many-keys', '/k10000'],
      [{ list: new Array(100_001) }, 'too-many-elements', '/list'],
      [{ a: { ['k'.repeat(1025)]: 1 } }, 'key-too-long', `/a/${'k'.repeat(1000)}…`],
      [{ ['é'.repeat(513)]: 1 }, 'key-too-long', `/${'é'.repeat(513)}`],
    ]) {
      const outcome = outcomeOf(value);
      assert.deepEqual([outcome.refusal, outcome.pointer], [refusal, pointer]);
      assert.equal(sanitize.has(value), true);
    }
    assert.equal(sanitize.has(JSON.parse(`${'['.repeat(64)}${']'.repeat(64)}`)), false);
    assert.equal(sanitize.has({ ['é'.repeat(512)]: 1 }), false);
  });

  it('walks what is 200,000 deep without recursion when depth is not limited S-30', () => {
    const root = /** @type {any} */ ({ a: {} });
    let inner = root.a;
    for (let level = 0; level < 200_000; level += 1) inner = inner.a = level % 2 === 0 ? { a: {} }.a : {};
    assert.equal(sanitize.value(root, NO_LIMITS), root);
    inner.$gt = 1;
    let cleaned = sanitize.value(root, NO_LIMITS);
    assert.notEqual(cleaned, root);
    while (cleaned.a) cleaned = cleaned.a;
    assert.deepEqual(cleaned, {});
  });

  it('does not go through the holes of an enormous array', () => {
    const sparse = /** @type {any[]} */ ([]);
    sparse[4_000_000_000] = { $gt: 1, a: 1 };
    const options = { maxElements: Infinity };
    assert.deepEqual(sanitize.value(sparse, options)[4_000_000_000], { a: 1 });
    assert.equal(outcomeOf(sparse).refusal, 'too-many-elements');
  });

  it('is not moved by a polluted Object.prototype S-51', (context) => {
    const prototype = /** @type {any} */ (Object.prototype);
    const polluted = { $where: 1, 'a.$b': 1, prototype: {}, 0: { $gt: 1 }, value: { $gt: 1 }, action: 'off' };
    context.after(() => Object.keys(polluted).forEach((name) => delete prototype[name]));
    Object.assign(prototype, polluted);
    const value = { a: [1], constructor: { x: 1 } };
    assert.equal(sanitize.value(value), value);
    assert.deepEqual(Object.keys(sanitize.value({ $gt: 1, value: 2, 0: 3 })), ['0', 'value']);
  });

  it('survives a frozen Object.prototype', () => {
    const script = `const assert = require('node:assert'); const { sanitize } = require('./index.js');
      Object.freeze(Object.prototype); Object.freeze(Array.prototype);
      const value = sanitize.value(JSON.parse('{"toString":1,"constructor":2,"$a":3,"l":[{"valueOf":1,"$b":1}]}'));
      assert.equal(JSON.stringify(value), '{"toString":1,"constructor":2,"l":[{"valueOf":1}]}');`;
    const { spawnSync } = require('node:child_process');
    const { status, stderr } = spawnSync(process.execPath, ['-e', script], { cwd: join(__dirname, '..') });
    assert.equal(status, 0, String(stderr));
  });

  it('renames without overwriting a sibling S-48', () => {
    const operator = { replaceWith: '_' };
    for (const [value, expected] of [
      [{ _id: 'victim', $id: 'attacker' }, { _id: 'victim' }],
      [{ $id: 'attacker', _id: 'victim' }, { _id: 'victim' }],
      [
        { $id: 1, 'x.$y': 2, $z: { $q: 3 } },
        { _id: 1, x_$y: 2, _z: { _q: 3 } },
      ],
      [{ '$a.b': 1, $a_b: 2 }, { _a_b: 1 }],
      [{ $_proto__: { x: 1 } }, {}],
      [{ $: 1 }, { _: 1 }],
    ]) {
      assert.equal(exactly(sanitize.value(value, { operator })), exactly(expected));
    }
    assert.deepEqual(sanitize.value({ $: { x: 1 }, $a: 1 }, { operator: { replaceWith: '__proto__' } }), {
      __proto__a: 1,
    });
  });

  it('leaves allowed places alone, and only those', () => {
    const options = { operator: { allow: ['/filter/*', '/a~1b/0/$gt'] } };
    assert.deepEqual(
      sanitize.value({ filter: { $or: [{ $gt: 1 }] }, $or: 1, 'a/b': [{ $gt: 1, $lt: 1 }, { $gt: 1 }] }, options),
      { filter: { $or: [{}] }, 'a/b': [{ $gt: 1 }, {}] },
    );
  });

  it('lists a hundred findings and removes all', () => {
    const value = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`$${index}`, 1]));
    const { findings, result } = outcomeOf({ ...value, a: 1 });
    assert.deepEqual([findings.length, result], [100, { a: 1 }]);
  });

  it('only tells in report mode', () => {
    const value = { $a: 1, 'b\0': 2 };
    const outcome = outcomeOf(value, { mode: 'report' });
    assert.equal(outcome.result, value);
    assert.deepEqual(outcome.findings, [{ rule: 'nul', path: '/b\0', action: 'reject' }]);
    assert.deepEqual(outcomeOf({ $a: 1 }, { action: 'report' }).findings, [
      { rule: 'operator', path: '/$a', action: 'report' },
    ]);
  });

  it('looks into JSON text when it is told to, and cuts only what is found S-51', () => {
    const jsonStrings = true;
    const text = '{ "$and":[{"$where":"this.isAdmin"}], "n": 1.50, "deep":[{"__proto__":1,"k":"\\u0041"}] }';
    const value = { match: text, list: ['[1]', 'plain', '{"a":1}', '{{template}}', '[[$x]]'], note: '{"$ not json' };
    assert.equal(sanitize.value(value), value);
    const { result, findings } = outcomeOf(value, { jsonStrings });
    const expected = '{ "n": 1.50, "deep":[{"k":"\\u0041"}] }';
    assert.deepEqual(result, { ...value, match: expected });
    assert.deepEqual(
      findings.map(({ rule, path }) => [rule, path]),
      [
        ['operator', '/match/$and'],
        ['proto', '/match/deep/0/__proto__'],
      ],
    );
    assert.equal(outcomeOf({ a: ['\n[{"b\\u0000":1}]'] }, { jsonStrings }).pointer, '/a/0/0/b\0');
    assert.equal(outcomeOf({ a: '['.repeat(100) + ']'.repeat(100) }, { jsonStrings }).refusal, 'too-deep');
    const open = { a: '['.repeat(100), b: '{"$a":' };
    assert.equal(sanitize.value(open, { jsonStrings }), open);
    assert.equal(sanitize.value('{"$a":1}', { jsonStrings }), '{}');
    assert.equal(sanitize.has({ a: '{"$a":1}' }, { jsonStrings }), true);
  });

  it('compiles rules once for many values', () => {
    const strict = sanitize.compile({ action: 'reject' });
    assert.throws(() => strict.value({ a: [{ $gt: 1 }] }), { rule: 'operator', pointer: '/a/0/$gt', status: 400 });
    assert.equal(strict.has({ a: 1 }), false);
    assert.deepEqual(strict.value([1]), [1]);
  });
});

describe('sanitize.value against the byte path of json', () => {
  const special = [
    '__proto__',
    'constructor',
    'prototype',
    '$gt',
    '$',
    '.',
    '.$',
    'a.$b',
    'a.b',
    'a..$',
    'x\0',
    '\0',
    '',
  ];
  const odd = [
    '0',
    '1',
    '10',
    '_gt',
    '_',
    'é',
    '\ud800',
    '😀',
    'a/b',
    '~0',
    'toString',
    '$proto__',
    '$_proto__',
    '＄ne',
  ];
  const key = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...special, ...odd) },
    {
      weight: 1,
      arbitrary: fc.string({ unit: fc.constantFrom('$', '.', '\0', '_', 'a', 'é', 'constructor'), maxLength: 5 }),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 6 }) },
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(1, 'text', null, true, '', 0.5),
      fc.array(tie('value'), { maxLength: 4 }),
      fc.dictionary(key, tie('value'), { maxKeys: 5 }),
    ),
  }));
  const action = fc.constantFrom('strip', 'reject', 'report', 'off');
  const plainRule = fc.option(fc.oneof(action, fc.record({ action, allow: fc.constantFrom(['/a', '/*'], ['/*/*']) })), {
    nil: undefined,
  });
  const renamingRule = fc.option(
    fc.oneof(action, fc.record({ replaceWith: fc.constantFrom('_', '1', 'a', '__proto__', 'prototype') })),
    { nil: undefined },
  );
  const mostly = (/** @type {number} */ usual, /** @type {number[]} */ ...others) =>
    fc.oneof({ weight: 9, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: fc.constantFrom(...others) });
  const options = fc.record({
    proto: plainRule,
    nul: plainRule,
    operator: renamingRule,
    dotted: renamingRule,
    maxDepth: mostly(64, 3, 0),
    maxKeyLength: mostly(1024, 8),
    maxElements: mostly(100, 3, 0),
    maxKeys: mostly(100, 4, 0),
    mode: fc.constantFrom('enforce', 'enforce', 'report'),
  });
  const flat = (/** @type {any[]} */ findings) =>
    findings.map(({ rule, path, action }) => `${rule} ${action} ${path.replace(/\ufffd+/g, '\ufffd')}`).sort();

  const LIMITS = ['too-deep', 'too-many-keys', 'too-many-elements', 'key-too-long'];
  const isOverLimit = (/** @type {ReturnType<typeof outcomeOf>} */ { refusal, findings }) =>
    LIMITS.includes(refusal ?? '') || findings.some(({ rule }) => LIMITS.includes(rule));

  it('gives equal values, findings and refusals for every text', () => {
    /** @type {Record<string, number>} */
    const seen = {};
    fc.assert(
      fc.property(value, options, (input, given) => {
        // The text in the order in which JavaScript lists keys, so that "first" means the same on both sides.
        const text = JSON.stringify(input);
        const walked = outcomeOf(JSON.parse(text), /** @type {any} */ (given));
        const scanned = outcomeOfBytes(text, /** @type {any} */ (given));
        const kind = walked.refusal ?? (walked.findings.length > 0 ? 'found' : 'clean');
        seen[kind] = (seen[kind] ?? 0) + 1;
        if (isOverLimit(walked) || isOverLimit(scanned)) {
          // Of several limits that one value is over, the two may name different ones.
          return assert.deepEqual([isOverLimit(walked), isOverLimit(scanned)], [true, true], text);
        }
        assert.equal(walked.refusal, scanned.refusal, text);
        assert.equal(exactly(walked.result), exactly(scanned.result), text);
        assert.deepEqual(flat(walked.findings), flat(scanned.findings), text);
        assert.equal(walked.pointer?.replace(/\ufffd+/g, '\ufffd'), scanned.pointer?.replace(/\ufffd+/g, '\ufffd'));
      }),
      { numRuns: 20_000 },
    );
    for (const kind of ['clean', 'found', 'proto', 'operator', 'nul', 'dotted', 'too-deep', 'too-many-keys']) {
      assert.ok(seen[kind] > 20, `${kind} was drawn ${seen[kind]} times`);
    }
  });

  it('classifies every key as the core does', () => {
    const rules = { proto: 'strip', nul: 'strip', operator: 'strip', dotted: 'strip' };
    fc.assert(
      fc.property(key, (name) => {
        const [finding] = outcomeOfBytes(
          JSON.stringify({ [name]: { prototype: 1 } }),
          /** @type {any} */ (rules),
        ).findings;
        assert.equal(marksOf(name) !== 0, finding !== undefined, JSON.stringify(name));
        const walked = outcomeOf(JSON.parse(JSON.stringify({ [name]: { prototype: 1 } })), /** @type {any} */ (rules));
        assert.equal(walked.findings[0]?.rule, finding?.rule);
      }),
      { numRuns: 5000 },
    );
  });

  const corpus = join(__dirname, 'fixtures', 'json-attacks.json');
  /** @type {{ id: string, name: string, body?: string, bodyBase64?: string, outcome: string, expect?: string, paths: string[], rule?: string }[]} */
  const attacks = existsSync(corpus) ? JSON.parse(readFileSync(corpus, 'utf8')) : [];
  // What only the text can show: a parsed value has no such thing.
  const TEXT_ONLY = ['invalid-utf8', 'malformed', 'duplicate', 'number-too-long'];
  const UNPARSABLE = ['5,000 nested arrays never closed'];
  for (const { id, name, body, bodyBase64, outcome, expect, rule, paths } of attacks) {
    if (TEXT_ONLY.includes(rule ?? '') || UNPARSABLE.includes(name)) continue;
    it(`${outcome}: ${name} ${id}`, () => {
      const parsed = JSON.parse(body ?? Buffer.from(bodyBase64 ?? '', 'base64').toString());
      const walked = outcomeOf(parsed);
      if (outcome === 'reject') {
        assert.equal(walked.refusal, rule);
        if (paths.length > 0) assert.equal(walked.pointer, paths[0]);
        return;
      }
      assert.equal(exactly(walked.result), exactly(outcome === 'clean' ? parsed : JSON.parse(expect ?? '')));
      if (outcome === 'clean') return assert.equal(walked.result, parsed);
      assert.deepEqual(walked.findings.map(({ path }) => path).sort(), [...paths].sort());
      assert.ok(walked.findings.some((finding) => finding.rule === rule));
    });
  }
});

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`sanitize on ${name}`, () => {
    /**
     * An app that answers with what its handler sees, and reads the query twice.
     * @param {import('node:test').TestContext} context
     * @param {any} [options]
     * @param {(app: any) => void} [prepare]
     */
    async function serve(context, options, prepare) {
      const app = express();
      prepare?.(app);
      app.use(express.json({ limit: '2mb' }), express.urlencoded({ extended: true }), sanitize(options));
      app.use((/** @type {any} */ request, /** @type {any} */ response) => {
        const { query: first } = request;
        const same = request.query === first;
        response.json({ body: request.body, query: request.query, same });
      });
      app.use((/** @type {any} */ error, /** @type {any} */ _q, /** @type {any} */ response, /** @type {any} */ _n) => {
        response.status(error.status ?? 500).json({ caught: error.code, rule: error.rule, pointer: error.pointer });
      });
      return (await listen(context, app)).port;
    }

    it('cleans what other parsers left in body and query S-47', async (context) => {
      const port = await serve(context);
      const { status, body } = await sendJson(port, '{"u":{"$gt":"","k":1},"__proto__":{"x":1}}', {
        path: '/?u[$ne]=1&u[k]=2',
      });
      assert.equal(status, 200);
      assert.deepEqual(JSON.parse(body), {
        body: { u: { k: 1 } },
        query: name === 'express4' ? { u: { k: '2' } } : { 'u[k]': '2' },
        same: true,
      });
    });

    for (const [parser, query, expected] of /** @type {const} */ ([
      ['extended', 'u[$ne]=1&u[k]=2&a.$gt=1', { u: { k: '2' } }],
      ['simple', 'u[$ne]=1&$where=1&constructor[prototype][x]=1&a=2&b[c]=3', { a: '2', 'b[c]': '3' }],
      [
        (/** @type {string} */ text) => JSON.parse(decodeURIComponent(text || '{}')),
        '{"$gt":1,"a":[{"$b":1}]}',
        { a: [{}] },
      ],
    ])) {
      it(`makes the query of the ${typeof parser === 'string' ? parser : 'custom'} parser stable S-41`, async (context) => {
        const port = await serve(context, undefined, (app) => app.set('query parser', parser));
        const { body } = await send(port, { path: `/?${query.includes('{') ? encodeURIComponent(query) : query}` });
        assert.deepEqual(JSON.parse(body).query, expected);
        assert.equal(JSON.parse(body).same, true);
        const clean = JSON.parse(
          (await send(port, { path: `/?${typeof parser === 'string' ? 'a=1' : '{"a":"1"}'}` })).body,
        );
        assert.deepEqual([clean.query, clean.same], [{ a: '1' }, true]);
        assert.deepEqual(JSON.parse((await send(port)).body).query, {});
      });
    }

    it('hands the error of a query parser to the app', async (context) => {
      const port = await serve(context, undefined, (app) => {
        if (name === 'express5') {
          app.set('query parser', () => {
            throw Object.assign(new Error('x'), { status: 400, code: 'MINE' });
          });
        }
      });
      const { status, body } = await send(port, { path: '/?a=1' });
      if (name === 'express5') assert.deepEqual([status, JSON.parse(body).caught], [400, 'MINE']);
      else assert.equal(status, 200);
    });

    it('refuses with rule and pointer, never with the value', async (context) => {
      const port = await serve(context, { action: 'reject' });
      const { status, headers, body } = await sendJson(port, '{"a":[{"$gt":"secret"}]}');
      assert.deepEqual([status, headers['content-type']], [400, 'application/problem+json; charset=utf-8']);
      const { code, rule, pointer } = JSON.parse(body);
      assert.deepEqual([code, rule, pointer], ['ERR_CARAPACE_REQUEST_REJECTED', 'operator', '/a/0/$gt']);
      assert.doesNotMatch(body, /secret/);
      const next = await serve(context, { action: 'reject', onReject: 'next' });
      assert.deepEqual(JSON.parse((await sendJson(next, '{"$gt":1}')).body), {
        caught: 'ERR_CARAPACE_REQUEST_REJECTED',
        rule: 'operator',
        pointer: '/$gt',
      });
    });

    it('answers 400 for a body that is too deep for others S-30', async (context) => {
      const port = await serve(context);
      const { status, body } = await sendJson(port, `${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}`);
      assert.deepEqual([status, JSON.parse(body).rule], [400, 'too-deep']);
    });

    it('changes nothing in report mode, and tells what it would do', async (context) => {
      /** @type {any[]} */
      const events = [];
      const port = await serve(context, { mode: 'report', onEvent: (/** @type {any} */ event) => events.push(event) });
      const { body } = await sendJson(port, '{"u":{"$gt":1}}', { path: '/?$where=1' });
      assert.deepEqual([JSON.parse(body).body, JSON.parse(body).query], [{ u: { $gt: 1 } }, { $where: '1' }]);
      assert.deepEqual(events, [
        {
          stem: 'sanitize',
          mode: 'report',
          type: 'finding',
          rule: 'operator',
          path: '/u/$gt',
          action: 'strip',
          location: 'body',
        },
        {
          stem: 'sanitize',
          mode: 'report',
          type: 'finding',
          rule: 'operator',
          path: '/$where',
          action: 'strip',
          location: 'query',
        },
      ]);
    });

    it('looks only where it is told to', async (context) => {
      const port = await serve(context, { locations: ['query'] });
      const { body } = await sendJson(port, '{"$gt":1}', { path: '/?$where=1' });
      assert.deepEqual([JSON.parse(body).body, JSON.parse(body).query], [{ $gt: 1 }, {}]);
    });

    it('never rewrites headers: it reports, or refuses when told to S-52', async (context) => {
      /** @type {any[]} */
      const findings = [];
      const onFinding = (/** @type {any} */ finding) => findings.push(finding);
      const options = { locations: ['headers'], onFinding };
      const app = express();
      app.use(sanitize(options));
      app.use((/** @type {any} */ request, /** @type {any} */ response) => response.json(request.headers));
      const { port } = await listen(context, app);
      const headers = { $where: '1', 'x.foo': '2' };
      const seen = JSON.parse((await send(port, { headers })).body);
      assert.deepEqual([seen.$where, seen['x.foo']], ['1', '2']);
      assert.deepEqual(findings, [{ rule: 'operator', path: '/$where', action: 'report', location: 'headers' }]);
      const strict = await serve(context, { locations: ['headers'], action: 'reject' });
      assert.equal((await send(strict, { headers })).status, 400);
    });

    it('judges route parameters on their route S-52', async (context) => {
      const app = express();
      const show = (/** @type {any} */ request, /** @type {any} */ response) => response.json(request.params);
      app.param('key', sanitize.params.param());
      app.get('/u/:id', sanitize.params(), show);
      app.get('/s/:id', sanitize(), show);
      app.get('/k/:key', show);
      app.get('/allowed/:id', sanitize.params({ operator: { allow: ['/id'] } }), show);
      app.get('/off/:id', sanitize.params({ operator: 'off', proto: 'off', nul: 'off' }), show);
      app.get('/report/:id', sanitize.params({ mode: 'report' }), show);
      app.get(name === 'express4' ? '/w/*' : '/w/*rest', sanitize.params(), show);
      const { port } = await listen(context, app);
      const status = async (/** @type {string} */ path) => (await send(port, { path })).status;
      for (const route of ['u', 's', 'k']) {
        for (const bad of ['$ne', '%24ne', 'a.$where', 'x%00', '__proto__']) {
          assert.equal(await status(`/${route}/${bad}`), 400, bad);
        }
        for (const good of ['42', 'report.pdf', 'constructor', 'a$b', 'US$', '%EF%BC%84ne']) {
          assert.equal(await status(`/${route}/${good}`), 200, good);
        }
      }
      assert.deepEqual([await status('/allowed/$ne'), await status('/allowed/x%00')], [200, 400]);
      assert.deepEqual([await status('/off/$ne'), await status('/report/$ne')], [200, 200]);
      assert.deepEqual([await status('/w/a/b'), await status('/w/$a/b')], [200, 400]);
      if (name === 'express5') assert.equal(await status('/w/a/$b'), 400);
      const { rule, pointer } = JSON.parse((await send(port, { path: '/u/$ne' })).body);
      assert.deepEqual([rule, pointer], ['operator', '/id']);
    });

    it('replaces a frozen body and query S-50', async (context) => {
      const app = express();
      app.use((/** @type {any} */ request, /** @type {any} */ _response, /** @type {any} */ next) => {
        request.body = Object.freeze({ $gt: 1, a: Object.freeze({ $b: 1 }) });
        Object.defineProperty(request, 'query', { value: Object.freeze({ $gt: '1', k: '2' }), configurable: true });
        next();
      });
      app.use(sanitize());
      app.use((/** @type {any} */ request, /** @type {any} */ response) =>
        response.json([request.body, request.query]),
      );
      const { port } = await listen(context, app);
      assert.deepEqual(JSON.parse((await send(port)).body), [{ a: {} }, { k: '2' }]);
    });

    it('refuses a request that it cannot clean', async (context) => {
      const app = express();
      app.use((/** @type {any} */ request, /** @type {any} */ _response, /** @type {any} */ next) => {
        request.body = new Proxy(
          {},
          {
            getPrototypeOf: () => {
              throw new Error('secret');
            },
          },
        );
        next();
      });
      app.use(sanitize(), (/** @type {any} */ _request, /** @type {any} */ response) => response.end('handler'));
      const { port } = await listen(context, app);
      const { status, body } = await send(port);
      assert.equal(status, 500);
      assert.doesNotMatch(body, /secret|handler/);
    });
  });
}

describe('sanitize in the chain', () => {
  /**
   * The body as it is after the chain, and the findings by stem.
   * @param {any} options
   * @param {any} body set before the chain runs, as by a parser of the app's own
   * @param {string} [url]
   * @param {string} [type] of a body that is text
   */
  async function run(options, body, url = '/', type = 'application/json') {
    /** @type {any[]} */
    const stems = [];
    const onEvent = (/** @type {any} */ { type, stem, rule }) => type === 'finding' && stems.push(`${stem} ${rule}`);
    const parts = Object.fromEntries(
      ['json', 'urlencoded', 'queryParser', 'sanitize', 'hpp'].map((part) => [
        part,
        options[part] === false ? false : { onReject: 'next', ...options[part], onEvent },
      ]),
    );
    const chain = carapace({ securityHeaders: false, ...parts });
    const isRaw = typeof body === 'string';
    const request = /** @type {any} */ ({
      url,
      method: 'POST',
      headers: { 'content-type': isRaw ? type : 'multipart/form-data', 'content-length': '1' },
      unpipe: () => request,
      resume: () => request,
      body: isRaw ? Buffer.from(body) : body,
      readableDidRead: true,
    });
    await new Promise((resolve, reject) =>
      chain(request, /** @type {any} */ ({}), (error) => (error ? reject(error) : resolve(undefined))),
    );
    return { body: request.body, query: request.query, stems };
  }

  it('cleans what somebody else has parsed', async () => {
    const { body, stems } = await run({}, { $gt: 1, a: 1 });
    assert.deepEqual([body, stems], [{ a: 1 }, ['sanitize operator']]);
  });

  it('does not walk again what a reader of the chain has judged by the same rules', async () => {
    const reported = { action: 'report' };
    const same = await run({ json: reported, urlencoded: reported, sanitize: reported }, '{"$gt":1}');
    assert.deepEqual(same.stems, ['body operator']);
    const query = await run({ queryParser: reported, sanitize: reported }, { a: 1 }, '/?$a=1');
    assert.deepEqual(query.stems, ['query-parser operator']);
  });

  it('walks it when its own rules are others, or the reader only reports', async () => {
    const strict = await run({ json: { operator: 'off' } }, '{"$gt":1,"a":1}');
    assert.deepEqual([strict.body, strict.stems], [{ a: 1 }, ['sanitize operator']]);
    const lax = await run({ json: { mode: 'report' } }, '{"$gt":1,"a":1}');
    assert.deepEqual([lax.body, lax.stems], [{ a: 1 }, ['body operator', 'sanitize operator']]);
    const revived = await run(
      {
        json: { reviver: (/** @type {string} */ key, /** @type {any} */ value) => (key === '' ? { $new: 1 } : value) },
      },
      '{}',
    );
    assert.deepEqual(revived.body, {});
    const text = await run({ sanitize: { jsonStrings: true } }, '{"a":"{\\"$gt\\":1}"}');
    assert.deepEqual(text.body, { a: '{}' });
    const query = await run({ queryParser: { proto: 'off', operator: 'off' } }, undefined, '/?$a=1&b=2');
    assert.deepEqual(query.query, { b: '2' });
  });

  it('holds its own limits against readers that have others', async () => {
    const deep = `${'['.repeat(70)}${']'.repeat(70)}`;
    const brackets = '[x]'.repeat(70);
    for (const [options, body, url] of /** @type {[any, any, string?][]} */ ([
      [{ json: { maxDepth: 100 } }, deep],
      [{ sanitize: { maxDepth: 10 } }, `${'['.repeat(20)}${']'.repeat(20)}`],
      [{ sanitize: { maxDepth: 3 } }, undefined, '/?a[b][c][d]=1'],
      [{ queryParser: { depth: 100 } }, undefined, `/?a${brackets}=1`],
    ])) {
      await assert.rejects(run(options, body, url), { rule: 'too-deep', status: 400 });
    }
    await assert.rejects(run({ json: false, urlencoded: { depth: 100 } }, `a${brackets}=1`, '/', FORM), {
      rule: 'too-deep',
    });
    const { body } = await run({ json: { maxDepth: 100 }, sanitize: { maxDepth: 100 } }, deep);
    assert.ok(Array.isArray(body));
  });

  it('can be switched off', async () => {
    const { body } = await run({ sanitize: false }, { $gt: 1 });
    assert.deepEqual(body, { $gt: 1 });
  });
});

describe('the options of sanitize', () => {
  const TYPE = 'ERR_CARAPACE_OPTION_TYPE';
  const UNKNOWN = 'ERR_CARAPACE_OPTION_UNKNOWN';
  const CONFLICT = 'ERR_CARAPACE_OPTION_CONFLICT';
  const RULES = ['proto', 'operator', 'dotted', 'nul'];
  const LIMITS = ['maxDepth', 'maxKeys', 'maxElements', 'maxKeyLength'];
  /** @type {[path: string, options: any, code?: string][]} */
  const BAD = [
    ['', null, TYPE],
    ['', [], TYPE],
    ['', 'strip', TYPE],
    ['', true, TYPE],
    ...RULES.flatMap(
      (rule) =>
        /** @type {[string, any, string?][]} */ ([
          [`.${rule}.action`, { [rule]: 'drop' }],
          [`.${rule}.action`, { [rule]: { action: 'remove' } }],
          [`.${rule}.action`, { [rule]: { action: 'replace' } }, CONFLICT],
          [`.${rule}`, { [rule]: true }, TYPE],
          [`.${rule}.allow`, { [rule]: { allow: '/a' } }, TYPE],
          [`.${rule}.allow[0]`, { [rule]: { allow: ['a'] } }],
          [`.${rule}.allow[1]`, { [rule]: { allow: ['/a', '/~2'] } }],
          [`.${rule}.actions`, { [rule]: { actions: 'strip' } }, UNKNOWN],
        ]),
    ),
    ['.proto.replaceWith', { proto: { replaceWith: '_' } }, CONFLICT],
    ['.nul.replaceWith', { nul: { replaceWith: '_' } }, CONFLICT],
    ...['', '$', 'a.b', '\0', 'x$'].map(
      (replaceWith) => /** @type {[string, any]} */ (['.operator.replaceWith', { operator: { replaceWith } }]),
    ),
    ['.operator.replaceWith', { operator: { replaceWith: '_', action: 'strip' } }, CONFLICT],
    ['.dotted.replaceWith', { dotted: { replaceWith: 5 } }, TYPE],
    ...LIMITS.flatMap((limit) =>
      [-1, NaN, 1.5, 2 ** 33].map((value) => /** @type {[string, any]} */ ([`.${limit}`, { [limit]: value }])),
    ),
    ['.maxDepth', { maxDepth: '64' }, TYPE],
    ['.action', { action: 'drop' }],
    ['.action', { action: 'off' }],
    ['.mode', { mode: 'dry-run' }],
    ['.jsonStrings', { jsonStrings: 'yes' }, TYPE],
    ['.onFinding', { onFinding: true }, TYPE],
    ['.replaceWith', { replaceWith: '_' }, UNKNOWN],
    ['.allowDots', { allowDots: true }, UNKNOWN],
    ['.duplicateKeys', { duplicateKeys: 'last' }, UNKNOWN],
  ];
  const MIDDLEWARE_BAD = /** @type {typeof BAD} */ ([
    ['.onReject', { onReject: 'throw' }],
    ['.onEvent', { onEvent: {} }, TYPE],
  ]);
  const LOCATIONS_BAD = /** @type {typeof BAD} */ ([
    ['.locations', { locations: [] }],
    ['.locations', { locations: ['cookies'] }],
    ['.locations', { locations: [undefined] }],
    ['.locations', { locations: 'body' }, TYPE],
  ]);
  /** @type {[stem: string, make: (options: any) => unknown, bad: typeof BAD][]} */
  const FACTORIES = [
    ['sanitize', (options) => sanitize(options), [...BAD, ...MIDDLEWARE_BAD, ...LOCATIONS_BAD]],
    ['sanitize', (options) => sanitize.compile(options), [...BAD, ['.locations', { locations: ['body'] }, UNKNOWN]]],
    ['sanitize', (options) => sanitize.value({}, options), BAD],
    ['sanitize.params', (options) => sanitize.params(options), [...BAD, ...MIDDLEWARE_BAD]],
    ['sanitize.params.param', (options) => sanitize.params.param(options), [...BAD, ...MIDDLEWARE_BAD]],
  ];
  for (const [stem, make, bad] of FACTORIES) {
    it(`of ${make.toString().slice(13)} are refused in ${bad.length} wrong forms`, () => {
      for (const [end, options, code = 'ERR_CARAPACE_OPTION_VALUE'] of bad) {
        assert.throws(() => make(options), { name: 'CarapaceError', path: stem + end, code }, JSON.stringify(options));
      }
    });
  }

  it('of the chain are its own', () => {
    assert.throws(() => carapace({ sanitize: { action: /** @type {any} */ ('x') } }), { path: 'sanitize.action' });
    assert.throws(() => carapace({ sanitize: /** @type {any} */ ('yes') }), { path: 'carapace.sanitize' });
  });
});
