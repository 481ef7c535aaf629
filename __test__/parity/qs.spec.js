'use strict';

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const http = require('node:http');
const { join } = require('node:path');
const querystring = require('node:querystring');
const { describe, it } = require('node:test');
const bodyParser = require('body-parser');
const fc = require('fast-check');
const qs = require('qs');
const { queryParser, urlencoded } = require('../..');
const { EXPRESS, listen } = require('../helpers/servers');

// Without the rules, which the peers do not have.
const NO_RULES = /** @type {const} */ ({
  proto: 'off',
  operator: 'off',
  nul: 'off',
  maxKeys: Infinity,
  maxKeyLength: Infinity,
});

/** What is refused where qs bends: docs/migrating.md says why. */
const DELIBERATE = {
  'too-deep': 'qs makes the rest of the name a key',
  'array-limit': 'qs turns a long array into an object',
};

const name = fc.constantFrom(
  'a',
  'b',
  'c',
  '0',
  '1',
  '',
  'a.b',
  '__proto__',
  'constructor',
  'toString',
  'é',
  '%61',
  '%C3%A9',
  '%',
  '%zz',
  '+',
  '%00',
  '$ne',
  ' ',
);
const common = fc.constantFrom(
  '[b]',
  '[c]',
  '[]',
  '[0]',
  '[1]',
  '[7]',
  '[__proto__]',
  '[a.b]',
  '%5Bd%5D',
  '[',
  ']',
  '[[x]]',
  '[ ]',
  '[%E9]',
  '[$gt]',
  '[x',
);
const segment = fc.oneof({ weight: 200, arbitrary: common }, { weight: 1, arbitrary: fc.constant('[200]') });
const value = fc.constantFrom(
  '=1',
  '=2',
  '=',
  '',
  '=x+y',
  '=%20',
  '=%C3%A9',
  '=%E9',
  '=a=b',
  '=[1,2]',
  '=&',
  '=%26',
  '=é',
  '=%u0041',
  '=1;2',
);
const parameter = fc
  .tuple(name, fc.array(segment, { maxLength: 7 }), value)
  .map(([head, rest, tail]) => head + rest.join('') + tail);
const query = fc.array(parameter, { maxLength: 8 }).map((parameters) => parameters.join('&'));
const RUN = { numRuns: 4000, seed: 20261120 };

/** @param {() => unknown} parse */
function outcome(parse) {
  try {
    return { value: parse() };
  } catch (error) {
    const { rule, type, status } = /** @type {any} */ (error);
    return { refused: rule ?? type, status };
  }
}

/**
 * `__proto__` is an own property here and a lost one in qs: its setter ran, or it was skipped.
 * @param {unknown} parsed
 * @returns {unknown}
 */
function withoutProto(parsed) {
  if (typeof parsed !== 'object' || parsed === null) return parsed;
  if (Array.isArray(parsed)) return parsed.map(withoutProto);
  const entries = Object.entries(parsed).filter(([key]) => key !== '__proto__');
  return Object.fromEntries(entries.map(([key, value]) => [key, withoutProto(value)]));
}

/**
 * Compares values with the order of their keys.
 * @param {any} ours
 * @param {any} theirs
 * @param {string} text
 * @returns {0 | 1} whether there was something to compare
 */
function assertSame(ours, theirs, text) {
  if (ours.refused in DELIBERATE) return 0;
  assert.equal(ours.refused, undefined, text);
  assert.equal(JSON.stringify(withoutProto(ours.value)), JSON.stringify(withoutProto(theirs.value)), text);
  return 1;
}

describe('the deliberate differences', () => {
  it('are rows of docs/migrating.md', () => {
    const page = readFileSync(join(__dirname, '../../docs/migrating.md'), 'utf8');
    for (const [name, row] of Object.entries(DELIBERATE)) assert.ok(page.includes(`| \`${name}\` | ${row} |`), name);
  });
});

describe('queryParser and qs 6.17', () => {
  it('agree on 4,000 query strings as Express parses them, but for the limits that refuse', () => {
    const parse = queryParser({ ...NO_RULES, arrayLimit: 20 });
    fc.assert(
      fc.property(query, (text) => {
        // Node hands the bytes of a request line over as Latin-1.
        const raw = Buffer.from(text).toString('latin1');
        assertSame(
          outcome(() => parse(raw)),
          outcome(() => qs.parse(raw, { allowPrototypes: true })),
          text,
        );
      }),
      RUN,
    );
  });

  it('differ where they are meant to', () => {
    const parse = queryParser({ ...NO_RULES, arrayLimit: 20 });
    assert.deepEqual(
      outcome(() => parse('a[b][c][d][e][f][g]=1')),
      { refused: 'too-deep', status: 400 },
    );
    assert.deepEqual(
      outcome(() => parse('a[21]=1')),
      { refused: 'array-limit', status: 400 },
    );
    assert.deepEqual(
      outcome(() => parse('a=1&'.repeat(1001))),
      { refused: 'too-many-parameters', status: 413 },
    );
    assert.equal(Object.keys(qs.parse('a[21]=1').a).join(), '21');
  });
});

describe('queryParser, not extended, and node:querystring', () => {
  it('agree on 4,000 query strings', () => {
    const parse = queryParser({ ...NO_RULES, extended: false });
    fc.assert(
      fc.property(query, (text) => {
        const raw = Buffer.from(text).toString('latin1');
        assertSame(
          outcome(() => parse(raw)),
          outcome(() => ({ ...querystring.parse(raw) })),
          text,
        );
      }),
      RUN,
    );
  });
});

/**
 * Posts forms over one connection.
 * @param {import('node:test').TestContext} context
 * @param {number} port
 */
function poster(context, port) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  context.after(() => agent.destroy());
  return (/** @type {string} */ body) =>
    new Promise((resolve, reject) => {
      const headers = {
        'content-type': 'application/x-www-form-urlencoded',
        'content-length': Buffer.byteLength(body),
      };
      const request = http.request({ host: '127.0.0.1', port, method: 'POST', headers, agent }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk) => (text += chunk));
        response.on('end', () => resolve(JSON.parse(text)));
      });
      request.on('error', reject);
      request.end(body);
    });
}

for (const [major, express] of Object.entries(EXPRESS)) {
  for (const extended of [true, false]) {
    describe(`urlencoded, extended ${extended}, and body-parser 2.4 on ${major}`, () => {
      it('agree on more than 2,000 forms over HTTP, but for the limits that refuse', async (context) => {
        /** @param {any} middleware */
        const serve = async (middleware) => {
          const app = express();
          app.use(middleware);
          app.use((/** @type {any} */ request, /** @type {any} */ response) => response.json({ value: request.body }));
          app.use(
            (/** @type {any} */ error, /** @type {any} */ _q, /** @type {any} */ response, /** @type {any} */ _n) =>
              response.json({ refused: error.rule ?? error.type, status: error.status }),
          );
          return poster(context, (await listen(context, app)).port);
        };
        const ours = await serve(urlencoded({ ...NO_RULES, extended, onReject: 'next' }));
        const theirs = await serve(bodyParser.urlencoded({ extended }));
        let compared = 0;
        for (const text of fc.sample(query, { numRuns: 2400, seed: 20261120 })) {
          const [mine, peers] = await Promise.all([ours(text), theirs(text)]);
          compared += assertSame(mine, peers, text);
        }
        assert.ok(compared >= 2000, `only ${compared} were compared`);
      });
    });
  }
}
