'use strict';

/**
 * @typedef {{ key?: string, isReadOnly: boolean, command: string[] }} CommandDetails
 * @typedef {(details: CommandDetails) => Promise<any>} SendCommand
 * @typedef {{ totalHits: number, resetTime: Date }} Count
 * @typedef {'increment' | 'get'} ScriptName
 * @typedef {{
 *   sendCommand: SendCommand,
 *   incrementScriptSha: Promise<string> | undefined,
 *   getScriptSha: Promise<string> | undefined,
 *   prefixKey(key: string): string,
 *   loadIncrementScript(key?: string): Promise<string>,
 *   loadGetScript(key?: string): Promise<string>,
 * }} Store
 */

/**
 * The value is what rate-limit-redis keeps, a decimal integer with a time to live, so that servers with either package count
 * together. The last argument is the window in milliseconds; one before it, `1`, begins the window anew with each hit.
 *
 * A refund is for a hit that is still counted: once the key has expired nothing is written, since a decrement would make a
 * key that never expires, and below zero lies a credit (S-13).
 */
const SCRIPTS = {
  increment: [
    'local left = redis.call("PTTL", KEYS[1])',
    'if ARGV[1] == "refund" then',
    'if left > 0 and tonumber(redis.call("GET", KEYS[1])) > 0 then redis.call("DECR", KEYS[1]) end',
    'return left',
    'end',
    'local window = tonumber(ARGV[#ARGV])',
    'if left <= 0 then',
    'redis.call("SET", KEYS[1], 1, "PX", window)',
    'return { 1, window }',
    'end',
    'local hits = redis.call("INCR", KEYS[1])',
    'if hits < 1 then hits = redis.call("INCRBY", KEYS[1], 1 - hits) end',
    'if ARGV[2] and ARGV[1] == "1" then',
    'redis.call("PEXPIRE", KEYS[1], window)',
    'left = window',
    'end',
    'return { hits, left }',
  ].join('\n'),
  get: 'return { redis.call("GET", KEYS[1]), redis.call("PTTL", KEYS[1]) }',
};

/** @type {Record<ScriptName, 'incrementScriptSha' | 'getScriptSha'>} */
const FIELDS = { increment: 'incrementScriptSha', get: 'getScriptSha' };

/**
 * @param {Store} store
 * @param {ScriptName} name
 * @param {string} [key] tells a cluster which node is meant
 * @returns {Promise<string>} the name under which Redis has the script
 */
async function loadScript(store, name, key) {
  const reply = await store.sendCommand({ key, isReadOnly: false, command: ['SCRIPT', 'LOAD', SCRIPTS[name]] });
  if (typeof reply !== 'string') throw new TypeError('unexpected reply from redis client');
  return reply;
}

/**
 * @param {Store} store
 * @param {ScriptName} name
 * @param {string} key
 */
function loadAgain(store, name, key) {
  const loading = name === 'get' ? store.loadGetScript(key) : store.loadIncrementScript(key);
  store[FIELDS[name]] = loading;
  return loading;
}

/**
 * The script's name, loaded anew when Redis could not be reached at the start.
 * @param {Store} store
 * @param {ScriptName} name
 * @param {string} key
 */
async function nameOf(store, name, key) {
  const known = store[FIELDS[name]];
  const sha = await Promise.resolve(known).catch(() => undefined);
  if (sha !== undefined) return sha;
  return store[FIELDS[name]] === known ? loadAgain(store, name, key) : store[FIELDS[name]];
}

/**
 * Runs a script on one key. Only an answer that says that nothing was run is tried again: after a time-out the hit may have
 * been counted (S-15).
 * @param {Store} store
 * @param {ScriptName} name
 * @param {string} given the key without the prefix
 * @param {string[]} args
 */
async function evaluate(store, name, given, args) {
  const key = store.prefixKey(given);
  const isReadOnly = name === 'get';
  const run = (/** @type {any} */ sha) =>
    store.sendCommand({ key, isReadOnly, command: ['EVALSHA', sha, '1', key, ...args] });
  try {
    return await run(await nameOf(store, name, key));
  } catch (error) {
    if (!(error instanceof Error && /^NOSCRIPT(?:\s|$)/.test(error.message))) throw error;
    return run(await loadAgain(store, name, key));
  }
}

/** @param {any} value */
const toInteger = (value) => (typeof value === 'number' ? value : Number.parseInt(`${value ?? ''}`, 10));

/**
 * @param {any} reply
 * @returns {Count | undefined} undefined when there is no count (S-14)
 */
function readCount(reply) {
  if (!Array.isArray(reply)) throw new TypeError('Expected result to be array of values');
  if (reply.length !== 2) throw new Error(`Expected 2 replies, got ${reply.length}`);
  const totalHits = reply[0] === false ? 0 : toInteger(reply[0]);
  if (Number.isNaN(totalHits)) return undefined;
  return { totalHits, resetTime: new Date(Date.now() + toInteger(reply[1])) };
}

module.exports = { evaluate, loadScript, readCount };
