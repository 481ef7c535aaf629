//! `Cache-Control`, `Clear-Site-Data` and `Referrer-Policy`: lists of directives with little grammar.

use super::text::{choices, is_token, nearest, quote, require_field_value};
use crate::error::{ConfigError, ErrorCode};

/// What `'no-store'` and `true` mean: OWASP's value.
pub(super) const NO_STORE: &str = "no-store, max-age=0";

const REFERRER_TOKENS: [&str; 9] = [
    "no-referrer",
    "no-referrer-when-downgrade",
    "same-origin",
    "origin",
    "strict-origin",
    "origin-when-cross-origin",
    "strict-origin-when-cross-origin",
    "unsafe-url",
    "",
];

const SITE_DATA_TYPES: [&str; 8] = [
    "cache",
    "cookies",
    "storage",
    "executionContexts",
    "clientHints",
    "prefetchCache",
    "prerenderCache",
    "*",
];

/// The value of `Cache-Control` (RFC 9111, section 5.2).
///
/// # Errors
/// [`ConfigError`] when the text is not a list of `token` or `token=value`.
pub(super) fn cache_control(text: &str) -> Result<String, ConfigError> {
    let path = "cacheControl";
    require_field_value(path, text)?;
    if text == "no-store" {
        return Ok(NO_STORE.to_owned());
    }
    let is_directive = |member: &str| {
        let (name, argument) =
            member.split_once('=').map_or((member, None), |(name, value)| (name, Some(value)));
        is_token(name) && argument.is_none_or(is_argument)
    };
    if text.split(',').all(|member| is_directive(member.trim_matches(' '))) {
        return Ok(text.to_owned());
    }
    let message = format!("{} is not a list of cache directives", quote(text));
    Err(ConfigError::new(ErrorCode::HeaderValue, path, message))
}

fn is_argument(text: &str) -> bool {
    let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    is_token(text)
        || quoted.is_some_and(|inner| !inner.bytes().any(|byte| matches!(byte, b'"' | b'\\')))
}

/// The value of `Referrer-Policy`: browsers take the last token they know.
///
/// # Errors
/// [`ConfigError`] for an unknown or repeated token and for an empty list.
pub(super) fn referrer(tokens: &[String]) -> Result<String, ConfigError> {
    let path = "referrerPolicy";
    if tokens.is_empty() {
        return Err(ConfigError::new(ErrorCode::OptionValue, path, "the list holds no policy"));
    }
    require_listed(path, "policy", tokens, &REFERRER_TOKENS)?;
    Ok(tokens.join(","))
}

/// The value of `Clear-Site-Data`.
///
/// # Errors
/// [`ConfigError`] for an unknown or repeated type and for an empty list.
pub fn clear_site_data(types: &[String]) -> Result<String, ConfigError> {
    let path = "types";
    if types.is_empty() {
        return Err(ConfigError::new(ErrorCode::OptionValue, path, "the list holds no type"));
    }
    require_listed(path, "type", types, &SITE_DATA_TYPES)?;
    let members = types.iter().map(|member| format!("\"{member}\""));
    Ok(members.collect::<Vec<_>>().join(", "))
}

fn require_listed(
    path: &str,
    what: &str,
    given: &[String],
    allowed: &[&str],
) -> Result<(), ConfigError> {
    for (index, name) in given.iter().enumerate() {
        if !allowed.contains(&name.as_str()) {
            let hint = nearest(name, allowed.iter().copied()).map_or_else(
                || format!("allowed: {}", choices(allowed)),
                |near| format!("did you mean {near}?"),
            );
            let message = format!("unknown {what} {}; {hint}", quote(name));
            return Err(ConfigError::new(ErrorCode::OptionValue, path, message));
        }
        if given.iter().take(index).any(|earlier| earlier == name) {
            let message = format!("{} is given twice", quote(name));
            return Err(ConfigError::new(ErrorCode::OptionValue, path, message));
        }
    }
    Ok(())
}
