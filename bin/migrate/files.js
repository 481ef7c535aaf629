'use strict';

const { readdirSync } = require('node:fs');
const { join } = require('node:path');

/** What others wrote, or what is made from the sources. */
const SKIPPED = new Set(['node_modules', 'bower_components', 'dist', 'build', 'out', 'coverage']);
const SOURCE = /\.[cm]?[jt]s$|\.[jt]sx$/;

/**
 * The source files below a directory, sorted. Directories that begin with a dot and symbolic links are left out: what a link
 * leads to may be outside.
 * @param {string} dir
 * @param {(dir: string, error: unknown) => void} onProblem gets a directory that cannot be read
 * @returns {Generator<string, void, undefined>}
 */
function* filesBelow(dir, onProblem) {
  const entries = entriesOf(dir, onProblem);
  for (const entry of entries.sort((one, other) => (one.name < other.name ? -1 : 1))) {
    const path = join(dir, entry.name);
    if (entry.isDirectory()) {
      if (!SKIPPED.has(entry.name) && !entry.name.startsWith('.')) yield* filesBelow(path, onProblem);
    } else if (entry.isFile() && SOURCE.test(entry.name) && !entry.name.includes('.min.')) yield path;
  }
}

/**
 * @param {string} dir
 * @param {(dir: string, error: unknown) => void} onProblem
 */
function entriesOf(dir, onProblem) {
  try {
    return readdirSync(dir, { withFileTypes: true });
  } catch (error) {
    onProblem(dir, error);
    return [];
  }
}

module.exports = { filesBelow };
