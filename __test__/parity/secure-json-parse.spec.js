'use strict';

// json() against secure-json-parse: generated texts, each to both, on both majors of Express. What differs on purpose has
// a name here and a row in docs/migrating.md; everything else has to be equal.
const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const sjson = require('secure-json-parse');
const { json } = require('../..');
const { damage, jsonBody } = require('../helpers/json-texts');
const { documentedDifferences } = require('../helpers/migrating');
const { isIdentical, observe } = require('../helpers/outcomes');
const { Random } = require('../helpers/random');
const { EXPRESS, listen, sendJson } = require('../helpers/servers');

const SEED = 4_120_260;
const SAMPLES = 400;

const OFF = {
  ...{ operator: 'off', nul: 'off', duplicateKeys: 'last', strict: false, onReject: 'next' },
  ...{
    maxDepth: Infinity,
    maxKeys: Infinity,
    maxElements: Infinity,
    maxKeyLength: Infinity,
    maxNumberLength: Infinity,
  },
};
const ACTIONS = /** @type {const} */ ({ error: 'reject', remove: 'strip', ignore: 'off' });

/** @type {Set<string>} */
const met = new Set();

/**
 * @param {Buffer} body
 * @param {any} options
 * @returns {{ status: number, value?: any, isForbidden?: boolean }}
 */
function parseAsPeer(body, options, reviver = undefined) {
  try {
    return { status: 200, value: sjson.parse(body, /** @type {any} */ (reviver), options) };
  } catch (error) {
    return { status: 400, isForbidden: /forbidden prototype property/.test(/** @type {Error} */ (error).message) };
  }
}

/**
 * Whether a member that a rule looks for is inside of one that a later member of the same key replaces: the peer looks at
 * the parsed value, in which it is gone.
 * @param {string} text
 */
function isOverwritten(text) {
  let members = 0;
  JSON.parse(text, (_key, value) => {
    members += value && typeof value === 'object' && !Array.isArray(value) ? Object.keys(value).length : 0;
    return value;
  });
  return members < [...text.matchAll(/"(?:[^"\\]|\\.)*"[ \t\n\r]*:/g)].length;
}

describe('json and secure-json-parse', () => {
  it('make the same of generated texts, on Express 4 and 5', { timeout: 60_000 }, async (context) => {
    const entries = Object.entries(ACTIONS).map(([peer, action]) => [peer, () => json({ ...OFF, proto: action })]);
    const outcomeOf = await observe(context, Object.fromEntries(entries));
    let compared = 0;
    const runs = Object.keys(ACTIONS).flatMap((action, index) =>
      Object.keys(EXPRESS).map(async (major, side) => {
        const random = new Random(SEED + index * 2 + side);
        for (let turn = 0; turn < SAMPLES; turn += 1) {
          let text = jsonBody(random, { ruleKeys: true, duplicates: random.chance(0.3) }) || ' ';
          if (random.chance(0.1)) text = damage(random, text);
          if (random.chance(0.05)) text = `\ufeff${text}`;
          const body = Buffer.from(text);
          if (body.length === 0 || text === '\ufeff') continue;
          const sample = { body, headers: { 'content-type': 'application/json' } };
          const peer = parseAsPeer(body, { protoAction: action, constructorAction: action });
          const ours = await outcomeOf(major, action, sample);
          const label = `${major}, ${action}: ${text}`;
          compared += 1;
          if (peer.status === 200 && ours.type === 'entity.rejected' && isOverwritten(text.replace(/^\ufeff/, ''))) {
            met.add('overwritten-members');
            continue;
          }
          assert.equal(ours.status, peer.status, label);
          if (peer.status === 200) assert.ok(isIdentical(peer.value, ours.body), label);
          else assert.equal(ours.type, peer.isForbidden ? 'entity.rejected' : 'entity.parse.failed', label);
        }
      }),
    );
    await Promise.all(runs);
    assert.ok(compared >= 2_000, `${compared} texts`);
  });
});

describe('json differs from secure-json-parse on purpose', () => {
  /** @param {import('node:test').TestContext} context @param {any} options @param {string | Buffer} body */
  async function ours(context, options, body) {
    const middleware = json({ ...OFF, ...options, onReject: 'answer' });
    const { port } = await listen(context, (request, response) =>
      middleware(request, response, () => response.end(JSON.stringify(/** @type {any} */ (request).body))),
    );
    const answer = await sendJson(port, body);
    return { status: answer.status, value: JSON.parse(answer.body) };
  }

  it('in having one rule for __proto__ and constructor.prototype', async (context) => {
    const text = '{"__proto__":{},"constructor":{"prototype":{}},"a":1}';
    const peer = parseAsPeer(Buffer.from(text), { protoAction: 'remove', constructorAction: 'ignore' });
    assert.deepEqual(Object.keys(peer.value), ['constructor', 'a']);
    assert.deepEqual((await ours(context, { proto: 'strip' }, text)).value, { a: 1 });
    met.add('one-rule');
  });

  it('in what a reviver sees', async (context) => {
    const text = '{"__proto__":{"x":1},"a":2}';
    const seen = /** @type {Record<string, string[]>} */ ({ peer: [], ours: [] });
    const note = (/** @type {string} */ side) => (/** @type {string} */ key, /** @type {any} */ value) => {
      seen[side].push(key);
      return value;
    };
    parseAsPeer(Buffer.from(text), { protoAction: 'remove' }, /** @type {any} */ (note('peer')));
    await ours(context, { reviver: note('ours') }, text);
    assert.deepEqual(seen, { peer: ['x', '__proto__', 'a', ''], ours: ['a', ''] });
    met.add('reviver-order');
  });

  it('in bytes that are not UTF-8', async (context) => {
    const body = Buffer.from('7b2261223a22ff227d', 'hex');
    assert.equal(parseAsPeer(body, {}).value.a, '\ufffd');
    assert.equal((await ours(context, {}, body)).status, 400);
    met.add('invalid-utf-8');
  });

  it('in what it does by default', async (context) => {
    const text = '{"__proto__":{"x":1},"a":2}';
    assert.equal(parseAsPeer(Buffer.from(text), {}).status, 400);
    assert.deepEqual(await ours(context, {}, text), { status: 200, value: { a: 2 } });
    met.add('default-action');
  });

  it('in an empty text', async (context) => {
    assert.equal(parseAsPeer(Buffer.from(''), {}).status, 400);
    assert.deepEqual(await ours(context, {}, ''), { status: 200, value: {} });
    met.add('empty-text');
  });

  it('in nothing else: docs/migrating.md names the same differences', () => {
    assert.deepEqual(documentedDifferences('secure-json-parse'), [...met].sort());
  });
});
