'use strict';

const { createClientResolver } = require('../client-key');

/**
 * Makes the test whether a connection may stay: so many of one address at once, with IPv6 addresses of one prefix counted
 * as one. It counts connections before anything is read from them, TLS included.
 * @param {number} most
 * @param {number | boolean | undefined} ipv6Prefix
 * @returns {(socket: import('node:net').Socket) => boolean}
 */
function createConnectionGate(most, ipv6Prefix) {
  const { keyOf } = createClientResolver('carapace.attach', { trustProxy: false, ipv6Prefix }, () => {});
  /** Only addresses that have a connection are in it. @type {Map<string, number>} */
  const open = new Map();
  return function mayStay(socket) {
    const key = keyOf(/** @type {any} */ ({ socket, headers: {} }));
    const count = open.get(key) ?? 0;
    if (count >= most) return false;
    open.set(key, count + 1);
    socket.once('close', () => {
      const left = (open.get(key) ?? 1) - 1;
      if (left === 0) open.delete(key);
      else open.set(key, left);
    });
    return true;
  };
}

module.exports = { createConnectionGate };
