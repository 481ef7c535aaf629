'use strict';

// A chain's limit and that of a route are decided together in Redis, by all instances of an app: each policy has its exact
// count, and a request that one of them denies costs nothing in the other.

const assert = require('node:assert/strict');
const { fork } = require('node:child_process');
const { once } = require('node:events');
const { join } = require('node:path');
const { after, before, describe, it } = require('node:test');
const { rateLimit, redisStore } = require('..');
const { freshPrefix } = require('./helpers/redis-ways');
const { startCluster } = require('./helpers/redis/cluster');
const { hasRedis, startRedis } = require('./helpers/redis/server');
const { send } = require('./helpers/servers');

const FIXTURE = join(__dirname, 'fixtures', 'redis-chain.js');
const HOUR = 3_600_000;
const CLIENT = '127.0.0.1';

/**
 * @typedef {{ url: string, urls: string[], isCluster: boolean, command: (...words: any[]) => Promise<any> }} Place
 * @typedef {{ limit: number, algorithm?: any, isByAccount?: boolean }} Limit
 */

/** Two hosts, each a process. @type {import('node:child_process').ChildProcess[]} */
let hosts = [];
before(() => {
  hosts = [fork(FIXTURE), fork(FIXTURE)];
});
after(() => hosts.forEach((host) => host.kill('SIGKILL')));

/**
 * An instance of an app on each host, and what Redis says of their policies.
 * @param {import('node:test').TestContext} context
 * @param {Place} place
 * @param {{ chain: Limit, rule: Limit, ways?: string[] }} options
 */
async function startApp(context, place, { chain, rule, ways = ['own', 'own'] }) {
  const prefix = freshPrefix();
  const order = { urls: place.urls, isCluster: place.isCluster, prefix };
  const common = { windowMs: HOUR };
  const ports = await Promise.all(
    hosts.map(async (host, index) => {
      host.send({ ...order, way: ways[index], chain: { ...common, ...chain }, rule: { ...common, ...rule } });
      const [{ port }] = await once(host, 'message');
      return port;
    }),
  );
  const store = redisStore({ prefix, ...(place.isCluster ? { urls: place.urls, cluster: true } : { url: place.url }) });
  context.after(() => store.close());
  const { isByAccount, ...ofRule } = rule;
  const policies = [
    { name: 'default', ...common, ...chain },
    { name: 'POST /login', ...common, ...ofRule, ...(isByAccount && { keyGenerator: () => '' }) },
  ];
  const witness = rateLimit({ policies, store });
  let turn = 0;
  /**
   * Sends so many requests at once, to the instances in turn, and says how many of them passed.
   * @param {number} count
   * @param {string} [path]
   */
  const pass = async (count, path = '/login') => {
    const method = path === '/login' ? 'POST' : 'GET';
    const headers = { 'x-account': 'ada' };
    const asked = Array.from({ length: count }, () => send(ports[turn++ % 2], { method, path, headers }));
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    assert.deepEqual(
      statuses.filter((status) => status !== 200 && status !== 429),
      [],
    );
    return statuses.filter((status) => status === 200).length;
  };
  /** What is counted of the chain's policy and of the route's. */
  const used = async () => {
    const ofChain = await witness.getKey(CLIENT, 'default');
    const ofRoute = await witness.getKey(isByAccount ? 'ada' : CLIENT, 'POST /login');
    return [ofChain?.used, ofRoute?.used];
  };
  return { pass, used };
}

/** @param {() => Place} place */
function defineJointTests(place) {
  // GCRA gives back what it counted as time goes by: within this test nothing to speak of, an hour's limit being small.
  for (const algorithm of /** @type {const} */ (['sliding-window', 'gcra'])) {
    it(`a request that the route's limit denies costs nothing in the chain's, ${algorithm}`, async (context) => {
      const limits = { chain: { limit: 50, algorithm }, rule: { limit: 20, algorithm } };
      const { pass, used } = await startApp(context, place(), limits);
      assert.equal(await pass(200), 20);
      assert.deepEqual(await used(), [20, 20]);
      assert.equal(await pass(100, '/'), 30);
      assert.deepEqual(await used(), [50, 20]);
    });

    it(`a request that the chain's limit denies costs nothing in the route's, ${algorithm}`, async (context) => {
      const limits = { chain: { limit: 20, algorithm }, rule: { limit: 50, algorithm } };
      const { pass, used } = await startApp(context, place(), limits);
      assert.equal(await pass(5, '/'), 5);
      assert.equal(await pass(200), 15);
      assert.deepEqual(await used(), [20, 15]);
    });
  }

  it('fixed windows count a denied request where it was denied, and nowhere else', async (context) => {
    const algorithm = 'fixed-window';
    const limits = { chain: { limit: 50, algorithm }, rule: { limit: 3, algorithm } };
    const { pass, used } = await startApp(context, place(), limits);
    for (let count = 0; count < 3; count += 1) assert.equal(await pass(1), 1);
    // One for each instance: the next ones it knows to be denied without a question.
    assert.equal(await pass(2), 0);
    assert.deepEqual(await used(), [3, 5]);
    assert.equal(await pass(60, '/'), 47);
    // The chain's own limiter has counted what it denied by now: at least one, at most all of them.
    const [ofChain, ofRoute] = await used();
    assert.ok(ofChain !== undefined && ofChain > 50 && ofChain <= 63, `${ofChain}`);
    assert.equal(ofRoute, 5);
  });

  it('instances over different clients count together', async (context) => {
    const limits = { chain: { limit: 30 }, rule: { limit: 10 }, ways: ['own', 'ioredis'] };
    const { pass, used } = await startApp(context, place(), limits);
    assert.equal(await pass(60), 10);
    assert.deepEqual(await used(), [10, 10]);
    assert.equal(await pass(60, '/'), 20);
    assert.deepEqual(await used(), [30, 10]);
  });
}

describe('the limits of a chain and its routes in Redis', { skip: !hasRedis() && 'needs redis-server' }, () => {
  describe('on one server', () => {
    /** @type {import('./helpers/redis/server').RedisServer} */
    let server;
    before(async () => {
      server = await startRedis();
    });
    after(() => server.stop());
    const place = () => ({ url: server.url, urls: [server.url], isCluster: false, command: server.command });
    defineJointTests(place);

    it('a route with a key of its own is decided together with the chain as well', async (context) => {
      const limits = { chain: { limit: 50 }, rule: { limit: 20, isByAccount: true } };
      const { pass, used } = await startApp(context, place(), limits);
      assert.equal(await pass(200), 20);
      assert.deepEqual(await used(), [20, 20]);
    });
  });

  describe('on a cluster', () => {
    /** @type {Awaited<ReturnType<typeof startCluster>>} */
    let cluster;
    before(async () => {
      cluster = await startCluster();
    });
    after(() => cluster.stop());
    /** @returns {Place} */
    const place = () => {
      const { urls, nodes } = cluster;
      return { url: urls[0], urls, isCluster: true, command: nodes[0].command };
    };
    defineJointTests(place);

    it('all policies of one client lie in one slot, those of another key elsewhere', async () => {
      const { command } = place();
      const slotOf = (/** @type {string} */ policy, /** @type {string} */ key) =>
        command('CLUSTER', 'KEYSLOT', `carapace:${policy}:{${key}}`);
      assert.equal(await slotOf('default', CLIENT), await slotOf('POST /login', CLIENT));
      assert.notEqual(await slotOf('default', CLIENT), await slotOf('POST /login', 'ada'));
    });

    it('policies in different slots count each by itself, and the strictest wins', async (context) => {
      const limits = { chain: { limit: 50 }, rule: { limit: 20, isByAccount: true } };
      const { pass, used } = await startApp(context, place(), limits);
      // Two at a time, one for each instance, so that none is denied from memory.
      let passed = 0;
      for (let count = 0; count < 11; count += 1) passed += await pass(2);
      assert.equal(passed, 20);
      assert.deepEqual(await used(), [22, 20]);
    });
  });
});
