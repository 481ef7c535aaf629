'use strict';

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { EXPRESS } = require('./helpers/servers');
const { Random } = require('./helpers/random');
const { compilePath } = require('../lib/pipeline/path-grammar');
const { fold } = require('../lib/pipeline/path-test');

const PATTERNS = 3_000;
const PATHS = 40;

/** Parts of patterns, in the grammar that each major has. */
const PARTS = {
  4: ['a', 'b', 'ab', 'é', '-', '.', '~', '/', '/', '/:x', '/:y', ':z', '/:x?', '.:f', '.:g?', '*', '%41', '@'],
  5: [
    'a',
    'b',
    'ab',
    'é',
    '-',
    '.',
    '~',
    '/',
    '/',
    '/:x',
    ':y',
    '/:"q q"',
    '*w',
    '/*v',
    '{',
    '}',
    '\\*',
    '%41',
    '$',
    '^',
  ],
};
const PIECES = [
  'a',
  'b',
  'A',
  'B',
  'ab',
  'é',
  'É',
  '-',
  '.',
  '/',
  '/',
  '/',
  '%41',
  '*',
  '$',
  '^',
  '~',
  '@',
  'ab.a',
  '-b',
];

/** Syntax of the other major: what a rule with it means there is that one's matter. */
const FOREIGN = { 4: /[{}"\\]|\*[\w$é]/, 5: /(?<!\\)\*(?![\w$é"])|\?/ };

/**
 * Whether a real router has a route for the path; undefined when it does not take the pattern.
 * @param {4 | 5} major
 * @param {string} pattern
 * @param {{ isSensitive: boolean, isStrict: boolean }} routing
 */
function realRouter(major, pattern, { isSensitive, isStrict }) {
  const express = /** @type {any} */ (major === 4 ? EXPRESS.express4 : EXPRESS.express5);
  const router = express.Router({ caseSensitive: isSensitive, strict: isStrict });
  let isFound = false;
  router.get(pattern, () => (isFound = true));
  return (/** @type {string} */ path) => {
    isFound = false;
    let error;
    router.handle({ method: 'GET', url: path }, {}, (/** @type {any} */ thrown) => (error = thrown));
    // A parameter that cannot be decoded ends in a 400: the path was one of this route.
    return isFound || error?.status === 400;
  };
}

/** @param {() => any} make */
function attempt(make) {
  try {
    return make();
  } catch {
    return undefined;
  }
}

/** @param {Random} random @param {string[]} parts @param {number} most */
function textOf(random, parts, most) {
  return Array.from({ length: 1 + random.below(most) }, () => random.pick(parts)).join('');
}

describe('the path of a rule', () => {
  for (const major of /** @type {(4 | 5)[]} */ ([4, 5])) {
    it(`is matched as by the router of Express ${major}, over ${PATTERNS} patterns`, () => {
      const random = new Random(major);
      let compared = 0;
      let supported = 0;
      for (let count = 0; count < PATTERNS; count += 1) {
        const pattern = `/${textOf(random, PARTS[major], 5)}`;
        const routing = { major, isSensitive: random.below(4) === 0, isStrict: random.below(4) === 0 };
        const matches = FOREIGN[major].test(pattern) ? undefined : attempt(() => compilePath(pattern).matches);
        if (matches === undefined) continue;
        const real = attempt(() => realRouter(major, pattern, routing));
        assert.ok(real, `${pattern} is taken, and Express ${major} does not take it`);
        supported += 1;
        for (let other = 0; other < PATHS; other += 1) {
          const path = `/${textOf(random, PIECES, 6)}`;
          const given = routing.isSensitive ? path : fold(path);
          assert.equal(matches(given, routing), real(path), `${pattern} and ${path} under ${JSON.stringify(routing)}`);
          compared += 1;
        }
      }
      assert.ok(supported > PATTERNS / 6 && compared > 20_000, `${supported} patterns, ${compared} paths`);
    });
  }
});
