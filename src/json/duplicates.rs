//! Keys of the open objects, to find one that comes twice, without allocation per body.
//!
//! Small objects compare the tags of their keys one after the other, behind a 64-bit Bloom filter; an
//! object that grows moves into one open-addressing table that all share. Tags come from a hash with
//! random seeds, so nobody outside can craft collisions (CWE-407); should probing get long all the same,
//! the caller is told to decide on the exact path instead.

use std::hash::{BuildHasher, RandomState};

/// Keys up to which an object is searched one by one.
const LINEAR_MAX: usize = 32;
/// Slots that the table starts with.
const TABLE_MIN: usize = 256;
/// Elements that a vector keeps between bodies.
const KEEP_MAX: usize = 1 << 16;
/// Probes allowed for each key in the table, on the average of the body.
const PROBES_PER_KEY: usize = 16;

/// An open array or object.
#[derive(Debug, Clone, Copy)]
struct Frame {
    /// Number of the object, unique until the table is cleared; 0 for an array.
    serial: u32,
    /// Where its keys start in `tags`.
    from: usize,
    bloom: u64,
    in_table: bool,
    /// Commas of an array so far.
    commas: u32,
    /// Offset of the bracket.
    start: usize,
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
    seeds: [u64; 3],
    frames: Vec<Frame>,
    /// Hash tags of the keys of open objects, those of the innermost last.
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
        Self::with_seeds([0_u64, 1, 2].map(|number| state.hash_one(number)))
    }

    const fn with_seeds(seeds: [u64; 3]) -> Self {
        Self {
            seeds,
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
        self.frames.clear();
        self.tags.clear();
        self.keys.clear();
        self.frames.shrink_to(KEEP_MAX);
        self.tags.shrink_to(KEEP_MAX);
        self.keys.shrink_to(KEEP_MAX);
        let objects = u32::try_from(body).unwrap_or(u32::MAX);
        if self.table.len() > KEEP_MAX || self.serial.checked_add(objects).is_none() {
            self.table = Vec::new();
            self.serial = 0;
        }
        self.stale = self.serial;
        self.filled = 0;
        self.probes = 0;
    }

    #[inline]
    pub(super) fn open(&mut self, is_object: bool, start: usize) {
        self.serial += u32::from(is_object);
        let serial = if is_object { self.serial } else { 0 };
        let from = self.tags.len();
        self.frames.push(Frame { serial, from, bloom: 0, in_table: false, commas: 0, start });
    }

    #[inline]
    pub(super) fn close(&mut self) {
        if let Some(frame) = self.frames.pop() {
            self.tags.truncate(frame.from);
            self.keys.truncate(frame.from);
        }
    }

    /// Counts commas for the innermost container; for an array gives all of its commas and its start.
    #[inline]
    pub(super) fn count_commas(&mut self, commas: u32) -> Option<(u32, usize)> {
        let frame = self.frames.last_mut().filter(|frame| frame.serial == 0)?;
        frame.commas += commas;
        Some((frame.commas, frame.start))
    }

    /// Hash of a key of at most 16 bytes, given as a little-endian number with zeros above.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "the halves of a 128-bit number")]
    pub(super) const fn hash_short(&self, word: u128, length: usize) -> u64 {
        let [first, second, third] = self.seeds;
        fold(fold(word as u64 ^ first, (word >> 64) as u64 ^ second) ^ length as u64, third)
    }

    /// Hash of any key; equals [`Self::hash_short`] up to 16 bytes.
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        if key.len() <= 16 {
            return self.hash_short(short_word(key), key.len());
        }
        let [_, _, third] = self.seeds;
        let chunks = key.chunks(16);
        let mixed = chunks
            .fold(0, |hash, chunk| fold(self.hash_short(short_word(chunk), 16) ^ hash, third));
        fold(mixed ^ key.len() as u64, third)
    }

    /// Adds a key (by hash and offset of its inside) to the innermost object. `same` tells whether the
    /// key at an offset is the same one.
    #[inline]
    pub(super) fn add(&mut self, hash: u64, key: u32, same: impl Fn(u32) -> bool) -> Added {
        let Some(frame) = self.frames.last_mut().filter(|frame| frame.serial != 0) else {
            // A colon outside of an object: `JSON.parse` will refuse the text.
            return Added::New;
        };
        let tag = (hash >> 32) as u32;
        let bit = 1 << (hash & 63);
        let maybe = frame.bloom & bit != 0;
        frame.bloom |= bit;
        if frame.in_table {
            return self.add_to_table(tag, key, same);
        }
        let from = frame.from;
        if maybe && self.is_listed(from, tag, same) {
            return Added::Again;
        }
        self.tags.push(tag);
        self.keys.push(key);
        if self.tags.len() - from > LINEAR_MAX { self.move_to_table(from) } else { Added::New }
    }

    fn is_listed(&self, from: usize, tag: u32, same: impl Fn(u32) -> bool) -> bool {
        let tags = self.tags.get(from..).unwrap_or_default();
        let keys = self.keys.get(from..).unwrap_or_default();
        tags.iter().zip(keys).any(|(&other, &key)| other == tag && same(key))
    }

    #[cold]
    fn move_to_table(&mut self, from: usize) -> Added {
        if let Some(frame) = self.frames.last_mut() {
            frame.in_table = true;
        }
        let moved: [Option<(u32, u32)>; LINEAR_MAX + 1] = std::array::from_fn(|at| {
            self.tags.get(from + at).copied().zip(self.keys.get(from + at).copied())
        });
        self.tags.truncate(from);
        self.keys.truncate(from);
        let mut added = Added::New;
        for (tag, key) in moved.into_iter().flatten() {
            // They were compared with each other on the way in.
            added = self.add_to_table(tag, key, |_| false);
        }
        added
    }

    fn add_to_table(&mut self, tag: u32, key: u32, same: impl Fn(u32) -> bool) -> Added {
        if self.filled * 2 >= self.table.len() {
            self.grow();
        }
        let serial = self.frames.last().map_or(0, |frame| frame.serial);
        let mask = self.table.len() - 1;
        let mut at = home(serial, tag) & mask;
        while let Some(slot) = self.table.get_mut(at) {
            if slot.serial <= self.stale {
                *slot = Slot { serial, tag, key };
                self.filled += 1;
                return Added::New;
            }
            if slot.tag == tag && slot.serial == serial && same(slot.key) {
                return Added::Again;
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
