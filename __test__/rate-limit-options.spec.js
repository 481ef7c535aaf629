'use strict';

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const { rateLimit } = require('..');
const { OPTIONS } = require('../lib/rate-limit');
const { LOGIN_OPTIONS } = require('../lib/rate-limit/login');

const TYPE = 'ERR_CARAPACE_OPTION_TYPE';
const VALUE = 'ERR_CARAPACE_OPTION_VALUE';
const UNKNOWN = 'ERR_CARAPACE_OPTION_UNKNOWN';
const CONFLICT = 'ERR_CARAPACE_OPTION_CONFLICT';
const REQUIRED = 'ERR_CARAPACE_OPTION_REQUIRED';
const fn = () => 1;
const store = () => ({ increment: fn, decrement: fn, resetKey: fn });
const policy = { name: 'a', limit: 1 };

/** What is wrong, under which path and with which code; `limit: 1` is there unless the case says otherwise. */
/** @type {[path: string, code: string, ...options: any[]][]} */
const BAD = [
  ['algorithm', VALUE, { algorithm: 'token-bucket' }, { algorithm: '' }, { algorithm: 'GCRA' }],
  ['algorithm', TYPE, { algorithm: 5 }],
  [
    'burst',
    VALUE,
    { algorithm: 'gcra', burst: 0 },
    { algorithm: 'gcra', burst: 1.5 },
    { algorithm: 'gcra', burst: NaN },
  ],
  ['burst', CONFLICT, { burst: 5 }, { algorithm: 'fixed-window', burst: 5 }],
  ['burst', CONFLICT, { algorithm: 'gcra', burst: 2 ** 31 - 1, windowMs: 31_536_000_000 }],
  ['limit', VALUE, { limit: 1.5 }, { limit: Infinity }, { limit: NaN }, { limit: -1 }, { limit: 2 ** 31 }],
  ['limit', TYPE, { limit: null }, { limit: '5' }, { limit: {} }],
  ['limit', REQUIRED, { limit: undefined }],
  ['limit', CONFLICT, { policies: [policy] }],
  ['windowMs', VALUE, { windowMs: 0 }, { windowMs: 0.5 }, { windowMs: -1 }, { windowMs: NaN }, { windowMs: 4e10 }],
  ['blockMs', VALUE, { blockMs: -1 }, { blockMs: 1.5 }, { blockMs: 4e10 }, { blockMs: NaN }],
  ['blockMs', VALUE, { block: { durationMs: -1 } }],
  ['blockMs', CONFLICT, { blockMs: 1, block: { durationMs: 1 } }],
  ['block.durationMs', REQUIRED, { block: {} }],
  ['block.duration', UNKNOWN, { block: { duration: 5 } }],
  ['block', TYPE, { block: 5 }, { block: null }],
  ['cost', VALUE, { cost: -1 }, { cost: 1.5 }, { cost: NaN }, { cost: Infinity }],
  ['cost', TYPE, { cost: '1' }],
  ['name', VALUE, { name: '' }, { name: 'a"b' }, { name: 'é' }, { name: 'a\r\nb' }, { name: 'x'.repeat(65) }],
  ['name', CONFLICT, { limit: undefined, name: 'x', policies: [policy] }],
  ['policies', TYPE, { limit: undefined, policies: {} }, { limit: undefined, policies: 'a' }],
  ['policies', VALUE, { limit: undefined, policies: [] }],
  [
    'policies',
    VALUE,
    { limit: undefined, policies: Array.from({ length: 17 }, (_, i) => ({ name: `p${i}`, limit: 1 })) },
  ],
  ['policies[0]', TYPE, { limit: undefined, policies: [5] }, { limit: undefined, policies: [null] }],
  ['policies[0].name', REQUIRED, { limit: undefined, policies: [{ limit: 1 }] }],
  ['policies[1].limit', REQUIRED, { limit: undefined, policies: [policy, { name: 'b' }] }],
  ['policies[1].name', CONFLICT, { limit: undefined, policies: [policy, policy] }],
  ['policies[1].limit', VALUE, { limit: undefined, policies: [policy, { name: 'b', limit: -1 }] }],
  ['policies[1].windowMs', VALUE, { limit: undefined, policies: [policy, { ...policy, name: 'b', windowMs: 0 }] }],
  ['policies[0].max', UNKNOWN, { limit: undefined, policies: [{ ...policy, max: 1 }] }],
  ['policies[0].name', VALUE, { limit: undefined, policies: [{ name: 'a"', limit: 1 }] }],
  ['policies[0].cost', VALUE, { limit: undefined, policies: [{ ...policy, cost: -1 }] }],
  ['delay', CONFLICT, { limit: undefined, policies: [policy], delay: {} }],
  ['delay.after', VALUE, { delay: { after: -1 } }, { delay: { after: 1.5 } }],
  ['delay.ms', VALUE, { delay: { ms: -1 } }, { delay: { ms: NaN } }],
  ['delay.maxMs', VALUE, { delay: { maxMs: 2 ** 31 } }],
  ['delay.afterMs', UNKNOWN, { delay: { afterMs: 1 } }],
  ['client.trustProxy', VALUE, { client: { trustProxy: true } }, { client: { trustProxy: 65 } }],
  ['client.header', CONFLICT, { keyGenerator: fn, client: { header: 'cf-connecting-ip' } }],
  ['ipv6Prefix', VALUE, { ipv6Prefix: 0 }, { ipv6Prefix: 129 }, { ipv6Prefix: 1.5 }],
  ['ipv6Prefix', CONFLICT, { ipv6Prefix: 64, client: { ipv6Prefix: 64 } }],
  ['maxKeys', VALUE, { maxKeys: 0 }, { maxKeys: 1e9 }, { maxKeys: 1.5 }],
  ['skip', TYPE, { skip: true }],
  ['paths', TYPE, { paths: 5 }, { paths: /a/ }],
  ['paths', VALUE, { paths: 'login' }, { paths: [] }, { paths: '/a//b' }, { paths: '/%6cogin' }, { paths: '/a/../b' }],
  ['paths[1]', TYPE, { paths: ['/a', 5] }],
  ['skipPaths', VALUE, { skipPaths: '' }, { skipPaths: '/a;b' }, { skipPaths: '/a?b' }],
  ['allowList', VALUE, { allowList: [] }],
  ['allowList[0]', VALUE, { allowList: 'nobody' }, { allowList: '10.0.0.0/33' }, { allowList: ['999.1.1.1'] }],
  ['allowList[1]', TYPE, { allowList: ['10.0.0.1', 5] }],
  ['denyList[0]', VALUE, { denyList: ['::1/129'] }],
  ['denyList', TYPE, { denyList: true }],
  ['skipSuccessfulRequests', TYPE, { skipSuccessfulRequests: 1 }],
  ['skipFailedRequests', CONFLICT, { skipFailedRequests: true, skipSuccessfulRequests: true }],
  ['requestWasSuccessful', CONFLICT, { requestWasSuccessful: fn }],
  ['adjust', TYPE, { adjust: 5 }],
  ['headers', VALUE, { headers: true }, { headers: 'draft-9' }, { headers: 'draft-08' }],
  ['legacyHeaders', TYPE, { legacyHeaders: 'yes' }],
  ['secret', VALUE, { secret: 'short' }, { secret: Buffer.alloc(8) }],
  ['secret', TYPE, { secret: {} }, { secret: 5 }],
  ['secret', CONFLICT, { secret: 'x'.repeat(32), headers: 'draft-7' }, { secret: 'x'.repeat(32), headers: false }],
  ['statusCode', VALUE, { statusCode: 200 }, { statusCode: 600 }, { statusCode: 429.5 }],
  ['statusCode', CONFLICT, { statusCode: 503, handler: fn }],
  ['body', VALUE, { body: 'html' }],
  ['message', CONFLICT, { message: 'x', body: 'text' }, { message: 'x', onReject: 'next' }],
  ['handler', CONFLICT, { handler: fn, message: 'x' }],
  ['store', TYPE, { store: {} }, { store: { increment: fn } }, { store: 5 }, { store: { incr: fn, decrement: fn } }],
  ['store', CONFLICT, { limit: undefined, policies: [policy, { name: 'b', limit: 1 }], store: store() }],
  ['algorithm', CONFLICT, { store: store(), algorithm: 'gcra' }],
  ['cost', CONFLICT, { store: store(), cost: 2 }, { store: store(), cost: fn }],
  ['blockMs', CONFLICT, { store: store(), blockMs: 5 }],
  ['adjust', CONFLICT, { store: store(), adjust: fn }],
  ['storeTimeoutMs', CONFLICT, { storeTimeoutMs: 5 }],
  ['storeTimeoutMs', VALUE, { store: store(), storeTimeoutMs: 0 }],
  ['onStoreFailure', VALUE, { onStoreFailure: 'ignore' }],
  ['mode', VALUE, { mode: 'dry' }],
  ['onReject', CONFLICT, { mode: 'report', onReject: 'next' }],
  ['onDecision', TYPE, { onDecision: 'log' }],
  ['max', UNKNOWN, { max: 5 }],
  ['__proto__', UNKNOWN, JSON.parse('{"limit":1,"__proto__":{}}')],
];

describe('rateLimit refuses', () => {
  for (const [path, code, ...cases] of BAD) {
    for (const options of cases) {
      it(`${path}: ${code} for ${JSON.stringify(options)}`, () => {
        const expected = { name: 'CarapaceError', path: `rateLimit.${path}`, code };
        assert.throws(() => rateLimit({ limit: 1, ...options }), expected);
      });
    }
  }

  it('a store that counts for another limiter', () => {
    const shared = store();
    rateLimit({ limit: 1, store: shared });
    assert.throws(() => rateLimit({ limit: 1, store: shared }), { code: CONFLICT, path: 'rateLimit.store' });
  });

  it('the wrong type for every option', () => {
    for (const name of Object.keys(OPTIONS)) {
      for (const value of [null, Symbol('x')]) {
        const expected = { name: 'CarapaceError', path: `rateLimit.${name}`, code: TYPE };
        assert.throws(() => rateLimit({ limit: 1, [name]: /** @type {any} */ (value) }), expected);
      }
    }
  });
});

describe('the options of rateLimit.login', () => {
  it('equal LoginLimitOptions in index.d.ts: those of rateLimit without what it leaves out, and its own', () => {
    const types = readFileSync(join(__dirname, '..', 'index.d.ts'), 'utf8');
    const [, leftOut, own] = /interface LoginLimitOptions extends Omit<(.*?)> \{\n(.*?)\n\}/s.exec(types) ?? [];
    const omitted = [...leftOut.matchAll(/'(\w+)'/g)].map(([, name]) => name);
    const added = [...own.matchAll(/^ {2}(\w+)\??:/gm)].map(([, name]) => name);
    const expected = [...Object.keys(OPTIONS).filter((name) => !omitted.includes(name)), ...added];
    assert.deepEqual(Object.keys(LOGIN_OPTIONS).sort(), expected.sort());
  });
});

describe('rateLimit.login refuses', () => {
  /** @type {[path: string, code: string, options: any][]} */
  const cases = [
    ['account', REQUIRED, {}],
    ['account', TYPE, { account: 'user' }],
    ['addressLimit', CONFLICT, { addressLimit: true }],
    ['accountLimit', CONFLICT, { accountLimit: true }],
    ['policies', UNKNOWN, { policies: [] }],
    ['keyGenerator', UNKNOWN, { keyGenerator: fn }],
    ['skipSuccessfulRequests', UNKNOWN, { skipSuccessfulRequests: true }],
    ['store', CONFLICT, { store: store() }],
  ];
  for (const [path, code, options] of cases) {
    it(`${path}: ${code} for ${JSON.stringify(options)}`, () => {
      const given = path === 'account' ? options : { account: fn, ...options };
      assert.throws(() => rateLimit.login(given), { name: 'CarapaceError', path: `rateLimit.${path}`, code });
    });
  }

  it('limits out of their range, under the path of their policy', () => {
    const code = VALUE;
    assert.throws(() => rateLimit.login({ account: fn, limit: -1 }), { code, path: 'rateLimit.policies[0].limit' });
    assert.throws(() => rateLimit.login({ account: fn, addressLimit: 0.5 }), {
      code,
      path: 'rateLimit.policies[1].limit',
    });
  });
});
