// What an ES module in TypeScript may write; a line marked as an error must be one.
import type { IncomingMessage, ServerResponse } from 'node:http';
import express from 'express';
import carapace, {
  CarapaceError,
  cookies,
  cors,
  errorHandler,
  explainClient,
  hpp,
  queryParser,
  redisStore,
  sanitize,
  rateLimit,
  type CarapaceEvent,
  type CorsOptions,
  type CorsOptionsFunction,
  type RateLimitInfo,
  type RateLimitOptions,
  securityHeaders,
  urlencoded,
  type CspDirectives,
  type SecurityHeadersOptions,
} from 'carapace';

const app = express();
app.use(carapace({ rateLimit: { limit: 100 } }));
app.use(carapace());
app.use('/api', rateLimit({ limit: 100, windowMs: 60_000, onEvent: (event: CarapaceEvent) => void event.type }));
app.get('/', (request, response) => {
  const { rateLimit: info } = request as typeof request & { rateLimit?: RateLimitInfo };
  response.json(info?.remaining);
});

const own: CorsOptions = { origin: ['https://app.example.com', 'https://*.example.org', /^http:\/\/localhost:\d+$/] };
const choose: CorsOptionsFunction = async (request) => (request.url === '/open' ? { origin: '*' } : own);
app.use(
  cors(),
  cors(own),
  cors(choose),
  cors((_request, callback) => callback(null, own)),
);
app.use(cors({ origin: (origin) => origin.endsWith('.example') }), cors({ origin: async () => ['https://a.example'] }));
app.use(cors({ origin: (origin, _request, callback) => callback(null, origin === 'https://a.example') }));
app.use(carapace({ cors: own }));
// @ts-expect-error one name for each option
cors({ headers: ['X-A'] });
// @ts-expect-error a list holds rules
cors({ origin: [true] });

const error = new Error() as CarapaceError;
if (error instanceof CarapaceError && error.code === 'ERR_CARAPACE_OPTION_TYPE') error.path?.length;

rateLimit({ limit: 1, client: { trustProxy: ['loopback'], header: 'forwarded', ipv6Prefix: false } });
app.get('/client', (request, response) => response.json(explainClient(request, { header: 'cloudflare' }).rule));

const store = redisStore({ urls: ['redis://a', 'redis://b'], cluster: true, fallback: 'process', instances: 4 });
rateLimit({ limit: 1, store, onStoreFailure: 'closed' });
rateLimit({ limit: 1, store: 'redis://localhost' });
if (store.status().circuit === 'open') await store.close();
redisStore({ sendCommand: async (...args: string[]) => args.length });
// @ts-expect-error no such policy
redisStore({ onStoreFailure: 'never' });
// @ts-expect-error no such header
rateLimit({ limit: 1, client: { header: 'x-forwaded-for' } });
// @ts-expect-error limit, policies or delay is required
rateLimit({});
const limiter = rateLimit({
  policies: [{ name: 'a', limit: async (request) => Number(request.query.limit), needsBody: true }],
  onDecision: ({ action, policies }) => void [action, policies[0].remaining],
});
app.use(limiter, express.json(), limiter.afterBody);
void Promise.resolve(limiter.getKey('192.0.2.1', 'a')).then((info) => info?.policies.length);
app.post('/login', rateLimit.login({ account: (request) => request.body.user, addressLimit: false }));
rateLimit({ delay: { after: 5, ms: (used) => used * 100 } });
// @ts-expect-error each of the policies has a limit
rateLimit({ policies: [{ name: 'a' }] });
// @ts-expect-error the account is required
rateLimit.login({});
// @ts-expect-error no such option
rateLimit({ limit: 1, max: 2 });
// @ts-expect-error no such code
if (error.code === 'ERR_OTHER') error.message;

app.use(securityHeaders());
app.use(
  securityHeaders({
    preset: 'strict',
    contentSecurityPolicy: [
      { nonce: ['script-src'], directives: { imgSrc: ["'self'", (request) => request.hostname], 'font-src': null } },
      { strictDynamic: true, directives: { upgradeInsecureRequests: true, scriptSrc: new Set(["'self'"]) } },
    ],
    crossOriginOpenerPolicy: { policy: 'noopener-allow-popups', reportTo: 'main' },
    permissionsPolicy: { features: { camera: ['self'], screenWakeLock: 'none', 'ch-ua': '*' } },
    reportingEndpoints: { main: 'https://reports.example' },
    trustProxy: ['10.0.0.0/8'],
    removeHeaders: 'owasp',
  } satisfies SecurityHeadersOptions),
);
app.post('/logout', securityHeaders.clearSiteData(['cookies']));
const directives: Record<string, string[]> = securityHeaders.defaultDirectives('api');
securityHeaders({ contentSecurityPolicy: { useDefaults: false, directives: directives as CspDirectives } });

// @ts-expect-error no such directive
securityHeaders({ contentSecurityPolicy: { directives: { scirptSrc: ["'self'"] } } });
// @ts-expect-error no such feature
securityHeaders({ permissionsPolicy: { features: { camra: 'none' } } });
// @ts-expect-error helmet's old name
securityHeaders({ hsts: false });
// @ts-expect-error trusting everybody is refused
securityHeaders({ trustProxy: true });
// @ts-expect-error no such type
securityHeaders.clearSiteData(['cookie']);

app.use(
  sanitize({ locations: ['body', 'headers'], operator: { replaceWith: '_', allow: ['/filter/*'] }, jsonStrings: true }),
);
app.get('/users/:id', sanitize.params({ nul: 'report' }), (request, response) => response.json(request.params.id));
app.param('id', sanitize.params.param());
const cleaned: { name: string } = sanitize.value({ name: 'x' }, { action: 'reject' });
const isDirty: boolean = sanitize.compile({ maxDepth: 5 }).has(cleaned) || sanitize.has(cleaned);
app.use(
  hpp({
    keep: isDirty ? 'first' : 'last',
    whitelist: 'tags',
    scalar: ['role'],
    type: (request) => request.is('multipart'),
  }),
);
carapace({ sanitize: { mode: 'report' }, hpp: false });
app.use(urlencoded({ hpp: { keep: 'first', whitelist: ['tags'] } }), queryParser({ hpp: true }));
// @ts-expect-error only after the readers, for bodies of every type
urlencoded({ hpp: { scalar: 'role' } });

// @ts-expect-error no such place
sanitize({ locations: ['cookies'] });
// @ts-expect-error the peer's name
sanitize({ replaceWith: '_' });
// @ts-expect-error values have no place
sanitize.value({}, { locations: ['body'] });
// @ts-expect-error the peer's name
hpp({ checkQuery: false });
// @ts-expect-error no such choice
hpp({ keep: 'all' });

// Options can be made apart from the call.
const limits: RateLimitOptions = { limit: 5, windowMs: 1000 };
rateLimit(limits);
carapace({ rateLimit: limits });
app.use(errorHandler.notFound());
app.use(errorHandler({ shape: (error, request, { status, errors }) => ({ status, first: errors?.[0]?.pointer }) }));
app.use(errorHandler({ onError: console, development: false, validationStatus: 422, requestId: 'x-trace' }));
const handleError: (error: unknown, request: IncomingMessage, response: ServerResponse) => void = errorHandler();
void handleError;
// @ts-expect-error what a logger must have
errorHandler({ onError: { info() {} } });

app.use(
  cookies({ sameSite: 'strict', cookies: { theme: { httpOnly: false }, 'embed-*': { sameSite: 'none' }, old: false } }),
);
// @ts-expect-error no such choice
cookies({ sameSite: 'Lux' });
// @ts-expect-error a policy, or false
cookies({ cookies: { theme: true } });
