'use strict';

const { deepEqual } = require('node:assert/strict');
const { inspect } = require('node:util');
const theirs = require('hpp');
const ours = require('carapace/hpp');
const { parity } = require('../helpers/parity');

const FORM = 'application/x-www-form-urlencoded';

/** The query as Express 5 would have it if it were a property, which is what users of hpp make of it there. */
function keepQuery(request, _response, next) {
  Object.defineProperty(request, 'query', { value: request.query, writable: true, enumerable: true });
  next();
}

const see = ({ query, queryPolluted, body, bodyPolluted }) => ({ query, queryPolluted, body, bodyPolluted });

/**
 * Sends a form and a query through middlewares made with the options given.
 * @param {any} kit
 * @param {any[]} options one for each middleware
 * @param {any} request
 */
async function through(kit, options, request, { parser = 'extended', keep = keepQuery } = {}) {
  const middlewares = options.map((one) => kit.call(() => (one === NONE ? kit.lib() : kit.lib(one))));
  const mount = (app) => {
    app.set('query parser', parser);
    if (keep) app.use(keep);
    app.use(kit.express.urlencoded({ extended: parser === 'extended' }), kit.express.json());
    app.use(...middlewares);
  };
  const send = await kit.serve(mount, { see });
  await send(request);
}

const NONE = Symbol('no argument');
const TEXTS = [
  'a=1',
  'a=1&a=2',
  'a=1&a=2&a=3&b=4',
  'firstname=John&firstname=Alice&lastname=Doe',
  'a=&a=',
  'a=1&a=',
  'a[]=1',
  'a[]=1&a[]=2',
  'a[0]=1&a[1]=2',
  'a[1]=2&a[0]=1',
  'a=1&b=2&a=3&b=4',
  'u[x]=1',
  'u[x]=1&b=1&b=2',
  'constructor=1&constructor=2',
  'toString=1&toString=2',
  'length=1&length=2',
  'a%00=1&a%00=2',
  'a.b=1&a.b=2',
  'x y=1&x y=2',
  '%C3%A9=1&%C3%A9=2',
  'a=x&a=%5B%5D',
  'a+b=1&a+b=2',
];
const OPTIONS = [
  [NONE],
  [{ whitelist: 'a' }],
  [{ whitelist: ['b', 'length', 'missing'] }],
  [{}, { whitelist: ['a', 'firstname'] }],
  [{ checkQuery: false }],
  [{ checkBody: false }],
];

const print = (options) =>
  options.map((one) => (one === NONE ? 'hpp()' : `hpp(${JSON.stringify(one) ?? 'undefined'})`)).join(' and ');

const form = (text, type = FORM) => ({
  method: 'POST',
  path: `/?${text.replaceAll(' ', '+')}`,
  headers: { 'content-type': type },
  body: text,
});
const json = (value, type = 'application/json') => ({
  method: 'POST',
  headers: { 'content-type': type },
  body: JSON.stringify(value),
});

/** A request by itself, as in unit tests of middlewares. */
function alone(kit, options, request) {
  const middleware = kit.call(() => kit.lib(...options));
  kit.call(() => middleware(request, {}, kit.spy('next')));
  kit.note(see(request));
}

const cases = [
  ...OPTIONS.flatMap((options) =>
    TEXTS.map((text) => ({
      name: `${print(options)}: ${text}`,
      // `a.b` is the b of a, so it stays with a.
      differs: text.startsWith('a.b') && JSON.stringify(options).includes('"a"') ? 'whitelist-names' : undefined,
      run: (kit) => through(kit, options, form(text)),
    })),
  ),
  ...TEXTS.filter((text) => !text.includes('[')).map((text) => ({
    name: `with the simple parsers: ${text}`,
    run: (kit) => through(kit, [{ whitelist: 'b' }], form(text), { parser: 'simple' }),
  })),
  // Options that are no good are told on the console.
  ...[
    { whitelist: 5 },
    { whitelist: {} },
    { whitelist: true },
    { whitelist: null },
    { whitelist: undefined },
    { whitelist: '' },
    { whitelist: [] },
    { whitelist: ['a', 5, null, {}, 'b'] },
    { whitelist: [['a']] },
    { checkQuery: 0, checkBody: null },
    { checkQuery: 'yes', checkBody: 1 },
    { checkQuery: undefined, checkBody: undefined },
    { unknown: true },
    undefined,
    null,
    false,
    '',
  ].map((options) => ({
    name: `the options ${inspect(options)}`,
    run: (kit) => through(kit, [options && { ...options }], form('a=1&a=2&b=3&b=4')),
  })),
  // Which bodies are checked
  ...[
    undefined,
    'urlencoded',
    'json',
    '+json',
    'application/json',
    'application/*',
    '*/*',
    'multipart',
    'text/plain',
    'nonsense',
    '',
    null,
    false,
    ['json', 'urlencoded'],
    [],
  ].flatMap((checkBodyOnlyForContentType) =>
    [json({ a: [1, 2], b: 3 }), form('a=1&a=2')].map((request) => ({
      name: `checkBodyOnlyForContentType ${JSON.stringify(checkBodyOnlyForContentType)}: ${request.headers['content-type']}`,
      run: (kit) => through(kit, [{ checkBodyOnlyForContentType }], request),
    })),
  ),
  ...['application/x-www-form-urlencoded; charset=utf-8', 'APPLICATION/X-WWW-FORM-URLENCODED'].map((type) => ({
    name: `a form of type ${type}`,
    run: (kit) => through(kit, [NONE], form('a=1&a=2', type)),
  })),
  {
    name: 'a JSON body, which is left alone',
    run: (kit) => through(kit, [NONE], json({ a: [1, 2], b: { c: [3, 4] } })),
  },
  { name: 'a GET without a query', run: (kit) => through(kit, [NONE], { path: '/' }) },
  { name: 'a query without a value', run: (kit) => through(kit, [NONE], { path: '/?' }) },
  {
    name: 'a second middleware puts back, and a third finds nothing more',
    run: (kit) => through(kit, [{}, { whitelist: 'a' }, { whitelist: ['a', 'b'] }], form('a=1&a=2&b=3&b=4&c=5&c=6')),
  },
  {
    name: 'a middleware after a whitelist takes nothing away again',
    run: (kit) => through(kit, [{ whitelist: 'a' }, {}], form('a=1&a=2&b=3&b=4')),
  },
  {
    name: 'a request without Express',
    run: (kit) => alone(kit, [], { headers: {}, query: { a: ['1', '2'] } }),
  },
  {
    name: 'a request without a query or a body',
    run: (kit) => alone(kit, [], { headers: {} }),
  },
  {
    name: 'a request with an empty query and body',
    run: (kit) => alone(kit, [{}], { headers: { 'content-type': FORM, 'content-length': '0' }, query: {}, body: {} }),
  },
  {
    name: 'a body without a length, which is none',
    run: (kit) => alone(kit, [{}], { headers: { 'content-type': FORM }, body: { a: ['1', '2'] } }),
  },
  {
    name: 'a body in chunks',
    run: (kit) =>
      alone(kit, [{}], { headers: { 'content-type': FORM, 'transfer-encoding': 'chunked' }, body: { a: ['1', '2'] } }),
  },
  {
    name: 'what somebody else has put aside',
    run: (kit) =>
      alone(kit, [{ whitelist: 'a' }], { headers: {}, query: { a: '2', b: ['3'] }, queryPolluted: { a: ['1', '2'] } }),
  },
  {
    name: 'a query without a prototype',
    run: (kit) =>
      alone(kit, [{}], { headers: {}, query: Object.assign(Object.create(null), { a: ['1', '2'], b: '' }) }),
  },
  {
    name: 'the exports',
    run: ({ lib, note }) => note(lib.name, lib.length, Object.keys(lib), lib({}).name, lib({}).length),
  },
  // What differs on purpose
  ...[
    ['u[role]=user&u[role]=admin', { u: { role: 'admin' } }],
    ['u[a][b]=1&u[a][b]=2&c=3', { u: { a: { b: '2' } }, c: '3' }],
  ].map(([text, expected]) => ({
    name: `lists below the top (S-42): ${text}`,
    differs: 'nested',
    run: (kit) => through(kit, [NONE], form(text)),
    check: (_theirs, got) => holds(got, expected),
  })),
  {
    name: 'a whitelist with the name at the top keeps what is below it, as hpp does',
    run: (kit) => {
      const whitelist = kit.lib === theirs ? [] : ['u'];
      return through({ ...kit, call: (act) => act() }, [{ whitelist }], form('u[role]=user&u[role]=admin&b=1&b=2'));
    },
  },
  ...[
    ['id[]=1&id[x]=2', { id: '1' }],
    ['id[101]=a&id[102]=b', { id: 'b' }],
  ].map(([text, expected]) => ({
    name: `objects that stand in for arrays (S-43): ${text}`,
    differs: 'stand-ins',
    run: (kit) => through(kit, [NONE], form(text)),
    check: (_theirs, got) => holds(got, expected),
  })),
  {
    name: 'a text before an object',
    differs: 'text-first',
    run: (kit) => through(kit, [NONE], form('a=1&a[x]=2')),
    check: (_theirs, got) => holds(got, { a: '1' }),
  },
  {
    name: 'a whitelist of other spellings (S-45)',
    differs: 'whitelist-names',
    run: (kit) => through(kit, [{ whitelist: 'a' }], form('a[]=1&a[]=2'), { parser: 'simple' }),
    check: (_theirs, got) => holds(got, { 'a[]': ['1', '2'] }),
  },
  {
    name: 'a whitelist with an inherited name (S-46)',
    differs: 'whitelist-inherited',
    run: (kit) => through(kit, [{ whitelist: ['constructor'] }], form('b=1')),
    check: (_theirs, got) => holds(got, { b: '1' }),
  },
  {
    name: 'a frozen query',
    differs: 'copies',
    run: (kit) => alone(kit, [], { headers: {}, query: Object.freeze({ a: ['1', '2'] }) }),
  },
  {
    name: 'the query that somebody holds',
    differs: 'copies',
    run: (kit) => {
      const query = { a: ['1', '2'] };
      alone(kit, [], { headers: {}, query });
      kit.note(query);
    },
  },
  {
    name: 'the options that were given, afterwards',
    differs: 'options-untouched',
    run: (kit) => {
      const options = { whitelist: 'a' };
      kit.lib(options);
      kit.note(options);
    },
  },
];

/** On Express 5 the query is parsed on each read: what hpp writes there is lost (S-41). */
const onItsOwn = {
  name: 'the query of Express as it is',
  run: (kit) => through(kit, [NONE], form('role=user&role=admin'), { keep: null }),
};
cases.push({ ...onItsOwn, differs: { express5: 'express-5' }, check: (_theirs, got) => holds(got, { role: 'admin' }) });

/** What the handler saw as query and as body. */
function holds(notes, expected) {
  const { 'object of Object': seen } = notes.find(([label]) => label === 'handler')[1];
  for (const part of ['query', 'body']) {
    deepEqual(unplain(seen.find(([name]) => name === part)[1]), expected, part);
  }
}

function unplain(value) {
  const members = value?.['object of Object'] ?? value?.['object of null'];
  return members ? Object.fromEntries(members.map(([key, member]) => [key, unplain(member)])) : value;
}

const change =
  (act) =>
  (...given) =>
    act(...given);
const wrap = (after) => {
  const lib = (options) => {
    const middleware = ours(options);
    return function hpp(request, response, next) {
      middleware(request, response, (error) => {
        after(request);
        next(error);
      });
    };
  };
  return lib;
};

const mutants = {
  'does nothing': change(
    () =>
      function hpp(_request, _response, next) {
        next();
      },
  ),
  'keeps the first value': wrap((request) => {
    for (const [name, values] of Object.entries(request.queryPolluted ?? {})) request.query[name] = values[0];
  }),
  'puts nothing aside': wrap((request) => delete request.queryPolluted),
  'takes every body for a form': change((options) => ours({ ...options, checkBodyOnlyForContentType: '*/*' })),
  'ignores the whitelist': change((options) => ours({ ...options, whitelist: undefined })),
};

parity('carapace/hpp', { theirs, ours, cases, mutants });
