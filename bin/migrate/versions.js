'use strict';

const { readFileSync } = require('node:fs');
const { dirname, join, resolve } = require('node:path');

/**
 * @typedef {(file: string, ...names: string[]) => { name: string, major: number | undefined } | undefined} Versions of the
 *   packages that are named, the first one in the manifest nearest to a file, with the major that it asks for
 */

/** @returns {Versions} which remembers the manifests that it has read */
function versionsFor() {
  /** @type {Map<string, Record<string, string> | undefined>} */
  const manifests = new Map();
  const readOnce = (/** @type {string} */ dir) => {
    if (!manifests.has(dir)) manifests.set(dir, dependenciesOf(dir));
    return manifests.get(dir);
  };
  return (file, ...names) => {
    let dir = dirname(resolve(file));
    for (;;) {
      const ranges = readOnce(dir) ?? {};
      const name = names.find((one) => Object.hasOwn(ranges, one));
      if (name !== undefined) return { name, major: majorOf(ranges[name]) };
      const parent = dirname(dir);
      if (parent === dir) return undefined;
      dir = parent;
    }
  };
}

/**
 * @param {string} dir
 * @returns {Record<string, string> | undefined}
 */
function dependenciesOf(dir) {
  try {
    const { dependencies, devDependencies, peerDependencies } = JSON.parse(
      readFileSync(join(dir, 'package.json'), 'utf8'),
    );
    return { ...peerDependencies, ...devDependencies, ...dependencies };
  } catch {
    // None there, or none that can be read: the next one up counts.
    return undefined;
  }
}

/** @param {unknown} range such as `^1.20.0`, `>=5`, `npm:express@4` */
function majorOf(range) {
  const [, major] = /^(?:npm:@?[^@]+@)?[\^~>=v\s]*(\d+)/.exec(String(range)) ?? [];
  return major === undefined ? undefined : Number(major);
}

module.exports = { versionsFor };
