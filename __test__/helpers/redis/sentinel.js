'use strict';

const { startRedis } = require('./server');
const { until } = require('./until');

/** @typedef {Awaited<ReturnType<typeof startSentinels>>} SentinelTrio */

/**
 * Starts a master, its replicas and three sentinels that watch them; a dead master is replaced after about `downAfterMs`
 * and an election.
 * @param {{ name?: string, replicas?: number, downAfterMs?: number, failoverTimeoutMs?: number, server?: import('./server').ServerOptions }} [options]
 */
async function startSentinels({
  name = 'limits',
  replicas = 1,
  downAfterMs = 500,
  failoverTimeoutMs = 5_000,
  server = {},
} = {}) {
  const config = { 'repl-diskless-sync-delay': '0', ...server.config };
  const master = await startRedis({ ...server, config });
  const followers = await Promise.all(
    Array.from({ length: replicas }, () =>
      startRedis({ ...server, config: { ...config, replicaof: `127.0.0.1 ${master.port}` } }),
    ),
  );
  const watching = [
    `sentinel monitor ${name} 127.0.0.1 ${master.port} 2`,
    `sentinel down-after-milliseconds ${name} ${downAfterMs}`,
    `sentinel failover-timeout ${name} ${failoverTimeoutMs}`,
    `sentinel parallel-syncs ${name} 1`,
    ...(server.password ? [`sentinel auth-pass ${name} ${server.password}`] : []),
  ].join('\n');
  const sentinels = await Promise.all(Array.from({ length: 3 }, () => startRedis({ config: { sentinel: watching } })));
  const nodes = [master, ...followers];
  const trio = createHandle(name, nodes, sentinels);
  await until(() => trio.isWatched(replicas), 'the sentinels to know each other and the replicas');
  return trio;
}

/**
 * @param {string} name
 * @param {import('./server').RedisServer[]} nodes
 * @param {import('./server').RedisServer[]} sentinels
 */
function createHandle(name, nodes, sentinels) {
  const nodeAt = (/** @type {string} */ port) =>
    /** @type {import('./server').RedisServer} */ (nodes.find((node) => node.port === Number(port)));
  const trio = {
    name,
    nodes,
    sentinels,
    urls: sentinels.map(({ url }) => url),
    /** The node that the sentinels hold for the master. */
    master: async () => {
      const [, port] = await sentinels[0].command('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', name);
      return nodeAt(port);
    },
    /** @param {number} replicas */
    isWatched: async (replicas) => {
      const views = await Promise.all(sentinels.map((sentinel) => sentinel.command('SENTINEL', 'MASTER', name)));
      const facts = views.map((view) => Object.fromEntries(pairs(view)));
      const synced = await Promise.all(
        nodes.slice(1).map(async (node) => (await node.command('ROLE'))[3] === 'connected'),
      );
      return (
        synced.every(Boolean) &&
        facts.every((fact) => fact['num-other-sentinels'] === '2' && Number(fact['num-slaves']) >= replicas)
      );
    },
    /** Kills the master and waits until another one is elected and writable; resolves with it. */
    failOver: async () => {
      const old = await trio.master();
      await old.kill();
      return trio.promoted(old);
    },
    /**
     * Waits until another node than this one is the master, for the sentinels and for itself.
     * @param {import('./server').RedisServer} old
     */
    promoted: async (old) => {
      await until(
        async () => {
          const now = await trio.master();
          // It ends all connections to a server that it promotes.
          const [role] = await now.command('ROLE').catch(() => []);
          return now !== old && role === 'master';
        },
        'a new master',
        { withinMs: 30_000 },
      );
      return trio.master();
    },
    stop: () => Promise.all([...sentinels, ...nodes].map((node) => node.stop())),
  };
  return trio;
}

/**
 * @param {string[]} flat
 * @returns {[string, string][]}
 */
function pairs(flat) {
  return Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index], flat[2 * index + 1]]);
}

module.exports = { startSentinels };
