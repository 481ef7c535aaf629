//! The algorithms and the stores against the naive model, operation by operation.

use super::stores::{TestStore, stores};
use super::*;
use crate::rate_limit::joint::Share;
use crate::rate_limit::model::{Model, hit_jointly};
use crate::rate_limit::state::{EMPTY, MAX_NOW_MS, State, expires_at_ms};
use proptest::prelude::*;

const OPERATIONS: u64 = 1_000_000;
const ROUND: u64 = 250;
const POLICIES: usize = 3;
const KEYS: usize = 3;

#[derive(Debug, Clone)]
enum Operation {
    Hit {
        policy: usize,
        key: usize,
        cost: u32,
    },
    HitJointly {
        key: usize,
        costs: [u32; POLICIES],
    },
    /// Takes back one of the hits made so far.
    Refund {
        hit: usize,
    },
    Peek {
        policy: usize,
        key: usize,
    },
    Penalize {
        policy: usize,
        key: usize,
        points: u32,
    },
    Reward {
        policy: usize,
        key: usize,
        points: u32,
    },
    Block {
        policy: usize,
        key: usize,
        duration: u64,
    },
    Reset {
        policy: usize,
        key: usize,
    },
    Advance {
        milliseconds: u64,
    },
    SetBack {
        milliseconds: u64,
    },
}

/// What must agree, for each key under each policy: the model, the algorithm on a bare state, and the stores.
struct Check {
    policies: [Policy; POLICIES],
    models: Vec<Vec<Model>>,
    states: Vec<Vec<State>>,
    stores: Vec<TestStore>,
    hits: Vec<(usize, usize, u32, u64)>,
    now: u64,
}

impl Check {
    fn new(policies: [Policy; POLICIES], now: u64) -> Self {
        Self {
            models: policies.iter().map(|policy| vec![Model::new(policy); KEYS]).collect(),
            states: vec![vec![EMPTY; KEYS]; POLICIES],
            stores: stores(&policies, KEYS),
            policies,
            hits: Vec::new(),
            now,
        }
    }

    /// Carries the operation out on all of them, and says where they differ.
    fn run(&mut self, operation: &Operation) -> Result<(), String> {
        let now = self.now;
        match *operation {
            Operation::Hit { policy, key, cost } => self.hit(policy, key, cost),
            Operation::HitJointly { key, costs } => self.hit_jointly(key, costs),
            Operation::Peek { policy, key } => {
                let expected = self.models[policy][key].peek(now);
                let state = self.states[policy][key];
                same(
                    "the algorithm",
                    expected,
                    algorithm::peek(state, &self.policies[policy], now),
                )?;
                self.stores.iter().try_for_each(|store| {
                    let found = store.peek(policy, key, now);
                    if found.is_some() != (expires_at_ms(state) > now) {
                        return Err(format!("{} found {found:?} for {state:?}", store.name()));
                    }
                    found.map_or(Ok(()), |found| same(store.name(), expected, found))
                })
            }
            Operation::Refund { hit } => self.refund(hit),
            Operation::Penalize { policy, key, points } => {
                self.models[policy][key].penalize(points, now);
                self.change(policy, key, &|state, policy| {
                    algorithm::penalty(state, policy, points, now)
                })
            }
            Operation::Reward { policy, key, points } => {
                self.models[policy][key].reward(points, now);
                self.change(policy, key, &|state, policy| {
                    algorithm::reward(state, policy, points, now)
                })
            }
            Operation::Block { policy, key, duration } => {
                self.models[policy][key].block(duration, now);
                self.change(policy, key, &|state, policy| {
                    algorithm::block(state, policy, duration, now)
                })
            }
            Operation::Reset { policy, key } => {
                self.models[policy][key].reset();
                self.states[policy][key] = EMPTY;
                self.stores.iter().for_each(|store| store.reset(policy, key, now));
                Ok(())
            }
            Operation::Advance { milliseconds } => {
                self.now = (now + milliseconds).min(MAX_NOW_MS);
                Ok(())
            }
            Operation::SetBack { milliseconds } => {
                self.forget_expired();
                self.now = now.saturating_sub(milliseconds);
                Ok(())
            }
        }
    }

    /// A store may give the place of an expired key to another, or not: whether such a key comes back when the
    /// clock is set back is nobody's to rely on.
    fn forget_expired(&mut self) {
        for policy in 0..POLICIES {
            for key in 0..KEYS {
                if expires_at_ms(self.states[policy][key]) <= self.now {
                    self.models[policy][key].reset();
                    self.states[policy][key] = EMPTY;
                    self.stores.iter().for_each(|store| store.reset(policy, key, self.now));
                }
            }
        }
    }

    fn hit(&mut self, policy: usize, key: usize, cost: u32) -> Result<(), String> {
        let now = self.now;
        let expected = self.models[policy][key].hit(cost, now);
        let state = &mut self.states[policy][key];
        let decision;
        (*state, decision) = algorithm::hit(*state, &self.policies[policy], cost, now);
        self.hits.push((policy, key, cost, now));
        same("the algorithm", expected, decision)?;
        let hit =
            |store: &TestStore| same(store.name(), expected, store.hit(policy, key, cost, now));
        self.stores.iter().try_for_each(hit)
    }

    fn refund(&mut self, hit: usize) -> Result<(), String> {
        let Some(index) = hit.checked_rem(self.hits.len()) else { return Ok(()) };
        let ((policy, key, cost, then), now) = (self.hits[index], self.now);
        self.models[policy][key].refund(cost, then, now);
        self.change(policy, key, &|state, policy| algorithm::refund(state, policy, cost, then, now))
    }

    fn hit_jointly(&mut self, key: usize, costs: [u32; POLICIES]) -> Result<(), String> {
        let now = self.now;
        let mut models: Vec<_> =
            self.models.iter_mut().map(|keys| &mut keys[key]).zip(costs).collect();
        let expected = hit_jointly(&mut models, now);
        let mut states: Vec<_> = self.states.iter().map(|keys| keys[key]).collect();
        let mut decisions = [Decision::default(); POLICIES];
        let shares = self.policies.iter().zip(costs).map(|(policy, cost)| Share { policy, cost });
        joint::decide(&mut states, shares, now, &mut decisions);
        for (keys, state) in self.states.iter_mut().zip(states) {
            keys[key] = state;
        }
        for policy in 0..POLICIES {
            self.hits.push((policy, key, costs[policy], now));
            same("the algorithm", expected[policy], decisions[policy])?;
        }
        for store in &self.stores {
            let (is_allowed, decisions) = store.decide(key, &costs, now);
            if is_allowed != expected.iter().all(|decision| decision.is_allowed) {
                return Err(format!(
                    "{} jointly {is_allowed}, expected {expected:?}",
                    store.name()
                ));
            }
            for (expected, found) in expected.iter().zip(decisions) {
                same(store.name(), *expected, found)?;
            }
        }
        Ok(())
    }

    fn change(
        &mut self,
        policy: usize,
        key: usize,
        change: &dyn Fn(State, &Policy) -> State,
    ) -> Result<(), String> {
        let state = &mut self.states[policy][key];
        *state = change(*state, &self.policies[policy]);
        for store in &self.stores {
            if !store.change(policy, key, self.now, change) {
                return Err(format!("{} did not store it", store.name()));
            }
        }
        self.run(&Operation::Peek { policy, key })
    }
}

fn same(who: &str, expected: Decision, found: Decision) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    Err(format!("expected {expected:?}\n{who}: {found:?}"))
}

/// Random numbers that are the same on every run (`SplitMix64`).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn index(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap()
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }

    fn policy(&mut self, algorithms: &[&str]) -> Policy {
        loop {
            let algorithm = self.pick(algorithms);
            let small = u32::try_from(1 + self.below(20)).unwrap();
            let limit =
                self.pick(&[0, 1, 2, 5, 100, small, small, 1_000_003, i32::MAX.unsigned_abs()]);
            let odd = 1 + self.below(100_000);
            let window = self.pick(&[1, 7, 500, 1000, 60_000, odd, odd, 31_536_000_000]);
            let burst = self.pick(&[None, None, Some(1), Some(small), Some(limit.max(1))]);
            let burst = burst.filter(|_| algorithm == "gcra");
            let block = self.pick(&[0, 0, 0, 1, 700, 90_000]);
            if let Ok(policy) = try_made(algorithm, limit, window, burst, block) {
                return policy;
            }
        }
    }

    fn cost(&mut self, policy: &Policy) -> u32 {
        let limit = policy.limit();
        let part = u32::try_from(self.below(u64::from(limit / 2) + 2)).unwrap();
        self.pick(&[0, 1, 1, 1, 1, 1, 1, 2, 3, part, limit, limit + 1, 1 << 31])
    }

    fn operation(&mut self, policies: &[Policy; POLICIES]) -> Operation {
        let (policy, key) = (self.index(POLICIES), self.index(KEYS));
        let window = policies[policy].window_ms();
        let points = self.cost(&policies[policy]);
        match self.below(100) {
            0..40 => Operation::Hit { policy, key, cost: points },
            40..50 => {
                let costs = std::array::from_fn(|index| self.cost(&policies[index]));
                Operation::HitJointly { key, costs }
            }
            50..60 => Operation::Refund { hit: self.index(usize::MAX) },
            60..65 => Operation::Peek { policy, key },
            65..68 => Operation::Penalize { policy, key, points },
            68..71 => Operation::Reward { policy, key, points },
            71..73 => Operation::Block { policy, key, duration: self.below(2 * window) },
            73..74 => Operation::Reset { policy, key },
            74..97 => {
                let pace = window / u64::from(policies[policy].limit().max(1));
                let most =
                    self.pick(&[1, 3, pace + 1, 2 * pace, window / 2, window + 1, 3 * window]);
                Operation::Advance { milliseconds: self.below(most) }
            }
            _ => {
                let most = self.pick(&[2, window / 3 + 2, window + 2, 5 * window]);
                Operation::SetBack { milliseconds: self.below(most) }
            }
        }
    }
}

/// A million operations under policies of these algorithms.
fn check(algorithms: &[&str]) {
    let mut numbers = Numbers(20_261_120);
    for round in 0..OPERATIONS / ROUND {
        let policies = std::array::from_fn(|_| numbers.policy(algorithms));
        let start = numbers.pick(&[0, 1_795_000_000_000, 1_795_000_000_000]);
        let mut check = Check::new(policies, start);
        for step in 0..ROUND {
            let operation = numbers.operation(&policies);
            if let Err(difference) = check.run(&operation) {
                panic!(
                    "round {round}, step {step}: {operation:?} at {}\n{difference}\n{policies:#?}",
                    check.now
                );
            }
        }
    }
}

#[test]
#[ignore = "long: npm run test:model"]
fn a_million_operations_on_fixed_windows_agree_with_the_model() {
    check(&["fixed-window"]);
}

#[test]
#[ignore = "long: npm run test:model"]
fn a_million_operations_on_sliding_windows_agree_with_the_model() {
    check(&["sliding-window"]);
}

#[test]
#[ignore = "long: npm run test:model"]
fn a_million_operations_on_gcra_agree_with_the_model() {
    check(&["gcra"]);
}

/// Policies that are decided together may have different algorithms.
#[test]
fn a_million_operations_on_all_algorithms_together_agree_with_the_model() {
    check(&["fixed-window", "sliding-window", "gcra"]);
}

fn any_operation() -> impl Strategy<Value = Operation> {
    let place = (0..POLICIES, 0..KEYS);
    let cost = prop_oneof![0..4_u32, 0..200_u32, Just(1 << 31)];
    let costs = [cost.clone(), cost.clone(), cost.clone()];
    prop_oneof![
        8 => (place.clone(), cost.clone())
            .prop_map(|((policy, key), cost)| Operation::Hit { policy, key, cost }),
        2 => (0..KEYS, costs).prop_map(|(key, costs)| Operation::HitJointly { key, costs }),
        2 => any::<usize>().prop_map(|hit| Operation::Refund { hit }),
        1 => (place.clone(), cost.clone())
            .prop_map(|((policy, key), points)| Operation::Penalize { policy, key, points }),
        1 => (place.clone(), cost)
            .prop_map(|((policy, key), points)| Operation::Reward { policy, key, points }),
        1 => (place.clone(), 0..5000_u64)
            .prop_map(|((policy, key), duration)| Operation::Block { policy, key, duration }),
        1 => place.prop_map(|(policy, key)| Operation::Reset { policy, key }),
        6 => (0..3000_u64).prop_map(|milliseconds| Operation::Advance { milliseconds }),
        1 => (0..3000_u64).prop_map(|milliseconds| Operation::SetBack { milliseconds }),
    ]
}

fn any_policy() -> impl Strategy<Value = Policy> {
    let names = prop::sample::select(vec!["fixed-window", "sliding-window", "gcra"]);
    let limit = prop_oneof![0..4_u32, 0..200_u32, Just(i32::MAX.unsigned_abs())];
    let window = prop_oneof![Just(500_u64), 1..2000_u64];
    let block = prop_oneof![3 => Just(0_u64), 1 => 1..3000_u64];
    (names, limit, window, prop::option::of(1..50_u32), block).prop_map(
        |(name, limit, window, burst, block)| {
            made(name, limit, window, burst.filter(|_| name == "gcra"), block)
        },
    )
}

proptest! {
    /// The same as above on small numbers, for a failure that can be read.
    #[test]
    fn short_runs_agree_with_the_model(
        policies in [any_policy(), any_policy(), any_policy()],
        operations in prop::collection::vec(any_operation(), 1..60),
    ) {
        let mut check = Check::new(policies, 10_000);
        for operation in operations {
            prop_assert_eq!(check.run(&operation), Ok(()));
        }
    }
}
