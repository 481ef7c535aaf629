'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');

describe('the package', () => {
  it('is the chain itself in CommonJS, with the parts as its properties', () => {
    const carapace = require('carapace');
    assert.equal(typeof carapace, 'function');
    assert.equal(carapace.default, carapace.carapace);
    assert.equal(/** @type {any} */ (carapace).__esModule, true);
  });

  it('exports the same things to ES modules', async () => {
    const commonjs = /** @type {any} */ (require('carapace'));
    const module = /** @type {any} */ (await import('carapace'));
    assert.deepEqual(Object.keys(module).sort(), Object.keys(commonjs).sort());
    for (const name of Object.keys(module)) assert.equal(module[name], commonjs[name], name);
  });
});
