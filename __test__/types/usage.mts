// What an ES module in TypeScript may write; a line marked as an error must be one.
import express from 'express';
import carapace, {
  CarapaceError,
  hpp,
  sanitize,
  rateLimit,
  type CarapaceEvent,
  type RateLimitInfo,
  securityHeaders,
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

const error = new Error() as CarapaceError;
if (error instanceof CarapaceError && error.code === 'ERR_CARAPACE_OPTION_TYPE') error.path?.length;

// @ts-expect-error limit is required
rateLimit({});
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
