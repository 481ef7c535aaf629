'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { nearest, readOptions } = require('../lib/options');

const TABLE = {
  limit: { type: 'number', required: true },
  name: 'string',
  waitMs: { type: 'number', least: 1 },
  nested: { type: 'object|boolean', keys: { depth: 'number' } },
};

describe('readOptions', () => {
  it('returns own known options, undefined ones left out', () => {
    const options = readOptions('stem', { limit: 1, name: undefined, nested: { depth: 2 } }, TABLE);
    assert.deepEqual({ ...options, nested: { ...options.nested } }, { limit: 1, nested: { depth: 2 } });
  });

  it('is not moved by a polluted Object.prototype', (context) => {
    const prototype = /** @type {any} */ (Object.prototype);
    prototype.name = 'inherited';
    context.after(() => delete prototype.name);
    assert.equal(readOptions('stem', { limit: 1 }, TABLE).name, undefined);
    assert.throws(() => readOptions('stem', { limit: 1, toString: 1 }, TABLE), { code: 'ERR_CARAPACE_OPTION_UNKNOWN' });
  });

  it('keeps what it read when the caller changes its object later', () => {
    const given = { limit: 1, nested: { depth: 2 } };
    const options = readOptions('stem', given, TABLE);
    given.limit = 9;
    given.nested.depth = 9;
    assert.deepEqual([options.limit, options.nested.depth], [1, 2]);
  });

  it('names the nearest known option, or all of them', () => {
    assert.throws(() => readOptions('stem', { limits: 1 }, TABLE), { message: /did you mean "limit"\?$/ });
    assert.throws(() => readOptions('stem', { limit: 1, 'wait-ms': 1 }, TABLE), {
      message: /did you mean "waitMs"\?$/,
    });
    assert.throws(() => readOptions('stem', { zzzzzzzz: 1 }, TABLE), {
      message: /known are limit, name, waitMs, nested$/,
    });
  });

  it('says where, what came and what is allowed', () => {
    const path = 'stem.nested.depth';
    assert.throws(() => readOptions('stem', { limit: 1, nested: { depth: '2' } }, TABLE), {
      path,
      message: `${path}: got "2", expected a number`,
    });
    assert.throws(() => readOptions('stem', { limit: 1, nested: 5 }, TABLE), {
      message: 'stem.nested: got 5, expected an object or a boolean',
    });
  });

  it('never shows the contents of an object, and shows long text cut', () => {
    assert.throws(() => readOptions('stem', { limit: { password: 'x' } }, TABLE), {
      message: /got a value of type object/,
    });
    assert.throws(
      () => readOptions('stem', { limit: 'x'.repeat(500) }, TABLE),
      (/** @type {Error} */ error) => error.message.length < 120,
    );
  });
});

describe('nearest', () => {
  it('does not guess from afar', () => {
    assert.equal(nearest('helmet', ['limit', 'name']), undefined);
    assert.equal(nearest('x'.repeat(10_000), ['limit']), undefined);
  });
});
