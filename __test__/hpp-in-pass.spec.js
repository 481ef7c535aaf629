'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const fc = require('fast-check');
const { carapace, hpp, queryParser, urlencoded } = require('..');

/** @typedef {{ value: any, polluted: any, error: any, findings: any[], stems: string[] }} Outcome */

/**
 * Runs middlewares over one form, in its body or in its query string.
 * @param {'body' | 'query'} location
 * @param {string} text
 * @param {(listeners: any) => any[]} create the middlewares
 * @param {any} [given] properties of the request
 * @returns {Outcome}
 */
function run(location, text, create, given) {
  const isBody = location === 'body';
  const request = /** @type {any} */ ({
    method: 'POST',
    url: isBody ? '/' : `/?${text}`,
    headers: isBody ? { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '1' } : {},
    body: isBody ? Buffer.from(text) : undefined,
    readableDidRead: true,
    ...given,
  });
  request.unpipe = request.resume = () => request;
  /** @type {any[]} */
  const findings = [];
  /** @type {string[]} */
  const stems = [];
  /** @type {any} */
  let error;
  const listeners = {
    onReject: 'next',
    onFinding: (/** @type {any} */ finding) => findings.push(finding),
    onEvent: (/** @type {any} */ { stem, rule, path }) => stems.push(`${stem} ${rule} ${path}`),
  };
  for (const middleware of create(listeners)) {
    if (error === undefined) middleware(request, {}, (/** @type {any} */ given) => (error = given));
  }
  return { value: request[location], polluted: request[`${location}Polluted`], error, findings, stems };
}

const READERS = { body: urlencoded, query: queryParser };

/** Objects with the order of their keys. @param {any} value @returns {any} */
const ordered = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.entries(value).map(([key, inner]) => [key, ordered(inner)])
    : (value?.map?.(ordered) ?? value);

/**
 * What a request tells the app, and the listeners; a refused one has no value.
 * @param {Outcome} outcome
 */
function shown({ value, polluted, error, findings }) {
  const { status, type, rule, pointer, location } = error ?? {};
  return { findings, result: error ? { status, type, rule, pointer, location } : ordered([value, polluted]) };
}

const name = fc.constantFrom(
  'a',
  'a',
  'b',
  '0',
  '1',
  'u.r',
  'constructor',
  '__proto__',
  '$x',
  'a.$y',
  'é',
  '',
  'length',
);
const inside = fc.constantFrom(
  '',
  '',
  'b',
  'r',
  '0',
  '1',
  '2',
  '30',
  '4294967294',
  '4294967295',
  '01',
  '$ne',
  '__proto__',
  'prototype',
  'constructor',
  '.',
  'x.y',
);
const bracket = fc.tuple(inside, fc.constantFrom(']', ']', ']', '%5D', '')).map(([text, close]) => `[${text}${close}`);
const value = fc.constantFrom('', '=', '=1', '=2', '=x+y', '=%C3%A9');
const part = fc
  .tuple(name, fc.array(bracket, { maxLength: 3 }), value, fc.integer({ min: 1, max: 3 }))
  .map(([head, brackets, tail, times]) =>
    Array(times)
      .fill(head + brackets.join('') + tail)
      .join('&'),
  );
const form = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join('&'));

const inPass = fc.record({
  keep: fc.constantFrom(undefined, 'last', 'first', 'reject'),
  whitelist: fc.constantFrom(undefined, 'a', ['u.r', 'b[]'], ['a[b]', 'constructor'], ['0', 'é']),
});
const rest = fc.record({
  extended: fc.boolean(),
  arrayLimit: fc.constantFrom(undefined, 3, Infinity),
  duplicates: fc.constantFrom(undefined, undefined, 'last', 'first'),
  proto: fc.constantFrom(undefined, undefined, 'reject', 'report', 'off'),
  operator: fc.constantFrom(undefined, undefined, 'report', 'off', { replaceWith: '_' }, { replaceWith: '0' }),
});

describe('hpp in the pass of a reader', () => {
  for (const location of /** @type {const} */ (['body', 'query'])) {
    const create = READERS[location];
    it(`is hpp() after that reader, for generated forms in the ${location} S-41 S-42 S-43 S-46`, () => {
      const seen = { polluted: 0, refused: 0, clean: 0 };
      fc.assert(
        fc.property(form, inPass, rest, (text, options, others) => {
          const after = run(location, text, (listeners) => [
            create({ ...others, ...listeners }),
            hpp({ ...options, ...listeners, locations: [location] }),
          ]);
          const within = run(location, text, (listeners) => [create({ ...others, hpp: options, ...listeners })]);
          assert.deepEqual(shown(within), shown(after));
          const word = after.error
            ? 'refused'
            : after.findings.some(({ rule }) => rule === 'polluted')
              ? 'polluted'
              : 'clean';
          seen[word] += 1;
        }),
        { numRuns: 4000, seed: 20_261_120 },
      );
      for (const [word, count] of Object.entries(seen)) assert.ok(count > 300, `${word}: ${count}`);
    });
  }

  it('hides no way to a prototype in a list S-34', () => {
    for (const location of /** @type {const} */ (['body', 'query'])) {
      const { value, polluted } = run(location, 'constructor[0][prototype][x]=1&a=1', (listeners) => [
        READERS[location]({ hpp: true, ...listeners }),
      ]);
      assert.deepEqual(Object.entries(value), [['a', '1']]);
      assert.deepEqual(Object.entries(polluted), [['constructor', [{ prototype: { x: '1' } }]]]);
    }
  });

  it('puts no originals aside when it is off, or only reports', () => {
    for (const options of [{}, { hpp: false }, { hpp: true, mode: 'report' }]) {
      const { value, polluted, findings } = run('body', 'a=1&a=2', (listeners) => [
        urlencoded(/** @type {any} */ ({ ...options, ...listeners })),
      ]);
      assert.deepEqual([value, polluted], [{ a: ['1', '2'] }, undefined]);
      assert.equal(findings.length, 'mode' in options ? 1 : 0);
    }
  });

  it("works in Express's own query parser, which has no place for the originals", () => {
    assert.deepEqual(queryParser({ hpp: true })('a=1&a=2'), { a: '2' });
    assert.throws(() => queryParser({ hpp: { keep: 'reject' } })('u[a]=1&u[a]=2'), {
      rule: 'polluted',
      pointer: '/u/a',
    });
  });

  it('parses anew, so that what was put aside before is gone', () => {
    const { value, polluted } = run('query', 'a=1&b=2', (listeners) => [queryParser({ hpp: true, ...listeners })], {
      queryPolluted: { c: ['3', '4'] },
    });
    assert.deepEqual([value, polluted], [{ a: '1', b: '2' }, {}]);
    const chain = () => carapace({ securityHeaders: false, hpp: { keep: 'first' }, queryParser: { mode: 'report' } });
    assert.deepEqual(run('query', 'a=1&a=2', () => [chain(), chain()]).value, { a: '1' });
  });

  it('keeps its own copy of the whitelist', () => {
    const whitelist = ['a'];
    const parser = queryParser({ hpp: { whitelist } });
    whitelist.pop();
    assert.deepEqual(parser('a=1&a=2'), { a: ['1', '2'] });
  });

  const BAD = [
    ['hpp', 'last', 'ERR_CARAPACE_OPTION_TYPE'],
    ['hpp', null, 'ERR_CARAPACE_OPTION_TYPE'],
    ['hpp.keep', { keep: 'all' }],
    ['hpp.keep', { keep: 1 }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['hpp.whitelist', { whitelist: '' }],
    ['hpp.whitelist', { whitelist: {} }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['hpp.whitelist[1]', { whitelist: ['a', '[]'] }],
    ['hpp.whitelist[0]', { whitelist: [5] }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['hpp.scalar', { scalar: 'a' }, 'ERR_CARAPACE_OPTION_UNKNOWN'],
  ];
  for (const [path, option, code = 'ERR_CARAPACE_OPTION_VALUE'] of BAD) {
    it(`throws ${code} for ${path} given ${JSON.stringify(option)}`, () => {
      for (const [stem, create] of Object.entries({ urlencoded, queryParser })) {
        const make = () => create(/** @type {any} */ ({ hpp: option }));
        assert.throws(make, { name: 'CarapaceError', path: `${stem}.${path}`, code });
      }
    });
  }
});

describe('hpp in the chain', () => {
  /**
   * @param {'body' | 'query'} location
   * @param {string} text
   * @param {any} options
   */
  const chained = (location, text, options) =>
    run(location, text, (listeners) => {
      const parts = ['json', 'urlencoded', 'queryParser', 'sanitize', 'hpp'].map((part) => [
        part,
        options[part] === false ? false : { ...listeners, ...options[part] },
      ]);
      return [carapace({ securityHeaders: false, ...Object.fromEntries(parts) })];
    });
  const reader = { body: 'urlencoded', query: 'queryParser' };
  const text = 'a[$x]=1&a[y]=2&a[y]=3&b=4&c=5&c=6';

  for (const location of /** @type {const} */ (['body', 'query'])) {
    it(`is the same whether the reader does it or not, in the ${location} S-41`, () => {
      for (const hpp of [{}, { keep: 'first' }, { keep: 'reject' }, { whitelist: ['a.y'], scalar: 'b' }]) {
        const within = chained(location, text, { hpp });
        const after = chained(location, text, { hpp, [reader[location]]: { hpp: false } });
        assert.deepEqual(shown(within), shown(after));
        assert.deepEqual(within.stems, after.stems);
        assert.match(within.stems.join(), /hpp polluted/);
      }
    });

    it(`is left to hpp() where it would not be the same, in the ${location}`, () => {
      for (const options of [
        { [reader[location]]: { operator: 'off' } },
        { [reader[location]]: { mode: 'report' } },
        { [reader[location]]: { depth: 4 }, sanitize: { maxDepth: 4 } },
        { sanitize: { operator: 'strip', dotted: 'strip' } },
      ]) {
        const { value, polluted } = chained(location, text, options);
        assert.deepEqual(value, { a: { y: '3' }, b: '4', c: '6' });
        assert.deepEqual(polluted, { a: { y: ['2', '3'] }, c: ['5', '6'] });
      }
      const lists = { a: { y: ['2', '3'] }, b: '4', c: ['5', '6'] };
      for (const hpp of [false, { locations: [location === 'body' ? 'query' : 'body'] }]) {
        assert.deepEqual(
          [chained(location, text, { hpp }).value, chained(location, text, { hpp }).polluted],
          [lists, undefined],
        );
      }
      assert.deepEqual(chained(location, text, { hpp: { mode: 'report' } }).value, lists);
      const own = chained(location, text, { [reader[location]]: { hpp: { keep: 'first' } } });
      assert.deepEqual(own.value, { a: { y: '2' }, b: '4', c: '5' });
    });
  }

  it('is done while the form is parsed', () => {
    // What sanitize says about it comes after the form is parsed, and before hpp looks at it.
    const params = { params: { id: '$a' } };
    const stems = (/** @type {any} */ options) =>
      run(
        'body',
        'a=1&a=2',
        ({ onEvent }) => {
          const sanitize = { onEvent, mode: /** @type {const} */ ('report') };
          return [carapace({ securityHeaders: false, sanitize, ...options(onEvent) })];
        },
        params,
      ).stems;
    const done = ['hpp polluted /a', 'sanitize operator /id'];
    assert.deepEqual(
      stems((/** @type {any} */ onEvent) => ({ hpp: { onEvent } })),
      done,
    );
    const left = (/** @type {any} */ onEvent) => ({ hpp: { onEvent }, urlencoded: { hpp: false } });
    assert.deepEqual(stems(left), done.reverse());
  });

  it('walks forms that somebody else has parsed', () => {
    const { value, polluted } = run('body', '', () => [carapace({ securityHeaders: false })], {
      body: { a: ['1', '2'] },
    });
    assert.deepEqual([value, polluted], [{ a: '2' }, { a: ['1', '2'] }]);
  });
});
