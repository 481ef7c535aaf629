//! How a [`ConfigError`] travels: its code as the JavaScript error's `code`, its path and reason in the
//! message, parted by a line feed. lib/errors.js makes the public error of it.

use crate::error::ConfigError;

/// The error type of every set-up binding.
pub type SetupError = napi::Error<&'static str>;

impl From<ConfigError> for SetupError {
    fn from(error: ConfigError) -> Self {
        Self::new(error.code.as_str(), format!("{}\n{}", error.path, error.message))
    }
}
