//! The table of one process: sharded, bounded, shared by every thread that holds it.
//!
//! Keys are kept as keyed 128-bit hashes with a seed drawn at random for each table, so a sender can
//! neither make keys collide nor make memory grow with their length (CWE-407).

use super::{Decision, Limit};
use crate::client_key::ClientKey;
use parking_lot::Mutex;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::net::IpAddr;

const SHARDS: usize = 64;
/// How many keys are looked at when one has to go.
const EVICTION_SAMPLE: usize = 16;

/// Takes a key's hash as it is: it is random already.
#[derive(Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn write(&mut self, _: &[u8]) {}
    fn write_u128(&mut self, hash: u128) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the low half is as random as the whole"
        )]
        let low = hash as u64;
        self.0 = low;
    }
    fn finish(&self) -> u64 {
        self.0
    }
}

#[derive(Debug, Clone, Copy)]
struct Window {
    used: u32,
    reset_at_ms: u64,
}

type Shard = HashMap<u128, Window, BuildHasherDefault<Identity>>;

/// Counts the hits of one policy.
pub struct ProcessStore {
    shards: Vec<Mutex<Shard>>,
    seed: (u64, u64),
    limit: Limit,
    shard_capacity: usize,
}

impl ProcessStore {
    /// An empty table.
    #[must_use]
    pub fn new(limit: Limit) -> Self {
        let random = RandomState::new();
        Self {
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
            seed: (random.hash_one(0_u8), random.hash_one(1_u8)),
            limit,
            shard_capacity: limit.max_keys.div_ceil(SHARDS),
        }
    }

    /// Counts one hit of `key`, a client's address or any text in UTF-16, at `now_ms`.
    ///
    /// Cost: O(1).
    #[must_use = "the hit is counted either way, but a decision not looked at protects nothing"]
    pub fn hit(&self, key: &[u16], now_ms: u64) -> Decision {
        self.hit_key(&ClientKey::parse(key, self.limit.ipv6_prefix), now_ms)
    }

    /// [`ProcessStore::hit`] for a key that is canonical already.
    #[must_use = "the hit is counted either way, but a decision not looked at protects nothing"]
    pub fn hit_key(&self, key: &ClientKey<'_>, now_ms: u64) -> Decision {
        let hash = self.hash(key);
        let shard = usize::try_from(hash >> 122).unwrap_or(0);
        let Some(shard) = self.shards.get(shard) else {
            return Decision { is_allowed: false, used: u32::MAX, reset_at_ms: now_ms };
        };
        let mut shard = shard.lock();
        if shard.len() >= self.shard_capacity && !shard.contains_key(&hash) {
            make_room(&mut shard, now_ms);
        }
        let fresh = Window { used: 0, reset_at_ms: now_ms.saturating_add(self.limit.window_ms) };
        let window = shard.entry(hash).or_insert(fresh);
        if window.reset_at_ms <= now_ms {
            *window = fresh;
        }
        // A clock set back must not stretch the window.
        window.reset_at_ms = window.reset_at_ms.min(fresh.reset_at_ms);
        window.used = window.used.saturating_add(1);
        Decision {
            is_allowed: window.used <= self.limit.limit,
            used: window.used,
            reset_at_ms: window.reset_at_ms,
        }
    }

    /// How many keys are held, expired ones included until their place is needed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().len()).sum()
    }

    /// Whether no key is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn hash(&self, key: &ClientKey<'_>) -> u128 {
        let mut hasher = SipHasher13::new_with_keys(self.seed.0, self.seed.1);
        // The first byte keeps an address and a text of the same bytes apart.
        match key {
            ClientKey::Address(IpAddr::V4(address)) => (4_u8, address.octets()).hash(&mut hasher),
            ClientKey::Address(IpAddr::V6(address)) => (6_u8, address.octets()).hash(&mut hasher),
            ClientKey::Text(units) => (0_u8, units).hash(&mut hasher),
        }
        hasher.finish128().as_u128()
    }
}

/// Gives up one key of a full shard: of the first few, an expired one, else the one with the least hits, so
/// that a key over its limit is forgotten last.
fn make_room(shard: &mut Shard, now_ms: u64) {
    let victim = shard
        .iter()
        .take(EVICTION_SAMPLE)
        .min_by_key(|(_, window)| (window.reset_at_ms > now_ms, window.used))
        .map(|(hash, _)| *hash);
    if let Some(hash) = victim {
        shard.remove(&hash);
    }
}
