// Preloaded into every process and thread of the tests: the core with the address sanitizer stands in for both builds of it.
'use strict';

const { join } = require('node:path');

const root = join(__dirname, '..', '..');
const core = require(/** @type {string} */ (process.env.CARAPACE_ASAN_CORE));
for (const name of ['carapace.linux-x64-gnu.node', 'carapace.linux-arm64-gnu.node', 'carapace.test-hooks.node']) {
  const filename = join(root, 'lib', 'native', name);
  require.cache[filename] = /** @type {NodeModule} */ (
    /** @type {unknown} */ ({ id: filename, filename, loaded: true, exports: core, children: [], paths: [] })
  );
}
