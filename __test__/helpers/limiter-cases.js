'use strict';

const { deepEqual, match, notEqual } = require('node:assert/strict');
const { inspect } = require('node:util');
const { settled } = require('./limited');

/**
 * @typedef {import('./parity').Case} Case
 * @typedef {import('./parity').Kit} Kit
 */

const START = 1_800_000_000_250;
const show = (value) =>
  inspect(value, {
    depth: 4,
    breakLength: Infinity,
  })
    .replace(/\s+/g, ' ')
    .replace(/\[\w*Function[^\]]*\]/g, () => 'fn');

/** Functions among the options, by what they do. */
const sources = (options) =>
  Object.values(options ?? {})
    .filter((value) => typeof value === 'function')
    .join(' ');

/**
 * Sends requests through one limiter. A step is a request, a number of milliseconds that pass, or a function.
 * @param {Kit} kit
 * @param {any} options a function gets the kit
 * @param {any[]} steps
 * @param {{ trust?: any, answer?: (request: any, response: any) => void, before?: (app: any) => void, more?: any[], property?: string }} [how]
 */
async function limited(kit, options, steps, { trust, answer, before, more = [], property = 'rateLimit' } = {}) {
  const timers = kit.context.mock.timers;
  timers.enable({ apis: ['Date'], now: START });
  try {
    const all = [options, ...more].map((one) => {
      const given = typeof one === 'function' ? one(kit) : one;
      return kit.call(() => (given === undefined ? kit.lib() : kit.lib(given)));
    });
    if (all.includes(undefined)) return;
    const mount = (app) => {
      if (trust !== undefined) app.set('trust proxy', trust);
      if (before) before(app);
      app.use(...all);
    };
    const send = await kit.serve(mount, { see: (request) => request[property], answer });
    for (const step of steps) {
      if (typeof step === 'number') timers.tick(step);
      else if (typeof step === 'function') await step(all[0], kit);
      else await send(step);
      await settled();
    }
  } finally {
    timers.reset();
  }
}

const GO = {};
const from = (address) => ({ headers: { 'x-forwarded-for': address } });

/** @type {(name: string, options: any, steps?: any[], how?: any, differs?: string) => Case} */
const one = (name, options, steps = [GO, GO, GO], how = undefined, differs = undefined) => ({
  name: `${name}: ${typeof options === 'function' ? options : `${show(options)} ${sources(options)}`} in ${steps.length} steps`.replace(
    /\s+/g,
    ' ',
  ),
  differs,
  run: (kit) => limited(kit, options, steps, how),
});

/** Statuses by path. */
const byStatus = (request, response) => response.status(Number(request.url.slice(1)) || 200).send('handled');
const path = (status) => ({ path: `/${status}` });

const DRAFTS = [undefined, false, true, 'draft-6', 'draft-7', 'draft-8', 'draft-9', '6', 1];
const WINDOWS = [500, 1_500, 30_000, 60_000, 90_000, 900_000, 3_600_000, 7_200_000, 86_400_000, 172_800_000];

/** @returns {Case[]} */
const ofHeaders = () => [
  ...DRAFTS.flatMap((standardHeaders) =>
    [undefined, true, false].map((legacyHeaders) =>
      one('header fields', { limit: 2, windowMs: 90_500, standardHeaders, legacyHeaders }, [
        GO,
        GO,
        1_700,
        GO,
        90_000,
        GO,
      ]),
    ),
  ),
  ...WINDOWS.flatMap((windowMs) =>
    ['draft-6', 'draft-7', 'draft-8'].map((standardHeaders) =>
      one('windows', { limit: 1, windowMs, standardHeaders }, [GO, GO]),
    ),
  ),
  ...[
    'name',
    '',
    'with space',
    'a=b;c',
    () => 'made',
    async () => 'later',
    ({ rateLimit }) => `of ${rateLimit.limit}`,
  ].map((identifier) => one('identifiers', { standardHeaders: 'draft-8', identifier }, [GO])),
  ...[5, 0, 1.5, '7', () => 9, async () => 11, null].map((retryAfter) =>
    one('retryAfter', { limit: 1, retryAfter }, [GO, GO, GO]),
  ),
  one('retryAfter without fields', { limit: 1, retryAfter: 3, legacyHeaders: false }, [GO, GO]),
  one('headers', { limit: 1, headers: false }, [GO, GO]),
  one('headers', { limit: 1, headers: true, legacyHeaders: false }, [GO, GO]),
  one('two limiters', { limit: 5, standardHeaders: 'draft-8', identifier: 'a' }, [GO, GO], {
    more: [{ limit: 1, standardHeaders: 'draft-8', identifier: 'b', windowMs: 1_000 }],
  }),
  one('two limiters', { limit: 1, standardHeaders: 'draft-6' }, [GO, GO], {
    more: [{ limit: 5, standardHeaders: 'draft-7' }],
  }),
  one('a head that is sent', { limit: 1, standardHeaders: 'draft-8', message: 'x' }, [GO], {
    before: (app) =>
      app.use((_request, response, next) => {
        response.write('early');
        next();
      }),
    answer: (_request, response) => response.end(),
  }),
  // What differs on purpose
  ...['a"b', 'a\\b', 'é', 'a\r\nb: c', '☃'].map((identifier) =>
    one('identifiers (S-19)', { standardHeaders: 'draft-8', identifier }, [GO], undefined, 'identifier'),
  ),
  ...[1.5, Infinity].flatMap((limit) =>
    ['draft-6', 'draft-7', 'draft-8'].map((standardHeaders) =>
      one('numbers (S-19)', { limit, standardHeaders, identifier: 'x' }, [GO], undefined, 'field-numbers'),
    ),
  ),
];

/** @returns {Case[]} */
const ofLimits = () => [
  ...[undefined, {}, { limit: 1 }, { limit: 3 }, { limit: 0 }, { limit: '2' }, { limit: -1 }, { limit: 1.5 }].map(
    (options) => one('limits', options, [GO, GO, GO, GO, GO, GO]),
  ),
  ...[{ limit: Infinity }, { max: 1 }, { max: 1, limit: 2 }, { max: '1' }, { limit: null }, { limit: undefined }].map(
    (options) => one('limits', options, [GO, GO, GO]),
  ),
  ...[() => 1, async () => 1, ({ headers }) => Number(headers['x-limit'] ?? 1), () => 0, () => '1'].map((limit) =>
    one('limit functions', { limit }, [GO, { headers: { 'x-limit': '5' } }, GO]),
  ),
  one('a limit function that throws', () => ({
    limit: () => {
      throw new RangeError('mine');
    },
  })),
  one('a limit function that rejects', () => ({ limit: () => Promise.reject(new RangeError('mine')) })),
  one('the end of a window', { limit: 2, windowMs: 1_000 }, [GO, 400, GO, GO, 599, GO, 1, GO, GO, GO]),
  one('the end of a window', { limit: 1, windowMs: 60_000, standardHeaders: 'draft-7' }, [GO, 59_000, GO, 1_000, GO]),
  one('clients apart', { limit: 1 }, [from('1.1.1.1'), from('2.2.2.2'), from('1.1.1.1')], { trust: 1 }),
  // What differs on purpose
  ...[{ limit: NaN }, { limit: 'many' }, { limit: {} }].map((options) =>
    one('limits that are no numbers (S-19)', options, [GO], undefined, 'bad-limits'),
  ),
  one('a limit function that gives NaN (S-19)', { limit: () => NaN }, [GO], undefined, 'bad-limits'),
];

/** @returns {Case[]} */
const ofDenials = () => [
  ...[
    'text',
    '<b>html</b>',
    { error: 'x' },
    ['x'],
    5,
    null,
    true,
    '',
    Buffer.from('bytes'),
    () => 'made',
    async () => ({ a: 1 }),
  ].map((message) => one('messages', { limit: 1, message }, [GO, GO])),
  ...[400, 429, 503, 200].map((statusCode) => one('statusCode', { limit: 1, statusCode }, [GO, GO])),
  one('message function', (kit) => ({ limit: 1, message: kit.spy('message', () => 'x') }), [GO, GO]),
  one(
    'message function that answers',
    () => ({
      limit: 1,
      message: (_request, response) => {
        response.end('answered');
        return 'too late';
      },
    }),
    [GO, GO],
  ),
  one(
    'message function that throws',
    () => ({
      limit: 1,
      message: () => {
        throw new RangeError('mine');
      },
    }),
    [GO, GO],
  ),
  one(
    'a handler',
    ({ note }) => ({
      limit: 1,
      handler: (request, response, next, options) => {
        note(typeof next, request.rateLimit);
        note(
          Object.entries(options).map(([key, value]) => [
            key,
            ['function', 'object'].includes(typeof value) ? typeof value : value,
          ]),
        );
        note(options.store.constructor.name, options.validate);
        response.status(418).send('teapot');
      },
    }),
    [GO, GO],
  ),
  one('a handler that lets pass', () => ({ limit: 1, handler: (_request, _response, next) => next() }), [GO, GO]),
  one(
    'a handler that passes an error on',
    () => ({ limit: 1, handler: (_request, _response, next) => next(new RangeError('mine')) }),
    [GO, GO],
  ),
  one(
    'a handler that throws',
    () => ({
      limit: 1,
      handler: () => {
        throw new RangeError('mine');
      },
    }),
    [GO, GO],
  ),
  one('a handler that rejects', () => ({ limit: 1, handler: async () => Promise.reject(new RangeError('mine')) }), [
    GO,
    GO,
  ]),
  one('the property', { limit: 1, requestPropertyName: 'quota' }, [GO, GO], { property: 'quota' }),
  one('the property and identifier', { limit: 1, requestPropertyName: 'quota', standardHeaders: 'draft-8' }, [GO], {
    property: 'quota',
  }),
];

/** @returns {Case[]} */
const ofKeys = () => [
  one(
    'keyGenerator',
    (kit) => ({ limit: 1, keyGenerator: kit.spy('keyGenerator', ({ headers }) => headers['x-key'] ?? 'none') }),
    [{ headers: { 'x-key': 'a' } }, { headers: { 'x-key': 'b' } }, { headers: { 'x-key': 'a' } }, GO],
  ),
  ...[async () => 'later', () => '', () => '__proto__', () => 'constructor', () => 'a b\u0000☃'].map((keyGenerator) =>
    one('keyGenerator', { limit: 1, keyGenerator, standardHeaders: 'draft-8' }, [GO, GO]),
  ),
  one(
    'keyGenerator that throws',
    () => ({
      keyGenerator: () => {
        throw new RangeError('mine');
      },
    }),
    [GO],
  ),
  one('keyGenerator that rejects', () => ({ keyGenerator: () => Promise.reject(new RangeError('mine')) }), [GO]),
  one('keyGenerator by address', { limit: 1, keyGenerator: (req) => req.ip }, [GO, GO]),
  one('keyGenerator by address', { limit: 1, keyGenerator: (request) => `${request.ip}` }, [GO]),
  one('keyGenerator by address', { limit: 1, keyGenerator: (req) => `ipKeyGenerator ${req.ip}` }, [GO]),
  ...[56, 64, 48, 32, false, 31, 65, '56'].map((ipv6Subnet) =>
    one(
      'ipv6Subnet',
      { limit: 1, ipv6Subnet },
      [from('2001:db8:1234:5678::1'), from('2001:db8:1234:56ff::1'), from('1.2.3.4')],
      {
        trust: 1,
      },
    ),
  ),
  ...[() => 64, async () => 48, () => 70, () => false].map((ipv6Subnet) =>
    one('ipv6Subnet', { limit: 1, ipv6Subnet }, [from('2001:db8:1234:5678::1'), from('1.2.3.4')], { trust: 1 }),
  ),
  one('ipv6Subnet and keyGenerator', { ipv6Subnet: 64, keyGenerator: () => 'x' }, [GO]),
  ...['1.2.3.4', '::ffff:1.2.3.4', '2001:db8::1', '2001:DB8:0:0::2', '::1', 'fe80::1'].map((address) =>
    one(`the address ${address}`, { limit: 1 }, [from(address), from(address)], { trust: 1 }),
  ),
  one('a forwarded address that nobody trusts', { limit: 1 }, [from('1.2.3.4'), from('5.6.7.8')]),
  one('a forwarded address with trust off by name', { limit: 1 }, [from('1.2.3.4')], { trust: false }),
  one('the field Forwarded', { limit: 1 }, [{ headers: { forwarded: 'for=1.2.3.4' } }, GO]),
  one('skip', (kit) => ({ limit: 1, skip: kit.spy('skip', ({ url }) => url === '/skipped') }), [
    { path: '/skipped' },
    GO,
    { path: '/skipped' },
    GO,
  ]),
  one('skip, later', { limit: 1, skip: async ({ url }) => url === '/skipped' }, [{ path: '/skipped' }, GO, GO]),
  one(
    'skip that throws',
    () => ({
      skip: () => {
        throw new RangeError('mine');
      },
    }),
    [GO],
  ),
  // What differs on purpose
  ...['5.5.5.5:4000', '[2001:db8::3]:99'].map((address) =>
    one(`the address ${address} (S-8)`, { limit: 1 }, [from(address)], { trust: 1 }, 'key-canonical'),
  ),
  ...['unknown0', '1.2.3.4.5'].map((address) =>
    one(`the address ${address} (S-9)`, { limit: 1 }, [from(address)], { trust: 1 }, 'no-address'),
  ),
  ...['64:ff9b::192.0.2.1', '2002:c000:0201:0100::1'].map((address) =>
    one(`the address ${address} (S-5, S-6)`, { limit: 1 }, [from(address)], { trust: 1 }, 'key-canonical'),
  ),
  {
    ...one(
      'an app that trusts everybody (S-7)',
      { limit: 1 },
      [from('1.2.3.4'), from('5.6.7.8')],
      { trust: true },
      'trust-all',
    ),
    check: (theirs, got) => {
      deepEqual(
        theirs.filter(([label]) => label === 'answer').map(([, status]) => status),
        [200, 200],
      );
      deepEqual(
        got.filter(([label]) => label === 'answer').map(([, status]) => status),
        [200, 429],
      );
      match(JSON.stringify(got), /ERR_ERL_PERMISSIVE_TRUST_PROXY/);
    },
  },
];

/** @returns {Case[]} */
const ofRefunds = () => [
  ...[
    { skipSuccessfulRequests: true },
    { skipFailedRequests: true },
    { skipSuccessfulRequests: true, skipFailedRequests: true },
  ].map((options) =>
    one(
      'refunds',
      { limit: 2, ...options },
      [path(200), path(200), path(404), path(500), path(200), path(404), path(399)],
      {
        answer: byStatus,
      },
    ),
  ),
  one(
    'requestWasSuccessful',
    (kit) => ({
      limit: 1,
      skipSuccessfulRequests: true,
      requestWasSuccessful: kit.spy('requestWasSuccessful', (_request, response) => response.statusCode === 404),
    }),
    [path(404), path(200), path(404)],
    { answer: byStatus },
  ),
  one('requestWasSuccessful, later', { limit: 1, skipFailedRequests: true, requestWasSuccessful: async () => false }, [
    GO,
    GO,
    GO,
  ]),
  one(
    'requestWasSuccessful that throws',
    () => ({
      limit: 1,
      skipFailedRequests: true,
      requestWasSuccessful: () => {
        throw new RangeError('mine');
      },
    }),
    [GO, GO],
  ),
  one(
    'a refund after the window (S-13)',
    (kit) => ({
      limit: 2,
      windowMs: 1_000,
      skipSuccessfulRequests: true,
      requestWasSuccessful: () => {
        kit.context.mock.timers.tick(1_000);
        return true;
      },
    }),
    [GO, GO, GO],
  ),
];

/** A store that notes its calls and counts in a plain object. */
const storeOf = ({ note, spy }, changes = {}) => {
  const hits = {};
  const resetTime = new Date(START + 60_000);
  class GivenStore {
    constructor() {
      Object.assign(this, changes);
    }
    init(options) {
      note('init', options.windowMs, options.limit, options.validate, Object.keys(options).sort());
    }
    async increment(key) {
      note('increment', key);
      hits[key] = (hits[key] ?? 0) + 1;
      return { totalHits: hits[key], resetTime };
    }
    async decrement(key) {
      note('decrement', key);
      hits[key] -= 1;
    }
    async resetKey(key) {
      note('resetKey', key);
      delete hits[key];
    }
    async get(key) {
      note('get', key);
      return { totalHits: hits[key], resetTime };
    }
  }
  void spy;
  return new GivenStore();
};

const legacyStore = ({ note }, fails = false) => ({
  hits: 0,
  incr(key, done) {
    note('incr', key, this.hits);
    this.hits += 1;
    if (fails) done(new Error('down'));
    else done(undefined, this.hits, new Date(START + 9_000));
  },
  decrement(key) {
    note('decrement', key);
    this.hits -= 1;
  },
  resetKey(key) {
    note('resetKey', key);
    this.hits = 0;
  },
});

const failing = (kit, method, error = new Error('down')) =>
  storeOf(kit, {
    [method]: () => {
      throw error;
    },
  });

/** @returns {Case[]} */
const ofStores = () => [
  one('a store', (kit) => ({ limit: 1, store: storeOf(kit), standardHeaders: 'draft-7' }), [
    GO,
    GO,
    (limiter, { call }) => call(() => limiter.getKey('127.0.0.1')),
    (limiter) => limiter.resetKey('127.0.0.1'),
    GO,
  ]),
  one('a store with refunds', (kit) => ({ limit: 1, store: storeOf(kit), skipSuccessfulRequests: true }), [GO, GO]),
  one('a store with a prefix', (kit) => ({ limit: 1, store: storeOf(kit, { prefix: 'p:' }) }), [GO, GO]),
  one('a store without init and get', (kit) => ({ store: storeOf(kit, { init: undefined, get: undefined }) }), [
    GO,
    (limiter, { call }) => call(() => limiter.getKey('x')),
  ]),
  one(
    'a store without reset times',
    (kit) => ({
      limit: 1,
      standardHeaders: 'draft-7',
      store: storeOf(kit, { increment: async () => ({ totalHits: 2, resetTime: undefined }) }),
    }),
    [GO],
  ),
  one(
    'a store that answers at once',
    (kit) => ({ limit: 1, store: storeOf(kit, { increment: () => ({ totalHits: 2 }) }) }),
    [GO],
  ),
  ...[0, -1, 1.5, '3', NaN, undefined, null].map((totalHits) =>
    one(
      `a store that counts ${totalHits}`,
      (kit) => ({ limit: 2, legacyHeaders: false, store: storeOf(kit, { increment: async () => ({ totalHits }) }) }),
      [GO],
    ),
  ),
  one('a store that fails', (kit) => ({ store: failing(kit, 'increment') }), [GO, GO]),
  one(
    'a store that fails, and requests pass',
    (kit) => ({ store: failing(kit, 'increment'), passOnStoreError: true }),
    [GO, GO],
  ),
  one(
    'a store that rejects, and requests pass',
    (kit) => ({
      store: storeOf(kit, { increment: () => Promise.reject(new RangeError('down')) }),
      passOnStoreError: true,
    }),
    [GO],
  ),
  one('a store that gives nothing', (kit) => ({ store: storeOf(kit, { increment: async () => undefined }) }), [GO]),
  one(
    'a store that gives nothing, and requests pass',
    (kit) => ({ store: storeOf(kit, { increment: async () => undefined }), passOnStoreError: true }),
    [GO],
  ),
  one(
    'a store whose reset time is no Date',
    (kit) => ({
      store: storeOf(kit, { increment: async () => ({ totalHits: 1, resetTime: 5 }) }),
      skipFailedRequests: true,
      passOnStoreError: true,
    }),
    [GO],
  ),
  one('a store whose refund fails', (kit) => ({ store: failing(kit, 'decrement'), skipSuccessfulRequests: true }), [
    GO,
  ]),
  one('a store whose init fails', (kit) => ({ store: failing(kit, 'init') }), [GO]),
  one(
    'a store whose init rejects',
    (kit) => ({ store: storeOf(kit, { init: () => Promise.reject(new RangeError('down')) }) }),
    [GO],
  ),
  one('an older store', (kit) => ({ limit: 1, store: legacyStore(kit), standardHeaders: true }), [
    GO,
    GO,
    (limiter) => limiter.resetKey('x'),
    (limiter, { call }) => call(() => limiter.getKey('x')),
    GO,
  ]),
  one('an older store with refunds', (kit) => ({ limit: 1, store: legacyStore(kit), skipSuccessfulRequests: true }), [
    GO,
    GO,
  ]),
  one('an older store that fails', (kit) => ({ store: legacyStore(kit, true) }), [GO]),
  ...[
    {},
    { increment() {} },
    { increment() {}, decrement() {} },
    'text',
    5,
    () => {},
    { increment: 1, decrement: 2, resetKey: 3 },
  ].map((store) => one('no store', { store }, [])),
  ...[{ resetAll: 5 }, { init: 'x' }].map((changes) =>
    one(`half a store, ${show(changes)}`, (kit) => ({ store: storeOf(kit, changes) }), []),
  ),
  one('null as a store', { limit: 1, store: null }, [GO]),
  {
    name: 'a store of two limiters',
    run: async (kit) => {
      const store = storeOf(kit);
      await limited(kit, { store }, [GO], { more: [{ store }] });
    },
  },
  {
    name: 'a MemoryStore of two limiters',
    run: async (kit) => {
      const store = new kit.lib.MemoryStore();
      await limited(kit, { store }, [GO], { more: [{ store, limit: 1 }] });
      store.shutdown();
    },
  },
  {
    name: 'two stores of one kind that count one key',
    run: async (kit) => {
      const [first, second] = [storeOf(kit), storeOf(kit)];
      await limited(kit, { store: first }, [GO], { more: [{ store: second }] });
    },
  },
];

/** @returns {Case[]} */
const ofChecks = () => [
  ...[
    true,
    false,
    {},
    { default: false },
    { ip: false },
    { trustProxy: false, xForwardedForHeader: false },
    { default: false, xForwardedForHeader: true },
    { unknown: true },
    { unknown: false },
    null,
  ].map((validate) => one('validate', { validate, limit: 0 }, [from('1.2.3.4'), GO])),
  one('an unknown option', { limits: 5 }, [GO]),
  one('unknown options', { limits: 5, windowMS: 1 }, []),
  one('options of express-slow-down', { delayAfter: 1, delayMs: 2, maxDelayMs: 3 }, []),
  one('draft_polli_ratelimit_headers', { draft_polli_ratelimit_headers: true }, [GO]),
  one('onLimitReached', { onLimitReached() {} }, [GO]),
  one('a logger', (kit) => ({ limit: 0, unknown: 1, logger: { error: kit.spy('error'), warn: kit.spy('warn') } }), [
    from('1.1.1.1'),
  ]),
  ...[{}, { error() {} }, 'console', 5, { error: 1, warn: 2 }].map((logger) => one('no logger', { logger }, [])),
  one('a logger that is null', { logger: null, limit: 0 }, [GO]),
  ...[0, -5, 2 ** 31, '1000', 0.5].map((windowMs) => ({
    name: `a window of ${inspect(windowMs)}, which is logged`,
    run: (kit) => kit.call(() => void kit.lib({ windowMs })),
  })),
  {
    name: 'a limiter that a handler makes',
    run: async (kit) => {
      const send = await kit.serve((app) =>
        app.get('/', (_request, response) => {
          kit.lib();
          kit.lib({ store: storeOf(kit), validate: { creationStack: true } });
          response.send('made');
        }),
      );
      await send();
    },
  },
  {
    name: 'a request without an address',
    run: async (kit) => {
      const request = { headers: {}, app: { get: () => false }, ip: undefined };
      const response = { headersSent: false, setHeader() {}, once() {} };
      await kit.lib({ limit: 1, validate: true })(request, response, kit.spy('next'));
      kit.note(Object.keys(request));
    },
  },
  {
    name: 'a request of a unit test',
    run: async (kit) => {
      const request = { headers: {}, app: { get: () => false }, ip: '1.2.3.4' };
      const response = { headersSent: false, setHeader: kit.spy('setHeader', () => {}), once: kit.spy('once') };
      const timers = kit.context.mock.timers;
      timers.enable({ apis: ['Date'], now: START });
      const limiter = kit.lib({ standardHeaders: true, skipFailedRequests: true });
      const result = limiter(request, response, kit.spy('next'));
      kit.note(result instanceof Promise, await result);
      kit.note(request.rateLimit, request.rateLimit.current, Object.keys(request.rateLimit));
      timers.reset();
    },
  },
];

/** What the store of the user's own does by itself. */
const alone = (name, act, differs = undefined) => ({
  name: `MemoryStore: ${name}`,
  differs,
  async run(kit) {
    const timers = kit.context.mock.timers;
    timers.enable({ apis: ['Date', 'setInterval'], now: START });
    const store = new kit.lib.MemoryStore();
    try {
      kit.note(await act(store, { ...kit, tick: (ms) => timers.tick(ms) }));
    } finally {
      store.shutdown();
      timers.reset();
    }
  },
});

const OPTIONS = { windowMs: 1_000, limit: 5 };

/** @returns {Case[]} */
const ofMemory = () => [
  alone('its fields', (store) => {
    store.init(OPTIONS);
    return [store.windowMs, store.localKeys, store.current, store.previous, typeof store.interval, store.prefix];
  }),
  alone('hits', async (store, { note }) => {
    store.init(OPTIONS);
    for (const key of ['a', 'b', 'a', 'a']) note(await store.increment(key));
    return [await store.get('a'), await store.get('b'), await store.get('c'), [...store.current], [...store.previous]];
  }),
  alone('the object of a client', async (store) => {
    store.init(OPTIONS);
    const first = await store.increment('a');
    const second = await store.increment('a');
    return [first === second, first.totalHits, second.resetTime, (await store.get('a')) === first];
  }),
  alone('refunds', async (store) => {
    store.init(OPTIONS);
    await store.increment('a');
    await store.increment('a');
    await store.decrement('a');
    const one = { ...(await store.get('a')) };
    await store.decrement('a');
    await store.decrement('a');
    return [one, await store.get('a'), (await store.increment('a')).totalHits];
  }),
  alone('resets', async (store) => {
    store.init(OPTIONS);
    await store.increment('a');
    await store.increment('b');
    await store.resetKey('a');
    const left = [await store.get('a'), await store.get('b'), [...store.current.keys()]];
    await store.resetAll();
    return [left, await store.get('b'), store.current.size];
  }),
  alone('the end of a window', async (store, { tick }) => {
    store.init(OPTIONS);
    await store.increment('a');
    tick(999);
    const before = await store.get('a');
    const hits = (await store.increment('a')).totalHits;
    tick(1);
    return [before === undefined, hits, await store.get('a'), await store.increment('a')];
  }),
  alone('clients that are moved', async (store, { tick }) => {
    store.init(OPTIONS);
    await store.increment('a');
    tick(1_000);
    const moved = [[...store.current.keys()], [...store.previous.keys()]];
    await store.increment('b');
    tick(1_000);
    return [moved, [...store.current.keys()], [...store.previous.keys()]];
  }),
  alone('init twice', async (store) => {
    store.init(OPTIONS);
    store.init({ windowMs: 5_000 });
    return [store.windowMs, await store.increment('a')];
  }),
  alone('shutdown', async (store) => {
    store.init(OPTIONS);
    await store.increment('a');
    store.shutdown();
    return [store.current.size, await store.get('a')];
  }),
  alone('odd keys', async (store) => {
    store.init(OPTIONS);
    const hits = [];
    for (const key of [
      '',
      '__proto__',
      'constructor',
      'a',
      'A',
      'a ',
      '::1',
      '::ffff:1.2.3.4',
      '1.2.3.4',
      'x'.repeat(5_000),
    ]) {
      hits.push((await store.increment(key)).totalHits);
    }
    return hits;
  }),
  {
    name: 'MemoryStore: a class of its own',
    run: async (kit) => {
      class Mine extends kit.lib.MemoryStore {
        async increment(key) {
          kit.note('increment', key);
          return super.increment(`mine:${key}`);
        }
      }
      const store = new Mine();
      await limited(kit, { limit: 1, store }, [GO, GO, (limiter) => limiter.resetKey('mine:127.0.0.1'), GO]);
      kit.note([...store.current.keys()], store instanceof kit.lib.MemoryStore);
      store.shutdown();
    },
  },
  one('getKey and resetKey', { limit: 1 }, [
    async (limiter, { note }) => note(await limiter.getKey('127.0.0.1')),
    GO,
    GO,
    async (limiter, { note }) => note(await limiter.getKey('127.0.0.1'), limiter.resetKey.name, limiter.getKey.name),
    (limiter) => limiter.resetKey('127.0.0.1'),
    GO,
  ]),
  {
    name: 'the store that a limiter has of its own',
    differs: 'default-store',
    run: (kit) =>
      limited(
        kit,
        { limit: 1, handler: (_request, response, _next, { store }) => response.json([...store.current.keys()]) },
        [GO, GO],
      ),
    check: (_theirs, got) => deepEqual(got.at(-1).at(-1), '[]'),
  },
  ...['soon', NaN].map((windowMs) => ({
    name: `a window of ${inspect(windowMs)}`,
    differs: 'bad-windows',
    run: (kit) => limited(kit, { windowMs, limit: 1 }, [GO, GO]),
    check: (_theirs, got) => {
      match(JSON.stringify(got), /ERR_ERL_WINDOW_MS/);
      deepEqual(got.at(-1)[1], 429);
    },
  })),
];

const ADDRESSES = [
  '192.0.2.1',
  '::ffff:192.0.2.1',
  '::ffff:c000:201',
  '2001:db8:1234:5678::192.0.2.1',
  '2001:DB8::1',
  '2001:db8:0:0::1',
  'fe80::1%eth0',
  '::1',
  '::',
  'fc00::1',
  '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff',
  'no address',
  '',
];

/** @returns {Case[]} */
const ofAddresses = () => [
  ...[undefined, 56, 64, 60, 48, 32, 1, 128].flatMap((subnet) => ({
    name: `ipKeyGenerator with ${subnet}`,
    run: ({ lib, note }) => {
      for (const address of ADDRESSES) {
        note(address, subnet === undefined ? lib.ipKeyGenerator(address) : lib.ipKeyGenerator(address, subnet));
      }
    },
  })),
  {
    name: 'ipKeyGenerator without a subnet',
    run: ({ lib, note }) => note(ADDRESSES.slice(0, 3).map((address) => lib.ipKeyGenerator(address, false))),
  },
  { name: 'ipKeyGenerator of nothing', run: ({ call, lib }) => call(() => lib.ipKeyGenerator(undefined)) },
  ...[
    '64:ff9b::192.0.2.1',
    '2002:c000:0201:0100::1',
    '2001:0:4136:e378:8000:63bf:3fff:fdd2',
    '5.5.5.5:4000',
    '[2001:db8::3]:99',
  ].map((address) => ({
    name: `ipKeyGenerator of ${address}`,
    differs: 'key-canonical',
    run: ({ lib, note }) => note(lib.ipKeyGenerator(address)),
  })),
  {
    name: 'ipKeyGenerator of two spellings without a subnet (S-4)',
    differs: 'key-canonical',
    run: ({ lib, note }) =>
      note(lib.ipKeyGenerator('2001:DB8::1', false), lib.ipKeyGenerator('2001:db8:0:0::1', false)),
    check: (theirs, got) => {
      notEqual(theirs[0][0], theirs[0][1]);
      deepEqual(got[0][0], got[0][1]);
    },
  },
  {
    name: 'the exports',
    run: ({ lib, note }) => {
      note(
        Object.keys(lib).sort(),
        lib.name,
        lib.length,
        lib.rateLimit === lib.default,
        lib.SECOND,
        lib.MINUTE,
        lib.HOUR,
        lib.DAY,
      );
      const limiter = lib();
      note(limiter.name, limiter.length, Object.keys(limiter), lib.ipKeyGenerator.length, lib.MemoryStore.name);
    },
  },
];

/** @returns {Case[]} */
function limiterCases() {
  return [
    ...ofHeaders(),
    ...ofLimits(),
    ...ofDenials(),
    ...ofKeys(),
    ...ofRefunds(),
    ...ofStores(),
    ...ofChecks(),
    ...ofMemory(),
    ...ofAddresses(),
  ];
}

module.exports = { limiterCases };
