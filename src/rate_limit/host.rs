//! The counters of a [`HostStore`]: what the process's table does, for all processes of the host.
//!
//! A policy is the same in every process that calls it by the same name, with the same algorithm and window;
//! a limit may differ from one deployment to the next, and the counts stay. Policies without a name are told
//! apart by algorithm and window alone.
//!
//! A joint decision reads all states, decides, and then counts under each policy. If another process has
//! changed what it rested on, what was counted is taken back and it begins again. So never more pass than
//! every limit allows, but a hit of another process that comes within the microsecond in between may be
//! denied although it would have passed; a process killed in it leaves its hit counted under some of its policies.

use super::joint::{self, MAX_POLICIES, Share};
use super::process::{Hit, KeyHash, StorePolicy};
use super::state::{EMPTY, State, expires_at_ms};
use super::{Decision, Policy, algorithm};
use crate::host_store::HostStore;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::{Hash, Hasher};

/// Joint decisions that others spoil before one is given up.
const MOST_TRIES: u32 = 1 << 12;

/// A host store that counts hits.
#[derive(Debug)]
pub struct HostCounters {
    file: HostStore,
}

/// How a hit of a joint decision was counted.
#[derive(Clone, Copy)]
struct Counted {
    before: State,
    after: State,
    is_stored: bool,
}

impl HostCounters {
    /// Counts in this store.
    #[must_use]
    pub const fn new(file: HostStore) -> Self {
        Self { file }
    }

    /// The store.
    #[must_use]
    pub const fn file(&self) -> &HostStore {
        &self.file
    }

    /// Makes a policy known, by what all processes know of it.
    #[must_use]
    pub fn register(&self, policy: Policy, name: Option<&str>) -> StorePolicy {
        let mut hasher = SipHasher13::new();
        hasher.write(name.unwrap_or_default().as_bytes());
        hasher.write(&[0xFF, policy.algorithm().number()]);
        hasher.write(&policy.window_ms().to_le_bytes());
        StorePolicy::identified(policy, hasher.finish128().as_u128())
    }

    /// Hashes a key, whole, with the file's secret.
    #[must_use]
    pub fn hash(&self, key: &impl Hash) -> KeyHash {
        KeyHash(self.file.hash(key))
    }

    /// Counts one hit under one policy; says at what time.
    #[must_use = "the hit is counted either way, but a decision not looked at protects nothing"]
    pub fn hit(&self, hit: &Hit) -> (Decision, u64) {
        let policy = hit.policy.policy();
        let decide = |state, now| {
            let (next, decision) = algorithm::hit(state, policy, hit.cost, now);
            (next, (decision, now))
        };
        self.file.update(hit.place(), decide).unwrap_or_else(|_| {
            let (_, (decision, now)) = decide(EMPTY, self.file.now_ms());
            (Decision { is_stored: false, ..decision }, now)
        })
    }

    /// Counts one hit under several policies, all or none of them, see [`joint::decide`] and the module's
    /// text; answers in the order of the hits. At most [`MAX_POLICIES`] of them, each with another policy.
    /// Returns whether it passed all, and at what time it was counted.
    #[must_use = "the hit is counted either way, but a decision not looked at protects nothing"]
    pub fn decide(&self, hits: &[Hit], decisions: &mut [Decision]) -> (bool, u64) {
        let count = hits.len().min(decisions.len()).min(MAX_POLICIES);
        let (hits, decisions) = (hits.split_at(count).0, decisions.split_at_mut(count).0);
        for _ in 0..MOST_TRIES {
            let mut states = [EMPTY; MAX_POLICIES];
            for (hit, state) in hits.iter().zip(&mut states) {
                *state = self.state(hit.place());
            }
            let (before, now_ms) = (states, self.file.now_ms());
            let shares = hits.iter().map(Share::from);
            let is_allowed = joint::decide(&mut states, shares, now_ms, decisions);
            let is_done = if is_allowed {
                self.count_all(hits, &before, &states, now_ms, decisions)
            } else {
                self.count_denials(hits, decisions)
            };
            if is_done {
                return (is_allowed, now_ms);
            }
            std::hint::spin_loop();
        }
        for decision in &mut *decisions {
            *decision = Decision { is_stored: false, ..*decision };
        }
        (false, self.file.now_ms())
    }

    /// Where the key stands; nothing when it is not known.
    #[must_use]
    pub fn peek(&self, policy: &StorePolicy, key: KeyHash) -> Option<Decision> {
        let peek = |state, now| {
            let is_known = expires_at_ms(state) > now;
            (state, is_known.then(|| algorithm::peek(state, policy.policy(), now)))
        };
        self.file.update(policy.place(key.0), peek).ok().flatten()
    }

    /// Changes the key's state by one of the functions of [`algorithm`], given the time. Returns false when
    /// the key is new and there is no room for it.
    pub fn change(
        &self,
        policy: &StorePolicy,
        key: KeyHash,
        change: impl Fn(State, &Policy, u64) -> State,
    ) -> bool {
        let change = |state, now| (change(state, policy.policy(), now), ());
        self.file.update(policy.place(key.0), change).is_ok()
    }

    /// Forgets the key, blocked or not. Returns whether it was known.
    pub fn reset(&self, policy: &StorePolicy, key: KeyHash) -> bool {
        let forget = |state, now| (EMPTY, expires_at_ms(state) > now);
        self.file.update(policy.place(key.0), forget).unwrap_or(false)
    }

    /// Forgets every key of the policy, and returns how many they were. Cost: the whole table is read.
    pub fn reset_all(&self, policy: &StorePolicy) -> usize {
        self.file.clear(policy.id())
    }

    fn state(&self, place: u128) -> State {
        self.file.update(place, |state, _| (state, state)).unwrap_or(EMPTY)
    }

    /// Counts a hit that all policies let through. If one does not any more, takes back what it has counted
    /// and says no.
    fn count_all(
        &self,
        hits: &[Hit],
        before: &[State],
        after: &[State],
        now_ms: u64,
        decisions: &mut [Decision],
    ) -> bool {
        let mut counted = [Counted { before: EMPTY, after: EMPTY, is_stored: false }; MAX_POLICIES];
        let states = before.iter().zip(after);
        for (index, ((hit, decision), states)) in hits.iter().zip(decisions).zip(states).enumerate()
        {
            let Some(done) = self.count_one(hit, states, now_ms, decision) else {
                self.take_back(hits.split_at(index).0, &counted, now_ms);
                return false;
            };
            if let Some(counted) = counted.get_mut(index) {
                *counted = done;
            }
        }
        true
    }

    fn count_one(
        &self,
        hit: &Hit,
        (before, after): (&State, &State),
        now_ms: u64,
        decision: &mut Decision,
    ) -> Option<Counted> {
        let known = *decision;
        let count = |state, now| {
            if state == *before {
                return (*after, Some((*after, known)));
            }
            // Others have counted since. Their time may be later than ours.
            let (next, decision) = algorithm::hit(state, hit.policy.policy(), hit.cost, now_ms);
            let is_good = now == now_ms && decision.is_allowed;
            if is_good { (next, Some((next, decision))) } else { (state, None) }
        };
        let mut seen = EMPTY;
        let noting = |state, now| {
            seen = state;
            count(state, now)
        };
        let Ok(counted) = self.file.update(hit.place(), noting) else {
            decision.is_stored = false;
            return Some(Counted { before: EMPTY, after: EMPTY, is_stored: false });
        };
        let (after, latest) = counted?;
        *decision = latest;
        Some(Counted { before: seen, after, is_stored: true })
    }

    fn take_back(&self, hits: &[Hit], counted: &[Counted], now_ms: u64) {
        for (hit, counted) in hits.iter().zip(counted).filter(|(_, counted)| counted.is_stored) {
            let undo = |state, now| {
                if state == counted.after {
                    return (counted.before, ());
                }
                (algorithm::refund(state, hit.policy.policy(), hit.cost, now_ms, now), ())
            };
            // A key that has been forgotten meanwhile has nothing to take back.
            let _ = self.file.update(hit.place(), undo);
        }
    }

    /// Counts a denied hit as those policies do that deny it. Says no when none does any more.
    fn count_denials(&self, hits: &[Hit], decisions: &mut [Decision]) -> bool {
        let mut is_denied = false;
        let denials = hits.iter().zip(decisions).filter(|(_, decision)| !decision.is_allowed);
        for (hit, decision) in denials {
            let deny = |state, now| {
                let (next, decision) = algorithm::hit(state, hit.policy.policy(), hit.cost, now);
                if decision.is_allowed { (state, None) } else { (next, Some(decision)) }
            };
            match self.file.update(hit.place(), deny) {
                Ok(Some(latest)) => {
                    is_denied = true;
                    *decision = latest;
                }
                Ok(None) => decision.is_allowed = true,
                Err(_) => {
                    is_denied = true;
                    decision.is_stored = false;
                }
            }
        }
        is_denied
    }
}

impl<'hit> From<&'hit Hit> for Share<'hit> {
    fn from(hit: &'hit Hit) -> Self {
        Self { policy: hit.policy.policy(), cost: hit.cost }
    }
}

#[cfg(test)]
mod tests;
