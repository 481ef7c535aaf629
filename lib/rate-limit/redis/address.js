'use strict';

const { CarapaceError } = require('../../errors');
const { readStrings } = require('../../options');
const { checkWhole } = require('./settings');

/**
 * Where Redis is: addresses of its own connections, or a client of the user's. Equal text is one connection set.
 * @typedef {object} Connection
 * @property {'single' | 'cluster' | 'sentinel'} kind
 * @property {({ host: string, port: number } | { path: string })[]} nodes
 * @property {string} [masterName]
 * @property {string} [sentinelUsername]
 * @property {string} [sentinelPassword]
 * @property {string} [username]
 * @property {string} [password]
 * @property {number} db
 * @property {{ ca?: string, cert?: string, key?: string, servername?: string }} [tls]
 * @property {number} connectTimeoutMs
 * @property {number} pool
 *
 * @typedef {{ connection: Connection } | { client: any } | { sendCommand: (...args: string[]) => unknown, isCluster: boolean }} Address
 */

const DEFAULT_CONNECT_TIMEOUT_MS = 500;
const DEFAULT_PORTS = { single: 6379, cluster: 6379, sentinel: 26379 };
const MAX_NODES = 64;
// `unix:/path`, `unix:///path?db=1`, `redis+unix://:password@/path`.
const SOCKET = /^(?:redis\+)?unix:(?:\/\/)?(?:([^@/]*)@)?(\/[^?]*)(?:\?(.*))?$/i;
const GIVEN = ['client', 'sendCommand', 'url', 'urls'];
// What only our own connections have.
const OWN = ['sentinel', 'username', 'password', 'db', 'tls', 'connectTimeoutMs', 'pool'];

/**
 * @param {string} path
 * @param {Record<string, any>} given
 * @returns {Address}
 */
function readAddress(path, given) {
  const [first, second] = GIVEN.filter((name) => given[name] !== undefined);
  if (second !== undefined) throw conflict(path, second, `is set as well as ${first}`);
  if (first !== 'client' && first !== 'sendCommand') return { connection: readConnection(path, given) };
  const lost = OWN.find((name) => given[name] !== undefined);
  if (lost !== undefined) throw conflict(path, lost, `has no effect together with ${first}`);
  if (first === 'sendCommand') return { sendCommand: given.sendCommand, isCluster: given.cluster ?? false };
  if (given.cluster !== undefined) throw conflict(path, 'cluster', 'has no effect together with client, which knows');
  return { client: given.client };
}

/**
 * @param {string} path
 * @param {Record<string, any>} given
 * @returns {Connection}
 */
function readConnection(path, given) {
  const { cluster, sentinel, db, pool, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS } = given;
  if (cluster && sentinel) throw conflict(path, 'sentinel', 'a cluster finds its masters by itself');
  const kind = cluster ? 'cluster' : sentinel ? 'sentinel' : 'single';
  checkWhole(path, 'connectTimeoutMs', connectTimeoutMs, 1, 60_000);
  checkWhole(path, 'pool', pool, 1, 16);
  checkWhole(path, 'db', db, 0, 2 ** 31 - 1);
  const parts = urlsOf(path, given, kind).map(({ at, url }) => parse(at, url, kind));
  const named = joinParts(path, parts);
  const database = db ?? named.db ?? 0;
  if (cluster && database !== 0) throw conflict(path, 'db', 'a cluster has no databases other than 0');
  return withoutUndefined({
    kind,
    nodes: parts.map(({ node }) => node),
    masterName: sentinel?.name,
    sentinelUsername: sentinel?.username,
    sentinelPassword: sentinel?.password,
    username: given.username ?? named.username,
    password: given.password ?? named.password,
    db: database,
    tls: tlsOf(path, given.tls, named.isSecure),
    connectTimeoutMs,
    pool: pool ?? 1,
  });
}

/**
 * The addresses, each with what it is called in errors.
 * @param {string} path
 * @param {Record<string, any>} given
 * @param {Connection['kind']} kind
 */
function urlsOf(path, { url, urls }, kind) {
  const at = path.startsWith('rateLimit') ? path : `${path}.url`;
  if (url !== undefined) return [{ at, url }];
  if (urls === undefined) {
    const { REDIS_URL } = process.env;
    if (REDIS_URL !== undefined && REDIS_URL !== '') return [{ at: 'REDIS_URL', url: REDIS_URL }];
    const message = 'is required; give url, urls, client or sendCommand, or set the environment variable REDIS_URL';
    throw new CarapaceError('ERR_CARAPACE_OPTION_REQUIRED', message, { path: at });
  }
  const list = readStrings(`${path}.urls`, urls);
  if (list.length === 0 || list.length > MAX_NODES) {
    throw badValue(`${path}.urls`, `expected 1 to ${MAX_NODES} addresses`);
  }
  if (kind === 'single' && list.length > 1) {
    throw conflict(path, 'urls', 'several addresses are those of a cluster or of sentinels; set cluster or sentinel');
  }
  return list.map((entry, index) => ({ at: `${path}.urls[${index}]`, url: entry }));
}

/**
 * Takes an address apart. Its errors never show it: it may hold a password.
 * @param {string} at
 * @param {string} text
 * @param {Connection['kind']} kind
 */
function parse(at, text, kind) {
  const [, login, path, query] = SOCKET.exec(text) ?? [];
  if (path !== undefined) return parseSocket(at, login, path, query);
  let url;
  try {
    url = new URL(text);
  } catch {
    throw badValue(at, 'expected an address such as redis://host:6379, rediss://host or unix:/path');
  }
  if (url.protocol !== 'rediss:' && url.protocol !== 'redis:') {
    throw badValue(at, 'expected the scheme redis:, rediss: or unix:');
  }
  if (url.hostname === '') throw badValue(at, 'has no host');
  if (url.hash !== '') throw badValue(at, 'has a # part; write it as %23 if it belongs to the password');
  if (url.search !== '') throw badValue(at, 'takes no parameters; redisStore has options for them');
  const port = url.port === '' ? DEFAULT_PORTS[kind] : Number(url.port);
  return {
    node: { host: url.hostname.replace(/^\[|\]$/g, ''), port },
    db: databaseOf(at, url.pathname.slice(1)),
    username: decode(at, url.username) || undefined,
    password: decode(at, url.password) || undefined,
    isSecure: url.protocol === 'rediss:',
  };
}

/**
 * @param {string} at
 * @param {string | undefined} login
 * @param {string} path
 * @param {string | undefined} query
 */
function parseSocket(at, login = '', path, query = '') {
  const [, username, password] = /^([^:]*):?(.*)$/s.exec(login) ?? [];
  const [, db] = /^(?:db=(\d+))?$/.exec(query) ?? [undefined, '?'];
  if (path.includes('\0')) throw badValue(at, 'has a NUL');
  return {
    node: { path: decode(at, path) },
    db: databaseOf(at, db ?? ''),
    username: decode(at, username) || undefined,
    password: decode(at, password) || undefined,
    isSecure: false,
  };
}

/**
 * What the addresses say about all of them.
 * @param {string} path
 * @param {ReturnType<typeof parse>[]} parts
 */
function joinParts(path, parts) {
  const [first] = parts;
  const names = /** @type {const} */ (['db', 'username', 'password', 'isSecure']);
  const differing = names.find((name) => parts.some((part) => part[name] !== first[name]));
  if (differing === undefined) return first;
  const what = differing === 'isSecure' ? 'scheme' : differing;
  throw conflict(path, 'urls', `the addresses do not have the same ${what}`);
}

/**
 * @param {string} path
 * @param {any} tls
 * @param {boolean} isSecure
 */
function tlsOf(path, tls, isSecure) {
  if (tls === false && isSecure) throw conflict(path, 'tls', 'is false, but the address is one of rediss:');
  if (typeof tls === 'object') return withoutUndefined({ ...tls });
  return tls || isSecure ? {} : undefined;
}

/**
 * @param {string} at
 * @param {string} text
 */
function databaseOf(at, text) {
  if (text === '') return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw badValue(at, 'names a database that is no number');
}

/**
 * @param {string} at
 * @param {string} text
 */
function decode(at, text) {
  try {
    return decodeURIComponent(text);
  } catch {
    throw badValue(at, 'has a % that begins no escape; write it as %25');
  }
}

/**
 * @template {object} T
 * @param {T} object
 * @returns {T}
 */
function withoutUndefined(object) {
  return /** @type {T} */ (Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)));
}

/**
 * @param {string} path
 * @param {string} name
 * @param {string} message
 */
function conflict(path, name, message) {
  return new CarapaceError('ERR_CARAPACE_OPTION_CONFLICT', message, { path: `${path}.${name}` });
}

/**
 * @param {string} path
 * @param {string} message
 */
function badValue(path, message) {
  return new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path });
}

module.exports = { readAddress };
