//! The values of the other fields of a CORS answer: lists of names, and seconds.

use super::options::{NamesOption, quote};
use crate::error::{ConfigError, ErrorCode};

/// Methods that HTTP and browsers know in upper case only (RFC 9110, section 9.1; RFC 5789).
const METHODS: [&str; 7] = ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE", "OPTIONS"];
/// The longest time that fits in every reader's integer, in seconds.
const MAX_AGE: f64 = 2_147_483_647.0;

/// The value of a field with a list of names; nothing for an empty list, whose field is not sent.
///
/// # Errors
/// [`ErrorCode::HeaderValue`] for what is no token (RFC 9110, section 5.6.2), [`ErrorCode::OptionConflict`] for `*` together with
/// credentials, where browsers take it for a name.
pub(super) fn names_value(
    option: &str,
    names: &NamesOption,
    has_credentials: bool,
) -> Result<Option<String>, ConfigError> {
    let (value, list): (String, Vec<&str>) = match names {
        NamesOption::Text(text) if text.trim().is_empty() => (String::new(), Vec::new()),
        NamesOption::Text(text) => (text.clone(), text.split(',').map(trim).collect()),
        NamesOption::Names(list) => (list.join(","), list.iter().map(String::as_str).collect()),
    };
    for (index, name) in list.iter().enumerate() {
        let path = match names {
            NamesOption::Text(_) => option.to_owned(),
            NamesOption::Names(_) => format!("{option}[{index}]"),
        };
        check_name(option, &path, name, has_credentials)?;
    }
    Ok((!list.is_empty()).then_some(value))
}

fn check_name(
    option: &str,
    path: &str,
    name: &str,
    has_credentials: bool,
) -> Result<(), ConfigError> {
    if !is_token(name) {
        let message = format!("got {}, expected a name without spaces or separators", quote(name));
        return Err(ConfigError::new(ErrorCode::HeaderValue, path, message));
    }
    if name == "*" && has_credentials {
        let message =
            "got \"*\" with credentials: true, where browsers take it for a name; list the names";
        return Err(ConfigError::new(ErrorCode::OptionConflict, path, message));
    }
    let upper = name.to_ascii_uppercase();
    if option == "methods" && upper != name && METHODS.contains(&upper.as_str()) {
        let message = format!("got {}, expected {upper}: methods have a case", quote(name));
        return Err(ConfigError::new(ErrorCode::OptionValue, path, message));
    }
    Ok(())
}

/// The value of `Access-Control-Max-Age`.
///
/// # Errors
/// [`ErrorCode::OptionValue`] for what is no whole number from 0 to 2147483647.
pub(super) fn max_age_value(seconds: f64) -> Result<String, ConfigError> {
    if seconds.fract() == 0.0 && (0.0..=MAX_AGE).contains(&seconds) {
        return Ok(seconds.abs().to_string());
    }
    let message =
        format!("got {seconds}, expected whole seconds from 0 to {MAX_AGE}; 0 is no caching");
    Err(ConfigError::new(ErrorCode::OptionValue, "maxAge", message))
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

fn is_token(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}
