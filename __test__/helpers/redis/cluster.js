'use strict';

const { startRedis } = require('./server');
const { until } = require('./until');

const SLOTS = 16_384;

/** @typedef {Awaited<ReturnType<typeof startCluster>>} RedisCluster */

/**
 * Starts a cluster on loopback: masters with the slots shared evenly, each with as many replicas as asked for.
 * A dead master is noticed after `nodeTimeoutMs`.
 * @param {{ masters?: number, replicas?: number, nodeTimeoutMs?: number, fullCoverage?: boolean, server?: import('./server').ServerOptions }} [options]
 */
async function startCluster({
  masters = 3,
  replicas = 0,
  nodeTimeoutMs = 500,
  fullCoverage = false,
  server = {},
} = {}) {
  const config = {
    'cluster-enabled': 'yes',
    'cluster-config-file': 'nodes.conf',
    'cluster-node-timeout': String(nodeTimeoutMs),
    'cluster-require-full-coverage': fullCoverage ? 'yes' : 'no',
    'cluster-replica-validity-factor': '0',
    'repl-diskless-sync-delay': '0',
    ...server.config,
  };
  const count = masters * (1 + replicas);
  const nodes = await Promise.all(Array.from({ length: count }, () => startRedis({ ...server, config })));
  const cluster = createHandle(nodes, masters);
  try {
    await join(nodes, masters);
    await cluster.settled();
  } catch (error) {
    await cluster.stop();
    throw error;
  }
  return cluster;
}

/**
 * @param {import('./server').RedisServer[]} nodes
 * @param {number} masters
 */
async function join(nodes, masters) {
  await Promise.all(
    nodes.slice(0, masters).map((node, index) => {
      const [from, to] = [index, index + 1].map((part) => Math.floor((part * SLOTS) / masters));
      // ADDSLOTSRANGE takes Redis 7.
      return node.command('CLUSTER', 'ADDSLOTS', ...Array.from({ length: to - from }, (_, slot) => from + slot));
    }),
  );
  await Promise.all(nodes.map((node, index) => node.command('CLUSTER', 'SET-CONFIG-EPOCH', index + 1)));
  await Promise.all(nodes.slice(1).map((node) => node.command('CLUSTER', 'MEET', '127.0.0.1', nodes[0].port)));
  await until(
    async () =>
      (await Promise.all(nodes.map(rowsOf))).every((rows) => rows.length === nodes.length && !rows.some(isNew)),
    'all nodes of the cluster to know each other',
  );
  await Promise.all(
    nodes.slice(masters).map(async (node, index) => {
      const master = await nodes[index % masters].command('CLUSTER', 'MYID');
      await node.command('CLUSTER', 'REPLICATE', master);
    }),
  );
}

/**
 * @param {import('./server').RedisServer[]} nodes
 * @param {number} masters
 */
function createHandle(nodes, masters) {
  const cluster = {
    nodes,
    urls: nodes.map(({ url }) => url),
    /** Waits until every running node says that the cluster works and every replica follows its master. */
    settled: (withinMs = 20_000) =>
      until(
        async () => {
          const alive = nodes.filter(({ pid }) => pid !== undefined);
          const views = await Promise.all(alive.map(isSettled));
          return views.every(Boolean);
        },
        'the cluster to settle',
        { withinMs },
      ),
    /**
     * The node that owns a slot now.
     * @param {number} slot
     */
    owner: async (slot) => {
      const witness = /** @type {import('./server').RedisServer} */ (nodes.find(({ pid }) => pid !== undefined));
      const ranges = /** @type {[number, number, [string, number]][]} */ (await witness.command('CLUSTER', 'SLOTS'));
      const port = ranges.find(([from, to]) => from <= slot && slot <= to)?.[2][1];
      return nodes.find((node) => node.port === port);
    },
    /**
     * Moves slots with their keys from one master to another as `redis-cli --cluster reshard` does.
     * @param {number} from index of the node
     * @param {number} to
     * @param {number} count
     */
    reshard: (from, to, count) => reshard(nodes.slice(0, masters), from, to, count),
    stop: () => Promise.all(nodes.map((node) => node.stop())),
  };
  return cluster;
}

/** @param {import('./server').RedisServer} node */
async function isSettled(node) {
  const info = await node.command('CLUSTER', 'INFO');
  if (!info.includes('cluster_state:ok')) return false;
  const role = await node.command('ROLE');
  return role[0] === 'master' || role[3] === 'connected';
}

/** @param {import('./server').RedisServer} node */
async function rowsOf(node) {
  return (await node.command('CLUSTER', 'NODES')).trim().split('\n');
}

/** @param {string} row */
function isNew(row) {
  return row.includes('handshake') || row.includes(':0@0');
}

/**
 * @param {import('./server').RedisServer[]} masters
 * @param {number} from
 * @param {number} to
 * @param {number} count
 */
async function reshard(masters, from, to, count) {
  const [source, target] = [masters[from], masters[to]];
  const [sourceId, targetId] = await Promise.all([source, target].map((node) => node.command('CLUSTER', 'MYID')));
  const slots = await slotsOf(source, count);
  for (const slot of slots) {
    await target.command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', sourceId);
    await source.command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', targetId);
    for (;;) {
      const keys = await source.command('CLUSTER', 'GETKEYSINSLOT', slot, 100);
      if (keys.length === 0) break;
      await source.command('MIGRATE', '127.0.0.1', target.port, '', 0, 5_000, 'KEYS', ...keys);
    }
    // The new owner first: whoever asks in between is sent to a node that knows it has the slot.
    for (const node of [target, source, ...masters.filter((node) => node !== source && node !== target)]) {
      await node.command('CLUSTER', 'SETSLOT', slot, 'NODE', targetId);
    }
  }
  return slots;
}

/**
 * @param {import('./server').RedisServer} node
 * @param {number} count
 */
async function slotsOf(node, count) {
  const ranges = /** @type {[number, number, [string, number]][]} */ (await node.command('CLUSTER', 'SLOTS'));
  const own = ranges.filter(([, , [, port]]) => port === node.port);
  const slots = own.flatMap(([from, to]) => Array.from({ length: to - from + 1 }, (_, index) => from + index));
  return slots.slice(0, count);
}

module.exports = { startCluster };
