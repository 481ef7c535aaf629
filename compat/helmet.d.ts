import type { IncomingMessage, ServerResponse } from 'node:http';

type Handler = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

type SourceFunction = (request: IncomingMessage, response: ServerResponse) => string;
type Source = string | SourceFunction;

declare const dangerouslyDisableDefaultSrc: unique symbol;
type Directives = Record<string, null | Iterable<Source> | typeof dangerouslyDisableDefaultSrc>;

type ContentSecurityPolicyOptions = { reportOnly?: boolean } & (
  { useDefaults?: true; directives?: Directives } | { useDefaults: false; directives: Directives }
);

interface ContentSecurityPolicy {
  (
    options?: Readonly<ContentSecurityPolicyOptions>,
  ): (request: IncomingMessage, response: ServerResponse, next: (error?: Error) => void) => void;
  getDefaultDirectives: () => Record<string, Iterable<Source>>;
  dangerouslyDisableDefaultSrc: typeof dangerouslyDisableDefaultSrc;
}

interface CrossOriginEmbedderPolicyOptions {
  policy?: 'require-corp' | 'credentialless' | 'unsafe-none';
}
interface CrossOriginOpenerPolicyOptions {
  policy?: 'same-origin' | 'same-origin-allow-popups' | 'noopener-allow-popups' | 'unsafe-none';
}
interface CrossOriginResourcePolicyOptions {
  policy?: 'same-origin' | 'same-site' | 'cross-origin';
}
type ReferrerPolicyToken =
  | 'no-referrer'
  | 'no-referrer-when-downgrade'
  | 'same-origin'
  | 'origin'
  | 'strict-origin'
  | 'origin-when-cross-origin'
  | 'strict-origin-when-cross-origin'
  | 'unsafe-url'
  | '';
interface ReferrerPolicyOptions {
  policy?: ReferrerPolicyToken | ReferrerPolicyToken[];
}
interface StrictTransportSecurityOptions {
  maxAge?: number;
  includeSubDomains?: boolean;
  preload?: boolean;
}
interface XDnsPrefetchControlOptions {
  allow?: boolean;
}
interface XFrameOptionsOptions {
  action?: 'deny' | 'sameorigin';
}
interface XPermittedCrossDomainPoliciesOptions {
  permittedPolicies?: 'none' | 'master-only' | 'by-content-type' | 'all';
}

declare const contentSecurityPolicy: ContentSecurityPolicy;
declare function crossOriginEmbedderPolicy(options?: Readonly<CrossOriginEmbedderPolicyOptions>): Handler;
declare function crossOriginOpenerPolicy(options?: Readonly<CrossOriginOpenerPolicyOptions>): Handler;
declare function crossOriginResourcePolicy(options?: Readonly<CrossOriginResourcePolicyOptions>): Handler;
declare function originAgentCluster(): Handler;
declare function referrerPolicy(options?: Readonly<ReferrerPolicyOptions>): Handler;
declare function strictTransportSecurity(options?: Readonly<StrictTransportSecurityOptions>): Handler;
declare function xContentTypeOptions(): Handler;
declare function xDnsPrefetchControl(options?: Readonly<XDnsPrefetchControlOptions>): Handler;
declare function xDownloadOptions(): Handler;
declare function xFrameOptions(options?: Readonly<XFrameOptionsOptions>): Handler;
declare function xPermittedCrossDomainPolicies(options?: Readonly<XPermittedCrossDomainPoliciesOptions>): Handler;
declare function xPoweredBy(): Handler;
declare function xXssProtection(): Handler;

/** One of two names for an option, never both. */
type EitherKey<Name extends PropertyKey, Alias extends PropertyKey, Value> =
  ({ [K in Name]?: Value } & { [K in Alias]?: never }) | ({ [K in Name]?: never } & { [K in Alias]?: Value });

/** The options of helmet 8.3. */
export type HelmetOptions = {
  contentSecurityPolicy?: ContentSecurityPolicyOptions | boolean;
  crossOriginEmbedderPolicy?: CrossOriginEmbedderPolicyOptions | boolean;
  crossOriginOpenerPolicy?: CrossOriginOpenerPolicyOptions | boolean;
  crossOriginResourcePolicy?: CrossOriginResourcePolicyOptions | boolean;
  originAgentCluster?: boolean;
  referrerPolicy?: ReferrerPolicyOptions | boolean;
} & EitherKey<'strictTransportSecurity', 'hsts', StrictTransportSecurityOptions | boolean> &
  EitherKey<'xContentTypeOptions', 'noSniff', boolean> &
  EitherKey<'xDnsPrefetchControl', 'dnsPrefetchControl', XDnsPrefetchControlOptions | boolean> &
  EitherKey<'xDownloadOptions', 'ieNoOpen', boolean> &
  EitherKey<'xFrameOptions', 'frameguard', XFrameOptionsOptions | boolean> &
  EitherKey<
    'xPermittedCrossDomainPolicies',
    'permittedCrossDomainPolicies',
    XPermittedCrossDomainPoliciesOptions | boolean
  > &
  EitherKey<'xPoweredBy', 'hidePoweredBy', boolean> &
  EitherKey<'xXssProtection', 'xssFilter', boolean>;

interface Helmet {
  (
    options?: Readonly<HelmetOptions>,
  ): (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;
  contentSecurityPolicy: typeof contentSecurityPolicy;
  crossOriginEmbedderPolicy: typeof crossOriginEmbedderPolicy;
  crossOriginOpenerPolicy: typeof crossOriginOpenerPolicy;
  crossOriginResourcePolicy: typeof crossOriginResourcePolicy;
  originAgentCluster: typeof originAgentCluster;
  referrerPolicy: typeof referrerPolicy;
  strictTransportSecurity: typeof strictTransportSecurity;
  xContentTypeOptions: typeof xContentTypeOptions;
  xDnsPrefetchControl: typeof xDnsPrefetchControl;
  xDownloadOptions: typeof xDownloadOptions;
  xFrameOptions: typeof xFrameOptions;
  xPermittedCrossDomainPolicies: typeof xPermittedCrossDomainPolicies;
  xPoweredBy: typeof xPoweredBy;
  xXssProtection: typeof xXssProtection;
  dnsPrefetchControl: typeof xDnsPrefetchControl;
  frameguard: typeof xFrameOptions;
  hidePoweredBy: typeof xPoweredBy;
  hsts: typeof strictTransportSecurity;
  ieNoOpen: typeof xDownloadOptions;
  noSniff: typeof xContentTypeOptions;
  permittedCrossDomainPolicies: typeof xPermittedCrossDomainPolicies;
  xssFilter: typeof xXssProtection;
}
declare const helmet: Helmet;

export {
  helmet as default,
  contentSecurityPolicy,
  crossOriginEmbedderPolicy,
  crossOriginOpenerPolicy,
  crossOriginResourcePolicy,
  originAgentCluster,
  referrerPolicy,
  strictTransportSecurity,
  xContentTypeOptions,
  xDnsPrefetchControl,
  xDownloadOptions,
  xFrameOptions,
  xPermittedCrossDomainPolicies,
  xPoweredBy,
  xXssProtection,
  xDnsPrefetchControl as dnsPrefetchControl,
  xFrameOptions as frameguard,
  xPoweredBy as hidePoweredBy,
  strictTransportSecurity as hsts,
  xDownloadOptions as ieNoOpen,
  xContentTypeOptions as noSniff,
  xPermittedCrossDomainPolicies as permittedCrossDomainPolicies,
  xXssProtection as xssFilter,
};
