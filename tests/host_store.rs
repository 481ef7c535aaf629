//! The host store under several processes. Each test starts this very binary again as its workers; the test
//! `worker` is what they run, and does nothing when it is not told what.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "what the tests share may fail as they may")]

use carapace::host_store::HostStore;
use carapace::rate_limit::{Policy, PolicyInput, State, algorithm};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const TASK: &str = "CARAPACE_HOST_STORE_TASK";
const FOLDER: &str = "CARAPACE_HOST_STORE_FOLDER";
const POLICY: u32 = 1;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("carapace-processes-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn store(&self) -> HostStore {
        open(&self.0, "counts")
    }

    fn start(&self, task: &str) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "worker", "--nocapture"])
            .env(TASK, task)
            .env(FOLDER, &self.0)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(folder: &Path, name: &str) -> HostStore {
    HostStore::open(&folder.join(name), Some(4_096.0)).unwrap().0
}

fn place(store: &HostStore, key: u64) -> u128 {
    store.hash(&key) >> 32 << 32 | u128::from(POLICY)
}

/// Counts without a limit; the state lasts for so long.
fn count(store: &HostStore, key: u64, lasts_ms: u64) -> u64 {
    let hit = |[_, used]: State, now| ([now + lasts_ms, used + 1], used + 1);
    store.update(place(store, key), hit).unwrap()
}

fn peek(store: &HostStore, key: u64) -> u64 {
    store.update(place(store, key), |state, _| (state, state[1])).unwrap()
}

fn policy(limit: f64, window_ms: f64, block_ms: Option<f64>) -> Policy {
    let algorithm = Some("fixed-window".to_owned());
    let window_ms = Some(window_ms);
    let input = PolicyInput { algorithm, limit, window_ms, block_ms, ..PolicyInput::default() };
    Policy::try_from(input).unwrap()
}

/// Whether the hit may pass, and the end of the window that counted it.
fn hit(store: &HostStore, key: u64, policy: &Policy) -> (bool, u64) {
    let decide = |state, now| algorithm::hit(state, policy, 1, now);
    let decision = store.update(place(store, key), decide).unwrap();
    (decision.is_allowed, decision.reset_at_ms)
}

const HOUR: u64 = 3_600_000;
const HITS: u64 = 40_000;
const LIMIT: f64 = 50.0;
const WINDOW_MS: f64 = 20.0;

/// What a worker process does.
#[test]
fn worker() {
    let Ok(task) = std::env::var(TASK) else { return };
    let folder = PathBuf::from(std::env::var(FOLDER).unwrap());
    let store = open(&folder, "counts");
    let task: Vec<&str> = task.split(' ').collect();
    match task[..] {
        ["count", keys] => {
            let keys: u64 = keys.parse().unwrap();
            for turn in 0..HITS {
                count(&store, turn % keys, HOUR);
            }
        }
        ["windows", keys] => windows(&store, keys.parse().unwrap()),
        ["tally", number] => tally(&store, &open(&folder, "tallies"), number.parse().unwrap()),
        ["block", key] => {
            let policy = policy(3.0, 1_000.0, Some(60_000.0));
            while hit(&store, key.parse().unwrap(), &policy).0 {}
        }
        ["race", key] => {
            let policy = policy(5.0, 60_000.0, None);
            let passed = (0..250).filter(|_| hit(&store, key.parse().unwrap(), &policy).0).count();
            println!("passed {passed}");
        }
        _ => panic!("unknown task"),
    }
}

/// Hits while windows end, and says how many were let through in each.
fn windows(store: &HostStore, keys: u64) {
    let policy = policy(LIMIT, WINDOW_MS, None);
    let mut passed: HashMap<(u64, u64), u64> = HashMap::new();
    for turn in 0..HITS * 5 {
        let key = turn % keys;
        if let (true, window) = hit(store, key, &policy) {
            *passed.entry((key, window)).or_default() += 1;
        }
    }
    for ((key, window), count) in passed {
        println!("window {key} {window} {count}");
    }
}

/// Counts until it is killed, and notes each answer in a table of its own. Keys that nobody checks come and
/// go at the same time, so that it is killed in the midst of that as well.
fn tally(store: &HostStore, tallies: &HostStore, number: u64) {
    for turn in 0.. {
        count(store, turn % 20, HOUR);
        count(tallies, number, HOUR);
        count(store, number << 32 | turn | 1 << 60, 1);
    }
}

fn output(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn four_processes_lose_no_hit_and_double_none() {
    for keys in [1, 10, 1_000] {
        let folder = Folder::new(&format!("sums-{keys}"));
        let workers: Vec<_> = (0..4).map(|_| folder.start(&format!("count {keys}"))).collect();
        for worker in workers {
            output(worker);
        }
        let store = folder.store();
        let sum: u64 = (0..keys).map(|key| peek(&store, key)).sum();
        assert_eq!((sum, store.len() as u64), (4 * HITS, keys));
    }
}

#[test]
fn no_window_admits_more_than_its_limit_while_windows_end() {
    let folder = Folder::new("windows");
    let workers: Vec<_> = (0..4).map(|_| folder.start("windows 7")).collect();
    let mut passed: HashMap<(u64, u64), u64> = HashMap::new();
    for worker in workers {
        for line in output(worker).lines() {
            let Some((_, line)) = line.split_once("window ") else { continue };
            let numbers: Vec<u64> = line.split(' ').map(|number| number.parse().unwrap()).collect();
            *passed.entry((numbers[0], numbers[1])).or_default() += numbers[2];
        }
    }
    assert!(passed.len() > 20, "{} windows", passed.len());
    for ((key, window), count) in passed {
        assert!(count <= 50, "{count} in the window of {key} that ends at {window}");
    }
}

#[test]
fn of_a_thousand_hits_at_once_exactly_the_limit_passes_s16() {
    let folder = Folder::new("race");
    for key in 0..5 {
        let workers: Vec<_> = (0..4).map(|_| folder.start(&format!("race {key}"))).collect();
        let passed = workers.into_iter().map(output).map(|text| {
            let (_, rest) = text.split_once("passed ").unwrap();
            rest.lines().next().unwrap().parse::<u64>().unwrap()
        });
        assert_eq!(passed.sum::<u64>(), 5);
    }
}

#[test]
fn processes_killed_in_mid_hit_block_nobody_and_cost_their_own_hit_at_the_most() {
    const KILLS: u64 = 200;
    let folder = Folder::new("kills");
    let (store, tallies) = (folder.store(), open(&folder.0, "tallies"));
    // These go on all the time.
    let mut steady: Vec<_> = (1..=2).map(|n| folder.start(&format!("tally {n}"))).collect();
    for number in 3..3 + KILLS {
        let mut victim = folder.start(&format!("tally {number}"));
        let before = peek(&tallies, 1);
        while peek(&tallies, number) < 1 + number * 7 || peek(&tallies, 1) == before {
            std::thread::yield_now();
        }
        victim.kill().unwrap();
        victim.wait().unwrap();
    }
    for worker in &mut steady {
        worker.kill().unwrap();
        worker.wait().unwrap();
    }
    let counted: u64 = (0..20).map(|key| peek(&store, key)).sum();
    let answered: u64 = (1..3 + KILLS).map(|number| peek(&tallies, number)).sum();
    assert!(
        (answered..=answered + KILLS + 2).contains(&counted),
        "{counted} counted, {answered} answered"
    );
    // Whatever was left half done, every place can be had: twice as many keys as there are slots.
    for key in 0..20_000 {
        assert!(count(&store, key | 1 << 61, HOUR) >= 1);
    }
}

#[test]
fn blocked_keys_are_still_blocked_after_a_restart_of_all() {
    let folder = Folder::new("restart");
    let workers: Vec<_> = (0..4).map(|key| folder.start(&format!("block {key}"))).collect();
    for worker in workers {
        output(worker);
    }
    let store = folder.store();
    let policy = policy(3.0, 1_000.0, Some(60_000.0));
    for key in 0..4 {
        assert!(!hit(&store, key, &policy).0);
    }
    assert!(hit(&store, 4, &policy).0);
}
