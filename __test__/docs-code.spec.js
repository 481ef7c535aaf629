'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { findSnippets, runSnippet } = require('./helpers/snippets');

describe('the code in README and docs', () => {
  for (const snippet of findSnippets()) {
    it(`runs: ${snippet.file}:${snippet.line}`, () => runSnippet(snippet));
  }

  it('is found at all', () => {
    assert.ok(findSnippets().length > 20);
  });

  it('fails when it is wrong', async () => {
    const wrong = { file: '', line: 0, code: 'app.use(rateLimit({ limt: 5 }));' };
    await assert.rejects(runSnippet(wrong), { code: 'ERR_CARAPACE_OPTION_UNKNOWN' });
  });
});
