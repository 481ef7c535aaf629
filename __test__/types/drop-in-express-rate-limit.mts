// What users of express-rate-limit write in ES modules.
import * as everything from 'carapace/express-rate-limit';
import limit, {
  ipKeyGenerator,
  MemoryStore,
  rateLimit,
  type AugmentedRequest,
  type ClientRateLimitInfo,
  type Logger,
  type Options,
  type RateLimitInfo,
  type RateLimitRequestHandler,
  type Store,
} from 'carapace/express-rate-limit';
import express, { type NextFunction, type Request, type RequestHandler, type Response } from 'express';
import peer, { type Options as PeerOptions, type Store as PeerStore } from 'express-rate-limit';
import { RedisStore } from 'rate-limit-redis';

const app = express();

const limiter = rateLimit({
  windowMs: 15 * 60 * 1000,
  limit: 100,
  standardHeaders: 'draft-8',
  legacyHeaders: false,
  ipv6Subnet: 56,
});
app.use(limiter);
app.use('/api', limit(), rateLimit({ max: 5, headers: false }));
app.use(
  rateLimit({
    limit: async (request, response) => ((await isPremium(request.user)) ? 10 : response.locals.limit),
    message: async (request: Request) => `not ${request.ip}`,
    keyGenerator: (request) => request.query.apiKey ?? ipKeyGenerator(request.ip, 64),
    skip: (request: Request, _response: Response) => request.path === '/health',
    handler: (request, response, next, options) => {
      if (request.rateLimit.used === request.rateLimit.limit + 1) next(new Error(options.message));
      else response.status(options.statusCode).send(options.message);
    },
    requestWasSuccessful: (_request, response) => response.statusCode < 300,
    skipSuccessfulRequests: true,
    requestPropertyName: 'quota',
    identifier: (request) => `${request.method}`,
    validate: { xForwardedForHeader: false, default: true },
    retryAfter: () => 5,
    passOnStoreError: true,
  }),
);
app.get(
  '/',
  (request: Request & { rateLimit?: RateLimitInfo }, response) => void response.json(request.rateLimit?.remaining),
);

declare function isPremium(user: unknown): Promise<boolean>;

class OwnStore implements Store {
  prefix = 'own:';
  windowMs = 0;
  init(options: Options): void {
    this.windowMs = options.windowMs;
  }
  async get(_key: string): Promise<ClientRateLimitInfo | undefined> {
    return undefined;
  }
  async increment(_key: string): Promise<ClientRateLimitInfo> {
    return { totalHits: 1, resetTime: new Date() };
  }
  async decrement(_key: string): Promise<void> {}
  async resetKey(_key: string): Promise<void> {}
}
rateLimit({ store: new OwnStore() });
rateLimit({ store: new RedisStore({ sendCommand: async () => 1 }) });
const memory = new MemoryStore();
rateLimit({ store: memory });
memory.current.get('key')?.totalHits.toFixed();
memory.interval?.unref();

const logger: Logger = { error: console.error, warn: console.warn };
const handler: RequestHandler = rateLimit({ logger });
const same: RateLimitRequestHandler = everything.rateLimit();
same.resetKey('key');
const known: number | undefined = (await same.getKey('key'))?.totalHits;
const seen = (request: Request) => (request as AugmentedRequest).rateLimit.remaining;
const next: NextFunction = () => {};
void [handler, known, seen, next, everything.MINUTE];

// What is typed by the peer is taken, and the other way round.
const theirs: Partial<PeerOptions> = { limit: 5, keyGenerator: (request) => request.ip ?? '' };
rateLimit(theirs);
const ours: Partial<Options> = { limit: 5 };
peer(ours);
const peerStore: PeerStore = new OwnStore();
rateLimit({ store: peerStore });

// @ts-expect-error no such draft
rateLimit({ standardHeaders: 'draft-5' });
// @ts-expect-error no number
rateLimit({ windowMs: '15m' });
// @ts-expect-error no store
rateLimit({ store: { increment() {} } });
