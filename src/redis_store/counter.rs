//! Fixed windows as counters, which take Redis one command for a key.
//!
//! A fixed window counts what it denies too, so the script adds first and asks afterwards whether that was all:
//! the key is the decimal number `used * 2^32 + end % 2^32`, to which `INCRBY` adds `hits * cost * 2^32`. Used
//! stays below 2^21, so that every number is exact in the script's doubles, and the end is at most 2^30 ms away,
//! so that it is known from its lower half. A key that counts more becomes a state as the other algorithms have.

use super::answer::Unreadable;
use super::queue::Part;
use crate::rate_limit::{Algorithm, Policy, Portable, State};

/// What the count is multiplied by.
const UNIT: u64 = 1 << 32;
/// The counts that a counter holds are below it.
const USED_END: u64 = 1 << 21;
/// The longest window that a counter can have: 12 days.
const MAX_WINDOW_MS: u64 = 1 << 30;

/// Whether nothing but counting has to be done for such a hit, as a rule.
#[must_use]
pub fn suffices(parts: &[Part<'_>]) -> bool {
    let [Part { policy, amount, .. }] = parts else { return false };
    policy.algorithm() == Algorithm::FixedWindow
        && policy.window_ms() <= MAX_WINDOW_MS
        && (1..USED_END).contains(amount)
}

/// How many equal hits can be counted at once.
#[must_use]
pub fn max_times(parts: &[Part<'_>]) -> usize {
    let amount = parts.first().map_or(1, |part| part.amount.max(1));
    usize::try_from((USED_END - 1) / amount).unwrap_or(1)
}

/// Passes what the script needs beside the rule to `push`: what one hit adds, and the first number that asks
/// for more than counting, because such a denial blocks or because it is not exact any more.
pub fn write_rule(policy: &Policy, cost: u32, mut push: impl FnMut(&[u8])) {
    let denied = (u64::from(policy.limit()) + 1) * UNIT;
    let end = USED_END * UNIT;
    let top = if policy.block_ms() > 0 { denied.min(end) } else { end };
    for number in [u64::from(cost) * UNIT, top] {
        push(number.to_string().as_bytes());
    }
}

/// The state before `amount` was counted, of the counter as it is now; none when the script had to decide.
///
/// # Errors
/// [`Unreadable`] when such a counter is none of the policy's.
pub fn read(
    counter: u64,
    policy: &Policy,
    amount: u64,
    now_ms: u64,
) -> Result<Option<State>, Unreadable> {
    if counter == 0 {
        return Ok(None);
    }
    if counter == amount * UNIT {
        return Ok(Some(State::default()));
    }
    let left_ms = counter.wrapping_sub(now_ms) % UNIT;
    let used = (counter / UNIT).checked_sub(amount).filter(|used| (1..USED_END).contains(used));
    match used.map(u32::try_from) {
        Some(Ok(used)) if (1..=policy.window_ms()).contains(&left_ms) => {
            Ok(Some(Portable::Fixed { end_ms: now_ms + left_ms, used }.to_state()))
        }
        _ => Err(Unreadable),
    }
}
