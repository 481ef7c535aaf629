'use strict';

const assert = require('node:assert/strict');
const { after, before, describe, it } = require('node:test');
const Redis = require('ioredis');
const { createCluster } = require('redis');
const peer = require('rate-limit-redis');
const ours = require('carapace/rate-limit-redis');
const older = require('carapace/rate-limit-redis/v5');
const { startCluster } = require('./helpers/redis/cluster');
const { hasRedis, startRedis } = require('./helpers/redis/server');

const skip = !hasRedis() && 'no redis-server here';

/** A Redis that answers with these, one after the other, and tells which commands came. */
function scripted(...answers) {
  const commands = [];
  const sendCommand = async (...command) => {
    if (command[0] === 'SCRIPT') return `sha ${commands.length}`;
    commands.push(command.slice(0, 1).concat(command.slice(3)));
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer;
  };
  return { commands, sendCommand };
}

describe('the store in both shapes', () => {
  for (const [shape, { RedisStore }] of Object.entries({ 6: ours, 5: older })) {
    it(`of version ${shape} sends a hit once when it times out or the connection ends (S-15)`, async () => {
      for (const message of ['Command timed out', 'Connection is closed.', 'read ECONNRESET', 'LOADING Redis']) {
        for (const step of ['increment', 'decrement', 'get', 'resetKey']) {
          const { commands, sendCommand } = scripted(new Error(message), [1, 5]);
          const store = new RedisStore({ sendCommand });
          await store.init({ windowMs: 60_000 });
          await assert.rejects(store[step]('key'), { message });
          assert.equal(commands.length, 1, `${step} after ${message}`);
        }
      }
    });

    it(`of version ${shape} loads the script and runs it when Redis has lost it`, async () => {
      const { commands, sendCommand } = scripted(new Error('NOSCRIPT No matching script.'), [3, 5]);
      const store = new RedisStore({ sendCommand });
      await store.init({ windowMs: 60_000 });
      assert.equal((await store.increment('key')).totalHits, 3);
      assert.deepEqual(commands[1], commands[0]);
    });

    it(`of version ${shape} works when Redis comes only after the start`, async () => {
      let isThere = false;
      const sendCommand = async (command) => {
        if (!isThere) throw new Error('connect ECONNREFUSED');
        return command === 'SCRIPT' ? 'sha' : [1, 5];
      };
      const store = new RedisStore({ sendCommand });
      await assert.rejects(store.init({ windowMs: 60_000 }), /ECONNREFUSED/);
      await assert.rejects(store.increment('key'), /ECONNREFUSED/);
      isThere = true;
      assert.equal((await store.increment('key')).totalHits, 1);
      assert.equal((await store.get('key')).totalHits, 1);
    });
  }

  it('of version 5 has its option and its field, and sends its arguments', async () => {
    for (const [given, resetExpiryOnChange, argument] of [
      [{}, false, '0'],
      [{ resetExpiryOnChange: false }, false, '0'],
      [{ resetExpiryOnChange: true }, true, '1'],
      [{ resetExpiryOnChange: undefined }, false, '0'],
    ]) {
      const { commands, sendCommand } = scripted([1, 5]);
      const store = new older.RedisStore({ sendCommand, ...given });
      assert.equal(store.resetExpiryOnChange, resetExpiryOnChange);
      assert.equal(store.prefix, 'rl:');
      await store.init({ windowMs: 700 });
      await store.increment('a');
      assert.deepEqual(commands, [['EVALSHA', 'rl:a', argument, '700']]);
    }
    assert.throws(() => new older.RedisStore({}), /must include either sendCommand or sendCommandCluster/);
    assert.throws(() => new older.RedisStore(), /options object is required/);
  });

  it('has the same exports in ES modules', async () => {
    for (const [path, commonjs] of [
      ['carapace/rate-limit-redis', ours],
      ['carapace/rate-limit-redis/v5', older],
    ]) {
      const module = await import(path);
      assert.deepEqual(Object.keys(module).sort(), Object.keys(await import('rate-limit-redis')).sort());
      assert.equal(module.default, commonjs.RedisStore);
      assert.equal(module.RedisStore, commonjs.default);
    }
  });
});

describe('one Redis', { skip }, () => {
  /** @type {any} */
  let server;
  /** @type {any} */
  let client;
  before(async () => {
    server = await startRedis();
    client = new (Redis.default ?? Redis)(server.port);
  });
  after(async () => {
    client?.disconnect();
    await server?.stop();
  });
  const sendCommand = (...command) => client.call(...command);

  async function stores(windowMs, ...classes) {
    await client.flushall();
    const all = classes.map((Store) => new Store({ sendCommand }));
    for (const store of all) await store.init({ windowMs });
    return all;
  }

  it('counts for servers with rate-limit-redis and with the drop-in together', async () => {
    const mixed = await stores(60_000, peer.RedisStore, ours.RedisStore, older.RedisStore);
    const counts = [];
    for (let turn = 0; turn < 12; turn += 1) {
      const { totalHits, resetTime } = await mixed[turn % 3].increment('key');
      counts.push(totalHits);
      assert.ok(Math.abs(resetTime.getTime() - Date.now() - 60_000) < 2_000);
    }
    assert.deepEqual(counts, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    for (const store of mixed) assert.equal((await store.get('key')).totalHits, 12);
    await mixed[0].decrement('key');
    await mixed[1].decrement('key');
    for (const store of mixed) assert.equal((await store.get('key')).totalHits, 10);
    assert.equal(await client.type('rl:key'), 'string');
    assert.equal(await client.object('ENCODING', 'rl:key'), 'int');
    assert.ok((await client.pttl('rl:key')) > 50_000);
    await mixed[1].resetKey('key');
    assert.equal((await mixed[0].increment('key')).totalHits, 1);
  });

  it('counts each of a thousand hits at once exactly once (S-16)', async () => {
    const mixed = await stores(60_000, peer.RedisStore, ours.RedisStore);
    const hits = await Promise.all(Array.from({ length: 1_000 }, (_, turn) => mixed[turn % 2].increment('key')));
    const sorted = hits.map(({ totalHits }) => totalHits).sort((one, other) => one - other);
    assert.deepEqual(
      sorted,
      Array.from({ length: 1_000 }, (_, index) => index + 1),
    );
  });

  it('keeps nothing of a refund after the window (S-13), where rate-limit-redis leaves -1 for ever', async () => {
    const [theirs, store] = await stores(60_000, peer.RedisStore, ours.RedisStore);
    await Promise.all([theirs.increment('a'), store.increment('b')]);
    await Promise.all([client.pexpire('rl:a', 0), client.pexpire('rl:b', 0)]);
    await Promise.all([theirs.decrement('a'), store.decrement('b')]);
    assert.deepEqual([await client.get('rl:a'), await client.pttl('rl:a')], ['-1', -1]);
    assert.deepEqual(await client.keys('*'), ['rl:a']);
    // What such servers have left is no credit either.
    assert.equal((await store.increment('a')).totalHits, 1);
  });

  it('has nothing to tell of a key that is not there (S-14)', async () => {
    const [theirs, store] = await stores(60_000, peer.RedisStore, ours.RedisStore);
    assert.ok(Number.isNaN((await theirs.get('nobody')).totalHits));
    assert.equal(await store.get('nobody'), undefined);
  });

  it('begins the window anew with each hit when version 5 is told to', async () => {
    const [store] = await stores(60_000, older.RedisStore);
    const resetting = new older.RedisStore({ sendCommand, resetExpiryOnChange: true });
    await resetting.init({ windowMs: 60_000 });
    await store.increment('key');
    await client.pexpire('rl:key', 20_000);
    await store.increment('key');
    assert.ok((await client.pttl('rl:key')) <= 20_000);
    assert.equal((await resetting.increment('key')).totalHits, 3);
    assert.ok((await client.pttl('rl:key')) > 50_000);
  });

  it('gets its scripts back after it has lost them, in every step', async () => {
    const [store] = await stores(60_000, ours.RedisStore);
    for (const step of ['increment', 'increment', 'get', 'decrement']) {
      await client.script('FLUSH');
      await store[step]('key');
    }
    assert.equal(await client.get('rl:key'), '1');
  });
});

describe('a cluster', { skip }, () => {
  it('is reached through sendCommandCluster, each key on its node', async (context) => {
    const cluster = await startCluster();
    context.after(() => cluster.stop());
    const client = createCluster({
      rootNodes: cluster.nodes.map(({ port }) => ({ url: `redis://127.0.0.1:${port}` })),
    });
    client.on('error', () => {});
    await client.connect();
    context.after(() => client.destroy());
    const make = ({ RedisStore }) =>
      new RedisStore({
        sendCommandCluster: ({ key, isReadOnly, command }) => client.sendCommand(key, isReadOnly, command),
      });
    const [theirs, store] = [make(peer), make(ours)];
    for (const one of [theirs, store]) await one.init({ windowMs: 60_000 });
    for (let key = 0; key < 20; key += 1) {
      assert.equal((await theirs.increment(`key ${key}`)).totalHits, 1);
      assert.equal((await store.increment(`key ${key}`)).totalHits, 2);
      await store.decrement(`key ${key}`);
      assert.equal((await store.get(`key ${key}`)).totalHits, 1);
    }
  });
});
