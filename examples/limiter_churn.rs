//! Ten million distinct keys through the limiter's table while one key is blocked: the CPU time of each hit,
//! the memory for each key, and whether the block holds.
//!
//! `cargo run --release --no-default-features --features oracle --example limiter_churn [keys] [max_keys]`
//!
//! Times are of the thread's CPU clock, so other processes do not count; interrupts do, and come at random.
//! So the same run, with the same seed, is made in several fresh processes, and of each hit the least of its
//! times counts: what is left is what the table itself does, page faults of new memory included.

use carapace::rate_limit::process::{Hit, StorePolicy};
use carapace::rate_limit::{Decision, Policy, PolicyInput, ProcessStore, algorithm};
use rustix::time::{ClockId, clock_gettime};
use std::io::{Read, Write};
use std::process::{Command, Stdio};

const START_MS: u64 = 1_795_000_000_000;
const RUNS: usize = 5;
/// Whether keys expire while the run goes on.
const SCENARIOS: [(&str, bool); 2] = [
    ("every key stays alive, so the full table evicts", false),
    ("keys expire when they fill half of the table", true),
];

fn main() {
    let arguments: Vec<usize> =
        std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let argument = |index: usize, default| arguments.get(index).copied().unwrap_or(default);
    let (keys, max_keys) = (argument(0, 10_000_000), argument(1, 1_000_000));
    if let Some(scenario) = arguments.get(2) {
        let times =
            churn(keys, max_keys, SCENARIOS.get(*scenario).is_some_and(|(_, expire)| *expire));
        let bytes: Vec<u8> = times.into_iter().flatten().flat_map(u32::to_le_bytes).collect();
        std::io::stdout().write_all(&bytes).unwrap_or(());
        return;
    }
    println!("{keys} keys, a table for {max_keys}, the least of {RUNS} runs");
    for (number, (title, _)) in SCENARIOS.iter().enumerate() {
        println!("\n{title}");
        let mut least = vec![u32::MAX; 3 * keys];
        for _ in 0..RUNS {
            for (least, time) in least.iter_mut().zip(run_alone(keys, max_keys, number)) {
                *least = time.min(*least);
            }
        }
        for (name, times) in
            ["the clock alone", "first hit", "second hit"].iter().zip(least.chunks_mut(keys))
        {
            print_times(name, times);
        }
    }
}

/// One run in a process of its own.
fn run_alone(keys: usize, max_keys: usize, scenario: usize) -> Vec<u32> {
    let mut bytes = Vec::new();
    let program = std::env::current_exe().unwrap_or_default();
    let arguments = [keys, max_keys, scenario].map(|number| number.to_string());
    let child = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn();
    if let Ok(mut child) = child {
        child.stdout.take().map(|mut out| out.read_to_end(&mut bytes));
        assert!(child.wait().is_ok_and(|status| status.success()), "the run failed");
    }
    bytes.as_chunks().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect()
}

/// The times of reading the clock alone, of each key's first hit, and of its second.
fn churn(keys: usize, max_keys: usize, expires: bool) -> [Vec<u32>; 3] {
    let mut times = [(); 3].map(|()| vec![1; keys]);
    let before = resident_bytes();
    let store = ProcessStore::with_known_seed(max_keys, (1, 2));
    let policy = store.register(policy(if expires { 1000 } else { 3_600_000 }), None);
    let hits_per_ms = if expires { max_keys / 2 / 1000 + 1 } else { usize::MAX };
    let blocked = store.hash(&"blocked");
    store.change(&policy, blocked, START_MS, |state, policy| {
        algorithm::block(state, policy, 86_400_000, START_MS)
    });
    let mut not_stored = 0;
    let [idle, first, second] = &mut times;
    for (key, ((idle, first), second)) in idle.iter_mut().zip(first).zip(second).enumerate() {
        let now_ms = START_MS + (key / hits_per_ms) as u64;
        let name = address(key);
        *idle = measure(|| ()).0;
        let decision;
        (*first, decision) = measure(|| hit(&store, policy, &name, now_ms));
        *second = measure(|| hit(&store, policy, &name, now_ms)).0;
        not_stored += usize::from(!decision.is_stored);
        if key % 100_000 == 0 {
            let decision = store.hit(&Hit { policy, key: blocked, cost: 1 }, now_ms);
            assert!(decision.is_blocked, "the blocked key was forgotten after {key} keys");
        }
    }
    eprintln!(
        "  held {} keys, {not_stored} not stored, the blocked key still blocked; for each key of the cap {} B by its own count, {} B resident",
        store.len(),
        store.bytes() / max_keys,
        (resident_bytes() - before) / max_keys
    );
    times
}

fn policy(window_ms: u32) -> Policy {
    let input =
        PolicyInput { limit: 100.0, window_ms: Some(window_ms.into()), ..PolicyInput::default() };
    Policy::try_from(input).unwrap_or_else(|error| unreachable!("{error}"))
}

fn hit(store: &ProcessStore, policy: StorePolicy, name: &[u16], now_ms: u64) -> Decision {
    store.hit(&Hit { policy, key: store.hash(&name), cost: 1 }, now_ms)
}

/// `10.0.0.0` and so on, as JavaScript holds it.
fn address(number: usize) -> Vec<u16> {
    let [.., a, b, c, d] = number.to_be_bytes();
    format!("{}.{b}.{c}.{d}", 10 + a).encode_utf16().collect()
}

fn measure<R>(work: impl FnOnce() -> R) -> (u32, R) {
    let before = cpu_ns();
    let result = work();
    (u32::try_from(cpu_ns() - before).unwrap_or(u32::MAX), result)
}

fn print_times(name: &str, times: &mut [u32]) {
    times.sort_unstable();
    let quantile = |in_100_000: usize| {
        times.get(times.len() * in_100_000 / 100_000).or(times.last()).copied().unwrap_or(0)
    };
    let [median, p99, p9999, p99999, most] =
        [50_000, 99_000, 99_990, 99_999, 100_000].map(quantile);
    let ratio = f64::from(p99999) / f64::from(median);
    println!(
        "  {name}: median {median} ns, p99 {p99}, p99.99 {p9999}, p99.999 {p99999} ({ratio:.1} x the median), most {most}"
    );
}

fn cpu_ns() -> i64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec * 1_000_000_000 + time.tv_nsec
}

/// What the process holds in memory, 0 where there is no `/proc`.
fn resident_bytes() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}
