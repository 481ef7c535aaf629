//! The limit of one policy, checked.

use crate::client_key::DEFAULT_IPV6_PREFIX;
use crate::error::{ConfigError, ErrorCode};

/// One minute.
const DEFAULT_WINDOW_MS: f64 = 60_000.0;
/// A year: longer windows are a mistake in the unit.
const MAX_WINDOW_MS: f64 = 31_536_000_000.0;
const MAX_LIMIT: f64 = 2_147_483_647.0;
const DEFAULT_MAX_KEYS: f64 = 1_000_000.0;
const MAX_KEYS: f64 = 100_000_000.0;

/// The options as they came: every number unchecked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LimitInput {
    /// Hits allowed in a window.
    pub limit: f64,
    /// Length of the window in milliseconds.
    pub window_ms: Option<f64>,
    /// Leading bits of an IPv6 address that tell clients apart.
    pub ipv6_prefix: Option<f64>,
    /// Keys the table holds at the most.
    pub max_keys: Option<f64>,
}

/// A limit that holds its ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Hits allowed in a window; 0 denies every one.
    pub limit: u32,
    /// Length of the window, at least 1.
    pub window_ms: u64,
    /// 1 to 128.
    pub ipv6_prefix: u8,
    /// At least 1.
    pub max_keys: usize,
}

impl TryFrom<LimitInput> for Limit {
    type Error = ConfigError;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole() has checked that the number is whole and in the target's range"
    )]
    fn try_from(input: LimitInput) -> Result<Self, ConfigError> {
        let window = input.window_ms.unwrap_or(DEFAULT_WINDOW_MS);
        let prefix = input.ipv6_prefix.unwrap_or(f64::from(DEFAULT_IPV6_PREFIX));
        let max_keys = input.max_keys.unwrap_or(DEFAULT_MAX_KEYS);
        Ok(Self {
            limit: whole("limit", input.limit, 0.0, MAX_LIMIT)? as u32,
            window_ms: whole("windowMs", window, 1.0, MAX_WINDOW_MS)? as u64,
            ipv6_prefix: whole("ipv6Prefix", prefix, 1.0, 128.0)? as u8,
            max_keys: whole("maxKeys", max_keys, 1.0, MAX_KEYS)? as usize,
        })
    }
}

fn whole(path: &str, number: f64, least: f64, most: f64) -> Result<f64, ConfigError> {
    if number.fract() == 0.0 && (least..=most).contains(&number) {
        return Ok(number);
    }
    let message = format!("got {number}, expected a whole number from {least} to {most}");
    Err(ConfigError::new(ErrorCode::OptionValue, path, message))
}
