'use strict';

const assert = require('node:assert/strict');
const http = require('node:http');
const { describe, it } = require('node:test');
const peer = require('cors');
const { cors } = require('../..');
const { documentedDifferences } = require('../helpers/migrating');
const { Random } = require('../helpers/random');
const { EXPRESS, listen, send } = require('../helpers/servers');

/** So many pairs of options and a request must be answered alike, on each major of Express. */
const PAIRS = 2000;

const LISTED = ['https://app.example.com', 'http://localhost:3000', 'https://xn--bcher-kva.example'];
const ASKED = [...LISTED, 'https://evil.example', 'https://app.example.com.evil.example', 'null', 'nonsense'];
const PATTERN = /^https:\/\/[a-z]+\.example\.com$/;
const NAMES = ['X-One', 'x-two', 'Content-Type', 'Authorization'];

/**
 * The kinds of `origin`: what the peer gets, what carapace gets, and which origins both let in.
 * @typedef {{ kind: string, theirs: any, ours: any, lets: (origin: string | undefined) => boolean }} OriginCase
 * @param {Random} random
 * @returns {OriginCase}
 */
function makeOrigin(random) {
  const isListed = (origin) => LISTED.includes(origin);
  const same = (kind, origin, lets) => ({ kind, theirs: origin, ours: origin, lets });
  return random.pick([
    () => same('any', '*', () => true),
    () => same('every', true, () => true),
    () => same('off', false, () => true),
    () => same('fixed', LISTED[0], (origin) => origin === LISTED[0]),
    () => same('list', LISTED, isListed),
    () => same('list', [PATTERN, LISTED[1]], (origin) => PATTERN.test(origin) || origin === LISTED[1]),
    () => same('list', PATTERN, (origin) => PATTERN.test(origin)),
    () => ({
      kind: 'function',
      theirs: (origin, callback) => callback(null, isListed(origin)),
      ours: (origin, _request, callback) => callback(null, isListed(origin)),
      lets: isListed,
    }),
    () => ({
      kind: 'function',
      theirs: (origin, callback) => setImmediate(callback, null, isListed(origin) ? LISTED : false),
      ours: async (origin) => isListed(origin) && LISTED,
      lets: isListed,
    }),
  ])();
}

/** @param {Random} random */
function makeOptions(random) {
  const origin = makeOrigin(random);
  const names = (list) => random.pick([list, list.join(','), list.join(', '), list.slice(0, 1)]);
  const options = {};
  const maybe = (option, make) => random.chance(0.4) && (options[option] = make());
  maybe('methods', () => names(['GET', 'PUT', 'PURGE']));
  maybe('allowedHeaders', () => names(NAMES));
  maybe('exposedHeaders', () => names(NAMES));
  maybe('maxAge', () => random.pick([0, 5, 86_400]));
  maybe('preflightContinue', () => random.chance(0.5));
  maybe('optionsSuccessStatus', () => random.pick([200, 202, 204]));
  if (!['any', 'every'].includes(origin.kind)) maybe('credentials', () => random.chance(0.7));
  return { origin, options };
}

/** @param {Random} random */
function makeRequest(random) {
  const method = random.pick(['GET', 'POST', 'OPTIONS', 'OPTIONS', 'OPTIONS']);
  const headers = {};
  if (random.chance(0.9)) headers.origin = random.chance(0.6) ? random.pick(LISTED) : random.pick(ASKED);
  if (method === 'OPTIONS' && random.chance(0.9)) {
    headers['access-control-request-method'] = random.pick(['PUT', 'GET']);
  }
  if (random.chance(0.5)) {
    headers['access-control-request-headers'] = random.pick(['x-one', 'x-one,x-two', 'x-one, content-type', 'x one']);
  }
  return { method, headers, vary: random.pick([undefined, undefined, 'Accept', 'Accept, Origin', '*']) };
}

/**
 * The row of docs/migrating.md that a pair falls under, or undefined when both answer alike.
 * @returns {string | undefined}
 */
function differenceOf({ origin: { kind, lets }, options }, { method, headers }) {
  const { origin } = headers;
  const isPreflight = method === 'OPTIONS' && origin !== undefined && 'access-control-request-method' in headers;
  if (kind === 'off') return undefined;
  const isLetIn = lets(origin);
  if (kind === 'function' && !isLetIn) return 'denied-function';
  if (method === 'OPTIONS' && !isPreflight) return 'plain-options';
  if (kind === 'every' && origin === 'null') return 'null-origin';
  if (kind === 'every' && origin === 'nonsense') return 'malformed-origin';
  if (kind === 'fixed' && !isPreflight) return 'static-vary';
  if (!isLetIn || (kind !== 'any' && kind !== 'fixed' && origin === undefined)) {
    const tells = isPreflight || options.credentials || options.exposedHeaders;
    return tells ? 'denied-fields' : undefined;
  }
  const asked = headers['access-control-request-headers'];
  return isPreflight && !options.allowedHeaders && asked === 'x one' ? 'repeated-names' : undefined;
}

/** Apps that answer by the middlewares of the present pair, and whether they passed the request on. */
async function startPair(context, express) {
  const present = { theirs: undefined, ours: undefined, vary: undefined };
  const app = express();
  app.disable('x-powered-by');
  app.use((request, response, next) => {
    if (present.vary !== undefined) response.setHeader('Vary', present.vary);
    present[request.url.slice(1)](request, response, next);
  });
  app.use((_request, response) => response.status(299).end('handler'));
  const { port } = await listen(context, app);
  const agent = new http.Agent({ keepAlive: true });
  context.after(() => agent.destroy());
  const answerOf = (side, { method, headers }) =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path: `/${side}`, method, headers, agent };
      const request = http.request(options, (response) => {
        const pairs = [];
        for (let index = 0; index < response.rawHeaders.length; index += 2) {
          const name = response.rawHeaders[index].toLowerCase();
          if (!['date', 'connection', 'keep-alive'].includes(name)) pairs.push([name, response.rawHeaders[index + 1]]);
        }
        response.resume().on('end', () => resolve({ status: response.statusCode, pairs }));
      });
      request.on('error', reject).end();
    });
  return { present, answerOf };
}

for (const [name, express] of Object.entries(EXPRESS)) {
  it(`cors answers ${PAIRS} generated pairs as the cors package does on ${name}`, async (context) => {
    const random = new Random(20261120);
    const { present, answerOf } = await startPair(context, express);
    const counts = {};
    let equal = 0;
    while (equal < PAIRS) {
      const made = makeOptions(random);
      present.theirs = peer({ ...made.options, origin: made.origin.theirs });
      present.ours = cors({ ...made.options, origin: made.origin.ours });
      for (let turn = 0; turn < 4; turn += 1) {
        const request = makeRequest(random);
        present.vary = request.vary;
        const theirs = await answerOf('theirs', request);
        const ours = await answerOf('ours', request);
        const difference = differenceOf(made, request);
        const what = JSON.stringify({ kind: made.origin.kind, ...made.options, ...request });
        if (difference === undefined) {
          assert.deepEqual(ours, theirs, what);
          equal += 1;
        } else if (request.vary === undefined) {
          assert.notDeepEqual(ours, theirs, `${difference}: ${what}`);
          counts[difference] = (counts[difference] ?? 0) + 1;
        }
      }
    }
    for (const row of [
      'denied-function',
      'plain-options',
      'null-origin',
      'static-vary',
      'denied-fields',
      'repeated-names',
    ]) {
      assert.ok(counts[row] > 5, `${row} was met ${counts[row]} times`);
    }
  });
}

const EVIL = 'https://evil.example';
const OWN = 'https://app.example.com';
const PUT = { 'access-control-request-method': 'PUT' };

/** What each of the two answers in an app of its own. */
async function answersOf(context, theirs, ours, { method = 'GET', headers = {} } = {}, times = 1) {
  const results = [];
  for (const middleware of [theirs, ours]) {
    const app = EXPRESS.express5();
    app.set('env', 'test');
    app.disable('x-powered-by');
    for (const one of [middleware].flat()) app.use(one);
    app.use((_request, response) => response.status(299).end('handler'));
    app.use((_error, _request, response, _next) => response.status(500).end('failed'));
    const { port } = await listen(context, app);
    let answer;
    for (let time = 0; time < times; time += 1) answer = await send(port, { method, headers });
    results.push({ ...answer, allowed: answer.headers['access-control-allow-origin'], vary: answer.headers.vary });
  }
  return results;
}

/** Options that the peer takes and carapace refuses. */
function refuses(...list) {
  return async () => {
    for (const options of list) {
      assert.doesNotThrow(() => peer(options));
      assert.throws(() => cors(options), { name: 'CarapaceError' }, JSON.stringify(options));
    }
  };
}

/** Each difference of docs/migrating.md, proved on both sides. */
const DIFFERENCES = {
  'anybody-with-credentials': async (context) => {
    await refuses({ origin: true, credentials: true }, { origin: '*', credentials: true })();
    const options = { origin: true, credentials: true };
    const [theirs] = await answersOf(context, peer(options), [], { headers: { origin: EVIL } });
    assert.deepEqual([theirs.allowed, theirs.headers['access-control-allow-credentials']], [EVIL, 'true']);
  },
  'part-patterns': async (context) => {
    await refuses({ origin: /example\.com$/ }, { origin: [/api.example.com/] }, { origin: /^https:\/\/a.example$/ })();
    const origin = 'https://evilexample.com';
    const ours = cors({ origin: 'https://*.example.com' });
    const answers = await answersOf(context, peer({ origin: /example\.com$/ }), ours, { headers: { origin } });
    assert.deepEqual(
      answers.map(({ allowed }) => allowed),
      [origin, undefined],
    );
  },
  'pattern-state': async (context) => {
    const made = () => ({ origin: /^https:\/\/app\.example\.com$/g });
    const answers = await answersOf(context, peer(made()), cors(made()), { headers: { origin: OWN } }, 2);
    assert.deepEqual(
      answers.map(({ allowed }) => allowed),
      [undefined, OWN],
    );
  },
  'pattern-engine': refuses(
    { origin: /^https:\/\/(?!evil)[a-z]+\.example$/ },
    { origin: /^https:\/\/(a)\1\.example$/ },
    { origin: /^https:\/\/\p{L}+\.example$/u },
    { origin: new RegExp('^https:\\/\\/[a-z]+\\.example$', 'v') },
  ),
  'star-in-list': async (context) => {
    await refuses({ origin: ['*'] })();
    const [theirs] = await answersOf(context, peer({ origin: ['*'] }), [], { headers: { origin: OWN } });
    assert.equal(theirs.allowed, undefined);
  },
  'list-elements': async (context) => {
    const lists = [[true], [{}], [() => false]];
    await refuses(...lists.map((origin) => ({ origin })))();
    for (const origin of lists) {
      const [theirs] = await answersOf(context, peer({ origin }), [], { headers: { origin: EVIL } });
      assert.equal(theirs.allowed, EVIL);
    }
  },
  'rule-spelling': refuses({ origin: ['https://A.com/'] }, { origin: 'https://a.com:443' }, { origin: 'a.com' }),
  wildcards: async (context) => {
    const options = { origin: ['https://*.example.com'] };
    const answers = await answersOf(context, peer(options), cors(options), { headers: { origin: OWN } });
    assert.deepEqual(
      answers.map(({ allowed }) => allowed),
      [undefined, OWN],
    );
  },
  'null-origin': async (context) => {
    for (const [theirs, ours] of [
      [true, true],
      [/^.*$/, /^.*$/],
      [(_origin, callback) => callback(null, true), () => true],
    ]) {
      const sides = [peer({ origin: theirs }), cors({ origin: ours })];
      const answers = await answersOf(context, sides[0], sides[1], { headers: { origin: 'null' } });
      assert.deepEqual(
        answers.map(({ allowed }) => allowed),
        ['null', undefined],
      );
    }
  },
  'malformed-origin': async (context) => {
    const sides = [peer({ origin: true }), cors({ origin: true })];
    const answers = await answersOf(context, sides[0], sides[1], { headers: { origin: 'https://a@b' } });
    assert.deepEqual(
      answers.map(({ allowed }) => allowed),
      ['https://a@b', undefined],
    );
  },
  'denied-fields': async (context) => {
    const options = { origin: [OWN], credentials: true };
    const headers = { origin: EVIL, ...PUT };
    const [theirs, ours] = await answersOf(context, peer(options), cors(options), { method: 'OPTIONS', headers });
    assert.equal(theirs.headers['access-control-allow-methods'], 'GET,HEAD,PUT,PATCH,POST,DELETE');
    assert.equal(theirs.headers['access-control-allow-credentials'], 'true');
    assert.deepEqual([ours.status, ours.vary], [204, 'Origin']);
    assert.ok(!Object.keys(ours.headers).some((name) => name.startsWith('access-control-')));
  },
  'denied-function': async (context) => {
    const sides = [peer({ origin: (_origin, callback) => callback(null, false) }), cors({ origin: () => false })];
    const headers = { origin: EVIL, ...PUT };
    const actual = await answersOf(context, sides[0], sides[1], { headers });
    assert.deepEqual(
      actual.map(({ vary }) => vary),
      [undefined, 'Origin'],
    );
    const preflights = await answersOf(context, sides[0], sides[1], { method: 'OPTIONS', headers });
    assert.deepEqual(
      preflights.map(({ status }) => status),
      [299, 204],
    );
  },
  'failing-function': async (context) => {
    context.mock.method(process, 'emitWarning', () => {});
    const error = new Error('no');
    for (const [theirs, ours] of [
      [
        { origin: (_origin, callback) => callback(error) },
        { origin: (_origin, _request, callback) => callback(error) },
      ],
      [(_request, callback) => callback(error), (_request, callback) => callback(error)],
    ]) {
      const answers = await answersOf(context, peer(theirs), cors(ours), { headers: { origin: EVIL } });
      assert.deepEqual(
        answers.map(({ status, vary }) => [status, vary]),
        [
          [500, undefined],
          [299, 'Origin'],
        ],
      );
    }
  },
  'function-form': async (context) => {
    const calls = [[], []];
    const theirs = peer({ origin: (...given) => (calls[0].push(given.slice(0, -1)), given.at(-1)(null, true)) });
    const ours = cors({ origin: (origin, request) => (calls[1].push([origin, request.url]), true) });
    for (const headers of [{ origin: OWN }, {}]) await answersOf(context, theirs, ours, { headers });
    assert.deepEqual(calls, [[[OWN], [undefined]], [[OWN, '/']]]);
  },
  'options-function': async (context) => {
    const ours = cors(() => ({ origin: OWN }));
    const theirs = peer((_request, callback) => callback(null, { origin: OWN }));
    const answers = await answersOf(context, theirs, ours, { headers: { origin: OWN } });
    assert.deepEqual(
      answers.map(({ allowed }) => allowed),
      [OWN, OWN],
    );
  },
  'plain-options': async (context) => {
    for (const headers of [{}, { origin: OWN }, PUT]) {
      const answers = await answersOf(context, peer(), cors(), { method: 'OPTIONS', headers });
      assert.deepEqual(
        answers.map(({ status }) => status),
        [204, 299],
      );
    }
  },
  'static-vary': async (context) => {
    const answers = await answersOf(context, peer({ origin: OWN }), cors({ origin: OWN }), {
      headers: { origin: EVIL },
    });
    assert.deepEqual(
      answers.map(({ allowed, vary }) => [allowed, vary]),
      [
        [OWN, 'Origin'],
        [OWN, undefined],
      ],
    );
  },
  'repeated-names': async (context) => {
    const headers = { origin: OWN, ...PUT, 'access-control-request-headers': 'x: y' };
    const answers = await answersOf(context, peer(), cors(), { method: 'OPTIONS', headers });
    assert.deepEqual(
      answers.map((answer) => answer.headers['access-control-allow-headers']),
      ['x: y', undefined],
    );
  },
  'later-cors': async (context) => {
    const two = (make) => [make({ origin: '*' }), make({ origin: [OWN] })];
    const answers = await answersOf(context, two(peer), two(cors), { headers: { origin: EVIL } });
    assert.deepEqual(
      answers.map(({ allowed }) => allowed),
      ['*', undefined],
    );
  },
  'option-names': refuses({ headers: ['X-A'] }),
  'option-values': async (context) => {
    await refuses({ orign: OWN }, { maxAge: '1d' }, { methods: ['put'] }, { origin: null }, { credentials: 'yes' })();
    const options = { origin: undefined };
    const answers = await answersOf(context, peer(options), cors(options), { headers: { origin: OWN } });
    assert.deepEqual(
      answers.map(({ allowed }) => allowed),
      [undefined, '*'],
    );
  },
};

describe('cors differs from the cors package on purpose', () => {
  for (const [row, proof] of Object.entries(DIFFERENCES)) it(row, (context) => proof(context));

  it('in what docs/migrating.md lists', () => {
    assert.deepEqual(documentedDifferences('cors'), Object.keys(DIFFERENCES).sort());
  });
});

describe('the patterns of cors', () => {
  const PIECES = [
    ...[
      'a',
      'b',
      '-',
      '\\.',
      '[a-c]',
      '[^.]',
      '\\d',
      '\\w',
      '(?:a|b\\.)',
      '(b)?',
      '.*',
      '.?',
      'x{1,2}',
      '[\\w-]',
      '\\b',
      '\\B',
    ],
    ...[
      '\\x61',
      '\\u0062',
      '[.]',
      '[\\d.]',
      '\\S',
      '\\W',
      '[^\\W]',
      '(?:)',
      'a{2,}',
      '[a\\-c]',
      '[-a]',
      '[a-]',
      '[\\w-z]',
      '[^\\d-]',
    ],
  ];

  it('mean what they mean to JavaScript', () => {
    const random = new Random(7);
    const hosts = () => Array.from({ length: 1 + random.below(6) }, () => random.pick('abcx1-.'.split(''))).join('');
    let matches = 0;
    for (let round = 0; round < 1500; round += 1) {
      const branch = () =>
        random.list(5, () => random.pick(PIECES) + random.pick(['', '', '', '+', '?', '*'])).join('');
      const body = random.chance(0.3) ? `(?:${branch()}|${branch()})` : branch();
      const source = `^https:\\/\\/${body.replace(/(\\b|\\B|\*|\?|\})[+?*]+/g, '$1')}$`;
      const pattern = new RegExp(source, random.pick(['', 'i', 'g', 'gi']));
      let middleware;
      try {
        middleware = cors({ origin: [pattern] });
      } catch (error) {
        assert.fail(`${pattern}: ${error.message}`);
      }
      for (let turn = 0; turn < 8; turn += 1) {
        const origin = `https://${hosts()}`;
        // What the core takes for no origin is allowed by no pattern.
        if (!/^https:\/\/(?!\d+(?:\.|$))[abcx1-]+(?:\.[abcx1-]*[abcx-][abcx1-]*)*$/.test(origin)) continue;
        const response = new http.ServerResponse(/** @type {any} */ ({ method: 'GET' }));
        middleware(/** @type {any} */ ({ method: 'GET', headers: { origin } }), response, () => {});
        pattern.lastIndex = 0;
        const isMatch = pattern.test(origin);
        assert.equal(response.getHeader('access-control-allow-origin') === origin, isMatch, `${pattern} and ${origin}`);
        matches += Number(isMatch);
      }
    }
    assert.ok(matches > 150, `${matches} matches`);
  });
});
