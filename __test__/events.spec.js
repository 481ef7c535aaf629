'use strict';

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { channel } = require('node:diagnostics_channel');
const { describe, it } = require('node:test');
const { createFindingReporter, createReporter } = require('../lib/events');

/**
 * @param {import('node:test').TestContext} context
 * @param {string} name
 */
function record(context, name) {
  /** @type {any[]} */
  const messages = [];
  const listener = (/** @type {unknown} */ message) => messages.push(message);
  channel(name).subscribe(listener);
  context.after(() => channel(name).unsubscribe(listener));
  return messages;
}

describe('events', () => {
  it('reach onEvent and the channel of the stem in one envelope', (context) => {
    const published = record(context, 'carapace:test-stem');
    /** @type {any[]} */
    const events = [];
    createReporter('test-stem', (event) => events.push(event))({ type: 'happened', rule: 'r' });
    assert.deepEqual(events, [{ stem: 'test-stem', mode: 'enforce', type: 'happened', rule: 'r' }]);
    assert.deepEqual(published, events);
  });

  it('of findings reach onFinding and the channel of all findings as well', (context) => {
    const published = record(context, 'carapace:finding');
    /** @type {any[]} */
    const seen = [];
    const finding = { rule: 'proto', path: '/a', location: /** @type {const} */ ('body'), action: 'strip' };
    createFindingReporter('body', { onFinding: (event) => seen.push(event) })(finding, 'report');
    assert.deepEqual(seen, [finding]);
    assert.deepEqual(published, [{ type: 'finding', stem: 'body', ...finding, mode: 'report' }]);
  });

  it('from a listener that throws become a warning', async () => {
    const warned = once(process, 'warning');
    createReporter('test-stem', () => {
      throw new Error('listener broke');
    })({ type: 'happened' });
    const [warning] = await warned;
    assert.deepEqual([warning.name, warning.code], ['CarapaceWarning', 'CARAPACE_LISTENER']);
  });
});
