'use strict';

// hpp() against hpp 0.2.3: generated requests, each to both. What differs on purpose has a name here and a row in
// docs/migrating.md; everything else has to be equal.
const assert = require('node:assert/strict');
const querystring = require('node:querystring');
const { describe, it } = require('node:test');
const peerHpp = /** @type {any} */ (require('hpp'));
const qs = require('qs');
const { hpp } = require('../..');
const { documentedDifferences } = require('../helpers/migrating');
const { Random } = require('../helpers/random');
const { EXPRESS, listen, send, sendJson } = require('../helpers/servers');

const SEED = 20_261_121;
const REQUESTS = 4_000;
const HTTP_REQUESTS = 250;
const FORM = 'application/x-www-form-urlencoded';

/** @type {Set<string>} */
const met = new Set();

/** The peer's options and ours that say the same. @type {[peer: any, ours: any][]} */
const OPTIONS = [
  [undefined, undefined],
  [{}, {}],
  [{ whitelist: 'a' }, { whitelist: 'a' }],
  [{ whitelist: ['a', 'c', 'missing'] }, { whitelist: ['a', 'c', 'missing'] }],
  [{ checkBody: false }, { locations: ['query'] }],
  [{ checkQuery: false }, { locations: ['body'] }],
  [{ checkBodyOnlyForContentType: 'multipart/*' }, { type: 'multipart/*' }],
  [
    { checkBodyOnlyForContentType: 'json', whitelist: ['b'] },
    { type: 'json', whitelist: ['b'] },
  ],
];

const NAMES = ['a', 'b', 'c', 'a', 'b', 'd[]', 'd[]', 'e[0]', 'e[1]', 'u[x]', 'u[y]', 'é', 'length', 'x y'];
const ODD_NAMES = ['u[x]', 'a[z]', 'f[7]', 'f[101]', 'g[][h]', 'u[l][]'];

/** @param {Random} random */
function text(random) {
  const name = () => random.pick(random.chance(0.03) ? ODD_NAMES : NAMES);
  return random.list(6, () => `${encodeURIComponent(name())}=${random.below(10)}`).join('&');
}

/** The text as both Express versions parse it. @param {string} query @param {boolean} isSimple */
const parse = (query, isSimple) => (isSimple ? querystring.parse(query) : qs.parse(query, { allowPrototypes: true }));

const isObject = (/** @type {any} */ value) => typeof value === 'object' && value !== null;
const isStandIn = (/** @type {any} */ value) =>
  isObject(value) && !Array.isArray(value) && /^\d+$/.test(Object.keys(value)[0] ?? '');

/** Whether the two treat a part of a request differently on purpose. @param {any} part */
function differs(part) {
  return Object.values(part).some((value) => {
    if (isStandIn(value)) return true;
    // An array that is not of texts only, or one below the top.
    return isObject(value) && Object.values(value).some(isObject);
  });
}

/** The peer writes its defaults into what it is given. @param {any} options */
const optionsFor = (options) => options && { ...options };

/** @param {any} middleware @param {() => any} make */
function run(middleware, make) {
  const request = make();
  let isPassed = false;
  middleware(request, {}, (/** @type {any} */ error) => (isPassed = error === undefined));
  assert.ok(isPassed);
  const { query, body, queryPolluted, bodyPolluted } = request;
  return { query, body, queryPolluted, bodyPolluted };
}

describe('hpp and the peer', () => {
  it(`do the same to ${REQUESTS} generated requests`, () => {
    const random = new Random(SEED);
    let compared = 0;
    let polluted = 0;
    while (compared < REQUESTS) {
      const [peer, ours] = random.pick(OPTIONS);
      const second = random.chance(0.3) ? random.pick(OPTIONS) : undefined;
      const [query, body, isSimple] = [text(random), text(random), random.chance(0.3)];
      const type = random.pick([
        FORM,
        FORM,
        `${FORM}; charset=utf-8`,
        'application/json',
        'multipart/form-data; boundary=x',
      ]);
      const make = () => ({
        url: `/?${query}`,
        headers: { 'content-type': type, 'content-length': '9' },
        query: parse(query, isSimple),
        body: parse(body, isSimple),
      });
      if (differs(make().query) || differs(make().body)) continue;
      if (isSimple && /%5B/.test(query + body)) continue;
      const chain = (/** @type {any} */ factory, /** @type {0 | 1} */ side) => {
        const first = factory(optionsFor([peer, ours][side]));
        const next = second && factory(optionsFor(second[side]));
        return (/** @type {any} */ request, /** @type {any} */ response, /** @type {any} */ done) =>
          first(request, response, (/** @type {any} */ error) =>
            next && !error ? next(request, response, done) : done(error),
          );
      };
      const expected = run(chain(peerHpp, 0), make);
      assert.deepEqual(run(chain(hpp, 1), make), expected, JSON.stringify({ query, body, peer, second, type }));
      compared += 1;
      if (Object.keys(expected.queryPolluted ?? {}).length > 0) polluted += 1;
    }
    assert.ok(polluted > REQUESTS / 5, `${polluted} of ${REQUESTS} were polluted`);
  });

  it(`do the same to ${HTTP_REQUESTS} requests over HTTP on Express 4`, async (context) => {
    const { express4 } = EXPRESS;
    const random = new Random(SEED + 1);
    const ports = [];
    for (const middleware of [peerHpp({ whitelist: ['b'] }), hpp({ whitelist: ['b'] })]) {
      const app = express4();
      app.use(express4.urlencoded({ extended: true }), express4.json(), middleware);
      app.use((/** @type {any} */ { query, queryPolluted, body, bodyPolluted }, /** @type {any} */ response) =>
        response.json({ query, queryPolluted, body, bodyPolluted }),
      );
      ports.push((await listen(context, app)).port);
    }
    for (let left = HTTP_REQUESTS; left > 0; left -= 1) {
      const [query, body] = [text(random), text(random)];
      if (differs(parse(query, false)) || differs(parse(body, false))) continue;
      const options = { path: `/?${query}`, headers: { 'content-type': FORM } };
      const [expected, actual] = await Promise.all(ports.map((port) => sendJson(port, body, options)));
      assert.deepEqual(JSON.parse(actual.body), JSON.parse(expected.body), `${query} ${body}`);
    }
  });
});

describe('hpp differs from the peer on purpose', () => {
  /**
   * @param {string} name
   * @param {any} query parsed, or text for qs
   * @param {[any, any]} expected
   * @param {any} [options] of both
   */
  function proves(name, query, [fromPeer, fromOurs], options) {
    const make = () => ({ url: '/?', headers: {}, query: typeof query === 'string' ? qs.parse(query) : query() });
    assert.deepEqual({ ...run(peerHpp(optionsFor(options)), make).query }, fromPeer, name);
    assert.deepEqual({ ...run(hpp(optionsFor(options)), make).query }, fromOurs, name);
    assert.notDeepEqual(fromPeer, fromOurs);
    met.add(name);
  }

  it('in looking below the top S-42', () => {
    proves('nested', 'u[r]=1&u[r]=2', [{ u: { r: ['1', '2'] } }, { u: { r: '2' } }]);
    proves('nested', 'a[0][]=1&a[1][]=2', [{ a: ['2'] }, { a: '2' }]);
  });

  it('in objects that stand in for arrays S-43', () => {
    proves('stand-ins', 'id[]=1&id[x]=2', [{ id: { 0: '1', x: '2' } }, { id: '1' }]);
    proves('stand-ins', 'id[101]=a&id[102]=b', [{ id: { 101: 'a', 102: 'b' } }, { id: 'b' }]);
  });

  it('in preferring text', () => {
    proves(
      'text-first',
      'a=1&a[x]=2',
      [{ a: { x: '2' } }, { a: '1' }].map((query) => query),
    );
  });

  it('in names of the whitelist S-46', () => {
    proves('whitelist-names', () => querystring.parse('a[]=1&a[]=2'), [{ 'a[]': '2' }, { 'a[]': ['1', '2'] }], {
      whitelist: 'a',
    });
    const prototype = () => querystring.parse('b=1');
    proves('whitelist-inherited', prototype, [{ b: '1', constructor: Object }, { b: '1' }], {
      whitelist: ['constructor'],
    });
  });

  it('in writing to what it was given, frozen or not', () => {
    const query = { a: ['1', '2'] };
    assert.equal(run(peerHpp(), () => ({ headers: {}, query })).query, query);
    const frozen = Object.freeze({ a: ['1', '2'] });
    assert.throws(() => run(peerHpp(), () => ({ headers: {}, query: frozen })), TypeError);
    assert.deepEqual(run(hpp(), () => ({ headers: {}, query: frozen })).query, { a: '2' });
    assert.deepEqual(frozen, { a: ['1', '2'] });
    met.add('copies');
  });

  it('in working on Express 5 S-41', async (context) => {
    const answers = [];
    for (const middleware of [peerHpp(), hpp()]) {
      const app = EXPRESS.express5();
      app.use(middleware, (/** @type {any} */ request, /** @type {any} */ response) => response.json(request.query));
      answers.push((await send((await listen(context, app)).port, { path: '/?a=1&a=2' })).body);
    }
    assert.deepEqual(answers, ['{"a":["1","2"]}', '{"a":"2"}']);
    met.add('express-5');
  });

  it('in options that are wrong', (context) => {
    const error = context.mock.method(console, 'error', () => {});
    for (const whitelist of [5, {}, ['a', 5]]) {
      assert.equal(typeof peerHpp({ whitelist }), 'function');
      assert.throws(() => hpp({ whitelist: /** @type {any} */ (whitelist) }), { code: 'ERR_CARAPACE_OPTION_TYPE' });
    }
    assert.equal(error.mock.callCount(), 3);
    assert.equal(typeof peerHpp({ whiteList: 'a' }), 'function');
    assert.throws(() => hpp(/** @type {any} */ ({ whiteList: 'a' })), { code: 'ERR_CARAPACE_OPTION_UNKNOWN' });
    met.add('bad-options');
  });

  it('in nothing else: docs/migrating.md names the same differences', () => {
    assert.deepEqual(documentedDifferences('hpp'), [...met].sort());
  });
});
