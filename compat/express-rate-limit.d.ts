/// <reference types="node" />

/**
 * What a framework gives to a middleware: Express's own types are not needed for these, and functions that name them are
 * taken.
 */
type Request = any;
type Response = any;
type NextFunction = (error?: any) => void;

/** The key of an address: IPv6 as its network of so many bits (default 56, `false` for all of them), IPv4 as itself. */
export declare function ipKeyGenerator(ip: string, ipv6Subnet?: number | false): string;

export type DraftHeadersVersion = 'draft-6' | 'draft-7' | 'draft-8';

/** The checks that log mistakes; each runs once. */
export interface Validations {
  enabled: { [key: string]: boolean };
  disable(): void;
  ip(ip: string | undefined): void;
  trustProxy(request: Request): void;
  xForwardedForHeader(request: Request): void;
  forwardedHeader(request: Request): void;
  positiveHits(hits: any): void;
  unsharedStore(store: Store): void;
  singleCount(request: Request, store: Store, key: string): void;
  limit(limit: number): void;
  draftPolliHeaders(draft_polli_ratelimit_headers?: any): void;
  onLimitReached(onLimitReached?: any): void;
  headersDraftVersion(version?: any): void;
  headersResetTime(resetTime?: Date): void;
  knownOptions(passedOptions?: Partial<Options>): void;
  validationsConfig(): void;
  creationStack(store: Store): void;
  ipv6Subnet(ipv6Subnet?: any): void;
  ipv6SubnetOrKeyGenerator(options: Partial<Options>): void;
  keyGeneratorIpFallback(keyGenerator?: ValueDeterminingMiddleware<string>): void;
  windowMs(windowMs: number): void;
}

export type EnabledValidations = {
  [Name in keyof Omit<Validations, 'enabled' | 'disable'> | 'default']?: boolean;
};

export type LoggerFn = (error: unknown, message?: string) => void;
export type Logger = { error: LoggerFn; warn: LoggerFn };

export type IncrementCallback = (error: Error | undefined, totalHits: number, resetTime: Date | undefined) => void;
export type ValueDeterminingMiddleware<Value> = (request: Request, response: Response) => Value | Promise<Value>;
export type RateLimitExceededEventHandler = (
  request: Request,
  response: Response,
  next: NextFunction,
  optionsUsed: Options,
) => void;
export type RateLimitReachedEventHandler = (request: Request, response: Response, optionsUsed: Options) => void;

export type ClientRateLimitInfo = { totalHits: number; resetTime: Date | undefined };
export type IncrementResponse = ClientRateLimitInfo;
export type Client = { totalHits: number; resetTime: Date };

/** The middleware, with methods for single keys. */
export type RateLimitRequestHandler = ((request: Request, response: Response, next: NextFunction) => void) & {
  resetKey: (key: string) => void;
  getKey: (key: string) => Promise<ClientRateLimitInfo | undefined> | ClientRateLimitInfo | undefined;
};

/** A store with callbacks. */
export type LegacyStore = {
  incr: (key: string, callback: IncrementCallback) => void;
  decrement: (key: string) => void;
  resetKey: (key: string) => void;
  resetAll?: () => void;
};

/** Where hits are counted. */
export type Store = {
  init?: (options: Options) => void | Promise<void>;
  get?: (key: string) => Promise<ClientRateLimitInfo | undefined> | ClientRateLimitInfo | undefined;
  increment: (key: string) => Promise<IncrementResponse> | IncrementResponse;
  decrement: (key: string) => Promise<void> | void;
  resetKey: (key: string) => Promise<void> | void;
  resetAll?: () => Promise<void> | void;
  shutdown?: () => Promise<void> | void;
  localKeys?: boolean;
  prefix?: string;
};

/** The options of express-rate-limit 8. */
export type Options = {
  /** The window in milliseconds; default 60,000. */
  windowMs: number;
  /** Hits of one client in a window; default 5. */
  limit: number | ValueDeterminingMiddleware<number>;
  /** The body of a denial. */
  message: any | ValueDeterminingMiddleware<any>;
  /** The status of a denial; default 429. */
  statusCode: number;
  /** Whether `X-RateLimit-*` is sent; default true. */
  legacyHeaders: boolean;
  /** The draft whose fields are sent; `true` is draft 6; default false. */
  standardHeaders: boolean | DraftHeadersVersion;
  /** The name of the policy in the fields of draft 8. */
  identifier: string | ValueDeterminingMiddleware<string>;
  /** The seconds in `Retry-After`; default those until the reset. */
  retryAfter?: number | ValueDeterminingMiddleware<number>;
  /** Where the request tells of its limit; default `rateLimit`. */
  requestPropertyName: string;
  /** Whether a failed request is not counted. */
  skipFailedRequests: boolean;
  /** Whether a successful request is not counted. */
  skipSuccessfulRequests: boolean;
  /** Tells clients apart; by address by default. */
  keyGenerator: ValueDeterminingMiddleware<string>;
  /** Leading bits of an IPv6 address that tell clients apart; default 56. */
  ipv6Subnet: 64 | 60 | 56 | 52 | 50 | 48 | 32 | number | ValueDeterminingMiddleware<number> | false;
  /** Answers a denied request. */
  handler: RateLimitExceededEventHandler;
  /** Whether a request is left out. */
  skip: ValueDeterminingMiddleware<boolean>;
  /** What counts as success; a status below 400 by default. */
  requestWasSuccessful: ValueDeterminingMiddleware<boolean>;
  /** Where hits are counted; in the table of the process by default. */
  store: Store | LegacyStore;
  /** Which checks run. */
  validate: boolean | EnabledValidations;
  /** @deprecated `legacyHeaders` */
  headers?: boolean;
  /** @deprecated `limit` */
  max?: number | ValueDeterminingMiddleware<number>;
  /** Whether requests pass when the store fails; default false. */
  passOnStoreError: boolean;
  /** Where checks and stores tell of errors; the console by default. */
  logger: Logger;
};

export type RateLimitInfo = {
  limit: number;
  used: number;
  remaining: number;
  resetTime: Date | undefined;
  key: string;
};
export type AugmentedRequest = Request & { [key: string]: RateLimitInfo };

/** Counts in the process. */
export declare class MemoryStore {
  windowMs: number;
  previous: Map<string, Client>;
  current: Map<string, Client>;
  interval?: NodeJS.Timeout;
  localKeys: boolean;
  constructor(validations?: Validations);
  init(options: Options): void;
  get(key: string): Promise<ClientRateLimitInfo | undefined>;
  increment(key: string): Promise<ClientRateLimitInfo>;
  decrement(key: string): Promise<void>;
  resetKey(key: string): Promise<void>;
  resetAll(): Promise<void>;
  shutdown(): void;
}

export declare const rateLimit: (passedOptions?: Partial<Options>) => RateLimitRequestHandler;
export { rateLimit as default };

/** @deprecated 1,000 */
export declare const SECOND: number;
/** @deprecated 60,000 */
export declare const MINUTE: number;
/** @deprecated 3,600,000 */
export declare const HOUR: number;
/** @deprecated 86,400,000 */
export declare const DAY: number;
