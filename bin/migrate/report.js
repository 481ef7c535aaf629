'use strict';

const { relative, sep } = require('node:path');

/** @typedef {import('./migrate-file').FileResult} FileResult */

/**
 * What is said of one file: nothing when it has nothing to do with the packages.
 * @param {FileResult} result
 * @param {string} dir
 */
function reportOf({ path, changes, suggestions, notes, problem }, dir) {
  const name = relative(dir, path).split(sep).join('/');
  const lines = [
    ...changes.map(({ line, from, to }) => ({ line, text: `'${from}' → '${to}'` })),
    ...notes.map(({ line, text }) => ({ line, text: `left: ${text}` })),
    ...suggestions.map(({ line, call, native }) => ({ line, text: `${call} could be ${native}` })),
  ].sort((one, other) => one.line - other.line);
  if (problem !== undefined) return `${name}: left as it is: ${problem.split('\n')[0]}\n`;
  return lines.map(({ line, text }) => `${name}:${line}: ${text}\n`).join('');
}

/**
 * @param {FileResult[]} results
 * @param {boolean} isDryRun
 */
function summaryOf(results, isDryRun) {
  const changed = results.filter(({ changes }) => changes.length > 0);
  const total = changed.reduce((sum, { changes }) => sum + changes.length, 0);
  const unread = results.filter(({ problem }) => problem !== undefined).length;
  const gone = [...new Set(changed.flatMap(({ changes }) => changes.map(({ from }) => from)))].sort();
  const verb = isDryRun ? 'would change' : 'changed';
  const lines = [
    `${verb} ${total} ${total === 1 ? 'place' : 'places'} in ${changed.length} of ${results.length} files`,
    ...(unread > 0 ? [`left ${unread} ${unread === 1 ? 'file' : 'files'} that could not be read or written`] : []),
    ...(gone.length > 0 && !isDryRun
      ? ['next: npm install carapace, run the tests, and then', `      npm uninstall ${gone.join(' ')}`]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}

module.exports = { reportOf, summaryOf };
