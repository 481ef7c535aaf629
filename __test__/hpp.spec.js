'use strict';

const assert = require('node:assert/strict');
const querystring = require('node:querystring');
const { describe, it } = require('node:test');
const qs = require('qs');
const { carapace, hpp } = require('..');
const { EXPRESS, listen, send, sendJson } = require('./helpers/servers');

const FORM = 'application/x-www-form-urlencoded';

/**
 * Runs the middleware over a request that others have parsed.
 * @param {any} options
 * @param {{ query?: any, body?: any, type?: string, polluted?: any, url?: string }} parts
 */
function run(options, { query, body, type = FORM, url = '/?' }) {
  const request = /** @type {any} */ ({ url, headers: { 'content-type': type }, query, body });
  /** @type {any[]} */
  const findings = [];
  /** @type {any} */
  let error;
  const onFinding = (/** @type {any} */ finding) => findings.push(finding);
  request.unpipe = request.resume = () => request;
  hpp({ onReject: 'next', onFinding, ...options })(request, /** @type {any} */ ({}), (given) => (error = given));
  return { request, error, findings, query: request.query, body: request.body };
}

/** @param {string} text @param {any} [options] */
const cleaned = (text, options) => run(options, { query: qs.parse(text, { allowPrototypes: true }) }).query;

describe('hpp', () => {
  it('leaves the last value, or the first, of what came several times', () => {
    assert.deepEqual(cleaned('role=user&role=admin&a=1'), { role: 'admin', a: '1' });
    assert.deepEqual(cleaned('role=user&role=admin', { keep: 'first' }), { role: 'user' });
    assert.deepEqual(cleaned('role[]=user&role[]=admin'), { role: 'admin' });
    assert.deepEqual(cleaned('a=1&b[c]=2'), { a: '1', b: { c: '2' } });
  });

  it('works on a query that is fixed but writable, as apps make it on Express 5', () => {
    const request = /** @type {any} */ ({ url: '/?', headers: {} });
    Object.defineProperty(request, 'query', { value: { role: ['user', 'admin'] }, writable: true });
    hpp()(request, /** @type {any} */ ({}), () => {});
    assert.deepEqual(request.query, { role: 'admin' });
  });

  it('does so at every level S-42', () => {
    assert.deepEqual(cleaned('u[role]=user&u[role]=admin&u[x]=1'), { u: { role: 'admin', x: '1' } });
    assert.deepEqual(cleaned('u[v][role]=user&u[v][role]=admin', { keep: 'first' }), { u: { v: { role: 'user' } } });
    assert.deepEqual(cleaned('a[0][]=1&a[1][]=2'), { a: '2' });
    assert.deepEqual(cleaned('a[][b]=1&a[][b]=2'), { a: { b: '2' } });
    const simple = querystring.parse('u[role]=user&u[role]=admin');
    assert.deepEqual({ ...run({}, { query: simple }).query }, { 'u[role]': 'admin' });
  });

  it('takes objects that stand in for arrays as lists S-43', () => {
    assert.deepEqual(cleaned('id[]=1&id[x]=2'), { id: '1' });
    assert.deepEqual(cleaned('id[101]=a&id[102]=b'), { id: 'b' });
    assert.deepEqual(cleaned('id[101]=a&id[102]=b', { keep: 'first' }), { id: 'a' });
    assert.deepEqual(cleaned(Array.from({ length: 25 }, (_, index) => `a=${index}`).join('&')), { a: '24' });
    assert.deepEqual(cleaned('a=1&a[x]=2'), { a: '1' });
    assert.deepEqual(cleaned('id[x]=2'), { id: { x: '2' } });
  });

  it('makes no way to a prototype out of a list S-34', () => {
    const { query, request } = run(
      {},
      {
        query: qs.parse('constructor[0][prototype][x]=1&u[constructor][][prototype]=2&constructors[][prototype]=3', {
          allowPrototypes: true,
        }),
      },
    );
    assert.deepEqual(Object.entries(query), [
      ['u', {}],
      ['constructors', { prototype: '3' }],
    ]);
    assert.deepEqual(Object.keys(request.queryPolluted), ['constructor', 'u', 'constructors']);
    assert.deepEqual(
      cleaned('constructor=1&constructor=2&a[constructor][][name]=3'),
      JSON.parse('{"constructor":"2","a":{"constructor":{"name":"3"}}}'),
    );
  });

  it('refuses with keep reject, naming the place', () => {
    const { error, findings } = run({ keep: 'reject' }, { query: { u: { 'a/b': ['1', 'secret'] } } });
    assert.deepEqual(
      [error.status, error.code, error.rule, error.pointer],
      [400, 'ERR_CARAPACE_REQUEST_REJECTED', 'polluted', '/u/a~1b'],
    );
    assert.deepEqual(findings, [{ rule: 'polluted', path: '/u/a~1b', location: 'query', action: 'reject' }]);
    assert.equal(run({ keep: 'reject' }, { query: { a: '1', b: { c: '2' } } }).error, undefined);
  });

  it('puts the originals aside, where they were', () => {
    const { request, findings } = run(
      {},
      {
        query: qs.parse('a=1&a=2&u[r]=3&u[r]=4&u[s]=5&l[][x]=6&l[][x]=7'),
        body: { b: ['8', '9'], c: '1' },
      },
    );
    assert.deepEqual(request.queryPolluted, { a: ['1', '2'], u: { r: ['3', '4'] }, l: [{ x: ['6', '7'] }] });
    assert.deepEqual(request.bodyPolluted, { b: ['8', '9'] });
    assert.deepEqual(
      findings.map(({ path, location, action }) => [path, location, action]),
      [
        ['/a', 'query', 'strip'],
        ['/u/r', 'query', 'strip'],
        ['/l', 'query', 'strip'],
        ['/l/x', 'query', 'strip'],
        ['/b', 'body', 'strip'],
      ],
    );
    const clean = run({}, { query: { a: '1' }, body: {} }).request;
    assert.deepEqual([clean.queryPolluted, clean.bodyPolluted], [{}, {}]);
  });

  it('spares the whitelist, however a name is written S-46', () => {
    for (const whitelist of ['a', ['a'], ['b', 'a']]) {
      assert.deepEqual(cleaned('a=1&a=2&c=3&c=4', { whitelist }), { a: ['1', '2'], c: '4' });
    }
    for (const whitelist of ['u.r', 'u[r]', 'u[r][]']) {
      assert.deepEqual(cleaned('u[r]=1&u[r]=2&u[s]=3&u[s]=4&r=5&r=6', { whitelist }), {
        u: { r: ['1', '2'], s: '4' },
        r: '6',
      });
    }
    assert.deepEqual(cleaned('u[r]=1&u[r]=2&u[s][]=3', { whitelist: 'u' }), { u: { r: ['1', '2'], s: ['3'] } });
    const simple = querystring.parse('a[]=1&a[]=2&u[r]=3&u[r]=4&x[]=5&x[]=6');
    const { query, request } = run({ whitelist: ['a', 'u.r'] }, { query: simple });
    assert.deepEqual({ ...query }, { 'a[]': ['1', '2'], 'u[r]': ['3', '4'], 'x[]': '6' });
    assert.deepEqual(request.queryPolluted, { 'x[]': ['5', '6'] });
    assert.deepEqual(run({ whitelist: 'u' }, { query: querystring.parse('u[r]=3&u[r]=4') }).query['u[r]'], ['3', '4']);
  });

  it('asks own properties only, of the whitelist and of the request S-46', (context) => {
    const prototype = /** @type {any} */ (Object.prototype);
    context.after(() => ['role', 'keep', '0'].forEach((name) => delete prototype[name]));
    Object.assign(prototype, { role: ['user', 'admin'], keep: 'first', 0: ['x'] });
    const { query, request } = run({}, { query: { a: ['1', '2'], b: {} } });
    assert.deepEqual([Object.keys(query), query.a, Object.keys(query.b)], [['a', 'b'], '2', []]);
    assert.deepEqual(Object.keys(request.queryPolluted), ['a']);
    const whitelist = ['__proto__', 'constructor'];
    const { query: other } = run({ whitelist }, { query: JSON.parse('{"__proto__":["1","2"],"toString":["1","2"]}') });
    assert.deepEqual(Object.getOwnPropertyDescriptor(other, '__proto__')?.value, ['1', '2']);
    assert.equal(Object.getPrototypeOf(other), Object.prototype);
    assert.equal(other.toString, '2');
  });

  it('does not write to what it was given, and keeps what it does not know', () => {
    const date = new Date(0);
    const query = Object.freeze({ a: Object.freeze(['1', '2']), date, u: Object.freeze({ r: Object.freeze(['1']) }) });
    const outcome = run({}, { query });
    assert.deepEqual(outcome.query, { a: '2', date, u: { r: '1' } });
    assert.equal(outcome.query.date, date);
    assert.deepEqual(query.a, ['1', '2']);
    const clean = Object.freeze({ a: '1', u: Object.freeze({ b: 'c' }) });
    assert.equal(run({}, { query: clean }).query, clean);
    const map = new Map([['a', ['1', '2']]]);
    assert.equal(run({}, { query: map }).query, map);
  });

  it('ends on cycles, empty lists and great depth', () => {
    const query = /** @type {any} */ ({ e: [], l: [] });
    query.self = query;
    query.l.push(query.l);
    const { query: cleanedQuery } = run({}, { query });
    assert.deepEqual([cleanedQuery.e, cleanedQuery.l, cleanedQuery.self], [undefined, undefined, cleanedQuery]);
    const deep = JSON.parse(`${'{"a":'.repeat(100_000)}["1","2"]${'}'.repeat(100_000)}`);
    let inner = run({}, { query: deep }).query;
    while (typeof inner === 'object') inner = inner.a;
    assert.equal(inner, '2');
    assert.equal(run({}, { query: { a: JSON.parse(`${'['.repeat(10_000)}"x"${']'.repeat(10_000)}`) } }).query.a, 'x');
  });

  it('looks at the bodies of forms only, or of the types named', () => {
    const body = { a: ['1', '2'] };
    assert.deepEqual(run({}, { body, type: 'application/json' }).body, body);
    assert.equal(run({}, { body, type: 'application/json' }).request.bodyPolluted, undefined);
    assert.deepEqual(
      run({ type: ['urlencoded', 'multipart'] }, { body, type: 'multipart/form-data; boundary=x' }).body,
      {
        a: '2',
      },
    );
    assert.deepEqual(run({ type: () => true }, { body, type: 'text/x' }).body, { a: '2' });
    assert.deepEqual(run({ locations: ['query'] }, { body, query: body }).body, body);
    assert.deepEqual(run({ locations: ['body'] }, { body, query: body }).query, body);
    const thrown = new Error('mine');
    const type = () => {
      throw thrown;
    };
    assert.equal(run({ type }, { body }).error, thrown);
  });

  it('only tells in report mode', () => {
    const query = { a: ['1', '2'] };
    const outcome = run(
      { mode: 'report', keep: 'reject', scalar: 'b' },
      { query, body: { b: [] }, type: 'application/json' },
    );
    assert.equal(outcome.error, undefined);
    assert.equal(outcome.query, query);
    assert.equal(outcome.request.queryPolluted, undefined);
    assert.deepEqual(
      outcome.findings.map(({ path, action }) => [path, action]),
      [
        ['/a', 'reject'],
        ['/b', 'reject'],
      ],
    );
  });

  it('sends events of one form', () => {
    /** @type {any[]} */
    const events = [];
    run({ onEvent: (/** @type {any} */ event) => events.push(event) }, { query: { a: ['1', '2'] } });
    assert.deepEqual(events, [
      {
        stem: 'hpp',
        mode: 'enforce',
        type: 'finding',
        rule: 'polluted',
        path: '/a',
        location: 'query',
        action: 'strip',
      },
    ]);
  });
});

describe('hpp after another hpp', () => {
  /** @param {any[]} options @param {any} query */
  function both(options, query) {
    const request = /** @type {any} */ ({ url: '/?', headers: {}, query });
    request.unpipe = request.resume = () => request;
    /** @type {any} */
    let error;
    for (const option of options) {
      hpp({ onReject: 'next', ...option })(request, /** @type {any} */ ({}), (given) => (error ??= given));
    }
    return { query: request.query, polluted: request.queryPolluted, error };
  }

  it('puts back what the later whitelist spares', () => {
    const query = () => qs.parse('a=1&a=2&b=3&b=4&u[r]=5&u[r]=6');
    assert.deepEqual(both([{}, { whitelist: ['a', 'u.r'] }], query()), {
      query: { a: ['1', '2'], b: '4', u: { r: ['5', '6'] } },
      polluted: { b: ['3', '4'], u: {} },
      error: undefined,
    });
    assert.deepEqual(both([{ whitelist: 'a' }, {}], query()).query.a, ['1', '2']);
    assert.deepEqual(both([{}, { whitelist: ['toString', '__proto__', 'x'] }], query()).query.a, '2');
  });

  it('refuses what is still polluted with keep reject', () => {
    assert.equal(both([{}, { keep: 'reject' }], qs.parse('a=1&a=2')).error.pointer, '/a');
    assert.equal(both([{}, { keep: 'reject', whitelist: 'a' }], qs.parse('a=1&a=2')).error, undefined);
  });
});

describe('the option scalar of hpp', () => {
  /** @param {any} body @param {any} [options] */
  const json = (body, options) =>
    run({ scalar: ['role', 'user.id', 'items.sku'], ...options }, { body, type: 'application/json' });

  it('holds for bodies of every type S-44', () => {
    assert.deepEqual(json({ role: ['user', 'admin'], tags: ['a', 'b'] }).body, { role: 'admin', tags: ['a', 'b'] });
    assert.deepEqual(json({ role: ['user', 'admin'] }, { keep: 'first' }).body, { role: 'user' });
    assert.deepEqual(json({ user: { id: [[1, 2]], ids: [1] } }).body, { user: { id: 2, ids: [1] } });
    assert.equal(json({ role: ['user', 'admin'] }, { keep: 'reject' }).error.pointer, '/role');
    assert.deepEqual(run({ scalar: 'role' }, { body: { role: ['a', 'b'] }, type: 'multipart/form-data' }).body, {
      role: 'b',
    });
  });

  it('refuses what has no single value S-43', () => {
    for (const [body, pointer] of [
      [{ role: { $ne: 1 } }, '/role'],
      [{ role: [] }, '/role'],
      [{ role: [{ a: 1 }] }, '/role'],
      [{ user: { id: {} } }, '/user/id'],
      [{ items: [{ sku: 'a' }, { sku: { x: 1 } }] }, '/items/1/sku'],
      [[{ role: {} }], '/0/role'],
    ]) {
      const { error } = json(body);
      assert.deepEqual([error.status, error.rule, error.pointer], [400, 'polluted', pointer]);
    }
    assert.equal(run({ scalar: 'id' }, { query: qs.parse('id[x]=2') }).error.pointer, '/id');
  });

  it('leaves scalars, instances and other members alone', () => {
    for (const body of [
      { role: 'a' },
      { role: null },
      { role: new Date(0) },
      { role: Buffer.from('a') },
      { user: 'x' },
      [],
      'text',
    ]) {
      const outcome = json(body);
      assert.equal(outcome.body, body);
      assert.equal(outcome.error, undefined);
    }
    const body = Object.freeze({
      items: Object.freeze([Object.freeze({ sku: ['a', 'b'], n: 1 }), Object.freeze({ sku: 'c' })]),
    });
    const outcome = json(body);
    assert.deepEqual(outcome.body, { items: [{ sku: 'b', n: 1 }, { sku: 'c' }] });
    assert.equal(outcome.body.items[1], body.items[1]);
  });

  it('asks own properties only', (context) => {
    const prototype = /** @type {any} */ (Object.prototype);
    context.after(() => delete prototype.role);
    prototype.role = ['user', 'admin'];
    const body = { a: 1 };
    assert.equal(json(body).body, body);
  });

  it('judges the whitelisted too, and what an earlier hpp left', () => {
    assert.deepEqual(run({ scalar: 'a', whitelist: 'a' }, { query: { a: ['1', '2'] } }).query, { a: '2' });
    const query = { a: ['1', '2'], b: ['3', '4'], c: [['5']] };
    assert.deepEqual(run({ scalar: ['a', 'b'], whitelist: ['a'] }, { query }).query, { a: '2', b: '4', c: '5' });
    const request = /** @type {any} */ ({ url: '/?', headers: {}, query: { a: '1' }, queryPolluted: {} });
    request.query.b = ['1', '2'];
    hpp({ scalar: 'b' })(request, /** @type {any} */ ({}), () => {});
    assert.equal(request.query.b, '2');
  });
});

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`hpp on ${name}`, () => {
    /**
     * @param {import('node:test').TestContext} context
     * @param {any} parser
     * @param {any} [options]
     */
    async function serve(context, parser, options) {
      const app = express();
      if (parser !== undefined) app.set('query parser', parser);
      app.use(express.json(), express.urlencoded({ extended: true }), hpp(options));
      app.use((/** @type {any} */ request, /** @type {any} */ response) => {
        const { query, queryPolluted, body, bodyPolluted } = request;
        response.json({ query, same: request.query === query, queryPolluted, body, bodyPolluted });
      });
      return (await listen(context, app)).port;
    }
    /** @param {number} port @param {string} query */
    const get = async (port, query) => JSON.parse((await send(port, { path: `/?${query}` })).body);

    for (const [label, parser] of /** @type {const} */ ([
      ['default', undefined],
      ['extended', 'extended'],
      ['simple', 'simple'],
      ['custom', (/** @type {string} */ text) => qs.parse(text, { arrayLimit: 5 })],
    ])) {
      it(`leaves one value, the same on each read, with the ${label} query parser S-41`, async (context) => {
        const port = await serve(context, parser);
        const answer = await get(port, 'role=user&role=admin&a=1');
        assert.deepEqual([answer.query, answer.same], [{ role: 'admin', a: '1' }, true]);
        assert.deepEqual(answer.queryPolluted, { role: ['user', 'admin'] });
        const clean = await get(port, 'a=1&b=2');
        assert.deepEqual([clean.query, clean.same], [{ a: '1', b: '2' }, true]);
        const many = await get(port, Array.from({ length: 25 }, (_, index) => `a=${index}`).join('&'));
        assert.deepEqual(many.query, { a: '24' });
        assert.deepEqual((await get(port, '')).query, {});
      });
    }

    it('leaves one value in forms, not in JSON S-42 S-43', async (context) => {
      const port = await serve(context, undefined);
      const headers = { 'content-type': FORM };
      const form = async (/** @type {string} */ body) => JSON.parse((await sendJson(port, body, { headers })).body);
      assert.deepEqual((await form('u[role]=user&u[role]=admin')).body, { u: { role: 'admin' } });
      assert.deepEqual((await form('id[101]=a&id[102]=b')).body, { id: 'b' });
      assert.deepEqual((await form('a=1&a=2')).bodyPolluted, { a: ['1', '2'] });
      assert.deepEqual(JSON.parse((await sendJson(port, '{"a":[1,2]}')).body).body, { a: [1, 2] });
    });

    it('answers 400 with keep reject', async (context) => {
      const port = await serve(context, undefined, { keep: 'reject' });
      const { status, headers, body } = await send(port, { path: '/?role=user&role=secret' });
      assert.deepEqual([status, headers['content-type']], [400, 'application/problem+json; charset=utf-8']);
      assert.deepEqual([JSON.parse(body).rule, JSON.parse(body).pointer], ['polluted', '/role']);
      assert.doesNotMatch(body, /secret/);
    });

    it('is on in the chain, after sanitize', async (context) => {
      const app = express();
      app.use(carapace({ hpp: { scalar: ['role'] } }));
      app.use((/** @type {any} */ request, /** @type {any} */ response) =>
        response.json([request.query, request.body]),
      );
      const { port } = await listen(context, app);
      const { body } = await sendJson(port, '{"role":["user","admin"],"l":[1,2]}', { path: '/?a=1&a=2&a[$ne]=3' });
      assert.deepEqual(JSON.parse(body), [{ a: '2' }, { role: 'admin', l: [1, 2] }]);
      const off = express();
      off.use(carapace({ hpp: false }), (/** @type {any} */ request, /** @type {any} */ response) =>
        response.json(request.query),
      );
      assert.deepEqual(JSON.parse((await send((await listen(context, off)).port, { path: '/?a=1&a=2' })).body), {
        a: ['1', '2'],
      });
    });

    it('hands the error of a query parser to the app, and refuses what it cannot judge', async (context) => {
      const app = express();
      app.use((/** @type {any} */ request, /** @type {any} */ _response, /** @type {any} */ next) => {
        const trap = () => {
          throw new Error('secret');
        };
        request.body = new Proxy({}, { ownKeys: trap });
        next();
      });
      app.use(hpp({ type: () => true }), (/** @type {any} */ _request, /** @type {any} */ response) =>
        response.end('handler'),
      );
      const { port } = await listen(context, app);
      const { status, body } = await send(port);
      assert.equal(status, 500);
      assert.doesNotMatch(body, /secret|handler/);
    });
  });
}

describe('the options of hpp', () => {
  const TYPE = 'ERR_CARAPACE_OPTION_TYPE';
  const UNKNOWN = 'ERR_CARAPACE_OPTION_UNKNOWN';
  /** @type {[path: string, options: any, code?: string][]} */
  const BAD = [
    ['hpp', null, TYPE],
    ['hpp', [], TYPE],
    ['hpp', 'last', TYPE],
    ['hpp', true, TYPE],
    ...['LAST', '', 'both', 'combine'].map((keep) => /** @type {[string, any]} */ (['hpp.keep', { keep }])),
    ['hpp.keep', { keep: true }, TYPE],
    ['hpp.keep', { keep: null }, TYPE],
    ...['whitelist', 'scalar'].flatMap(
      (option) =>
        /** @type {[string, any, string?][]} */ ([
          [`hpp.${option}`, { [option]: '' }],
          [`hpp.${option}`, { [option]: '[]' }],
          [`hpp.${option}`, { [option]: '.' }],
          [`hpp.${option}`, { [option]: 5 }, TYPE],
          [`hpp.${option}`, { [option]: {} }, TYPE],
          [`hpp.${option}`, { [option]: true }, TYPE],
          [`hpp.${option}`, { [option]: null }, TYPE],
          [`hpp.${option}[0]`, { [option]: [''] }],
          [`hpp.${option}[1]`, { [option]: ['a', '..'] }],
          [`hpp.${option}[1]`, { [option]: ['a', 5] }, TYPE],
          [`hpp.${option}[0]`, { [option]: [null] }, TYPE],
          [`hpp.${option}[0]`, { [option]: [undefined] }, TYPE],
          [`hpp.${option}[0]`, { [option]: [['a']] }, TYPE],
        ]),
    ),
    ['hpp.locations', { locations: [] }],
    ['hpp.locations', { locations: ['params'] }],
    ['hpp.locations', { locations: [undefined] }],
    ['hpp.locations', { locations: 'query' }, TYPE],
    ['hpp.type', { type: 5 }, TYPE],
    ['hpp.type', { type: [] }],
    ['hpp.type', { type: 'a/b/c' }],
    ['hpp.type', { type: ['urlencoded', 5] }],
    ['hpp.mode', { mode: 'dry-run' }],
    ['hpp.mode', { mode: 1 }, TYPE],
    ['hpp.onReject', { onReject: 'throw' }],
    ['hpp.onEvent', { onEvent: {} }, TYPE],
    ['hpp.onFinding', { onFinding: 'log' }, TYPE],
    ['hpp.checkQuery', { checkQuery: false }, UNKNOWN],
    ['hpp.checkBody', { checkBody: false }, UNKNOWN],
    ['hpp.checkBodyOnlyForContentType', { checkBodyOnlyForContentType: 'urlencoded' }, UNKNOWN],
    ['hpp.whiteList', { whiteList: ['a'] }, UNKNOWN],
  ];
  for (const [path, options, code = 'ERR_CARAPACE_OPTION_VALUE'] of BAD) {
    it(`throws ${code} for ${path} given ${JSON.stringify(options)}`, () => {
      assert.throws(() => hpp(options), { name: 'CarapaceError', path, code });
    });
  }
});
