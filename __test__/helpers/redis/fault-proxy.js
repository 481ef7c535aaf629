'use strict';

const net = require('node:net');

/**
 * @typedef {object} Fault what the proxy does to connections; what is left out is left alone
 * @property {number} [delayMs] how much later everything arrives, each way half of it
 * @property {boolean} [refuse] closes new connections at once
 * @property {boolean} [hang] takes connections and passes on nothing, either way
 * @property {number} [dropAfter] closes a connection after so many bytes of replies
 * @property {number} [truncateAfter] passes on so many bytes of replies of each connection, then none, and stays open
 * @property {boolean} [split] passes replies on byte by byte, each in a packet of its own
 *
 * @typedef {Awaited<ReturnType<typeof startFaultProxy>>} FaultProxy
 */

/**
 * Starts a proxy on a free port of the loopback interface in front of a port there.
 * @param {number} target
 * @param {Fault} [fault]
 */
async function startFaultProxy(target, fault = {}) {
  let current = fault;
  /** @type {Set<net.Socket>} */
  const sockets = new Set();
  let accepted = 0;
  const server = net.createServer({ noDelay: true }, (client) => {
    accepted += 1;
    if (current.refuse) return client.resetAndDestroy();
    const upstream = net.connect({ port: target, host: '127.0.0.1', noDelay: true });
    for (const socket of [client, upstream]) sockets.add(socket);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ]) {
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
    }
    let replied = 0;
    client.on('data', (bytes) => later(current, () => pass(upstream, bytes)));
    upstream.on('data', (bytes) => {
      const before = replied;
      replied += bytes.length;
      later(current, () => answer(current, client, bytes, before));
    });
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const { port } = /** @type {net.AddressInfo} */ (server.address());
  const disconnect = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    /** How many connections there were so far. */
    accepted: () => accepted,
    /** How many sockets are open now, two for a connection. */
    open: () => sockets.size,
    /** Changes what happens from now on, to open connections as well; `{}` heals. @param {Fault} fault */
    set: (fault) => {
      current = fault;
    },
    disconnect,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve(undefined));
        disconnect();
      }),
  };
}

/**
 * @param {Fault} fault
 * @param {() => void} action
 */
function later({ delayMs, hang }, action) {
  if (hang) return;
  if (delayMs) setTimeout(action, delayMs / 2);
  else action();
}

/**
 * @param {Fault} fault
 * @param {net.Socket} client
 * @param {Buffer} bytes
 * @param {number} before how many bytes of replies this connection had before
 */
function answer({ dropAfter, truncateAfter, split }, client, bytes, before) {
  const end = dropAfter ?? truncateAfter ?? Infinity;
  const allowed = before + bytes.length > end ? bytes.subarray(0, Math.max(0, end - before)) : bytes;
  if (split) for (let index = 0; index < allowed.length; index += 1) pass(client, allowed.subarray(index, index + 1));
  else if (allowed.length > 0) pass(client, allowed);
  if (dropAfter !== undefined && allowed.length < bytes.length) client.destroySoon();
}

/**
 * @param {net.Socket} socket
 * @param {Buffer} bytes
 */
function pass(socket, bytes) {
  if (!socket.destroyed) socket.write(bytes);
}

module.exports = { startFaultProxy };
