//! A policy, its limit and a cost as the scripts take them.
//!
//! GCRA counts debt in units of `1 / limit` ms. A price or a capacity can exceed 2^53 of them, beyond which
//! Lua's doubles lose units, so each is passed as whole milliseconds and the units left over.

use super::command::append_decimal;
use crate::rate_limit::{Algorithm, Policy};

/// Ten years, the deepest debt that a state holds: see [`crate::rate_limit::gcra`].
const MAX_RECOVERY_MS: u128 = 315_360_000_000;
/// Above every debt plus every price that matters, and far below 2^53.
const CEILING_MS: u128 = 1 << 45;

/// Milliseconds and units of `1 / limit` ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    whole_ms: u64,
    units: u64,
}

/// The number by which scripts know an algorithm.
#[must_use]
pub const fn kind(algorithm: Algorithm) -> u64 {
    match algorithm {
        Algorithm::FixedWindow => 1,
        Algorithm::SlidingWindow => 2,
        Algorithm::Gcra => 3,
    }
}

/// How many arguments a rule takes in the script `hit`.
#[must_use]
pub const fn arguments(policy: &Policy) -> usize {
    match policy.algorithm() {
        Algorithm::Gcra => 9,
        _ => 5,
    }
}

/// Passes each argument of a rule of the script `hit` to `push`.
pub fn write_hit(policy: &Policy, cost: u32, mut push: impl FnMut(&[u8])) {
    let head = [
        kind(policy.algorithm()),
        policy.limit().into(),
        policy.window_ms(),
        policy.block_ms(),
        cost.into(),
    ];
    let mut digits = Vec::with_capacity(20);
    let tail = spans(policy, cost);
    let tail = if policy.algorithm() == Algorithm::Gcra { &tail[..] } else { &[] };
    for number in head.iter().chain(tail) {
        digits.clear();
        append_decimal(&mut digits, *number);
        push(&digits);
    }
}

/// What is done to a key besides hitting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Takes a hit back that was counted at a time.
    Refund,
    /// Counts points.
    Penalty,
    /// Gives points back.
    Reward,
    /// Denies every hit for so many milliseconds.
    Block,
    /// Only reads.
    Peek,
    /// Forgets.
    Reset,
}

impl Operation {
    /// By the number that scripts and bindings know it by.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Self> {
        Some(match number {
            1 => Self::Refund,
            2 => Self::Penalty,
            3 => Self::Reward,
            4 => Self::Block,
            5 => Self::Peek,
            6 => Self::Reset,
            _ => return None,
        })
    }

    /// The number that scripts and bindings know it by.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::Refund => 1,
            Self::Penalty => 2,
            Self::Reward => 3,
            Self::Block => 4,
            Self::Peek => 5,
            Self::Reset => 6,
        }
    }
}

/// How many arguments a key takes in the script `change`.
pub const CHANGE_ARGUMENTS: usize = 10;

/// Passes each argument of one key of the script `change` to `push`.
pub fn write_change(
    operation: Operation,
    policy: &Policy,
    amount: u64,
    hit_ms: u64,
    mut push: impl FnMut(&[u8]),
) {
    let points = u32::try_from(amount).unwrap_or(u32::MAX);
    let [price, odd, full, units] = spans(policy, points);
    let numbers = [
        operation.number(),
        kind(policy.algorithm()),
        policy.limit().into(),
        policy.window_ms(),
        price,
        odd,
        full,
        units,
        amount,
        hit_ms,
    ];
    let mut digits = Vec::with_capacity(20);
    for number in numbers {
        digits.clear();
        append_decimal(&mut digits, number);
        push(&digits);
    }
}

/// Price and capacity. Where the true numbers are too large, smaller ones that decide everything alike.
fn spans(policy: &Policy, cost: u32) -> [u64; 4] {
    let limit = u128::from(policy.limit());
    if limit == 0 || policy.algorithm() != Algorithm::Gcra {
        return [0; 4];
    }
    let window = u128::from(policy.window_ms());
    let (price, capacity) = (u128::from(cost) * window, u128::from(policy.capacity()) * window);
    let ceiling = CEILING_MS * limit;
    let full = capacity.min(ceiling);
    let price = match capacity.checked_sub(price) {
        // More than fits at any time, by however much.
        None => full + 1,
        Some(_) if capacity <= ceiling => price,
        // What is left beside it decides, unless that is more than any debt: then the price does.
        Some(rest) => full.saturating_sub(rest).max(price.min(full - MAX_RECOVERY_MS * limit)),
    };
    let [price, full] = [price, full].map(|units| Span::of(units, limit));
    [price.whole_ms, price.units, full.whole_ms, full.units]
}

impl Span {
    fn of(units: u128, limit: u128) -> Self {
        let narrow = |number: u128| u64::try_from(number).unwrap_or(u64::MAX);
        Self { whole_ms: narrow(units / limit), units: narrow(units % limit) }
    }
}
