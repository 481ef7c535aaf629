use super::layout::{Bucket, SLOTS};
use super::word::Word;
use super::*;
use crate::rate_limit::state::{EMPTY, Rank, State};
use portable_atomic::AtomicU128;
use proptest::prelude::*;
use std::cell::Cell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

const LATER: u64 = 1_000_000;

fn buckets<W: Default, const N: usize>(count: usize) -> Vec<Bucket<W, N>> {
    let words = || std::array::from_fn(|_| W::default());
    (0..count).map(|_| Bucket { keys: words(), values: words() }).collect()
}

const POLICY: u32 = 5;
/// The bits of a state that say when it ends.
const ENDS: u64 = (1 << 44) - 1;

/// A state that ends then and is worth so much; see [`crate::rate_limit::state`].
fn state(expires_at_ms: u64, rank: Rank, used: u64) -> State {
    [expires_at_ms | (rank as u64) << 44, used]
}

/// As [`Table::update`] at a given time.
trait At {
    fn at<R>(
        &self,
        place: u128,
        now_ms: u64,
        algorithm: impl FnMut(State) -> (State, R),
    ) -> Result<R, Refusal>;
}

impl<W: Word, const N: usize> At for Table<'_, W, N> {
    fn at<R>(
        &self,
        place: u128,
        now_ms: u64,
        mut algorithm: impl FnMut(State) -> (State, R),
    ) -> Result<R, Refusal> {
        self.update(place, || now_ms, |state, _| algorithm(state))
    }
}

fn count(expires_at_ms: u64, rank: Rank) -> impl FnMut(State) -> (State, u64) {
    move |[_, used]| (state(expires_at_ms, rank, used + 1), used + 1)
}

fn peek(state: State) -> (State, u64) {
    (state, state[1])
}

/// A place whose parts differ, as those of the keyed hash do.
fn hash(key: u64) -> u128 {
    let mix = |salt: u64| (key ^ salt).wrapping_add(salt).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    let half = |salt| mix(mix(salt).rotate_left(32));
    let hash = u128::from(half(0x1234_5678_9ABC)) << 64 | u128::from(half(0xFEDC_BA98));
    hash >> 32 << 32 | u128::from(POLICY)
}

/// A word whose thread can be stopped for good after a number of steps, as by SIGKILL.
#[derive(Default, Debug)]
struct Mortal(AtomicU128);

thread_local! {
    static STEPS_LEFT: Cell<Option<u32>> = const { Cell::new(None) };
}

struct Killed;

fn step() {
    match STEPS_LEFT.get() {
        Some(0) => resume_unwind(Box::new(Killed)),
        Some(left) => STEPS_LEFT.set(Some(left - 1)),
        None => (),
    }
}

impl Word for Mortal {
    const PATIENCE: u32 = 3;
    fn load(&self) -> u128 {
        step();
        Word::load(&self.0)
    }
    fn replace(&self, current: u128, new: u128) -> bool {
        step();
        self.0.replace(current, new)
    }
    fn fence() {
        AtomicU128::fence();
    }
    fn pause(_: u32) {
        std::thread::yield_now();
    }
}

/// Runs `action` and stops it before its step number `steps`; `None` when it was.
fn killed_at<R>(steps: u32, action: impl FnOnce() -> R) -> Option<R> {
    STEPS_LEFT.set(Some(steps));
    let outcome = catch_unwind(AssertUnwindSafe(action));
    STEPS_LEFT.set(None);
    match outcome {
        Ok(answer) => Some(answer),
        Err(cause) if cause.is::<Killed>() => None,
        Err(cause) => resume_unwind(cause),
    }
}

#[test]
fn counts_a_key_and_forgets_it_when_told_so() {
    let memory = buckets::<AtomicU128, SLOTS>(4);
    let nonces = Nonces::new(1);
    let table = Table::new(&memory, &nonces);
    for expected in 1..=3 {
        assert_eq!(table.at(hash(7), 0, count(LATER, Rank::Low)), Ok(expected));
    }
    assert_eq!(table.at(hash(7), 0, peek), Ok(3));
    assert_eq!(table.len(0), 1);
    assert_eq!(table.at(hash(7), 0, |_| (EMPTY, 0)), Ok(0));
    assert_eq!(table.at(hash(7), 0, peek), Ok(0));
    assert_eq!(table.len(0), 0);
}

#[test]
fn asking_for_an_unknown_key_takes_no_place() {
    let memory = buckets::<AtomicU128, SLOTS>(4);
    let nonces = Nonces::new(1);
    let table = Table::new(&memory, &nonces);
    assert_eq!(table.at(hash(7), 0, peek), Ok(0));
    assert_eq!(table.len(0), 0);
}

#[test]
fn clearing_forgets_every_key_of_the_policy() {
    let memory = buckets::<AtomicU128, SLOTS>(64);
    let nonces = Nonces::new(1);
    let table = Table::new(&memory, &nonces);
    for key in 0..100 {
        table.at(hash(key), 0, count(LATER, Rank::Blocked)).unwrap();
    }
    let stranger = hash(3) ^ 1;
    table.at(stranger, 0, count(LATER, Rank::Low)).unwrap();
    assert_eq!((table.clear(POLICY), table.len(0)), (100, 1));
    assert_eq!(table.at(stranger, 0, peek), Ok(1));
    assert_eq!(table.at(hash(7), 0, count(LATER, Rank::Low)), Ok(1));
}

#[test]
fn half_full_it_has_evicted_nobody() {
    const BUCKETS: usize = 1 << 13;
    let memory = buckets::<AtomicU128, SLOTS>(BUCKETS);
    let nonces = Nonces::new(1);
    let table = Table::new(&memory, &nonces);
    let keys = (BUCKETS * SLOTS / 2) as u64;
    for key in 0..keys {
        table.at(hash(key), 0, count(LATER, Rank::Low)).unwrap();
    }
    assert_eq!(table.len(0) as u64, keys);
    for key in 0..keys {
        assert_eq!(table.at(hash(key), 0, peek), Ok(1));
    }
}

#[test]
fn forgets_expired_keys_first_then_the_lowest_rank_and_blocked_ones_never_s20() {
    let memory = buckets::<AtomicU128, 4>(1);
    let nonces = Nonces::new(1);
    let table = Table::new(&memory, &nonces);
    let ranks = [(1, 500, Rank::High), (2, LATER, Rank::Low), (3, LATER, Rank::Middle)];
    for (key, expires, rank) in ranks {
        table.at(hash(key), 0, count(expires, rank)).unwrap();
    }
    table.at(hash(4), 0, count(LATER, Rank::Blocked)).unwrap();
    let present = |now| (1..=4).filter(|key| table.at(hash(*key), now, peek) == Ok(1)).collect();
    let remaining: Vec<u64> = present(0);
    assert_eq!(remaining, [1, 2, 3, 4]);
    // 1 has expired, 2 is worth least, then 3.
    for gone in [1, 2, 3] {
        table.at(hash(100 + gone), 600, count(LATER, Rank::Blocked)).unwrap();
        let remaining: Vec<u64> = present(600);
        assert_eq!(remaining, (gone + 1..=4).collect::<Vec<_>>());
    }
    assert_eq!(table.at(hash(200), 600, count(LATER, Rank::Low)), Err(Refusal::Full));
    // Those that are there go on.
    assert_eq!(table.at(hash(4), 600, count(LATER, Rank::Blocked)), Ok(2));
    assert_eq!(table.at(hash(200), 2 * LATER, count(3 * LATER, Rank::Low)), Ok(1));
}

#[test]
fn threads_lose_no_hit_and_double_none() {
    for keys in [1_u64, 3, 40] {
        let memory = buckets::<AtomicU128, SLOTS>(16);
        let nonces: Vec<_> = (1..=4).map(Nonces::new).collect();
        std::thread::scope(|scope| {
            for nonces in &nonces {
                let table = Table::new(&memory, nonces);
                scope.spawn(move || {
                    for turn in 0..20_000 {
                        table.at(hash(turn % keys), 0, count(LATER, Rank::Low)).unwrap();
                    }
                });
            }
        });
        let table = Table::new(&memory, &nonces[0]);
        let sum: u64 = (0..keys).map(|key| table.at(hash(key), 0, peek).unwrap()).sum();
        assert_eq!((sum, table.len(0) as u64), (80_000, keys));
    }
}

#[test]
fn a_fresh_key_hit_by_all_at_once_lies_in_one_slot() {
    let memory = buckets::<AtomicU128, 2>(512);
    let nonces: Vec<_> = (1..=4).map(Nonces::new).collect();
    let barrier = std::sync::Barrier::new(4);
    for round in 0..2_000 {
        std::thread::scope(|scope| {
            for nonces in &nonces {
                let (table, barrier) = (Table::new(&memory, nonces), &barrier);
                scope.spawn(move || {
                    barrier.wait();
                    table.at(hash(round), round, count(round + 1, Rank::Low)).unwrap()
                });
            }
        });
        let table = Table::new(&memory, &nonces[0]);
        assert_eq!((table.len(round), table.at(hash(round), round, peek)), (1, Ok(4)));
    }
}

#[test]
fn a_process_killed_after_any_step_blocks_nobody_and_costs_its_own_hit_at_the_most() {
    // (hits before the kill, other keys in the one bucket and their expiry)
    for (before, others, expiry) in
        [(0, 0, 0), (0, 1, 5), (0, 2, 5), (0, 2, LATER), (3, 0, 0), (3, 1, 5)]
    {
        let mut steps = 0;
        loop {
            let memory = buckets::<Mortal, 2>(1);
            let nonces = [Nonces::new(1), Nonces::new(2)];
            let table = Table::new(&memory, &nonces[0]);
            for other in 0..others {
                table.at(hash(100 + other), 0, count(expiry, Rank::Low)).unwrap();
            }
            for _ in 0..before {
                table.at(hash(7), 0, count(LATER, Rank::Low)).unwrap();
            }
            // Later than `expiry`.
            let hit = || table.at(hash(7), 10, count(2 * LATER, Rank::High)).unwrap();
            let answer = killed_at(steps, hit);
            let heir = Table::new(&memory, &nonces[1]);
            let used = heir.at(hash(7), 10, count(2 * LATER, Rank::High)).unwrap();
            assert!(
                used == before + 1 || used == before + 2,
                "{used} after {before}, step {steps}"
            );
            assert!(answer.is_none_or(|answer| answer == before + 1 && used == before + 2));
            // The place of another key is not lost either.
            heir.at(hash(300), 10, count(LATER, Rank::Low)).unwrap();
            assert_eq!(heir.at(hash(7), 10, peek), Ok(used));
            assert_eq!(heir.len(10), 2);
            if answer.is_some() {
                break;
            }
            steps += 1;
        }
        assert!(steps >= 4);
    }
}

#[test]
fn threads_that_are_killed_all_the_time_leave_every_count_within_their_kills() {
    let memory = buckets::<Mortal, 2>(8);
    let nonces: Vec<_> = (1..=4).map(Nonces::new).collect();
    // [answered, killed] for each of 5 keys
    let tallies: Vec<[[u64; 2]; 5]> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4_u32)
            .map(|worker| {
                let table = Table::new(&memory, &nonces[worker as usize]);
                scope.spawn(move || {
                    let mut tally = [[0, 0]; 5];
                    for turn in 0..20_000_u32 {
                        let key = (turn % 5) as usize;
                        let action =
                            || table.at(hash(key as u64), 0, count(LATER, Rank::High)).unwrap();
                        let fuse = if turn % 3 == 0 { turn % 17 + worker } else { u32::MAX };
                        tally[key][usize::from(killed_at(fuse, action).is_none())] += 1;
                    }
                    tally
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    let table = Table::new(&memory, &nonces[0]);
    for key in 0..5 {
        let answered: u64 = tallies.iter().map(|tally| tally[key][0]).sum();
        let killed: u64 = tallies.iter().map(|tally| tally[key][1]).sum();
        let used = table.at(hash(key as u64), 0, peek).unwrap();
        assert!(
            killed > 100 && (answered..=answered + killed).contains(&used),
            "{used} of {answered}"
        );
    }
    assert_eq!(table.len(0), 5);
}

#[derive(Debug, Clone)]
enum Step {
    Hit(u64, Rank),
    Forget(u64),
    Peek(u64),
    Wait(u64),
    Clear,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let key = 0_u64..60;
    let rank =
        prop_oneof![Just(Rank::Low), Just(Rank::Middle), Just(Rank::High), Just(Rank::Blocked)];
    let step = prop_oneof![
        20 => (key.clone(), rank).prop_map(|(key, rank)| Step::Hit(key, rank)),
        4 => key.clone().prop_map(Step::Forget),
        4 => key.prop_map(Step::Peek),
        4 => (0_u64..400).prop_map(Step::Wait),
        1 => Just(Step::Clear),
    ];
    prop::collection::vec(step, 1..400)
}

proptest! {
    /// The naive model: a map from key to (count, expiry), in which each state says itself when it ended.
    #[test]
    fn equals_the_naive_model(steps in steps()) {
        let memory = buckets::<AtomicU128, SLOTS>(32);
        let nonces = Nonces::new(1);
        let table = Table::new(&memory, &nonces);
        let mut model: HashMap<u64, [u64; 2]> = HashMap::new();
        let mut now = 1_000;
        for step in steps {
            let window = |[used, ends]: State| if ends <= now { [1, now + 500] } else { [used + 1, ends] };
            match step {
                Step::Wait(ms) => now += ms,
                Step::Clear => {
                    table.clear(POLICY);
                    model.clear();
                }
                Step::Hit(key, rank) => {
                    let state = window(model.get(&key).copied().unwrap_or([0, 0]));
                    model.insert(key, state);
                    let hit = table.at(hash(key), now, |[head, used]| {
                        let next = window([used, head & ENDS]);
                        (self::state(next[1], rank, next[0]), next)
                    });
                    prop_assert_eq!(hit, Ok(state));
                }
                Step::Forget(key) => {
                    model.remove(&key);
                    table.at(hash(key), now, |_| (EMPTY, ())).unwrap();
                }
                Step::Peek(key) => {
                    let live = |[used, ends]: [u64; 2]| if ends <= now { 0 } else { used };
                    let of = |state: State| live([state[1], state[0] & ENDS]);
                    let seen = table.at(hash(key), now, |state| (state, of(state))).unwrap();
                    prop_assert_eq!(seen, model.get(&key).map_or(0, |state| live(*state)));
                }
            }
            let live = model.values().filter(|[_, ends]| *ends > now).count();
            prop_assert_eq!(table.len(now), live);
        }
    }
}
