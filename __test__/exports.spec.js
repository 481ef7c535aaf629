'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { join } = require('node:path');
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

  it('has names that Node finds in the CommonJS file without running it', async () => {
    const found = Object.keys(await import('../index.js'));
    for (const name of Object.keys(require('carapace'))) assert.ok(found.includes(name), name);
  });
});

describe('files that are made from others', () => {
  for (const script of ['package/commonjs-types.mjs', 'package/manifests.mjs', 'package/parser.mjs', 'docs/api.mjs']) {
    it(`are up to date: ${script}`, () => {
      const args = [join(__dirname, '../scripts', script), '--check'];
      const { status, stderr } = spawnSync(process.execPath, args, { cwd: join(__dirname, '..'), encoding: 'utf8' });
      assert.equal(status, 0, stderr);
    });
  }
});
