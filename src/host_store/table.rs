//! The table over buckets that lie anywhere: finding a key and counting its hits. New keys are put in by
//! [`super::claim`]. The protocol is described in [`super`].

use super::layout::{Bucket, Key, Value};
use super::word::Word;
use crate::rate_limit::state::{EMPTY, State, expires_at_ms};
use std::sync::atomic::{AtomicU64, Ordering};

/// Attempts before a hit is given up. Each one but the first means that another process got something done.
const MOST_ATTEMPTS: u32 = 1 << 20;

/// Why a hit could not be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Both buckets of the key hold blocked keys only.
    Full,
    /// Others were faster, a million times: the memory is not what it should be.
    Contended,
}

/// Numbers for claims, each given out once.
#[derive(Debug)]
pub struct Nonces {
    owner: u64,
    next: AtomicU64,
}

impl Nonces {
    /// The numbers of one mapping; `owner` is random and tells them from those of every other.
    #[must_use]
    pub const fn new(owner: u64) -> Self {
        Self { owner, next: AtomicU64::new(1) }
    }

    pub(super) fn claim(&self) -> Value {
        Value::claim(self.owner, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// The table: buckets that other threads and processes may have as well.
#[derive(Debug)]
pub struct Table<'map, W, const N: usize> {
    pub(super) buckets: &'map [Bucket<W, N>],
    pub(super) nonces: &'map Nonces,
}

/// One place for a key.
pub(super) struct Slot<'map, W> {
    /// The same for every process that maps the table.
    pub(super) position: usize,
    pub(super) key: &'map W,
    pub(super) value: &'map W,
}

impl<W> Clone for Slot<'_, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for Slot<'_, W> {}

/// What a slot held at one moment.
#[derive(Clone, Copy)]
pub(super) struct Snapshot {
    pub(super) key: Key,
    pub(super) value: Value,
}

impl<W: Word> Slot<'_, W> {
    /// Both words as they belonged together, or `None` when the key changed meanwhile.
    pub(super) fn read(&self) -> Option<Snapshot> {
        self.read_beside(Key(self.key.load()))
    }

    /// As [`Slot::read`], with the key already loaded.
    pub(super) fn read_beside(&self, key: Key) -> Option<Snapshot> {
        let value = Value(self.value.load());
        (self.key.load() == key.0).then_some(Snapshot { key, value })
    }
}

/// The places where one key may lie.
pub(super) struct Candidates<'map, W, const N: usize> {
    pub(super) place: u128,
    pub(super) buckets: [Option<(usize, &'map Bucket<W, N>)>; 2],
}

impl<'map, W: Word, const N: usize> Candidates<'map, W, N> {
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot<'map, W>> {
        self.buckets.iter().flatten().flat_map(|(index, bucket)| slots_of(*index, bucket))
    }

    /// The live slot of the key. `Err` when something changed meanwhile.
    fn find(&self) -> Result<Option<(Slot<'map, W>, Snapshot)>, Changed> {
        for slot in self.slots() {
            let key = Key(slot.key.load());
            if key.is_of(self.place) {
                let snapshot = slot.read_beside(key).ok_or(Changed)?;
                if snapshot.value.is_live() {
                    return Ok(Some((slot, snapshot)));
                }
            }
        }
        Ok(None)
    }
}

pub(super) fn slots_of<W, const N: usize>(
    index: usize,
    bucket: &Bucket<W, N>,
) -> impl Iterator<Item = Slot<'_, W>> {
    let places = bucket.keys.iter().zip(&bucket.values).enumerate();
    places.map(move |(place, (key, value))| Slot { position: index * N + place, key, value })
}

/// Someone else changed what this attempt rested on: try again.
pub(super) struct Changed;

/// An attempt that was not lost to someone else.
pub(super) type Attempt<T> = Result<T, Changed>;

impl<'map, W: Word, const N: usize> Table<'map, W, N> {
    /// A table of at least one bucket. Memory of zeros is an empty table.
    #[must_use]
    pub const fn new(buckets: &'map [Bucket<W, N>], nonces: &'map Nonces) -> Self {
        Self { buckets, nonces }
    }

    /// Applies `algorithm` to the state of the key at `place` and the time, atomically for all processes, and
    /// returns its answer. It gets [`EMPTY`] for a key that is not there. It may run several times, so it
    /// must do nothing but compute.
    ///
    /// The lowest 32 bits of `place` are a policy's number, not 0; the others are random. `clock`, in ms since
    /// 1970, is read when the state has been read, so no process applies a time to a state that is older
    /// than the time another has applied before.
    ///
    /// Cost: 16 slots read at the most; one swap for a key that is there, none when its state stays the
    /// same, three for a new one.
    ///
    /// # Errors
    /// [`Refusal::Full`] for a new key when no place can be made.
    pub fn update<R>(
        &self,
        place: u128,
        clock: impl Fn() -> u64,
        mut algorithm: impl FnMut(State, u64) -> (State, R),
    ) -> Result<R, Refusal> {
        let candidates = self.candidates(place);
        for attempt in 0..MOST_ATTEMPTS {
            let outcome = match candidates.find() {
                Ok(Some((slot, seen))) => hit(slot, seen, clock(), &mut algorithm).map(Ok),
                Ok(None) => {
                    let now_ms = clock();
                    let (state, answer) = algorithm(EMPTY, now_ms);
                    if expires_at_ms(state) <= now_ms {
                        return Ok(answer);
                    }
                    let inserted = self.insert(&candidates, state, now_ms, attempt);
                    inserted.map(|inserted| inserted.map(|()| answer))
                }
                Err(changed) => Err(changed),
            };
            match outcome {
                Ok(outcome) => return outcome,
                Err(Changed) => W::pause(attempt),
            }
        }
        Err(Refusal::Contended)
    }

    /// How many keys there are that have not expired. Cost: the whole table is read.
    #[must_use]
    pub fn len(&self, now_ms: u64) -> usize {
        let snapshots = self.slots().filter_map(|slot| slot.read());
        snapshots.filter(|seen| seen.live_state(now_ms).is_some()).count()
    }

    /// Forgets every key of a policy and returns how many they were. Hits counted meanwhile may stay or go.
    /// Cost: the whole table is read.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn clear(&self, policy: u32) -> usize {
        let is_cleared = |slot: &Slot<'_, W>| {
            // A swap that fails means that someone else has just written: theirs comes after the clearing.
            slot.read()
                .filter(|seen| seen.key.policy() == policy && seen.value.is_live())
                .is_some_and(|seen| slot.value.replace(seen.value.0, Value::FREE.0))
        };
        self.slots().filter(is_cleared).count()
    }

    fn slots(&self) -> impl Iterator<Item = Slot<'map, W>> {
        self.buckets.iter().enumerate().flat_map(|(index, bucket)| slots_of(index, bucket))
    }

    fn candidates(&self, place: u128) -> Candidates<'map, W, N> {
        let first = scale(part(place, 96), self.buckets.len());
        let second = scale(part(place, 96) ^ part(place, 64), self.buckets.len());
        let bucket = |index: usize| self.buckets.get(index).map(|bucket| (index, bucket));
        // Two choices that agree would be one.
        let other = if second == first { (first + 1) % self.buckets.len().max(1) } else { second };
        let second = if other == first { None } else { bucket(other) };
        Candidates { place, buckets: [bucket(first), second] }
    }
}

/// 32 bits of a place.
#[expect(clippy::cast_possible_truncation, reason = "a part is what is wanted")]
const fn part(place: u128, shift: u32) -> u32 {
    (place >> shift) as u32
}

/// A number below `length` from 32 random bits, as likely as every other.
fn scale(random: u32, length: usize) -> usize {
    let scaled = (u128::from(random) * (length as u128)) >> 32;
    usize::try_from(scaled).unwrap_or(0)
}

/// Counts a hit of a key that is there.
fn hit<W: Word, R>(
    slot: Slot<'_, W>,
    seen: Snapshot,
    now_ms: u64,
    algorithm: &mut impl FnMut(State, u64) -> (State, R),
) -> Attempt<R> {
    let before = seen.value.state(seen.key);
    let (state, answer) = algorithm(before, now_ms);
    if state == before {
        return Ok(answer);
    }
    let is_kept = expires_at_ms(state) > now_ms;
    let value = if is_kept { Value::live(state, seen.key) } else { Value::FREE };
    if slot.value.replace(seen.value.0, value.0) { Ok(answer) } else { Err(Changed) }
}
