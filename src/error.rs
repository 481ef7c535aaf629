//! The one error of set-up: a [`ConfigError`] says which option is wrong, what came and what is allowed.
//!
//! A denied request is not an error but an outcome of the module that decides it.

use std::fmt;

/// Why an option was refused. JavaScript sees the string of [`ErrorCode::as_str`] as `error.code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    /// The value has a type that the option does not take.
    OptionType,
    /// The value has the right type but lies outside of what the option allows.
    OptionValue,
    /// Two options, each fine alone, contradict each other.
    OptionConflict,
    /// An option that another one, or the factory, cannot do without.
    OptionRequired,
    /// A directive, feature or token name that no standard defines.
    OptionUnknown,
    /// A header name or value that HTTP, or the header's own grammar, does not allow.
    HeaderValue,
    /// A Content-Security-Policy source expression or directive value that is not one (CSP Level 3).
    CspSource,
    /// The file of a host store, or its directory, cannot be used.
    StoreFile,
}

impl ErrorCode {
    /// The public, stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OptionType => "ERR_CARAPACE_OPTION_TYPE",
            Self::OptionValue => "ERR_CARAPACE_OPTION_VALUE",
            Self::OptionConflict => "ERR_CARAPACE_OPTION_CONFLICT",
            Self::OptionRequired => "ERR_CARAPACE_OPTION_REQUIRED",
            Self::OptionUnknown => "ERR_CARAPACE_OPTION_UNKNOWN",
            Self::HeaderValue => "ERR_CARAPACE_HEADER_VALUE",
            Self::CspSource => "ERR_CARAPACE_CSP_SOURCE",
            Self::StoreFile => "ERR_CARAPACE_STORE_FILE",
        }
    }
}

/// An option that cannot be used, found when a factory is called.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    /// What kind of mistake it is.
    pub code: ErrorCode,
    /// The option's path below the factory, such as `strictTransportSecurity.maxAge`.
    pub path: String,
    /// What came and what is allowed, in lower case, without the path.
    pub message: String,
}

impl ConfigError {
    /// Names the option at `path` as the culprit.
    #[must_use]
    pub fn new(code: ErrorCode, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code, path: path.into(), message: message.into() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for ConfigError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_path_before_the_reason() {
        let error = ConfigError::new(ErrorCode::OptionValue, "limit", "got -1");
        assert_eq!(error.to_string(), "limit: got -1");
        assert_eq!(error.code.as_str(), "ERR_CARAPACE_OPTION_VALUE");
    }
}
