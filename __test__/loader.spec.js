'use strict';

const assert = require('node:assert/strict');
const { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { describe, it } = require('node:test');

const root = join(__dirname, '..');
const [addon] = readdirSync(join(root, 'lib/native')).filter((file) => /^carapace\.(?!test-hooks).*\.node$/.test(file));

/**
 * A copy of the package's shim, with a native folder made by `stage`, and what loading it throws.
 * @param {import('node:test').TestContext} context
 * @param {(native: string, folder: string) => void} stage
 */
function load(context, stage) {
  const folder = mkdtempSync(join(tmpdir(), 'carapace-loader-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const file of ['lib/loader.js', 'lib/errors.js', 'package.json']) cpSync(join(root, file), join(folder, file));
  const native = join(folder, 'lib/native');
  mkdirSync(native);
  stage(native, folder);
  try {
    require(join(folder, 'lib/loader.js'));
  } catch (error) {
    return /** @type {any} */ (error);
  }
  return undefined;
}

describe('the loader', () => {
  it('says what it tried and what to run when the core is missing', (context) => {
    const error = load(context, () => {});
    assert.equal(error.code, 'ERR_CARAPACE_NATIVE_LOAD');
    assert.match(error.message, new RegExp(`${process.platform}-${process.arch}`));
    assert.ok(error.message.includes(`./native/${addon}: Cannot find module`));
    assert.match(error.message, /carapace-[\w-]+: Cannot find module/);
    assert.match(error.message, /Run: npm install carapace-[\w-]+@\d/);
  });

  it('shows why a file that is there cannot be loaded', (context) => {
    const error = load(context, (native) => writeFileSync(join(native, addon), 'not a library'));
    assert.equal(error.code, 'ERR_CARAPACE_NATIVE_LOAD');
    assert.match(error.message, new RegExp(`${addon}: .*(file too short|invalid|not a mach-o|not a valid)`, 'i'));
  });

  it('refuses a core of another version', (context) => {
    const error = load(context, (native, folder) => {
      cpSync(join(root, 'lib/native', addon), join(native, addon));
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ ...manifest, version: '99.0.0' }));
    });
    assert.equal(error.code, 'ERR_CARAPACE_NATIVE_VERSION');
    assert.match(error.message, /^carapace 99\.0\.0 loaded a native core of version \d/);
  });

  it('tries a core for the other C library too, and says why it failed', (context) => {
    if (process.platform !== 'linux') return;
    const other = addon.includes('gnu') ? addon.replace('gnu', 'musl') : addon.replace('musl', 'gnu');
    const error = load(context, (native) => writeFileSync(join(native, other), 'for another C library'));
    assert.equal(error.code, 'ERR_CARAPACE_NATIVE_LOAD');
    assert.match(error.message, new RegExp(`./native/${other}: .*(file too short|invalid)`));
    assert.ok(error.message.includes(`./native/${addon}: Cannot find module`), error.message);
  });

  it('prefers the core for the C library of the process where both are there', (context) => {
    if (process.platform !== 'linux') return;
    const other = addon.includes('gnu') ? addon.replace('gnu', 'musl') : addon.replace('musl', 'gnu');
    const error = load(context, (native) => {
      cpSync(join(root, 'lib/native', addon), join(native, addon));
      writeFileSync(join(native, other), 'for another C library');
    });
    assert.equal(error, undefined);
    const both = load(context, (native) =>
      [addon, other].forEach((file) => writeFileSync(join(native, file), 'neither')),
    );
    assert.ok(both.message.indexOf(addon) < both.message.indexOf(other), both.message);
    assert.match(both.message, new RegExp(`Run: npm install carapace-${addon.split('.')[1]}@`));
  });

  it('says so on a platform that has no build', (context) => {
    const arch = Object.getOwnPropertyDescriptor(process, 'arch');
    Object.defineProperty(process, 'arch', { ...arch, value: 'mips64' });
    context.after(() => Object.defineProperty(process, 'arch', /** @type {PropertyDescriptor} */ (arch)));
    const error = load(context, () => {});
    assert.equal(error.code, 'ERR_CARAPACE_NATIVE_LOAD');
    assert.match(error.message, /did not load on \w+-mips64.*\n {2}nothing: this platform has no build/);
    assert.doesNotMatch(error.message, /npm install/);
  });

  it('loads where the process report is missing or fails', (context) => {
    const report = Object.getOwnPropertyDescriptor(process, 'report');
    context.after(() => Object.defineProperty(process, 'report', /** @type {PropertyDescriptor} */ (report)));
    const stage = (/** @type {string} */ native) => cpSync(join(root, 'lib/native', addon), join(native, addon));
    for (const value of [undefined, { getReport: () => assert.fail('no report here') }, { getReport: () => ({}) }]) {
      Object.defineProperty(process, 'report', { configurable: true, value });
      assert.equal(load(context, stage), undefined);
    }
  });

  it('finds the core that was built here', (context) => {
    const error = load(context, (native) => cpSync(join(root, 'lib/native', addon), join(native, addon)));
    assert.equal(error, undefined);
  });

  it('leaves process.report as it was', () => {
    const report = /** @type {any} */ (process.report);
    assert.equal(report.excludeNetwork, false);
  });
});
