// What users of rate-limit-redis write in ES modules.
import * as everything from 'carapace/rate-limit-redis';
import Store, {
  RedisStore,
  type Options,
  type RedisReply,
  type SendCommandClusterDetails,
  type SendCommandClusterFn,
  type SendCommandFn,
} from 'carapace/rate-limit-redis';
import { RedisStore as StoreOf5 } from 'carapace/rate-limit-redis/v5';
import { rateLimit } from 'carapace/express-rate-limit';
import { rateLimit as native } from 'carapace';
import { rateLimit as peerLimit, type Store as PeerStore } from 'express-rate-limit';
import { Redis } from 'ioredis';
import { RedisStore as PeerRedisStore, type Options as PeerOptions } from 'rate-limit-redis';
import { createClient, createCluster } from 'redis';

const nodeRedis = createClient();
const cluster = createCluster({ rootNodes: [] });
const ioredis = new Redis();

rateLimit({
  windowMs: 15 * 60 * 1000,
  max: 100,
  standardHeaders: true,
  legacyHeaders: false,
  store: new RedisStore({ sendCommand: (...args: string[]) => nodeRedis.sendCommand(args) }),
});
peerLimit({
  store: new RedisStore({
    sendCommand: (command: string, ...args: string[]) => ioredis.call(command, ...args) as Promise<RedisReply>,
    prefix: 'own:',
  }),
});
native({ limit: 5, store: new Store({ sendCommand: async () => 1 }) });
rateLimit({
  store: new everything.RedisStore({
    sendCommandCluster: ({ key, isReadOnly, command }: SendCommandClusterDetails) =>
      cluster.sendCommand(key, isReadOnly, command) as Promise<RedisReply>,
  }),
});
rateLimit({ store: new StoreOf5({ sendCommand: async () => 1, resetExpiryOnChange: true }) });

const send: SendCommandFn = async (...args) => args;
const sendCluster: SendCommandClusterFn = async ({ command }) => command;
const options: Options = { sendCommand: send };
const store = new RedisStore(options);
const peerStore: PeerStore = store;
const hits: number | undefined = (await store.get('key'))?.totalHits;
const sha: string = await store.incrementScriptSha;
await store.init({ windowMs: 1 } as never);
const reset: Date | undefined = (await store.increment('key')).resetTime;
const loaded: Promise<string>[] = [store.loadGetScript(), store.loadIncrementScript('key')];
void [peerStore, hits, sha, reset, loaded, store.prefixKey('a'), store.windowMs, store.prefix, sendCluster];

// What is typed by the peer is taken, and the other way round.
const theirs: PeerOptions = options;
const ours: Options = theirs;
const theirStore: PeerRedisStore = store;
const ourStore: RedisStore = theirStore;
const theirClass: typeof PeerRedisStore = RedisStore;
void [ours, ourStore, theirClass];

// @ts-expect-error one of the two is needed
new RedisStore({ prefix: 'a' });
// @ts-expect-error version 6 has no such option
new RedisStore({ sendCommand: send, resetExpiryOnChange: true });
// @ts-expect-error no promise of a reply
new RedisStore({ sendCommand: async () => ({ reply: 1 }) });
