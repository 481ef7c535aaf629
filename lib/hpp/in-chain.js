'use strict';

const { isDeepStrictEqual } = require('node:util');
const { createFindingReporter } = require('../events');
const { OPTIONS } = require('../hpp');
const { readOptions } = require('../options');
const { isFormCovered, readerOptions } = require('../sanitize/in-chain');
const { readInPass } = require('./in-pass');

/** The reader of each location, and the options that must say the same for it and for `hpp`. */
const READERS = {
  query: { reader: 'queryParser', shared: ['onReject'] },
  body: { reader: 'urlencoded', shared: ['onReject', 'type'] },
};

/**
 * What a reader of the chain needs to do the work of `hpp` while it parses, or undefined where that would not be the
 * same: then `hpp` walks what the reader made. Where it is the same, `hpp` finds the originals put aside already, and only
 * looks at its `scalar` members.
 *
 * What is put aside must have passed every rule of the chain, so it stays with `hpp` when `sanitize` has more to say.
 * @param {'query' | 'body'} location
 * @param {Record<string, any>} chain the options of every part
 * @returns {import('./in-pass').InPass | undefined}
 */
function inPassOf(location, chain) {
  const { reader, shared } = READERS[location];
  if (chain.hpp === false) return undefined;
  const own = readOptions('hpp', readerOptions(chain.hpp), OPTIONS);
  const options = readerOptions(chain[reader]);
  const isSame = shared.every((name) => isDeepStrictEqual(own[name], options[name]));
  const isEnforced = own.mode !== 'report' && options.mode !== 'report';
  const isMeant = options.hpp === undefined && (own.locations ?? [location]).includes(location);
  const isJudged = chain.sanitize === false || isFormCovered(readerOptions(chain.sanitize), options);
  if (!isSame || !isEnforced || !isMeant || !isJudged) return undefined;
  return readInPass('hpp', own, createFindingReporter('hpp', own));
}

module.exports = { inPassOf };
