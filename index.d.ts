import type { IncomingMessage, ServerResponse } from 'node:http';

/** A middleware for Express 4 and 5, Connect, and plain `node:http` servers. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

/** The code of an error; docs/errors.md tells the cause and the cure of each. */
export type ErrorCode =
  | 'ERR_CARAPACE_OPTION_UNKNOWN'
  | 'ERR_CARAPACE_OPTION_TYPE'
  | 'ERR_CARAPACE_OPTION_VALUE'
  | 'ERR_CARAPACE_OPTION_CONFLICT'
  | 'ERR_CARAPACE_OPTION_REQUIRED'
  | 'ERR_CARAPACE_HEADER_VALUE'
  | 'ERR_CARAPACE_CSP_SOURCE'
  | 'ERR_CARAPACE_STORE_FILE'
  | 'ERR_CARAPACE_NATIVE_LOAD'
  | 'ERR_CARAPACE_NATIVE_VERSION'
  | 'ERR_CARAPACE_INTERNAL'
  | 'ERR_CARAPACE_RATE_LIMITED'
  | 'ERR_CARAPACE_CLIENT_DENIED'
  | 'ERR_CARAPACE_ORIGIN_DENIED'
  | 'ERR_CARAPACE_STORE_UNAVAILABLE'
  | 'ERR_CARAPACE_BODY_TOO_LARGE'
  | 'ERR_CARAPACE_BODY_MALFORMED'
  | 'ERR_CARAPACE_REQUEST_REJECTED'
  | 'ERR_CARAPACE_BODY_ABORTED'
  | 'ERR_CARAPACE_BODY_TIMEOUT'
  | 'ERR_CARAPACE_BODY_UNREADABLE'
  | 'ERR_CARAPACE_BODY_UNVERIFIED'
  | 'ERR_CARAPACE_MEDIA_TYPE'
  | 'ERR_CARAPACE_NOT_FOUND'
  | 'ERR_CARAPACE_REQUEST_INVALID';

/** The only error class of the package: thrown by a factory, or passed on for a refused request. */
export class CarapaceError extends Error {
  readonly name: 'CarapaceError';
  readonly code: ErrorCode;
  /** Where the cure is described. */
  readonly help: string;
  /** The option at fault, such as `rateLimit.windowMs`; set-up errors only. */
  readonly path?: string;
  /** The HTTP status; refused requests only. */
  readonly status?: number;
  readonly statusCode?: number;
  /** The kind of refusal, in body-parser's words where it has one, such as `entity.too.large`. */
  readonly type?: string;
  /** The rule or limit that refused a body, such as `operator` or `too-deep`. */
  readonly rule?: string;
  /** JSON pointer (RFC 6901) of the place in a refused body. */
  readonly pointer?: string;
  /** What is wrong with each member of a request that does not fit its schemas. */
  readonly errors?: FieldError[];
  /** Whether the message may be shown to the client: true below 500. */
  readonly expose?: boolean;
}

/** What every middleware reports, to `onEvent` and on the diagnostics channel `carapace:<stem>`. Never a value of the request. */
export interface CarapaceEvent {
  /** What happened, such as `rate-limit.denied`. */
  type: string;
  /** The middleware, in kebab case. */
  stem: string;
  /** The rate-limit policy that decided. */
  policy?: string;
  /** The rule that found something. */
  rule?: string;
  /** A digest of the client key, the same for one key while the process lives. */
  key?: string;
  /** Where in the request: a JSON pointer (RFC 6901) below `location`. */
  path?: string;
  /** The part of the request. */
  location?: 'body' | 'query' | 'params' | 'headers' | 'cookies';
  /** The name of a cookie, at most 100 characters. */
  cookie?: string;
  /** What was done about it. */
  action?: string;
  /** `report`: it was only reported, and the request went on. */
  mode: 'enforce' | 'report';
}

/** Options that every middleware with a decision takes. */
export interface ReportingOptions {
  /** Called with each event, in the same tick; what it throws becomes a process warning. */
  onEvent?: (event: CarapaceEvent) => void;
}

/** A header that can name a client. */
export type ClientHeader =
  | 'x-forwarded-for'
  | 'forwarded'
  | 'cf-connecting-ip'
  | 'true-client-ip'
  | 'fastly-client-ip'
  | 'fly-client-ip'
  | 'x-real-ip'
  | 'x-client-ip'
  | 'x-cluster-client-ip'
  | 'x-envoy-external-address'
  | 'x-azure-clientip'
  | 'x-azure-socketip'
  | 'x-appengine-user-ip'
  | 'x-nf-client-connection-ip'
  | 'do-connecting-ip'
  | 'x-vercel-forwarded-for'
  | 'cloudfront-viewer-address';

/** What stands before the app: its header, and for some the addresses that are trusted to send it (docs/client.md). */
export type ClientProvider =
  | 'akamai'
  | 'aws-alb'
  | 'azure-front-door'
  | 'cloudflare'
  | 'cloudfront'
  | 'fastly'
  | 'fly'
  | 'google-cloud'
  | 'heroku'
  | 'nginx';

/** How a client is told apart. Without `trustProxy` and `header`, Express's own `trust proxy` decides. */
export interface ClientOptions {
  /**
   * Whom a header is believed: the number of proxies in front of the app (1 to 64), whatever their addresses; or the proxies'
   * addresses, CIDR ranges, `loopback`, `linklocal`, `uniquelocal`, as a list or as text with commas; `false` or 0: no header is
   * read. `true`, and ranges that hold everybody, throw. Default: Express's `trust proxy`, unless that trusts everybody, which
   * is not followed and reported once as `proxy.trust-all`; with a provider as `header`, that provider's addresses.
   */
  trustProxy?: boolean | number | string | readonly string[];
  /** The one header that is read, by its name or its provider's. Default `x-forwarded-for`. Every other one is ignored. */
  header?: ClientHeader | ClientProvider;
  /** Leading bits of an IPv6 address that tell clients apart, 1 to 128; `false`: all. Default 56, the least that one subscriber has. */
  ipv6Prefix?: number | false;
  /** Leading bits of an IPv4 address that tell clients apart, 1 to 32; `false`: all. Default 32. */
  ipv4Prefix?: number | false;
  /** Bring a key from `keyGenerator` that is an address to the canonical form. Default true. */
  canonicalKeys?: boolean;
}

/** Which rule gave a client's key; docs/client.md has a line for each. */
export type ClientKeyRule =
  | 'hops'
  | 'trusted-proxies'
  | 'header'
  | 'express'
  | 'express-trusts-all'
  | 'socket'
  | 'untrusted-peer'
  | 'header-missing'
  | 'not-an-address'
  | 'no-peer';

/** What {@link explainClient} tells. */
export interface ClientExplanation {
  /** The canonical key, such as `192.0.2.1` or `2001:db8:1200::/56`. */
  key: string;
  rule: ClientKeyRule;
  /** The address of the connection, as Node has it; empty when there is none. */
  peer: string;
  /** The header that the key comes from, or `socket`. */
  source: ClientHeader | 'socket';
  /** The text that the key was made from. */
  value: string;
  /** Headers of the request that name a client too, and were not believed. */
  ignored: { header: ClientHeader; value: string }[];
}

/**
 * Tells which rule gives which client key for a request: the answer to "why does everybody share one limit?".
 * @param options the same as a limiter's `client`
 * @example
 * app.get('/debug/client', (request, response) => response.json(explainClient(request, { trustProxy: 1 })));
 * @throws {CarapaceError} for options that are unknown, of the wrong type, out of range or in conflict
 */
export function explainClient(request: IncomingMessage, options?: ClientOptions): ClientExplanation;

/** Where one policy stands for the client of a request. */
export interface RateLimitPolicyInfo {
  name: string;
  /** The most that can be used at once: the limit, under `gcra` its burst. */
  limit: number;
  /** How much of it is used, this request included if it was counted. */
  used: number;
  remaining: number;
  /** When the client has its whole limit back; of a denied request: when it may try again. */
  resetTime: Date;
  /** The canonical client key, made when it is read. */
  readonly key: string;
}

/** `request.rateLimit`: the strictest policy so far, and all of them. */
export interface RateLimitInfo extends RateLimitPolicyInfo {
  readonly policies: RateLimitPolicyInfo[];
  /** For how long the request was held back, in milliseconds. Only with `delay`. */
  delay?: number;
}

/** What a limiter decided about one request: for `onDecision` and the diagnostics channel `carapace:decision`. */
export interface RateLimitDecision {
  type: 'rate-limit.decision';
  stem: 'rate-limit';
  action: 'allow' | 'deny' | 'delay' | 'skip';
  /** Why: it was counted, left out, on a list, or the store was down with `onStoreFailure: 'closed'`. */
  outcome: 'counted' | 'skipped' | 'allow-listed' | 'deny-listed' | 'unavailable';
  /** The strictest policy; only of a request that was counted. */
  policy?: string;
  /** A digest of its key, the same for one key while the process lives. */
  key?: string;
  isBlocked: boolean;
  delayMs: number;
  /** `report`: a denial was only reported, and the request went on. */
  mode: 'enforce' | 'report';
  policies: {
    name: string;
    isAllowed: boolean;
    limit: number;
    used: number;
    remaining: number;
    resetTime: Date;
  }[];
}

/** A value, or a promise of it. A request waits only when a function gives a promise. */
type MaybePromise<T> = T | Promise<T>;

/** One rule of a limiter. */
export interface RateLimitPolicyOptions {
  /**
   * The policy's name in the `RateLimit` fields and in events: 1 to 64 letters, digits, spaces or `_ . : / -`. Default `default`.
   * Worker threads that make the same named policies in the same order count together.
   */
  name?: string;
  /**
   * Hits allowed in a window for each client: a whole number, 0 to 2147483647, or a function of the request that gives one.
   * 0 denies every request. Required, unless there are `policies` or a `delay`.
   */
  limit?: number | ((request: any, response: any) => MaybePromise<number>);
  /** Length of the window in milliseconds, 1 to 31536000000 (a year). Default 60000. It opens with a client's first hit. */
  windowMs?: number;
  /**
   * How hits are counted. `sliding-window` weighs the window before by how much of it still counts; `fixed-window` counts denied
   * hits too and lets up to twice the limit through around its edge; `gcra` gives hits back one by one, at an even pace. Default
   * `sliding-window`.
   */
  algorithm?: 'sliding-window' | 'fixed-window' | 'gcra';
  /** With `gcra`: hits allowed at once, 1 to 2147483647. Default: the limit. */
  burst?: number;
  /** For how long a denied hit blocks its client, 0 to 31536000000 milliseconds. Default: not at all. */
  block?: { durationMs: number };
  /** Short for `block.durationMs`. */
  blockMs?: number;
  /** How much of the limit a request costs: a whole number from 0, or a function that gives one. Default 1. */
  cost?: number | ((request: any, response: any) => MaybePromise<number>);
  /**
   * Names the client of a request. Default: its address, as `client` finds it. A result that is an address is brought to its
   * canonical form. Of several policies, `null` leaves this one out for the request.
   */
  keyGenerator?: (request: any, response: any) => MaybePromise<string | number | bigint | null>;
  /** Decide this policy in the second stage, `limiter.afterBody`, which is mounted after the body is read. Default false. */
  needsBody?: boolean;
}

/** A store written for express-rate-limit: the present interface, or the older one with `incr` and a callback. */
export interface RateLimitStore {
  init?(options: any): unknown;
  get?(key: string): MaybePromise<{ totalHits: number; resetTime: Date | undefined } | undefined>;
  increment?(key: string): MaybePromise<{ totalHits: number; resetTime: Date | undefined }>;
  incr?(
    key: string,
    callback: (error: Error | undefined, totalHits: number, resetTime: Date | undefined) => void,
  ): void;
  decrement(key: string): unknown;
  resetKey(key: string): unknown;
  resetAll?(): unknown;
  shutdown?(): unknown;
}

/** What {@link RateLimitOptions} are made of. With `policies`, those of one policy, except `limit` and `name`, are what each policy has by default. */
export interface RateLimitBaseOptions extends ReportingOptions, RateLimitPolicyOptions {
  /** 1 to 16 rules with names, decided together: a request passes all of them or is counted by none that allows it. */
  policies?: (RateLimitPolicyOptions & Required<Pick<RateLimitPolicyOptions, 'name' | 'limit'>>)[];
  /** How clients are told apart. */
  client?: ClientOptions;
  /** Short for `client.ipv6Prefix`. */
  ipv6Prefix?: number | false;
  /**
   * Keys remembered at the most by the table that all limiters of the process share, 1 to 100000000; the largest number that any of
   * them asks for. Default 1000000. Beyond it those with the least hits are forgotten, blocked ones never.
   */
  maxKeys?: number;
  /** Leaves a request out when it gives something true. */
  skip?: (request: any, response: any) => unknown;
  /**
   * Limits only these paths and what lies below them, by whole segments; `:id` stands for any segment. Every spelling counts that some
   * router may take for one of them: other cases, escapes, doubled slashes, dot segments, path parameters.
   */
  paths?: string | readonly string[];
  /** Leaves these paths and what lies below them out, but only in a spelling that can mean nothing else. */
  skipPaths?: string | readonly string[];
  /** Clients that are not counted: addresses, CIDR ranges, `loopback`, `linklocal`, `uniquelocal`, or a function of the request. */
  allowList?: string | readonly string[] | ((request: any, response: any) => unknown);
  /** Clients that are always denied, with 403; stronger than `allowList`. */
  denyList?: string | readonly string[] | ((request: any, response: any) => unknown);
  /** Give a hit back when its response succeeds. Default false. */
  skipSuccessfulRequests?: boolean;
  /** Give a hit back when its response fails, or its client goes away before the answer is out. Default false. */
  skipFailedRequests?: boolean;
  /** What success is. Default: a status below 400. */
  requestWasSuccessful?: (request: any, response: any) => unknown;
  /** Says after the response what the request has cost in the end, a whole number from 0; `undefined` leaves it as it was. */
  adjust?: (request: any, response: any) => MaybePromise<number | undefined>;
  /**
   * Slows clients down: hits beyond `after` (default 1) are held back by `ms` (default: a second for each of them), at most by `maxMs`
   * (default 60000). Without `limit` nobody is denied.
   */
  delay?: {
    after?: number | ((request: any, response: any) => MaybePromise<number>);
    ms?: number | ((used: number, request: any, response: any) => MaybePromise<number>);
    maxMs?: number;
  };
  /** The form of the `RateLimit` fields: `draft` is the current one, the others are older; `false` sends none. Default `draft`. */
  headers?: 'draft' | 'draft-6' | 'draft-7' | 'draft-8' | false;
  /** Send `X-RateLimit-Limit`, `-Remaining` and `-Reset` as well. Default false. */
  legacyHeaders?: boolean;
  /**
   * Adds the partition key `pk` to the fields: a digest (HMAC-SHA-256) of the client's key under this secret, at least 16 characters or
   * bytes. Only with the forms `draft` and `draft-8`.
   */
  secret?: string | Uint8Array;
  /** The status of a denial, 400 to 599. Default 429. */
  statusCode?: number;
  /** What a denied client reads: a problem document (RFC 9457), or a line of text. Default `problem`. */
  body?: 'problem' | 'text';
  /** What a denied client reads instead: text, bytes, a value that becomes JSON, or a function that gives one of them. */
  message?: string | object | ((request: any, response: any) => unknown);
  /** Answers denied requests in place of everything else; `Retry-After` is set already. */
  handler?: (request: any, response: any, next: (error?: unknown) => void, error: CarapaceError) => unknown;
  /**
   * Where hits are counted: a {@link hostStore}, for all processes of the host; a {@link redisStore}, or the address of a Redis
   * (`redis://…`, `rediss://…`, `unix:/…`), for all hosts; or a store written for express-rate-limit. Default: a native table in this
   * process.
   */
  store?: HostStore | RedisStore | RateLimitStore | string;
  /**
   * How long a store written for express-rate-limit may take, 1 to 2147483647 milliseconds or `Infinity`. Default 1000. A hit that was
   * given up is not tried again.
   */
  storeTimeoutMs?: number;
  /**
   * What happens while the store fails, or the table has room for no further key: `local` counts in the table of this process, `open`
   * lets requests pass, `closed` answers 503. Default `local`.
   */
  onStoreFailure?: 'local' | 'open' | 'closed';
  /** `report` counts and reports but denies and delays nobody. Default `enforce`. */
  mode?: 'enforce' | 'report';
  /** `answer` writes the answer itself; `next` passes a {@link CarapaceError} to the app's error handler. Default `answer`. */
  onReject?: 'answer' | 'next';
  /** Called with every decision, in the same tick; what it throws becomes a process warning. */
  onDecision?: (decision: RateLimitDecision) => void;
}

/** A limiter needs a `limit`, `policies`, or a `delay`. */
export type RateLimitSource =
  | Required<Pick<RateLimitBaseOptions, 'limit'>>
  | Required<Pick<RateLimitBaseOptions, 'policies'>>
  | Required<Pick<RateLimitBaseOptions, 'delay'>>;

/** Options of {@link rateLimit}. */
export type RateLimitOptions = RateLimitBaseOptions & RateLimitSource;

/** Options of {@link rateLimit.login}. Limits count failures in `windowMs`, 15 minutes by default. */
export interface LoginLimitOptions extends Omit<
  RateLimitBaseOptions,
  | 'policies'
  | 'name'
  | 'cost'
  | 'keyGenerator'
  | 'needsBody'
  | 'adjust'
  | 'delay'
  | 'burst'
  | 'algorithm'
  | 'skipSuccessfulRequests'
  | 'skipFailedRequests'
  | 'block'
  | 'store'
  | 'storeTimeoutMs'
> {
  /** Where failures are counted: a {@link hostStore}, for all processes of the host. Default: a native table in this process. */
  store?: HostStore | RedisStore | string;
  /** The account that a request wants to log in to, such as `(request) => request.body?.user`. What is no text counts for the address alone. */
  account: (request: any, response: any) => MaybePromise<unknown>;
  /** Failures of one address with all accounts together; `false` for no such limit. Default 20. */
  addressLimit?: number | false;
  /** Failures of one account from all addresses together; `false` for no such limit. Default 100. */
  accountLimit?: number | false;
}

/**
 * The middleware of {@link rateLimit}, with methods. A key is what `keyGenerator` gives, or a client's address, or `request.rateLimit.key`
 * of a client; each method is about all policies, or the one named. With a store that gives promises they give promises too.
 */
export interface RateLimiter extends Middleware {
  /** The second stage: decides the policies with `needsBody`. Does nothing when there are none. */
  afterBody: Middleware;
  /** Where a key stands; `undefined` when it is not known. */
  getKey(key: string | number, policy?: string): MaybePromise<RateLimitInfo | undefined>;
  /** Forgets a key, blocked or not. */
  resetKey(key: string | number, policy?: string): MaybePromise<void>;
  /** Forgets all keys of this limiter. */
  resetAll(): MaybePromise<void>;
  /** Counts points, 1 by default, without asking whether they fit. */
  penalty(key: string | number, points?: number, policy?: string): MaybePromise<void>;
  /** Gives points back, 1 by default. */
  reward(key: string | number, points?: number, policy?: string): MaybePromise<void>;
  /** Denies a key for so many milliseconds; 0 ends a block. */
  block(key: string | number, durationMs: number, policy?: string): MaybePromise<void>;
  /** Shuts the store down. */
  close(): MaybePromise<void>;
}

/**
 * Allows each client `limit` requests in a window and answers the others with 429, `Retry-After` and a problem document (RFC 9457). Sets
 * `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers) and `request.rateLimit`. Hits are counted in a native table
 * of the process. When nothing the user gave is asynchronous, `next` is called in the same tick.
 * @example
 * app.use(rateLimit({ limit: 100, windowMs: 15 * 60_000 }));
 * @throws {CarapaceError} for options that are unknown, of the wrong type, out of range or in conflict
 */
export function rateLimit(options: RateLimitOptions): RateLimiter;

export namespace rateLimit {
  /**
   * Limits failed logins: 5 of one account from one address, 20 of one address, 100 of one account. The failure that uses up a limit blocks
   * for `blockMs`, the window by default; a success forgets the failures of its pair. Mount it after the body is read.
   * @example
   * app.post('/login', json(), rateLimit.login({ account: (request) => request.body.user }), login);
   * @throws {CarapaceError} for options that are unknown, of the wrong type, out of range or in conflict
   */
  function login(options: LoginLimitOptions): RateLimiter;
}

/** Options of {@link hostStore}. */
export interface HostStoreOptions extends ReportingOptions {
  /**
   * The file, on a local disk or in memory; its directory must not be writable by other users, unless it is sticky as /tmp is.
   * Default: one for this user and this working directory, in `$XDG_RUNTIME_DIR/carapace` or `<temporary>/carapace-<uid>`.
   */
  path?: string;
  /** Clients that the table is made for, 1 to 100000000: 64 bytes each. Default 262144, a file of 16 MiB. */
  maxKeys?: number;
}

/** A table of counts that every process of a host shares; to be given to {@link rateLimit} as `store`. */
export interface HostStore {
  /** The file. */
  readonly path: string;
}

/**
 * Opens the counts that all processes of this host share, such as those of a cluster or of PM2, without a server: a file that each
 * of them maps. It survives restarts, and a process that is killed blocks nobody. Linux and macOS.
 * @example
 * const store = hostStore();
 * app.use(rateLimit({ limit: 100, store }));
 * app.post('/login', rateLimit({ limit: 5, name: 'login', store }), login);
 * @throws {CarapaceError} for options that are wrong, and `ERR_CARAPACE_STORE_FILE` for a file that cannot be used or made
 */
export function hostStore(options?: HostStoreOptions): HostStore;

/** Options of {@link redisStore}. Without `url`, `urls`, `client` and `sendCommand` the address is that of the environment variable `REDIS_URL`. */
export interface RedisStoreOptions extends ReportingOptions {
  /** Where Redis is: `redis://user:password@host:6379/0`, `rediss://…` for TLS, `unix:/path?db=0`. Default: `REDIS_URL`. */
  url?: string;
  /** Several addresses, 1 to 64: nodes of a cluster, or sentinels. */
  urls?: string[];
  /** Whether the addresses are those of a Redis Cluster; with `sendCommand`, whether that sends to one. Default false. */
  cluster?: boolean;
  /** The addresses are those of sentinels, and this is the name under which they know the server, with their own login. */
  sentinel?: { name: string; username?: string; password?: string };
  /** The user of an access control list. Default: that of the address. */
  username?: string;
  /** The password. Default: that of the address. It is in no error and no event. */
  password?: string;
  /** The number of the database, from 0. Default: that of the address, else 0. */
  db?: number;
  /**
   * Encrypts connections, as `rediss:` does; PEM texts: `ca` (default: the system's), `cert` and `key` of this client, `servername`
   * (default: the host). There is no way to trust just any certificate.
   */
  tls?: boolean | { ca?: string; cert?: string; key?: string; servername?: string };
  /**
   * A client of your own in place of our connections: ioredis from version 5 (also `Cluster`), or node-redis, version 4 to 6 (also
   * cluster and sentinel). It stays yours: the store never closes it.
   */
  client?: object;
  /** Sends one command over another client: `(...args) => client.call(...args)`. */
  sendCommand?: (...args: string[]) => unknown;
  /** What every key begins with, up to 64 printable ASCII characters without braces. Default `carapace:`. */
  prefix?: string;
  /** At least 16 characters or bytes: keys are then kept as HMAC-SHA-256 under it, the same in all instances. Default: as they are. */
  secret?: string | Uint8Array;
  /** How long a decision may take before `onStoreFailure` decides, 1 to 60000 milliseconds. Default 100. A hit given up is never tried again. */
  timeoutMs?: number;
  /** How long a connection may take, 1 to 60000 milliseconds. Default 500. */
  connectTimeoutMs?: number;
  /** Connections to each node, 1 to 16. Default 1, which is the fastest unless the network is slow. */
  pool?: number;
  /**
   * What decides while Redis is away or late: `local` counts in memory, at this instance's share of each limit; `open` lets requests
   * pass; `closed` answers 503. Default `local`. An `onStoreFailure` of the limiter comes first.
   */
  onStoreFailure?: 'local' | 'open' | 'closed';
  /** Where `local` counts: in this process, or in a {@link hostStore}, with all processes of the host. Default `process`. */
  fallback?: 'process' | HostStore;
  /**
   * How many instances of the app share a limit while each counts for itself: processes, or, with a host store as `fallback`, hosts. 1 to
   * 100000. Default 1, of which an event tells.
   */
  instances?: number;
  /**
   * How many denied keys are remembered, 1 to 1000000, for a second or until they may try again: they cost Redis nothing. `false` asks
   * Redis each time. Default 10000. Limiters with refunds, `adjust`, `delay`, or a cost or limit that is a function have none.
   */
  denyCache?: number | boolean;
}

/** What a {@link redisStore} says about itself. */
export interface RedisStoreStatus {
  /** `closed` while no limiter uses it. */
  state: 'connecting' | 'up' | 'down' | 'closed';
  /** Whether hits are sent: not while it is `open`. */
  circuit: 'closed' | 'open' | 'half-open';
  /** Why a batch of hits was not decided the last time, such as `timeout`, `down`, `auth`, `readonly`. */
  lastError?: string;
  /** The nodes of our own connections. */
  nodes?: object[];
}

/** Counts in a Redis that all instances of an app share; to be given to {@link rateLimit} as `store`. */
export interface RedisStore {
  /** How it fares. */
  status(): RedisStoreStatus;
  /** Waits for the hits that are under way, and closes what its limiters have opened; a client of yours stays open. */
  close(): Promise<void>;
}

/**
 * Opens the counts that all instances of an app share in a Redis or Valkey (from 6.2): one server, a cluster, or one behind sentinels.
 * The hits of a moment go there together. No request waits longer than `timeoutMs`, and while Redis is away each instance goes on
 * counting by itself.
 * @example
 * const store = redisStore({ url: 'redis://localhost:6379', instances: 4 });
 * app.use(rateLimit({ limit: 100, store }));
 * app.post('/login', rateLimit({ limit: 5, name: 'login', store }), login);
 * @throws {CarapaceError} for options that are unknown, of the wrong type, out of range or in conflict
 */
export function redisStore(options?: RedisStoreOptions): RedisStore;

/** What a rule found in a request, without the value. */
export interface Finding {
  /** `proto`, `operator`, `dotted`, `nul`, `duplicate`, `polluted`, or the limit that was passed, such as `too-deep`. */
  rule: string;
  /** JSON pointer (RFC 6901) of the member. */
  path: string;
  /** The part of the request; absent when `sanitize.value` found it. */
  location?: 'body' | 'query' | 'params' | 'headers' | 'cookies';
  /** What was done: `strip`, `replace`, `report` or `reject`. */
  action: string;
}

/** What is done about a key that a rule finds. */
export type KeyAction = 'strip' | 'reject' | 'report' | 'off';

/** A rule's action, or its action with more to say. */
export type KeyRule =
  | KeyAction
  | {
      action?: KeyAction | 'replace';
      /**
       * For `operator` and `dotted`, instead of an action: put in the place of a leading `$` and of each dot. A new name that
       * its object has already is never overwritten: the member is removed. Not empty; without `$`, dot and NUL.
       */
      replaceWith?: string;
      /** JSON pointers of members that the rule leaves alone; `*` stands for one segment, as in `/filter/*`. */
      allow?: string[];
    };

/** What is done about keys. Limits are whole numbers up to 2^31, or `Infinity`. */
export interface KeyRuleOptions {
  /** Short for the rules `proto` and `operator` together. */
  action?: 'strip' | 'reject' | 'report';
  /** `__proto__`, and `constructor` holding `prototype` (CWE-1321), however escaped. Default `strip`. */
  proto?: KeyRule;
  /** A key, or a dot segment of one, that starts with `$` (CWE-943). Default `strip`. */
  operator?: KeyRule;
  /** Any other key with a dot. Default `off`. */
  dotted?: KeyRule;
  /** A key with NUL. Default `reject`. */
  nul?: KeyRule;
  /** Keys in the whole value. Default 10000. */
  maxKeys?: number;
  /** Bytes of one key in UTF-8, escapes decoded. Default 1024. */
  maxKeyLength?: number;
  /** `report` changes and refuses nothing for these rules and only tells. Default `enforce`. */
  mode?: 'enforce' | 'report';
  /** Called with each finding, the first hundred of a request; what it throws becomes a process warning. */
  onFinding?: (finding: Finding) => void;
}

/** Options that every body reader takes. */
export interface BodyReaderOptions extends ReportingOptions {
  /** The largest body, after its content coding is undone: bytes, or text such as `'10kb'`. Default `'100kb'`. 413 beyond. */
  limit?: number | string;
  /** Whether gzip, deflate, br and (from Node 22.15) zstd are undone; `false` answers 415. Default true. */
  inflate?: boolean;
  /** The media types to read: `application/*`, `+json`, `json`, a list, or a function of the request. */
  type?: string | string[] | ((request: any) => unknown);
  /** Answer 415 for a body of another type, or of none, instead of leaving it to others. Default false. */
  strictContentType?: boolean;
  /**
   * Called with the bytes before anything looks at them, for example to check a signature. What it throws, or its promise
   * rejects with, answers 403, or with that error's own `status`.
   */
  verify?: (request: any, response: any, body: Buffer, encoding: string) => unknown;
  /** Keep the bytes as `request.rawBody`. Default false. */
  keepRaw?: boolean;
  /** How long the whole body may take, in milliseconds, 1 to 2147483647 or `Infinity`. Default 30000. 408 beyond. */
  readTimeoutMs?: number;
  /** `answer` answers a refused request itself; `next` passes a {@link CarapaceError} to the app. Default `answer`. */
  onReject?: 'answer' | 'next';
}

/** Options of {@link json}. */
export interface JsonOptions extends BodyReaderOptions, KeyRuleOptions {
  /** Take objects and arrays only. Default true. */
  strict?: boolean;
  /** Passed to `JSON.parse`. */
  reviver?: (this: any, key: string, value: any) => any;
  /** The same key twice in one object (CWE-436). `last` is what `JSON.parse` does. Default `reject`. */
  duplicateKeys?: 'reject' | 'first' | 'last';
  /** Arrays and objects inside one another. Default 64. */
  maxDepth?: number;
  /** Elements of one array. Default 100000. */
  maxElements?: number;
  /** Characters of one number. Default 400. */
  maxNumberLength?: number;
}

/** What forms and query strings share. Limits are whole numbers, or `Infinity`. */
export interface FormOptions extends KeyRuleOptions {
  /** Brackets nest, as in qs (`a[b]=1`, `a[]=1`); `false` keeps names whole. Default true. */
  extended?: boolean;
  /** Levels of brackets. Default 32 in bodies, 5 in query strings. 400 beyond. */
  depth?: number;
  /** Parameters. Default 1000. 413 beyond. */
  parameterLimit?: number;
  /** Elements of one array, and the least index that is refused. Default 100, in bodies at least the number of parameters. */
  arrayLimit?: number;
  /** What a repeated parameter becomes. Names that end in `[]` always make an array. Default `combine`, an array. */
  duplicates?: 'combine' | 'first' | 'last' | 'reject';
  /** Let a parameter `utf8=✓` say which charset the escapes are in, as Ruby on Rails does. Default false. */
  charsetSentinel?: boolean;
  /** Read `&#9786;` in ISO-8859-1 forms as the character of that number. Default false. */
  interpretNumericEntities?: boolean;
  /**
   * Leave one value of each parameter while parsing, as {@link hpp} does after it, with the originals in
   * `request.bodyPolluted` or `request.queryPolluted`. Default false; the chain does it by itself.
   */
  hpp?: boolean | Pick<HppOptions, 'keep' | 'whitelist'>;
}

/** Options of {@link urlencoded}. */
export interface UrlencodedOptions extends BodyReaderOptions, FormOptions {
  /** The charset of a form that names none. Default `utf-8`. */
  defaultCharset?: 'utf-8' | 'iso-8859-1';
}

/** Options of {@link queryParser}. */
export interface QueryParserOptions extends ReportingOptions, FormOptions {
  /** `answer` answers a refused request itself; `next` passes a {@link CarapaceError} to the app. Default `answer`. */
  onReject?: 'answer' | 'next';
}

/** A middleware that sets `request.query`, and a function for `app.set('query parser', …)`, which throws what it refuses. */
export interface QueryParser extends Middleware {
  (query: string | null | undefined): Record<string, unknown>;
}

/**
 * Reads `application/x-www-form-urlencoded` bodies into `request.body`, under the same rules about keys as {@link json}.
 * @example
 * app.use(urlencoded({ limit: '10kb' }));
 * @throws {CarapaceError} for options that are unknown, of the wrong type or out of range
 */
export function urlencoded(options?: UrlencodedOptions): Middleware;

/**
 * Parses the query string under the same rules about keys as {@link json}: as a middleware into an own property
 * `request.query`, the same on Express 4 and 5 however often it is read; or as Express's query parser.
 * @example
 * app.use(queryParser());
 * app.set('query parser', queryParser());
 * @throws {CarapaceError} for options that are unknown, of the wrong type or out of range
 */
export function queryParser(options?: QueryParserOptions): QueryParser;

/**
 * Reads JSON bodies into `request.body`. The raw bytes are scanned before anything parses them: prototype-pollution and
 * operator keys are removed (or refused), and bodies beyond the limits are refused. Only UTF-8 (RFC 8259, section 8.1).
 * @example
 * app.use(json({ limit: '10kb' }));
 * @throws {CarapaceError} for options that are unknown, of the wrong type or out of range
 */
export function json(options?: JsonOptions): Middleware;

/** Options of `sanitize.value`, `sanitize.has` and `sanitize.compile`. */
export interface SanitizeValueOptions extends KeyRuleOptions {
  /** Arrays and objects inside one another. Default 64. */
  maxDepth?: number;
  /** Elements of one array. Default 100000. */
  maxElements?: number;
  /** Look into strings that hold a JSON object or array, too, by the rules of {@link json}; one level. Default false. */
  jsonStrings?: boolean;
}

/** Options of `sanitize.params`. */
export interface SanitizeParamsOptions extends ReportingOptions, SanitizeValueOptions {
  /** `answer` answers a refused request itself; `next` passes a {@link CarapaceError} to the app. Default `answer`. */
  onReject?: 'answer' | 'next';
}

/** Options of {@link sanitize}. */
export interface SanitizeOptions extends SanitizeParamsOptions {
  /**
   * The parts of the request to look at. `headers` are never changed: what would be removed there is only reported.
   * Default `['body', 'query', 'params']`.
   */
  locations?: ('body' | 'query' | 'params' | 'headers')[];
}

/** Compiled rules for values of any origin. */
export interface Sanitizer {
  /**
   * The value itself when it is clean, else a clean copy; the input is never written to. In report mode the value itself.
   * @throws {CarapaceError} for a value that the rules refuse, with `rule` and `pointer`
   */
  value<T>(input: T): T;
  /** Whether the rules would find anything, or refuse the value. */
  has(input: unknown): boolean;
}

/** A handler for Express's `app.param` and `router.param`. */
export type ParamHandler = (
  request: any,
  response: any,
  next: (error?: unknown) => void,
  value: unknown,
  name: string,
) => void;

/** The middleware for route parameters. */
export interface SanitizeParams {
  (options?: SanitizeParamsOptions): Middleware;
  /**
   * For one parameter wherever it occurs.
   * @example
   * app.param('id', sanitize.params.param());
   * @throws {CarapaceError} for options that are unknown, of the wrong type or out of range
   */
  param(options?: SanitizeParamsOptions): ParamHandler;
}

/** The type of {@link sanitize}: a factory, with the same rules for values. */
export interface Sanitize {
  (options?: SanitizeOptions): Middleware;
  /** {@link Sanitizer.value} with rules that are compiled for this call; without options they are compiled once. */
  value<T>(input: T, options?: SanitizeValueOptions): T;
  /** {@link Sanitizer.has}, likewise. */
  has(input: unknown, options?: SanitizeValueOptions): boolean;
  /** Compiles rules once, for many values. */
  compile(options?: SanitizeValueOptions): Sanitizer;
  /**
   * Checks the values of route parameters: `__proto__`, a `$` at the start or after a dot, NUL. To be mounted on the route,
   * because parameters exist only there. Nothing can be taken away from a route: every action but `report` and `off`
   * answers 400.
   * @example
   * app.get('/users/:id', sanitize.params(), show);
   * @throws {CarapaceError} for options that are unknown, of the wrong type or out of range
   */
  params: SanitizeParams;
}

/**
 * Takes prototype-pollution and operator keys out of what others have parsed (multipart fields, custom parsers, Express's
 * own query parser), under the rules, defaults and limits of {@link json}. `request.query` becomes an own property, the
 * same on Express 4 and 5 however often it is read. Instances of classes are left alone.
 * @example
 * app.use(upload.none(), sanitize());
 * @throws {CarapaceError} for options that are unknown, of the wrong type or out of range
 */
export const sanitize: Sanitize;

/** Options of {@link hpp}. */
export interface HppOptions extends ReportingOptions {
  /** Which of the values of a repeated parameter stays; `reject` answers 400. Default `last`. */
  keep?: 'last' | 'first' | 'reject';
  /** Parameters that may have several values, with everything below them. `a` is also `a[]`; `u.role` is also `u[role]`. */
  whitelist?: string | string[];
  /**
   * Members that must be neither arrays nor objects, in the query and in bodies of every type: `role`, `user.id`. Arrays on
   * the way are followed. A list becomes its one value, as under `keep`; what has none is answered with 400.
   */
  scalar?: string | string[];
  /** Default `['query', 'body']`. */
  locations?: ('query' | 'body')[];
  /** The bodies that hold parameters, as a media type, a list, or a function of the request. Default `urlencoded`. */
  type?: string | string[] | ((request: any) => unknown);
  /** `report` changes and refuses nothing and only tells. Default `enforce`. */
  mode?: 'enforce' | 'report';
  /** `answer` answers a refused request itself; `next` passes a {@link CarapaceError} to the app. Default `answer`. */
  onReject?: 'answer' | 'next';
  /** Called with each finding, the first hundred of a request; what it throws becomes a process warning. */
  onFinding?: (finding: Finding) => void;
}

/**
 * Leaves one value of each repeated parameter, at every level, and puts the originals aside as `request.queryPolluted` and
 * `request.bodyPolluted` (CWE-235). To be mounted after the readers and after {@link sanitize}.
 * @example
 * app.use(hpp({ whitelist: ['tags'], scalar: ['role'] }));
 * @throws {CarapaceError} for options that are unknown, of the wrong type or out of range
 */
export function hpp(options?: HppOptions): Middleware;

/** A schema of any validator that has the Standard Schema interface, version 1: zod, valibot, arktype and others. */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => MaybePromise<StandardResult<Output>>;
    readonly types?: { readonly input: Input; readonly output: Output } | undefined;
  };
}

/** What a {@link StandardSchema} gives: a value, or issues. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly { readonly message: string; readonly path?: readonly unknown[] | undefined }[] };

/** The schemas of {@link validate}, by the part of the request; at least one. */
export interface ValidateSchemas {
  params?: StandardSchema<any, any>;
  query?: StandardSchema<any, any>;
  /** Names in lower case. What it makes is laid over the other headers, which stay. */
  headers?: StandardSchema<any, any>;
  /** `request.cookies` where it is there, else the `Cookie` header. */
  cookies?: StandardSchema<any, any>;
  body?: StandardSchema<any, any>;
}

/** Options of {@link validate}. */
export interface ValidateOptions extends ReportingOptions {
  /** The status of a refusal, 400 to 499. Default 400. */
  statusCode?: number;
  /** Errors in one answer, at least 1. Default 50. */
  maxErrors?: number;
  /** `report` changes and refuses nothing and only tells. Default `enforce`. */
  mode?: 'enforce' | 'report';
  /** `answer` answers a refused request itself; `next` passes a {@link CarapaceError} with `errors` to the app. Default `answer`. */
  onReject?: 'answer' | 'next';
  /** Called with each finding, rule `invalid`; what it throws becomes a process warning. */
  onFinding?: (finding: Finding) => void;
}

/** What a schema makes. */
export type SchemaOutput<Schema> = Schema extends StandardSchema<any, infer Output> ? Output : never;

/** The members of a request that schemas have made, those that Express's types cannot carry too: `request as Request & Validated<typeof schemas>`. */
export type Validated<Schemas extends ValidateSchemas> = {
  [
    Location in keyof Schemas & keyof ValidateSchemas as undefined extends Schemas[Location] ? never : Location
  ]: SchemaOutput<Schemas[Location]>;
};

/** A middleware after which handlers see the types of the schemas for `params`, `query` and `body`; Express's types carry them along. */
export type ValidateMiddleware<Schemas extends ValidateSchemas> = (
  request: IncomingMessage & Pick<Validated<Schemas>, keyof Validated<Schemas> & ('params' | 'query' | 'body')>,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void;

/** The type of {@link validate}. */
export interface Validate {
  <const Schemas extends ValidateSchemas>(schemas: Schemas, options?: ValidateOptions): ValidateMiddleware<Schemas>;
  /**
   * A joi schema with options of joi's, such as `{ stripUnknown: true }`; `{ externals: true }` makes it asynchronous. Without options a joi schema
   * is taken as it is. All errors are reported, not the first alone.
   */
  joi<Output>(schema: StandardSchema<any, Output>, options?: Record<string, unknown>): StandardSchema<any, Output>;
  joi<Output = any>(
    schema: { validate(value: any, options?: any): any },
    options?: Record<string, unknown>,
  ): StandardSchema<any, Output>;
}

/**
 * Checks the parts of a request against schemas of any validator, and puts what they make in the place of what came. A request that
 * does not fit is answered with 400 and one list of all errors of all parts: `errors: [{ location, pointer, detail }]` (RFC 9457). With
 * synchronous schemas `next` is called in the same tick. To be mounted on the route, after the readers; a schema that throws is a 500.
 * @example
 * app.post('/users/:id', validate({ params: z.object({ id: z.coerce.number() }), body: z.strictObject({ name: z.string() }) }), update);
 * @throws {CarapaceError} for what is no schema, and for options that are unknown, of the wrong type or out of range
 */
export const validate: Validate;

/** What is asked of a cookie. */
export interface CookiePolicy {
  /** Add `HttpOnly`, so that scripts cannot read it. Default true. */
  httpOnly?: boolean;
  /** Add `Secure`: `'auto'`, when the request came over https; always; never. Default `'auto'`. */
  secure?: 'auto' | boolean;
  /**
   * The least that `SameSite` must be; a cookie without it, or with a weaker or unknown one, gets this. `none` makes `Secure` necessary.
   * `false` leaves it alone. Default `lax`.
   */
  sameSite?: 'strict' | 'lax' | 'none' | false;
  /** Add `Partitioned` (CHIPS) to cookies that are `Secure`. Default false. */
  partitioned?: boolean;
  /** The longest life in milliseconds, 0 to 2147483647 or `Infinity`: a longer `Max-Age` or `Expires` is cut. Default `Infinity`. */
  maxAgeMs?: number;
}

/** Options of {@link cookies}. */
export interface CookiesOptions extends ReportingOptions, CookiePolicy {
  /**
   * What is different for some: a name, or a pattern in which `*` stands for any characters, and what is asked of it, or `false` to leave it
   * alone. The name itself counts first, then the longest pattern. Names are compared with case.
   */
  cookies?: Record<string, CookiePolicy | false>;
  /** Who may say that the client came over https, as in {@link SecurityHeadersOptions.trustProxy}. */
  trustProxy?: false | number | string | string[];
  /** `report` changes nothing and only tells. Default `enforce`. */
  mode?: 'enforce' | 'report';
}

/**
 * Holds every `Set-Cookie` that leaves to one policy (RFC 6265bis), whoever sets it and however, before or after this middleware. Adds
 * what is missing, strengthens what is weaker, weakens nothing; the order of attributes stays. `__Host-`, `__Secure-`, `__Http-` and
 * `__Host-Http-` get what their names promise; what browsers ignore anyway is not sent.
 * @example
 * app.use(cookies({ sameSite: 'strict', cookies: { theme: { httpOnly: false }, 'embed-*': { sameSite: 'none' } } }));
 * @throws {CarapaceError} for options that are unknown, of the wrong type, out of range or in conflict
 */
export function cookies(options?: CookiesOptions): Middleware;

/** One thing that is wrong with a request. Never its value. */
export interface FieldError {
  /** The part of the request; absent when the error did not say. */
  location?: 'body' | 'query' | 'params' | 'headers' | 'cookies';
  /** JSON pointer (RFC 6901) below the location; empty for the whole of it. */
  pointer: string;
  /** What is wrong, at most 200 characters. */
  detail: string;
}

/** What a client is told of an error (RFC 9457). */
export interface ProblemDocument {
  type: string;
  /** The phrase of the status. */
  title?: string;
  /** 400 to 599. */
  status: number;
  /** The error's message where it says `expose: true`, words of our own for errors that are known, else absent. */
  detail?: string;
  /** Of a {@link CarapaceError}. */
  code?: string;
  /** The rule or limit that refused a body. */
  rule?: string;
  /** JSON pointer of the place in a refused body. */
  pointer?: string;
  /** What is wrong with each member of a request, at most 100. */
  errors?: FieldError[];
  /** The request's id, as in its header and in the log. */
  id: string;
  /** The stacks of the error and its causes; only in development. */
  stack?: string[];
}

/** A logger in the way of pino: `(fields, message)`. */
export interface ErrorLogger {
  error(fields: object, message: string): unknown;
  warn?(fields: object, message: string): unknown;
}

/** Options of {@link errorHandler}. */
export interface ErrorHandlerOptions extends ReportingOptions {
  /**
   * Writes the body instead: text, bytes, or a value that becomes JSON. Gets the error as it was thrown, and what would be told by default,
   * which is safe to pass on. A shape that throws, or gives a promise or `undefined`, is answered by the default. Default: the problem
   * document, or a page.
   */
  shape?: (error: any, request: any, problem: ProblemDocument) => unknown;
  /** Answer a client that would rather read HTML (`Accept`) with a page of the same content. Default true. */
  html?: boolean;
  /**
   * Show stacks, and messages of all errors. Default: whether NODE_ENV is `development`. `true` under NODE_ENV `production` throws
   * ERR_CARAPACE_OPTION_CONFLICT.
   */
  development?: boolean;
  /** The status of errors that a validator has thrown (zod, valibot, arktype, joi), 400 to 499; `false`: they are errors like others. Default 400. */
  validationStatus?: number | false;
  /**
   * The header of the request's id: read where it is 1 to 128 letters, digits or `_ . : ~ + / = @ -`, else made (UUID), and sent back.
   * `false`: neither. Default `x-request-id`. An id that a logger put on the response or at `request.id` is taken first.
   */
  requestId?: string | boolean;
  /**
   * Called with every error before it is answered; or a logger, which gets `{ err, status, id, method, path }`, errors below 500 as
   * warnings. What it throws becomes a process warning.
   */
  onError?: ((error: any, request: any, about: { status: number; id: string }) => unknown) | ErrorLogger;
}

/** An error middleware for Express and Connect; without `next` for plain `node:http`. */
export type ErrorMiddleware = (
  error: any,
  request: IncomingMessage,
  response: ServerResponse,
  next?: (error?: unknown) => void,
) => void;

/** The type of {@link errorHandler}. */
export interface ErrorHandler {
  (options?: ErrorHandlerOptions): ErrorMiddleware;
  /** A middleware for the end of the app: passes on a {@link CarapaceError} with status 404, ERR_CARAPACE_NOT_FOUND. */
  notFound(): Middleware;
}

/**
 * Answers errors in one shape, a problem document (RFC 9457), and tells nothing that the error does not say is meant for clients. Headers
 * that are set stay: security, CORS, limits. To be mounted last.
 * @example
 * app.use(errorHandler.notFound());
 * app.use(errorHandler({ onError: log }));
 * @throws {CarapaceError} for options that are unknown, of the wrong type, out of range or in conflict
 */
export const errorHandler: ErrorHandler;

type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

/** A directive's name on the wire: CSP Level 3, the specifications that extend it, and old ones that configurations carry. */
export type CspDirectiveName =
  | 'default-src'
  | 'base-uri'
  | 'child-src'
  | 'connect-src'
  | 'fenced-frame-src'
  | 'font-src'
  | 'form-action'
  | 'frame-ancestors'
  | 'frame-src'
  | 'img-src'
  | 'manifest-src'
  | 'media-src'
  | 'navigate-to'
  | 'object-src'
  | 'prefetch-src'
  | 'report-to'
  | 'report-uri'
  | 'require-sri-for'
  | 'require-trusted-types-for'
  | 'sandbox'
  | 'script-src'
  | 'script-src-attr'
  | 'script-src-elem'
  | 'style-src'
  | 'style-src-attr'
  | 'style-src-elem'
  | 'trusted-types'
  | 'upgrade-insecure-requests'
  | 'block-all-mixed-content'
  | 'webrtc'
  | 'worker-src';

/**
 * Called for each response, in the directive's place. Returns one source expression of at most 2048 characters, or `''` for
 * none. A promise, another type, more than one token, or text that the directive's grammar does not take is dropped with an event
 * `header.dropped` (`rule`: `value.type`, `value.refused` or `function.threw`), and the rest of the policy is sent; a
 * directive left without sources gets `'none'`.
 */
export type CspSourceFunction = (request: any, response: any) => string;

/**
 * A directive's value: source expressions (several in one string are split at spaces), functions, any mix of them in an
 * array or a Set; `true` or `[]` for a directive without a value; `null` takes a default away.
 */
export type CspDirectiveValue = string | CspSourceFunction | Iterable<string | CspSourceFunction> | true | null;

/** Directives in camel case or with dashes; giving one in both spellings throws. */
export type CspDirectives = { [Name in CspDirectiveName | CamelCase<CspDirectiveName>]?: CspDirectiveValue };

/** One Content-Security-Policy (CSP Level 3). */
export interface ContentSecurityPolicyOptions {
  /** Whether the preset's directives come first and `directives` change them. Default true. */
  useDefaults?: boolean;
  /**
   * The directives. Throws ERR_CARAPACE_OPTION_UNKNOWN for a directive that no standard names, and ERR_CARAPACE_CSP_SOURCE for
   * a value that would not do what it says: an unquoted keyword, nonce or hash; a constant nonce; a hash of the wrong length;
   * `'none'` beside other sources; `;` or `,`. `reportTo` must name an entry of `reportingEndpoints`.
   */
  directives?: CspDirectives;
  /**
   * Puts a fresh nonce of 144 random bits into `script-src` (`true`) or into the directives named: `script-src`,
   * `script-src-elem`, `style-src`, `style-src-elem`, `default-src`. Templates find it as `res.locals.cspNonce`; all
   * policies of a response share it. A response with a nonce that sets no `Cache-Control` of its own is sent with
   * `private, no-cache`. Default false, or `script-src` with `strictDynamic`.
   */
  nonce?: boolean | string[];
  /**
   * Google's strict policy: `script-src 'nonce-…' 'strict-dynamic' https: 'unsafe-inline'` (the last two only count in browsers
   * without nonces), `object-src 'none'`, `base-uri 'none'`. Directives given by yourself are kept; `script-src` gets the
   * keywords added. Default false. Throws ERR_CARAPACE_OPTION_CONFLICT when nothing in `script-src` could be trusted.
   */
  strictDynamic?: boolean;
  /** Lets the policy lack `default-src`; without it that throws ERR_CARAPACE_OPTION_CONFLICT. Default false. */
  allowMissingDefaultSrc?: boolean;
}

/** A value as text or as `{ policy }`, with the endpoint of `reportingEndpoints` that violations are reported to. */
export interface ReportedPolicy<Policy extends string> {
  policy?: Policy;
  /** A name from `reportingEndpoints`. */
  reportTo?: string;
}

export type EmbedderPolicy = 'require-corp' | 'credentialless' | 'unsafe-none';
export type OpenerPolicy = 'same-origin' | 'same-origin-allow-popups' | 'noopener-allow-popups' | 'unsafe-none';
export type ResourcePolicy = 'same-origin' | 'same-site' | 'cross-origin';
export type IsolationPolicy = 'isolate-and-require-corp' | 'isolate-and-credentialless' | 'none';
export type ReferrerToken =
  | 'no-referrer'
  | 'no-referrer-when-downgrade'
  | 'same-origin'
  | 'origin'
  | 'strict-origin'
  | 'origin-when-cross-origin'
  | 'strict-origin-when-cross-origin'
  | 'unsafe-url'
  | '';
export type CrossDomainPolicies = 'none' | 'master-only' | 'by-content-type' | 'all';

/** A feature of `Permissions-Policy`, of W3C's registry, of a specification or of a browser. */
export type PermissionsFeature =
  | 'accelerometer'
  | 'all-screens-capture'
  | 'ambient-light-sensor'
  | 'aria-notify'
  | 'attribution-reporting'
  | 'autofill'
  | 'autoplay'
  | 'battery'
  | 'bluetooth'
  | 'browsing-topics'
  | 'camera'
  | 'captured-surface-control'
  | 'clipboard-read'
  | 'clipboard-write'
  | 'compute-pressure'
  | 'conversion-measurement'
  | 'cross-origin-isolated'
  | 'deferred-fetch'
  | 'deferred-fetch-minimal'
  | 'device-attributes'
  | 'digital-credentials-create'
  | 'digital-credentials-get'
  | 'direct-sockets'
  | 'direct-sockets-private'
  | 'display-capture'
  | 'document-domain'
  | 'encrypted-media'
  | 'execution-while-not-rendered'
  | 'execution-while-out-of-viewport'
  | 'focus-without-user-activation'
  | 'fullscreen'
  | 'gamepad'
  | 'geolocation'
  | 'gyroscope'
  | 'hid'
  | 'identity-credentials-get'
  | 'idle-detection'
  | 'interest-cohort'
  | 'join-ad-interest-group'
  | 'keyboard-map'
  | 'language-detector'
  | 'language-model'
  | 'local-fonts'
  | 'local-network'
  | 'local-network-access'
  | 'loopback-network'
  | 'magnetometer'
  | 'manual-text'
  | 'media-playback-while-not-visible'
  | 'mediasession'
  | 'microphone'
  | 'midi'
  | 'navigation-override'
  | 'on-device-speech-recognition'
  | 'otp-credentials'
  | 'payment'
  | 'payment-handler'
  | 'picture-in-picture'
  | 'popins'
  | 'private-aggregation'
  | 'private-state-token-issuance'
  | 'private-state-token-redemption'
  | 'publickey-credentials-create'
  | 'publickey-credentials-get'
  | 'rewriter'
  | 'run-ad-auction'
  | 'screen-wake-lock'
  | 'serial'
  | 'shared-storage'
  | 'shared-storage-select-url'
  | 'smart-card'
  | 'speaker-selection'
  | 'storage-access'
  | 'sub-apps'
  | 'summarizer'
  | 'sync-xhr'
  | 'translator'
  | 'unload'
  | 'usb'
  | 'usb-unrestricted'
  | 'web-app-installation'
  | 'web-share'
  | 'window-management'
  | 'writer'
  | 'xr-spatial-tracking';

/**
 * Who may use a feature: `self`, origins (`https://a.example`, `https://*.a.example`), `src`; or alone `*` for everybody, `none`
 * or `[]` for nobody. `null` takes a default away, so that the browser's own default holds.
 */
export type PermissionsAllowlist = string | string[] | null;

/** `Permissions-Policy` (W3C Permissions Policy). */
export interface PermissionsPolicyOptions {
  /** Whether OWASP's 29 features come first: all off but `sync-xhr=(self)`. Default true. */
  useDefaults?: boolean;
  /**
   * Feature (camel case or dashed) → allowlist. Throws ERR_CARAPACE_OPTION_UNKNOWN for a feature that this version does
   * not know, and ERR_CARAPACE_OPTION_VALUE for an allowlist entry that is no origin.
   */
  features?: {
    [Name in PermissionsFeature | CamelCase<PermissionsFeature> | `ch-${string}`]?: PermissionsAllowlist;
  };
  /** A name from `reportingEndpoints`, put on every feature. */
  reportTo?: string;
  /** Lets features through that this version does not know. Default false. */
  allowUnknownFeatures?: boolean;
}

/** `Integrity-Policy` (W3C Subresource Integrity). */
export interface IntegrityPolicyOptions {
  /** What is blocked without integrity metadata. Default `['script']`. Empty and repeated lists throw. */
  blockedDestinations?: ('script' | 'style')[];
  /** Names from `reportingEndpoints`. */
  endpoints?: string[];
}

/** `Strict-Transport-Security` (RFC 6797). */
export interface StrictTransportSecurityOptions {
  /** Seconds for which browsers keep to https: a whole number from 0, which switches it off. Default 31536000, a year. */
  maxAge?: number;
  /** Whether subdomains are bound too. Default true. */
  includeSubDomains?: boolean;
  /**
   * Whether the site agrees to be built into browsers. Default false. Throws ERR_CARAPACE_OPTION_CONFLICT with a `maxAge` below a
   * year or without `includeSubDomains`, because the list refuses that.
   */
  preload?: boolean;
}

/**
 * Options of {@link securityHeaders}. Each header's option takes `false` (not sent), `true` (the default named here, whatever the
 * preset), or a value; left out, the preset decides. Every bad value throws a {@link CarapaceError} with `path` when the factory
 * is called.
 */
export interface SecurityHeadersOptions extends ReportingOptions {
  /**
   * `web` (default): byte for byte what helmet 8.3 sends by default. `api`: for JSON, without what only a rendered page needs.
   * `strict`: per header at least as strict as OWASP's `headers_add` list, except `Clear-Site-Data`; 130 points in Mozilla's
   * Observatory; takes OWASP's list of leaking headers away.
   */
  preset?: 'web' | 'api' | 'strict';
  /** The enforced policy, or several, each sent as a line of its own: a browser obeys all of them. */
  contentSecurityPolicy?: boolean | ContentSecurityPolicyOptions | ContentSecurityPolicyOptions[];
  /** Policies that are only reported, beside the enforced ones. Not sent by default. */
  contentSecurityPolicyReportOnly?: boolean | ContentSecurityPolicyOptions | ContentSecurityPolicyOptions[];
  /** Whether embedded resources must opt in. Not sent by default, except in `strict`; `true`: `require-corp`. */
  crossOriginEmbedderPolicy?: boolean | EmbedderPolicy | ReportedPolicy<EmbedderPolicy>;
  /** As `crossOriginEmbedderPolicy`, only reported. Not sent by default. */
  crossOriginEmbedderPolicyReportOnly?: boolean | EmbedderPolicy | ReportedPolicy<EmbedderPolicy>;
  /** Whether other windows can reach this one. Default `same-origin`; not in `api`. */
  crossOriginOpenerPolicy?: boolean | OpenerPolicy | ReportedPolicy<OpenerPolicy>;
  /** As `crossOriginOpenerPolicy`, only reported. Not sent by default. */
  crossOriginOpenerPolicyReportOnly?: boolean | OpenerPolicy | ReportedPolicy<OpenerPolicy>;
  /** Who may embed this response (Fetch). Default `same-origin`. */
  crossOriginResourcePolicy?: boolean | ResourcePolicy | { policy?: ResourcePolicy };
  /** `Origin-Agent-Cluster: ?1`: the origin is kept apart from its sister subdomains. On by default; not in `api`. */
  originAgentCluster?: boolean;
  /** What `Referer` tells others; browsers take the last token of a list that they know. Default `no-referrer`. */
  referrerPolicy?: boolean | ReferrerToken | ReferrerToken[] | { policy?: ReferrerToken | ReferrerToken[] };
  /** https only, from now on. Default one year with subdomains; two years in `strict`. See `secureOnly`. */
  strictTransportSecurity?: boolean | StrictTransportSecurityOptions;
  /** `X-Content-Type-Options: nosniff` (Fetch). On by default. */
  xContentTypeOptions?: boolean;
  /** Whether browsers look up the names of links beforehand. Default `off`; not in `api`. */
  xDnsPrefetchControl?: boolean | 'on' | 'off' | { allow?: boolean };
  /** `X-Download-Options: noopen`, for old Internet Explorers. On by default; not in `api`. */
  xDownloadOptions?: boolean;
  /** Who may frame the page, in browsers without `frame-ancestors` (RFC 7034). Default `sameorigin`; `deny` in `api` and `strict`. */
  xFrameOptions?:
    | boolean
    | 'deny'
    | 'sameorigin'
    | 'DENY'
    | 'SAMEORIGIN'
    | { action?: 'deny' | 'sameorigin' | 'DENY' | 'SAMEORIGIN' };
  /** What Adobe products may load. Default `none`; not in `api`. */
  xPermittedCrossDomainPolicies?: boolean | CrossDomainPolicies | { permittedPolicies?: CrossDomainPolicies };
  /** `X-XSS-Protection: 0`: the old filters made holes of their own. On by default; not in `api`. */
  xXssProtection?: boolean;
  /** Which features of the browser the page may use. Not sent by default, except in `strict`; `true`: OWASP's 29 features. */
  permissionsPolicy?: boolean | PermissionsPolicyOptions;
  /** As `permissionsPolicy`, only reported. Not sent by default. */
  permissionsPolicyReportOnly?: boolean | PermissionsPolicyOptions;
  /** Blocks scripts or styles without integrity metadata. Not sent by default; `true`: scripts. */
  integrityPolicy?: boolean | IntegrityPolicyOptions;
  /** As `integrityPolicy`, only reported. Not sent by default. */
  integrityPolicyReportOnly?: boolean | IntegrityPolicyOptions;
  /** Cross-origin isolation of one document (WICG). Not sent by default; `true`: `isolate-and-require-corp`. */
  documentIsolationPolicy?: boolean | IsolationPolicy | ReportedPolicy<IsolationPolicy>;
  /** As `documentIsolationPolicy`, only reported. Not sent by default. */
  documentIsolationPolicyReportOnly?: boolean | IsolationPolicy | ReportedPolicy<IsolationPolicy>;
  /**
   * `Reporting-Endpoints`: name → https URL or path of the same origin. Default none. Every `reportTo` and every `endpoints`
   * must name one of them.
   */
  reportingEndpoints?: Record<string, string>;
  /** `Cache-Control`. `no-store` and `true`: `no-store, max-age=0`. Not sent in `web`; `no-store` in `api` and `strict`. */
  cacheControl?: boolean | string;
  /**
   * Response headers that are taken away whatever sets them, until the moment they are sent: names, `owasp` for OWASP's list
   * of 87, `false` for none, `true` for the preset's. Default `['x-powered-by']`; `owasp` in `strict`. Throws for headers that
   * frame the message, such as `Content-Length`, and for those these options set.
   */
  removeHeaders?: boolean | 'owasp' | string[];
  /**
   * Sends HSTS and `upgrade-insecure-requests` only when the request came over https (RFC 6797, section 7.2). Default true.
   * `false` sends them always, as helmet does.
   */
  secureOnly?: boolean;
  /**
   * Who may say, with `X-Forwarded-Proto`, that the client came over https: `false` nobody; a number of proxies in front of
   * the app, 0 to 64; or addresses, CIDR ranges, `loopback`, `linklocal`, `uniquelocal`. Default: Express's own `trust proxy`, unless
   * that trusts everybody, which is not followed and reported once as `proxy.trust-all`. `true` throws.
   */
  trustProxy?: false | number | string | string[];
}

/**
 * Sets security headers and takes away those that leak. Later `setHeader` and `removeHeader` by the app win, except for
 * `removeHeaders`. All values are checked and written once, here; a request costs a loop of `setHeader`.
 * @example
 * app.use(securityHeaders());
 * app.use(securityHeaders({ contentSecurityPolicy: { nonce: true, directives: { imgSrc: ["'self'", 'https://img.example'] } } }));
 * @throws {CarapaceError} for options that are unknown, of the wrong type, out of range or in conflict
 */
export function securityHeaders(options?: SecurityHeadersOptions): Middleware;

export namespace securityHeaders {
  /** What `Clear-Site-Data` can name (W3C Clear Site Data). */
  type SiteDataType =
    'cache' | 'cookies' | 'storage' | 'executionContexts' | 'clientHints' | 'prefetchCache' | 'prerenderCache' | '*';

  /**
   * A middleware for routes that end a session: the browser forgets what it stored for this origin. Browsers obey it over
   * https only. Default `['cache', 'cookies', 'storage']`.
   * @example
   * app.post('/logout', securityHeaders.clearSiteData(), logout);
   * @throws {CarapaceError} for an unknown, repeated or missing type
   */
  function clearSiteData(types?: SiteDataType[]): Middleware;

  /**
   * The directives a preset's policy starts from, dashed name → sources, as a new object. Default `web`.
   * @throws {CarapaceError} for an unknown preset
   */
  function defaultDirectives(preset?: 'web' | 'api' | 'strict'): Record<string, string[]>;
}

/** One rule about origins: a serialised origin, one with wildcards (`https://*.example.com`, `http://localhost:*`), or an anchored pattern. */
export type CorsOriginRule = string | RegExp;

/** What a function may say about an origin: `true`, `false`, or the rules that it has to meet. */
export type CorsOriginAnswer = boolean | CorsOriginRule | readonly CorsOriginRule[] | null | undefined;

/**
 * Decides about the origin of a request, in one of three forms: it returns its answer, a promise of it, or, with a third
 * parameter, calls back. What it throws means no. Not called without an `Origin`, or with one that is none.
 */
export type CorsOriginFunction = (
  origin: string,
  request: any,
  callback: (error: unknown, answer?: CorsOriginAnswer) => void,
) => MaybePromise<CorsOriginAnswer | void>;

/** Chooses the options of a request. Objects are compiled once, so return the same ones again. With a second parameter it calls back. */
export type CorsOptionsFunction = (
  request: any,
  callback: (error: unknown, options?: CorsOptions) => void,
) => MaybePromise<CorsOptions | void>;

/** Options of {@link cors}. */
export interface CorsOptions extends ReportingOptions {
  /**
   * Who may read the responses. `'*'`: everybody, with one answer for all. `true`: everybody, by name. A string: one origin, as
   * browsers write it, or a wildcard; a list of them; a regular expression that starts with `^` and ends with `$`; `'null'` for pages that
   * hide their origin; a function. `false`: nothing is done at all. Default `'*'`. With `credentials`, `'*'` and `true` throw.
   */
  origin?: boolean | CorsOriginRule | readonly CorsOriginRule[] | CorsOriginFunction;
  /** Methods that a preflight allows, as a list or text with commas. Default `GET,HEAD,PUT,PATCH,POST,DELETE`. */
  methods?: string | readonly string[];
  /** Request headers that a preflight allows. Default: those that it asks for. */
  allowedHeaders?: string | readonly string[];
  /** Response headers that scripts may read besides the safe ones. Default none. */
  exposedHeaders?: string | readonly string[];
  /** Let requests carry cookies and other credentials. Default false. */
  credentials?: boolean;
  /** For how many seconds browsers may keep a preflight's answer, 0 to 2147483647. Default: not sent, which browsers take for 5. */
  maxAge?: number;
  /** Pass preflights on when their headers are set, in place of answering them. Default false. */
  preflightContinue?: boolean;
  /** The status of an answered preflight, 200 to 299. Default 204. */
  optionsSuccessStatus?: number;
  /** Let pages of public networks reach this server in a private one (`Access-Control-Allow-Private-Network`). Default false. */
  allowPrivateNetwork?: boolean;
  /** Answer requests from origins that are not allowed with 403; those from the app's own pages pass. Default false: only browsers refuse. */
  enforce?: boolean;
  /** `report`: a denied origin is only reported, and its request, preflights too, goes on. Default `enforce`. */
  mode?: 'enforce' | 'report';
  /** With `enforce`: `answer` sends the 403 as a problem document, `next` hands the error to the app. Default `answer`. */
  onReject?: 'answer' | 'next';
}

/**
 * Makes a middleware that tells browsers which origins may read the responses (CORS, Fetch section 3.2), and answers preflights.
 * @example
 * app.use(cors({ origin: ['https://app.example.com', 'https://*.preview.example.com'], credentials: true }));
 * @throws {CarapaceError} for options that are unknown, of the wrong type, or would let in whom they do not mean to
 */
export function cors(options?: CorsOptions | CorsOptionsFunction): Middleware;

/** What the chain and each of its rules may say about the parts: a part's own options, `true` for its defaults, or `false`. */
export interface CarapaceParts {
  /** Off by default; on in the preset `strict`. */
  cookies?: CookiesOptions | boolean;
  /** On by default. */
  securityHeaders?: SecurityHeadersOptions | boolean;
  /** Off by default, because only the app knows whose pages may read it. */
  cors?: CorsOptions | boolean;
  /** Off by default, because only the app knows its limit; on in the preset `strict`. Or a limiter that the app has made. */
  rateLimit?: RateLimitOptions | RateLimiter | boolean;
  /** On by default. */
  queryParser?: QueryParserOptions | boolean;
  /** On by default. */
  json?: JsonOptions | boolean;
  /** On by default; off in the preset `api`. */
  urlencoded?: UrlencodedOptions | boolean;
  /** On by default. A value that the chain's own readers built under the same rules is not walked again. */
  sanitize?: SanitizeOptions | boolean;
  /** On by default. */
  hpp?: HppOptions | boolean;
  /**
   * Schemas of the parts of a request, as {@link validate} takes them, beside its options. Off by default; of use for a rule. Route
   * parameters exist only in the route, so `params` throws here.
   */
  validate?: (Omit<ValidateSchemas, 'params'> & ValidateOptions) | false;
  /** Limits failed logins, as {@link rateLimit.login} does, after the body is read. Off by default; of use for a rule. */
  login?: LoginLimitOptions | false;
}

/** What is different for the requests of one rule. A part's options are joined with those of the chain; the limiter's are not. */
export interface RouteOptions extends CarapaceParts {
  /** `report` refuses nothing for this rule. Default: that of the chain. */
  mode?: 'enforce' | 'report';
  /** Whether the chain's own limiter counts these requests, too. Default true. */
  globalLimit?: boolean;
}

/** Options of {@link carapace}. */
export interface CarapaceOptions extends CarapaceParts, ReportingOptions {
  /** What the parts start from. `web` (default), `api`: JSON, no pages and no forms; `strict`: refuse what the others clean. */
  preset?: 'web' | 'api' | 'strict';
  /** `report` changes and refuses nothing and only tells. Default `enforce`. */
  mode?: 'enforce' | 'report';
  /** `answer` answers refused requests itself; `next` passes a {@link CarapaceError} to the app. Default `answer`. */
  onReject?: 'answer' | 'next';
  /** Whom `X-Forwarded-For` and `-Proto` are believed, for all parts: as in {@link ClientOptions}. Default: Express's `trust proxy`. */
  trustProxy?: false | number | string | string[];
  /** Rules: `'POST /login'`, `'ALL /api/*path'` or `'/admin'` → what is different there. The first that matches counts. */
  routes?: Record<string, RouteOptions>;
  /** Options of `shield.errorHandler`. */
  errorHandler?: ErrorHandlerOptions;
  /** What is measured; `false`: no latencies. */
  metrics?: boolean | MetricsOptions;
}

/** How the metrics of a {@link Shield} are given out. */
export interface MetricsOptions {
  /** A registry of prom-client, which then has the chain's metrics as well. */
  registry?: object;
  /** What their names start with. Default `carapace_`. */
  prefix?: string;
  /** Measure the latency of one request in so many, from 1; `Infinity` for none. Default 64. */
  sample?: number;
}

/** Latencies in seconds: how many were measured, their sum, and how many were at most `le`. */
export interface LatencyHistogram {
  count: number;
  sum: number;
  buckets: { le: number; count: number }[];
}

/** What a chain has counted. As text, Prometheus's format. */
export interface ShieldMetrics {
  requests: number;
  /** What each policy decided; of all limiters that have it. */
  decisions: { policy: string; allowed: number; denied: number }[];
  /** Requests that limiters settled without a count, by outcome. */
  uncounted: Record<string, number>;
  findings: { stem: string; rule: string; action: string; mode: string; count: number }[];
  /** By error code. */
  refusals: Record<string, number>;
  events: { stem: string; type: string; count: number }[];
  stores: { limiter: string; isUp: boolean }[];
  latency: { chain: LatencyHistogram; request: LatencyHistogram };
  toString(): string;
}

/** What {@link Shield.explain} tells. As text, for people. */
export interface ShieldExplanation {
  mode: 'enforce' | 'report';
  preset: 'web' | 'api' | 'strict';
  parts: { name: string; isOn: boolean; options: Record<string, any> }[];
  routes: { rule: string; options: Record<string, any> }[];
  /** What looks like a mistake; docs/carapace.md has a line for each code. */
  warnings: { code: string; message: string }[];
  toString(): string;
}

/** Options of {@link Shield.attach}. Numbers are whole, from 1, or `Infinity`. */
export interface AttachOptions {
  /** For how long a connection may take to send a request's header. Default 15000. */
  headersTimeoutMs?: number;
  /** For how long it may take to send the whole request. Default 120000. */
  requestTimeoutMs?: number;
  /** For how long a connection may be idle between requests. Default: Node's. */
  keepAliveTimeoutMs?: number;
  /** Header fields of one request. Default 100. */
  maxHeadersCount?: number;
  /** Requests on one connection. Default: Node's, no limit. */
  maxRequestsPerSocket?: number;
  /** Connections of the whole server. Default: no limit. */
  maxConnections?: number;
  /** Connections of one address at once. Behind a proxy all are the proxy's. Default: no limit. */
  connectionsPerAddress?: number;
  /** Leading bits of an IPv6 address that count as one for `connectionsPerAddress`. Default 56. */
  ipv6Prefix?: number | false;
  /** Whose pages may open WebSockets: as `origin` of {@link cors}. Default: those that the chain's `cors` allows, and the app's own; `false`: all. */
  upgradeOrigins?: boolean | string | readonly string[];
}

/** The middleware of {@link carapace}, with methods. */
export interface Shield extends Middleware {
  /**
   * The chain in front of an Express app or any handler of `node:http`, which sees only what passes. Follows an Express app's `trust
   * proxy`. When the app has the shield mounted as well, that does nothing more.
   * @example
   * http.createServer(shield.wrap(app)).listen(3000);
   * @throws {CarapaceError} for what is no function
   */
  wrap(handler: (request: any, response: any) => unknown): (request: any, response: any) => void;
  /**
   * Protects a server, whatever listens to it: each request as `wrap` does, `Expect: 100-continue`, WebSocket upgrades, slow and too many
   * connections, and what is no HTTP.
   * @example
   * shield.attach(server, { connectionsPerAddress: 100 }).listen(3000);
   * @throws {CarapaceError} for options that are wrong, and for an Express app on HTTP/2, which Express does not know
   */
  attach<Server extends object>(server: Server, options?: AttachOptions): Server;
  /**
   * Shuts down: attached servers take no new connection, requests under way get `timeoutMs` (default 10000), then stores are closed. Gives
   * whether every request was answered.
   */
  close(options?: { timeoutMs?: number }): Promise<boolean>;
  /** Forgets what all limiters have counted, for tests. */
  reset(): MaybePromise<void>;
  /** The chain's own limiter, or that of a rule, with its methods. */
  limiter(rule?: string): RateLimiter | undefined;
  /** What was counted, as data and (`String(…)`, or `metrics.text()`) as Prometheus's text. */
  metrics: (() => ShieldMetrics) & { text(): string };
  /** What is on, with which values, and what looks like a mistake. */
  explain(): ShieldExplanation;
  /** The app's last middleware: see {@link errorHandler}. */
  readonly errorHandler: ErrorMiddleware;
}

/**
 * The whole chain as one middleware in its one safe order (docs/order.md).
 * @example
 * const shield = carapace({ rateLimit: { limit: 100 }, cors: { origin: 'https://app.example.com' } });
 * app.use(shield);
 * app.use(shield.errorHandler);
 * @throws {CarapaceError} for options that are unknown, of the wrong type, out of range or in conflict
 */
export function carapace(options?: CarapaceOptions): Shield;
export default carapace;
