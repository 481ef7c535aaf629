'use strict';

// The corpus of attacks down every path to a handler, on both majors of Express. The core's own tests read it too.
const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { json, sanitize } = require('..');
const formAttacks = /** @type {any} */ (require('./fixtures/form-attacks.json'));
const jsonAttacks = require('./fixtures/json-attacks.json');
const { PATHS, startFormPaths } = require('./helpers/form-paths');
const { isIdentical, observe } = require('./helpers/outcomes');
const { EXPRESS } = require('./helpers/servers');

/** @typedef {{ id: string, name: string, body?: string, bodyBase64?: string, outcome: string, rule?: string, expect?: string, paths: string[] }} JsonAttack */

const MAJORS = /** @type {(keyof typeof EXPRESS)[]} */ (Object.keys(EXPRESS));

/** @param {JsonAttack} attack */
function bytesOf({ body, bodyBase64 }) {
  return body === undefined ? Buffer.from(/** @type {string} */ (bodyBase64), 'base64') : Buffer.from(body);
}

/**
 * Parses JSON as somebody else would: the bytes to text, the text to a value.
 * @param {any} request
 * @param {any} _response
 * @param {any} next
 */
async function foreignJson(request, _response, next) {
  const text = Buffer.concat(await request.toArray()).toString();
  try {
    request.body = JSON.parse(text);
  } catch (cause) {
    return next(Object.assign(new Error('not JSON', { cause }), { status: 400, type: 'entity.parse.failed' }));
  }
  next();
}

/** @param {unknown[][]} calls */
const listeners = (calls) => ({
  onReject: /** @type {const} */ ('next'),
  onFinding: (/** @type {any} */ { path, action }) => action === 'strip' && calls.push([path]),
});

/** The two paths of JSON: the bytes, and the value that somebody else has made of them. */
const JSON_PATHS = {
  json: (/** @type {unknown[][]} */ calls) => json({ limit: '4mb', strict: false, ...listeners(calls) }),
  'sanitize after JSON.parse': (/** @type {unknown[][]} */ calls) => {
    const check = sanitize(listeners(calls));
    return (/** @type {any} */ request, /** @type {any} */ response, /** @type {any} */ next) =>
      foreignJson(request, response, (/** @type {any} */ error) =>
        error ? next(error) : check(request, response, next),
      );
  },
};

/** Refusals of what is no JSON text: whoever parses it refuses it. */
const NOT_JSON = ['malformed', 'invalid-utf8'];
/** What only the text shows: wrong bytes are U+FFFD by then, one of the equal keys is left, digits are a number. */
const GONE_AFTER_PARSING = ['invalid-utf8', 'duplicate', 'number-too-long'];

/** @param {string} text */
function isParsable(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/**
 * @param {JsonAttack} attack
 * @param {import('./helpers/outcomes').Outcome} outcome
 * @param {boolean} isWalked whether somebody else has parsed the body
 * @param {string} label
 */
function checkJson(attack, { status, type, body, error, calls }, isWalked, label) {
  const text = bytesOf(attack).toString();
  const rule = /** @type {string} */ (attack.rule);
  if (isWalked && !isParsable(text)) {
    return assert.deepEqual([status, type, body], [400, 'entity.parse.failed', undefined], label);
  }
  if (isWalked && GONE_AFTER_PARSING.includes(rule)) return assert.equal(status, 200, label);
  if (attack.outcome === 'reject') {
    const isJson = !NOT_JSON.includes(rule);
    assert.deepEqual([status, type], [400, isJson ? 'entity.rejected' : 'entity.parse.failed'], label);
    if (isJson) assert.equal(error.rule, rule, label);
    if (isJson && attack.paths.length > 0) assert.equal(error.pointer, attack.paths[0], label);
    if (!isWalked) assert.equal(body, undefined, label);
    return;
  }
  assert.equal(status, 200, label);
  assert.ok(isIdentical(body, JSON.parse(attack.expect ?? text)), label);
  // A parsed object has names that are indices first, so findings may come in another order.
  const found = calls.map(([path]) => path);
  const paths = attack.outcome === 'strip' ? attack.paths : [];
  assert.deepEqual(isWalked ? found.sort() : found, isWalked ? [...paths].sort() : paths, label);
}

describe('the corpus of attacks on JSON', () => {
  it('ends as it says down every path', { timeout: 60_000 }, async (context) => {
    assert.ok(jsonAttacks.length > 100);
    const outcomeOf = await observe(context, JSON_PATHS);
    for (const major of MAJORS) {
      for (const attack of /** @type {JsonAttack[]} */ (jsonAttacks)) {
        // No body at all is `{}`, as with body-parser; the corpus speaks of texts.
        if (bytesOf(attack).length === 0) continue;
        for (const path of Object.keys(JSON_PATHS)) {
          const sample = { body: bytesOf(attack), headers: { 'content-type': 'application/json' } };
          const isWalked = path !== 'json';
          const label = `${major}, ${path}, ${attack.id}: ${attack.name}`;
          checkJson(attack, await outcomeOf(major, path, sample), isWalked, label);
        }
      }
    }
  });
});

/** Limits that belong to parsing: another parser has its own, and bends a form into another shape where ours refuse it. */
const LIMITS_OF_PARSING = ['too-deep', 'array-limit', 'too-many-parameters'];
/** qs drops these names itself, without a word. */
const DROPPED_BY_QS = /(?:^|\/)__proto__(?:\/|$)/;

/**
 * Whether the entry says anything about a path. Ours never bend a form; a limit may be that of one place only.
 * @param {import('./helpers/form-paths').Attack} attack
 * @param {import('./helpers/form-paths').Path} path
 */
function isMeant({ bend = false, only }, { isForeign = false, location }) {
  return bend ? isForeign : (only ?? location) === location;
}

/** @param {unknown} value */
const plain = (value) => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

/**
 * @param {import('./helpers/form-paths').Attack} attack
 * @param {import('./helpers/form-paths').Path} path
 * @param {import('./helpers/form-paths').Outcome} outcome
 * @param {string} label
 */
function checkForm(attack, path, { status, error, value, polluted, findings }, label) {
  const { isForeign = false } = path;
  const isDroppedByQs = isForeign && attack.mode === 'extended';
  const paths = (attack.paths ?? []).filter((pointer) => !(isDroppedByQs && DROPPED_BY_QS.test(pointer)));
  if (attack.outcome === 'reject' && isForeign && LIMITS_OF_PARSING.includes(attack.rule ?? '')) {
    assert.equal(status, 200, label);
    return assert.doesNotMatch(JSON.stringify(value), /__proto__|"\$/, label);
  }
  if (attack.outcome === 'reject' && paths.length === (attack.paths ?? []).length) {
    assert.deepEqual([status, error.rule], [attack.rule === 'too-many-parameters' ? 413 : 400, attack.rule], label);
    if (paths.length > 0) assert.equal(error.pointer, paths[0], label);
    return;
  }
  assert.equal(status, 200, label);
  if (attack.outcome === 'reject') return assert.doesNotMatch(JSON.stringify(value), DROPPED_BY_QS, label);
  assert.deepEqual(plain(value), attack.expect, label);
  const found = findings.map((finding) => finding.path);
  if (attack.paths !== undefined) {
    assert.deepEqual(isForeign ? found.sort() : found, isForeign ? [...paths].sort() : paths, label);
    if (paths.length > 0) assert.equal(findings[0].rule, attack.rule, label);
  }
  if (attack.times !== undefined) return;
  const originals = attack.hpp === undefined || path.hasNoRequest ? undefined : (attack.polluted ?? {});
  assert.deepEqual(plain(polluted), originals, label);
}

describe('the corpus of attacks on forms', () => {
  for (const major of MAJORS) {
    it(`ends as it says down every path on ${major}`, { timeout: 60_000 }, async (context) => {
      assert.ok(formAttacks.length > 50);
      const send = await startFormPaths(context, major);
      for (const [name, path] of Object.entries(PATHS)) {
        for (const attack of formAttacks) {
          if (!isMeant(attack, path)) continue;
          checkForm(attack, path, await send(path, attack), `${major}, ${name}, ${attack.id}: ${attack.name}`);
        }
      }
    });
  }
});
