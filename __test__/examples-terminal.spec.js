'use strict';

const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { mkdtempSync, readFileSync, rmSync, writeFileSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const { hasCurl } = require('./helpers/example-process');

const root = join(__dirname, '..');
const picture = join(root, 'docs/protections.svg');

/** @param {string} file */
function check(file) {
  const script = join(root, 'scripts/docs/terminal.mjs');
  return spawnSync(process.execPath, [script, '--check', file], { encoding: 'utf8', timeout: 60_000 });
}

describe("the README's picture of a terminal", { skip: !hasCurl() && 'curl is missing' }, () => {
  it('shows what the app answers', () => {
    const { status, stderr } = check(picture);
    assert.equal(status, 0, stderr);
  });

  it('is found out when it does not', (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'carapace-picture-'));
    context.after(() => rmSync(folder, { recursive: true }));
    const wrong = join(folder, 'wrong.svg');
    writeFileSync(wrong, readFileSync(picture, 'utf8').replace('"password":{}', '"password":{"$ne":null}'));
    const { status, stderr } = check(wrong);
    assert.equal(status, 1);
    assert.match(stderr, /does not show what the app answers/);
  });
});
