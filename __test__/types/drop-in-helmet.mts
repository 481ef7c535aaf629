// What users of helmet write in ES modules; everything that helmet's types take, the drop-in's take too.
import * as everything from 'carapace/helmet';
import helmet, { contentSecurityPolicy, frameguard, hsts, xFrameOptions, type HelmetOptions } from 'carapace/helmet';
import express, { type Request, type Response } from 'express';
import peer, { type HelmetOptions as PeerOptions } from 'helmet';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const app = express();

app.use(helmet());
app.use(helmet({ contentSecurityPolicy: false, xDownloadOptions: false }));
app.use(helmet({ contentSecurityPolicy: { directives: { 'script-src': ["'self'", 'example.com'] } } }));
app.use((_request, response, next) => {
  response.locals.cspNonce = randomBytes(32).toString('hex');
  next();
});
app.use(
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: helmet.contentSecurityPolicy.dangerouslyDisableDefaultSrc,
        scriptSrc: ["'self'", (_request, response) => `'nonce-${(response as Response).locals.cspNonce}'`],
        imgSrc: new Set(["'self'"]),
        'upgrade-insecure-requests': app.get('env') === 'development' ? null : [],
      },
    },
    crossOriginEmbedderPolicy: { policy: 'credentialless' },
    crossOriginOpenerPolicy: { policy: 'same-origin-allow-popups' },
    crossOriginResourcePolicy: { policy: 'same-site' },
    referrerPolicy: { policy: ['origin', 'unsafe-url'] },
    strictTransportSecurity: { maxAge: 63072000, preload: true },
    xDnsPrefetchControl: { allow: true },
    xFrameOptions: { action: 'deny' },
    xPermittedCrossDomainPolicies: { permittedPolicies: 'by-content-type' },
    xPoweredBy: false,
  }),
);
app.use(helmet.hsts({ maxAge: 1 }), helmet.frameguard(), helmet.noSniff(), helmet.hidePoweredBy());
app.use(hsts(), frameguard({ action: 'sameorigin' }), xFrameOptions());
app.use(contentSecurityPolicy({ directives: { ...contentSecurityPolicy.getDefaultDirectives(), 'img-src': ['*'] } }));
app.use('/pages', everything.default(), everything.referrerPolicy());

const handle = helmet();
createServer((request, response) => handle(request, response, (error?: unknown) => void response.end(String(error))));

const options: HelmetOptions = { hsts: false };
helmet(options);
// Options go both ways, but for the symbol in directives: each package has its own.
const theirs: Omit<PeerOptions, 'contentSecurityPolicy'> = {} as Omit<HelmetOptions, 'contentSecurityPolicy'>;
const mine: Omit<HelmetOptions, 'contentSecurityPolicy'> = theirs;
void mine;
const part: typeof peer.strictTransportSecurity = helmet.strictTransportSecurity;
const middleware: ReturnType<typeof peer> = helmet();
void [part, middleware, (_request: Request) => undefined];

// @ts-expect-error one name only
helmet({ hsts: true, strictTransportSecurity: true });
// @ts-expect-error no such policy
helmet({ crossOriginOpenerPolicy: { policy: 'none' } });
// @ts-expect-error directives are required without the defaults
helmet({ contentSecurityPolicy: { useDefaults: false } });
