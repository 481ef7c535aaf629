// Made from index.d.ts by scripts/package/commonjs-types.mjs.
import parts = require('./index.js');

declare const carapace: typeof parts.default & Omit<typeof parts, 'default'> & { default: typeof parts.default };

declare namespace carapace {
  type CarapaceError = parts.CarapaceError;
  type Middleware = parts.Middleware;
  type ErrorCode = parts.ErrorCode;
  type CarapaceEvent = parts.CarapaceEvent;
  type ReportingOptions = parts.ReportingOptions;
  type ClientHeader = parts.ClientHeader;
  type ClientProvider = parts.ClientProvider;
  type ClientOptions = parts.ClientOptions;
  type ClientKeyRule = parts.ClientKeyRule;
  type ClientExplanation = parts.ClientExplanation;
  type RateLimitPolicyInfo = parts.RateLimitPolicyInfo;
  type RateLimitInfo = parts.RateLimitInfo;
  type RateLimitDecision = parts.RateLimitDecision;
  type RateLimitPolicyOptions = parts.RateLimitPolicyOptions;
  type RateLimitStore = parts.RateLimitStore;
  type RateLimitBaseOptions = parts.RateLimitBaseOptions;
  type RateLimitSource = parts.RateLimitSource;
  type RateLimitOptions = parts.RateLimitOptions;
  type LoginLimitOptions = parts.LoginLimitOptions;
  type RateLimiter = parts.RateLimiter;
  type HostStoreOptions = parts.HostStoreOptions;
  type HostStore = parts.HostStore;
  type Finding = parts.Finding;
  type KeyAction = parts.KeyAction;
  type KeyRule = parts.KeyRule;
  type KeyRuleOptions = parts.KeyRuleOptions;
  type BodyReaderOptions = parts.BodyReaderOptions;
  type JsonOptions = parts.JsonOptions;
  type FormOptions = parts.FormOptions;
  type UrlencodedOptions = parts.UrlencodedOptions;
  type QueryParserOptions = parts.QueryParserOptions;
  type QueryParser = parts.QueryParser;
  type SanitizeValueOptions = parts.SanitizeValueOptions;
  type SanitizeParamsOptions = parts.SanitizeParamsOptions;
  type SanitizeOptions = parts.SanitizeOptions;
  type Sanitizer = parts.Sanitizer;
  type ParamHandler = parts.ParamHandler;
  type SanitizeParams = parts.SanitizeParams;
  type Sanitize = parts.Sanitize;
  type HppOptions = parts.HppOptions;
  type CspDirectiveName = parts.CspDirectiveName;
  type CspSourceFunction = parts.CspSourceFunction;
  type CspDirectiveValue = parts.CspDirectiveValue;
  type CspDirectives = parts.CspDirectives;
  type ContentSecurityPolicyOptions = parts.ContentSecurityPolicyOptions;
  type ReportedPolicy<Policy extends string> = parts.ReportedPolicy<Policy>;
  type EmbedderPolicy = parts.EmbedderPolicy;
  type OpenerPolicy = parts.OpenerPolicy;
  type ResourcePolicy = parts.ResourcePolicy;
  type IsolationPolicy = parts.IsolationPolicy;
  type ReferrerToken = parts.ReferrerToken;
  type CrossDomainPolicies = parts.CrossDomainPolicies;
  type PermissionsFeature = parts.PermissionsFeature;
  type PermissionsAllowlist = parts.PermissionsAllowlist;
  type PermissionsPolicyOptions = parts.PermissionsPolicyOptions;
  type IntegrityPolicyOptions = parts.IntegrityPolicyOptions;
  type StrictTransportSecurityOptions = parts.StrictTransportSecurityOptions;
  type SecurityHeadersOptions = parts.SecurityHeadersOptions;
  type CarapaceOptions = parts.CarapaceOptions;
}

export = carapace;
