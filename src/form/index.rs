//! A table from hashes to positions, for containers with more than a few members.
//!
//! Names come from the client, so the hash is keyed at random: nobody can prepare names that collide.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Containers up to this size are searched from one end to the other, which is faster and needs no table.
pub(super) const SMALL: u32 = 8;

/// The largest table that is kept from one input to the next.
pub(super) const KEEP_SLOTS: usize = 4 << 10;

/// A slot that holds nothing.
const VACANT: u32 = u32::MAX;

/// Open addressing with linear probing, at most half full. It stores positions; the owner compares.
#[derive(Debug, Default)]
pub(super) struct Index {
    state: RandomState,
    slots: Vec<(u32, u32)>,
    used: usize,
}

impl Index {
    /// Forgets everything and keeps the memory, up to so many slots.
    pub(super) fn clear(&mut self, slots: usize) {
        if self.slots.len() > slots {
            self.slots = Vec::new();
        } else if self.used > 0 {
            self.slots.fill((0, VACANT));
        }
        self.used = 0;
    }

    /// The hash of `bytes` below the container `owner`. Owners only shift a hash that nobody knows, so one
    /// name below many of them is spread out, and different names stay as unpredictable as they are.
    #[expect(clippy::cast_possible_truncation, reason = "32 bits of the hash are enough")]
    pub(super) fn hash(&self, owner: u32, bytes: &[u8]) -> u32 {
        let mut hasher = self.state.build_hasher();
        hasher.write(bytes);
        hasher.finish() as u32 ^ owner.wrapping_mul(0x9e37_79b1)
    }

    /// The position with this hash that `is_it` accepts.
    pub(super) fn find(&self, hash: u32, mut is_it: impl FnMut(u32) -> bool) -> Option<u32> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut slot = hash as usize & mask;
        loop {
            match self.slots.get(slot) {
                Some(&(_, VACANT)) | None => return None,
                Some(&(stored, position)) if stored == hash && is_it(position) => {
                    return Some(position);
                }
                Some(_) => slot = (slot + 1) & mask,
            }
        }
    }

    /// Adds a position that is not there yet.
    pub(super) fn insert(&mut self, hash: u32, position: u32) {
        if (self.used + 1) * 2 > self.slots.len() {
            self.grow();
        }
        self.used += 1;
        self.place(hash, position);
    }

    /// Puts an entry into the first vacant slot; there always is one.
    fn place(&mut self, hash: u32, position: u32) {
        let mask = self.slots.len().saturating_sub(1);
        let mut slot = hash as usize & mask;
        while let Some(entry) = self.slots.get_mut(slot) {
            if entry.1 == VACANT {
                *entry = (hash, position);
                return;
            }
            slot = (slot + 1) & mask;
        }
    }

    /// Doubles the table.
    fn grow(&mut self) {
        let size = (self.slots.len() * 2).max(64);
        let old = std::mem::replace(&mut self.slots, vec![(0, VACANT); size]);
        for (hash, position) in old {
            if position != VACANT {
                self.place(hash, position);
            }
        }
    }
}
