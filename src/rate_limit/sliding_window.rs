//! Sliding window counter: the hits of the key's present window, plus those of the window before, weighted
//! with the part of it that the last `window_ms` still cover.
//!
//! What it guarantees, exactly. Windows are the key's own: the first begins with its first hit, the next
//! ones follow without a gap while the key is in use.
//! - Each window lets at most `limit` pass, so `n` windows on end let at most `n * limit` pass.
//! - A burst around an edge does not pass twice: right after a full window nothing passes, and then as much
//!   as the window before loses weight.
//! - In any span of one window, wherever it begins, less than `2 * limit` pass: at most `limit` when the
//!   hits of the window before came evenly or early, as the weight assumes, and up to `2 * limit - 1` only
//!   when they came as one burst at its very end and were followed by an even trickle. The counter knows
//!   how many hits came, not when; a bound of `limit` for any span needs a log of every hit, or GCRA with
//!   `burst` and `limit` that add up to the number wanted.
//!
//! A denied hit is not counted.

use super::Decision;
use super::options::Policy;
use super::state::{EMPTY, Rank, State, divide_up, expires_at_ms, head};

/// The most hits that a count holds: 31 bits.
const MAX_COUNT: u32 = (1 << 31) - 1;

/// Both windows as they are at the moment they were read for.
struct Counts {
    start_ms: u64,
    previous: u32,
    current: u32,
}

impl Counts {
    fn at(state @ [_, tail]: State, policy: &Policy, now_ms: u64) -> Self {
        let window_ms = policy.window_ms();
        let end_ms = expires_at_ms(state);
        let fresh = Self { start_ms: now_ms, previous: 0, current: 0 };
        if end_ms <= now_ms {
            return fresh;
        }
        let current = u32::try_from(tail & u64::from(u32::MAX)).unwrap_or(MAX_COUNT);
        let previous = u32::try_from(tail >> 32).unwrap_or(MAX_COUNT);
        // A clock set back must not stretch the window.
        let start_ms = end_ms.saturating_sub(2 * window_ms).min(now_ms);
        let counts = if now_ms - start_ms >= window_ms {
            Self { start_ms: start_ms + window_ms, previous: current, current: 0 }
        } else {
            Self { start_ms, previous, current }
        };
        if counts.is_empty() { fresh } else { counts }
    }

    const fn is_empty(&self) -> bool {
        self.previous == 0 && self.current == 0
    }

    fn pack(&self, policy: &Policy, now_ms: u64, is_denied: bool) -> State {
        if self.is_empty() {
            return EMPTY;
        }
        let rank = Rank::of(self.used(policy, now_ms), policy.limit(), is_denied);
        let end_ms = self.start_ms + 2 * policy.window_ms();
        [head(end_ms, rank), u64::from(self.previous) << 32 | u64::from(self.current)]
    }

    /// The milliseconds for which the previous window still counts.
    fn overlap_ms(&self, policy: &Policy, now_ms: u64) -> u64 {
        (self.start_ms + policy.window_ms()).saturating_sub(now_ms)
    }

    /// What is used, in hits times milliseconds.
    fn weight(&self, policy: &Policy, now_ms: u64) -> u128 {
        u128::from(self.previous) * u128::from(self.overlap_ms(policy, now_ms))
            + u128::from(self.current) * u128::from(policy.window_ms())
    }

    /// What is used, rounded up to whole hits.
    fn used(&self, policy: &Policy, now_ms: u64) -> u64 {
        divide_up(self.weight(policy, now_ms), policy.window_ms())
    }

    fn decision(&self, policy: &Policy, now_ms: u64) -> Decision {
        let window_ms = policy.window_ms();
        let reset_at_ms = match (self.current, self.previous) {
            (0, 0) => now_ms,
            (0, _) => self.start_ms + window_ms,
            _ => self.start_ms + 2 * window_ms,
        };
        Decision { reset_at_ms, ..Decision::new(policy.limit(), self.used(policy, now_ms)) }
    }

    /// After how long a hit of this cost passes.
    fn retry_after_ms(&self, policy: &Policy, cost: u32, now_ms: u64) -> u64 {
        let window_ms = policy.window_ms();
        let Some(room) = policy.limit().checked_sub(cost) else {
            let reset_at_ms = self.decision(policy, now_ms).reset_at_ms;
            return (reset_at_ms - now_ms).max(window_ms);
        };
        let elapsed_ms = now_ms - self.start_ms;
        if let Some(room) = room.checked_sub(self.current) {
            return time_until_within(self.previous, room, window_ms).saturating_sub(elapsed_ms);
        }
        window_ms - elapsed_ms + time_until_within(self.current, room, window_ms)
    }

    fn add(&mut self, cost: u32) {
        self.current = self.current.saturating_add(cost).min(MAX_COUNT);
    }
}

/// How far into a window the weight of the `count` hits before it has sunk to `room`.
fn time_until_within(count: u32, room: u32, window_ms: u64) -> u64 {
    if count <= room {
        return 0;
    }
    let excess = u128::from(count - room) * u128::from(window_ms);
    divide_up(excess, u64::from(count))
}

pub(super) fn hit(state: State, policy: &Policy, cost: u32, now_ms: u64) -> (State, Decision) {
    let mut counts = Counts::at(state, policy, now_ms);
    let before = counts.weight(policy, now_ms);
    let after = before + u128::from(cost) * u128::from(policy.window_ms());
    let room = u128::from(policy.limit()) * u128::from(policy.window_ms());
    if after > room {
        let retry_after_ms = counts.retry_after_ms(policy, cost, now_ms);
        let decision = Decision { retry_after_ms, ..counts.decision(policy, now_ms) };
        return (counts.pack(policy, now_ms, true), decision);
    }
    counts.add(cost);
    let delay_ms = divide_up(before, u64::from(policy.limit()));
    let decision = Decision { is_allowed: true, delay_ms, ..counts.decision(policy, now_ms) };
    (counts.pack(policy, now_ms, false), decision)
}

pub(super) fn refund(state: State, policy: &Policy, cost: u32, hit_ms: u64, now_ms: u64) -> State {
    let mut counts = Counts::at(state, policy, now_ms);
    let start_ms = counts.start_ms;
    if (start_ms..start_ms + policy.window_ms()).contains(&hit_ms) {
        counts.current = counts.current.saturating_sub(cost);
    } else if (start_ms.saturating_sub(policy.window_ms())..start_ms).contains(&hit_ms) {
        counts.previous = counts.previous.saturating_sub(cost);
    }
    counts.pack(policy, now_ms, false)
}

pub(super) fn penalty(state: State, policy: &Policy, points: u32, now_ms: u64) -> State {
    let mut counts = Counts::at(state, policy, now_ms);
    counts.add(points);
    counts.pack(policy, now_ms, false)
}

/// Takes points from the present window, and what is left of them from the one before.
pub(super) fn reward(state: State, policy: &Policy, points: u32, now_ms: u64) -> State {
    let mut counts = Counts::at(state, policy, now_ms);
    let rest = points.saturating_sub(counts.current);
    counts.current = counts.current.saturating_sub(points);
    counts.previous = counts.previous.saturating_sub(rest);
    counts.pack(policy, now_ms, false)
}
