use super::*;
use crate::client_key::ClientKey;
use crate::rate_limit::{PolicyInput, ProcessStore};
use proptest::prelude::*;
use std::cell::Cell;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

thread_local! {
    static CLOCK: Cell<u64> = const { Cell::new(1_800_000_000_000) };
}

/// Counters in a file of their own, gone when the test is over.
struct Temporary(HostCounters, PathBuf);

impl Temporary {
    fn new(max_keys: f64) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("carapace-host-counters-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let (file, _) = HostStore::open(&folder.join("store"), Some(max_keys)).unwrap();
        Self(HostCounters::new(file.with_clock(|| CLOCK.get())), folder)
    }

    /// Counters on the system's clock, which threads share.
    fn on_system_clock() -> Self {
        let Self(_, folder) = &Self::new(100.0);
        let folder = folder.with_extension("threads");
        let (file, _) = HostStore::open(&folder.join("store"), Some(100.0)).unwrap();
        Self(HostCounters::new(file), folder)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.1);
    }
}

fn policy(algorithm: &str, limit: f64, window_ms: f64, block_ms: f64) -> Policy {
    Policy::try_from(PolicyInput {
        algorithm: Some(algorithm.to_owned()),
        limit,
        window_ms: Some(window_ms),
        block_ms: Some(block_ms),
        ..PolicyInput::default()
    })
    .unwrap()
}

fn key(number: u16) -> [u16; 2] {
    [0x6B, number]
}

#[test]
fn a_policy_is_the_same_in_every_process_whatever_its_limit() {
    let store = Temporary::new(10.0);
    let one = store.0.register(policy("gcra", 5.0, 1000.0, 0.0), Some("login"));
    let raised = store.0.register(policy("gcra", 50.0, 1000.0, 0.0), Some("login"));
    assert_eq!(one.id(), raised.id());
    let others = [
        store.0.register(policy("gcra", 5.0, 1000.0, 0.0), Some("logout")),
        store.0.register(policy("gcra", 5.0, 2000.0, 0.0), Some("login")),
        store.0.register(policy("fixed-window", 5.0, 1000.0, 0.0), Some("login")),
        store.0.register(policy("gcra", 5.0, 1000.0, 0.0), None),
    ];
    assert!(others.iter().all(|other| other.id() != one.id()));
}

#[test]
fn a_denial_by_one_policy_does_not_consume_the_others() {
    let store = Temporary::new(100.0);
    let strict = store.0.register(policy("sliding-window", 1.0, 1000.0, 0.0), Some("strict"));
    let wide = store.0.register(policy("sliding-window", 10.0, 1000.0, 0.0), Some("wide"));
    let hash = store.0.hash(&ClientKey::Text(&key(1)));
    let hits = [strict, wide].map(|policy| Hit { policy, key: hash, cost: 1 });
    let mut decisions = [Decision::default(); 2];
    assert!(store.0.decide(&hits, &mut decisions).0);
    for _ in 0..3 {
        assert!(!store.0.decide(&hits, &mut decisions).0);
        assert_eq!(decisions.map(|decision| decision.is_allowed), [false, true]);
    }
    assert_eq!(store.0.peek(&wide, hash).unwrap().used, 1);
}

#[test]
fn a_table_full_of_blocked_keys_says_that_it_did_not_store() {
    let store = Temporary::new(4.0);
    let policy = store.0.register(policy("fixed-window", 1.0, 60_000.0, 60_000.0), None);
    let hash = |number| store.0.hash(&ClientKey::Text(&key(number)));
    for number in 0..16 {
        let _ = store.0.hit(&Hit { policy, key: hash(number), cost: 2 });
    }
    let (decision, _) = store.0.hit(&Hit { policy, key: hash(100), cost: 1 });
    assert!(decision.is_allowed && !decision.is_stored);
    let mut decisions = [Decision::default()];
    let hits = [Hit { policy, key: hash(101), cost: 1 }];
    assert!(store.0.decide(&hits, &mut decisions).0);
    assert!(!decisions[0].is_stored);
    assert_eq!(store.0.reset_all(&policy), 16);
    assert!(store.0.hit(&Hit { policy, key: hash(100), cost: 1 }).0.is_stored);
}

/// Two policies, two threads that hit both jointly, and one that competes for the second alone.
#[test]
fn joint_hits_of_many_threads_pass_no_limit_and_leave_no_trace_of_those_taken_back() {
    for round in 0..30_u16 {
        let store = Temporary::on_system_clock();
        let wide = store.0.register(policy("fixed-window", 400.0, 600_000.0, 0.0), Some("wide"));
        let narrow =
            store.0.register(policy("sliding-window", 300.0, 600_000.0, 0.0), Some("narrow"));
        let hash = store.0.hash(&ClientKey::Text(&key(round)));
        let hits = [wide, narrow].map(|policy| Hit { policy, key: hash, cost: 1 });
        let counters = &store.0;
        let (jointly, alone) = std::thread::scope(|scope| {
            let pass = move || {
                let mut decisions = [Decision::default(); 2];
                (0..200).filter(|_| counters.decide(&hits, &mut decisions).0).count()
            };
            let workers = [scope.spawn(pass), scope.spawn(pass)];
            let alone = (0..200).filter(|_| counters.hit(&hits[1]).0.is_allowed).count();
            (workers.into_iter().map(|worker| worker.join().unwrap()).sum::<usize>(), alone)
        });
        assert_eq!(jointly + alone, 300);
        assert_eq!(counters.peek(&narrow, hash).unwrap().used, 300);
        assert_eq!(counters.peek(&wide, hash).unwrap().used as usize, jointly);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Hit { policy: usize, key: u16, cost: u32 },
    Decide { key: u16, costs: [u32; 3] },
    Refund { policy: usize, key: u16, cost: u32, ago_ms: u64 },
    Penalize { policy: usize, key: u16, points: u32 },
    Reward { policy: usize, key: u16, points: u32 },
    Block { policy: usize, key: u16, ms: u64 },
    Reset { policy: usize, key: u16 },
    ResetAll { policy: usize },
    Wait { ms: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (policy, key, cost) = (0_usize..3, 0_u16..4, 0_u32..3);
    let step = prop_oneof![
        8 => (policy.clone(), key.clone(), cost.clone())
            .prop_map(|(policy, key, cost)| Step::Hit { policy, key, cost }),
        8 => (key.clone(), [cost.clone(), cost.clone(), cost.clone()])
            .prop_map(|(key, costs)| Step::Decide { key, costs }),
        3 => (policy.clone(), key.clone(), cost.clone(), 0_u64..1_500)
            .prop_map(|(policy, key, cost, ago_ms)| Step::Refund { policy, key, cost, ago_ms }),
        1 => (policy.clone(), key.clone(), cost.clone())
            .prop_map(|(policy, key, points)| Step::Penalize { policy, key, points }),
        1 => (policy.clone(), key.clone(), cost)
            .prop_map(|(policy, key, points)| Step::Reward { policy, key, points }),
        1 => (policy.clone(), key.clone(), 0_u64..2_000)
            .prop_map(|(policy, key, ms)| Step::Block { policy, key, ms }),
        1 => (policy.clone(), key).prop_map(|(policy, key)| Step::Reset { policy, key }),
        1 => policy.prop_map(|policy| Step::ResetAll { policy }),
        6 => (0_u64..700).prop_map(|ms| Step::Wait { ms }),
    ];
    prop::collection::vec(step, 1..200)
}

/// The host's counters and the process's, asked the same.
struct Pair {
    host: Temporary,
    process: ProcessStore,
    policies: Vec<(StorePolicy, StorePolicy)>,
}

impl Pair {
    fn new() -> Self {
        let (host, process) = (Temporary::new(200.0), ProcessStore::new(200));
        let policies = [
            policy("fixed-window", 4.0, 1_000.0, 0.0),
            policy("sliding-window", 3.0, 1_500.0, 2_000.0),
            policy("gcra", 5.0, 900.0, 0.0),
        ];
        let register = |policy| (host.0.register(policy, None), process.register(policy, None));
        let policies = policies.map(register).to_vec();
        Self { host, process, policies }
    }

    fn keys(&self, number: u16) -> (KeyHash, KeyHash) {
        let text = key(number);
        let client = ClientKey::Text(&text);
        (self.host.0.hash(&client), self.process.hash(&client))
    }

    fn change(&self, policy: usize, key: u16, change: impl Fn(State, &Policy, u64) -> State) {
        let (now, (host_key, process_key)) = (CLOCK.get(), self.keys(key));
        let (host, process) = &self.policies[policy];
        self.host.0.change(host, host_key, &change);
        self.process.change(process, process_key, now, |state, policy| change(state, policy, now));
    }

    fn run(&self, step: &Step) -> Result<(), TestCaseError> {
        let now = CLOCK.get();
        match *step {
            Step::Hit { policy, key, cost } => {
                let ((host, process), (host_key, process_key)) =
                    (self.policies[policy], self.keys(key));
                let (decision, at) = self.host.0.hit(&Hit { policy: host, key: host_key, cost });
                let expected =
                    self.process.hit(&Hit { policy: process, key: process_key, cost }, now);
                prop_assert_eq!((decision, at), (expected, now));
            }
            Step::Decide { key, costs } => self.decide(key, costs)?,
            Step::Refund { policy, key, cost, ago_ms } => {
                self.change(policy, key, |state, policy, now| {
                    algorithm::refund(state, policy, cost, now - ago_ms, now)
                });
            }
            Step::Penalize { policy, key, points } => {
                self.change(policy, key, |state, policy, now| {
                    algorithm::penalty(state, policy, points, now)
                });
            }
            Step::Reward { policy, key, points } => {
                self.change(policy, key, |state, policy, now| {
                    algorithm::reward(state, policy, points, now)
                });
            }
            Step::Block { policy, key, ms } => {
                self.change(policy, key, |state, policy, now| {
                    algorithm::block(state, policy, ms, now)
                });
            }
            Step::Reset { policy, key } => {
                let ((host, process), (host_key, process_key)) =
                    (self.policies[policy], self.keys(key));
                self.host.0.reset(&host, host_key);
                self.process.reset(&process, process_key);
            }
            Step::ResetAll { policy } => {
                let (host, process) = &self.policies[policy];
                self.host.0.reset_all(host);
                self.process.reset_all(process);
            }
            Step::Wait { ms } => CLOCK.set(now + ms),
        }
        Ok(())
    }

    fn decide(&self, key: u16, costs: [u32; 3]) -> Result<(), TestCaseError> {
        let (host_key, process_key) = self.keys(key);
        let hits = |is_host: bool| {
            let hit = |(&(host, process), &cost): (&(StorePolicy, StorePolicy), &u32)| {
                let (policy, key) = if is_host { (host, host_key) } else { (process, process_key) };
                Hit { policy, key, cost }
            };
            self.policies.iter().zip(&costs).map(hit).collect::<Vec<_>>()
        };
        let (mut decisions, mut expected) = ([Decision::default(); 3], [Decision::default(); 3]);
        let (is_allowed, at) = self.host.0.decide(&hits(true), &mut decisions);
        let is_expected = self.process.decide(&hits(false), CLOCK.get(), &mut expected);
        prop_assert_eq!((is_allowed, at, decisions), (is_expected, CLOCK.get(), expected));
        Ok(())
    }

    fn compare(&self) -> Result<(), TestCaseError> {
        for (host, process) in &self.policies {
            for number in 0..4 {
                let (host_key, process_key) = self.keys(number);
                let expected = self.process.peek(process, process_key, CLOCK.get());
                prop_assert_eq!(self.host.0.peek(host, host_key), expected);
            }
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn decides_as_the_table_of_the_process_does(steps in steps()) {
        let pair = Pair::new();
        for step in &steps {
            pair.run(step)?;
            pair.compare()?;
        }
    }
}
