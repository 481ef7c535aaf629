//! Where a limiter counts: the seam behind which the stores differ.
//!
//! Every store runs the same pure functions of [`super::algorithm`] over the same states; they differ in
//! where the states lie, and in whose clock they believe.

#[cfg(unix)]
use super::host::HostCounters;
use super::process::{Hit, KeyHash, StorePolicy};
use super::{Decision, Policy, ProcessStore, State};
use std::hash::Hash;
#[cfg(unix)]
use std::sync::Arc;

/// A table for the states of keys. `now_ms` is the caller's clock; a store with a clock of its own takes that.
#[derive(Clone)]
pub enum Counters {
    /// The table of this process. Its time is the caller's.
    Process(&'static ProcessStore),
    /// The table of all processes of the host. Its time is the system's.
    #[cfg(unix)]
    Host(Arc<HostCounters>),
}

impl From<&'static ProcessStore> for Counters {
    fn from(store: &'static ProcessStore) -> Self {
        Self::Process(store)
    }
}

#[cfg(unix)]
impl From<Arc<HostCounters>> for Counters {
    fn from(store: Arc<HostCounters>) -> Self {
        Self::Host(store)
    }
}

/// Runs the same call on whichever store it is.
macro_rules! each {
    ($counters:expr, $store:ident => $call:expr) => {
        match $counters {
            Counters::Process($store) => $call,
            #[cfg(unix)]
            Counters::Host($store) => $call,
        }
    };
}

impl Counters {
    /// Lets the process's table hold so many keys; the host's has its size from its file.
    pub fn reserve(&self, max_keys: usize) {
        if let Self::Process(store) = self {
            store.reserve(max_keys);
        }
    }

    /// Makes a policy known, see [`ProcessStore::register`] and [`HostCounters::register`].
    #[must_use]
    pub fn register(&self, policy: Policy, name: Option<&str>) -> StorePolicy {
        each!(self, store => store.register(policy, name))
    }

    /// Hashes a key, whole, with the table's secret.
    #[must_use]
    pub fn hash(&self, key: &impl Hash) -> KeyHash {
        each!(self, store => store.hash(key))
    }

    /// Counts one hit under one policy; says at what time it was counted.
    #[must_use = "the hit is counted either way, but a decision not looked at protects nothing"]
    pub fn hit(&self, hit: &Hit, now_ms: u64) -> (Decision, u64) {
        match self {
            Self::Process(store) => (store.hit(hit, now_ms), now_ms),
            #[cfg(unix)]
            Self::Host(store) => store.hit(hit),
        }
    }

    /// Counts one hit under several policies, all or none of them, see [`ProcessStore::decide`] and
    /// [`HostCounters::decide`]. Returns whether it passed all, and at what time it was counted.
    #[must_use = "the hit is counted either way, but a decision not looked at protects nothing"]
    pub fn decide(&self, hits: &[Hit], now_ms: u64, decisions: &mut [Decision]) -> (bool, u64) {
        match self {
            Self::Process(store) => (store.decide(hits, now_ms, decisions), now_ms),
            #[cfg(unix)]
            Self::Host(store) => store.decide(hits, decisions),
        }
    }

    /// Where the key stands; nothing when it is not known.
    #[must_use]
    pub fn peek(&self, policy: &StorePolicy, key: KeyHash, now_ms: u64) -> Option<Decision> {
        match self {
            Self::Process(store) => store.peek(policy, key, now_ms),
            #[cfg(unix)]
            Self::Host(store) => store.peek(policy, key),
        }
    }

    /// Changes the key's state by one of the functions of [`super::algorithm`], given the store's time.
    /// Returns false when the key is new and there is no room for it.
    pub fn change(
        &self,
        policy: &StorePolicy,
        key: KeyHash,
        now_ms: u64,
        change: impl Fn(State, &Policy, u64) -> State,
    ) -> bool {
        match self {
            Self::Process(store) => {
                store.change(policy, key, now_ms, |state, policy| change(state, policy, now_ms))
            }
            #[cfg(unix)]
            Self::Host(store) => store.change(policy, key, change),
        }
    }

    /// Forgets the key, blocked or not. Returns whether it was known.
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn reset(&self, policy: &StorePolicy, key: KeyHash) -> bool {
        each!(self, store => store.reset(policy, key))
    }

    /// Forgets every key of the policy, and returns how many they were. Cost: O(keys in the table).
    #[expect(clippy::must_use_candidate, reason = "it is called for what it does")]
    pub fn reset_all(&self, policy: &StorePolicy) -> usize {
        each!(self, store => store.reset_all(policy))
    }

    /// How often the table was put in another place, so that what it knew may be gone.
    #[must_use]
    pub fn change_count(&self) -> u64 {
        match self {
            Self::Process(_) => 0,
            #[cfg(unix)]
            Self::Host(store) => store.file().change_count(),
        }
    }
}
