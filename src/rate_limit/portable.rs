//! A state in numbers that say what they are: how stores outside of this process hold it.
//!
//! [`State`] packs its numbers together with a rank that only tables need; a Redis script wants them plain.

use super::options::Algorithm;
use super::state::{EMPTY, Period, Rank, State, expires_at_ms, head, is_block};

/// What is known of one key, in plain numbers. Times are milliseconds since 1970 and below 2^44.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Portable {
    /// Nothing.
    #[default]
    Nothing,
    /// [`super::fixed_window`].
    Fixed {
        /// When the window ends.
        end_ms: u64,
        /// Hits in it.
        used: u32,
    },
    /// [`super::sliding_window`].
    Sliding {
        /// When the window after the present one ends.
        end_ms: u64,
        /// Hits of the window before, below 2^31.
        previous: u32,
        /// Hits of the present one, below 2^31.
        current: u32,
    },
    /// [`super::gcra`].
    Gcra {
        /// By when the debt is paid.
        end_ms: u64,
        /// Since when it has been unbroken.
        start_ms: u64,
        /// Units of `1 / limit` ms by which it is paid earlier, below 2^31.
        fraction: u32,
    },
    /// [`super::block`].
    Block {
        /// When the block ends.
        end_ms: u64,
        /// When it began.
        start_ms: u64,
        /// What the key had used then, below 2^31.
        used: u32,
    },
}

const TIME_END: u64 = 1 << 44;
const COUNT_END: u64 = 1 << 31;

impl Portable {
    /// Reads the numbers of the scripts: a kind and three numbers. Nothing for numbers that no state has.
    #[must_use]
    pub fn from_numbers(kind: u64, end_ms: u64, y: u64, z: u64) -> Option<Self> {
        let count = |number: u64| u32::try_from(number).ok().filter(|_| number < COUNT_END);
        let period = || end_ms < TIME_END && y < end_ms;
        match kind {
            0 => Some(Self::Nothing),
            1 if end_ms < TIME_END => {
                u32::try_from(y).ok().map(|used| Self::Fixed { end_ms, used })
            }
            2 if end_ms < TIME_END => {
                Some(Self::Sliding { end_ms, previous: count(y)?, current: count(z)? })
            }
            3 if period() => Some(Self::Gcra { end_ms, start_ms: y, fraction: count(z)? }),
            4 if period() => Some(Self::Block { end_ms, start_ms: y, used: count(z)? }),
            _ => None,
        }
    }

    /// What a packed state of this algorithm says.
    #[must_use]
    pub fn from_state(state @ [_, tail]: State, algorithm: Algorithm) -> Self {
        let end_ms = expires_at_ms(state);
        let Period { start_ms, number, .. } = Period::unpack(state);
        let low = |number: u64| u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX);
        match algorithm {
            _ if state == EMPTY => Self::Nothing,
            _ if is_block(state) => Self::Block { end_ms, start_ms, used: number },
            Algorithm::FixedWindow => Self::Fixed { end_ms, used: low(tail) },
            Algorithm::SlidingWindow => {
                Self::Sliding { end_ms, previous: low(tail >> 32), current: low(tail) }
            }
            Algorithm::Gcra => Self::Gcra { end_ms, start_ms, fraction: number },
        }
    }

    /// The packed state; it has the lowest rank, a block the highest.
    #[must_use]
    pub fn to_state(self) -> State {
        match self {
            Self::Nothing => EMPTY,
            Self::Fixed { end_ms, used } => [head(end_ms, Rank::Low), u64::from(used)],
            Self::Sliding { end_ms, previous, current } => {
                [head(end_ms, Rank::Low), u64::from(previous) << 32 | u64::from(current)]
            }
            Self::Gcra { end_ms, start_ms, fraction } => {
                Period { start_ms, end_ms, number: fraction }.pack(Rank::Low, false)
            }
            Self::Block { end_ms, start_ms, used } => {
                Period { start_ms, end_ms, number: used }.pack(Rank::Blocked, true)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_packing() {
        let states = [
            (Algorithm::FixedWindow, Portable::Fixed { end_ms: TIME_END - 1, used: u32::MAX }),
            (Algorithm::SlidingWindow, Portable::Sliding { end_ms: 9, previous: 1, current: 2 }),
            (Algorithm::Gcra, Portable::Gcra { end_ms: 9, start_ms: 3, fraction: 0x7FFF_FFFF }),
            (Algorithm::Gcra, Portable::Block { end_ms: 9, start_ms: 3, used: 0x7FFF_FFFF }),
            (Algorithm::Gcra, Portable::Nothing),
        ];
        for (algorithm, portable) in states {
            assert_eq!(Portable::from_state(portable.to_state(), algorithm), portable);
        }
    }

    #[test]
    fn refuses_numbers_that_no_state_has() {
        for (kind, end, y, z) in [
            (5, 9, 1, 1),
            (u64::MAX, 9, 1, 1),
            (1, TIME_END, 1, 0),
            (1, 9, 1 << 32, 0),
            (2, 9, COUNT_END, 0),
            (2, 9, 0, COUNT_END),
            (3, 9, 9, 0),
            (3, 9, 10, 0),
            (4, 9, 0, COUNT_END),
            (4, u64::MAX, 0, 0),
        ] {
            assert_eq!(Portable::from_numbers(kind, end, y, z), None, "{kind} {end} {y} {z}");
        }
    }
}
