//! What the two words of a slot say.

/// An algorithm's state of one key. `[0, 0]` means that nothing is known of the key. The highest bit of the
/// second word is the table's and must be 0.
pub type State = [u64; 2];

/// The bit that tells claims and free slots from states.
const UNAVAILABLE: u128 = 1 << 127;

/// What an algorithm makes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The new state; `[0, 0]` forgets the key.
    pub state: State,
    /// From when on the state says nothing any more, in ms since 1970. Clipped to the year 2109.
    pub expires_at_ms: u64,
    /// How much is lost with it.
    pub rank: Rank,
}

/// How much is lost when a key has to be forgotten before it expires; the lowest goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rank {
    /// Up to a third of its limit is used.
    Low,
    /// Up to two thirds.
    Middle,
    /// More, but it may still pass.
    High,
    /// Over its limit: never forgotten to make room.
    Blocked,
}

impl Rank {
    /// The rank of a key that has used `used` of `limit` and may still pass.
    #[must_use]
    pub fn of_share(used: u64, limit: u64) -> Self {
        match used.saturating_mul(3) {
            thrice if thrice <= limit => Self::Low,
            thrice if thrice <= limit.saturating_mul(2) => Self::Middle,
            _ => Self::High,
        }
    }

    const fn from_bits(bits: u64) -> Self {
        match bits & 3 {
            0 => Self::Low,
            1 => Self::Middle,
            2 => Self::High,
            _ => Self::Blocked,
        }
    }
}

/// The first word of a slot. All zeros: never used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(pub(super) u128);

impl Key {
    const VERSION_BITS: u32 = 20;
    const VERSIONS: u64 = 1 << Self::VERSION_BITS;
    const RANK_AT: u32 = Self::VERSION_BITS;
    const EXPIRY_AT: u32 = Self::RANK_AT + 2;
    const LATEST_EXPIRY: u64 = (1 << 42) - 1;

    const fn new(fingerprint: u64, expiry: u64, rank: Rank, version: u64) -> Self {
        let meta = expiry << Self::EXPIRY_AT | (rank as u64) << Self::RANK_AT | version;
        Self(join(meta, fingerprint))
    }

    pub(super) const fn fingerprint(self) -> u64 {
        split(self.0)[1]
    }

    const fn meta(self) -> u64 {
        split(self.0)[0]
    }

    pub(super) const fn expires_at_ms(self) -> u64 {
        self.meta() >> Self::EXPIRY_AT
    }

    pub(super) const fn rank(self) -> Rank {
        Rank::from_bits(self.meta() >> Self::RANK_AT)
    }

    const fn version(self) -> u64 {
        self.meta() & (Self::VERSIONS - 1)
    }

    /// The key that takes this one's place.
    pub(super) fn successor(self, fingerprint: u64, entry: &Entry, now_ms: u64) -> Self {
        let version = (self.version() + 1) & (Self::VERSIONS - 1);
        Self::new(fingerprint, later(entry.expires_at_ms, now_ms), entry.rank, version)
    }

    /// This key when it also has to last for `entry`: itself if it does already.
    pub(super) fn lasting_for(self, entry: &Entry, now_ms: u64) -> Self {
        let before = self.expires_at_ms();
        if before >= entry.expires_at_ms.min(Self::LATEST_EXPIRY) && self.rank() == entry.rank {
            return self;
        }
        let expiry = before.max(later(entry.expires_at_ms, now_ms));
        Self::new(self.fingerprint(), expiry, entry.rank, self.version())
    }

    /// What a live value beside this key is combined with: different for each occupant of the slot.
    fn mask(self) -> u128 {
        const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
        let version = (self.version() + 1).wrapping_mul(GOLDEN);
        let low = self.fingerprint() ^ version;
        let high = self.fingerprint().rotate_left(32).wrapping_mul(GOLDEN) ^ version;
        join(low, high) & !UNAVAILABLE
    }
}

/// The expiry to note for one at `expires_at_ms`: later by up to an eighth of the time left, so that states
/// that last a little longer with each hit seldom change the key.
fn later(expires_at_ms: u64, now_ms: u64) -> u64 {
    let grain = (expires_at_ms.saturating_sub(now_ms) / 8).checked_ilog2().unwrap_or(0);
    let below = (1_u64 << grain) - 1;
    (expires_at_ms.saturating_add(below) & !below).min(Key::LATEST_EXPIRY)
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
        debug_assert!(high >> 63 == 0, "the highest bit is the table's");
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
        fn a_key_word_gives_back_what_was_put_in(
            fingerprint: u64, expiry in 0..=Key::LATEST_EXPIRY, rank in 0_u64..4, version in 0_u64..1 << 20
        ) {
            let key = Key::new(fingerprint, expiry, Rank::from_bits(rank), version);
            prop_assert_eq!(key.fingerprint(), fingerprint);
            prop_assert_eq!(key.expires_at_ms(), expiry);
            prop_assert_eq!(key.rank() as u64, rank);
            prop_assert_eq!(key.version(), version);
        }

        #[test]
        fn a_live_value_gives_back_its_state(low: u64, high in 0..1_u64 << 63, fingerprint: u64) {
            let key = Key::new(fingerprint, 1, Rank::Low, 7);
            let value = Value::live([low, high], key);
            prop_assert!(value.is_live());
            prop_assert_eq!(value.state(key), [low, high]);
        }

        #[test]
        fn a_noted_expiry_is_later_by_an_eighth_of_the_time_left_at_most(
            now in 0_u64..1 << 41, left in 0_u64..1 << 40
        ) {
            let noted = later(now + left, now);
            prop_assert!(noted >= now + left && noted <= now + left + left / 8);
        }
    }

    #[test]
    fn a_lasting_key_is_never_lowered() {
        let key = Key::new(9, 5_000, Rank::Blocked, 3);
        let entry = Entry { state: [1, 1], expires_at_ms: 2_000, rank: Rank::Low };
        let lasting = key.lasting_for(&entry, 1_000);
        assert_eq!(lasting.expires_at_ms(), 5_000);
        assert_eq!((lasting.rank(), lasting.version()), (Rank::Low, 3));
    }

    #[test]
    fn the_next_occupant_of_a_slot_has_another_mask_even_when_it_is_the_same_key() {
        let entry = Entry { state: [1, 1], expires_at_ms: 2_000, rank: Rank::Low };
        let mut key = Key::new(9, 0, Rank::Low, Key::VERSIONS - 2);
        for _ in 0..4 {
            let next = key.successor(9, &entry, 0);
            assert_ne!(Value::live([1, 1], key), Value::live([1, 1], next));
            key = next;
        }
    }
}
