'use strict';

const { readFileSync, readdirSync } = require('node:fs');
const { createRequire } = require('node:module');
const { join } = require('node:path');

const root = join(__dirname, '../..');
const requireHere = createRequire(join(root, 'index.js'));

/** @typedef {{ file: string, line: number, code: string }} Snippet */

/**
 * The JavaScript of README.md and docs/, with where it stands. `<!-- not run: reason -->` before a block leaves it out.
 * @returns {Snippet[]}
 */
function findSnippets() {
  const pages = readdirSync(join(root, 'docs')).filter((file) => file.endsWith('.md'));
  return ['README.md', ...pages.map((page) => `docs/${page}`)].flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    return [...text.matchAll(/(<!-- not run: [^\n]+ -->\n+)?^```js\n(.*?)^```$/gms)]
      .filter(([, isLeftOut]) => isLeftOut === undefined)
      .map(({ 2: code, index }) => ({ file, line: text.slice(0, index).split('\n').length, code }));
  });
}

/**
 * Runs a snippet as its reader would type it: the package's exports and an Express app are there, what else it names
 * (`login`, `db`) is a thing that can be called and read, and nothing listens.
 * @param {Snippet} snippet
 */
async function runSnippet({ code }) {
  const body = code
    .replace(/^import (\w+) from (['"][^'"]+['"]);$/gm, 'const $1 = require($2);')
    .replace(/^import \* as (\w+) from (['"][^'"]+['"]);$/gm, 'const $1 = require($2);')
    .replace(/^import (\w+), (\{[^}]+\}) from (['"][^'"]+['"]);$/gm, 'const $1 = require($3); const $2 = $1;')
    .replace(
      /^import (\{[^}]+\}) from (['"][^'"]+['"]);$/gm,
      (_, names, from) => `const ${names.replaceAll(' as ', ': ')} = require(${from});`,
    );
  const AsyncFunction = /** @type {any} */ (async () => {}).constructor;
  const closers = /** @type {(() => unknown)[]} */ ([]);
  const scope = createScope(closers);
  try {
    // `with` lets the snippet declare names that the scope has, as its own.
    await new AsyncFunction('scope', `with (scope) { await (async () => { ${body}\n})(); }`)(scope);
  } finally {
    for (const close of closers) await close();
  }
}

/** @param {(() => unknown)[]} closers */
function createScope(closers) {
  const carapace = withClosers(requireHere('./index.js'), closers);
  const express = requireHere('express');
  /** @param {string} id */
  const load = (id) => {
    if (id === 'carapace') return carapace;
    if (id === 'express') return silent(express);
    if (id === 'node:http') return withServers(requireHere(id), closers);
    return id.startsWith('carapace/') || isInstalled(id) ? requireHere(id) : createStub();
  };
  /** @type {Record<string, unknown>} */
  const known = {
    ...carapace,
    carapace,
    express: silent(express),
    app: silent(express)(),
    require: load,
    console: createStub(),
  };
  return new Proxy(known, {
    has: (_target, name) => typeof name === 'string' && !(name in globalThis && !(name in known)) && name !== 'scope',
    get(target, name) {
      if (typeof name === 'symbol') return undefined;
      return name in target ? target[name] : createStub();
    },
  });
}

/**
 * Express whose apps accept `listen` and do not.
 * @param {any} express
 */
function silent(express) {
  return Object.assign(() => {
    const app = express();
    app.listen = () => createStub();
    return app;
  }, express);
}

/**
 * The package with stores that are closed when the snippet is over, however it names them.
 * @param {any} carapace
 * @param {(() => unknown)[]} closers
 */
function withClosers(carapace, closers) {
  const copy = Object.assign((/** @type {unknown[]} */ ...given) => carapace(...given), carapace);
  for (const name of ['redisStore', 'hostStore']) copy[name] = closing(carapace[name], closers);
  return copy;
}

/**
 * `node:http` whose servers end when the snippet is over.
 * @param {typeof import('node:http')} http
 * @param {(() => unknown)[]} closers
 */
function withServers(http, closers) {
  /** @param {any[]} given */
  const createServer = (...given) => {
    const server = http.createServer(...given);
    closers.push(() => void server.close());
    return server;
  };
  return { ...http, createServer };
}

/**
 * A factory whose results are closed when the snippet is over.
 * @param {(...given: unknown[]) => any} factory
 * @param {(() => unknown)[]} closers
 */
function closing(factory, closers) {
  return (/** @type {unknown[]} */ ...given) => {
    const made = factory(...given);
    closers.push(() => made.close?.());
    return made;
  };
}

/** What the reader's own names stand for: it can be called, constructed and read, to any depth. */
function createStub() {
  /** @type {any} */
  const stub = new Proxy(function handler() {}, {
    // As text it is an empty object, for JSON.parse.
    get: (target, name) =>
      name === Symbol.toPrimitive
        ? () => '{}'
        : name === 'then' || typeof name === 'symbol'
          ? undefined
          : (Reflect.get(target, name) ?? createStub()),
    apply: () => createStub(),
    construct: () => createStub(),
  });
  return stub;
}

/** @param {string} id */
function isInstalled(id) {
  try {
    return requireHere.resolve(id) !== '';
  } catch {
    return false;
  }
}

module.exports = { findSnippets, runSnippet };
