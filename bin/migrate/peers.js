'use strict';

/** @typedef {import('./versions').Versions} Versions */

/** The packages that have a drop-in of the same name. */
const PEERS = [
  'body-parser',
  'cors',
  'express-mongo-sanitize',
  'express-rate-limit',
  'helmet',
  'hpp',
  'rate-limit-redis',
  'secure-json-parse',
];

/**
 * Drop-ins for older versions, by the last major that they stand for. Express 4 brings body-parser 1.
 * @type {Record<string, { dropIn: string, last: Record<string, number> }>}
 */
const OLDER = {
  'body-parser': { dropIn: 'carapace/body-parser/v1', last: { 'body-parser': 1, express: 4 } },
  'rate-limit-redis': { dropIn: 'carapace/rate-limit-redis/v5', last: { 'rate-limit-redis': 5 } },
};

/**
 * The module that takes a package's place.
 * @param {string} name
 * @param {string} file where it is imported
 * @param {Versions} versions
 * @returns {string}
 */
function dropInFor(name, file, versions) {
  const older = OLDER[name];
  const asked = older && versions(file, ...Object.keys(older.last));
  const isOlder = asked?.major !== undefined && asked.major <= older.last[asked.name];
  return isOlder ? older.dropIn : `carapace/${name}`;
}

/**
 * The package that a file inside of it belongs to, such as body-parser for `body-parser/lib/read`.
 * @param {string} specifier
 */
function peerOfPath(specifier) {
  return PEERS.find((name) => specifier.startsWith(`${name}/`));
}

module.exports = { PEERS, dropInFor, peerOfPath };
