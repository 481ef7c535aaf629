//! Keys of the open objects, to find one that comes twice, without allocation per body.
//!
//! A small object compares the tags of its keys one after the other, if a 64-bit Bloom filter does not
//! already say that the key is new; one that grows moves into an open-addressing table that all objects share. Tags come from a hash with random seeds, so nobody
//! outside can craft collisions (CWE-407); should probing get long all the same, the caller is told to
//! decide on the exact path instead.
#![expect(clippy::inline_always, reason = "must melt into the version for each instruction set")]

use std::hash::{BuildHasher, RandomState};

/// Keys up to which an object is searched one by one.
const WINDOW: u32 = 32;
/// Slots that the table starts with.
const TABLE_MIN: usize = 256;
/// Elements that a vector keeps between bodies.
const KEEP_MAX: usize = 1 << 16;
/// Probes allowed for each key in the table, on the average of the body.
const PROBES_PER_KEY: usize = 16;

/// An open array or object.
#[derive(Debug, Clone, Copy, Default)]
struct Frame {
    /// Number of the object, unique until the table is cleared; 0 for an array.
    serial: u32,
    /// Its keys in `tags`.
    from: u32,
    end: u32,
    /// Where its window ends; 0 for an array, and for an object that is in the table.
    room: u32,
    bloom: u64,
    /// Commas of an array so far.
    commas: u32,
    /// Offset of the bracket.
    start: u32,
}

/// A key of an object in the table; empty while its serial is older than the body.
#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    serial: u32,
    tag: u32,
    key: u32,
}

/// What is known about a key after it was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// Its object had no such key.
    New,
    /// Its object has it already.
    Again,
    /// Too many probes to go on.
    Unsure,
}

/// The open containers with their keys.
#[derive(Debug)]
pub(super) struct OpenObjects {
    seeds: [u64; 2],
    /// The innermost container, and those around it.
    top: Frame,
    frames: Vec<Frame>,
    /// Hash tags of the keys of open objects, those of the innermost last; a window's length longer than
    /// what is in use.
    tags: Vec<u32>,
    /// Offset of each key's inside.
    keys: Vec<u32>,
    table: Vec<Slot>,
    /// Serial of the last object.
    serial: u32,
    /// Serials up to this one belong to earlier bodies.
    stale: u32,
    /// Slots of this body.
    filled: usize,
    probes: usize,
}

impl OpenObjects {
    pub(super) fn new() -> Self {
        let state = RandomState::new();
        Self {
            seeds: [0_u64, 1].map(|number| state.hash_one(number)),
            top: Frame::default(),
            frames: Vec::new(),
            tags: Vec::new(),
            keys: Vec::new(),
            table: Vec::new(),
            serial: 0,
            stale: 0,
            filled: 0,
            probes: 0,
        }
    }

    /// Forgets the last body. Cheap: the table's old slots are recognised by their serials.
    pub(super) fn begin(&mut self, body: usize) {
        self.top = Frame::default();
        self.frames.clear();
        self.frames.shrink_to(KEEP_MAX);
        if self.tags.len() > KEEP_MAX {
            self.tags = Vec::new();
            self.keys = Vec::new();
        }
        let objects = u32::try_from(body).unwrap_or(u32::MAX);
        if self.table.len() > KEEP_MAX || self.serial.checked_add(objects).is_none() {
            self.table = Vec::new();
            self.serial = 0;
        }
        self.stale = self.serial;
        self.filled = 0;
        self.probes = 0;
    }

    #[inline(always)]
    pub(super) fn open(&mut self, is_object: bool, start: u32) {
        self.frames.push(self.top);
        let from = self.top.end;
        self.serial += u32::from(is_object);
        let (serial, room) = if is_object { (self.serial, from + WINDOW) } else { (0, 0) };
        self.top = Frame { serial, from, end: from, room, bloom: 0, commas: 0, start };
        if room as usize > self.tags.len() {
            self.widen();
        }
    }

    #[cold]
    fn widen(&mut self) {
        let length = self.tags.len() * 2 + 64 * WINDOW as usize;
        self.tags.resize(length, 0);
        self.keys.resize(length, 0);
    }

    #[inline(always)]
    pub(super) fn close(&mut self) {
        self.top = self.frames.pop().unwrap_or_default();
    }

    /// Counts commas for the innermost container; for an array gives all of its commas and its start.
    pub(super) fn count_commas(&mut self, commas: u32) -> Option<(u32, u32)> {
        self.top.commas += commas;
        let is_array = self.top.serial == 0 && !self.frames.is_empty();
        is_array.then_some((self.top.commas, self.top.start))
    }

    /// Hash of a key of at most 16 bytes, given as a little-endian number with zeros above.
    #[inline(always)]
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a 128-bit number")]
    pub(super) const fn hash_short(&self, word: u128) -> u64 {
        let [first, second] = self.seeds;
        fold(word as u64 ^ first, (word >> 64) as u64 ^ second)
    }

    /// Hash of any key; equals [`Self::hash_short`] up to 16 bytes.
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        if key.len() <= 16 {
            return self.hash_short(short_word(key));
        }
        let [first, second] = self.seeds;
        key.chunks(16).fold(key.len() as u64, |hash, chunk| {
            fold(self.hash_short(short_word(chunk)) ^ hash ^ second, first)
        })
    }

    /// Adds a key (by hash and offset of its inside) to the innermost object. `same` tells whether the
    /// key at an offset is the same one.
    #[inline(always)]
    pub(super) fn add(&mut self, hash: u64, key: u32, same: impl Fn(u32) -> bool) -> Added {
        let tag = (hash >> 32) as u32;
        let Frame { from, end, room, bloom, .. } = self.top;
        if end >= room {
            return self.add_beyond(tag, key, same);
        }
        let bit = 1 << (hash & 63);
        if bloom & bit != 0 && self.is_listed(from, end, tag, same) {
            return Added::Again;
        }
        if let Some(free) = self.tags.get_mut(end as usize) {
            *free = tag;
        }
        if let Some(free) = self.keys.get_mut(end as usize) {
            *free = key;
        }
        self.top.end = end + 1;
        self.top.bloom = bloom | bit;
        Added::New
    }

    #[inline(never)]
    fn is_listed(&self, from: u32, end: u32, tag: u32, same: impl Fn(u32) -> bool) -> bool {
        let range = from as usize..end as usize;
        let tags = self.tags.get(range.clone()).unwrap_or_default();
        let keys = self.keys.get(range).unwrap_or_default();
        tags.iter().zip(keys).any(|(&other, &key)| other == tag && same(key))
    }

    /// Adds a key where there is no window for it.
    #[inline(never)]
    fn add_beyond(&mut self, tag: u32, key: u32, same: impl Fn(u32) -> bool) -> Added {
        let Frame { serial, from, end, room, .. } = self.top;
        if serial == 0 {
            // A colon outside of an object: `JSON.parse` will refuse the text.
            return Added::New;
        }
        if room != 0 {
            // The window is full. Its keys were compared with each other on the way in.
            self.top.room = 0;
            self.top.end = from;
            for at in from as usize..end as usize {
                let moved = self.tags.get(at).copied().zip(self.keys.get(at).copied());
                if let Some((tag, key)) = moved
                    && self.add_to_table(tag, key, |_| false) == Added::Unsure
                {
                    return Added::Unsure;
                }
            }
        }
        self.add_to_table(tag, key, same)
    }

    fn add_to_table(&mut self, tag: u32, key: u32, same: impl Fn(u32) -> bool) -> Added {
        if self.filled * 2 >= self.table.len() {
            self.grow();
        }
        let serial = self.top.serial;
        let mask = self.table.len() - 1;
        let mut at = home(serial, tag) & mask;
        while let Some(slot) = self.table.get_mut(at) {
            if slot.serial <= self.stale {
                *slot = Slot { serial, tag, key };
                self.filled += 1;
                return Added::New;
            }
            if slot.tag == tag && slot.serial == serial {
                if slot.key == key {
                    // A second colon after one key: malformed, which is for `JSON.parse` to say.
                    return Added::New;
                }
                if same(slot.key) {
                    return Added::Again;
                }
            }
            self.probes += 1;
            if self.probes > PROBES_PER_KEY * (self.filled + TABLE_MIN) {
                break;
            }
            at = (at + 1) & mask;
        }
        Added::Unsure
    }

    #[cold]
    fn grow(&mut self) {
        let slots = (self.table.len() * 2).max(TABLE_MIN);
        let old = std::mem::replace(&mut self.table, vec![Slot::default(); slots]);
        for slot in old.into_iter().filter(|slot| slot.serial > self.stale) {
            let mut at = home(slot.serial, slot.tag) & (slots - 1);
            while self.table.get(at).is_some_and(|other| other.serial != 0) {
                at = (at + 1) & (slots - 1);
            }
            if let Some(free) = self.table.get_mut(at) {
                *free = slot;
            }
        }
    }
}

/// Where a key belongs in the table.
const fn home(serial: u32, tag: u32) -> usize {
    (tag ^ serial.wrapping_mul(0x9E37_79B1)) as usize
}

/// Upper and lower half of the 128-bit product, mixed.
#[expect(clippy::cast_possible_truncation, reason = "the halves of a 128-bit number")]
const fn fold(left: u64, right: u64) -> u64 {
    let product = left as u128 * right as u128;
    product as u64 ^ (product >> 64) as u64
}

/// At most 16 bytes as a little-endian number.
pub(super) fn short_word(bytes: &[u8]) -> u128 {
    let mut buffer = [0; 16];
    buffer.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    u128::from_le_bytes(buffer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crafted_collisions_end_in_bounded_work() {
        // S-21: every key has the same hash, as nobody can arrange without the seeds.
        let mut objects = OpenObjects::new();
        objects.begin(1_000_000);
        objects.open(true, 0);
        let mut probes = 0_usize;
        let unsure = (0..100_000).position(|key| objects.add(7, key, |_| false) == Added::Unsure);
        probes += objects.probes;
        assert!(unsure.is_some_and(|at| at < 1_000), "{unsure:?}");
        assert!(probes < 100_000, "{probes}");
    }

    #[test]
    fn finds_a_key_in_the_window_and_in_the_table() {
        for count in [1, 2, 31, 32, 33, 34, 1_000] {
            let mut objects = OpenObjects::new();
            objects.begin(100_000);
            objects.open(true, 0);
            let hash = |key: u32| u64::from(key).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            for key in 0..count {
                assert_eq!(objects.add(hash(key), key, |other| other == key), Added::New);
            }
            for key in [0, count / 2, count - 1] {
                let elsewhere = key + 1_000_000;
                assert_eq!(objects.add(hash(key), elsewhere, |other| other == key), Added::Again);
            }
        }
    }

    #[test]
    fn colons_without_a_new_key_add_nothing() {
        let mut objects = OpenObjects::new();
        objects.begin(1_000_000);
        objects.open(true, 0);
        for _ in 0..10_000 {
            assert_eq!(objects.add(7, 1, |_| false), Added::New);
        }
        assert!(objects.filled <= 40 && objects.probes < 10_000 * 40);
    }

    #[test]
    fn equal_keys_of_equal_length_hash_alike_however_they_are_read() {
        let objects = OpenObjects::new();
        for length in 0..=16 {
            let key = vec![b'k'; length];
            assert_eq!(objects.hash(&key), objects.hash_short(short_word(&key)));
        }
    }
}
