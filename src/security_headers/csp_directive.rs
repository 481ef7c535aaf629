//! The directives of a policy and the kind of token each takes.

use super::csp_source::{
    Provenance, Refusal, check_ancestor, check_listed, check_report_uri, check_source,
    check_trusted_type,
};
use super::text::{dashed, is_structured_key, quote};

/// What a directive's list holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Source expressions.
    Sources,
    /// Schemes, hosts and `'self'`.
    Ancestors,
    /// Sandbox flags; none is the strictest sandbox.
    Sandbox,
    /// Trusted Types policy names.
    TrustedTypes,
    /// `'script'`.
    TrustedSinks,
    /// Where reports go, as URLs.
    ReportUri,
    /// The name of one reporting endpoint.
    ReportTo,
    /// `'allow'` or `'block'`.
    WebRtc,
    /// Resource types that need integrity metadata (deprecated).
    IntegrityTypes,
    /// Nothing at all.
    Valueless,
}

/// One directive of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct Directive {
    /// Its name on the wire.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
}

const fn directive(name: &'static str, kind: Kind) -> Directive {
    Directive { name, kind }
}

/// Every directive that can be set: CSP Level 3, the specifications that extend it, and old ones that
/// configurations still carry.
pub const DIRECTIVES: [Directive; 31] = [
    directive("default-src", Kind::Sources),
    directive("base-uri", Kind::Sources),
    directive("child-src", Kind::Sources),
    directive("connect-src", Kind::Sources),
    directive("fenced-frame-src", Kind::Sources),
    directive("font-src", Kind::Sources),
    directive("form-action", Kind::Sources),
    directive("frame-ancestors", Kind::Ancestors),
    directive("frame-src", Kind::Sources),
    directive("img-src", Kind::Sources),
    directive("manifest-src", Kind::Sources),
    directive("media-src", Kind::Sources),
    directive("navigate-to", Kind::Sources),
    directive("object-src", Kind::Sources),
    directive("prefetch-src", Kind::Sources),
    directive("report-to", Kind::ReportTo),
    directive("report-uri", Kind::ReportUri),
    directive("require-sri-for", Kind::IntegrityTypes),
    directive("require-trusted-types-for", Kind::TrustedSinks),
    directive("sandbox", Kind::Sandbox),
    directive("script-src", Kind::Sources),
    directive("script-src-attr", Kind::Sources),
    directive("script-src-elem", Kind::Sources),
    directive("style-src", Kind::Sources),
    directive("style-src-attr", Kind::Sources),
    directive("style-src-elem", Kind::Sources),
    directive("trusted-types", Kind::TrustedTypes),
    directive("upgrade-insecure-requests", Kind::Valueless),
    directive("block-all-mixed-content", Kind::Valueless),
    directive("webrtc", Kind::WebRtc),
    directive("worker-src", Kind::Sources),
];

/// Flags of `sandbox` (HTML, section 7.1.6).
const SANDBOX_FLAGS: [&str; 15] = [
    "allow-downloads",
    "allow-downloads-without-user-activation",
    "allow-forms",
    "allow-modals",
    "allow-orientation-lock",
    "allow-pointer-lock",
    "allow-popups",
    "allow-popups-to-escape-sandbox",
    "allow-presentation",
    "allow-same-origin",
    "allow-scripts",
    "allow-storage-access-by-user-activation",
    "allow-top-navigation",
    "allow-top-navigation-by-user-activation",
    "allow-top-navigation-to-custom-protocols",
];

impl Directive {
    /// Finds a directive by its name in camel case or with dashes.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        let name = dashed(name);
        DIRECTIVES.iter().find(|directive| directive.name == name)
    }

    /// Whether `'none'` alone says "nothing" in this directive.
    #[must_use]
    pub const fn has_none(&self) -> bool {
        matches!(self.kind, Kind::Sources | Kind::Ancestors | Kind::TrustedTypes)
    }

    /// What stands after the name when every function of the directive returned something unusable:
    /// always the choice that allows least (S-57).
    #[must_use]
    pub const fn fallback(&self) -> &'static str {
        match self.kind {
            Kind::Sources | Kind::Ancestors | Kind::TrustedTypes => " 'none'",
            Kind::TrustedSinks => " 'script'",
            Kind::WebRtc => " 'block'",
            Kind::IntegrityTypes => " script style",
            Kind::Sandbox | Kind::ReportUri | Kind::ReportTo | Kind::Valueless => "",
        }
    }

    /// Checks one token of this directive's list.
    ///
    /// # Errors
    /// The reason, in lower case and without the option's path.
    pub fn check_token(&self, token: &str, provenance: Provenance) -> Result<(), Refusal> {
        if token.bytes().any(|byte| matches!(byte, b';' | b',')) {
            return Err(format!(
                "{} holds ; or , which end a directive or a policy; in a URL write %3B or %2C",
                quote(token)
            ));
        }
        match self.kind {
            Kind::Sources => check_source(token, provenance),
            Kind::Ancestors => check_ancestor(token),
            Kind::Sandbox => check_listed(token, &SANDBOX_FLAGS),
            Kind::TrustedTypes => check_trusted_type(token),
            Kind::TrustedSinks => check_listed(token, &["'script'"]),
            Kind::WebRtc => check_listed(token, &["'allow'", "'block'"]),
            Kind::IntegrityTypes => check_listed(token, &["script", "style"]),
            Kind::ReportUri => check_report_uri(token),
            Kind::ReportTo if is_structured_key(token) => Ok(()),
            Kind::ReportTo => Err(format!("{} is not the name of an endpoint", quote(token))),
            Kind::Valueless => Err("takes no value; write true or []".to_owned()),
        }
    }
}

/// The longest value a per-request function may add, in bytes: more than any source expression needs, and
/// far from the 16 KB at which clients refuse a response's headers.
const LONGEST_VALUE: usize = 2048;

/// Whether a per-request function may add `value` to the directive: one token of at most 2,048 bytes, of
/// this directive's grammar (S-57, S-62). Unknown directives take nothing.
#[must_use]
pub fn accepts_request_value(directive: &str, value: &str) -> bool {
    let printable = (1..=LONGEST_VALUE).contains(&value.len())
        && value.bytes().all(|byte| matches!(byte, b'!'..=b'~'));
    printable
        && Directive::named(directive)
            .is_some_and(|directive| directive.check_token(value, Provenance::Request).is_ok())
}
