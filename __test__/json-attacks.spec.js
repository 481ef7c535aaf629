'use strict';

// Every entry of the corpus of attacks, through json() with its defaults, on both majors of Express.
const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { json } = require('..');
const { isIdentical, observe } = require('./helpers/outcomes');
const { EXPRESS } = require('./helpers/servers');
const attacks = require('./fixtures/json-attacks.json');

/** @typedef {{ id: string, name: string, body?: string, bodyBase64?: string, outcome: string, rule?: string, expect?: string, paths: string[] }} Attack */

const NOT_JSON = ['malformed', 'invalid-utf8'];

/** @param {Attack} attack */
function bytesOf({ body, bodyBase64 }) {
  return body === undefined ? Buffer.from(/** @type {string} */ (bodyBase64), 'base64') : Buffer.from(body);
}

/**
 * @param {Attack} attack
 * @param {import('./helpers/outcomes').Outcome} outcome
 * @param {string} label
 */
function check(attack, { status, type, body, error, calls }, label) {
  if (attack.outcome === 'reject') {
    const isJson = !NOT_JSON.includes(/** @type {string} */ (attack.rule));
    assert.deepEqual([status, type], [400, isJson ? 'entity.rejected' : 'entity.parse.failed'], label);
    assert.equal(body, undefined, label);
    if (isJson) assert.equal(error.rule, attack.rule, label);
    if (isJson && attack.paths.length > 0) assert.equal(error.pointer, attack.paths[0], label);
    return;
  }
  assert.equal(status, 200, label);
  const text = attack.expect ?? bytesOf(attack).toString();
  assert.ok(isIdentical(body, JSON.parse(text)), label);
  const paths = attack.outcome === 'strip' ? attack.paths : [];
  assert.deepEqual(
    calls.map(([path]) => path),
    paths,
    label,
  );
}

describe('the corpus of attacks', () => {
  it('ends as it says on Express 4 and 5', { timeout: 60_000 }, async (context) => {
    assert.ok(attacks.length > 100);
    const outcomeOf = await observe(context, {
      json: (calls) =>
        json({
          limit: '4mb',
          strict: false,
          onReject: 'next',
          onFinding: ({ path, action }) => action === 'strip' && calls.push([path]),
        }),
    });
    for (const major of Object.keys(EXPRESS)) {
      for (const attack of /** @type {Attack[]} */ (attacks)) {
        // No body at all is `{}`, as with body-parser; the corpus speaks of texts.
        if (bytesOf(attack).length === 0) continue;
        const sample = { body: bytesOf(attack), headers: { 'content-type': 'application/json' } };
        check(attack, await outcomeOf(major, 'json', sample), `${major}, ${attack.id}: ${attack.name}`);
      }
    }
  });
});
