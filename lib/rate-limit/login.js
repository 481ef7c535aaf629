'use strict';

const { createClientResolver } = require('../client-key');
const { readOptions } = require('../options');
const { OPTIONS, conflict, readSettings } = require('./options');
const { isThenable } = require('./inputs');

/**
 * @typedef {InstanceType<typeof import('./visit')['Visit']>} Visit
 * @typedef {import('./options').Settings} Settings
 */

const TAKEN = ['policies', 'name', 'cost', 'keyGenerator', 'needsBody', 'adjust', 'delay', 'burst', 'algorithm'];
const TAKEN_OUTCOMES = ['skipSuccessfulRequests', 'skipFailedRequests', 'block', 'storeTimeoutMs'];

/** The options of `rateLimit.login`. @type {import('../options').OptionTable} */
const LOGIN_OPTIONS = {
  account: { type: 'function', required: true },
  addressLimit: 'number|boolean',
  accountLimit: 'number|boolean',
  ...Object.fromEntries(Object.entries(OPTIONS).filter(([name]) => ![...TAKEN, ...TAKEN_OUTCOMES].includes(name))),
};

const DEFAULTS = { limit: 5, addressLimit: 20, accountLimit: 100, windowMs: 15 * 60_000 };
const PAIR = 'login';

/**
 * The settings of a limiter that counts failed logins: under the account from one address, under the address whatever the
 * account, and under the account whatever the address. A login counts when it comes in and is given back when it succeeds,
 * so that parallel guesses are not let through.
 * @param {unknown} options
 * @returns {Settings}
 */
function readLoginSettings(options) {
  /** @type {Settings} */
  const given = { ...DEFAULTS, ...readOptions('rateLimit', options, LOGIN_OPTIONS) };
  const { account, addressLimit, accountLimit, limit, windowMs, blockMs, ...rest } = given;
  for (const [name, value] of Object.entries({ addressLimit, accountLimit })) {
    if (value === true) throw conflict(name, 'true is no limit; give a number, or false for none');
  }
  const accountOf = createAccountReader(account);
  const policies = [
    { name: PAIR, limit, keyGenerator: pairOf(accountOf, rest) },
    addressLimit !== false && { name: 'login-address', limit: addressLimit },
    accountLimit !== false && { name: 'login-account', limit: accountLimit, keyGenerator: accountOf },
  ].filter((policy) => policy !== false);
  const settings = readSettings({
    ...rest,
    policies,
    windowMs,
    blockMs: blockMs ?? windowMs,
    skipSuccessfulRequests: true,
  });
  return { ...settings, onOutcome: createOutcomeHandler(blockMs ?? windowMs) };
}

/**
 * The account in one spelling. What is no text, such as an object in a JSON body, names no account: only the address counts.
 * @param {(request: any, response: any) => unknown} account
 */
function createAccountReader(account) {
  /** @param {unknown} value */
  const clean = (value) =>
    typeof value === 'string' || typeof value === 'number'
      ? `account:${String(value).normalize('NFKC').trim().toLowerCase()}`
      : null;
  return (/** @type {any} */ request, /** @type {any} */ response) => {
    const value = account(request, response);
    return isThenable(value) ? Promise.resolve(value).then(clean) : clean(value);
  };
}

/**
 * The account from one address. An address has no line feed, so no two pairs are one text.
 * @param {(request: any, response: any) => any} accountOf
 * @param {Settings} settings
 */
function pairOf(accountOf, { client = {}, ipv6Prefix }) {
  const options = ipv6Prefix === undefined ? client : { ...client, ipv6Prefix };
  const { keyOf } = createClientResolver('rateLimit.client', options, () => {});
  return (/** @type {any} */ request, /** @type {any} */ response) => {
    const account = accountOf(request, response);
    /** @param {string | null} name */
    const join = (name) => (name === null ? null : `${keyOf(request)}\n${name}`);
    return isThenable(account) ? Promise.resolve(account).then(join) : join(account);
  };
}

/**
 * After a login: a success forgets the failures of its account from its address; a failure that uses up a limit blocks
 * from that moment on, not from the next attempt.
 * @param {number} blockMs
 */
function createOutcomeHandler(blockMs) {
  /** @param {Visit} visit @param {boolean} isSuccess */
  return function onOutcome({ isAllowed, countedBy, keys, forwarded, decisions }, isSuccess) {
    if (!isAllowed || countedBy === undefined) return undefined;
    const store = countedBy;
    /** @param {(name: string) => boolean} isWanted */
    const keysOf = (isWanted) => {
      /** @type {(string | undefined)[]} */
      const wanted = Array.isArray(keys) ? keys.map(() => undefined) : [undefined];
      for (const { policy } of decisions) {
        if (isWanted(policy.name)) wanted[policy.index] = Array.isArray(keys) ? keys[policy.index] : keys;
      }
      return wanted;
    };
    if (isSuccess) {
      return countedBy.resetKey(
        keysOf((name) => name === PAIR),
        forwarded,
      );
    }
    const standings = countedBy.peek(keys, forwarded);
    return isThenable(standings) ? Promise.resolve(standings).then(blockFull) : blockFull(standings);

    /** @param {InstanceType<typeof import('./visit')['Decision']>[]} standings */
    function blockFull(standings) {
      const full = standings.filter(({ remaining, isBlocked }) => remaining === 0 && !isBlocked);
      const names = full.map(({ policy }) => policy.name);
      if (names.length === 0 || blockMs === 0) return undefined;
      const isFull = (/** @type {string} */ name) => names.includes(name);
      return store.block(keysOf(isFull), forwarded, blockMs);
    }
  };
}

module.exports = { LOGIN_OPTIONS, readLoginSettings };
