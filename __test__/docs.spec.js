'use strict';

const assert = require('node:assert/strict');
const { readFileSync, readdirSync } = require('node:fs');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const { ERROR_CODES } = require('../lib/errors');

const root = join(__dirname, '..');
const types = readFileSync(join(root, 'index.d.ts'), 'utf8');

/** Each factory's option table, its interface in index.d.ts and its page. */
const FACTORIES = [
  { table: require('../lib/rate-limit').OPTIONS, type: 'RateLimitBaseOptions', page: 'docs/rate-limit.md' },
  { table: require('../lib/host-store').OPTIONS, type: 'HostStoreOptions', page: 'docs/host-store.md' },
  { table: require('../lib/redis-store').OPTIONS, type: 'RedisStoreOptions', page: 'docs/redis.md' },
  { table: require('../lib/header-options').OPTIONS, type: 'SecurityHeadersOptions', page: 'docs/security-headers.md' },
  { table: require('../lib/client-key').OPTIONS, type: 'ClientOptions', page: 'docs/client.md' },
  { table: require('../lib/cors').OPTIONS, type: 'CorsOptions', page: 'docs/cors.md' },
  { table: require('../lib/pipeline').OPTIONS, type: 'CarapaceOptions', page: 'docs/carapace.md' },
  { table: require('../lib/pipeline').RULE_OPTIONS, type: 'RouteOptions' },
  { table: require('../lib/attach/options').OPTIONS, type: 'AttachOptions' },
  { table: require('../lib/body/json').OPTIONS, type: 'JsonOptions', page: 'docs/body.md' },
  { table: require('../lib/body/urlencoded').OPTIONS, type: 'UrlencodedOptions', page: 'docs/urlencoded.md' },
  { table: require('../lib/body/query-parser').OPTIONS, type: 'QueryParserOptions', page: 'docs/query-parser.md' },
  { table: require('../lib/sanitize').OPTIONS, type: 'SanitizeOptions', page: 'docs/sanitize.md' },
  { table: require('../lib/sanitize').PARAMS_OPTIONS, type: 'SanitizeParamsOptions' },
  { table: require('../lib/sanitize').VALUE_OPTIONS, type: 'SanitizeValueOptions' },
  { table: require('../lib/validate').OPTIONS, type: 'ValidateOptions', page: 'docs/validate.md' },
  { table: require('../lib/cookies').OPTIONS, type: 'CookiesOptions', page: 'docs/cookies.md' },
  { table: require('../lib/error-handler').OPTIONS, type: 'ErrorHandlerOptions', page: 'docs/error-handler.md' },
  { table: require('../lib/hpp').OPTIONS, type: 'HppOptions', page: 'docs/hpp.md' },
];

/**
 * The property names of an interface and of those it extends.
 * @param {string} name
 * @returns {string[]}
 */
function propertiesOf(name) {
  const match = new RegExp(`export interface ${name}(?: extends ([\\w, ]+))? \\{\\n(.*?)\\n\\}`, 's').exec(types);
  assert.ok(match, `index.d.ts has no interface ${name}`);
  const own = [...match[2].matchAll(/^ {2}(\w+)\??:/gm)].map(([, property]) => property);
  return [...own, ...(match[1]?.split(', ') ?? []).flatMap(propertiesOf)];
}

describe('the option tables', () => {
  for (const { table, type, page } of FACTORIES) {
    it(`equal ${type} in index.d.ts`, () => {
      assert.deepEqual(propertiesOf(type).sort(), Object.keys(table).sort());
    });
    if (page !== undefined) {
      it(`equal the options of ${page}`, () => {
        const rows = readFileSync(join(root, page), 'utf8').matchAll(/^\| `(\w+)` \|/gm);
        assert.deepEqual([...new Set([...rows].map(([, option]) => option))].sort(), Object.keys(table).sort());
      });
    }
  }
});

describe('the error codes', () => {
  it('have an entry each in docs/errors.md', () => {
    const entries = readFileSync(join(root, 'docs/errors.md'), 'utf8').matchAll(/^### (ERR_\w+)$/gm);
    assert.deepEqual([...entries].map(([, code]) => code).sort(), [...ERROR_CODES].sort());
  });

  it('equal the type ErrorCode', () => {
    const [, union] = /export type ErrorCode =\n(.*?);/s.exec(types) ?? [];
    assert.deepEqual([...union.matchAll(/'(\w+)'/g)].map(([, code]) => code).sort(), [...ERROR_CODES].sort());
  });

  it('of the core are known to JavaScript', () => {
    const core = readFileSync(join(root, 'src/error.rs'), 'utf8').matchAll(/=> "(ERR_\w+)"/g);
    for (const [, code] of core) assert.ok(ERROR_CODES.includes(code), code);
  });
});

describe('docs/index.md', () => {
  it('leads to every page', () => {
    const map = readFileSync(join(root, 'docs/index.md'), 'utf8');
    const linked = [...map.matchAll(/\]\(([\w.-]+\.md)(?:#[\w-]+)?\)/g)].map(([, page]) => page);
    const pages = readdirSync(join(root, 'docs')).filter((page) => page.endsWith('.md') && page !== 'index.md');
    assert.deepEqual([...new Set(linked)].sort(), pages.sort());
  });
});

describe('the README and ARCHITECTURE', () => {
  for (const file of ['README.md', 'ARCHITECTURE.md']) {
    it(`${file} has at most 150 lines`, () => {
      assert.ok(readFileSync(join(root, file), 'utf8').trimEnd().split('\n').length <= 150);
    });
  }
});
