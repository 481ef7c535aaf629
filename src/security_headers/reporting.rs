//! `Reporting-Endpoints`, and the rule that every report goes to an endpoint that exists.

use super::text::{is_structured_key, quote, require_field_value, unknown_name};
use crate::error::{ConfigError, ErrorCode};

/// The checked endpoints of one configuration.
#[derive(Debug)]
pub(super) struct Endpoints<'a> {
    list: &'a [(String, String)],
}

impl<'a> Endpoints<'a> {
    /// Checks names and URLs.
    ///
    /// # Errors
    /// [`ConfigError`] when a name is not a structured-field key (RFC 9651) or occurs twice, and when a URL
    /// is neither https nor a path of the same origin: browsers drop reports to anything else.
    pub(super) fn new(list: &'a [(String, String)]) -> Result<Self, ConfigError> {
        for (index, (name, url)) in list.iter().enumerate() {
            let path = format!("reportingEndpoints.{name}");
            let refuse = |code, message| Err(ConfigError::new(code, path.as_str(), message));
            if !is_structured_key(name) {
                let message = format!("{} is not a name of a-z, 0-9 and _-.*", quote(name));
                return refuse(ErrorCode::OptionValue, message);
            }
            if list.iter().take(index).any(|(earlier, _)| earlier == name) {
                return refuse(ErrorCode::OptionConflict, "the name is given twice".to_owned());
            }
            require_field_value(&path, url)?;
            if !is_report_url(url) {
                let message =
                    format!("{} is neither an https URL nor a path that starts with /", quote(url));
                return refuse(ErrorCode::OptionValue, message);
            }
        }
        Ok(Self { list })
    }

    /// Checks that a report has somewhere to go.
    ///
    /// # Errors
    /// [`ConfigError`] when no endpoint has that name.
    pub(super) fn require(&self, path: &str, name: &str) -> Result<(), ConfigError> {
        if self.list.iter().any(|(known, _)| known == name) {
            return Ok(());
        }
        let mut error = unknown_name(
            path,
            "reporting endpoint",
            name,
            self.list.iter().map(|(name, _)| name.as_str()),
        );
        error.message.push_str("; name it in reportingEndpoints");
        Err(error)
    }

    /// The header's value, or nothing without endpoints.
    pub(super) fn value(&self) -> Option<String> {
        let members = self.list.iter().map(|(name, url)| format!("{name}=\"{url}\""));
        let value = members.collect::<Vec<_>>().join(", ");
        (!value.is_empty()).then_some(value)
    }
}

fn is_report_url(url: &str) -> bool {
    let is_path = url.starts_with('/') && !url.starts_with("//");
    let rest = url.get(..8).filter(|scheme| scheme.eq_ignore_ascii_case("https://"));
    let has_host = rest.is_some_and(|_| {
        url.as_bytes().get(8).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'[')
    });
    // The URL stands in a quoted string (RFC 9651, section 3.3.3); a raw quote or backslash is no URL anyway.
    (is_path || has_host)
        && !url.bytes().any(|byte| matches!(byte, b' ' | b'"' | b'\\' | b'<' | b'>'))
}
