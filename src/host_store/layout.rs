//! What the two words of a slot say.

use crate::rate_limit::state::State;

/// The bit that tells claims and free slots from states, in which it is always 0.
const UNAVAILABLE: u128 = 1 << 127;
const VERSION_BITS: u32 = 32;
const VERSIONS: u128 = 1 << VERSION_BITS;

/// The first word of a slot. All zeros: never used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(pub(super) u128);

impl Key {
    /// Whether this is the key of `place`.
    #[inline]
    pub(super) const fn is_of(self, place: u128) -> bool {
        self.0 >> VERSION_BITS == place << VERSION_BITS >> VERSION_BITS
    }

    /// The number of the key's policy; 0 when the slot was never used.
    #[expect(clippy::cast_possible_truncation, reason = "the lowest 32 bits are the policy's")]
    pub(super) const fn policy(self) -> u32 {
        split(self.0 >> VERSION_BITS)[0] as u32
    }

    /// The key of `place` that takes this one's slot.
    pub(super) const fn successor(self, place: u128) -> Self {
        let version = (self.0 + 1) & (VERSIONS - 1);
        Self(place << VERSION_BITS | version)
    }

    /// What a live value beside this key is combined with: different for each occupant of the slot.
    #[inline]
    const fn mask(self) -> u128 {
        const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
        let [low, high] = split(self.0);
        let mixed = (low ^ high.rotate_left(32)).wrapping_mul(GOLDEN);
        join(mixed ^ high, mixed.rotate_left(32) ^ low) & !UNAVAILABLE
    }
}

/// The second word of a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Value(pub(super) u128);

impl Value {
    /// Nobody's.
    pub(super) const FREE: Self = Self(UNAVAILABLE);

    /// A claim. `owner` and `number` together are never used twice.
    pub(super) const fn claim(owner: u64, number: u64) -> Self {
        Self(UNAVAILABLE | join(number, owner))
    }

    pub(super) fn live(state: State, key: Key) -> Self {
        let [low, high] = state;
        Self((join(low, high) & !UNAVAILABLE) ^ key.mask())
    }

    pub(super) const fn is_live(self) -> bool {
        self.0 & UNAVAILABLE == 0
    }

    pub(super) fn state(self, key: Key) -> State {
        split(self.0 ^ key.mask())
    }
}

const fn join(low: u64, high: u64) -> u128 {
    low as u128 | (high as u128) << 64
}

#[expect(clippy::cast_possible_truncation, reason = "the halves are what is wanted")]
const fn split(word: u128) -> [u64; 2] {
    [word as u64, (word >> 64) as u64]
}

/// Keys that lie together. `N` is [`SLOTS`] in the file, less in models.
#[derive(Debug)]
#[repr(C)]
pub struct Bucket<W, const N: usize> {
    pub(super) keys: [W; N],
    pub(super) values: [W; N],
}

/// Slots of a bucket of the file.
pub const SLOTS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_live_value_gives_back_its_state(low: u64, high in 0..1_u64 << 63, place: u128) {
            let key = Key(0).successor(place);
            let value = Value::live([low, high], key);
            prop_assert!(value.is_live());
            prop_assert_eq!(value.state(key), [low, high]);
        }

        #[test]
        fn a_key_knows_its_place_and_policy_whatever_its_version(place: u128, versions in 0_u32..5) {
            let mut key = Key(VERSIONS - 3);
            for _ in 0..=versions {
                key = key.successor(place);
                prop_assert!(key.is_of(place) && !key.is_of(place ^ 1) && !key.is_of(place ^ 1 << 95));
                prop_assert_eq!(u128::from(key.policy()), place & 0xFFFF_FFFF);
            }
        }
    }

    #[test]
    fn the_next_occupant_of_a_slot_has_another_mask_even_when_it_is_the_same_key() {
        let mut key = Key(VERSIONS - 3);
        for _ in 0..5 {
            let next = key.successor(9 << 64 | 1);
            assert_ne!(Value::live([1, 1], key), Value::live([1, 1], next));
            key = next;
        }
    }
}
