'use strict';

const { deepEqual } = require('node:assert/strict');
const { inspect } = require('node:util');
const theirs = require('secure-json-parse');
const ours = require('carapace/secure-json-parse');
const { parity } = require('../helpers/parity');

const TEXTS = [
  '{"a": 5, "b": 6}',
  'null',
  '0',
  '"X"',
  'true',
  '[]',
  '[1,{"a":[2]}]',
  ' \n{ }',
  '{"a": 5, "b": 6,"__proto__": { "x": 7 }}',
  '{ "a": 5, "b": 6, "__proto__" \n\r\t : { "x": 7 } }',
  '{"a": 5, "b": "__proto__"}',
  '{"__proto__":null}',
  '{"__proto__":5,"a":1}',
  '[{"__proto__":[]}]',
  '{"a":5,"__proto__":{"x":7},"c":{"d":0,"e":"text","__proto__":{"y":8},"f":{"g":2}}}',
  '{"\\u005f_proto__":{"x":7}}',
  '{"_\\u005fp\\u0072oto__":{"x":7}}',
  '{"\\u005F\\u005F\\u0070\\u0072\\u006F\\u0074\\u006F\\u005F\\u005F":{"x":7}}',
  '{"\\u005g_proto__":1}',
  '{"__proto__ ":1,"_proto_":2,"__PROTO__":3}',
  '{"a":{"__proto__":{"constructor":{"prototype":{}}}}}',
  '{"constructor":{"prototype":{"bar":"baz"}}}',
  '{"a":5,"constructor":{"prototype":{"bar":"baz"}},"c":{"constructor":{"prototype":1},"f":{"g":2}}}',
  '{"constructor":{"bar":"baz"}}',
  '{"constructor":{}}',
  '{"constructor":null}',
  '{"constructor":"prototype"}',
  '{"constructor":["prototype"]}',
  '{"constructor":{"\\u0070rototype":1}}',
  '{"constr\\u0075ctor":{"prototype":null}}',
  '{"\\u0063\\u006F\\u006E\\u0073\\u0074\\u0072\\u0075\\u0063\\u0074\\u006F\\u0072":{"prototype":1}}',
  '{"constructor":{"constructor":{"prototype":{}}}}',
  '{"prototype":{"x":1}}',
  '"\\"__proto__\\":"',
  '{"a":"\\"__proto__\\": 1, \\"constructor\\":"}',
  '{"constructor":{"prototype":{"bar":"baz"}},"__proto__":{"x":7}}',
  '{"__proto__":{"x":7},"__proto__":{"y":8},"a":1}',
  '{"a":{"__proto__":1},"a":2}',
  '{"a":2,"a":{"__proto__":1}}',
  '{"constructor":{"prototype":1},"constructor":2}',
  '{"hasOwnProperty":"text","__proto__":{"x":7}}',
  '{"hasOwnProperty":1,"constructor":{"prototype":1}}',
  '\uFEFF{"a":1}',
  '\uFEFF{"__proto__":1}',
  '\uFEFF\uFEFF{"a":1}',
  '{"é☃😀":"ü\ud800","__proto__":"☃"}',
  '{"a":1e400,"b":-0,"c":12345678901234567890}',
  '',
  ' ',
  '{',
  '{"__proto__":',
  "{'a':1}",
  '{"a":1,}',
  'undefined',
  '{"a":1}{"b":2}',
];

const SETTINGS = [
  undefined,
  { protoAction: 'remove' },
  { constructorAction: 'remove' },
  { protoAction: 'ignore' },
  { constructorAction: 'ignore' },
  { protoAction: 'remove', constructorAction: 'remove' },
  { protoAction: 'ignore', constructorAction: 'ignore' },
  { safe: true },
];

/** For one text that has it all. */
const MORE_SETTINGS = [
  {},
  { protoAction: 'error', constructorAction: 'error' },
  { protoAction: 'error', constructorAction: 'ignore' },
  { protoAction: 'ignore', constructorAction: 'error' },
  { protoAction: 'ignore', constructorAction: 'remove' },
  { protoAction: 'remove', constructorAction: 'ignore' },
  { protoAction: 'remove', constructorAction: 'error' },
  { protoAction: undefined, constructorAction: null },
  { protoAction: '', constructorAction: 0 },
  { protoAction: 'unknown', constructorAction: 'unknown' },
  { safe: 1 },
  { safe: false },
  { safe: true, protoAction: 'ignore' },
  { safe: true, protoAction: 'remove', constructorAction: 'remove' },
  { safe: true, protoAction: 'ignore', constructorAction: 'ignore' },
  { safe: true, constructorAction: 'ignore' },
];

const EVERYTHING = '{"a":[{"__proto__":{"x":1}},{"constructor":{"prototype":{"y":2}}}],"b":{"__proto__":3,"c":4}}';
const VALUES = () => [
  JSON.parse(EVERYTHING),
  JSON.parse('{"a":{"__proto__":1}}'),
  JSON.parse('{"a":{"constructor":{"prototype":1}}}'),
  {},
  [],
  { a: 1, constructor: { name: 'x' } },
  Object.assign(Object.create(null), { a: 1 }),
  5,
  'text',
  null,
  undefined,
  true,
];

const show = (value) => inspect(value, { depth: 6, breakLength: Infinity });
const nested = (levels, core) => `${'{"a":'.repeat(levels)}${core}${'}'.repeat(levels)}`;

const cases = [
  ...SETTINGS.flatMap((settings) =>
    TEXTS.map((text) => ({
      name: `parse(${JSON.stringify(text)}, ${show(settings)})`,
      run: ({ call, lib }) => call(() => (settings === undefined ? lib.parse(text) : lib.parse(text, settings))),
    })),
  ),
  ...TEXTS.flatMap((text) => [
    {
      name: `parse of the bytes of ${JSON.stringify(text)}`,
      run: ({ call, lib }) => call(() => lib.parse(Buffer.from(text))),
    },
    {
      name: `safeParse(${JSON.stringify(text)})`,
      run: ({ call, lib }) => {
        call(() => lib.safeParse(text));
        call(() => lib.safeParse(Buffer.from(text)));
      },
    },
    {
      name: `parse with a reviver and null before the options, ${JSON.stringify(text)}`,
      run: ({ call, lib, spy }) => {
        const reviver = spy('reviver', (_key, value) => (typeof value === 'number' ? value + 1 : value));
        call(() => lib(text, reviver, { protoAction: 'remove', constructorAction: 'remove' }));
        call(() => lib(text, null, { protoAction: 'remove' }));
        call(() => lib(text, null, null));
        call(() => lib.safeParse(text, reviver));
      },
    },
  ]),
  ...MORE_SETTINGS.flatMap((settings) => [
    {
      name: `parse of everything with ${show(settings)}`,
      run: ({ call, lib }) => call(() => lib.parse(EVERYTHING, undefined, settings)),
    },
    {
      name: `scan of everything with ${show(settings)}`,
      run: ({ call, lib, note }) => {
        const value = JSON.parse(EVERYTHING);
        note(call(() => lib.scan(value, settings)) === value);
      },
    },
  ]),
  ...VALUES().map((value, index) => ({
    name: `scan(${show(value)}) [${index}]`,
    run: ({ call, lib, note }) => {
      const given = VALUES()[index];
      call(() => lib.scan(given));
      call(() => lib.scan(VALUES()[index], { safe: true }));
      note(call(() => lib.scan(given, { protoAction: 'remove', constructorAction: 'remove' })) === given, given);
    },
  })),
  ...[undefined, null, 5, true, false, {}, [], ['{}'], { toString: () => '{}' }, Symbol('text')].map((text) => ({
    name: `parse(${show(text)}), which is no text`,
    run: ({ call, lib }) => {
      call(() => lib.parse(text));
      call(() => lib.safeParse(text));
    },
  })),
  {
    name: 'bytes that are no UTF-8',
    run: ({ call, lib }) => {
      for (const bytes of [
        [0x22, 0xff, 0x22],
        [0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d],
      ]) {
        call(() => lib.parse(Buffer.from(bytes)));
      }
      call(() => lib.parse(Buffer.concat([Buffer.from([0x22, 0xff, 0x22]), Buffer.from(' ')])));
      call(() => lib.parse(Buffer.from(`{"__proto__":1,"a":"${'\xff'}"}`, 'latin1'), { protoAction: 'remove' }));
    },
  },
  {
    name: 'an array of bytes, which is no Buffer',
    run: ({ call, lib }) => call(() => lib.parse(new Uint8Array([0x7b, 0x7d]))),
  },
  {
    name: 'a reviver that makes what the text did not hold',
    run: ({ call, lib }) => {
      const reviver = (key, value) => (key === 'a' ? JSON.parse('{"__proto__":1}') : value);
      call(() => lib.parse('{"a":1}', reviver));
      call(() => lib.parse('{"a":1,"__proto__":2}', reviver, { protoAction: 'remove' }));
    },
  },
  {
    name: 'a reviver that removes it',
    run: ({ call, lib }) =>
      call(() => lib.parse('{"a":1,"__proto__":2}', (key, value) => (key === '__proto__' ? undefined : value))),
  },
  {
    name: 'a reviver that throws',
    run: ({ call, lib }) => {
      const reviver = () => {
        throw new RangeError('mine');
      };
      call(() => lib.parse('{"a":1}', reviver));
      call(() => lib.safeParse('{"a":1}', reviver));
    },
  },
  {
    name: 'the limit of stack traces stays',
    run: ({ call, lib, note }) => {
      const { stackTraceLimit } = Error;
      Error.stackTraceLimit = 42;
      try {
        call(() => lib.parse(EVERYTHING));
        call(() => lib.safeParse('{'));
        note(Error.stackTraceLimit);
      } finally {
        Error.stackTraceLimit = stackTraceLimit;
      }
    },
  },
  {
    name: 'errors have no stack',
    run: ({ lib, note }) => {
      try {
        lib.parse(EVERYTHING);
      } catch (error) {
        note(error.stack, error instanceof SyntaxError);
      }
    },
  },
  {
    name: 'the exports',
    run: ({ lib, note }) => {
      note(Object.keys(lib).sort(), lib.name, lib.length, lib.default === lib, lib.parse === lib);
      note(lib.safeParse.length, lib.scan.length, lib.safeParse.name);
    },
  },
  ...[10, 500].map((levels) => ({
    name: `members ${levels} levels down`,
    run: ({ lib, note }) => {
      for (const core of ['{"__proto__":1}', '{"constructor":{"prototype":1}}', '1']) {
        const text = nested(levels, core);
        note(lib.safeParse(text) === null);
        note(JSON.stringify(lib.parse(text, { protoAction: 'remove', constructorAction: 'remove' })).length);
      }
    },
  })),
  {
    name: 'a long text',
    run: ({ lib, note }) => {
      const text = JSON.stringify(Array.from({ length: 10_000 }, (_, at) => ({ at, text: 'x'.repeat(at % 50) })));
      note(lib.parse(text).length, lib.parse(`{"a":${text},"__proto__":1}`, { protoAction: 'remove' }).a.length);
    },
  },
  // What differs on purpose
  {
    name: 'scan of an instance',
    differs: 'instances',
    run: ({ call, lib }) => {
      class Thing {}
      const thing = Object.defineProperty(new Thing(), '__proto__', { value: 1, enumerable: true, configurable: true });
      call(() => lib.scan({ thing }));
    },
  },
  {
    name: 'scan of a frozen object',
    differs: 'frozen',
    run: ({ call, lib }) =>
      call(() => lib.scan(Object.freeze(JSON.parse('{"__proto__":1,"a":2}')), { protoAction: 'remove' })),
    check: (_theirs, got) => deepEqual(got, [['returned', { 'object of Object': [['a', 2]] }]]),
  },
  {
    name: 'scan of a value that holds itself',
    differs: 'cycles',
    run: ({ call, lib, note }) => {
      // The peer would never end.
      if (lib === theirs) return note('endless');
      const value = { a: 1 };
      value.itself = value;
      return call(() => lib.scan(value) === value);
    },
  },
];

const variant = (changes) => {
  const parse = (...given) => (changes.parse ?? ours)(...given);
  return Object.assign(parse, ours, { ...changes, default: parse, parse });
};

const mutants = {
  'is JSON.parse': variant({ parse: (text) => JSON.parse(text) }),
  'removes by default': variant({
    parse: (text, ...rest) => (rest.length === 0 ? ours(text, { protoAction: 'remove' }) : ours(text, ...rest)),
  }),
  'knows no constructor': variant({
    scan: (value, options) => ours.scan(value, { ...options, constructorAction: 'ignore' }),
  }),
  'throws in safeParse': variant({ safeParse: (text, reviver) => ours.parse(text, reviver, { safe: true }) }),
};

parity('carapace/secure-json-parse', { theirs, ours, cases, mutants });
