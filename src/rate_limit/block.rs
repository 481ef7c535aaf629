//! A block takes the place of what was counted: until it ends every hit is denied, whatever its cost, and
//! nothing is counted, refunded, rewarded or penalized. After it the key begins anew.

use super::Decision;
use super::options::Policy;
use super::state::{EMPTY, Period, Rank, State, is_block};

/// The most uses that a block remembers: 31 bits.
const MAX_USED: u32 = (1 << 31) - 1;

/// A block in force.
#[derive(Debug, Clone, Copy)]
pub(super) struct Block(Period);

impl Block {
    /// The block that a state which has not ended is.
    pub(super) fn at(state: State, now_ms: u64) -> Option<Self> {
        is_block(state).then(|| Self(Period::unpack(state).begun_by(now_ms)))
    }

    /// A block from now on, for a key that has used as much as `used` says.
    pub(super) fn new(duration_ms: u64, used: u32, now_ms: u64) -> Self {
        let end_ms = now_ms.saturating_add(duration_ms);
        Self(Period { start_ms: now_ms, end_ms, number: used.min(MAX_USED) })
    }

    pub(super) fn pack(self) -> State {
        if self.0.start_ms == self.0.end_ms { EMPTY } else { self.0.pack(Rank::Blocked, true) }
    }

    pub(super) fn decision(self, policy: &Policy, now_ms: u64) -> Decision {
        let Period { end_ms, number, .. } = self.0;
        Decision {
            is_blocked: true,
            remaining: 0,
            reset_at_ms: end_ms,
            retry_after_ms: end_ms - now_ms,
            ..Decision::new(policy.capacity(), u64::from(number))
        }
    }
}
