'use strict';

const { PathError } = require('./path-error');
const { parseFour } = require('./path-grammar-4');
const { parseFive } = require('./path-grammar-5');
const { createPathTest } = require('./path-test');

/**
 * What a path is made of, in order: text; a capture, which is one or more characters (or any number) that are not in
 * `not`, or the one character `or` in their place; and a slash that may be left out.
 * @typedef {{ text: string } | { not: string, isEmptyToo?: boolean, or?: string } | { slash: true }} Piece
 * @typedef {Piece[][]} Shapes what a path may look like: each optional part is there, or is not
 */

/**
 * How a router reads paths.
 * @typedef {{ major: 4 | 5, isSensitive: boolean, isStrict: boolean }} Routing
 */

// More shapes than this are a table of routes in one rule.
const MOST_SHAPES = 32;
const LONGEST = 256;

// Syntax that one of the grammars has: groups, names in quotes, escapes and wildcards with a name; optional parameters and
// wildcards without.
const FIVE_ONLY = /[{}"\\]|\*[$_\p{ID_Start}]/u;
const FOUR_ONLY = /[?*]/;

/**
 * @typedef {object} CompiledPath
 * @property {(path: string, routing: Routing) => boolean} matches
 * @property {string[]} samples paths that match, with text in their parameters that nobody has thought of
 *
 * @typedef {Record<'strict' | 'loose', import('./path-test').PathTest> & { samples: string[] }} Tests
 */

const SEGMENT = 'q7x~w';

/**
 * Compiles the path of a rule for the routers of both majors of Express. What both understand is read as the running one
 * does; syntax that only one has is read as that one does.
 * @param {string} path
 * @returns {CompiledPath}
 * @throws {PathError}
 */
function compilePath(path) {
  if (path.length > LONGEST) throw new PathError(`is longer than ${LONGEST} characters`);
  if (FIVE_ONLY.test(path)) return createMatcher(testsOf(parseFive, path));
  if (FOUR_ONLY.test(path)) return createMatcher(testsOf(parseFour, path));
  return createMatcher(testsOf(parseFive, path), testsOf(parseFour, path));
}

/**
 * @param {Tests} five
 * @param {Tests} [four]
 * @returns {CompiledPath}
 */
function createMatcher(five, four = five) {
  const tests = { 4: four, 5: five };
  return {
    samples: five.samples,
    matches(given, { major, isSensitive, isStrict }) {
      const { strict, loose } = tests[major];
      return (isStrict ? strict : loose)(given, isSensitive);
    },
  };
}

/**
 * @param {(path: string, isStrict: boolean) => Shapes} parse
 * @param {string} path
 * @returns {Tests}
 */
function testsOf(parse, path) {
  const shapes = parse(path, true);
  return { strict: testOf(shapes), loose: testOf(parse(path, false)), samples: shapes.flatMap(samplesOf) };
}

/** @param {Piece[]} pieces */
function samplesOf(pieces) {
  const fillings = [SEGMENT, `${SEGMENT}/${SEGMENT}`, ''];
  return fillings.map((filling) => pieces.map((piece) => fill(piece, filling)).join(''));
}

/** @param {Piece} piece @param {string} filling of a wildcard */
function fill(piece, filling) {
  if ('slash' in piece) return '';
  if ('text' in piece) return piece.text;
  return piece.not === '' && (filling !== '' || piece.isEmptyToo) ? filling : SEGMENT;
}

/** @param {Shapes} shapes */
function testOf(shapes) {
  if (shapes.length > MOST_SHAPES) throw new PathError(`has more than ${MOST_SHAPES} shapes`);
  return createPathTest(shapes);
}

module.exports = { compilePath };
