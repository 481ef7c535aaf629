//! The whole way: from a queue through the I/O thread to a real server and back.

use super::server::Server;
use crate::rate_limit::{Policy, PolicyInput};
use crate::redis_store::batch::Flush;
use crate::redis_store::failure::Failure;
use crate::redis_store::line::{HEAD, Line, STRIDE, Wake};
use crate::redis_store::options::{Connection, ConnectionInput, NodeInput};
use crate::redis_store::queue::{Kind, Queue};
use crate::redis_store::rule::Operation;
use crate::redis_store::status::State;
use crate::redis_store::thread::{self, Handle};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

#[derive(Default)]
struct Bell {
    rings: Mutex<u64>,
    condition: Condvar,
}

struct Rope(Arc<Bell>);

impl Wake for Rope {
    fn wake(&self) {
        *self.0.rings.lock().unwrap() += 1;
        self.0.condition.notify_all();
    }
}

/// One environment's end.
struct Station {
    handle: Arc<Handle>,
    line: Arc<Line>,
    bell: Arc<Bell>,
    queue: Queue,
    count: u32,
    timeout: Duration,
}

/// What came back for one ticket.
#[derive(Debug, Clone, PartialEq)]
struct Record {
    ticket: u32,
    answer: i64,
    now_ms: f64,
    policies: Vec<[f64; STRIDE]>,
}

impl Record {
    fn is_allowed(&self) -> bool {
        assert!(self.answer >= 0, "{self:?}");
        self.answer & 1 == 1
    }
}

fn input(path: &Path) -> ConnectionInput {
    let path = Some(path.to_str().unwrap().to_owned());
    ConnectionInput {
        nodes: vec![NodeInput { path, ..NodeInput::default() }],
        timeout_ms: Some(10_000.0),
        ..ConnectionInput::default()
    }
}

impl Station {
    fn open(input: ConnectionInput) -> Self {
        let connection = Connection::try_from(input).expect("good options");
        let handle = thread::open(&connection);
        let bell = Arc::new(Bell::default());
        let line = Arc::new(Line::new(Some(Box::new(Rope(Arc::clone(&bell))))));
        handle.shared().board.attach(&line);
        let timeout = connection.timeout;
        Self { handle, line, bell, queue: Queue::default(), count: 0, timeout }
    }

    fn hit(&mut self, key: &str, policy: &Policy, cost: u32) -> u32 {
        self.job(Kind::Hit, &[(key, *policy, u64::from(cost))])
    }

    fn change(&mut self, operation: Operation, key: &str, policy: &Policy, amount: u64) -> u32 {
        self.job(Kind::Change { operation, hit_ms: 0 }, &[(key, *policy, amount)])
    }

    fn job(&mut self, kind: Kind, parts: &[(&str, Policy, u64)]) -> u32 {
        for (position, (key, policy, amount)) in parts.iter().enumerate() {
            let position = u8::try_from(position).unwrap();
            self.queue.add(*policy, *amount, position, |bytes| {
                bytes.extend_from_slice(key.as_bytes());
            });
        }
        self.count += 1;
        self.queue.push(kind, self.count, u8::try_from(parts.len()).unwrap());
        self.count
    }

    fn flush(&mut self) {
        let queue = std::mem::take(&mut self.queue);
        let deadline = Instant::now() + self.timeout;
        self.handle.shared().submit(Flush { queue, line: Arc::clone(&self.line), deadline });
    }

    /// Flushes, and waits for so many answers.
    fn answers(&mut self, count: usize) -> Vec<Record> {
        self.flush();
        let mut records = Vec::new();
        let end = Instant::now() + Duration::from_secs(20);
        while records.len() < count {
            let rings = self.bell.rings.lock().unwrap();
            drop(self.bell.condition.wait_timeout(rings, Duration::from_millis(5)).unwrap());
            let mut out = vec![0.0; 4096];
            let drained = self.line.drain(&mut out);
            let mut at = 0;
            for _ in 0..drained {
                let policies = out[at + 3] as usize;
                let part = |index| {
                    let start = at + HEAD + index * STRIDE;
                    out[start..start + STRIDE].try_into().unwrap()
                };
                records.push(Record {
                    ticket: out[at] as u32,
                    answer: out[at + 1] as i64,
                    now_ms: out[at + 2],
                    policies: (0..policies).map(part).collect(),
                });
                at += HEAD + policies * STRIDE;
            }
            assert!(Instant::now() < end, "{} of {count} answers", records.len());
        }
        assert_eq!(records.len(), count);
        records
    }

    fn one(&mut self) -> Record {
        self.answers(1).remove(0)
    }

    fn wait_for(&self, state: State) {
        let end = Instant::now() + Duration::from_secs(20);
        while self.handle.shared().board.read().state != state {
            assert!(Instant::now() < end, "{:?}", self.handle.shared().board.read());
            let rings = self.bell.rings.lock().unwrap();
            drop(self.bell.condition.wait_timeout(rings, Duration::from_millis(5)).unwrap());
        }
    }
}

fn policy(algorithm: &str, limit: f64, window_ms: f64) -> Policy {
    Policy::try_from(PolicyInput {
        algorithm: Some(algorithm.to_owned()),
        limit,
        window_ms: Some(window_ms),
        ..PolicyInput::default()
    })
    .unwrap()
}

// S-16
#[test]
fn of_a_thousand_parallel_hits_just_the_limit_passes() {
    let server = Server::start(&[]);
    for algorithm in ["fixed-window", "sliding-window", "gcra"] {
        let policy = policy(algorithm, 5.0, 60_000.0);
        let mut stations: Vec<_> = (0..4).map(|_| Station::open(input(&server.socket()))).collect();
        for station in &mut stations {
            for _ in 0..250 {
                station.hit(algorithm, &policy, 1);
            }
            station.flush();
        }
        let answers = stations.iter_mut().flat_map(|station| station.answers(250));
        assert_eq!(answers.filter(Record::is_allowed).count(), 5, "{algorithm}");
    }
}

#[test]
fn every_single_hit_is_told_its_own_standing() {
    let server = Server::start(&[]);
    let mut station = Station::open(input(&server.socket()));
    let policy = policy("fixed-window", 3.0, 60_000.0);
    for _ in 0..5 {
        station.hit("k", &policy, 1);
    }
    let answers = station.answers(5);
    let used: Vec<_> = answers.iter().map(|record| record.policies[0][1]).collect();
    assert_eq!(used, [1.0, 2.0, 3.0, 4.0, 5.0]);
    let allowed: Vec<_> = answers.iter().map(Record::is_allowed).collect();
    assert_eq!(allowed, [true, true, true, false, false]);
    assert!(answers.iter().all(|record| record.now_ms > 1.7e12));
}

#[test]
fn thousands_of_keys_go_in_several_runs() {
    let server = Server::start(&[]);
    let mut station = Station::open(input(&server.socket()));
    let policy = policy("gcra", 2.0, 60_000.0);
    for round in 0..3 {
        for key in 0..3000 {
            station.hit(&format!("k{key}"), &policy, 1);
        }
        let answers = station.answers(3000);
        assert_eq!(
            answers.iter().filter(|record| record.is_allowed()).count(),
            [3000, 3000, 0][round]
        );
    }
    assert_eq!(server.connect().words(&["DBSIZE"]).number(), Some(3000));
}

#[test]
fn changes_do_what_they_say_and_leave_no_key_without_an_end() {
    let server = Server::start(&[]);
    let mut station = Station::open(input(&server.socket()));
    let policy = policy("sliding-window", 10.0, 60_000.0);
    station.hit("k", &policy, 4);
    let hit = station.one();
    // S-13: a refund of more than there is leaves nothing, not less.
    let operation = Operation::Refund;
    let kind = Kind::Change { operation, hit_ms: hit.now_ms as u64 };
    station.job(kind, &[("k", policy, 9)]);
    assert_eq!(station.one().answer, 1);
    // S-14: a key that nobody knows is no number at all.
    station.change(Operation::Peek, "k", &policy, 0);
    let looked = station.one();
    assert_eq!((looked.answer, looked.policies[0][7]), (0, 4.0));
    for (operation, amount, used) in [(Operation::Penalty, 7, 7.0), (Operation::Reward, 2, 5.0)] {
        station.change(operation, "k", &policy, amount);
        station.one();
        station.change(Operation::Peek, "k", &policy, 0);
        let looked = station.one();
        assert_eq!((looked.answer, looked.policies[0][1]), (1, used));
    }
    station.change(Operation::Block, "k", &policy, 5000);
    station.one();
    station.hit("k", &policy, 1);
    assert!(!station.one().is_allowed());
    let lasts = server.connect().words(&["PTTL", "k"]).number().unwrap();
    assert!((1..=5000).contains(&lasts), "{lasts}");
    station.change(Operation::Reset, "k", &policy, 0);
    assert_eq!(station.one().answer, 1);
    assert_eq!(server.connect().words(&["DBSIZE"]).number(), Some(0));
}

#[test]
fn a_script_that_the_server_forgot_is_sent_again_and_counts_once() {
    let server = Server::start(&[]);
    let mut station = Station::open(input(&server.socket()));
    let policy = policy("fixed-window", 100.0, 60_000.0);
    for used in 1..=3 {
        station.hit("k", &policy, 1);
        assert_eq!(station.one().policies[0][1] as u32, used);
        server.connect().words(&["SCRIPT", "FLUSH"]);
    }
}

// S-17
#[test]
fn a_server_that_is_not_there_fails_at_once_and_by_name() {
    let path = std::env::temp_dir().join(format!("carapace-nobody-{}", std::process::id()));
    let mut station = Station::open(input(&path));
    station.wait_for(State::Down);
    station.hit("k", &policy("gcra", 1.0, 1000.0), 1);
    assert_eq!(station.one().answer, -i64::from(Failure::Down as u8));
    let status = station.handle.shared().board.read();
    assert_eq!(status.failure, Some(Failure::Down));
}

// S-15
#[test]
fn a_server_that_hangs_costs_each_hit_its_deadline_and_then_nothing() {
    let server = Server::start(&[]);
    let timeout_ms = Some(50.0);
    let mut station = Station::open(ConnectionInput { timeout_ms, ..input(&server.socket()) });
    let policy = policy("fixed-window", 100.0, 60_000.0);
    station.hit("k", &policy, 1);
    assert!(station.one().is_allowed());
    server.signal("STOP");
    let mut failures = Vec::new();
    for _ in 0..3 {
        station.hit("k", &policy, 1);
        failures.push(station.one().answer);
    }
    assert_eq!(failures, [-1; 3], "three timeouts");
    station.wait_for(State::Down);
    station.hit("k", &policy, 1);
    assert_eq!(station.one().answer, -i64::from(Failure::CircuitOpen as u8));
    server.signal("CONT");
    station.wait_for(State::Up);
    station.hit("k", &policy, 1);
    let used = station.one().policies[0][1] as u32;
    assert!((2..=5).contains(&used), "each hit is sent once at the most: {used}");
}

#[test]
fn a_restarted_server_decides_again() {
    let mut server = Server::start(&[]);
    let mut station = Station::open(input(&server.socket()));
    let policy = policy("gcra", 100.0, 60_000.0);
    station.hit("k", &policy, 1);
    assert!(station.one().is_allowed());
    server.kill();
    station.wait_for(State::Down);
    station.hit("k", &policy, 1);
    assert_eq!(station.one().answer, -i64::from(Failure::Down as u8));
    server.restart();
    station.wait_for(State::Up);
    station.hit("k", &policy, 1);
    assert!(station.one().is_allowed());
}

struct Bomb(Arc<Bell>);

impl Wake for Bomb {
    fn wake(&self) {
        let mut rings = self.0.rings.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *rings += 1;
        let is_first = *rings == 1;
        drop(rings);
        self.0.condition.notify_all();
        assert!(!is_first, "injected by a test");
    }
}

#[test]
fn a_panic_on_the_io_thread_ends_neither_the_process_nor_the_store() {
    let server = Server::start(&[]);
    let mut station = Station::open(input(&server.socket()));
    station.wait_for(State::Up);
    station.bell = Arc::new(Bell::default());
    station.line = Arc::new(Line::new(Some(Box::new(Bomb(Arc::clone(&station.bell))))));
    let policy = policy("gcra", 100.0, 60_000.0);
    station.hit("k", &policy, 1);
    station.one();
    station.wait_for(State::Up);
    // The connection may still be on its way back: then the hit is told so at once.
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        station.hit("k", &policy, 1);
        if station.one().answer >= 0 {
            break;
        }
        assert!(Instant::now() < end);
    }
}

#[test]
fn a_closed_store_says_so() {
    let server = Server::start(&[]);
    let mut station = Station::open(input(&server.socket()));
    station.wait_for(State::Up);
    let shared = Arc::clone(station.handle.shared());
    shared.close();
    station.wait_for(State::Closed);
    station.hit("k", &policy("gcra", 1.0, 1000.0), 1);
    assert_eq!(station.one().answer, -i64::from(Failure::Closed as u8));
}

#[test]
fn wrong_passwords_and_users_are_named() {
    let server = Server::start(&["--requirepass", "right"]);
    let word = |text: &str| Some(text.to_owned());
    let with =
        |username, password| ConnectionInput { username, password, ..input(&server.socket()) };
    for (username, password) in
        [(None, None), (None, word("wrong")), (word("nobody"), word("right"))]
    {
        let mut station = Station::open(with(username, password));
        station.wait_for(State::Down);
        station.hit("k", &policy("gcra", 1.0, 1000.0), 1);
        assert_eq!(station.one().answer, -i64::from(Failure::Auth as u8));
    }
    let mut station = Station::open(with(word("default"), word("right")));
    station.hit("k", &policy("gcra", 1.0, 1000.0), 1);
    assert!(station.one().is_allowed());
}
