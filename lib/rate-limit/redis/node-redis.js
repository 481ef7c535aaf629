'use strict';

/** @typedef {import('./clients').Client} Client */

/**
 * A client, cluster, sentinel or pool of node-redis, version 4 to 6. It gives commands up that were under way when the
 * connection was lost, but keeps those that were not written yet: an abandoned one is taken out of that queue by its signal.
 * Version 4 calls that `signal`, and breaks its queue when it comes after the command was written, so there it gets none.
 * @param {any} client
 * @returns {Client}
 */
function createNodeRedisClient(client) {
  const isCluster = typeof client.nodeClient === 'function';
  const isSentinel = typeof client.getSentinelNode === 'function';
  let wasReady = client.isReady === true;
  client.on?.('ready', () => (wasReady = true));
  // Without a listener a failure of the connection ends the process (node-redis throws it as an unhandled event).
  client.on?.('error', ignore);

  /** @param {string[]} args @param {object} options */
  const routed = (args, options) =>
    isSentinel ? client.sendCommand(false, args, options) : client.sendCommand(args, options);

  return {
    isCluster,
    isDown: () => client.isOpen === false || (client.isReady === false && (wasReady || isCluster || isSentinel)),
    send(args, key) {
      const controller = new AbortController();
      const options = { abortSignal: controller.signal };
      const reply = isCluster ? client.sendCommand(key, false, args, options) : routed(args, options);
      return { reply, abandon: () => controller.abort() };
    },
    async masters() {
      if (!isCluster) return [(args) => routed(args, {})];
      const nodes = await Promise.all(client.masters.map((/** @type {any} */ node) => client.nodeClient(node)));
      return nodes.map((node) => (/** @type {string[]} */ args) => node.sendCommand(args));
    },
    watch(listener) {
      const onReady = () => listener(true);
      const onLost = () => listener(false);
      const events = /** @type {const} */ ([
        ['ready', onReady],
        ['reconnecting', onLost],
        ['end', onLost],
      ]);
      for (const [name, handler] of events) client.on?.(name, handler);
      return () => events.forEach(([name, handler]) => client.off?.(name, handler));
    },
  };
}

function ignore() {}

module.exports = { createNodeRedisClient };
