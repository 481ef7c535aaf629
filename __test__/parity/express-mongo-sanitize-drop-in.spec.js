'use strict';

const { deepEqual } = require('node:assert/strict');
const { inspect } = require('node:util');
const theirs = require('express-mongo-sanitize');
const ours = require('carapace/express-mongo-sanitize');
const { parity } = require('../helpers/parity');

/** What apps on Express 5 have to do for express-mongo-sanitize, which writes to `query`. */
function keepQuery(request, _response, next) {
  Object.defineProperty(request, 'query', { value: request.query, writable: true });
  next();
}

const VALUES = [
  {},
  [],
  { a: 1 },
  { $a: 1 },
  { $a: 1, b: 2 },
  { a$: 1, b$c: 2 },
  { 'a.b': 1 },
  { 'a.': 1, '.b': 2, '.': 3, '..': 4 },
  { $: 1 },
  { $$a: 1, '$.b': 2, '$.$c': 3 },
  { email: { $gt: '' }, password: { $gt: '' } },
  { $and: [{ $where: '1' }], x: 1 },
  { a: { b: { c: { $d: { $e: 1 } } } } },
  { a: [{ $ne: 1 }, { b: { $in: [1, { $x: 2 }] } }, [[{ $y: 1 }]], 'text', null] },
  [{ $ne: 1 }, { a: 1 }],
  [[[{ 'x.y': 1 }]]],
  { a: null, b: undefined, c: 0, d: '', e: false, f: '$text', 'g h': '.' },
  { $a: { b: { $c: 1 } }, d: { e: 1 } },
  { z: 1, $y: 2, x: 3, '$w.v': 4, u: 5 },
  { $a: [{ $b: 1 }] },
  JSON.parse('{"__proto__":{"x":1},"constructor":{"prototype":{"y":1}},"$z":1}'),
  JSON.parse('{"$__proto__":{"x":1},"a":{"__proto__":{"$q":1}}}'),
  { _proto__: 1, $_proto__: { x: 1 }, 'constructor.': 1 },
  { '$ne\u0000': 1, '\u0000$where': 1, '\uff04ne': 1 },
  { 0: 'a', 1: { $b: 1 }, length: 2 },
  Object.assign(Object.create(null), { $a: 1, b: { $c: 1 } }),
  { when: new Date(0), $then: new Date(1) },
  { hasOwnProperty: 1, $toString: 2, toString: { $x: 1 } },
  { 'é.ü': 1, $é: 2 },
  { $a: 1, $b: 2, $c: 3, 'd.d': 4 },
];

const SETTINGS = [
  undefined,
  { replaceWith: '_' },
  { allowDots: true },
  { allowDots: true, replaceWith: '_' },
  { dryRun: true },
];

const MORE_SETTINGS = [
  {},
  { replaceWith: '$' },
  { replaceWith: '.' },
  { replaceWith: '$x' },
  { replaceWith: 'a.b' },
  { replaceWith: '' },
  { replaceWith: null },
  { replaceWith: 5 },
  { replaceWith: '__' },
  { replaceWith: '__proto__', allowDots: false },
  { replaceWith: 'constructor' },
  { replaceWith: 'prototype' },
  { replaceWith: 'long replacement' },
  { replaceWith: '$', allowDots: true },
  { replaceWith: '.', allowDots: true },
  { dryRun: 1, replaceWith: '_' },
  { dryRun: 'no', allowDots: 1 },
  { unknown: true },
];

const show = (value) => inspect(value, { depth: 8, breakLength: Infinity });
const copy = (value) => structuredCloneWithPrototypes(value);

/** A copy of plain values that keeps a missing prototype and own members called `__proto__`. */
function structuredCloneWithPrototypes(value) {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value;
  if (Array.isArray(value)) return value.map(structuredCloneWithPrototypes);
  const result = Object.create(Object.getPrototypeOf(value));
  for (const key of Object.keys(value)) {
    Object.defineProperty(result, key, {
      value: structuredCloneWithPrototypes(value[key]),
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return result;
}

function sanitized(kit, given, settings) {
  const value = copy(given);
  const result = kit.call(() => (settings === undefined ? kit.lib.sanitize(value) : kit.lib.sanitize(value, settings)));
  kit.note(result === value, value);
}

const see = ({ body, query, params, headers }) => ({
  body,
  query,
  params,
  headers: Object.keys(headers).filter((name) => !['connection', 'content-length'].includes(name)),
});

/** Sends a request through the middleware: bodies parsed, routed, with a listener. */
async function through(kit, settings, request, { keep = keepQuery, parser = 'extended', route = '/things/:id' } = {}) {
  const onSanitize = kit.spy('onSanitize', ({ req, key }) => kit.note(key, Object.keys(req[key])));
  const middleware = kit.call(() => (settings === NONE ? kit.lib() : kit.lib({ onSanitize, ...settings })));
  const mount = (app) => {
    app.set('query parser', parser);
    if (keep) app.use(keep);
    app.use(kit.express.json(), kit.express.urlencoded({ extended: parser === 'extended' }));
    app.use(route, middleware);
    app.use(route, (req, _response, next) => {
      kit.note('params', req.params);
      next();
    });
  };
  const send = await kit.serve(mount, { see });
  await send({ path: '/things/7', ...request });
}

const NONE = Symbol('no argument');
const json = (body, path = '/things/7') => ({
  method: 'POST',
  path,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});
const form = (body) => ({
  method: 'POST',
  path: `/things/7?${body}`,
  headers: { 'content-type': 'application/x-www-form-urlencoded' },
  body,
});

class Thing {
  constructor() {
    this.$inside = 1;
  }
}
const frozen = () => Object.freeze({ $a: 1, b: 2 });
const deep = (levels) => {
  let value = { $x: 1 };
  for (let level = 0; level < levels; level += 1) value = { a: value };
  return value;
};

const cases = [
  ...SETTINGS.flatMap((settings) =>
    VALUES.map((value) => ({
      name: `sanitize(${show(value)}, ${show(settings)})`,
      run: (kit) => sanitized(kit, value, settings),
    })),
  ),
  ...MORE_SETTINGS.map((settings) => ({
    name: `sanitize(…, ${show(settings)})`,
    run: (kit) => sanitized(kit, { $a: { 'b.c': 1 }, d: [{ $e: 1 }], $: 2 }, settings),
  })),
  ...VALUES.flatMap((value) =>
    [undefined, true].map((allowDots) => ({
      name: `has(${show(value)}, ${allowDots})`,
      run: ({ call, lib }) => call(() => lib.has(copy(value), allowDots)),
    })),
  ),
  ...[undefined, null, 5, 'text', '$text', true, Symbol.iterator, () => 1].flatMap((value) => [
    { name: `sanitize(${String(value)})`, run: ({ call, lib }) => call(() => lib.sanitize(value)) },
    { name: `has(${String(value)})`, run: ({ call, lib }) => call(() => lib.has(value)) },
  ]),
  {
    name: 'the exports',
    run: ({ lib, note }) => {
      note(Object.keys(lib).sort(), lib.name, lib.length, lib.sanitize.name, lib.sanitize.length);
      note(lib.has.name, lib.has.length, lib().name, lib().length);
    },
  },
  ...[NONE, {}, { replaceWith: '_' }, { allowDots: true }, { dryRun: true }, { onSanitize: 'no function' }].flatMap(
    (settings) =>
      [
        json({ email: { $gt: '' }, 'a.b': 1, fine: [1] }),
        json({ fine: 1 }),
        json([{ $x: 1 }], '/things/$ne?a=1'),
        form('email[$gt]=&a.b=1&c=1'),
        form('$where=1'),
        { path: '/things/7?a[$ne]=1&b.c=2&d=3' },
        { path: '/things/7' },
        { path: '/things/7?' },
        { headers: { 'x.foo': 'bar', $where: '1', 'x-fine': '1' } },
      ].map((request) => ({
        name: `the middleware with ${settings === NONE ? 'nothing' : show(settings)}: ${show(request)}`,
        run: (kit) => through(kit, settings, request),
      })),
  ),
  {
    name: 'a parameter of a route with a prohibited name',
    run: (kit) => through(kit, {}, json({ a: 1 }), { route: /^\/things\/(?<id>\d+)$/ }),
  },
  {
    name: 'a listener that throws',
    run: (kit) =>
      through(
        kit,
        {
          onSanitize: () => {
            throw new RangeError('mine');
          },
        },
        json({ $a: 1 }),
      ),
  },
  ...[undefined, null, 'text', [{ $a: 1 }], Buffer.from('$')].map((body) => ({
    name: `a request without Express whose body is ${inspect(body)}`,
    run: (kit) => {
      const request = { body: copy(body), headers: {} };
      if (Buffer.isBuffer(body)) request.body = String(body);
      kit.call(() => kit.lib()(request, {}, kit.spy('next')));
      kit.note(request);
    },
  })),
  {
    name: 'a value that somebody holds',
    run: (kit) => {
      const body = { a: { $b: 1 } };
      const { a } = body;
      kit.lib({ replaceWith: '_' })({ body, headers: {} }, {}, kit.spy('next'));
      kit.note(body, a, body.a === a);
    },
  },
  {
    name: 'a value that is there twice',
    run: (kit) => {
      const shared = { $b: 1, c: 2 };
      kit.note(kit.lib.sanitize({ one: shared, other: [shared] }));
    },
  },
  // What differs on purpose
  ...[{ 'a.$where': '1' }, { 'a.b.$gt': 1 }, { x: { 'a.$in': [1] } }].flatMap((value) => [
    {
      name: `with allowDots ${show(value)} (S-49)`,
      differs: 'dotted-operators',
      run: (kit) => sanitized(kit, value, { allowDots: true }),
    },
    {
      name: `has with allowDots ${show(value)} (S-49)`,
      differs: 'dotted-operators',
      run: ({ call, lib }) => call(() => lib.has(value, true)),
    },
  ]),
  ...[
    { _id: 'victim', $id: 'attacker' },
    { $id: 'attacker', _id: 'victim' },
  ].map((value) => ({
    name: `a renamed member meets another: ${show(value)} (S-48)`,
    differs: 'no-overwrite',
    run: (kit) => sanitized(kit, value, { replaceWith: '_' }),
    check: (_theirs, got) => deepEqual(got[1][1], { 'object of Object': [['_id', 'victim']] }),
  })),
  ...['u[$ne]=1', 'a[b][$gt]='].map((text) => ({
    name: `brackets that the simple parser left: ${text} (S-47)`,
    differs: 'bracket-names',
    run: (kit) => through(kit, {}, form(text), { parser: 'simple' }),
  })),
  ...[{ replaceWith: '_$' }, { replaceWith: '_$&' }, { replaceWith: 'a.b', allowDots: true }].map((settings) => ({
    name: `sanitize(…, ${show(settings)})`,
    differs: 'replacements',
    run: (kit) => sanitized(kit, { $x: 1, y: 2 }, settings),
    check: (_theirs, got) => deepEqual(got[1][1], { 'object of Object': [['y', 2]] }),
  })),
  {
    name: 'an instance of a class (S-50)',
    differs: 'instances',
    run: (kit) => kit.note(kit.lib.sanitize({ thing: new Thing() })),
  },
  {
    name: 'an array with a named member (S-50)',
    run: (kit) => kit.note(kit.lib.sanitize({ list: Object.assign([1, { $x: 1 }], { $name: 1 }), 'a.b': 1 }).list),
  },
  {
    name: 'a frozen value (S-50)',
    differs: 'frozen',
    run: (kit) => kit.call(() => kit.lib.sanitize(frozen())),
    check: (_theirs, got) => deepEqual(got, [['returned', { 'object of Object': [['b', 2]] }]]),
  },
  {
    name: 'a frozen body (S-50)',
    differs: 'frozen',
    run: (kit) => {
      const request = { body: frozen(), headers: {} };
      kit.call(() => kit.lib({ replaceWith: '_' })(request, {}, kit.spy('next')));
      kit.note(request);
    },
  },
  {
    name: 'a value of 20,000 levels (S-30)',
    differs: 'depth',
    run: ({ call, lib }) => call(() => lib.has(deep(20_000))),
    check: (_theirs, got) => deepEqual(got, [['returned', true]]),
  },
  {
    name: 'the query of Express as it is',
    differs: { express5: 'express-5' },
    run: (kit) => through(kit, {}, json({ $a: 1 }, '/things/7?b[$ne]=1&c=1'), { keep: null }),
    check: (_theirs, got) => deepEqual(got.at(-1), ['answer', 200, got.at(-1)[2], 'handled']),
  },
];

const variant = (changes) => Object.assign((options) => (changes.middleware ?? ours)(options), ours, changes);

const mutants = {
  'does nothing': variant({ sanitize: (value) => value }),
  'returns a copy': variant({ sanitize: (value, options) => ours.sanitize(copy(value), options) }),
  'forgets to call the listener': variant({ middleware: (options) => ours({ ...options, onSanitize: undefined }) }),
  'always allows dots': variant({ has: (value) => ours.has(value, true) }),
  'ignores dryRun': variant({ sanitize: (value, options) => ours.sanitize(value, { ...options, dryRun: false }) }),
};

parity('carapace/express-mongo-sanitize', { theirs, ours, cases, mutants });
