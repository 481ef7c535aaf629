'use strict';

const { BlockList } = require('node:net');
const native = require('./loader');
const { CarapaceError, configure } = require('./errors');
const { expressTrust } = require('./proxy-trust');

/**
 * @typedef {import('node:http').IncomingMessage} Request
 * @typedef {(request: Request) => boolean} RequestTest
 */

const MOST_HOPS = 64;

/**
 * Makes the test whether a request came over https: by its socket, or by what a trusted proxy says in
 * `X-Forwarded-Proto`.
 * @param {string} stem for error paths
 * @param {boolean | number | string | string[] | undefined} trustProxy undefined: the app's own `trust proxy`
 * @param {() => void} onTrustAll called when the app trusts every sender
 * @returns {RequestTest}
 * @throws {CarapaceError} for `true`, a bad number of hops and bad addresses
 */
function createSecureTest(stem, trustProxy, onTrustAll) {
  const proxySays = createProxyReader(stem, trustProxy, onTrustAll);
  return function isSecure(request) {
    const socket = /** @type {any} */ (request.socket);
    if (socket?.encrypted === true) return true;
    const header = request.headers['x-forwarded-proto'];
    // Node joins repeated headers of this name by itself; an array comes only from a hand-made request.
    return typeof header === 'string' && proxySays(request, header).trim().toLowerCase() === 'https';
  };
}

/**
 * @param {string} stem
 * @param {boolean | number | string | string[] | undefined} trustProxy
 * @param {() => void} onTrustAll
 * @returns {(request: Request, header: string) => string} the protocol as the nearest trusted proxy saw it, or ''
 */
function createProxyReader(stem, trustProxy, onTrustAll) {
  const path = `${stem}.trustProxy`;
  if (trustProxy === undefined) return createExpressReader(onTrustAll);
  if (trustProxy === true) {
    const message = 'got true, which trusts every client; expected a number of hops, or addresses of proxies';
    throw new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path });
  }
  if (trustProxy === false) return () => '';
  if (typeof trustProxy !== 'number') return createAddressReader(stem, trustProxy);
  if (!Number.isInteger(trustProxy) || trustProxy < 0 || trustProxy > MOST_HOPS) {
    const message = `got ${trustProxy}, expected a whole number from 0 to ${MOST_HOPS}`;
    throw new CarapaceError('ERR_CARAPACE_OPTION_VALUE', message, { path });
  }
  if (trustProxy === 0) return () => '';
  // With n proxies the one that faces the client wrote the n-th value from the right, or the only one.
  return (_request, header) => {
    const values = header.split(',');
    return values[Math.max(0, values.length - trustProxy)];
  };
}

/**
 * Express reads the first value when it trusts the peer.
 * @param {() => void} onTrustAll
 * @returns {(request: Request, header: string) => string}
 */
function createExpressReader(onTrustAll) {
  return (request, header) => {
    const { trust, isRefused } = expressTrust(request);
    if (isRefused) onTrustAll();
    const isTrusted = trust !== undefined && trust(request.socket?.remoteAddress ?? '', 0);
    return isTrusted ? header.split(',', 1)[0] : '';
  };
}

/**
 * The peer itself must be trusted, and the last value is the one it wrote.
 * @param {string} stem
 * @param {string | string[]} addresses
 * @returns {(request: Request, header: string) => string}
 */
function createAddressReader(stem, addresses) {
  const list = typeof addresses === 'string' ? addresses.split(',') : addresses;
  const proxies = new BlockList();
  for (const { first, last, family } of configure(stem, () => native.parseProxyRanges(list))) {
    proxies.addRange(first, last, /** @type {'ipv4' | 'ipv6'} */ (family));
  }
  return (request, header) => {
    const address = request.socket?.remoteAddress ?? '';
    const isTrusted = address !== '' && proxies.check(address, address.includes(':') ? 'ipv6' : 'ipv4');
    return isTrusted ? (header.split(',').at(-1) ?? '') : '';
  };
}

module.exports = { createSecureTest };
