//! GCRA, the generic cell rate algorithm (ITU-T I.371), which is a token bucket without the tokens: each
//! hit puts the key `window_ms / limit` deeper into debt, time pays it off, and a hit passes while the debt
//! does not exceed `burst` hits.
//!
//! In any span of time, wherever it begins, at most `burst + limit * span / window_ms` pass. For at most 100
//! in any minute, take a limit and a burst that add up to 100. A denied hit is not counted.
//!
//! Debt is counted in units of `1 / limit` ms, so no fraction is lost: the state holds the millisecond by
//! which the debt is paid, the units by which it is paid earlier, and since when the debt has been unbroken.
//! A refund takes its cost off the debt if the hit belongs to it and is younger than a window. Were every
//! hit logged, a refunded hit's cost that has been paid off meanwhile might count for others; what passes
//! over time stays within the same bound.

use super::Decision;
use super::options::{MAX_RECOVERY_MS, Policy};
use super::state::{EMPTY, Period, Rank, State, divide_up};

/// What the key owes at the moment it was read for.
struct Debt {
    start_ms: u64,
    /// In units of `1 / limit` ms.
    owed: u128,
}

impl Debt {
    fn at(state: State, policy: &Policy, now_ms: u64) -> Self {
        let limit = u128::from(policy.limit());
        let period = Period::unpack(state);
        if period.end_ms <= now_ms {
            return Self { start_ms: now_ms, owed: 0 };
        }
        let Period { start_ms, end_ms, number } = period.begun_by(now_ms);
        // Another limit than the one that the state was made under leaves less than a millisecond of error.
        let fraction = u128::from(number).min(limit - 1);
        let owed = u128::from(end_ms - now_ms) * limit - fraction;
        Self { start_ms, owed: owed.min(capacity(policy)) }
    }

    fn pack(&self, policy: &Policy, now_ms: u64, is_denied: bool) -> State {
        if self.owed == 0 {
            return EMPTY;
        }
        let limit = u64::from(policy.limit());
        let recovery_ms = divide_up(self.owed, limit).min(MAX_RECOVERY_MS);
        let early = u128::from(recovery_ms) * u128::from(limit);
        let number = u32::try_from(early.saturating_sub(self.owed)).unwrap_or(0);
        let end_ms = now_ms + recovery_ms;
        let rank = Rank::of(self.used(policy), policy.capacity(), is_denied);
        Period { start_ms: self.start_ms, end_ms, number }.pack(rank, false)
    }

    fn used(&self, policy: &Policy) -> u64 {
        divide_up(self.owed, policy.window_ms())
    }

    fn decision(&self, policy: &Policy, now_ms: u64) -> Decision {
        let reset_at_ms = now_ms + divide_up(self.owed, u64::from(policy.limit()));
        Decision { reset_at_ms, ..Decision::new(policy.capacity(), self.used(policy)) }
    }

    fn add(&mut self, policy: &Policy, points: u32) {
        self.owed = (self.owed + price(policy, points)).min(capacity(policy));
    }

    fn subtract(&mut self, policy: &Policy, points: u32) {
        self.owed = self.owed.saturating_sub(price(policy, points));
    }
}

/// A hit's cost in units of `1 / limit` ms.
fn price(policy: &Policy, cost: u32) -> u128 {
    u128::from(cost) * u128::from(policy.window_ms())
}

/// The deepest debt.
fn capacity(policy: &Policy) -> u128 {
    price(policy, policy.capacity())
}

pub(super) fn hit(state: State, policy: &Policy, cost: u32, now_ms: u64) -> (State, Decision) {
    if policy.limit() == 0 {
        return (state, decision_without_limit(policy, cost, now_ms));
    }
    let mut debt = Debt::at(state, policy, now_ms);
    let before = debt.owed;
    let after = before + price(policy, cost);
    let limit = u64::from(policy.limit());
    if let Some(excess) = after.checked_sub(capacity(policy)).filter(|excess| *excess > 0) {
        let is_possible = cost <= policy.capacity();
        let never_ms = divide_up(before, limit).max(policy.window_ms());
        let retry_after_ms = if is_possible { divide_up(excess, limit) } else { never_ms };
        let decision = Decision { retry_after_ms, ..debt.decision(policy, now_ms) };
        return (debt.pack(policy, now_ms, true), decision);
    }
    debt.owed = after;
    let delay_ms = divide_up(before, limit);
    let decision = Decision { is_allowed: true, delay_ms, ..debt.decision(policy, now_ms) };
    (debt.pack(policy, now_ms, false), decision)
}

/// With a limit of 0 there is nothing to count a debt in. What is known stays, for the limit may depend on
/// the request.
fn decision_without_limit(policy: &Policy, cost: u32, now_ms: u64) -> Decision {
    let is_allowed = cost == 0;
    let retry_after_ms = if is_allowed { 0 } else { policy.window_ms() };
    Decision { is_allowed, retry_after_ms, reset_at_ms: now_ms, ..Decision::new(0, 0) }
}

pub(super) fn refund(state: State, policy: &Policy, cost: u32, hit_ms: u64, now_ms: u64) -> State {
    if policy.limit() == 0 {
        return state;
    }
    let mut debt = Debt::at(state, policy, now_ms);
    if hit_ms >= debt.start_ms && now_ms < hit_ms.saturating_add(policy.window_ms()) {
        debt.subtract(policy, cost);
    }
    debt.pack(policy, now_ms, false)
}

/// Adds points up to a full burst: a deeper debt would say nothing that a block does not say better.
pub(super) fn penalty(state: State, policy: &Policy, points: u32, now_ms: u64) -> State {
    if policy.limit() == 0 {
        return state;
    }
    let mut debt = Debt::at(state, policy, now_ms);
    debt.add(policy, points);
    debt.pack(policy, now_ms, false)
}

pub(super) fn reward(state: State, policy: &Policy, points: u32, now_ms: u64) -> State {
    if policy.limit() == 0 {
        return state;
    }
    let mut debt = Debt::at(state, policy, now_ms);
    debt.subtract(policy, points);
    debt.pack(policy, now_ms, false)
}
