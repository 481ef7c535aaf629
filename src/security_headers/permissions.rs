//! `Permissions-Policy`: which browser features the page and its frames may use.

use super::options::PermissionsOptions;
use super::reporting::Endpoints;
use super::text::{dashed, is_structured_key, quote, require_field_value, unknown_name};
use crate::error::{ConfigError, ErrorCode};

/// OWASP's `headers_add` value of 19 July 2026: everything off, synchronous XHR for the page itself.
const OWASP: [(&str, &str); 29] = [
    ("accelerometer", "()"),
    ("autoplay", "()"),
    ("camera", "()"),
    ("cross-origin-isolated", "()"),
    ("display-capture", "()"),
    ("encrypted-media", "()"),
    ("fullscreen", "()"),
    ("geolocation", "()"),
    ("gyroscope", "()"),
    ("keyboard-map", "()"),
    ("magnetometer", "()"),
    ("microphone", "()"),
    ("midi", "()"),
    ("payment", "()"),
    ("picture-in-picture", "()"),
    ("publickey-credentials-get", "()"),
    ("screen-wake-lock", "()"),
    ("sync-xhr", "(self)"),
    ("usb", "()"),
    ("web-share", "()"),
    ("xr-spatial-tracking", "()"),
    ("clipboard-read", "()"),
    ("clipboard-write", "()"),
    ("gamepad", "()"),
    ("hid", "()"),
    ("idle-detection", "()"),
    ("interest-cohort", "()"),
    ("serial", "()"),
    ("unload", "()"),
];

/// Further features that browsers or specifications know.
const FURTHER: [&str; 56] = [
    "all-screens-capture",
    "ambient-light-sensor",
    "aria-notify",
    "attribution-reporting",
    "autofill",
    "battery",
    "bluetooth",
    "browsing-topics",
    "captured-surface-control",
    "compute-pressure",
    "conversion-measurement",
    "deferred-fetch",
    "deferred-fetch-minimal",
    "device-attributes",
    "digital-credentials-create",
    "digital-credentials-get",
    "direct-sockets",
    "direct-sockets-private",
    "document-domain",
    "execution-while-not-rendered",
    "execution-while-out-of-viewport",
    "focus-without-user-activation",
    "identity-credentials-get",
    "join-ad-interest-group",
    "language-detector",
    "language-model",
    "local-fonts",
    "local-network",
    "local-network-access",
    "loopback-network",
    "manual-text",
    "media-playback-while-not-visible",
    "mediasession",
    "navigation-override",
    "on-device-speech-recognition",
    "otp-credentials",
    "payment-handler",
    "popins",
    "private-aggregation",
    "private-state-token-issuance",
    "private-state-token-redemption",
    "publickey-credentials-create",
    "rewriter",
    "run-ad-auction",
    "shared-storage",
    "shared-storage-select-url",
    "smart-card",
    "speaker-selection",
    "storage-access",
    "sub-apps",
    "summarizer",
    "translator",
    "usb-unrestricted",
    "web-app-installation",
    "window-management",
    "writer",
];

/// The header's value.
///
/// # Errors
/// [`ConfigError`] for an unknown feature, one given twice, and an allowlist entry that is no origin.
pub(super) fn compile(
    option: &str,
    options: &PermissionsOptions,
    endpoints: &Endpoints<'_>,
) -> Result<String, ConfigError> {
    let mut features: Vec<(String, String)> =
        if options.use_defaults { owasp_features() } else { Vec::new() };
    let mut given: Vec<String> = Vec::with_capacity(options.features.len());
    for (key, allowlist) in &options.features {
        let path = format!("{option}.features.{key}");
        let name = dashed(key);
        check_name(&path, &name, options.allow_unknown_features)?;
        if given.contains(&name) {
            let message = format!("{name} is given twice, in camel case and with dashes");
            return Err(ConfigError::new(ErrorCode::OptionConflict, path, message));
        }
        match allowlist {
            None => features.retain(|(known, _)| *known != name),
            Some(origins) => {
                let value = allowlist_value(&path, origins)?;
                match features.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, existing)) => *existing = value,
                    None => features.push((name.clone(), value)),
                }
            }
        }
        given.push(name);
    }
    if features.is_empty() {
        let message = "the policy names no feature; name some, or turn the header off with false";
        return Err(ConfigError::new(
            ErrorCode::OptionConflict,
            format!("{option}.features"),
            message,
        ));
    }
    let suffix = match &options.report_to {
        Some(name) => {
            endpoints.require(&format!("{option}.reportTo"), name)?;
            format!(";report-to={name}")
        }
        None => String::new(),
    };
    let members = features.iter().map(|(name, value)| format!("{name}={value}{suffix}"));
    Ok(members.collect::<Vec<_>>().join(", "))
}

/// The value `true` stands for.
pub(super) fn owasp() -> String {
    let members = OWASP.iter().map(|(name, value)| format!("{name}={value}"));
    members.collect::<Vec<_>>().join(", ")
}

fn owasp_features() -> Vec<(String, String)> {
    OWASP.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn check_name(path: &str, name: &str, allow_unknown: bool) -> Result<(), ConfigError> {
    let known = || OWASP.iter().map(|(name, _)| *name).chain(FURTHER);
    // Client hints are features too, and new ones keep coming.
    if known().any(|feature| feature == name) || name.starts_with("ch-") && is_structured_key(name)
    {
        return Ok(());
    }
    if !allow_unknown {
        return Err(unknown_name(path, "feature", name, known()));
    }
    if is_structured_key(name) {
        return Ok(());
    }
    let message = format!("{} is not a feature name", quote(name));
    Err(ConfigError::new(ErrorCode::OptionValue, path, message))
}

fn allowlist_value(path: &str, origins: &[String]) -> Result<String, ConfigError> {
    if let [only] = origins {
        match only.as_str() {
            "*" => return Ok("*".to_owned()),
            "none" => return Ok("()".to_owned()),
            _ => {}
        }
    }
    let mut members = Vec::with_capacity(origins.len());
    for origin in origins {
        require_field_value(path, origin)?;
        members.push(match origin.as_str() {
            "self" | "src" => origin.clone(),
            "*" | "none" => {
                let message = format!("{} stands alone", quote(origin));
                return Err(ConfigError::new(ErrorCode::OptionConflict, path, message));
            }
            _ if is_origin(origin) => format!("\"{origin}\""),
            _ => {
                let message = format!(
                    "{} is neither self, src, *, none nor an origin such as https://a.example",
                    quote(origin)
                );
                return Err(ConfigError::new(ErrorCode::OptionValue, path, message));
            }
        });
    }
    Ok(format!("({})", members.join(" ")))
}

/// `http(s)://host[:port]`, where the host may start with `*.`.
fn is_origin(text: &str) -> bool {
    let Some(authority) = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"))
    else {
        return false;
    };
    let (host, port) =
        authority.rsplit_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    let host = host.strip_prefix("*.").unwrap_or(host);
    let is_label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    // The parser of numbers takes a plus sign too.
    let is_port =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    host.split('.').all(is_label) && port.is_none_or(is_port)
}
