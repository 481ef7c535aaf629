'use strict';

const assert = require('node:assert/strict');
const { readFileSync } = require('node:fs');
const http = require('node:http');
const { join } = require('node:path');
const { describe, it } = require('node:test');
const { isDeepStrictEqual } = require('node:util');
const { EXPRESS, send } = require('./servers');

/**
 * What a case does, with one of the two packages. It is run once with each, and all that it noted must be equal.
 * @typedef {object} Kit
 * @property {any} lib the package under test
 * @property {any} express
 * @property {string} major `express4` or `express5`
 * @property {import('node:test').TestContext} context
 * @property {(...values: unknown[]) => void} note writes something down
 * @property {<F extends Function>(label: string, act?: F) => F} spy a function that notes its calls with their arguments
 * @property {(act: () => unknown) => unknown} call notes what comes back or what is thrown
 * @property {(mount: (app: any) => void, options?: Serving) => Promise<(request?: any) => Promise<void>>} serve starts an
 *   app; the function sends a request and notes the answer, as well as what reached the handler or the error handler
 *
 * @typedef {{ see?: (request: any) => unknown, answer?: (request: any, response: any) => void }} Serving
 * @typedef {{ name: string, run: (kit: Kit) => unknown, differs?: string | Record<string, string>, check?: (theirs: any[], ours: any[]) => void }} Case
 *   `differs` is the row of docs/migrating.md that says why the two must not be equal; with the
 *   name of a major before it, there only
 */

const page = readFileSync(join(__dirname, '..', '..', 'docs', 'migrating.md'), 'utf8');

/**
 * The names of the differences that docs/migrating.md lists for a drop-in.
 * @param {string} name such as `carapace/helmet`
 * @returns {string[]} sorted
 */
function listedDifferences(name) {
  const section = page.split(/^#{2,3} /m).find((text) => text.startsWith(`\`${name}\`\n`)) ?? '';
  return [...section.matchAll(/^\| `([\w-]+)` \|/gm)].map(([, id]) => id).sort();
}

/**
 * Runs every case with both packages on both majors of Express.
 * @param {string} name the drop-in, such as `carapace/helmet`
 * @param {{ theirs: any, ours: any, cases: Case[], mutants: Record<string, any>, listedAs?: string }} suite `mutants` are packages with one
 *   fault each, by what is wrong with them: a case must tell each of them from the peer
 */
function parity(name, { theirs, ours, cases, mutants, listedAs = name }) {
  /** What the peer did, for the mutants. @type {Map<Case['run'], unknown[]>} */
  const known = new Map();
  for (const major of Object.keys(EXPRESS)) {
    describe(`${name} on ${major}`, () => {
      for (const { name: title, run, check, ...one } of cases) {
        const differs = differenceOf(one, major);
        it(differs ? `${title}, which differs on purpose: ${differs}` : title, async (context) => {
          const expected = await observe(context, major, theirs, run);
          const got = await observe(context, major, ours, run);
          if (major === 'express5') known.set(run, expected);
          if (check) check(expected, got);
          if (differs) assert.notDeepEqual(got, expected);
          else assert.deepEqual(got, expected);
          assert.ok(expected.length > 0, 'the case notes nothing');
        });
      }
    });
  }

  describe(`the suite of ${name}`, () => {
    it('has at least 150 cases, each with a title of its own', () => {
      const titles = cases.map((one) => one.name);
      assert.deepEqual(titles, [...new Set(titles)]);
      assert.ok(cases.length >= 150, `${cases.length} cases`);
    });

    for (const [fault, mutant] of Object.entries(mutants)) {
      it(`is red for a package that ${fault}`, async (context) => {
        const same = cases.filter((one) => differenceOf(one, 'express5') === undefined);
        for (const { run } of same) {
          const got = await observe(context, 'express5', mutant, run).catch((error) => [error]);
          if (!isDeepStrictEqual(got, known.get(run))) return;
        }
        assert.fail(`${same.length} cases were green`);
      });
    }

    it('shows the differences that docs/migrating.md lists', () => {
      const shown = new Set(
        cases.flatMap((one) => Object.keys(EXPRESS).flatMap((major) => differenceOf(one, major) ?? [])),
      );
      assert.deepEqual([...shown].sort(), listedDifferences(listedAs));
    });
  });
}

/**
 * The row that explains why a case differs on a major.
 * @param {Pick<Case, 'differs'>} one
 * @param {string} major
 * @returns {string | undefined}
 */
function differenceOf({ differs }, major) {
  return typeof differs === 'object' ? differs[major] : differs;
}

/**
 * @param {import('node:test').TestContext} context
 * @param {string} major
 * @param {any} lib
 * @param {(kit: Kit) => unknown} run
 * @returns {Promise<unknown[]>} all that was noted, as plain values
 */
async function observe(context, major, lib, run) {
  /** @type {unknown[]} */
  const notes = [];
  /** @type {Kit['note']} */
  const note = (...values) => void notes.push(values.map((value) => plain(value)));
  const consoles = /** @type {const} */ (['log', 'warn', 'error']).map((method) =>
    context.mock.method(console, method, (/** @type {any[]} */ ...given) => note(`console.${method}`, ...given)),
  );
  const express = /** @type {any} */ (EXPRESS)[major];
  try {
    await run({
      lib,
      express,
      major,
      context,
      note,
      spy: (label, act) => spyOn(note, label, act),
      call: (act) => callAndNote(note, act),
      serve: (mount, options) => serve({ express, note, mount, ...options }),
    });
  } finally {
    for (const { mock } of consoles) mock.restore();
  }
  return notes;
}

/**
 * @param {Kit['note']} note
 * @param {string} label
 * @param {any} act
 */
function spyOn(note, label, act = () => undefined) {
  /**
   * @this {any}
   * @param {any[]} given
   */
  return function spy(...given) {
    note(`${label} called`, ...given);
    return Reflect.apply(act, this, given);
  };
}

/**
 * @param {Kit['note']} note
 * @param {() => unknown} act
 */
function callAndNote(note, act) {
  try {
    const result = act();
    note('returned', result);
    return result;
  } catch (error) {
    note('thrown', error);
    return undefined;
  }
}

/** The app that is under test now, behind one server for all: cases run one after the other. @type {any} */
let current;
/** @type {Promise<number> | undefined} */
let port;

/** @param {any} app */
function portOf(app) {
  current = app;
  port ??= new Promise((resolve) => {
    const server = http.createServer((request, response) => current(request, response));
    server.listen(0, '127.0.0.1', () => resolve(/** @type {any} */ (server.address()).port));
    server.unref();
  });
  return port;
}

/**
 * @param {{ express: any, note: Kit['note'], mount: (app: any) => void } & Serving} setting
 */
async function serve({ express, note, mount, see = () => 'reached', answer }) {
  const app = express();
  app.set('env', 'test');
  mount(app);
  app.use((/** @type {any} */ request, /** @type {any} */ response) => {
    note('handler', see(request));
    if (answer) answer(request, response);
    else response.send('handled');
  });
  app.use(
    (/** @type {any} */ error, /** @type {any} */ request, /** @type {any} */ response, /** @type {any} */ _next) => {
      note('error handler', error, see(request));
      if (response.headersSent) response.end();
      else response.status(error?.status ?? 500).send('failed');
    },
  );
  const port = await portOf(app);
  return async function request(/** @type {any} */ options = {}) {
    const { status, pairs, body } = await send(port, {
      ...options,
      headers: { host: 'host.example', ...options.headers },
    });
    // Node writes the time of day and how long connections are kept.
    note(
      'answer',
      status,
      pairs.filter(([header]) => header !== 'date' && header !== 'keep-alive'),
      body,
    );
  };
}

// What V8 says of a wrong type names variables, which are nobody's interface.
const OF_V8 =
  /^Cannot (?:read|set|destructure|use|convert)|is not (?:iterable|a function|a constructor|defined)|^Class constructor/;

/**
 * A value as plain data that `deepEqual` compares wholly: classes, order of keys, hidden prototypes.
 * @param {any} value
 * @param {number} [depth]
 * @returns {unknown}
 */
function plain(value, depth = 0) {
  if (typeof value === 'function') return { function: value.name };
  if (typeof value === 'symbol') return { symbol: String(value) };
  if (value === undefined) return { undefined: true };
  if (Object.is(value, -0)) return { number: '-0' };
  if (typeof value !== 'object' || value === null) return value;
  if (depth > 12) return { deep: true };
  if (value instanceof Promise) return { promise: true };
  if (value instanceof Date) return { date: value.getTime() };
  if (Buffer.isBuffer(value)) return { buffer: value.toString('latin1') };
  const kind = value.constructor?.name;
  if (kind === 'IncomingMessage' || kind === 'ServerResponse') return { stream: kind };
  const entries = (/** @type {any} */ of) => Reflect.ownKeys(of).map((key) => [String(key), plain(of[key], depth + 1)]);
  if (value instanceof Error) return plainError(value, entries);
  if (Array.isArray(value)) {
    const extra = Object.keys(value).length === value.length ? [] : entries(value);
    return [...value.map((element) => plain(element, depth + 1)), ...extra];
  }
  const prototype = Object.getPrototypeOf(value);
  const family = prototype === null ? 'null' : prototype === Object.prototype ? 'Object' : kind;
  return { [`object of ${family}`]: entries(value) };
}

/**
 * @param {any} error
 * @param {(of: any) => any[][]} entries
 */
function plainError(error, entries) {
  const own = entries(error).filter(([key]) => !['stack', 'message'].includes(key));
  const message = error instanceof TypeError && OF_V8.test(error.message) ? 'in the words of V8' : error.message;
  return { error: error.name, class: error.constructor.name, message, own, enumerable: Object.keys(error) };
}

module.exports = { listedDifferences, observe, parity, plain };
