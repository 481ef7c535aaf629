'use strict';

const DEFAULT_TIMEOUT_MS = 10_000;
const LOOK_AGAIN_MS = 50;

/**
 * Stops servers: they take no new connection, idle ones are closed, active requests get their time, and then what is left
 * is cut off.
 * @param {Iterable<any>} servers
 * @param {number} [timeoutMs]
 * @returns {Promise<boolean>} whether every request was answered
 */
async function closeServers(servers, timeoutMs = DEFAULT_TIMEOUT_MS) {
  const results = await Promise.all([...servers].map((server) => closeServer(server, timeoutMs)));
  return results.every(Boolean);
}

/**
 * @param {any} server
 * @param {number} timeoutMs
 * @returns {Promise<boolean>}
 */
function closeServer(server, timeoutMs) {
  if (!server.listening) return Promise.resolve(true);
  return new Promise((resolve) => {
    let isWhole = true;
    // A connection becomes idle when its last answer is out; Node tells nobody.
    const looking = setInterval(() => server.closeIdleConnections?.(), LOOK_AGAIN_MS);
    const timer =
      timeoutMs === Infinity
        ? undefined
        : setTimeout(() => {
            isWhole = false;
            server.closeAllConnections?.();
          }, timeoutMs);
    server.close(() => {
      clearInterval(looking);
      clearTimeout(timer);
      resolve(isWhole);
    });
    server.closeIdleConnections?.();
  });
}

module.exports = { closeServers };
