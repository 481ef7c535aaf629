// The faults of a Redis: each prepares its servers, says what the store is connected to, and does its harm when told.
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { startCluster } = require('../../__test__/helpers/redis/cluster.js');
const { startFaultProxy } = require('../../__test__/helpers/redis/fault-proxy.js');
const { startSentinels } = require('../../__test__/helpers/redis/sentinel.js');
const { startRedis } = require('../../__test__/helpers/redis/server.js');
const { connect } = require('../../__test__/helpers/redis/wire.js');

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const wall = () => performance.timeOrigin + performance.now();

/**
 * @typedef {object} Scene
 * @property {object} store where it is, as options of `redisStore`
 * @property {(load: { stall: (ms: number) => void }) => Promise<number | undefined>} harm resolves with the time when Redis was
 *   whole again; undefined when it never is
 * @property {() => Promise<unknown>} stop
 *
 * @typedef {object} Fault
 * @property {string} name
 * @property {(via?: string) => Promise<Scene>} prepare told which client is between, if not our own connections
 * @property {boolean} [isLossy] Redis forgets counts, so that fewer are found than were counted
 * @property {boolean} [isHarmless] no decision may fail
 * @property {boolean} [isLocal] the stand-in decides while Redis is away, and no request is refused for it
 * @property {boolean} [isStalling] the event loop stands still, and with it the deadlines of clients in JavaScript
 * @property {boolean} [isQuick] part of `npm test`
 * @property {boolean} [isOwn] for our own connections alone
 * @property {number} [perSecond] at most so many hits
 */

/** A fault of one server. @param {(server: any, load: any) => Promise<number | undefined>} harm @param {object} [options] */
const onServer = (harm, options) => async () => {
  const server = await startRedis(options);
  const store = { url: server.url };
  return { store, harm: (load) => harm(server, load), stop: () => server.stop() };
};

/** A fault between the app and a server, for so long; `Infinity`: from the beginning. */
const onTheWay = (fault, forMs) => async (via) => {
  const server = await startRedis();
  const proxy = await startFaultProxy(server.port);
  return {
    store: { url: proxy.url },
    harm: async () => {
      proxy.set(fault);
      await pause(forMs);
      proxy.set({});
      // A connection that has lost bytes never becomes whole again. Ours are given up for it, those of clients are not.
      if (via && (fault.truncateAfter !== undefined || fault.hang)) proxy.disconnect();
      return wall();
    },
    stop: async () => {
      await proxy.stop();
      await server.stop();
    },
  };
};

/** @param {number} forMs */
const killAndRestart = (forMs) => async (server) => {
  await server.kill();
  await pause(forMs);
  await server.start();
  return wall();
};

/** @param {number} forMs */
const freeze = (forMs) => async (server) => {
  server.pause();
  await pause(forMs);
  server.resume();
  await server.ready();
  return wall();
};

/** Does something again and again. */
const repeat = (times, everyMs, words) => async (server) => {
  const admin = await connect(server.address);
  for (let count = 0; count < times; count += 1) {
    await admin.command(...words);
    await pause(everyMs);
  }
  admin.close();
  return wall();
};

/** The thread that asks stands still, which is no fault of Redis: nothing may time out for it. */
const standStill = (times, forMs) => async (_server, load) => {
  for (let count = 0; count < times; count += 1) {
    load.stall(forMs);
    await pause(forMs + 200);
  }
  return wall();
};

/** @type {Fault[]} */
export const FAULTS = [
  { name: 'none, for comparison', isHarmless: true, prepare: onServer(repeat(20, 50, ['PING'])) },
  {
    name: 'event loop stalled for 300 ms with hits under way, 5 times',
    isHarmless: true,
    isStalling: true,
    isQuick: true,
    prepare: onServer(standStill(5, 300)),
  },
  {
    name: 'down at start',
    isQuick: true,
    isLossy: true,
    prepare: async () => {
      const server = await startRedis();
      await server.kill();
      const harm = async () => {
        await server.start();
        return wall();
      };
      return { store: { url: server.url }, harm, stop: () => server.stop() };
    },
  },
  { name: 'kill -9 and restart after 1 s', isQuick: true, isLossy: true, prepare: onServer(killAndRestart(1_000)) },
  {
    name: 'kill -9 and restart, stand-in deciding',
    isLossy: true,
    isLocal: true,
    isHarmless: true,
    isQuick: true,
    prepare: onServer(killAndRestart(1_000)),
  },
  { name: 'SIGSTOP 1 s', isQuick: true, prepare: onServer(freeze(1_000)) },
  { name: 'SIGSTOP 10 s', prepare: onServer(freeze(10_000)) },
  {
    name: 'SCRIPT FLUSH, 20 times',
    isQuick: true,
    isHarmless: true,
    prepare: onServer(repeat(20, 50, ['SCRIPT', 'FLUSH'])),
  },
  {
    name: 'CLIENT KILL every 50 ms, 2 s',
    prepare: onServer(repeat(40, 50, ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'])),
  },
  {
    name: 'maxmemory reached for 1 s',
    prepare: onServer(async (server) => {
      await server.command('CONFIG', 'SET', 'maxmemory-policy', 'noeviction');
      await server.command('CONFIG', 'SET', 'maxmemory', '1');
      await pause(1_000);
      await server.command('CONFIG', 'SET', 'maxmemory', '0');
      return wall();
    }),
  },
  {
    name: 'wrong password for 1.5 s',
    isQuick: true,
    prepare: async () => {
      const server = await startRedis({ password: 'right' });
      const harm = async () => {
        await pause(1_000);
        await server.command('ACL', 'SETUSER', 'default', '>late');
        return wall();
      };
      return { store: { url: `redis://:late@127.0.0.1:${server.port}` }, harm, stop: () => server.stop() };
    },
  },
  {
    name: 'TLS, certificate of a stranger',
    isOwn: true,
    prepare: async () => {
      const server = await startRedis({ tls: true });
      const store = { url: `rediss://127.0.0.1:${server.port}`, tls: { ca: server.certificates.stranger } };
      return { store, harm: () => pause(1_000), stop: () => server.stop() };
    },
  },
  {
    name: 'TLS, kill -9 and restart',
    isOwn: true,
    isLossy: true,
    prepare: async () => {
      const server = await startRedis({ tls: true });
      const store = { url: `rediss://127.0.0.1:${server.port}`, tls: { ca: server.certificates.ca } };
      return { store, harm: () => killAndRestart(500)(server), stop: () => server.stop() };
    },
  },
  { name: 'proxy: 200 ms later, for 2 s', prepare: onTheWay({ delayMs: 200 }, 2_000) },
  { name: 'proxy: drops after 2 kB of replies, 2 s', prepare: onTheWay({ dropAfter: 2_000 }, 2_000) },
  { name: 'proxy: truncates after 2 kB of replies, 2 s', prepare: onTheWay({ truncateAfter: 2_000 }, 2_000) },
  { name: 'proxy: hangs for 2 s', prepare: onTheWay({ hang: true }, 2_000) },
  {
    name: 'proxy: byte by byte for 2 s',
    isQuick: true,
    isHarmless: true,
    // The proxy itself writes each byte: more would measure how long that takes.
    perSecond: 1_000,
    prepare: onTheWay({ split: true }, 2_000),
  },
  {
    name: 'cluster: reshard of 500 slots',
    isOwn: true,
    isHarmless: true,
    prepare: async () => {
      const cluster = await startCluster();
      const harm = async () => {
        await cluster.reshard(0, 1, 500);
        return wall();
      };
      return { store: { urls: cluster.urls, cluster: true }, harm, stop: cluster.stop };
    },
  },
  {
    name: 'cluster: one master killed, its replica takes over',
    isOwn: true,
    isLossy: true,
    prepare: async () => {
      const cluster = await startCluster({ replicas: 1 });
      const harm = async () => {
        await cluster.nodes[0].kill();
        while ((await cluster.owner(0)) !== cluster.nodes[3]) await pause(5);
        await cluster.settled();
        return wall();
      };
      return { store: { urls: cluster.urls, cluster: true }, harm, stop: cluster.stop };
    },
  },
  {
    name: 'sentinel: the master killed, a replica takes over',
    isOwn: true,
    isLossy: true,
    prepare: async () => {
      const trio = await startSentinels();
      const harm = async () => {
        await trio.failOver();
        return wall();
      };
      return { store: { urls: trio.urls, sentinel: { name: trio.name } }, harm, stop: trio.stop };
    },
  },
];
