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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::PolicyInput;

    fn policy(limit: f64, window_ms: f64, block_ms: f64) -> Policy {
        let algorithm = Some("fixed-window".to_owned());
        let (window_ms, block_ms) = (Some(window_ms), Some(block_ms));
        let input = PolicyInput { algorithm, limit, window_ms, block_ms, ..PolicyInput::default() };
        Policy::try_from(input).unwrap()
    }

    const NOW: u64 = 1_700_000_000_000;

    #[test]
    fn reads_the_state_before_the_count() {
        let policy = policy(9.0, 1000.0, 0.0);
        assert_eq!(read(0, &policy, 2, NOW), Ok(None));
        assert_eq!(read(2 * UNIT, &policy, 2, NOW), Ok(Some(State::default())));
        // The end, and the lower half of the time, may lie on different sides of a multiple of 2^32.
        for now_ms in [NOW, (1 << 41) - 1, 1 << 41] {
            let end_ms = now_ms + 1000;
            let before = Portable::Fixed { end_ms, used: 5 }.to_state();
            assert_eq!(read(7 * UNIT + end_ms % UNIT, &policy, 2, now_ms), Ok(Some(before)));
        }
    }

    #[test]
    fn refuses_what_is_no_counter_of_the_policy() {
        let policy = policy(9.0, 1000.0, 0.0);
        let end = (NOW + 1000) % UNIT;
        let over = (NOW + 1001) % UNIT;
        let past = NOW % UNIT;
        for counter in
            [1, UNIT, UNIT + end, 2 * UNIT + end, 3 * UNIT + over, 3 * UNIT + past, u64::MAX]
        {
            assert_eq!(read(counter, &policy, 2, NOW), Err(Unreadable), "{counter}");
        }
    }

    #[test]
    fn counting_suffices_for_single_hits_of_fixed_windows() {
        let suffices =
            |policy, amount| super::suffices(&[Part { key: b"a", policy, amount, position: 0 }]);
        assert!(suffices(policy(9.0, 604_800_000.0, 50.0), 1));
        assert!(!suffices(policy(9.0, 31_536_000_000.0, 0.0), 1), "a year");
        assert!(
            !suffices(policy(9.0, 1000.0, 0.0), 0) && !suffices(policy(9.0, 1000.0, 0.0), 1 << 31)
        );
        let part = Part { key: b"a", policy: policy(9.0, 1000.0, 0.0), amount: 1, position: 0 };
        assert!(!super::suffices(&[part, part]));
        let sliding =
            Policy::try_from(PolicyInput { limit: 9.0, ..PolicyInput::default() }).unwrap();
        assert!(!suffices(sliding, 1));
    }
}
