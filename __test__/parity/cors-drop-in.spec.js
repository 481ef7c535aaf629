'use strict';

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const http = require('node:http');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const { isDeepStrictEqual } = require('node:util');
const theirs = require('cors');
const ours = require('carapace/cors');
const { EXPRESS, listen, send } = require('../helpers/servers');

const A = 'https://app.example.com';
const B = 'http://localhost:3000';
const EVIL = 'https://evil.example';
const ANCHORED = /^https:\/\/[a-z]+\.example\.com$/;
const PREFLIGHT = { 'access-control-request-method': 'PUT' };

/**
 * A setting of the package: how its argument is made, and what is needed to say which answers differ on purpose.
 * @typedef {object} Setting
 * @property {string} title
 * @property {(note: (...values: unknown[]) => void) => any[]} make the arguments
 * @property {string} kind
 * @property {(origin: string | undefined) => boolean} lets which origins the cors package lets in
 * @property {boolean} tells whether it tells a denied origin more than `Vary` even without a preflight
 */

/** @returns {Setting} */
function setting(kind, options, lets = () => true, title = print(options)) {
  const tells = Boolean(options?.credentials === true || options?.exposedHeaders?.length);
  return { title, make: () => (options === NONE ? [] : [options]), kind, lets, tells };
}

const NONE = Symbol('no argument');

function print(value) {
  if (value === NONE) return 'nothing';
  const shown = (_, one) => {
    if (one instanceof RegExp || typeof one === 'function') return String(one);
    if (one instanceof String) return `String ${one}`;
    return typeof one === 'number' && Number.isNaN(one) ? 'NaN' : one === undefined ? 'undefined' : one;
  };
  return JSON.stringify(value, shown);
}

const isA = (origin) => origin === A;
const isListed = (origin) => origin === A || origin === B;
const isSub = (origin) => origin === A;

/** An `origin` function that notes its calls and answers by `reply`. */
function asked(kind, title, reply, rest = {}, lets = isA) {
  const make = (note) => [
    {
      ...rest,
      origin: (...given) => {
        note('origin called', given.length, given[0], typeof given[1]);
        reply(given[0], given[1]);
      },
    },
  ];
  const tells = Boolean(rest.credentials || rest.exposedHeaders);
  return { title: `an origin function that gives ${title}`, make, kind, lets, tells };
}

/** A function that gives options, and notes its calls. */
function delegated(kind, title, reply, lets = isA, tells = false) {
  const make = (note) => [
    (request, callback) => {
      note('options called', request.url, typeof callback);
      reply(request, callback);
    },
  ];
  return { title: `a function that gives ${title}`, make, kind, lets, tells };
}

const failure = (fields = {}) => Object.assign(new Error('Not allowed by CORS'), fields);

/** @type {Setting[]} */
const SETTINGS = [
  ...[
    NONE,
    {},
    null,
    undefined,
    { origin: '*' },
    { unknown: 1 },
    { methods: 'GET,POST' },
    { methods: ['GET', 'PUT'] },
    { methods: '' },
    { methods: [] },
    { methods: ['get', 'put'] },
    { allowedHeaders: 'X-A, X-B' },
    { allowedHeaders: ['X-A', 'X-B'] },
    { allowedHeaders: [] },
    { allowedHeaders: '' },
    { headers: ['X-A'] },
    { headers: 'X-A', allowedHeaders: 'X-B' },
    { exposedHeaders: 'X-A' },
    { exposedHeaders: ['X-A', 'X-B'] },
    { exposedHeaders: [] },
    { maxAge: 0 },
    { maxAge: 600 },
    { maxAge: '600' },
    { maxAge: '' },
    { maxAge: NaN },
    { maxAge: null },
    { maxAge: -1 },
    { credentials: false },
    { credentials: 'true' },
    { preflightContinue: true },
    { optionsSuccessStatus: 200 },
  ].map((options) => setting('any', options)),
  ...[false, undefined, null, '', 0].map((origin) => setting('off', { origin, credentials: true })),
  ...[
    { origin: A },
    { origin: A, credentials: true },
    { origin: new String(A), exposedHeaders: 'X-A' },
    { origin: A, methods: ['GET'], allowedHeaders: ['X-A'], maxAge: 5, optionsSuccessStatus: 200, credentials: true },
    { origin: A, preflightContinue: true },
  ].map((options) => setting('fixed', options, isA)),
  setting('fixed', { origin: 'HTTPS://App.example.com/' }, () => false),
  setting('fixed', { origin: 'https://*.example.com' }, () => false),
  setting('fixed', { origin: 'null' }, (origin) => origin === 'null'),
  ...[
    { origin: [A, B] },
    { origin: [A, B], credentials: true },
    { origin: [A, B], exposedHeaders: ['X-A'], maxAge: 60 },
    { origin: [A, B], preflightContinue: true },
    { origin: [[A], [[B]]] },
    { origin: [A, B, false] },
    { origin: [ANCHORED, B], credentials: true },
  ].map((options) => setting('list', options, isListed)),
  setting('list', { origin: [new String(A), B] }, (origin) => origin === B),
  setting('list', { origin: [] }, () => false),
  setting('list', { origin: [false] }, () => false),
  setting('list', { origin: [A, 'null'] }, (origin) => origin === A || origin === 'null'),
  setting('list', { origin: ['https://*.example.com'] }, () => false),
  ...[
    { origin: ANCHORED },
    { origin: ANCHORED, credentials: true },
    { origin: /\.example\.com$/ },
    { origin: /example\.com$/ },
    { origin: [/\.example\.com$/, 'https://other.example'] },
    { origin: /^https:\/\/.*\.EXAMPLE\.com$/i },
    { origin: /^https:\/\/(app|api)\.example\.com$/ },
    { origin: /app\.example\.com/ },
  ].map((options) => setting('list', options, isSub)),
  setting('list', { origin: /^http:\/\/localhost:/ }, (origin) => origin === B),
  setting('list', { origin: [/\/\/localhost/, /s:\/\/app\.example\.com$/] }, isListed),
  setting('list', { origin: /localhost:\d+$/ }, (origin) => origin === B),
  setting('list', { origin: /^http:\/\/localhost/ }, (origin) => origin === B),
  setting('every', { origin: true }),
  setting('every', { origin: true, exposedHeaders: 'X-A', methods: 'GET', maxAge: 9 }),
  setting('every', { origin: [true] }),
  asked('function', 'true for one', (origin, callback) => callback(null, origin === A)),
  asked('function', 'true for one, with credentials', (origin, callback) => callback(null, origin === A), {
    credentials: true,
  }),
  asked('function', 'true for one, later', (origin, callback) => setImmediate(callback, null, origin === A)),
  asked(
    'function',
    'nothing',
    (_origin, callback) => callback(),
    {},
    () => false,
  ),
  asked(
    'function',
    'null',
    (_origin, callback) => callback(null, null),
    {},
    () => false,
  ),
  asked(
    'function',
    'empty text',
    (_origin, callback) => callback(null, ''),
    {},
    () => false,
  ),
  asked('fixed', 'one origin', (_origin, callback) => callback(null, A)),
  asked(
    'any',
    'the asterisk',
    (_origin, callback) => callback(null, '*'),
    {},
    () => true,
  ),
  asked('list', 'a list', (_origin, callback) => callback(null, [A, B]), {}, isListed),
  asked('list', 'a list, later', (_origin, callback) => setImmediate(callback, null, [A, B]), { maxAge: 5 }, isListed),
  asked('list', 'a pattern', (_origin, callback) => callback(null, ANCHORED), { credentials: true }, isSub),
  asked('failing', 'an error', (_origin, callback) => callback(failure())),
  asked('failing', 'an error, later', (_origin, callback) => setImmediate(callback, failure())),
  asked('status', 'an error with a status', (_origin, callback) => callback(failure({ status: 418 }))),
  asked('status', 'an error with a statusCode', (_origin, callback) => callback(failure({ statusCode: 418 }))),
  asked('status', 'a text as the error', (_origin, callback) => callback('denied')),
  asked('status', 'a frozen error', (_origin, callback) => callback(Object.freeze(failure()))),
  delegated(
    'any',
    'nothing',
    (_request, callback) => callback(null),
    () => true,
  ),
  delegated(
    'any',
    'the default',
    (_request, callback) => callback(null, {}),
    () => true,
  ),
  delegated('list', 'a list', (_request, callback) => callback(null, { origin: [A, B] }), isListed),
  delegated(
    'list',
    'a list, later',
    (_request, callback) => setImmediate(callback, null, { origin: [A, B] }),
    isListed,
  ),
  delegated('off', 'false', (_request, callback) => callback(null, { origin: false })),
  delegated('off', 'an error', (_request, callback) => callback(failure())),
  delegated('fixed', 'one origin', (_request, callback) => callback(null, { origin: A, credentials: true })),
  delegated('function', 'an origin function', (_request, callback) =>
    callback(null, { origin: (origin, answer) => answer(null, origin === A) }),
  ),
];

const REQUESTS = {
  'a GET without Origin': {},
  'a GET': { headers: { origin: A } },
  'a GET from a stranger': { headers: { origin: EVIL } },
  'a POST': { method: 'POST', headers: { origin: B } },
  'a GET from null': { headers: { origin: 'null' } },
  'a preflight': { method: 'OPTIONS', headers: { origin: A, ...PREFLIGHT } },
  'a preflight for fields': {
    method: 'OPTIONS',
    headers: { origin: B, ...PREFLIGHT, 'access-control-request-headers': 'x-a, x-b' },
  },
  'a preflight from a stranger': { method: 'OPTIONS', headers: { origin: EVIL, ...PREFLIGHT } },
  'an OPTIONS that is none': { method: 'OPTIONS', headers: { origin: A } },
};

/** The row of docs/migrating.md under which a setting's answer to a request falls. */
function differenceOf({ kind, lets, tells }, { method, headers = {} }) {
  const { origin } = headers;
  const isPreflight = method === 'OPTIONS' && 'access-control-request-method' in headers;
  if (kind === 'off') return undefined;
  if (kind === 'failing') return 'denied-status';
  if (kind === 'status') return 'denied-vary';
  if (kind === 'function' && !lets(origin)) return 'denied-vary';
  if (method === 'OPTIONS' && !isPreflight) return 'plain-options';
  if (kind === 'any') return undefined;
  if (kind === 'every' && origin === 'null') return 'null-origin';
  const isDenied = !lets(origin) || (origin === undefined && kind !== 'fixed');
  if (!isDenied) return undefined;
  return isPreflight || (tells && kind !== 'fixed') ? 'denied-fields' : undefined;
}

/** @typedef {{ name: string, differs?: string, run: (kit: any) => unknown }} Case */

/** @type {Case[]} */
const CASES = SETTINGS.flatMap((one) =>
  Object.entries(REQUESTS).map(([what, request]) => ({
    name: `${what} with ${one.title}`,
    differs: differenceOf(one, request),
    run: (kit) => through(kit, one.make(kit.note), request),
  })),
);

/** Sends a request through a middleware made with these arguments. */
async function through(kit, given, request, before = []) {
  const middleware = kit.call(() => kit.lib(...given));
  if (middleware === undefined) return;
  const ask = await kit.serve((app) => app.use(...before, middleware));
  await ask(request);
}

/** Only the arguments, for what throws in one of the two. */
const make = (...given) => ({ run: (kit) => through(kit, given, { headers: { origin: 'https://evilexample.com' } }) });

CASES.push(
  {
    name: 'names and lengths',
    run: ({ lib, note }) => note(lib.name, lib.length, Object.keys(lib), lib().name, lib().length, typeof lib({})),
  },
  {
    name: 'options are left as they were',
    run: async (kit) => {
      const options = { origin: [A] };
      await through(kit, [options], REQUESTS['a GET']);
      kit.note(options);
    },
  },
  {
    name: 'a list that changes while the app runs',
    run: async (kit) => {
      const options = { origin: [A] };
      const ask = await kit.serve((app) => app.use(kit.lib(options)));
      await ask({ headers: { origin: B } });
      options.origin.push(B);
      await ask({ headers: { origin: B } });
    },
  },
  {
    name: 'options that change while the app runs',
    run: async (kit) => {
      const options = { origin: A };
      const ask = await kit.serve((app) => app.use(kit.lib(options)));
      options.exposedHeaders = 'X-A';
      await ask({ headers: { origin: A } });
    },
  },
  ...['Accept', 'Accept, Origin', 'origin', '*', ['Accept', 'Cookie'], ''].map((value) => ({
    name: `Vary is ${print(value)} before`,
    run: (kit) =>
      through(kit, [{ origin: [A] }], REQUESTS['a GET'], [
        (_request, response, next) => {
          response.setHeader('Vary', value);
          next();
        },
      ]),
  })),
  {
    name: 'Vary before a preflight',
    run: (kit) =>
      through(kit, [{ origin: [A, B] }], REQUESTS['a preflight for fields'], [
        (_request, response, next) => {
          response.setHeader('Vary', 'Accept');
          next();
        },
      ]),
  },
  {
    name: 'two in a row, of which the second says no',
    run: async (kit) => {
      const ask = await kit.serve((app) => app.use(kit.lib(), kit.lib({ origin: [A] })));
      await ask({ headers: { origin: EVIL } });
    },
  },
  {
    name: 'on a single route',
    run: async (kit) => {
      const ask = await kit.serve((app) =>
        app.get('/products/:id', kit.lib(), (_, response) => response.json({ a: 1 })),
      );
      await ask({ path: '/products/5', headers: { origin: A } });
      await ask({ path: '/others/5', headers: { origin: A } });
    },
  },
  {
    name: 'on the OPTIONS of a route',
    run: async (kit) => {
      const ask = await kit.serve((app) => app.options('/products/:id', kit.lib({ origin: A, maxAge: 5 })));
      await ask({ ...REQUESTS['a preflight'], path: '/products/5' });
      await ask({ ...REQUESTS['a preflight'], path: '/others/5' });
    },
  },
  {
    name: 'an error of the app keeps the fields',
    run: async (kit) => {
      const fail = () => {
        throw failure({ status: 409 });
      };
      const ask = await kit.serve((app) => app.use(kit.lib({ origin: [A], credentials: true }), fail));
      await ask({ headers: { origin: A } });
    },
  },
  {
    name: 'an origin function that throws',
    run: async (kit) => {
      const origin = () => {
        throw failure();
      };
      await through(kit, [{ origin }], REQUESTS['a GET']);
    },
  },
  {
    name: 'a function of options that throws',
    run: async (kit) => {
      const fail = () => {
        throw failure();
      };
      await through(kit, [fail], REQUESTS['a GET']);
    },
  },
  {
    name: 'methods that are no list and no text',
    run: (kit) => through(kit, [{ methods: null }], REQUESTS['a preflight']),
  },
  {
    name: 'a status that is none',
    run: (kit) => through(kit, [{ optionsSuccessStatus: 9 }], REQUESTS['a preflight']),
  },
  {
    name: 'names with a line break',
    run: (kit) => through(kit, [{ exposedHeaders: 'X-A\r\nX-B: 1' }], REQUESTS['a GET']),
  },
  {
    name: 'an answer that is out already',
    run: async (kit) => {
      const early = (_request, response, next) => {
        response.write('early');
        next();
      };
      const ask = await kit.serve((app) => app.use(early, kit.lib()));
      await ask({ headers: { origin: A } });
    },
  },
  {
    name: 'a response that has only what the middleware needs',
    run: ({ lib, note }) => {
      const headers = new Map();
      const response = {
        statusCode: 200,
        getHeader: (name) => headers.get(name.toLowerCase()),
        setHeader: (name, value) => headers.set(name.toLowerCase(), value),
        end: () => note('ended', response.statusCode),
      };
      const next = (...given) => note('next', given);
      lib({ origin: [A], credentials: true })({ method: 'GET', headers: { origin: A } }, response, next);
      lib({ origin: [A] })({ method: 'OPTIONS', headers: { origin: A, ...PREFLIGHT } }, response, next);
      note([...headers]);
    },
  },
  {
    name: 'a server without Express',
    run: async ({ lib, note, context }) => {
      const middleware = lib({ origin: [A] });
      const { port } = await listen(context, (request, response) => {
        middleware(request, response, (...given) => {
          note('next', given);
          response.end('plain');
        });
      });
      const { status, pairs, body } = await send(port, { headers: { origin: A } });
      note(
        status,
        pairs.filter(([name]) => name !== 'date'),
        body,
      );
    },
  },
  // What differs on purpose
  { name: 'every site with credentials (S-56)', differs: 'every-site', ...make({ origin: true, credentials: true }) },
  {
    name: 'every site with credentials, in a list (S-56)',
    differs: 'every-site',
    ...make({ origin: [true], credentials: true }),
  },
  {
    name: 'every site with credentials, for one request (S-56)',
    differs: 'every-site',
    ...make((_request, callback) => callback(null, { origin: true, credentials: true })),
  },
  { name: 'anybody with credentials (S-56)', differs: 'star-with-credentials', ...make({ credentials: true }) },
  { name: 'the asterisk in a list (S-56e)', differs: 'star-in-list', ...make({ origin: ['*', A] }) },
  ...[[{}], [() => false], [5], 5, {}].map((origin) => ({
    name: `a rule that is none: ${print({ origin })}`,
    differs: 'list-elements',
    ...make({ origin }),
  })),
  ...[/example\.com$/, /example.com/, /xample\.com/].map((origin) => ({
    name: `a pattern of a part: ${origin} (S-54)`,
    differs: 'part-patterns',
    ...make({ origin }),
  })),
  {
    name: 'a pattern inside of a longer host (S-54)',
    differs: 'part-patterns',
    run: (kit) =>
      through(kit, [{ origin: /api.example.com/ }], { headers: { origin: 'https://apiXexample.com.evil.io' } }),
  },
  {
    name: 'a pattern that remembers (S-53)',
    differs: 'pattern-state',
    run: async (kit) => {
      const ask = await kit.serve((app) => app.use(kit.lib({ origin: /^https:\/\/app\.example\.com$/g })));
      for (let turn = 0; turn < 2; turn += 1) await ask({ headers: { origin: A } });
    },
  },
  {
    name: 'a pattern of a scheme of programs',
    run: (kit) =>
      through(kit, [{ origin: [/^chrome-extension:\/\//] }], { headers: { origin: 'chrome-extension://abcdefgh' } }),
  },
  {
    name: 'a pattern of a scheme of sites',
    differs: 'part-patterns',
    run: (kit) => through(kit, [{ origin: /^https:\/\// }], { headers: { origin: EVIL } }),
  },
  ...[/^https:\/\/(?!evil)[a-z]+\.com$/, /^https:\/\/(a)\1\.com$/, /^https:\/\/\p{L}+\.com$/u].map((origin) => ({
    name: `a pattern for a backtracking engine: ${origin} (S-56f)`,
    differs: 'pattern-engine',
    ...make({ origin }),
  })),
  ...['null', 'https://evil@app.example.com', 'https://evil.example/.example.com'].map((origin) => ({
    name: `a pattern and ${origin}, which is no origin (S-55)`,
    differs: 'pattern-form',
    run: (kit) => through(kit, [{ origin: /^(?:null|.*\.example\.com)$/, credentials: true }], { headers: { origin } }),
  })),
  {
    name: 'fields that are no names',
    differs: 'repeated-names',
    run: (kit) =>
      through(kit, [], {
        method: 'OPTIONS',
        headers: { origin: A, ...PREFLIGHT, 'access-control-request-headers': 'x a' },
      }),
  },
);

/** Runs a case with one of the packages, and gives back all that it noted. */
async function observe(context, major, lib, run) {
  const notes = [];
  const note = (...values) => void notes.push(values.map((value) => plain(value)));
  const call = (act) => {
    try {
      return act();
    } catch (error) {
      note('thrown', error);
      return undefined;
    }
  };
  const serve = async (mount) => {
    const app = EXPRESS[major]();
    app.set('env', 'test');
    mount(app);
    app.use((_request, response) => {
      note('handler');
      response.send('handled');
    });
    app.use((error, _request, response, _next) => {
      note('error handler', error);
      if (response.headersSent) response.end();
      else response.status(error?.status ?? error?.statusCode ?? 500).send('failed');
    });
    const { port } = await listen(context, app);
    return async (request) => {
      const { status, pairs, body } = await send(port, {
        ...request,
        headers: { host: 'host.example', ...request.headers },
      });
      note(
        'answer',
        status,
        pairs.filter(([name]) => name !== 'date'),
        body,
      );
    };
  };
  await run({ lib, major, context, note, call, serve });
  return notes;
}

/** A value as `deepEqual` compares it wholly; what V8 says of wrong types names variables, and what Node
 * says of headers has their case. */
function plain(value) {
  if (!(value instanceof Error)) return value;
  const { name, message, code, status, statusCode } = value;
  return {
    name,
    message: /^Cannot read|is not a/.test(message)
      ? 'of V8'
      : message.replace(/\[".*"\]/, (name) => name.toLowerCase()),
    code,
    status,
    statusCode,
  };
}

for (const major of Object.keys(EXPRESS)) {
  describe(`carapace/cors on ${major}`, () => {
    for (const { name, differs, run } of CASES) {
      it(differs ? `${name}, which differs on purpose: ${differs}` : name, async (context) => {
        const expected = await observe(context, major, theirs, run);
        const got = await observe(context, major, ours, run);
        assert.ok(expected.length > 0, 'the case notes nothing');
        if (differs) assert.notDeepEqual(got, expected);
        else assert.deepEqual(got, expected);
      });
    }
  });
}

const change = (act) =>
  function middlewareWrapper(o) {
    const middleware = ours(o);
    return function corsMiddleware(req, res, next) {
      act(middleware, req, res, next);
    };
  };
const MUTANTS = {
  'does nothing': change((_middleware, _req, _res, next) => next()),
  'lets everybody in': change((middleware, req, res, next) => {
    middleware(req, res, next);
    if (!res.headersSent) res.setHeader('access-control-allow-origin', req.headers.origin ?? '*');
  }),
  'says Vary always': change((middleware, req, res, next) => {
    if (!res.headersSent) res.setHeader('vary', 'Origin');
    middleware(req, res, next);
  }),
  'asks no function without Origin': change((middleware, req, res, next) =>
    req.headers.origin === undefined ? next() : middleware(req, res, next),
  ),
  'loses errors': change((middleware, req, res, next) => middleware(req, res, () => next())),
};

describe('the suite of carapace/cors', () => {
  it('has at least 150 cases that must be equal, each with a title of its own', () => {
    const titles = CASES.map(({ name }) => name);
    assert.deepEqual(titles, [...new Set(titles)]);
    assert.ok(CASES.filter(({ differs }) => differs === undefined).length >= 150);
  });

  for (const [fault, mutant] of Object.entries(MUTANTS)) {
    it(`is red for a package that ${fault}`, async (context) => {
      for (const { run } of CASES.filter(({ differs }) => differs === undefined)) {
        const expected = await observe(context, 'express5', theirs, run);
        const got = await observe(context, 'express5', mutant, run).catch((error) => [error]);
        if (!isDeepStrictEqual(got, expected)) return;
      }
      assert.fail('every case was green');
    });
  }

  it('shows the differences that docs/migrating.md lists', () => {
    const page = readFileSync(join(__dirname, '..', '..', 'docs', 'migrating.md'), 'utf8');
    const section = page.split(/^#{2,3} /m).find((text) => text.startsWith('`carapace/cors`\n')) ?? '';
    const listed = [...section.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, id]) => id);
    const shown = new Set(CASES.flatMap(({ differs }) => differs ?? []));
    assert.deepEqual([...shown].sort(), listed.sort());
  });
});

describe('the exports of carapace/cors', () => {
  it('are those of cors in CommonJS and in ES modules', async () => {
    const module = await import('carapace/cors');
    const names = (one) => Object.keys(one).filter((name) => name !== 'module.exports');
    assert.deepEqual(names(module), names(await import('cors')));
    assert.equal(module.default, ours);
    assert.equal(ours.default, ours);
  });
});

describe('an error that an origin function gives', () => {
  it('is answered with 403 by the handlers of Express (S-56c)', async (context) => {
    for (const express of Object.values(EXPRESS)) {
      const app = express();
      app.set('env', 'production');
      app.use(ours({ origin: (_origin, callback) => callback(failure()) }));
      app.use((_request, response) => response.end('handler'));
      const server = http.createServer(app);
      await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
      context.after(() => server.close());
      const { status, headers, body } = await send(server.address().port, { headers: { origin: EVIL } });
      assert.deepEqual([status, headers.vary], [403, 'Origin']);
      assert.ok(!body.includes('handler'));
    }
  });
});
