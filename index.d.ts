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
  | 'ERR_CARAPACE_BODY_TOO_LARGE'
  | 'ERR_CARAPACE_BODY_MALFORMED'
  | 'ERR_CARAPACE_REQUEST_REJECTED'
  | 'ERR_CARAPACE_BODY_ABORTED'
  | 'ERR_CARAPACE_BODY_TIMEOUT'
  | 'ERR_CARAPACE_BODY_UNREADABLE'
  | 'ERR_CARAPACE_BODY_UNVERIFIED'
  | 'ERR_CARAPACE_MEDIA_TYPE';

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
  location?: 'body' | 'query' | 'params' | 'headers';
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

/** Where one policy stands for the client of a request. */
export interface RateLimitPolicyInfo {
  name: string;
  limit: number;
  /** Hits counted in the window, this one included. */
  used: number;
  remaining: number;
  /** When the window ends. */
  resetTime: Date;
  /** The client key as it was read. */
  key: string;
}

/** `request.rateLimit`: the strictest policy so far, and all of them. */
export interface RateLimitInfo extends RateLimitPolicyInfo {
  policies: RateLimitPolicyInfo[];
}

/** Options of {@link rateLimit}. */
export interface RateLimitOptions extends ReportingOptions {
  /** Hits allowed in a window for each client: a whole number, 0 to 2147483647. 0 denies every request. Required. */
  limit: number;
  /** Length of the window in milliseconds, 1 to 31536000000 (a year). Default 60000. It opens with a client's first hit. */
  windowMs?: number;
  /** The policy's name in the `RateLimit` fields and in events: 1 to 64 letters, digits, spaces or `_ . : / -`. Default `default`. */
  name?: string;
  /**
   * Names the client of a request. Default: its address, as Express's `trust proxy` finds it, or the connection's when that
   * setting trusts everybody. A result that is an address is brought to its canonical form.
   */
  keyGenerator?: (request: any) => string;
  /** Leading bits of an IPv6 address that tell clients apart, 1 to 128. Default 56, the least that one subscriber has. */
  ipv6Prefix?: number;
  /** Clients remembered at the most, 1 to 100000000. Default 1000000. Beyond it those with the least hits are forgotten. */
  maxKeys?: number;
  /** Where to count: a {@link hostStore}, for all processes of the host. Default: the memory of this process. */
  store?: HostStore;
  /** `report` counts and reports but denies nobody. Default `enforce`. */
  mode?: 'enforce' | 'report';
  /** `answer` writes the 429 itself; `next` passes a {@link CarapaceError} to the app's error handler. Default `answer`. */
  onReject?: 'answer' | 'next';
}

/**
 * Allows each client `limit` requests in a fixed window and answers the others with 429, `Retry-After` and a problem document
 * (RFC 9457). Sets `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers) and `request.rateLimit`. Hits are
 * counted in a native table of this limiter; a denied hit is counted too.
 * @example
 * app.use(rateLimit({ limit: 100, windowMs: 15 * 60_000 }));
 * @throws {CarapaceError} for options that are unknown, of the wrong type or out of range
 */
export function rateLimit(options: RateLimitOptions): Middleware;

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

/** What a rule found in a request, without the value. */
export interface Finding {
  /** `proto`, `operator`, `dotted`, `nul`, `duplicate`, or the limit that was passed, such as `too-deep`. */
  rule: string;
  /** JSON pointer (RFC 6901) of the member. */
  path: string;
  location: 'body' | 'query' | 'params' | 'headers';
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
   * Called with the bytes before anything looks at them, for example to check a signature. What it throws answers 403, or the
   * thrown error's own `status`.
   */
  verify?: (request: any, response: any, body: Buffer, encoding: string) => void;
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

/** Options of {@link carapace}: each part's own options, or `false` to leave it out. */
export interface CarapaceOptions {
  /** Off by default, because only the app knows its limit. */
  rateLimit?: RateLimitOptions | false;
  /** On by default. */
  json?: JsonOptions | boolean;
  /** On by default. */
  urlencoded?: UrlencodedOptions | boolean;
  /** On by default. */
  queryParser?: QueryParserOptions | boolean;
}

/**
 * The whole chain as one middleware in its one safe order.
 * @example
 * app.use(carapace({ rateLimit: { limit: 100 } }));
 * @throws {CarapaceError} for options that are unknown, of the wrong type or out of range
 */
export function carapace(options?: CarapaceOptions): Middleware;
export default carapace;
