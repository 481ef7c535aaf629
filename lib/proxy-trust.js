'use strict';

const { appOf } = require('./tally');

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
  const app = appOf(request);
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

/**
 * The client's address as Express finds it, whether the request has Express's prototype yet or not.
 * @param {any} request
 * @returns {unknown}
 */
function expressAddress(request) {
  if (request.app !== undefined) return request.ip;
  const app = appOf(request);
  if (Object.hasOwn(app.request, 'ip')) {
    // The app's own getter may read anything.
    Object.setPrototypeOf(request, app.request);
    return request.ip;
  }
  // What the getter reads, by Express's own (proxy-addr): the address of the socket and the header.
  const { headers, socket } = request;
  return Reflect.get(app.request, 'ip', { app, headers, socket, connection: socket });
}

module.exports = { expressAddress, expressTrust };
