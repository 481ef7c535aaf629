//! The stores behind one face, so that one check runs them all: each counts by the time that it is given.

use super::*;
use crate::rate_limit::process::{Hit, KeyHash, StorePolicy};

/// What a store does for the model check. Policies and keys are named by their numbers.
pub(super) trait Store {
    fn name(&self) -> &'static str;
    fn hit(&self, policy: usize, key: usize, cost: u32, now: u64) -> Decision;
    fn decide(&self, key: usize, costs: &[u32], now: u64) -> (bool, Vec<Decision>);
    fn peek(&self, policy: usize, key: usize, now: u64) -> Option<Decision>;
    fn change(
        &self,
        policy: usize,
        key: usize,
        now: u64,
        change: &dyn Fn(State, &Policy) -> State,
    ) -> bool;
    fn reset(&self, policy: usize, key: usize, now: u64);
}

pub(super) type TestStore = Box<dyn Store>;

/// Every store of the core, empty, with these policies and so many keys.
pub(super) fn stores(policies: &[Policy], keys: usize) -> Vec<TestStore> {
    vec![
        Box::new(Table::new(policies, keys)),
        #[cfg(unix)]
        Box::new(host::Shared::new(policies, keys)),
    ]
}

struct Table {
    store: ProcessStore,
    policies: Vec<StorePolicy>,
    keys: Vec<KeyHash>,
}

impl Table {
    fn new(policies: &[Policy], keys: usize) -> Self {
        let store = ProcessStore::new(1000);
        Self {
            policies: policies.iter().map(|policy| store.register(*policy, None)).collect(),
            keys: (0..keys).map(|key| store.hash(&key)).collect(),
            store,
        }
    }
}

/// One hit under each policy.
fn hits(policies: &[StorePolicy], key: KeyHash, costs: &[u32]) -> Vec<Hit> {
    policies.iter().zip(costs).map(|(policy, &cost)| Hit { policy: *policy, key, cost }).collect()
}

impl Store for Table {
    fn name(&self) -> &'static str {
        "the process's table"
    }

    fn hit(&self, policy: usize, key: usize, cost: u32, now: u64) -> Decision {
        self.store.hit(&Hit { policy: self.policies[policy], key: self.keys[key], cost }, now)
    }

    fn decide(&self, key: usize, costs: &[u32], now: u64) -> (bool, Vec<Decision>) {
        let mut decisions = vec![Decision::default(); costs.len()];
        let hits = hits(&self.policies, self.keys[key], costs);
        (self.store.decide(&hits, now, &mut decisions), decisions)
    }

    fn peek(&self, policy: usize, key: usize, now: u64) -> Option<Decision> {
        self.store.peek(&self.policies[policy], self.keys[key], now)
    }

    fn change(
        &self,
        policy: usize,
        key: usize,
        now: u64,
        change: &dyn Fn(State, &Policy) -> State,
    ) -> bool {
        self.store.change(&self.policies[policy], self.keys[key], now, change)
    }

    fn reset(&self, policy: usize, key: usize, _: u64) {
        self.store.reset(&self.policies[policy], self.keys[key]);
    }
}

#[cfg(unix)]
mod host {
    use super::*;
    use crate::host_store::HostStore;
    use crate::rate_limit::HostCounters;
    use std::cell::Cell;
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU32, Ordering};

    thread_local! {
        static CLOCK: Cell<u64> = const { Cell::new(0) };
    }

    /// The counters in a file that is removed with them.
    pub(super) struct Shared {
        store: HostCounters,
        folder: PathBuf,
        policies: Vec<StorePolicy>,
        keys: Vec<KeyHash>,
    }

    impl Shared {
        pub(super) fn new(policies: &[Policy], keys: usize) -> Self {
            static NEXT: AtomicU32 = AtomicU32::new(0);
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let name = format!("carapace-model-{}-{number}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            let (file, _) = HostStore::open(&folder.join("store"), Some(100.0)).unwrap();
            let store = HostCounters::new(file.with_clock(|| CLOCK.get()));
            let name = |number: usize| number.to_string();
            Self {
                policies: (policies.iter().enumerate())
                    .map(|(number, policy)| store.register(*policy, Some(&name(number))))
                    .collect(),
                keys: (0..keys).map(|key| store.hash(&key)).collect(),
                store,
                folder,
            }
        }
    }

    impl Drop for Shared {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    impl Store for Shared {
        fn name(&self) -> &'static str {
            "the host store"
        }

        fn hit(&self, policy: usize, key: usize, cost: u32, now: u64) -> Decision {
            CLOCK.set(now);
            let hit = Hit { policy: self.policies[policy], key: self.keys[key], cost };
            let (decision, at) = self.store.hit(&hit);
            assert_eq!(at, now);
            decision
        }

        fn decide(&self, key: usize, costs: &[u32], now: u64) -> (bool, Vec<Decision>) {
            CLOCK.set(now);
            let mut decisions = vec![Decision::default(); costs.len()];
            let hits = hits(&self.policies, self.keys[key], costs);
            let (is_allowed, at) = self.store.decide(&hits, &mut decisions);
            assert_eq!(at, now);
            (is_allowed, decisions)
        }

        fn peek(&self, policy: usize, key: usize, now: u64) -> Option<Decision> {
            CLOCK.set(now);
            self.store.peek(&self.policies[policy], self.keys[key])
        }

        fn change(
            &self,
            policy: usize,
            key: usize,
            now: u64,
            change: &dyn Fn(State, &Policy) -> State,
        ) -> bool {
            CLOCK.set(now);
            let change = |state, policy: &Policy, _| change(state, policy);
            self.store.change(&self.policies[policy], self.keys[key], change)
        }

        fn reset(&self, policy: usize, key: usize, now: u64) {
            CLOCK.set(now);
            self.store.reset(&self.policies[policy], self.keys[key]);
        }
    }
}
