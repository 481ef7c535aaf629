'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { urlencoded } = require('..');
const { EXPRESS, listen, send } = require('./helpers/servers');

const FORM = 'application/x-www-form-urlencoded';

/**
 * Sends forms to an app and returns what its handler sees, or the refusal.
 * @param {import('node:test').TestContext} context
 * @param {any} express
 * @param {any} [options]
 */
async function serve(context, express, options) {
  const app = express();
  app.use(urlencoded(options));
  app.post('/', (/** @type {any} */ request, /** @type {any} */ response) => response.json({ seen: request.body }));
  const { port } = await listen(context, app);
  return async (/** @type {string | Buffer} */ body, type = FORM) => {
    const answer = await send(port, { method: 'POST', body, headers: { 'content-type': type } });
    const document = JSON.parse(answer.body);
    return answer.status === 200 ? document.seen : [answer.status, document.code, document.rule];
  };
}

for (const [name, express] of Object.entries(EXPRESS)) {
  describe(`urlencoded on ${name}`, () => {
    it('parses brackets, arrays and repeats', async (context) => {
      const post = await serve(context, express);
      assert.deepEqual(await post('a=1&b[c]=2&b[d]=3&e[]=4&e[]=5&f=6&f=7&g=%C3%A9+x'), {
        a: '1',
        b: { c: '2', d: '3' },
        e: ['4', '5'],
        f: ['6', '7'],
        g: 'é x',
      });
      assert.deepEqual(await post(''), {});
    });

    it('keeps names whole when not extended', async (context) => {
      const post = await serve(context, express, { extended: false });
      assert.deepEqual(await post('b[c]=2&u[$ne]=1'), { 'b[c]': '2' });
    });

    it('takes prototype and operator keys out S-34 S-45 S-47', async (context) => {
      const post = await serve(context, express);
      for (const form of [
        'constructor[prototype][y]=2&k=1',
        '__proto__[x]=1&k=1',
        '[__proto__][x]=1&k=1',
        '%5F_proto__[x]=1&k=1',
        '$where=1&k=1',
        '%24where=1&k=1',
        'a.$where=1&k=1',
      ]) {
        assert.deepEqual(await post(form), { k: '1' }, form);
      }
      assert.deepEqual(await post('u[$ne]=1&u[x]=2'), { u: { x: '2' } });
      assert.deepEqual(await post('role%00=1'), [400, 'ERR_CARAPACE_REQUEST_REJECTED', 'nul']);
    });

    it('leaves hasOwnProperty callable on Object when a form names it S-34', async (context) => {
      const post = await serve(context, express);
      const body = await post('hasOwnProperty=1&toString=3');
      assert.equal(Object.hasOwn(body, 'toString'), true);
    });

    it('refuses floods of parameters, levels and elements S-25 S-35', async (context) => {
      const post = await serve(context, express, { limit: '2mb' });
      assert.deepEqual(await post('a&'.repeat(500_000)), [413, 'ERR_CARAPACE_REQUEST_REJECTED', 'too-many-parameters']);
      assert.deepEqual(await post(`a${'[x]'.repeat(10_000)}=1`), [
        400,
        'ERR_CARAPACE_REQUEST_REJECTED',
        'key-too-long',
      ]);
      assert.deepEqual(await post(`a${'[x]'.repeat(40)}=1`), [400, 'ERR_CARAPACE_REQUEST_REJECTED', 'too-deep']);
      assert.deepEqual(await post('a[5000]=1'), [400, 'ERR_CARAPACE_REQUEST_REJECTED', 'array-limit']);
      assert.deepEqual(await post(`a=${','.repeat(100_000)}`), { a: ','.repeat(100_000) });
    });

    it('reads ISO-8859-1 when the request says so, and refuses other charsets', async (context) => {
      const post = await serve(context, express);
      assert.deepEqual(await post('a=%E9', `${FORM}; charset=iso-8859-1`), { a: 'é' });
      assert.deepEqual(await post('a=1', `${FORM}; charset=utf-16`), [415, 'ERR_CARAPACE_MEDIA_TYPE', undefined]);
      assert.deepEqual(await post(Buffer.from([0x61, 0x3d, 0xff])), [
        400,
        'ERR_CARAPACE_BODY_MALFORMED',
        'invalid-utf8',
      ]);
    });

    it('reports what it finds, and changes nothing in report mode', async (context) => {
      /** @type {any[]} */
      const findings = [];
      const onFinding = (/** @type {any} */ finding) => findings.push(finding);
      const post = await serve(context, express, { mode: 'report', onFinding });
      assert.deepEqual(await post('u[$ne]=1'), { u: { $ne: '1' } });
      assert.deepEqual(findings, [{ rule: 'operator', path: '/u/$ne', location: 'body', action: 'strip' }]);
    });
  });
}

describe('urlencoded', () => {
  const BAD = [
    ['urlencoded.limit', { limit: 'abc' }],
    ['urlencoded.extended', { extended: 1 }, 'ERR_CARAPACE_OPTION_TYPE'],
    ...['depth', 'parameterLimit', 'arrayLimit', 'maxKeys', 'maxKeyLength'].flatMap((limit) => [
      ...[-1, 1.5, NaN].map((value) => [`urlencoded.${limit}`, { [limit]: value }]),
      [`urlencoded.${limit}`, { [limit]: '5' }, 'ERR_CARAPACE_OPTION_TYPE'],
    ]),
    ['urlencoded.parameterLimit', { parameterLimit: 0 }],
    ['urlencoded.duplicates', { duplicates: 'merge' }],
    ['urlencoded.defaultCharset', { defaultCharset: 'utf-16' }],
    ['urlencoded.charsetSentinel', { charsetSentinel: 'yes' }, 'ERR_CARAPACE_OPTION_TYPE'],
    ['urlencoded.maxDepth', { maxDepth: 5 }, 'ERR_CARAPACE_OPTION_UNKNOWN'],
    ['urlencoded.operator.action', { operator: 'drop' }],
    ['urlencoded.mode', { mode: 'dry' }],
  ];
  for (const [path, options, code = 'ERR_CARAPACE_OPTION_VALUE'] of BAD) {
    it(`throws ${code} for ${path} given ${JSON.stringify(options)}`, () => {
      assert.throws(() => urlencoded(/** @type {any} */ (options)), { name: 'CarapaceError', path, code });
    });
  }
});
