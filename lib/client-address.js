'use strict';

const { isIP } = require('node:net');
const { expressTrust } = require('./proxy-trust');

/** @typedef {import('node:http').IncomingMessage} Request */

// An address with what proxies are known to add: brackets and a port.
const WITH_PORT = /^(?:\[([0-9a-f:.]{2,45})\]|([0-9.]{7,15}))(?::\d{1,5})?$/i;

/**
 * The address that stands for a client: what Express's `trust proxy` makes of the forwarding headers, or the address of
 * the connection where there is no such setting, where it trusts everybody, or where its result is no address.
 * @param {Request} request
 * @param {() => void} onTrustAll called when the app trusts every sender
 * @returns {string} empty when the connection is gone
 */
function clientAddress(request, onTrustAll) {
  const peer = request.socket.remoteAddress ?? '';
  const { trust, isRefused } = expressTrust(request);
  if (isRefused) onTrustAll();
  if (trust === undefined) return peer;
  const { ip } = /** @type {{ ip?: string }} */ (/** @type {unknown} */ (request));
  if (ip === undefined || ip === peer) return peer;
  return isAddress(ip) ? ip : peer;
}

/** @param {string} text */
function isAddress(text) {
  if (isIP(text) !== 0) return true;
  if (text.length > 64) return false;
  const match = WITH_PORT.exec(text);
  return match !== null && isIP(match[1] ?? match[2]) !== 0;
}

module.exports = { clientAddress };
