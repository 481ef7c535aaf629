'use strict';

const {
  closeSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} = require('node:fs');
const { basename, dirname, join } = require('node:path');
const { callsOf } = require('./calls');
const { parseSource } = require('./parse');
const { PEERS, dropInFor, peerOfPath } = require('./peers');
const { specifierOf, textOf } = require('./specifiers');
const { walk } = require('./walk');

/**
 * @typedef {import('./calls').Suggestion} Suggestion
 * @typedef {import('./parse').Node} Node
 * @typedef {{ line: number, from: string, to: string }} Change
 * @typedef {{ line: number, text: string }} Note what is left for its author
 * @typedef {object} FileResult
 * @property {string} path
 * @property {Change[]} changes
 * @property {Suggestion[]} suggestions
 * @property {Note[]} notes
 * @property {string} [problem] why the file was left as it is
 *
 * @typedef {{ isDryRun: boolean, versions: import('./versions').Versions }} Settings
 */

// Most files of an app name none of the packages and need no parser.
const MENTION = new RegExp(`\\b(?:${PEERS.join('|')}|express)\\b`);
// Types in JSDoc; whoever checks them has to look.
const IN_COMMENT = new RegExp(`import\\((['"])(${PEERS.join('|')})\\1\\)`, 'g');

/**
 * @param {string} path
 * @param {Settings} settings
 * @returns {FileResult}
 */
function migrateFile(path, settings) {
  /** @type {FileResult} */
  const result = { path, changes: [], suggestions: [], notes: [] };
  try {
    const bytes = readFileSync(path);
    const source = bytes.toString();
    if (!MENTION.test(source)) return result;
    if (!Buffer.from(source).equals(bytes)) throw new Error('it is not UTF-8');
    const text = rewrite(source, result, settings);
    if (text !== source && !settings.isDryRun) replaceFile(path, text);
  } catch (error) {
    return failed(path, error);
  }
  return result;
}

/**
 * @param {string} path what was left as it is
 * @param {unknown} error
 * @returns {FileResult}
 */
function failed(path, error) {
  const problem = error instanceof Error ? error.message : String(error);
  return { path, changes: [], suggestions: [], notes: [], problem };
}

/**
 * @param {string} source
 * @param {FileResult} result is filled
 * @param {Settings} settings
 * @returns {string} the text with other specifiers and otherwise as it was
 */
function rewrite(source, result, { versions }) {
  const { program, comments } = parseSource(source, result.path);
  const calls = callsOf(source);
  /** @type {{ start: number, end: number, to: string }[]} */
  const edits = [];
  walk(program, (node) => {
    calls.visit(node);
    const literal = specifierOf(node);
    const from = literal && textOf(literal);
    if (literal === undefined || from === undefined) return;
    const { line } = literal.loc.start;
    if (PEERS.includes(from)) {
      const to = dropInFor(from, result.path, versions);
      // The quotes stay.
      edits.push({ start: literal.start + 1, end: literal.end - 1, to });
      result.changes.push({ line, from, to });
    } else if (peerOfPath(from)) result.notes.push({ line, text: `'${from}' has no drop-in` });
  });
  for (const { value, loc } of comments) {
    for (const match of value.matchAll(IN_COMMENT)) {
      const line = loc.start.line + value.slice(0, match.index).split('\n').length - 1;
      result.notes.push({ line, text: `a comment names '${match[2]}'` });
    }
  }
  result.suggestions = calls.suggestions();
  return applied(source, edits);
}

/**
 * @param {string} source
 * @param {{ start: number, end: number, to: string }[]} edits
 */
function applied(source, edits) {
  let text = '';
  let done = 0;
  for (const { start, end, to } of edits.sort((one, other) => one.start - other.start)) {
    text += source.slice(done, start) + to;
    done = end;
  }
  return text + source.slice(done);
}

/**
 * Puts a whole new file in the place of the old one, so that nobody ever sees half of it.
 * @param {string} path
 * @param {string} text
 */
function replaceFile(path, text) {
  const { mode } = statSync(path);
  const beside = join(dirname(path), `.${basename(path)}.carapace-${process.pid}`);
  try {
    const file = openSync(beside, 'wx', mode);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

module.exports = { failed, migrateFile };
