'use strict';

const assert = require('node:assert/strict');
const querystring = require('node:querystring');
const { describe, it } = require('node:test');
const qs = require('qs');
const { queryParser } = require('..');
const { Random } = require('./helpers/random');
const { EXPRESS, listen, send } = require('./helpers/servers');

/** How an app takes the parser: as a middleware, or as Express's own. */
const FORMS = {
  middleware: (/** @type {any} */ app, /** @type {any} */ options) => app.use(queryParser(options)),
  setting: (/** @type {any} */ app, /** @type {any} */ options) => app.set('query parser', queryParser(options)),
};

for (const [name, express] of Object.entries(EXPRESS)) {
  for (const [form, install] of Object.entries(FORMS)) {
    describe(`queryParser as ${form} on ${name}`, () => {
      /**
       * @param {import('node:test').TestContext} context
       * @param {any} [options]
       */
      async function serve(context, options) {
        const app = express();
        install(app, options);
        app.get('/', (/** @type {any} */ request, /** @type {any} */ response) => {
          const { query: first } = request;
          assert.deepEqual(request.query, first);
          if (form === 'middleware') assert.equal(request.query, first);
          response.json({ seen: request.query });
        });
        app.use(
          (/** @type {any} */ error, /** @type {any} */ _q, /** @type {any} */ response, /** @type {any} */ _n) => {
            // Express 4 parses the query before it makes the response its own.
            response.statusCode = error.status;
            response.end(JSON.stringify({ code: error.code, rule: error.rule }));
          },
        );
        const { port } = await listen(context, app);
        return async (/** @type {string} */ query) => {
          const answer = await send(port, { path: `/?${query}` });
          const document = JSON.parse(answer.body);
          return answer.status === 200 ? document.seen : [answer.status, document.code, document.rule];
        };
      }

      it('sanitizes what the handler reads, twice the same S-41 S-47', async (context) => {
        const get = await serve(context);
        assert.deepEqual(await get('u[$ne]=1&u[x]=2&__proto__[a]=1&constructor[prototype][y]=2&k=v'), {
          u: { x: '2' },
          k: 'v',
        });
        assert.deepEqual(await get('%24where=1&a.%24gt=1&b=2'), { b: '2' });
        assert.deepEqual(await get('a=1&a=2'), { a: ['1', '2'] });
        assert.deepEqual(await get(''), {});
      });

      it('refuses what is beyond its limits S-35', async (context) => {
        const get = await serve(context);
        assert.deepEqual(await get('a[b][c][d][e][f][g]=1'), [400, 'ERR_CARAPACE_REQUEST_REJECTED', 'too-deep']);
        assert.deepEqual(await get('a[]=1&'.repeat(1001)), [
          413,
          'ERR_CARAPACE_REQUEST_REJECTED',
          'too-many-parameters',
        ]);
        assert.deepEqual(await get('role%00=1'), [400, 'ERR_CARAPACE_REQUEST_REJECTED', 'nul']);
      });

      it('takes the first or last of repeated parameters, or refuses', async (context) => {
        assert.deepEqual(await (await serve(context, { duplicates: 'last' }))('a=1&a=2'), { a: '2' });
        assert.deepEqual(await (await serve(context, { duplicates: 'first' }))('a=1&a=2'), { a: '1' });
        const reject = await serve(context, { duplicates: 'reject' });
        assert.deepEqual(await reject('a=1&a=2'), [400, 'ERR_CARAPACE_REQUEST_REJECTED', 'duplicate']);
      });
    });
  }
}

// Names that need no judgement, and what might be taken for one.
const PLAIN = [
  'a=1',
  'a=1&b=2',
  'a',
  'a=',
  '=1',
  'a=1&=&b=2',
  '&&a=1&&',
  'a=b=c',
  'a=1&a=2',
  'constructor=1',
  'toString=1&valueOf=2',
  '2=b&1=a',
  'a,b=c;d',
  'x=/y?z',
  'page=2&size=10&sort=name',
  'user_id=7&v=1.5&mail=a.b$c',
  'q=hello+world&city=K%C3%B6ln',
  'q=%zz&r=%',
  'a=%5D=1',
  'a=b]=c',
  'a=%E9',
  `a="\\{}`,
  '',
];
const PIECES = [
  'a',
  'b',
  '&',
  '&',
  '=',
  '=',
  '1',
  '+',
  '%',
  '%C3%A9',
  '%E9',
  '%5D',
  '%5B',
  '[',
  ']',
  '.',
  '$',
  '_',
  '__proto__',
  'constructor',
  '[prototype]',
  '\\',
  '"',
  'é',
  '~',
  ' ',
];

describe('queryParser', () => {
  const GRAMMARS = [
    [true, (/** @type {string} */ query) => qs.parse(query, { allowPrototypes: true })],
    [false, (/** @type {string} */ query) => ({ ...querystring.parse(query) })],
  ];
  for (const [extended, peer] of /** @type {[boolean, (query: string) => any][]} */ (GRAMMARS)) {
    it(`gives strings that it splits itself the value that the core gives them, extended ${extended}`, () => {
      const parse = queryParser({ extended });
      const core = queryParser({ extended, maxKeys: 10_000 });
      const same = (/** @type {string} */ query) =>
        assert.deepEqual(Object.entries(parse(query)), Object.entries(core(query)), query);
      for (const query of PLAIN) {
        same(query);
        assert.deepEqual(parse(query), peer(query), query);
      }
      const random = new Random(20_261_120);
      for (let count = 0; count < 20_000; count += 1) {
        same(Array.from({ length: random.below(12) }, () => random.pick(PIECES)).join(''));
      }
    });
  }

  it('asks the core where the options ask for more', () => {
    assert.deepEqual(queryParser({ charsetSentinel: true })('utf8=1&a=2'), { a: '2' });
    assert.throws(() => queryParser({ parameterLimit: 1 })('a=1&b=2'), { status: 413 });
    assert.throws(() => queryParser({ maxKeyLength: 1 })('ab=1'), { rule: 'key-too-long' });
    assert.deepEqual(queryParser({ duplicates: 'last' })('a=1&a=2'), { a: '2' });
  });

  it('throws a 400 where it cannot answer', () => {
    assert.throws(() => queryParser({ action: 'reject' })('a[$gt]=1'), {
      code: 'ERR_CARAPACE_REQUEST_REJECTED',
      status: 400,
      rule: 'operator',
      pointer: '/a/$gt',
    });
  });

  const BAD = [
    ...['depth', 'parameterLimit', 'arrayLimit', 'maxKeys', 'maxKeyLength'].map((limit) => [
      `queryParser.${limit}`,
      { [limit]: -1 },
    ]),
    ['queryParser.limit', { limit: '1kb' }, 'ERR_CARAPACE_OPTION_UNKNOWN'],
    ['queryParser.duplicates', { duplicates: 'merge' }],
    ['queryParser.onReject', { onReject: 'throw' }],
    ['queryParser', null, 'ERR_CARAPACE_OPTION_TYPE'],
  ];
  for (const [path, options, code = 'ERR_CARAPACE_OPTION_VALUE'] of BAD) {
    it(`throws ${code} for ${path} given ${JSON.stringify(options)}`, () => {
      assert.throws(() => queryParser(/** @type {any} */ (options)), { name: 'CarapaceError', path, code });
    });
  }
});
