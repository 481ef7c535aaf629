import type { ClientRateLimitInfo, IncrementResponse, Options as LimiterOptions, Store } from './express-rate-limit.js';

type Data = boolean | number | string;
/** What Redis answers. */
export type RedisReply = Data | Data[];
/** Sends one command. */
export type SendCommandFn = (...args: string[]) => Promise<RedisReply>;
export type SendCommandClusterDetails = {
  /** The key that tells which node is meant, if there is one. */
  key?: string;
  isReadOnly: boolean;
  command: string[];
};
/** Sends one command to the node that has its key. */
export type SendCommandClusterFn = (commandDetails: SendCommandClusterDetails) => Promise<RedisReply>;

type CommonOptions = {
  /** What stands before each key; default `rl:`. */
  readonly prefix?: string;
  /** Whether each hit begins the window anew; default false. */
  readonly resetExpiryOnChange?: boolean;
};
export type Options = CommonOptions &
  ({ readonly sendCommand: SendCommandFn } | { readonly sendCommandCluster: SendCommandClusterFn });

/** Counts the hits of a limiter in Redis. */
export declare class RedisStore implements Store {
  sendCommand: SendCommandClusterFn;
  prefix: string;
  resetExpiryOnChange: boolean;
  incrementScriptSha: Promise<string>;
  getScriptSha: Promise<string>;
  windowMs: number;
  constructor(options: Options);
  loadIncrementScript(key?: string): Promise<string>;
  loadGetScript(key?: string): Promise<string>;
  retryableIncrement(_key: string): Promise<RedisReply>;
  prefixKey(key: string): string;
  init(options: LimiterOptions): Promise<void>;
  /** The count of a key; undefined when it has none. */
  get(_key: string): Promise<ClientRateLimitInfo | undefined>;
  increment(key: string): Promise<IncrementResponse>;
  /** Takes a hit back that is still counted. */
  decrement(_key: string): Promise<void>;
  resetKey(_key: string): Promise<void>;
}

export { RedisStore as default };
