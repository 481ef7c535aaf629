'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');

const page = readFileSync(join(__dirname, '..', '..', 'docs', 'migrating.md'), 'utf8');

/**
 * The names of the differences that docs/migrating.md lists in the section of one peer.
 * @param {string} title the peer
 * @returns {string[]} sorted
 */
function documentedDifferences(title) {
  const section = page.split(/^## /m).find((text) => text.startsWith(`From ${title}\n`)) ?? '';
  return [...section.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, id]) => id).sort();
}

module.exports = { documentedDifferences };
