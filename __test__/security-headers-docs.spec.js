'use strict';

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const { securityHeaders } = require('..');
const { OPTIONS } = require('../lib/header-options');

const read = (file) => readFileSync(join(__dirname, '..', file), 'utf8');

/** The text of one interface of index.d.ts. */
function interfaceText(name) {
  const types = read('index.d.ts');
  const start = types.indexOf(`export interface ${name} `);
  return types.slice(start, types.indexOf('\n}', start));
}

describe('the documentation of securityHeaders', () => {
  const options = Object.keys(OPTIONS).sort();

  it('lists in docs/security-headers.md the options that exist', () => {
    const text = read('docs/security-headers.md');
    const section = text.slice(text.indexOf('\n## Options'), text.indexOf('\n## Recipes'));
    const listed = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name);
    assert.deepEqual(listed.sort(), options);
  });

  it('lists in index.d.ts the options that exist, each with a text', () => {
    const listed = [...interfaceText('SecurityHeadersOptions').matchAll(/\*\/\n {2}(\w+)\?:/g)].map(([, name]) => name);
    assert.deepEqual([...listed, 'onEvent'].sort(), options);
  });

  it('shows in docs/security-headers.md the headers that are sent by default', () => {
    const section = read('docs/security-headers.md').split('\n## ')[2];
    const rows = [...section.matchAll(/^\| `([a-z-]+)` \| `([^`]+)` \|/gm)].map(([, name, value]) => [name, value]);
    const sent = [];
    const response = { setHeader: (name, value) => sent.push([name, value]) };
    securityHeaders()({ headers: {}, socket: { encrypted: true } }, response, () => {});
    assert.deepEqual(rows, sent);
  });

  it('types the directives and features that the core knows', () => {
    const types = read('index.d.ts');
    const union = (name) => {
      const start = types.indexOf(`export type ${name} =`);
      return [...types.slice(start, types.indexOf(';', start)).matchAll(/\| '([^']+)'/g)].map(([, member]) => member);
    };
    const rust = (file, pattern) => [...read(`src/security_headers/${file}`).matchAll(pattern)].map(([, name]) => name);
    const directives = rust('csp_directive.rs', /^ {4}directive\("([a-z-]+)"/gm);
    const features = rust('permissions.rs', /^ {4}\(?"([a-z-]+)"(?:, "\((?:self)?\)"\))?,$/gm);
    assert.deepEqual(union('CspDirectiveName').sort(), directives.sort());
    assert.deepEqual(union('PermissionsFeature').sort(), [...new Set(features)].sort());
    assert.ok(directives.length === 31 && features.length === 85);
  });
});
