//! What a caller may ask for, before it is checked. JavaScript has checked the shape; [`super::compile`]
//! checks the meaning. User-facing texts live in `index.d.ts`; here only invariants are stated.

/// How one header's option was given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Setting<T> {
    /// The option is absent: the preset decides.
    #[default]
    Preset,
    /// `false`: the header is not sent, whatever the preset says.
    Off,
    /// `true`: the header's own default, whatever the preset says.
    On,
    /// The caller's own value.
    Custom(T),
}

/// A named set of defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preset {
    /// Pages: byte for byte what helmet 8.3 sends by default.
    #[default]
    Web,
    /// JSON only: nothing that only matters to a rendered page.
    Api,
    /// Per header at least as strict as OWASP's `headers_add` list.
    Strict,
}

/// One header whose value is a single token, such as `X-Frame-Options`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenOption {
    /// The option's name, such as `xFrameOptions`.
    pub option: String,
    /// What was asked for.
    pub setting: Setting<TokenValue>,
}

/// The value of a [`TokenOption`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenValue {
    /// Where the value stood, for error messages: `xFrameOptions.action`.
    pub path: String,
    /// The token, or absent for the header's default.
    pub token: Option<String>,
    /// The reporting endpoint that violations go to.
    pub report_to: Option<String>,
}

/// One Content-Security-Policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PolicyOptions {
    /// Where the policy stood: `contentSecurityPolicy` or `contentSecurityPolicy[1]`.
    pub path: String,
    /// Whether the preset's directives come first.
    pub use_defaults: bool,
    /// Directives that get the response's nonce, as written; absent if the option was.
    pub nonce: Option<Vec<String>>,
    /// Whether the scripts follow Google's strict policy.
    pub strict_dynamic: bool,
    /// Whether the policy may lack `default-src`.
    pub allow_missing_default_src: bool,
    /// The caller's directives, in the caller's order.
    pub directives: Vec<DirectiveOption>,
}

/// One directive of a [`PolicyOptions`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectiveOption {
    /// The name as written, in camel case or with dashes.
    pub key: String,
    /// The sources; absent (`null`) removes the directive.
    pub sources: Option<Vec<SourceOption>>,
}

/// One element of a directive's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceOption {
    /// Fixed text: one or more source expressions separated by spaces.
    Text(String),
    /// The number of a function that JavaScript calls per response.
    Function(u32),
}

/// `strictTransportSecurity`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct TransportOptions {
    /// Seconds, as JavaScript gave them; default 31,536,000.
    pub max_age: Option<f64>,
    /// Default true.
    pub include_sub_domains: Option<bool>,
    /// Default false.
    pub preload: Option<bool>,
}

/// `permissionsPolicy`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PermissionsOptions {
    /// Whether OWASP's 29 features come first.
    pub use_defaults: bool,
    /// Whether a feature that this version does not know is let through.
    pub allow_unknown_features: bool,
    /// Feature as written, and its allowlist; absent removes a default.
    pub features: Vec<(String, Option<Vec<String>>)>,
    /// The reporting endpoint that violations go to.
    pub report_to: Option<String>,
}

/// `integrityPolicy`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IntegrityOptions {
    /// Request destinations that need integrity metadata; default `script`.
    pub blocked_destinations: Option<Vec<String>>,
    /// Names of reporting endpoints.
    pub endpoints: Vec<String>,
}

/// Which response headers are taken away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Removal {
    /// The preset's list.
    #[default]
    Preset,
    /// OWASP's `headers_remove` list.
    Owasp,
    /// The caller's list.
    Names(Vec<String>),
}

/// Everything `securityHeaders(options)` takes that ends up in a header.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// The set of defaults.
    pub preset: Preset,
    /// Headers of one token.
    pub tokens: Vec<TokenOption>,
    /// The enforced policies.
    pub csp: Setting<Vec<PolicyOptions>>,
    /// The policies that only report.
    pub csp_report_only: Setting<Vec<PolicyOptions>>,
    /// `Referrer-Policy`, in order of preference from last to first.
    pub referrer: Setting<Vec<String>>,
    /// `Strict-Transport-Security`.
    pub transport: Setting<TransportOptions>,
    /// `Permissions-Policy`.
    pub permissions: Setting<PermissionsOptions>,
    /// `Permissions-Policy-Report-Only`.
    pub permissions_report_only: Setting<PermissionsOptions>,
    /// `Integrity-Policy`.
    pub integrity: Setting<IntegrityOptions>,
    /// `Integrity-Policy-Report-Only`.
    pub integrity_report_only: Setting<IntegrityOptions>,
    /// Name and URL of each reporting endpoint, in the caller's order.
    pub endpoints: Vec<(String, String)>,
    /// `Cache-Control`.
    pub cache_control: Setting<String>,
    /// Headers taken away.
    pub removal: Removal,
    /// Whether HSTS and `upgrade-insecure-requests` wait for a secure request; default true.
    pub secure_only: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            preset: Preset::default(),
            tokens: Vec::new(),
            csp: Setting::Preset,
            csp_report_only: Setting::Preset,
            referrer: Setting::Preset,
            transport: Setting::Preset,
            permissions: Setting::Preset,
            permissions_report_only: Setting::Preset,
            integrity: Setting::Preset,
            integrity_report_only: Setting::Preset,
            endpoints: Vec::new(),
            cache_control: Setting::Preset,
            removal: Removal::Preset,
            secure_only: true,
        }
    }
}
