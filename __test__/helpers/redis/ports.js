'use strict';

const net = require('node:net');

/** Below the range from which systems take the ports of outgoing connections, so that a stopped server gets its port back. */
const LOWEST = 12_000;
const SPAN = 10_000;
/** How far above its port a cluster node has its bus. */
const BUS = 10_000;

/** A port that is free on loopback along with the one for the bus of a cluster node. */
async function freePort() {
  for (;;) {
    const port = LOWEST + Math.floor(Math.random() * SPAN);
    if ((await isFree(port)) && (await isFree(port + BUS))) return port;
  }
}

/** @param {number} port */
function isFree(port) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

module.exports = { freePort };
