//! The table's operations.

use super::budget::Budget;
use super::policies::{Policies, StorePolicy};
use super::shard::{Insertion, SHARD_BITS, Shard};
use crate::rate_limit::joint::{self, MAX_POLICIES, Share};
use crate::rate_limit::state::{EMPTY, State, expires_at_ms};
use crate::rate_limit::{Decision, Policy, algorithm};
use parking_lot::{Mutex, MutexGuard};
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::OnceLock;

const SHARDS: usize = 1 << SHARD_BITS;

/// A key as one table knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyHash(pub(in crate::rate_limit) u128);

/// One policy's part in a hit.
#[derive(Debug, Clone, Copy)]
pub struct Hit {
    /// By which rule.
    pub policy: StorePolicy,
    /// Whose hit.
    pub key: KeyHash,
    /// How much of the limit it costs, 0 to 2^31.
    pub cost: u32,
}

/// A shard on cache lines of its own, two of them because processors fetch pairs.
#[derive(Default)]
#[repr(align(128))]
struct Padded(Mutex<Shard>);

/// The table. All its methods may be called from several threads at once.
pub struct ProcessStore {
    shards: Box<[Padded; SHARDS]>,
    budget: Budget,
    policies: Mutex<Policies>,
    seed: (u64, u64),
}

impl ProcessStore {
    /// A table of its own for at most `max_keys` keys. Cost: 16 kB; the rest is given out as keys come.
    #[must_use]
    pub fn new(max_keys: usize) -> Self {
        let random = RandomState::new();
        Self::with_seed(max_keys, (random.hash_one(0_u8), random.hash_one(1_u8)))
    }

    /// A table whose hashes anybody can foresee who knows the seed: for measurements that are repeated.
    #[cfg(feature = "oracle")]
    #[must_use]
    pub fn with_known_seed(max_keys: usize, seed: (u64, u64)) -> Self {
        Self::with_seed(max_keys, seed)
    }

    fn with_seed(max_keys: usize, seed: (u64, u64)) -> Self {
        let store = Self {
            shards: Box::new(std::array::from_fn(|_| Padded::default())),
            budget: Budget::default(),
            policies: Mutex::default(),
            seed,
        };
        store.reserve(max_keys);
        store
    }

    /// The table that all limiters of the process share. It holds no key before [`ProcessStore::reserve`].
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<ProcessStore> = OnceLock::new();
        SHARED.get_or_init(|| Self::new(0))
    }

    /// Lets the table hold `max_keys` keys, if it may not hold more already.
    pub fn reserve(&self, max_keys: usize) {
        self.budget.raise(max_keys);
    }

    /// Makes a policy known. One with a name is the same as every other of that name and the same rule, so
    /// that threads which run the same program count together; one without a name counts for itself.
    pub fn register(&self, policy: Policy, name: Option<&str>) -> StorePolicy {
        self.policies.lock().add(policy, name, self.seed)
    }

    /// Hashes a key, whole, with the table's seed. Keys that differ in what [`Hash`] feeds differ here.
    pub fn hash(&self, key: &impl Hash) -> KeyHash {
        let mut hasher = SipHasher13::new_with_keys(self.seed.0, self.seed.1);
        key.hash(&mut hasher);
        KeyHash(hasher.finish128().as_u128())
    }

    /// Counts one hit under one policy at `now_ms`. Cost: O(1).
    #[must_use = "the hit is counted either way, but a decision not looked at protects nothing"]
    pub fn hit(&self, hit: &Hit, now_ms: u64) -> Decision {
        let policy = hit.policy.policy();
        let place = hit.place();
        let mut shard = self.shard(place).lock();
        if let Some(state) = shard.state_mut(place) {
            let (next, decision) = algorithm::hit(*state, policy, hit.cost, now_ms);
            *state = next;
            return decision;
        }
        let (next, decision) = algorithm::hit(EMPTY, policy, hit.cost, now_ms);
        Decision { is_stored: self.insert(&mut shard, place, next, now_ms), ..decision }
    }

    /// Counts one hit under several policies, all or none of them, see [`joint::decide`]; answers in the
    /// order of the hits. At most [`MAX_POLICIES`] of them, each with another policy. Returns whether it
    /// passed all.
    ///
    /// Cost: O(hits). The shards are locked in the order of the table, so calls never wait for each other
    /// in a circle.
    #[must_use = "the hit is counted either way, but a decision not looked at protects nothing"]
    pub fn decide(&self, hits: &[Hit], now_ms: u64, decisions: &mut [Decision]) -> bool {
        let count = hits.len().min(decisions.len()).min(MAX_POLICIES);
        let (hits, decisions) = (hits.split_at(count).0, decisions.split_at_mut(count).0);
        let mut locked = self.lock_all(hits);
        let mut states = [EMPTY; MAX_POLICIES];
        for (hit, state) in hits.iter().zip(&mut states) {
            let place = hit.place();
            *state = locked.shard(place).and_then(|shard| shard.state(place)).unwrap_or(EMPTY);
        }
        let shares = hits.iter().map(|hit| Share { policy: hit.policy.policy(), cost: hit.cost });
        let is_allowed = joint::decide(&mut states, shares, now_ms, decisions);
        for ((hit, state), decision) in hits.iter().zip(states).zip(decisions) {
            let place = hit.place();
            let Some(shard) = locked.shard(place) else { continue };
            decision.is_stored = self.put(shard, place, state, now_ms);
        }
        is_allowed
    }

    /// Where the key stands, see [`algorithm::peek`]; nothing when it is not known.
    #[must_use]
    pub fn peek(&self, policy: &StorePolicy, key: KeyHash, now_ms: u64) -> Option<Decision> {
        let place = policy.place(key.0);
        let state = self.shard(place).lock().state(place)?;
        (expires_at_ms(state) > now_ms).then(|| algorithm::peek(state, policy.policy(), now_ms))
    }

    /// Changes the key's state by one of the functions of [`algorithm`]. Returns false when the key is new
    /// and there is no room for it.
    pub fn change(
        &self,
        policy: &StorePolicy,
        key: KeyHash,
        now_ms: u64,
        change: impl FnOnce(State, &Policy) -> State,
    ) -> bool {
        let place = policy.place(key.0);
        let mut shard = self.shard(place).lock();
        let state = change(shard.state(place).unwrap_or(EMPTY), policy.policy());
        self.put(&mut shard, place, state, now_ms)
    }

    /// Forgets the key, blocked or not. Returns whether it was known.
    pub fn reset(&self, policy: &StorePolicy, key: KeyHash) -> bool {
        let place = policy.place(key.0);
        let removed = self.shard(place).lock().remove_one(place);
        self.budget.release_keys(usize::from(removed));
        removed
    }

    /// Forgets every key of the policy, and returns how many they were. Cost: O(keys in the table), a shard
    /// at a time: other threads wait for one of 128 shards at the most.
    pub fn reset_all(&self, policy: &StorePolicy) -> usize {
        let removed = self.shards.iter().map(|Padded(shard)| {
            let removed = shard.lock().remove(|place, _| policy.owns(place));
            self.budget.release_keys(removed);
            removed
        });
        removed.sum()
    }

    /// How many keys are held, expired ones included until their place is needed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.budget.keys()
    }

    /// Whether no key is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most keys that are held.
    #[must_use]
    pub fn max_keys(&self) -> usize {
        self.budget.max_keys()
    }

    /// Bytes given out for keys, used or not.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.shards.iter().map(|Padded(shard)| shard.lock().bytes()).sum()
    }

    fn shard(&self, place: u128) -> &Mutex<Shard> {
        let [first, ..] = &*self.shards;
        let Padded(shard) = self.shards.get(shard_number(place)).unwrap_or(first);
        shard
    }

    fn put(&self, shard: &mut Shard, place: u128, state: State, now_ms: u64) -> bool {
        if let Some(known) = shard.state_mut(place) {
            *known = state;
            return true;
        }
        self.insert(shard, place, state, now_ms)
    }

    fn insert(&self, shard: &mut Shard, place: u128, state: State, now_ms: u64) -> bool {
        if expires_at_ms(state) <= now_ms {
            return true;
        }
        match shard.insert(place, state, now_ms, &self.budget) {
            Insertion::Stored => true,
            Insertion::NotStored => false,
            Insertion::OverBudget => {
                self.make_room(shard_number(place), now_ms)
                    && shard.insert(place, state, now_ms, &self.budget) == Insertion::Stored
            }
        }
    }

    /// Gives up a key of any shard that nobody uses at the moment. Needed only when a key's own shard holds
    /// hardly any other: when the table is small, or nearly all of it blocked.
    #[cold]
    fn make_room(&self, first: usize, now_ms: u64) -> bool {
        self.shards.iter().cycle().skip(first).take(SHARDS).any(|Padded(shard)| {
            let freed = shard.try_lock().map_or(0, |mut shard| shard.evict(now_ms));
            self.budget.release_keys(freed);
            freed > 0
        })
    }

    /// Locks the shards of all hits, each once, in the order of the table.
    fn lock_all(&self, hits: &[Hit]) -> Locked<'_> {
        let mut numbers = [usize::MAX; MAX_POLICIES];
        for (hit, number) in hits.iter().zip(&mut numbers) {
            *number = shard_number(hit.place());
        }
        numbers.sort_unstable();
        let mut guards = [const { None }; MAX_POLICIES];
        let mut last = usize::MAX;
        for (number, guard) in numbers.into_iter().zip(&mut guards) {
            if number != last
                && let Some(Padded(shard)) = self.shards.get(number)
            {
                *guard = Some((number, shard.lock()));
            }
            last = number;
        }
        Locked(guards)
    }
}

impl Hit {
    pub(in crate::rate_limit) fn place(&self) -> u128 {
        self.policy.place(self.key.0)
    }
}

fn shard_number(place: u128) -> usize {
    usize::try_from(place >> (u128::BITS - SHARD_BITS)).unwrap_or(0)
}

/// The shards of one joint decision.
struct Locked<'store>([Option<(usize, MutexGuard<'store, Shard>)>; MAX_POLICIES]);

impl Locked<'_> {
    fn shard(&mut self, place: u128) -> Option<&mut Shard> {
        let wanted = shard_number(place);
        let mut shards = self.0.iter_mut().flatten();
        shards.find(|(number, _)| *number == wanted).map(|(_, shard)| &mut **shard)
    }
}
