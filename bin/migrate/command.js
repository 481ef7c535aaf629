'use strict';

const { statSync } = require('node:fs');
const { version } = require('../../package.json');
const { filesBelow } = require('./files');
const { failed, migrateFile } = require('./migrate-file');
const { reportOf, summaryOf } = require('./report');
const { versionsFor } = require('./versions');

/**
 * @typedef {{ out: (text: string) => void, error: (text: string) => void }} Output
 * @typedef {import('./migrate-file').FileResult} FileResult
 */

const USAGE = `usage: carapace migrate [--dry-run] <dir>

Makes every import of helmet, express-rate-limit, rate-limit-redis, cors, hpp, express-mongo-sanitize, body-parser and
secure-json-parse in JavaScript and TypeScript files one of carapace, and says which call could become which native one.

  --dry-run   says what it would do and writes nothing
  --help      says this
  --version   says which version of carapace this is

The exit code is 0 when all went well, 1 when a file could not be read, parsed or written, 2 for a wrong command line.
`;

/** How the process ends. */
const EXIT = { done: 0, incomplete: 1, usage: 2 };

/**
 * @param {string[]} args what follows `carapace`
 * @param {Output} output
 * @returns {number} the exit code
 */
function run(args, output) {
  if (args.includes('--help') || args.includes('-h')) return tell(output.out, USAGE, EXIT.done);
  if (args[0] === '--version') return tell(output.out, `${version}\n`, EXIT.done);
  const [command, ...rest] = args;
  const flags = rest.filter((word) => word.startsWith('-'));
  const [dir, ...others] = rest.filter((word) => !word.startsWith('-'));
  const unknown = flags.find((flag) => flag !== '--dry-run');
  const fault =
    command !== 'migrate'
      ? `there is no command ${command ?? 'given'}`
      : unknown !== undefined
        ? `there is no option ${unknown}`
        : dir === undefined || others.length > 0
          ? 'one directory is needed'
          : isDirectory(dir)
            ? undefined
            : `${dir} is no directory`;
  if (fault !== undefined) return tell(output.error, `carapace: ${fault}\n\n${USAGE}`, EXIT.usage);
  return migrate(dir, flags.includes('--dry-run'), output);
}

/**
 * @param {(text: string) => void} write
 * @param {string} text
 * @param {number} code
 */
function tell(write, text, code) {
  write(text);
  return code;
}

/** @param {string} path */
function isDirectory(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * @param {string} dir
 * @param {boolean} isDryRun
 * @param {Output} output
 */
function migrate(dir, isDryRun, output) {
  const versions = versionsFor();
  /** @type {FileResult[]} */
  const results = [];
  const tellOf = (/** @type {FileResult} */ result) => {
    results.push(result);
    output.out(reportOf(result, dir));
  };
  const onProblem = (/** @type {string} */ path, /** @type {unknown} */ error) => tellOf(failed(path, error));
  for (const path of filesBelow(dir, onProblem)) tellOf(migrateFile(path, { isDryRun, versions }));
  output.out(summaryOf(results, isDryRun));
  return results.some(({ problem }) => problem !== undefined) ? EXIT.incomplete : EXIT.done;
}

module.exports = { run };
