//! `Strict-Transport-Security` (RFC 6797) with the rules of the preload list (S-60).

use super::options::TransportOptions;
use crate::error::{ConfigError, ErrorCode};

/// One year, the least the preload list takes.
const YEAR: u64 = 31_536_000;
/// OWASP's two years.
const TWO_YEARS: u64 = 63_072_000;
/// The largest integer a JavaScript number holds exactly.
const MAX_SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;

/// What the presets web and api send, and `true` means.
pub(super) fn one_year() -> String {
    format!("max-age={YEAR}; includeSubDomains")
}

/// What the preset strict sends.
pub(super) fn two_years() -> String {
    format!("max-age={TWO_YEARS}; includeSubDomains")
}

/// The header's value.
///
/// # Errors
/// [`ConfigError`] for a max-age that is no whole number of seconds, and for `preload` on a policy that
/// the preload list would refuse.
pub(super) fn compile(options: &TransportOptions) -> Result<String, ConfigError> {
    let max_age = options.max_age.map_or(Ok(YEAR), whole_seconds)?;
    let include_sub_domains = options.include_sub_domains.unwrap_or(true);
    let preload = options.preload.unwrap_or(false);
    if preload && (max_age < YEAR || !include_sub_domains) {
        return Err(ConfigError::new(
            ErrorCode::OptionConflict,
            "strictTransportSecurity.preload",
            format!(
                "needs maxAge of at least {YEAR} and includeSubDomains: true, or the list refuses it"
            ),
        ));
    }
    let mut value = format!("max-age={max_age}");
    if include_sub_domains {
        value.push_str("; includeSubDomains");
    }
    if preload {
        value.push_str("; preload");
    }
    Ok(value)
}

fn whole_seconds(seconds: f64) -> Result<u64, ConfigError> {
    if seconds.fract() == 0.0 && (0.0..=MAX_SAFE_INTEGER).contains(&seconds) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "the line above proves a whole number between 0 and 2^53"
        )]
        return Ok(seconds as u64);
    }
    Err(ConfigError::new(
        ErrorCode::OptionValue,
        "strictTransportSecurity.maxAge",
        format!("got {seconds}; allowed: a whole number of seconds from 0 to 9007199254740991"),
    ))
}
