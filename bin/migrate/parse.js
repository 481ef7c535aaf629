'use strict';

const { extname } = require('node:path');
const { parse } = require('../vendor/babel-parser');

/** @typedef {{ type: string, start: number, end: number, loc: { start: { line: number } }, [key: string]: any }} Node */

const COMMON = ['decorators', 'decoratorAutoAccessors', 'explicitResourceManagement'];

/**
 * Grammars to try, by the ending of the file.
 * @type {Record<string, string[][]>}
 */
const GRAMMARS = {
  '.ts': [['typescript'], ['typescript', 'decorators-legacy']],
  '.tsx': [
    ['typescript', 'jsx'],
    ['typescript', 'jsx', 'decorators-legacy'],
  ],
  '.js': [['jsx'], ['jsx', 'decorators-legacy'], ['jsx', 'flow']],
};

/**
 * @param {string} text
 * @param {string} path
 * @returns {{ program: Node, comments: Node[] }}
 * @throws {Error} when it is no JavaScript or TypeScript
 */
function parseSource(text, path) {
  const extension = extname(path)
    .replace(/^\.[cm]/, '.')
    .replace('.jsx', '.js');
  let first;
  for (const plugins of GRAMMARS[extension]) {
    try {
      return parse(text, {
        sourceType: 'unambiguous',
        allowReturnOutsideFunction: true,
        allowNewTargetOutsideFunction: true,
        allowUndeclaredExports: true,
        createImportExpressions: true,
        // What is wrong only at run time need not hinder: the imports are plain.
        errorRecovery: false,
        plugins: [
          ...COMMON.filter((name) => name !== 'decorators' || !plugins.includes('decorators-legacy')),
          ...plugins,
        ],
      });
    } catch (error) {
      first ??= error;
    }
  }
  throw first;
}

module.exports = { parseSource };
