'use strict';

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const { securityHeaders } = require('..');

const read = (file) => readFileSync(join(__dirname, '..', file), 'utf8');

describe('the documentation of securityHeaders', () => {
  it('shows in docs/security-headers.md the headers that are sent by default', () => {
    const section = read('docs/security-headers.md').split('\n## ')[2];
    const rows = [...section.matchAll(/^\| `([a-z-]+)` \| `([^`]+)` \|/gm)].map(([, name, value]) => [name, value]);
    const sent = [];
    const response = { setHeader: (name, value) => sent.push([name, value]), removeHeader() {} };
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
