//! The algorithms and the limiter's options. The table has tests of its own.

use super::*;
use crate::error::ErrorCode;

mod model_check;
mod options;
mod stores;
mod threats;

/// A policy of these numbers.
fn policy(algorithm: &str, limit: u32, window_ms: u64) -> Policy {
    made(algorithm, limit, window_ms, None, 0)
}

fn made(algorithm: &str, limit: u32, window_ms: u64, burst: Option<u32>, block_ms: u64) -> Policy {
    try_made(algorithm, limit, window_ms, burst, block_ms).unwrap()
}

#[expect(clippy::cast_precision_loss, reason = "every number is below 2^53")]
fn try_made(
    algorithm: &str,
    limit: u32,
    window_ms: u64,
    burst: Option<u32>,
    block_ms: u64,
) -> Result<Policy, crate::error::ConfigError> {
    Policy::try_from(PolicyInput {
        name: None,
        algorithm: Some(algorithm.to_owned()),
        limit: limit.into(),
        window_ms: Some(window_ms as f64),
        burst: burst.map(f64::from),
        block_ms: Some(block_ms as f64),
    })
}
