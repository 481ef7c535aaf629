'use strict';

/**
 * @typedef {InstanceType<typeof import('../visit')['Visit']>} Visit
 * @typedef {InstanceType<typeof import('../visit')['Decision']>} Decision
 * @typedef {{ decisions: Decision[], at: number, lead: number }} Standing `at` is our time, `lead` how far the server's clock
 *   is ahead of it
 */

// Of each of two generations; with an IPv4 address for a key a standing takes some 300 bytes.
const MAX_KEYS = 16_384;

/**
 * What Redis last said of the keys of the last window. It costs a request one entry in a map: the older of two generations
 * is dropped when the younger is full, or older than a window.
 * @param {number} windowMs
 */
function createKnownKeys(windowMs) {
  /** @type {Map<string, Standing>} */
  let young = new Map();
  /** @type {Map<string, Standing>} */
  let old = new Map();
  let bornAt = 0;

  return {
    /** @param {Visit} visit decided by Redis */
    note(visit) {
      const at = Date.now();
      if (young.size >= MAX_KEYS || at - bornAt > windowMs) {
        old = young;
        young = new Map();
        bornAt = at;
      }
      young.set(nameOf(visit), { decisions: visit.decisions, at, lead: visit.now - at });
    },
    /**
     * @param {Visit} visit
     * @returns {Standing | undefined} given once
     */
    take(visit) {
      if (young.size === 0 && old.size === 0) return undefined;
      const name = nameOf(visit);
      const standing = young.get(name) ?? old.get(name);
      young.delete(name);
      old.delete(name);
      return standing;
    },
    /** @param {Visit} visit */
    forget(visit) {
      const name = nameOf(visit);
      young.delete(name);
      old.delete(name);
    },
    forgetAll() {
      young.clear();
      old.clear();
    },
  };
}

/**
 * What a request says about its client, as it came: several names of one client do no harm, for the table knows better.
 * @param {Visit} visit
 */
function nameOf({ keys, forwarded }) {
  if (typeof keys !== 'string') return JSON.stringify([keys, forwarded]);
  return forwarded === '' ? keys : `${forwarded}\n${keys}`;
}

module.exports = { createKnownKeys };
