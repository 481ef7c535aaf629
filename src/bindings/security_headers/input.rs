//! The options of `securityHeaders` as they cross the boundary, in JavaScript's normal form, and as the core
//! reads them.

use crate::error::{ConfigError, ErrorCode};
use crate::security_headers as core;
use crate::security_headers::Setting;
use napi::bindgen_prelude::Either;
use napi_derive::napi;

/// One header of a single token.
#[napi(object)]
pub struct HeaderTokenInput {
    /// The option's name.
    pub option: String,
    /// `false` off, `true` the default, or a value.
    pub setting: Either<bool, HeaderTokenValueInput>,
}

/// The value of a [`HeaderTokenInput`].
#[napi(object)]
pub struct HeaderTokenValueInput {
    /// Where the value stood.
    pub path: String,
    /// The token.
    pub token: Option<String>,
    /// The endpoint for reports.
    pub report_to: Option<String>,
}

/// One policy.
#[napi(object)]
pub struct CspInput {
    /// Where the policy stood.
    pub path: String,
    /// Whether the preset's directives come first.
    pub use_defaults: Option<bool>,
    /// Directives with a nonce.
    pub nonce: Option<Vec<String>>,
    /// Google's strict policy.
    pub strict_dynamic: Option<bool>,
    /// Whether `default-src` may be absent.
    pub allow_missing_default_src: Option<bool>,
    /// Own directives in order.
    pub directives: Vec<CspDirectiveInput>,
}

/// One directive.
#[napi(object)]
pub struct CspDirectiveInput {
    /// Its name as written.
    pub key: String,
    /// Text or numbers of functions; absent removes the directive.
    pub sources: Option<Vec<Either<String, u32>>>,
}

/// `strictTransportSecurity`.
#[napi(object)]
pub struct TransportInput {
    /// Seconds.
    pub max_age: Option<f64>,
    /// Whether subdomains are bound too.
    pub include_sub_domains: Option<bool>,
    /// Whether the site agrees to be on the preload list.
    pub preload: Option<bool>,
}

/// `permissionsPolicy`.
#[napi(object)]
pub struct PermissionsInput {
    /// Whether OWASP's list comes first.
    pub use_defaults: Option<bool>,
    /// Whether unknown features pass.
    pub allow_unknown_features: Option<bool>,
    /// Features in order.
    pub features: Vec<PermissionInput>,
    /// The endpoint for reports.
    pub report_to: Option<String>,
}

/// One feature.
#[napi(object)]
pub struct PermissionInput {
    /// Its name as written.
    pub key: String,
    /// Who may use it; absent removes the feature.
    pub allowlist: Option<Vec<String>>,
}

/// `integrityPolicy`.
#[napi(object)]
pub struct IntegrityInput {
    /// Destinations.
    pub blocked_destinations: Option<Vec<String>>,
    /// Endpoints for reports.
    pub endpoints: Option<Vec<String>>,
}

/// One reporting endpoint.
#[napi(object)]
pub struct EndpointInput {
    /// Its name.
    pub name: String,
    /// Its URL.
    pub url: String,
}

/// The options of `securityHeaders` in normal form: `false` off, `true` the default, absent the preset's.
#[napi(object)]
pub struct SecurityHeadersInput {
    /// `web`, `api` or `strict`.
    pub preset: Option<String>,
    /// Headers of one token.
    pub tokens: Vec<HeaderTokenInput>,
    /// Enforced policies.
    pub content_security_policy: Option<Either<bool, Vec<CspInput>>>,
    /// Policies that only report.
    pub content_security_policy_report_only: Option<Either<bool, Vec<CspInput>>>,
    /// Referrer policies.
    pub referrer_policy: Option<Either<bool, Vec<String>>>,
    /// HSTS.
    pub strict_transport_security: Option<Either<bool, TransportInput>>,
    /// Permissions policy.
    pub permissions_policy: Option<Either<bool, PermissionsInput>>,
    /// Permissions policy that only reports.
    pub permissions_policy_report_only: Option<Either<bool, PermissionsInput>>,
    /// Integrity policy.
    pub integrity_policy: Option<Either<bool, IntegrityInput>>,
    /// Integrity policy that only reports.
    pub integrity_policy_report_only: Option<Either<bool, IntegrityInput>>,
    /// Reporting endpoints in order.
    pub reporting_endpoints: Vec<EndpointInput>,
    /// Cache-Control.
    pub cache_control: Option<Either<bool, String>>,
    /// `true` for OWASP's list, or names.
    pub remove_headers: Option<Either<bool, Vec<String>>>,
    /// Whether HSTS waits for a secure request.
    pub secure_only: Option<bool>,
}

impl TryFrom<SecurityHeadersInput> for core::Options {
    type Error = ConfigError;

    fn try_from(input: SecurityHeadersInput) -> Result<Self, ConfigError> {
        let policies =
            |list: Vec<CspInput>| list.into_iter().map(core::PolicyOptions::from).collect();
        let endpoints = input.reporting_endpoints.into_iter();
        Ok(Self {
            preset: input.preset.map_or(Ok(core::Preset::default()), |name| parse_preset(&name))?,
            tokens: input.tokens.into_iter().map(core::TokenOption::from).collect(),
            csp: setting(input.content_security_policy, policies),
            csp_report_only: setting(input.content_security_policy_report_only, policies),
            referrer: setting(input.referrer_policy, |list| list),
            transport: setting(input.strict_transport_security, core::TransportOptions::from),
            permissions: setting(input.permissions_policy, core::PermissionsOptions::from),
            permissions_report_only: setting(
                input.permissions_policy_report_only,
                core::PermissionsOptions::from,
            ),
            integrity: setting(input.integrity_policy, core::IntegrityOptions::from),
            integrity_report_only: setting(
                input.integrity_policy_report_only,
                core::IntegrityOptions::from,
            ),
            endpoints: endpoints.map(|endpoint| (endpoint.name, endpoint.url)).collect(),
            cache_control: setting(input.cache_control, |text| text),
            removal: match input.remove_headers {
                None => core::Removal::Preset,
                Some(Either::A(true)) => core::Removal::Owasp,
                Some(Either::A(false)) => core::Removal::Names(Vec::new()),
                Some(Either::B(names)) => core::Removal::Names(names),
            },
            secure_only: input.secure_only.unwrap_or(true),
        })
    }
}

pub(super) fn parse_preset(name: &str) -> Result<core::Preset, ConfigError> {
    match name {
        "web" => Ok(core::Preset::Web),
        "api" => Ok(core::Preset::Api),
        "strict" => Ok(core::Preset::Strict),
        _ => Err(ConfigError::new(
            ErrorCode::OptionValue,
            "preset",
            format!("got {name:?}, allowed: web, api or strict"),
        )),
    }
}

fn setting<I, T>(input: Option<Either<bool, I>>, custom: impl FnOnce(I) -> T) -> Setting<T> {
    match input {
        None => Setting::Preset,
        Some(Either::A(true)) => Setting::On,
        Some(Either::A(false)) => Setting::Off,
        Some(Either::B(value)) => Setting::Custom(custom(value)),
    }
}

impl From<HeaderTokenInput> for core::TokenOption {
    fn from(input: HeaderTokenInput) -> Self {
        let custom = |value: HeaderTokenValueInput| core::TokenValue {
            path: value.path,
            token: value.token,
            report_to: value.report_to,
        };
        Self { option: input.option, setting: setting(Some(input.setting), custom) }
    }
}

impl From<CspInput> for core::PolicyOptions {
    fn from(input: CspInput) -> Self {
        let directives = input.directives.into_iter().map(|directive| core::DirectiveOption {
            key: directive.key,
            sources: directive.sources.map(|list| list.into_iter().map(source).collect()),
        });
        Self {
            path: input.path,
            use_defaults: input.use_defaults.unwrap_or(true),
            nonce: input.nonce,
            strict_dynamic: input.strict_dynamic.unwrap_or(false),
            allow_missing_default_src: input.allow_missing_default_src.unwrap_or(false),
            directives: directives.collect(),
        }
    }
}

fn source(input: Either<String, u32>) -> core::SourceOption {
    match input {
        Either::A(text) => core::SourceOption::Text(text),
        Either::B(number) => core::SourceOption::Function(number),
    }
}

impl From<TransportInput> for core::TransportOptions {
    fn from(input: TransportInput) -> Self {
        Self {
            max_age: input.max_age,
            include_sub_domains: input.include_sub_domains,
            preload: input.preload,
        }
    }
}

impl From<PermissionsInput> for core::PermissionsOptions {
    fn from(input: PermissionsInput) -> Self {
        let features = input.features.into_iter().map(|feature| (feature.key, feature.allowlist));
        Self {
            use_defaults: input.use_defaults.unwrap_or(true),
            allow_unknown_features: input.allow_unknown_features.unwrap_or(false),
            features: features.collect(),
            report_to: input.report_to,
        }
    }
}

impl From<IntegrityInput> for core::IntegrityOptions {
    fn from(input: IntegrityInput) -> Self {
        Self {
            blocked_destinations: input.blocked_destinations,
            endpoints: input.endpoints.unwrap_or_default(),
        }
    }
}
