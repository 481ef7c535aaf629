//! The protocol under loom: every interleaving (up to the preemption bound) and every value that a weak
//! memory order lets a load return. A process that is killed is a thread that stops before one of its steps.

use super::layout::Bucket;
use super::word::Word;
use super::*;
use crate::rate_limit::state::{Rank, State};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU64, Ordering, fence};
use loom::thread;
use std::cell::Cell;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{LazyLock, Mutex, PoisonError};

const LATER: u64 = 1_000;
const KEY: u64 = 7;
const OTHER: u64 = 9;

fn place(key: u64) -> u128 {
    u128::from(key) << 32 | 1
}

/// A state that ends then and is worth so much; see [`crate::rate_limit::state`].
fn state(expires_at_ms: u64, rank: Rank, key: u64, used: u64) -> State {
    [expires_at_ms | (rank as u64) << 44, key << 32 | used]
}

fn used([_, tail]: State) -> u64 {
    tail & 0xFFFF_FFFF
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

/// A 128-bit word for loom, which has none: each word that occurs gets a number, and the numbers are what is
/// loaded and swapped.
#[derive(Debug)]
struct Modelled(AtomicU64);

#[derive(Default)]
struct Numbers {
    words: Vec<u128>,
    numbers: HashMap<u128, u64>,
}

static NUMBERS: LazyLock<Mutex<Numbers>> = LazyLock::new(Mutex::default);

fn number_of(word: u128) -> u64 {
    let mut known = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
    let next = known.words.len() as u64;
    let number = *known.numbers.entry(word).or_insert(next);
    if number == next {
        known.words.push(word);
    }
    number
}

fn word_of(number: u64) -> u128 {
    let known = NUMBERS.lock().unwrap_or_else(PoisonError::into_inner);
    known.words[usize::try_from(number).unwrap()]
}

loom::thread_local! {
    static STEPS_LEFT: Cell<u32> = Cell::new(u32::MAX);
}

struct Killed;

fn step() {
    STEPS_LEFT.with(|left| match left.get() {
        0 => resume_unwind(Box::new(Killed)),
        u32::MAX => (),
        steps => left.set(steps - 1),
    });
}

impl Word for Modelled {
    const PATIENCE: u32 = 1;
    fn load(&self) -> u128 {
        step();
        word_of(self.0.load(Ordering::Acquire))
    }
    fn replace(&self, current: u128, new: u128) -> bool {
        step();
        let (current, new) = (number_of(current), number_of(new));
        self.0.compare_exchange(current, new, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
    fn fence() {
        fence(Ordering::SeqCst);
    }
    fn pause(_: u32) {
        thread::yield_now();
    }
}

/// Memory of `BUCKETS` × `N` slots and the claims' numbers of each process.
struct Shared<const N: usize> {
    buckets: Vec<Bucket<Modelled, N>>,
    nonces: Vec<Nonces>,
}

impl<const N: usize> Shared<N> {
    fn new() -> Arc<Self> {
        let words = || std::array::from_fn(|_| Modelled(AtomicU64::new(number_of(0))));
        let buckets = vec![Bucket { keys: words(), values: words() }];
        Arc::new(Self { buckets, nonces: (1..=4).map(Nonces::new).collect() })
    }

    fn hit(&self, process: usize, key: u64, rank: Rank, expires_at_ms: u64) -> u64 {
        let table = Table::new(&self.buckets, &self.nonces[process]);
        let count = |before: State| {
            assert!(before == [0, 0] || before[1] >> 32 == key, "the state of another key");
            (state(expires_at_ms, rank, key, used(before) + 1), used(before) + 1)
        };
        table.at(place(key), 10, count).unwrap()
    }

    fn count(&self, key: u64) -> u64 {
        let table = Table::new(&self.buckets, &self.nonces[3]);
        table.at(place(key), 10, |state| (state, used(state))).unwrap()
    }

    fn len(&self) -> usize {
        Table::new(&self.buckets, &self.nonces[3]).len(10)
    }
}

fn killed_at<R>(steps: u32, action: impl FnOnce() -> R) -> Option<R> {
    STEPS_LEFT.with(|left| left.set(steps));
    let outcome = catch_unwind(AssertUnwindSafe(action));
    STEPS_LEFT.with(|left| left.set(u32::MAX));
    match outcome {
        Ok(answer) => Some(answer),
        Err(cause) if cause.is::<Killed>() => None,
        Err(cause) => resume_unwind(cause),
    }
}

fn explore(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    let more: usize = std::env::var("MORE_PREEMPTIONS").map_or(0, |more| more.parse().unwrap());
    builder.preemption_bound = Some(preemptions + more);
    builder.max_branches = 10_000;
    builder.check(model);
}

/// The most steps one hit takes when nobody interferes.
const MOST_STEPS: u32 = 24;

#[test]
fn two_that_bring_the_same_key_put_it_into_one_slot() {
    explore(4, || {
        let shared = Shared::<2>::new();
        let other = Arc::clone(&shared);
        let second = thread::spawn(move || other.hit(1, KEY, Rank::Low, LATER));
        let first = shared.hit(0, KEY, Rank::Low, LATER);
        let second = second.join().unwrap();
        assert_eq!((first.min(second), first.max(second)), (1, 2));
        assert_eq!((shared.count(KEY), shared.len()), (2, 1));
    });
}

#[test]
fn two_that_bring_two_keys_both_find_a_place() {
    explore(4, || {
        let shared = Shared::<2>::new();
        let other = Arc::clone(&shared);
        let second = thread::spawn(move || other.hit(1, OTHER, Rank::Low, LATER));
        assert_eq!(shared.hit(0, KEY, Rank::Low, LATER), 1);
        assert_eq!(second.join().unwrap(), 1);
        assert_eq!((shared.count(KEY), shared.count(OTHER), shared.len()), (1, 1, 2));
    });
}

#[test]
fn three_that_bring_two_keys_lose_nothing() {
    explore(2, || {
        let shared = Shared::<2>::new();
        let workers = [(1, KEY), (2, OTHER)].map(|(process, key)| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.hit(process, key, Rank::Low, LATER))
        });
        shared.hit(0, KEY, Rank::Low, LATER);
        for worker in workers {
            worker.join().unwrap();
        }
        assert_eq!((shared.count(KEY), shared.count(OTHER), shared.len()), (2, 1, 2));
    });
}

#[test]
fn hits_of_a_key_that_is_there_are_all_counted() {
    explore(4, || {
        let shared = Shared::<1>::new();
        shared.hit(0, KEY, Rank::Low, LATER);
        let other = Arc::clone(&shared);
        let second = thread::spawn(move || other.hit(1, KEY, Rank::High, 2 * LATER));
        shared.hit(0, KEY, Rank::Middle, 3 * LATER);
        second.join().unwrap();
        assert_eq!(shared.count(KEY), 3);
    });
}

/// One slot and two keys: a hit goes to its own key or, after the eviction, to a new state, never astray.
#[test]
fn a_hit_that_races_with_the_eviction_of_its_key_never_counts_for_the_new_one() {
    explore(4, || {
        let shared = Shared::<1>::new();
        shared.hit(0, KEY, Rank::Low, LATER);
        let other = Arc::clone(&shared);
        let evictor = thread::spawn(move || other.hit(1, OTHER, Rank::Low, LATER));
        let used = shared.hit(0, KEY, Rank::Low, LATER);
        assert!(used == 1 || used == 2);
        assert_eq!(evictor.join().unwrap(), 1);
        assert_eq!(shared.count(KEY) > 0, shared.count(OTHER) == 0);
        assert_eq!(shared.len(), 1);
    });
}

/// As before, with states that say nothing of their key, so that old and new ones are equal.
#[test]
fn a_state_that_looks_like_the_one_before_the_eviction_is_not_taken_for_it() {
    fn hit(shared: &Shared<1>, process: usize, key: u64) -> u64 {
        let table = Table::new(&shared.buckets, &shared.nonces[process]);
        let count = |before| (state(LATER, Rank::Low, 0, used(before) + 1), used(before) + 1);
        table.at(place(key), 10, count).unwrap()
    }
    explore(4, || {
        let shared = Shared::<1>::new();
        hit(&shared, 0, KEY);
        let other = Arc::clone(&shared);
        let evictor = thread::spawn(move || hit(&other, 1, OTHER));
        hit(&shared, 0, KEY);
        assert_eq!(evictor.join().unwrap(), 1);
        assert!(shared.count(OTHER) <= 1);
    });
}

/// The key has expired, so a new one takes its slot, unless a hit renews it first.
#[test]
fn a_key_renewed_in_time_is_not_taken_for_expired() {
    explore(4, || {
        let shared = Shared::<2>::new();
        shared.hit(0, 11, Rank::Blocked, LATER);
        let table = Table::new(&shared.buckets, &shared.nonces[0]);
        table.at(place(KEY), 1, |_| (state(5, Rank::Low, KEY, 1), ())).unwrap();
        let other = Arc::clone(&shared);
        let newcomer = thread::spawn(move || {
            let table = Table::new(&other.buckets, &other.nonces[1]);
            table.at(place(OTHER), 10, |_| (state(LATER, Rank::Blocked, OTHER, 1), ())).is_ok()
        });
        let renew = |before| (state(LATER, Rank::Blocked, KEY, used(before) + 1), used(before) + 1);
        let renewed = table.at(place(KEY), 10, renew);
        // Whoever came first has the slot, and the other is told that there is none.
        assert_ne!(renewed.is_ok(), newcomer.join().unwrap());
        // 1: it was evicted as expired, and took the place back before the newcomer had published.
        assert_eq!(shared.count(KEY), renewed.unwrap_or(0));
    });
}

/// `others` keys with this expiry lie there before a process is killed while it brings, or hits, `KEY`.
fn kill_everywhere<const N: usize>(before: u64, others: u64, expiry: u64, preemptions: usize) {
    for steps in 0..MOST_STEPS {
        explore(preemptions, move || {
            let shared = Shared::<N>::new();
            let table = Table::new(&shared.buckets, &shared.nonces[0]);
            for other in 100..100 + others {
                table.at(place(other), 1, |_| (state(expiry, Rank::Low, other, 1), ())).unwrap();
            }
            for _ in 0..before {
                shared.hit(0, KEY, Rank::High, LATER);
            }
            let victim = Arc::clone(&shared);
            let victim = thread::spawn(move || {
                killed_at(steps, || victim.hit(1, KEY, Rank::High, 2 * LATER)).is_some()
            });
            shared.hit(0, KEY, Rank::High, 2 * LATER);
            let is_answered = victim.join().unwrap();
            let used = shared.hit(2, KEY, Rank::High, 2 * LATER);
            let least = before + 2 + u64::from(is_answered);
            assert!((least..=before + 3).contains(&used), "{used}, not {least}");
            // Nothing is stuck: the other slot takes another key.
            if N > 1 {
                shared.hit(2, OTHER, Rank::Low, LATER);
            }
            assert_eq!((shared.count(KEY), shared.len()), (used, N));
        });
    }
}

#[test]
fn a_process_killed_while_it_brings_a_key_blocks_nobody() {
    kill_everywhere::<2>(0, 0, 0, 3);
}

#[test]
fn a_process_killed_while_it_takes_an_expired_place_blocks_nobody() {
    kill_everywhere::<2>(0, 2, 5, 2);
}

#[test]
fn a_process_killed_while_it_evicts_blocks_nobody() {
    kill_everywhere::<1>(0, 1, LATER, 3);
}

#[test]
fn a_process_killed_while_it_counts_blocks_nobody() {
    kill_everywhere::<1>(2, 0, 0, 3);
}

/// One is killed while it brings a key, and two others bring the same.
#[test]
fn two_survivors_of_a_killed_process_agree() {
    for steps in 0..MOST_STEPS {
        explore(2, move || {
            let shared = Shared::<2>::new();
            let is_answered = killed_at(steps, || shared.hit(1, KEY, Rank::Low, LATER)).is_some();
            let counted = shared.count(KEY);
            assert!(counted >= u64::from(is_answered));
            let other = Arc::clone(&shared);
            let second = thread::spawn(move || other.hit(2, KEY, Rank::Low, LATER));
            shared.hit(0, KEY, Rank::Low, LATER);
            second.join().unwrap();
            assert_eq!((shared.count(KEY), shared.len()), (counted + 2, 1));
        });
    }
}
