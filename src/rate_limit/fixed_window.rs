//! Fixed window: it opens with the key's first hit and lasts `window_ms`; at most `limit` of its hits pass.
//!
//! A denied hit is counted, as in express-rate-limit. Around the edge of two windows up to twice the limit
//! passes within a short time; the other algorithms do not have that.

use super::Decision;
use super::options::Policy;
use super::state::{EMPTY, Rank, State, divide_up, expires_at_ms, head};

/// A window that is open at the moment it was read for.
struct Window {
    used: u32,
    end_ms: u64,
    is_open: bool,
}

impl Window {
    fn at(state @ [_, tail]: State, policy: &Policy, now_ms: u64) -> Self {
        let fresh_end_ms = now_ms + policy.window_ms();
        let end_ms = expires_at_ms(state);
        if end_ms <= now_ms {
            return Self { used: 0, end_ms: fresh_end_ms, is_open: false };
        }
        let used = u32::try_from(tail).unwrap_or(u32::MAX);
        // A clock set back must not stretch the window.
        Self { used, end_ms: end_ms.min(fresh_end_ms), is_open: true }
    }

    fn pack(&self, policy: &Policy) -> State {
        if !self.is_open {
            return EMPTY;
        }
        let rank = Rank::of(u64::from(self.used), policy.limit(), false);
        [head(self.end_ms, rank), u64::from(self.used)]
    }

    fn decision(&self, policy: &Policy, now_ms: u64) -> Decision {
        let reset_at_ms = if self.is_open { self.end_ms } else { now_ms };
        Decision { reset_at_ms, ..Decision::new(policy.limit(), u64::from(self.used)) }
    }

    fn add(&mut self, cost: u32) {
        self.used = self.used.saturating_add(cost);
        self.is_open |= cost > 0;
    }
}

pub(super) fn hit(state: State, policy: &Policy, cost: u32, now_ms: u64) -> (State, Decision) {
    let mut window = Window::at(state, policy, now_ms);
    let before = window.used;
    window.add(cost);
    let mut decision = window.decision(policy, now_ms);
    decision.is_allowed = window.used <= policy.limit();
    if decision.is_allowed {
        let start_ms = window.end_ms - policy.window_ms();
        let pace = divide_up(
            u128::from(before) * u128::from(policy.window_ms()),
            u64::from(policy.limit()),
        );
        decision.delay_ms = pace.saturating_sub(now_ms - start_ms.min(now_ms));
    } else {
        decision.retry_after_ms = window.end_ms - now_ms;
    }
    (window.pack(policy), decision)
}

pub(super) fn refund(state: State, policy: &Policy, cost: u32, hit_ms: u64, now_ms: u64) -> State {
    let mut window = Window::at(state, policy, now_ms);
    let start_ms = window.end_ms.saturating_sub(policy.window_ms());
    if (start_ms..window.end_ms).contains(&hit_ms) {
        window.used = window.used.saturating_sub(cost);
    }
    window.pack(policy)
}

pub(super) fn penalty(state: State, policy: &Policy, points: u32, now_ms: u64) -> State {
    let mut window = Window::at(state, policy, now_ms);
    window.add(points);
    window.pack(policy)
}

pub(super) fn reward(state: State, policy: &Policy, points: u32, now_ms: u64) -> State {
    let mut window = Window::at(state, policy, now_ms);
    window.used = window.used.saturating_sub(points);
    window.pack(policy)
}
