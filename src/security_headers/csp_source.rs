//! The grammar of one source expression (CSP Level 3, section 2.3.1), and of the other kinds of token
//! a directive can hold.
//!
//! The same rule judges the text of a configuration and the value a per-request function returns
//! (S-57): only a nonce differs, which is a mistake in a configuration, where it would repeat (S-58).

use super::text::{choices, nearest, quote};

/// Where a token comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provenance {
    /// Written in the options: the same for every response.
    Configuration,
    /// Returned by a function for one response.
    Request,
}

/// Keywords of a source list, without their quotes.
const KEYWORDS: [&str; 15] = [
    "self",
    "none",
    "unsafe-inline",
    "unsafe-eval",
    "strict-dynamic",
    "unsafe-hashes",
    "report-sample",
    "unsafe-allow-redirects",
    "wasm-unsafe-eval",
    "trusted-types-eval",
    "inline-speculation-rules",
    "unsafe-webtransport-hashes",
    "report-sha256",
    "report-sha384",
    "report-sha512",
];

/// Hash algorithms with the length of their base64 digest and of its padding.
const HASHES: [(&str, usize, usize); 3] =
    [("sha256-", 43, 1), ("sha384-", 64, 0), ("sha512-", 86, 2)];

/// Schemes that are often written without their colon, where they would mean a host of that name.
const BARE_SCHEMES: [&str; 8] =
    ["http", "https", "ws", "wss", "data", "blob", "filesystem", "mediastream"];

/// A reason why a token is refused, in lower case and without the option's path.
pub type Refusal = String;

/// Checks one token of a source list.
///
/// # Errors
/// The reason, when the token is no source expression, or is one that would not do what it says.
pub(super) fn check_source(token: &str, provenance: Provenance) -> Result<(), Refusal> {
    match token.strip_prefix('\'') {
        Some(rest) => match rest.strip_suffix('\'') {
            Some(inner) => check_quoted(inner, provenance),
            None => Err(format!("{} lacks its closing quote", quote(token))),
        },
        None => check_unquoted(token),
    }
}

/// Checks one token of `frame-ancestors`: a scheme, a host, `'self'` or `'none'`.
pub(super) fn check_ancestor(token: &str) -> Result<(), Refusal> {
    let lower = token.to_ascii_lowercase();
    match token.strip_prefix('\'') {
        Some(_) if matches!(lower.as_str(), "'self'" | "'none'") => Ok(()),
        Some(_) => Err(format!("{} is not 'self', 'none', a scheme or a host", quote(token))),
        None => check_unquoted(token),
    }
}

fn check_quoted(inner: &str, provenance: Provenance) -> Result<(), Refusal> {
    let lower = inner.to_ascii_lowercase();
    if KEYWORDS.contains(&lower.as_str()) {
        return Ok(());
    }
    if lower.starts_with("nonce-") {
        return match (provenance, inner.get("nonce-".len()..)) {
            (Provenance::Request, Some(value)) => check_nonce(value),
            _ => {
                Err("a nonce in the options is the same for every response and protects nothing; \
                      use nonce: true, or a function"
                    .to_owned())
            }
        };
    }
    for (prefix, length, padding) in HASHES {
        if lower.starts_with(prefix) {
            let value = inner.get(prefix.len()..).unwrap_or_default();
            return check_base64(value, length, padding);
        }
    }
    let hint = nearest(&lower, KEYWORDS.into_iter())
        .map_or_else(String::new, |near| format!("; did you mean '{near}'?"));
    Err(format!("unknown keyword '{inner}'{hint}"))
}

/// Nonces are base64 or base64url with at most two `=` (CSP Level 3, `base64-value`). Their strength is
/// the caller's: a value alone does not show how random it is.
fn check_nonce(value: &str) -> Result<(), Refusal> {
    let body = value.trim_end_matches('=');
    if value.len() - body.len() > 2 || body.is_empty() || !body.bytes().all(is_base64_byte) {
        return Err(format!("the nonce {} is not base64", quote(value)));
    }
    Ok(())
}

fn check_base64(value: &str, length: usize, padding: usize) -> Result<(), Refusal> {
    let body = value.trim_end_matches('=');
    // Browsers compare the text of digests, so a missing '=' would never match.
    if body.len() == length
        && value.len() - body.len() == padding
        && body.bytes().all(is_base64_byte)
    {
        return Ok(());
    }
    Err(format!(
        "the hash {} is not {length} base64 characters and {padding} of padding",
        quote(value)
    ))
}

const fn is_base64_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_')
}

fn check_unquoted(token: &str) -> Result<(), Refusal> {
    let lower = token.to_ascii_lowercase();
    let needs_quotes = KEYWORDS.contains(&lower.as_str())
        || lower.starts_with("nonce-")
        || HASHES.iter().any(|(prefix, ..)| lower.starts_with(prefix));
    if needs_quotes {
        return Err(format!("{} must be quoted: '{token}'", quote(token)));
    }
    if BARE_SCHEMES.contains(&lower.as_str()) {
        return Err(format!("{} is a host; the scheme is {token}:", quote(token)));
    }
    if token == "*" || token.strip_suffix(':').is_some_and(is_scheme) {
        return Ok(());
    }
    check_host_source(token)
}

fn is_scheme(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic())
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
}

/// `[scheme "://"] host [":" port] [path]`.
fn check_host_source(token: &str) -> Result<(), Refusal> {
    let invalid = |why: &str| format!("{} is not a source expression: {why}", quote(token));
    let rest = match token.split_once("://") {
        Some((scheme, rest)) if is_scheme(scheme) => rest,
        // After a slash it is part of the path.
        Some((before, _)) if !before.contains('/') => {
            return Err(invalid("its scheme is not one"));
        }
        _ => token,
    };
    let (authority, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let (host, port) =
        authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port)));
    if !is_host(host) {
        return Err(invalid(
            "its host is neither *, *.name nor a name of letters, digits and dashes",
        ));
    }
    if !port.is_none_or(is_port) {
        return Err(invalid("its port is neither * nor 0 to 65535"));
    }
    if path.bytes().any(|byte| matches!(byte, b'?' | b'#' | b'\'' | b'"' | b'<' | b'>' | b'\\')) {
        return Err(invalid("its path holds a query, a fragment or a quote, which match nothing"));
    }
    Ok(())
}

fn is_host(host: &str) -> bool {
    let name = host.strip_prefix("*.").unwrap_or(host);
    let name = name.strip_suffix('.').unwrap_or(name);
    // The grammar has no '_', but browsers take it and names with it exist.
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    host == "*" || name.split('.').all(is_label)
}

fn is_port(port: &str) -> bool {
    port == "*" || (port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

/// Checks a token that must be one of a fixed list.
pub(super) fn check_listed(token: &str, allowed: &[&str]) -> Result<(), Refusal> {
    if allowed.contains(&token) {
        return Ok(());
    }
    let hint = nearest(token, allowed.iter().copied()).map_or_else(
        || format!("allowed: {}", choices(allowed)),
        |near| format!("did you mean {near}?"),
    );
    Err(format!("unknown value {}; {hint}", quote(token)))
}

/// Checks a `report-uri` target: an absolute http or https URL, or a path on the same origin.
pub(super) fn check_report_uri(token: &str) -> Result<(), Refusal> {
    let lower = token.to_ascii_lowercase();
    let is_path = token.starts_with('/') && !token.starts_with("//");
    let host = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
    let has_host = host.is_some_and(|host| !host.is_empty() && !host.starts_with('/'));
    if is_path || has_host {
        return Ok(());
    }
    Err(format!("{} is neither an http(s) URL nor a path that starts with /", quote(token)))
}

/// Checks a `trusted-types` token: a policy name, `*`, `'none'` or `'allow-duplicates'`.
pub(super) fn check_trusted_type(token: &str) -> Result<(), Refusal> {
    let is_name =
        token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-#=_/@.%".contains(&byte));
    if is_name || matches!(token, "*" | "'none'" | "'allow-duplicates'") {
        return Ok(());
    }
    Err(format!("{} is neither a policy name, *, 'none' nor 'allow-duplicates'", quote(token)))
}
