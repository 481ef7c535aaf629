//! Which policies count in the table.

use crate::rate_limit::Policy;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::collections::HashMap;
use std::hash::Hash;

/// A policy as one table knows it. Two of equal name and rule are the same to it; one without a name is like
/// no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StorePolicy {
    policy: Policy,
    id: u32,
    /// Spreads one key's places under different policies over the table.
    mask: u128,
}

impl StorePolicy {
    /// The rule.
    #[must_use]
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The same counts under another limit: see [`Policy::with_limit`].
    #[must_use]
    pub fn with_limit(self, limit: u32) -> Self {
        Self { policy: self.policy.with_limit(limit), ..self }
    }

    /// A policy that every process knows by the same random number.
    #[cfg(unix)]
    #[expect(clippy::cast_possible_truncation, reason = "a part of it is what is wanted")]
    pub(in crate::rate_limit) fn identified(policy: Policy, identity: u128) -> Self {
        Self { policy, id: (identity as u32).max(1), mask: identity }
    }

    /// The policy's number, not 0.
    #[cfg(unix)]
    pub(in crate::rate_limit) const fn id(&self) -> u32 {
        self.id
    }

    /// What the table calls a key under this policy: the lowest 32 bits are the policy's number, never 0,
    /// so that all keys of a policy can be found; the others are as random as the hash.
    pub(in crate::rate_limit) const fn place(&self, hash: u128) -> u128 {
        (hash ^ self.mask) >> u32::BITS << u32::BITS | self.id as u128
    }

    /// Whether a place is one of this policy.
    pub(super) const fn owns(&self, place: u128) -> bool {
        place & u32::MAX as u128 == self.id as u128
    }
}

/// The policies of a table, each with a number of its own.
#[derive(Default)]
pub(super) struct Policies {
    named: HashMap<(String, Policy), u32>,
    count: u32,
}

impl Policies {
    pub(super) fn add(
        &mut self,
        policy: Policy,
        name: Option<&str>,
        seed: (u64, u64),
    ) -> StorePolicy {
        let id = match name {
            None => self.next(),
            Some(name) => {
                let identity = (name.to_owned(), policy);
                if let Some(id) = self.named.get(&identity) {
                    *id
                } else {
                    let id = self.next();
                    self.named.insert(identity, id);
                    id
                }
            }
        };
        let mut hasher = SipHasher13::new_with_keys(seed.0, seed.1);
        ("policy", id).hash(&mut hasher);
        StorePolicy { policy, id, mask: hasher.finish128().as_u128() }
    }

    /// Numbers start at 1. After 2^32 - 1 policies the last one is shared.
    fn next(&mut self) -> u32 {
        self.count = self.count.saturating_add(1);
        self.count
    }
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Policies").field("count", &self.count).finish_non_exhaustive()
    }
}
