'use strict';

// Puts the core with its test hooks in the place of the shipped one. To be required before anything of lib/.
const { join } = require('node:path');

const native = require('../../lib/native/carapace.test-hooks.node');
const loader = join(__dirname, '..', '..', 'lib', 'loader.js');
require.cache[loader] = /** @type {NodeModule} */ (
  /** @type {unknown} */ ({ id: loader, filename: loader, loaded: true, exports: native, children: [], paths: [] })
);

/** The kinds of binding, as src/bindings/hooks.rs numbers them. */
const PANIC = { config: 1, hot: 2, rare: 3 };

module.exports = { native, PANIC };
