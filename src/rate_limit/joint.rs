//! Several policies decided together: a hit passes all of them or consumes none.
//!
//! A policy that denies treats the hit as it always does (a fixed window counts it, a block begins); the
//! others are left as they were, and say what they would have answered.

use super::algorithm;
use super::{Decision, Policy, State};

/// The most policies of one decision.
pub const MAX_POLICIES: usize = 16;

/// One policy's part in a joint decision.
#[derive(Debug, Clone, Copy)]
pub struct Share<'policy> {
    /// By which rule.
    pub policy: &'policy Policy,
    /// How much of it the hit costs, 0 to 2^31.
    pub cost: u32,
}

/// Decides one hit under every policy, and makes the new state of each. States, shares and decisions run in
/// parallel; beyond the shortest of them, and beyond [`MAX_POLICIES`], nothing is decided.
///
/// Returns whether the hit passed all.
pub fn decide<'policy, Shares>(
    states: &mut [State],
    shares: Shares,
    now_ms: u64,
    decisions: &mut [Decision],
) -> bool
where
    Shares: Iterator<Item = Share<'policy>> + Clone,
{
    let mut next = [State::default(); MAX_POLICIES];
    let mut is_allowed = true;
    let parts = states.iter().zip(shares.clone()).zip(decisions.iter_mut()).zip(&mut next);
    for (((state, Share { policy, cost }), decision), next) in parts {
        (*next, *decision) = algorithm::hit(*state, policy, cost, now_ms);
        is_allowed &= decision.is_allowed;
    }
    for (((state, share), decision), next) in states.iter_mut().zip(shares).zip(decisions).zip(next)
    {
        if is_allowed || !decision.is_allowed {
            *state = next;
        } else {
            let unchanged = algorithm::peek(*state, share.policy, now_ms);
            *decision = Decision { is_allowed: true, retry_after_ms: 0, delay_ms: 0, ..unchanged };
        }
    }
    is_allowed
}
