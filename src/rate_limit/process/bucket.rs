//! A bucket: 15 places for keys and a byte of each key's hash, in 512 bytes.

use crate::rate_limit::state::{EMPTY, Rank, State, expires_at_ms, rank};

/// Keys of one bucket.
pub(super) const PLACES: usize = 15;

const EVERY_BYTE: u64 = 0x0101_0101_0101_0101;
const LOW_SEVEN: u64 = 0x7F7F_7F7F_7F7F_7F7F;

#[derive(Clone, Copy)]
struct Place {
    key: u128,
    state: State,
}

/// Eight cache lines of 64 bytes, of which the first says where the others need looking at.
#[derive(Clone)]
#[repr(C, align(64))]
pub(super) struct Bucket {
    /// One byte for each place, 0 when it is free. The sixteenth has no place.
    tags: [u64; 2],
    /// How many bits of a hash lead to this bucket.
    pub(super) depth: u32,
    places: [Place; PLACES],
}

impl Bucket {
    pub(super) const fn new(depth: u32) -> Self {
        let free = Place { key: 0, state: EMPTY };
        Self { tags: [0; 2], depth, places: [free; PLACES] }
    }

    pub(super) fn state_mut(&mut self, key: u128) -> Option<&mut State> {
        let position =
            matches(self.tags, tag(key)).find(|position| self.key_at(*position) == Some(key))?;
        self.places.get_mut(position).map(|place| &mut place.state)
    }

    pub(super) fn state(&self, key: u128) -> Option<State> {
        let position =
            matches(self.tags, tag(key)).find(|position| self.key_at(*position) == Some(key))?;
        self.places.get(position).map(|place| place.state)
    }

    fn key_at(&self, position: usize) -> Option<u128> {
        self.places.get(position).map(|place| place.key)
    }

    pub(super) fn is_full(&self) -> bool {
        self.free().is_none()
    }

    fn free(&self) -> Option<usize> {
        matches(self.tags, 0).find(|position| *position < PLACES)
    }

    fn occupied(&self) -> impl Iterator<Item = (usize, &Place)> {
        let tags = self.tags;
        self.places.iter().enumerate().filter(move |(position, _)| tag_at(tags, *position) != 0)
    }

    /// Puts in a key that is not there yet; false when there is no place.
    pub(super) fn push(&mut self, key: u128, state: State) -> bool {
        let Some(position) = self.free() else { return false };
        self.put(position, key, state);
        true
    }

    fn put(&mut self, position: usize, key: u128, state: State) {
        if let Some(place) = self.places.get_mut(position) {
            *place = Place { key, state };
            set_tag(&mut self.tags, position, tag(key));
        }
    }

    /// Takes out every key for which `is_gone` says so, and returns how many they were.
    pub(super) fn remove(&mut self, mut is_gone: impl FnMut(u128, State) -> bool) -> usize {
        let mut tags = self.tags;
        let mut count = 0;
        for (position, place) in self.occupied() {
            if is_gone(place.key, place.state) {
                set_tag(&mut tags, position, 0);
                count += 1;
            }
        }
        self.tags = tags;
        count
    }

    /// Takes out the expired keys.
    pub(super) fn purge(&mut self, now_ms: u64) -> usize {
        self.remove(|_, state| expires_at_ms(state) <= now_ms)
    }

    /// The key that is missed least: of the lowest rank the one that expires first; none when every one is
    /// blocked.
    fn victim(&self) -> Option<usize> {
        self.occupied()
            .map(|(position, place)| (rank(place.state), expires_at_ms(place.state), position))
            .min()
            .filter(|(rank, ..)| *rank < Rank::Blocked)
            .map(|(.., position)| position)
    }

    /// Puts a key in the victim's place.
    pub(super) fn replace_victim(&mut self, key: u128, state: State) -> bool {
        let victim = self.victim();
        victim.inspect(|position| self.put(*position, key, state)).is_some()
    }

    /// Takes the victim out.
    pub(super) fn evict(&mut self) -> bool {
        let victim = self.victim();
        victim.inspect(|position| set_tag(&mut self.tags, *position, 0)).is_some()
    }

    /// Moves the keys whose next bit is set into a new bucket; both are a bit deeper then.
    pub(super) fn split(&mut self, next_bit: impl Fn(u128) -> bool) -> Self {
        self.depth += 1;
        let mut upper = Self::new(self.depth);
        self.remove(|key, state| next_bit(key) && upper.push(key, state));
        upper
    }
}

/// Which byte of a key's hash stands for it: not 0, which means a free place.
fn tag(key: u128) -> u8 {
    let [.., byte, _, _, _, _] = key.to_be_bytes();
    byte.max(1)
}

fn tag_at(tags: [u64; 2], position: usize) -> u8 {
    let word = tags.get(position / 8).copied().unwrap_or(0);
    word.to_le_bytes().get(position % 8).copied().unwrap_or(0)
}

fn set_tag(tags: &mut [u64; 2], position: usize, tag: u8) {
    if let Some(word) = tags.get_mut(position / 8) {
        let shift = position % 8 * 8;
        *word = *word & !(0xFF << shift) | u64::from(tag) << shift;
    }
}

/// The positions of all bytes equal to `tag`, compared eight at a time.
fn matches(tags: [u64; 2], tag: u8) -> impl Iterator<Item = usize> {
    let pattern = EVERY_BYTE * u64::from(tag);
    let [low, high] = tags.map(|word| zero_bytes(word ^ pattern));
    Ones(low).chain(Ones(high).map(|position| position + 8))
}

/// The highest bit of each byte that is 0, and no other bit.
const fn zero_bytes(word: u64) -> u64 {
    !((word & LOW_SEVEN).wrapping_add(LOW_SEVEN) | word | LOW_SEVEN)
}

/// The bytes with a bit set, from the lowest.
struct Ones(u64);

impl Iterator for Ones {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let position = self.0.trailing_zeros() as usize / 8;
        self.0 &= self.0.wrapping_sub(1);
        (position < 8).then_some(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_eight_cache_lines() {
        assert_eq!((size_of::<Bucket>(), align_of::<Bucket>()), (512, 64));
    }

    #[test]
    fn finds_every_byte_and_no_other() {
        for tag in 0..=255_u8 {
            let mut tags = [0x0102_0304_FF7F_8081, u64::from_le_bytes([tag.wrapping_add(1); 8])];
            set_tag(&mut tags, 3, tag);
            set_tag(&mut tags, 15, tag);
            let expected: Vec<_> =
                (0..16).filter(|position| tag_at(tags, *position) == tag).collect();
            assert_eq!(matches(tags, tag).collect::<Vec<_>>(), expected);
        }
    }
}
