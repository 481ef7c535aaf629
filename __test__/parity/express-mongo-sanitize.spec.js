'use strict';

// sanitize() against express-mongo-sanitize 2.2: generated requests, each to both. What differs on purpose has a name here
// and a row in docs/migrating.md; everything else has to be equal.
const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const mongoSanitize = require('express-mongo-sanitize');
const { sanitize } = require('../..');
const { documentedDifferences } = require('../helpers/migrating');
const { Random } = require('../helpers/random');
const { EXPRESS, listen, send, sendJson } = require('../helpers/servers');

const SEED = 20_261_120;
const REQUESTS = 4_000;
const HTTP_REQUESTS = 250;

/** @type {Set<string>} */
const met = new Set();

const OFF = /** @type {const} */ ({
  proto: 'off',
  nul: 'off',
  maxDepth: Infinity,
  maxKeys: Infinity,
  maxElements: Infinity,
  maxKeyLength: Infinity,
});

const UNDERSCORE = { replaceWith: '_' };

/** The peer's options and ours that say the same. @type {[peer: any, ours: any][]} */
const OPTIONS = [
  [{}, { operator: 'strip', dotted: 'strip' }],
  [{ allowDots: true }, { operator: 'strip' }],
  [{ replaceWith: '_' }, { operator: UNDERSCORE, dotted: UNDERSCORE }],
  [{ replaceWith: '_', allowDots: true }, { operator: UNDERSCORE }],
  [{ replaceWith: 'x-' }, { operator: { replaceWith: 'x-' }, dotted: { replaceWith: 'x-' } }],
  [{ dryRun: true }, { operator: 'strip', dotted: 'strip', mode: 'report' }],
  [
    { dryRun: true, replaceWith: '_' },
    { operator: UNDERSCORE, dotted: UNDERSCORE, mode: 'report' },
  ],
];

const KEYS = [
  'a',
  'b',
  'name',
  '_a',
  'a_b',
  '',
  '0',
  '7',
  'é',
  'a$',
  'toString',
  'constructor',
  'prototype',
  '__proto__',
];
const BAD_KEYS = [
  '$gt',
  '$a',
  '$',
  '.',
  'a.b',
  '$a.b',
  '.$x',
  'x.$y',
  '$$',
  '$_proto__',
  '$constructor',
  'a.',
  '$0',
  '..',
];

/**
 * @param {Random} random
 * @param {number} depth
 * @returns {any}
 */
function value(random, depth) {
  const kind = depth === 0 ? 0 : random.below(5);
  if (kind < 2) return random.pick(['text', '$gt', 1, null, true, '']);
  if (kind === 2) return random.list(3, () => value(random, depth - 1));
  return object(random, depth - 1);
}

/** @param {Random} random @param {number} depth */
function object(random, depth) {
  const result = {};
  for (let left = random.below(5); left > 0; left -= 1) {
    const key = random.pick(random.chance(0.3) ? BAD_KEYS : KEYS);
    Object.defineProperty(result, key, {
      value: value(random, depth),
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return result;
}

/** @param {any} root @param {(object: any, key: string) => boolean} test @returns {boolean} */
function someKey(root, test) {
  if (typeof root !== 'object' || root === null) return false;
  return Object.keys(root).some((key) => (!Array.isArray(root) && test(root, key)) || someKey(root[key], test));
}

/**
 * Whether a part of a request is one about which the two differ on purpose.
 * @param {any} part
 * @param {any} peer options
 */
function differs(part, { allowDots, replaceWith }) {
  const isBad = (/** @type {string} */ key) => key.startsWith('$') || (!allowDots && key.includes('.'));
  if (allowDots && someKey(part, (_object, key) => !key.startsWith('$') && key.includes('.$'))) return true;
  if (replaceWith === undefined) return false;
  const renamed = (/** @type {string} */ key) => key.replace(/^\$|\./g, replaceWith);
  return someKey(
    part,
    (object, key) =>
      isBad(key) &&
      Object.keys(object).some(
        (other) => other !== key && (other === renamed(key) || (isBad(other) && renamed(other) === renamed(key))),
      ),
  );
}

/** Text in which key order does not count. @param {any} root @returns {string} */
function sorted(root) {
  if (typeof root !== 'object' || root === null) return JSON.stringify(root);
  if (Array.isArray(root)) return `[${root.map(sorted).join()}]`;
  return `{${Object.keys(root)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${sorted(root[key])}`)
    .join()}}`;
}

/** A copy that keeps `__proto__` as a key. @param {any} root */
const copy = (root) => JSON.parse(JSON.stringify(root));

/** @param {any} given @param {any} options */
function runPeer(given, options) {
  const request = copy(given);
  /** @type {string[]} */
  const told = [];
  const onSanitize = (/** @type {any} */ { key }) => told.push(key);
  mongoSanitize({ ...options, onSanitize })(request, /** @type {any} */ ({}), () => {});
  return { request, told: told.sort() };
}

/** @param {any} given @param {any} options */
function runOurs(given, options) {
  const request = copy(given);
  const told = new Set();
  const onFinding = (/** @type {any} */ { location }) => told.add(location);
  sanitize({ ...OFF, ...options, onFinding })(request, /** @type {any} */ ({}), () => {});
  return { request, told: [...told].sort() };
}

describe('sanitize and express-mongo-sanitize', () => {
  it(`do the same to ${REQUESTS} generated requests`, () => {
    const random = new Random(SEED);
    let compared = 0;
    let changed = 0;
    while (compared < REQUESTS) {
      const [peer, ours] = random.pick(OPTIONS);
      const request = {
        body: value(random, 4),
        query: object(random, 3),
        params: object(random, 0),
        headers: {},
        url: '/?',
      };
      request.params = Object.fromEntries(Object.keys(request.params).map((key) => [key, 'text']));
      if ([request.body, request.query, request.params].some((part) => differs(part, peer))) continue;
      const expected = runPeer(request, peer);
      const actual = runOurs(request, ours);
      const what = JSON.stringify({ request, peer });
      assert.equal(sorted(actual.request), sorted(expected.request), what);
      assert.deepEqual(actual.told, expected.told, what);
      compared += 1;
      if (sorted(expected.request) !== sorted(request)) changed += 1;
    }
    assert.ok(changed > REQUESTS / 4, `${changed} of ${REQUESTS} were changed`);
  });

  it(`do the same to ${HTTP_REQUESTS} requests over HTTP on Express 4`, async (context) => {
    const random = new Random(SEED + 1);
    const [peer, ours] = OPTIONS[0];
    const ports = [];
    for (const middleware of [mongoSanitize(peer), sanitize({ ...OFF, ...ours })]) {
      const app = EXPRESS.express4();
      app.use(EXPRESS.express4.json({ strict: false }), middleware);
      app.use((/** @type {any} */ request, /** @type {any} */ response) =>
        response.json([request.body, request.query]),
      );
      ports.push((await listen(context, app)).port);
    }
    for (let left = HTTP_REQUESTS; left > 0; left -= 1) {
      const names = ['a', 'b', '$gt', 'a.b', 'u[x]', 'u[$ne]', 'l[]', 'u[v][$in][]', 'u[a.b]'];
      const path = `/?${random.list(5, () => `${random.pick(names)}=1`).join('&')}`;
      const body = JSON.stringify(object(random, 4));
      const [expected, actual] = await Promise.all(ports.map((port) => sendJson(port, body, { path })));
      assert.equal(actual.status, expected.status);
      assert.equal(sorted(JSON.parse(actual.body)), sorted(JSON.parse(expected.body)), `${path} ${body}`);
    }
  });
});

describe('sanitize differs from express-mongo-sanitize on purpose', () => {
  /**
   * One difference: what both make of one request has to be what is said here, and not the same.
   * @param {string} name
   * @param {any} request
   * @param {[any, any]} options
   * @param {[any, any]} expected
   */
  function proves(name, request, [peer, ours], [fromPeer, fromOurs]) {
    const given = { headers: {}, url: '/?', ...request };
    const parts = (/** @type {any} */ outcome) =>
      Object.fromEntries(Object.keys(request).map((key) => [key, outcome.request[key]]));
    assert.equal(JSON.stringify(parts(runPeer(given, peer))), JSON.stringify(fromPeer), name);
    assert.equal(JSON.stringify(parts(runOurs(given, ours))), JSON.stringify(fromOurs), name);
    assert.notEqual(JSON.stringify(fromPeer), JSON.stringify(fromOurs));
    met.add(name);
  }

  it('in dotted operators S-49', () => {
    const body = { 'a.$where': '1', 'a.b': 2 };
    proves('dotted-operators', { body }, [{ allowDots: true }, {}], [{ body }, { body: { 'a.b': 2 } }]);
  });

  it('in not overwriting S-48', () => {
    const body = { _id: 'victim', $id: 'attacker' };
    proves('no-overwrite', { body }, OPTIONS[2], [{ body: { _id: 'attacker' } }, { body: { _id: 'victim' } }]);
  });

  it('in the place of a renamed key', () => {
    const body = { $a: 1, b: 2 };
    proves('renamed-in-place', { body }, OPTIONS[2], [{ body: { b: 2, _a: 1 } }, { body: { _a: 1, b: 2 } }]);
  });

  it('in names whose brackets a simple query parser left S-47', () => {
    const query = { 'u[$ne]': '1', a: '2' };
    proves('bracket-names', { query }, OPTIONS[1], [{ query }, { query: { a: '2' } }]);
  });

  it('in headers S-52', () => {
    const headers = { 'x.foo': '1', $bar: '2', a: '3' };
    proves(
      'headers',
      { headers },
      [{}, { ...OPTIONS[0][1], locations: ['headers'] }],
      [{ headers: { a: '3' } }, { headers }],
    );
  });

  it('in the values of route parameters S-52', () => {
    const request = { params: { id: '$ne' }, headers: {} };
    assert.deepEqual(runPeer(request, {}).request.params, { id: '$ne' });
    /** @type {any} */
    let error;
    sanitize({ onReject: 'next' })(
      /** @type {any} */ ({ ...request, unpipe() {}, resume() {} }),
      /** @type {any} */ ({}),
      (given) => (error = given),
    );
    assert.equal(error?.pointer, '/id');
    met.add('route-values');
  });

  it('in what they do by default', () => {
    const body = { 'a.b': 1, ...JSON.parse('{"k":{"__proto__":{"x":1}}}') };
    assert.deepEqual(runPeer({ body }, {}).request.body, JSON.parse('{"k":{"__proto__":{"x":1}}}'));
    const request = { body };
    sanitize()(/** @type {any} */ (request), /** @type {any} */ ({}), () => {});
    assert.deepEqual(request.body, { 'a.b': 1, k: {} });
    met.add('default-rules');
  });

  it('in instances of classes S-50', () => {
    class Id {
      $oid = 1;
    }
    const run = (/** @type {any} */ middleware) => {
      const request = { body: { id: new Id() } };
      middleware(request, {}, () => {});
      return Object.keys(request.body.id);
    };
    assert.deepEqual([run(mongoSanitize()), run(sanitize())], [[], ['$oid']]);
    met.add('instances');
  });

  it('in writing to what it was given, frozen or not S-50', () => {
    const run = (/** @type {any} */ middleware, /** @type {any} */ body) => {
      const request = { body };
      middleware(request, {}, () => {});
      return request.body;
    };
    const mine = { $a: 1 };
    assert.equal(run(mongoSanitize(), mine), mine);
    const body = Object.freeze({ $a: 1, b: 2 });
    assert.throws(() => run(mongoSanitize(), body), TypeError);
    assert.deepEqual(run(sanitize(), body), { b: 2 });
    assert.equal(body.$a, 1);
    met.add('copies');
  });

  it('in great depth S-30', async (context) => {
    const statuses = [];
    for (const middleware of [mongoSanitize(), sanitize()]) {
      const app = EXPRESS.express4();
      app.set('env', 'test');
      app.use(
        EXPRESS.express4.json({ limit: '2mb' }),
        middleware,
        (/** @type {any} */ _request, /** @type {any} */ response) => response.end(),
      );
      const { port } = await listen(context, app);
      statuses.push((await sendJson(port, '['.repeat(50_000) + ']'.repeat(50_000))).status);
    }
    assert.deepEqual(statuses, [500, 400]);
    met.add('depth');
  });

  it('in working on Express 5', async (context) => {
    const statuses = [];
    for (const middleware of [mongoSanitize(), sanitize()]) {
      const app = EXPRESS.express5();
      app.set('env', 'test');
      app.use(middleware, (/** @type {any} */ request, /** @type {any} */ response) => response.json(request.query));
      const { port } = await listen(context, app);
      const { status, body } = await send(port, { path: '/?$a=1&b=2' });
      statuses.push([status, status === 200 ? body : '']);
    }
    assert.deepEqual(statuses, [
      [500, ''],
      [200, '{"b":"2"}'],
    ]);
    met.add('express-5');
  });

  it('in replacements that cannot work', () => {
    for (const replaceWith of ['$', '$x', '.', 'a.b', '']) {
      assert.deepEqual(runPeer({ body: { $a: 1 } }, { replaceWith }).request.body, {});
      assert.throws(() => sanitize({ operator: { replaceWith } }), { path: 'sanitize.operator.replaceWith' });
    }
    assert.deepEqual(runPeer({ body: { $a: 1 } }, { replaceWith: 'x$&' }).request.body, { x$a: 1 });
    assert.throws(() => sanitize({ operator: { replaceWith: 'x$&' } }), { path: 'sanitize.operator.replaceWith' });
    met.add('bad-replacements');
  });

  it('in what its listener gets', () => {
    /** @type {any[]} */
    const told = [];
    mongoSanitize({ onSanitize: ({ key }) => told.push(key) })(
      /** @type {any} */ ({ body: { $a: 1, b: { $c: 1 } } }),
      /** @type {any} */ ({}),
      () => {},
    );
    sanitize({ onFinding: ({ location, path }) => told.push(`${location}${path}`) })(
      /** @type {any} */ ({ body: { $a: 1, b: { $c: 1 } } }),
      /** @type {any} */ ({}),
      () => {},
    );
    assert.deepEqual(told, ['body', 'body/$a', 'body/b/$c']);
    met.add('listener');
  });

  it('in nothing else: docs/migrating.md names the same differences', () => {
    assert.deepEqual(documentedDifferences('express-mongo-sanitize'), [...met].sort());
  });
});
