'use strict';

/** Why Redis did not decide: the names, each at minus its number in the core. */
const NAMES = [
  'none',
  'timeout',
  'down',
  'circuit-open',
  'readonly',
  'loading',
  'oom',
  'auth',
  'busy',
  'clusterdown',
  'masterdown',
  'script',
  'closed',
  'moved',
  'overloaded',
  'tls',
];

/** The numbers by which the core knows them. */
const FAILURE = Object.freeze(
  /** @type {Record<string, number>} */ (Object.fromEntries(NAMES.map((name, index) => [name, -index]))),
);

/** What begins an error reply of Redis, and what it means here. */
const REPLIES = {
  READONLY: 'readonly',
  MISCONF: 'readonly',
  NOREPLICAS: 'readonly',
  LOADING: 'loading',
  OOM: 'oom',
  NOAUTH: 'auth',
  WRONGPASS: 'auth',
  NOPERM: 'auth',
  BUSY: 'busy',
  CLUSTERDOWN: 'clusterdown',
  MASTERDOWN: 'masterdown',
  MOVED: 'moved',
  ASK: 'moved',
  TRYAGAIN: 'moved',
  CROSSSLOT: 'moved',
};

/** @param {number} failure of the core */
function nameOf(failure) {
  return NAMES[-failure] ?? 'script';
}

/**
 * What an error of a client means. Its text is looked at, never shown: it may hold what was sent.
 * @param {unknown} error
 * @returns {string} one of the names
 */
function failureOf(error) {
  const { message = '', name = '', code } = /** @type {any} */ (error ?? {});
  // Redis 6 wraps what fails inside of a script: `ERR Error running script (…): @user_script: 20: -OOM command …`.
  const [, word] = /^(?:ERR .*? -|ERR |-)?([A-Z]{3,})\b/.exec(String(message)) ?? [];
  if (word !== undefined && Object.hasOwn(REPLIES, word)) return /** @type {any} */ (REPLIES)[word];
  if (name === 'ReplyError' || name === 'ErrorReply' || name === 'SimpleError') return 'script';
  if (/^ERR |^WRONGTYPE /.test(String(message))) return 'script';
  return /time(?:d )?out/i.test(`${name} ${message}`) && code !== 'ETIMEDOUT' ? 'timeout' : 'down';
}

/** @param {unknown} error */
function isScriptUnknown(error) {
  return /^NOSCRIPT\b/.test(String(/** @type {any} */ (error)?.message));
}

module.exports = { FAILURE, failureOf, isScriptUnknown, nameOf };
