//! The operations on one key's state, the same for every algorithm and every store. All are pure: the new
//! state is returned, and the caller keeps it.
//!
//! Times are milliseconds since 1970; those after the year 2248 count as that. Costs and points go from 0
//! to 2^31.

use super::block::Block;
use super::options::{Algorithm, Policy};
use super::state::{EMPTY, MAX_NOW_MS, State, expires_at_ms};
use super::{Decision, fixed_window, gcra, sliding_window};

/// Decides a hit and counts it.
///
/// A cost of 0 is denied only to a key that is blocked or over its limit. A denied hit starts a block if the
/// policy has one.
#[must_use]
pub fn hit(state: State, policy: &Policy, cost: u32, now_ms: u64) -> (State, Decision) {
    let (state, now_ms) = at(state, now_ms);
    if let Some(block) = Block::at(state, now_ms) {
        return (block.pack(), block.decision(policy, now_ms));
    }
    let (next, decision) = count(state, policy, cost, now_ms);
    if decision.is_allowed || policy.block_ms() == 0 {
        return (next, decision);
    }
    let block = Block::new(policy.block_ms(), decision.used, now_ms);
    (block.pack(), block.decision(policy, now_ms))
}

/// What a hit of cost 1 would be answered; `used` and `remaining` are as they are without it.
#[must_use]
pub fn peek(state: State, policy: &Policy, now_ms: u64) -> Decision {
    let (state, now_ms) = at(state, now_ms);
    if let Some(block) = Block::at(state, now_ms) {
        return block.decision(policy, now_ms);
    }
    let (_, Decision { is_allowed, retry_after_ms, delay_ms, .. }) =
        count(state, policy, 1, now_ms);
    let (_, unchanged) = count(state, policy, 0, now_ms);
    Decision { is_allowed, retry_after_ms, delay_ms, ..unchanged }
}

/// Takes back a hit that was counted at `hit_ms`: exactly its cost, never below 0, and only from the window
/// that counted it. A hit whose window is over is not taken back from a later one.
#[must_use]
pub fn refund(state: State, policy: &Policy, cost: u32, hit_ms: u64, now_ms: u64) -> State {
    let (state, now_ms) = at(state, now_ms);
    let hit_ms = hit_ms.min(MAX_NOW_MS);
    if let Some(block) = Block::at(state, now_ms) {
        return block.pack();
    }
    match policy.algorithm() {
        Algorithm::FixedWindow => fixed_window::refund(state, policy, cost, hit_ms, now_ms),
        Algorithm::SlidingWindow => sliding_window::refund(state, policy, cost, hit_ms, now_ms),
        Algorithm::Gcra => gcra::refund(state, policy, cost, hit_ms, now_ms),
    }
}

/// Counts points without asking whether they fit.
#[must_use]
pub fn penalty(state: State, policy: &Policy, points: u32, now_ms: u64) -> State {
    let (state, now_ms) = at(state, now_ms);
    if let Some(block) = Block::at(state, now_ms) {
        return block.pack();
    }
    match policy.algorithm() {
        Algorithm::FixedWindow => fixed_window::penalty(state, policy, points, now_ms),
        Algorithm::SlidingWindow => sliding_window::penalty(state, policy, points, now_ms),
        Algorithm::Gcra => gcra::penalty(state, policy, points, now_ms),
    }
}

/// Gives points back, whenever they were counted; never below 0. Does not end a block.
#[must_use]
pub fn reward(state: State, policy: &Policy, points: u32, now_ms: u64) -> State {
    let (state, now_ms) = at(state, now_ms);
    if let Some(block) = Block::at(state, now_ms) {
        return block.pack();
    }
    match policy.algorithm() {
        Algorithm::FixedWindow => fixed_window::reward(state, policy, points, now_ms),
        Algorithm::SlidingWindow => sliding_window::reward(state, policy, points, now_ms),
        Algorithm::Gcra => gcra::reward(state, policy, points, now_ms),
    }
}

/// Denies every hit for `duration_ms` from now, in place of whatever was known; 0 forgets the key.
#[must_use]
pub fn block(state: State, policy: &Policy, duration_ms: u64, now_ms: u64) -> State {
    let (state, now_ms) = at(state, now_ms);
    Block::new(duration_ms, peek(state, policy, now_ms).used, now_ms).pack()
}

/// The time that counts, and what is still known then. An ended state is forgotten at once, so that it does
/// not come back with a clock that is set back.
fn at(state: State, now_ms: u64) -> (State, u64) {
    let now_ms = now_ms.min(MAX_NOW_MS);
    (if expires_at_ms(state) > now_ms { state } else { EMPTY }, now_ms)
}

fn count(state: State, policy: &Policy, cost: u32, now_ms: u64) -> (State, Decision) {
    match policy.algorithm() {
        Algorithm::FixedWindow => fixed_window::hit(state, policy, cost, now_ms),
        Algorithm::SlidingWindow => sliding_window::hit(state, policy, cost, now_ms),
        Algorithm::Gcra => gcra::hit(state, policy, cost, now_ms),
    }
}
