//! One policy, checked.

use crate::error::{ConfigError, ErrorCode};
use std::num::NonZeroU32;

/// One minute.
const DEFAULT_WINDOW_MS: f64 = 60_000.0;
/// A year: longer windows are a mistake in the unit.
const MAX_WINDOW_MS: f64 = 31_536_000_000.0;
const MAX_LIMIT: f64 = 2_147_483_647.0;
/// Ten years: a full burst has to be paid off by then.
pub(super) const MAX_RECOVERY_MS: u64 = 315_360_000_000;

/// How hits are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Algorithm {
    /// [`super::fixed_window`].
    FixedWindow,
    /// [`super::sliding_window`].
    #[default]
    SlidingWindow,
    /// [`super::gcra`].
    Gcra,
}

impl Algorithm {
    /// Every algorithm with its public spelling.
    pub const ALL: [(&'static str, Self); 3] = [
        ("fixed-window", Self::FixedWindow),
        ("sliding-window", Self::SlidingWindow),
        ("gcra", Self::Gcra),
    ];

    /// Its number in files, which never changes.
    #[cfg(unix)]
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::FixedWindow => 1,
            Self::SlidingWindow => 2,
            Self::Gcra => 3,
        }
    }
}

/// The options of one policy as they came: every number unchecked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PolicyInput {
    /// Under which name equal policies of the process count together; alone without one.
    pub name: Option<String>,
    /// One of the names in [`Algorithm::ALL`]; `sliding-window` unless given.
    pub algorithm: Option<String>,
    /// Hits allowed in a window.
    pub limit: f64,
    /// Length of the window in milliseconds; one minute unless given.
    pub window_ms: Option<f64>,
    /// GCRA: hits allowed at once; the limit unless given.
    pub burst: Option<f64>,
    /// For how long a denied hit blocks its key, in milliseconds; 0, which is the default, for not at all.
    pub block_ms: Option<f64>,
}

/// A policy that holds its ranges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Policy {
    algorithm: Algorithm,
    limit: u32,
    window_ms: u64,
    burst: Option<NonZeroU32>,
    block_ms: u64,
}

impl Policy {
    /// How hits are counted.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Hits allowed in a window, 0 to 2^31 - 1; 0 denies every one that costs anything.
    #[must_use]
    pub const fn limit(&self) -> u32 {
        self.limit
    }

    /// Length of the window in milliseconds, 1 to a year.
    #[must_use]
    pub const fn window_ms(&self) -> u64 {
        self.window_ms
    }

    /// For how long a denied hit blocks its key, in milliseconds, 0 to a year; 0 for not at all.
    #[must_use]
    pub const fn block_ms(&self) -> u64 {
        self.block_ms
    }

    /// The most that can be used at once: the burst under GCRA, else the limit.
    #[must_use]
    pub fn capacity(&self) -> u32 {
        match self.burst {
            Some(burst) if self.limit > 0 => burst.get(),
            _ => self.limit,
        }
    }

    /// The same policy with another limit, for a limit that depends on the request. A burst that was not
    /// given follows it. Above 2^31 - 1 it is that.
    #[must_use]
    pub fn with_limit(self, limit: u32) -> Self {
        Self { limit: limit.min(i32::MAX.unsigned_abs()), ..self }
    }
}

impl TryFrom<PolicyInput> for Policy {
    type Error = ConfigError;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole() has checked that the number is whole and in the target's range"
    )]
    fn try_from(input: PolicyInput) -> Result<Self, ConfigError> {
        let algorithm = input.algorithm.as_deref().map_or(Ok(Algorithm::default()), parse)?;
        let window = input.window_ms.unwrap_or(DEFAULT_WINDOW_MS);
        let policy = Self {
            algorithm,
            limit: whole("limit", input.limit, 0.0, MAX_LIMIT)? as u32,
            window_ms: whole("windowMs", window, 1.0, MAX_WINDOW_MS)? as u64,
            burst: match input.burst {
                Some(burst) => NonZeroU32::new(whole("burst", burst, 1.0, MAX_LIMIT)? as u32),
                None => None,
            },
            block_ms: whole("blockMs", input.block_ms.unwrap_or(0.0), 0.0, MAX_WINDOW_MS)? as u64,
        };
        check_burst(policy)
    }
}

fn parse(name: &str) -> Result<Algorithm, ConfigError> {
    let found = Algorithm::ALL.iter().find(|(known, _)| *known == name);
    found.map(|(_, algorithm)| *algorithm).ok_or_else(|| {
        let known: Vec<_> = Algorithm::ALL.iter().map(|(name, _)| format!("'{name}'")).collect();
        let message = format!("got {name:?}, expected one of {}", known.join(", "));
        ConfigError::new(ErrorCode::OptionValue, "algorithm", message)
    })
}

fn check_burst(policy: Policy) -> Result<Policy, ConfigError> {
    let Some(burst) = policy.burst else { return Ok(policy) };
    if policy.algorithm != Algorithm::Gcra {
        let message = "only the algorithm 'gcra' has a burst";
        return Err(ConfigError::new(ErrorCode::OptionConflict, "burst", message));
    }
    let price = u128::from(burst.get()) * u128::from(policy.window_ms);
    if price > u128::from(MAX_RECOVERY_MS) * u128::from(policy.limit.max(1)) {
        let message = format!(
            "a burst of {burst} takes more than ten years to recover at {} in {} ms",
            policy.limit, policy.window_ms
        );
        return Err(ConfigError::new(ErrorCode::OptionConflict, "burst", message));
    }
    Ok(policy)
}

/// Checks that `number` is whole and from `least` to `most`.
///
/// # Errors
/// [`ErrorCode::OptionValue`] at `path`.
pub(crate) fn whole(path: &str, number: f64, least: f64, most: f64) -> Result<f64, ConfigError> {
    if number.fract() == 0.0 && (least..=most).contains(&number) {
        return Ok(number);
    }
    let message = format!("got {number}, expected a whole number from {least} to {most}");
    Err(ConfigError::new(ErrorCode::OptionValue, path, message))
}
