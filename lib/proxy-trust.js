'use strict';

/** @typedef {import('node:http').IncomingMessage} Request */
/** @typedef {(address: string, hop: number) => boolean} TrustFunction */

// An address of a documentation network (RFC 5737) at a hop that no real chain has: only a rule that trusts
// everything trusts it.
const PROBE_ADDRESS = '203.0.113.195';
const PROBE_HOP = 1_000_000;

/** @type {WeakMap<TrustFunction, boolean>} */
const trustsAll = new WeakMap();

/**
 * Express's compiled `trust proxy` setting, as `req.ip` and `req.protocol` use it. A setting that trusts every sender
 * is not followed, because then the sender chooses its own address.
 * @param {Request} request
 * @returns {{ trust: TrustFunction | undefined, isRefused: boolean }} `trust` is undefined without Express
 */
function expressTrust(request) {
  const { app } = /** @type {{ app?: { get?: (name: string) => unknown } }} */ (/** @type {unknown} */ (request));
  const trust = typeof app?.get === 'function' ? app.get('trust proxy fn') : undefined;
  if (typeof trust !== 'function') return { trust: undefined, isRefused: false };
  const known = /** @type {TrustFunction} */ (trust);
  let isRefused = trustsAll.get(known);
  if (isRefused === undefined) {
    isRefused = Boolean(known(PROBE_ADDRESS, PROBE_HOP));
    trustsAll.set(known, isRefused);
  }
  return isRefused ? { trust: undefined, isRefused } : { trust: known, isRefused };
}

module.exports = { expressTrust };
