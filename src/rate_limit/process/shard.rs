//! A shard: an extendible hash table of buckets. Its directory maps the leading bits of a hash to a bucket;
//! several entries may lead to the same one until it is split.

use super::bucket::Bucket;
use super::budget::Budget;
use crate::rate_limit::state::State;

/// Bits of a hash that choose the shard.
pub(super) const SHARD_BITS: u32 = 7;
/// Buckets that are given out at once: a page.
const CHUNK: usize = 8;
/// A directory that is this many times longer than there are buckets is not doubled: the bucket that asks
/// for it is an accident of the hash.
const MAX_SPREAD: usize = 64;
/// Splits for one new key. Each is twice as unlikely as the one before.
const MAX_SPLITS: usize = 8;

/// What became of a new key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Insertion {
    Stored,
    /// Its bucket holds blocked keys only.
    NotStored,
    /// There is a place, but the table holds as many keys as it may, and none near can be given up.
    OverBudget,
}

#[derive(Default)]
pub(super) struct Shard {
    /// 2^`depth` entries; none before the first key.
    directory: Vec<u32>,
    depth: u32,
    chunks: Vec<Box<[Bucket; CHUNK]>>,
    buckets: usize,
    /// The bucket to be cleared of expired keys next.
    hand: usize,
}

impl Shard {
    pub(super) fn state(&self, key: u128) -> Option<State> {
        let number = self.directory.get(entry(key, self.depth))?;
        let number = usize::try_from(*number).ok()?;
        self.chunks.get(number / CHUNK)?.get(number % CHUNK)?.state(key)
    }

    pub(super) fn state_mut(&mut self, key: u128) -> Option<&mut State> {
        self.bucket_of(key)?.state_mut(key)
    }

    /// Puts in a key that is not there yet.
    pub(super) fn insert(
        &mut self,
        key: u128,
        state: State,
        now_ms: u64,
        budget: &Budget,
    ) -> Insertion {
        self.make_first_bucket(budget);
        for _ in 0..MAX_SPLITS {
            let Some(bucket) = self.bucket_of(key) else { return Insertion::NotStored };
            if !bucket.is_full() {
                return self.insert_into_room(key, state, now_ms, budget);
            }
            let freed = bucket.purge(now_ms);
            budget.release_keys(freed);
            if freed == 0 && !self.split(key, budget) {
                break;
            }
        }
        let is_stored = self.bucket_of(key).is_some_and(|bucket| bucket.replace_victim(key, state));
        if is_stored { Insertion::Stored } else { Insertion::NotStored }
    }

    /// As [`Shard::insert`], when the key's bucket has room.
    fn insert_into_room(
        &mut self,
        key: u128,
        state: State,
        now_ms: u64,
        budget: &Budget,
    ) -> Insertion {
        if !budget.claim_key() {
            let own = self.bucket_of(key).map_or(0, |bucket| bucket.purge(now_ms));
            let freed = if own > 0 { own } else { self.purge_at_hand(now_ms) };
            budget.release_keys(freed);
            if !budget.claim_key() {
                let bucket = self.bucket_of(key);
                let is_stored = bucket.is_some_and(|bucket| bucket.replace_victim(key, state));
                return if is_stored { Insertion::Stored } else { Insertion::OverBudget };
            }
        }
        let is_stored = self.bucket_of(key).is_some_and(|bucket| bucket.push(key, state));
        if is_stored { Insertion::Stored } else { Insertion::NotStored }
    }

    /// Takes out every key for which `is_gone` says so. Cost: O(keys of the shard).
    pub(super) fn remove(&mut self, mut is_gone: impl FnMut(u128, State) -> bool) -> usize {
        let buckets = self.chunks.iter_mut().flat_map(|chunk| chunk.iter_mut());
        buckets.map(|bucket| bucket.remove(&mut is_gone)).sum()
    }

    /// Takes out one key. Returns whether it was there.
    pub(super) fn remove_one(&mut self, key: u128) -> bool {
        self.bucket_of(key).is_some_and(|bucket| bucket.remove(|known, _| known == key) > 0)
    }

    /// Takes out the one key that is missed least among a few buckets.
    pub(super) fn evict(&mut self, now_ms: u64) -> usize {
        for _ in 0..CHUNK.min(self.buckets) {
            let purged = self.purge_at_hand(now_ms);
            if purged > 0 {
                return purged;
            }
            if self.bucket(self.hand).is_some_and(Bucket::evict) {
                return 1;
            }
        }
        0
    }

    /// Bytes given out.
    pub(super) fn bytes(&self) -> usize {
        self.chunks.len() * size_of::<[Bucket; CHUNK]>()
            + self.chunks.capacity() * size_of::<Box<[Bucket; CHUNK]>>()
            + self.directory.capacity() * size_of::<u32>()
    }

    /// Clears the next bucket of expired keys.
    fn purge_at_hand(&mut self, now_ms: u64) -> usize {
        self.hand = (self.hand + 1).checked_rem(self.buckets).unwrap_or(0);
        self.bucket(self.hand).map_or(0, |bucket| bucket.purge(now_ms))
    }

    fn bucket_of(&mut self, key: u128) -> Option<&mut Bucket> {
        let number = *self.directory.get(entry(key, self.depth))?;
        self.bucket(usize::try_from(number).ok()?)
    }

    fn bucket(&mut self, number: usize) -> Option<&mut Bucket> {
        self.chunks.get_mut(number / CHUNK)?.get_mut(number % CHUNK)
    }

    fn make_first_bucket(&mut self, budget: &Budget) {
        if self.directory.is_empty() {
            budget.claim_first_bucket();
            self.add(Bucket::new(0));
            self.directory.push(0);
        }
    }

    fn add(&mut self, bucket: Bucket) {
        if self.buckets == self.chunks.len() * CHUNK {
            self.chunks.push(Box::new([const { Bucket::new(0) }; CHUNK]));
        }
        let number = self.buckets;
        self.buckets += 1;
        if let Some(place) = self.bucket(number) {
            *place = bucket;
        }
    }

    /// Splits the key's bucket in two; false when there may be no more buckets.
    fn split(&mut self, key: u128, budget: &Budget) -> bool {
        let Some(depth) = self.bucket_of(key).map(|bucket| bucket.depth) else { return false };
        if depth == self.depth && !self.may_double() || !budget.claim_bucket() {
            return false;
        }
        let Ok(number) = u32::try_from(self.buckets) else { return false };
        if depth == self.depth {
            self.directory = self.directory.iter().flat_map(|number| [*number; 2]).collect();
            self.depth += 1;
        }
        let next_bit = |key| entry(key, depth + 1) & 1 == 1;
        let Some(upper) = self.bucket_of(key).map(|bucket| bucket.split(next_bit)) else {
            return false;
        };
        self.add(upper);
        // The entries whose leading bits are the upper bucket's.
        let prefix = entry(key, depth) << 1 | 1;
        let span = 1 << (self.depth - depth - 1);
        for entry in self.directory.iter_mut().skip(prefix * span).take(span) {
            *entry = number;
        }
        true
    }

    fn may_double(&self) -> bool {
        self.directory.len() < self.buckets.saturating_mul(MAX_SPREAD)
    }
}

/// The `depth` bits of a hash that follow those for the shard.
fn entry(key: u128, depth: u32) -> usize {
    let bits = (key << SHARD_BITS).checked_shr(u128::BITS - depth).unwrap_or(0);
    usize::try_from(bits).unwrap_or(usize::MAX)
}
