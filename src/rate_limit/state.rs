//! The 16 bytes that a store keeps for one key.
//!
//! | word | bits | fixed window | sliding window | GCRA | block |
//! |---|---|---|---|---|---|
//! | 0 | 0–43 | end, ms since 1970 | start + 2 windows | end of the debt | end |
//! | 0 | 44–45 | rank | rank | rank | rank |
//! | 0 | 46 | 0 | 0 | 0 | 1 |
//! | 0 | 47–58 | 0 | 0 | fraction, high part | used, high part |
//! | 1 | 0–31 | used | hits of this window | bits 0–43: start | bits 0–43: start |
//! | 1 | 32–62 | 0 | hits of the one before | bits 44–62: fraction, low part | bits 44–62: used, low part |
//!
//! The other bits are 0 and belong to the store; so does the meaning of `[0, 0]`, which every algorithm
//! takes for a key that it has never seen. Whatever the algorithm, a state says nothing from
//! [`expires_at_ms`] on, and [`rank`] says how much would be lost with it, so a store needs to know no
//! policy to make room.

/// What is known of one key.
pub type State = [u64; 2];

/// Nothing is known of the key.
pub const EMPTY: State = [0, 0];

/// The latest time that is told from later ones: the year 2248. Leaves a state room to end later than that.
pub const MAX_NOW_MS: u64 = (1 << 43) - 1;

const TIME_BITS: u32 = 44;
const TIME_MASK: u64 = (1 << TIME_BITS) - 1;
const RANK_SHIFT: u32 = TIME_BITS;
const BLOCK_BIT: u64 = 1 << 46;
const HIGH_SHIFT: u32 = 47;
const LOW_BITS: u32 = 19;
const LOW_MASK: u64 = (1 << LOW_BITS) - 1;
const HIGH_MASK: u64 = (1 << 12) - 1;

/// How much is lost when a key has to be forgotten before it expires; the lowest goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rank {
    /// Up to a third of its limit is used.
    Low,
    /// Up to two thirds.
    Middle,
    /// More, but it was not denied.
    High,
    /// Denied or blocked: never forgotten to make room.
    Blocked,
}

impl Rank {
    /// The rank of a key that has used `used` of `limit`. A limit of 0 denies without remembering.
    #[must_use]
    pub fn of(used: u64, limit: u32, is_denied: bool) -> Self {
        let (thrice, limit) = (used.saturating_mul(3), u64::from(limit));
        if limit == 0 {
            Self::Low
        } else if is_denied || used > limit {
            Self::Blocked
        } else if thrice <= limit {
            Self::Low
        } else if thrice <= limit * 2 {
            Self::Middle
        } else {
            Self::High
        }
    }
}

/// From when on the state says nothing any more, in milliseconds on the caller's clock; 0 for
/// [`EMPTY`].
#[must_use]
pub const fn expires_at_ms([head, _]: State) -> u64 {
    head & TIME_MASK
}

/// How much would be lost with the state.
#[must_use]
pub const fn rank([head, _]: State) -> Rank {
    match (head >> RANK_SHIFT) & 3 {
        0 => Rank::Low,
        1 => Rank::Middle,
        2 => Rank::High,
        _ => Rank::Blocked,
    }
}

/// The first word of a state that ends at `end_ms`.
pub(super) fn head(end_ms: u64, rank: Rank) -> u64 {
    end_ms.min(TIME_MASK) | u64::from(rank as u8) << RANK_SHIFT
}

/// A span of time with a number of up to 31 bits: the form of a debt and of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) start_ms: u64,
    pub(super) end_ms: u64,
    pub(super) number: u32,
}

impl Period {
    pub(super) fn pack(self, rank: Rank, is_block: bool) -> State {
        let number = u64::from(self.number);
        let block = if is_block { BLOCK_BIT } else { 0 };
        let high = ((number >> LOW_BITS) & HIGH_MASK) << HIGH_SHIFT;
        let low = (number & LOW_MASK) << TIME_BITS;
        [head(self.end_ms, rank) | block | high, self.start_ms.min(TIME_MASK) | low]
    }

    pub(super) fn unpack(state @ [head, tail]: State) -> Self {
        let high = (head >> HIGH_SHIFT) & HIGH_MASK;
        let number = high << LOW_BITS | (tail >> TIME_BITS) & LOW_MASK;
        Self {
            start_ms: tail & TIME_MASK,
            end_ms: expires_at_ms(state),
            number: u32::try_from(number).unwrap_or(u32::MAX),
        }
    }

    /// The same span, begun now at the latest: the clock may have been set back.
    pub(super) fn begun_by(self, now_ms: u64) -> Self {
        let ahead = self.start_ms.saturating_sub(now_ms);
        let (start_ms, end_ms) = (self.start_ms - ahead, self.end_ms.saturating_sub(ahead));
        Self { start_ms, end_ms, ..self }
    }
}

/// Whether the state is a block, ended or not.
pub(super) const fn is_block([head, _]: State) -> bool {
    head & BLOCK_BIT != 0
}

/// `number / divisor`, rounded up; 0 when the divisor is 0. A quotient above `u64::MAX` becomes that.
pub(super) fn divide_up(number: u128, divisor: u64) -> u64 {
    if divisor == 0 {
        return 0;
    }
    // A division of 128 bits is a library call.
    match u64::try_from(number) {
        Ok(number) => number.div_ceil(divisor),
        Err(_) => u64::try_from(number.div_ceil(u128::from(divisor))).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::Rank::{Blocked, High, Low, Middle};
    use super::*;

    #[test]
    fn a_period_survives_packing() {
        for number in [0, 1, 0x7_FFFF, 0x8_0000, 0x7FFF_FFFF] {
            for (start_ms, end_ms) in [(0, 1), (TIME_MASK - 1, TIME_MASK), (1, 1 << 43)] {
                let period = Period { start_ms, end_ms, number };
                for is_blocked in [false, true] {
                    let state = period.pack(Rank::High, is_blocked);
                    assert_eq!(Period::unpack(state), period);
                    assert_eq!((rank(state), is_block(state)), (Rank::High, is_blocked));
                    assert_eq!(state[1] >> 63, 0, "the highest bit is the store's");
                    assert_eq!(state[0] >> 59, 0, "the highest five bits are the store's");
                }
            }
        }
    }

    #[test]
    fn ranks_by_share_of_the_limit() {
        let ranks = [0, 3, 4, 6, 7, 9, 10].map(|used| Rank::of(used, 9, false));
        assert_eq!(ranks, [Low, Low, Middle, Middle, High, High, Blocked]);
        assert_eq!(Rank::of(1, 9, true), Blocked);
        assert_eq!(Rank::of(1, 0, true), Low);
    }

    #[test]
    fn divides_beyond_64_bits() {
        assert_eq!(divide_up(7, 2), 4);
        assert_eq!(divide_up(1, 0), 0);
        assert_eq!(divide_up(1 << 100, 1 << 40), 1 << 60);
        assert_eq!(divide_up((1 << 100) + 1, 1 << 40), (1 << 60) + 1);
        assert_eq!(divide_up(u128::MAX, 1), u64::MAX);
    }
}
