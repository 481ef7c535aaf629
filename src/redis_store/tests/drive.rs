//! One connection with a server of the test's, which answers whatever the test wants.

use crate::rate_limit::{Policy, PolicyInput};
use crate::redis_store::batch::{Flush, Planner};
use crate::redis_store::drive::{Dispatcher, Drive};
use crate::redis_store::failure::Failure;
use crate::redis_store::line::Line;
use crate::redis_store::node::{Node, Phase};
use crate::redis_store::options::Address;
use crate::redis_store::queue::{Kind, Queue};
use crate::redis_store::run::Command;
use crate::redis_store::stream::Talk;
use std::cell::RefCell;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

/// Notes what the connection could not settle.
#[derive(Default)]
struct Notes {
    moved: RefCell<Vec<(u16, String, Command)>>,
    asked: RefCell<Vec<(String, Command)>>,
    again: RefCell<Vec<Command>>,
    failed: RefCell<Vec<Failure>>,
}

impl Dispatcher for Notes {
    fn moved(&self, slot: u16, address: &str, _: &Node, command: Command) {
        self.moved.borrow_mut().push((slot, address.to_owned(), command));
    }

    fn ask(&self, address: &str, _: &Node, command: Command) {
        self.asked.borrow_mut().push((address.to_owned(), command));
    }

    fn again(&self, command: Command) {
        self.again.borrow_mut().push(command);
    }

    fn failed(&self, failure: Failure) {
        self.failed.borrow_mut().push(failure);
    }
}

fn policy() -> Policy {
    Policy::try_from(PolicyInput { limit: 5.0, ..PolicyInput::default() }).unwrap()
}

fn commands(line: &Arc<Line>, keys: &[&str], patience: Duration) -> Vec<Command> {
    let mut queue = Queue::default();
    for (ticket, key) in keys.iter().enumerate() {
        queue.add(policy(), 1, 0, |bytes| bytes.extend_from_slice(key.as_bytes()));
        queue.push(Kind::Hit, u32::try_from(ticket).unwrap(), 1);
    }
    let deadline = Instant::now() + patience;
    let mut planner = Planner::new(false);
    planner.add(&Flush { queue, line: Arc::clone(line), deadline });
    planner.finish()
}

fn answers(line: &Line) -> Vec<f64> {
    let mut out = vec![0.0; 256];
    let count = line.drain(&mut out);
    let mut at = 0;
    let mut answers = Vec::new();
    for _ in 0..count {
        answers.push(out[at + 1]);
        at += 4 + 8 * out[at + 3] as usize;
    }
    answers
}

const LONG: Duration = Duration::from_secs(60);

/// Runs a connection with one hit in flight, on which the server sends `reply` and ends.
fn exchange(reply: &[u8]) -> (Failure, Vec<f64>, Notes) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        let (node, notes, line) = (
            Node::new(Address::Unix("/test".to_owned())),
            Notes::default(),
            Arc::new(Line::new(None)),
        );
        node.set_phase(Phase::Up);
        for command in commands(&line, &["k"], LONG) {
            node.send(command, false);
        }
        let drive = Drive::new(&node, &notes, Talk::over(Box::new(ours)));
        let serve = async {
            read_command(&mut theirs).await;
            theirs.write_all(reply).await.unwrap();
            // A reply that asks for another command gets no answer to that.
            drop(tokio::time::timeout(Duration::from_millis(5), read_command(&mut theirs)).await);
            drop(theirs);
        };
        let (failure, ()) = tokio::join!(drive, serve);
        (failure, answers(&line), notes)
    })
}

async fn read_command(stream: &mut DuplexStream) -> Vec<u8> {
    let mut bytes = vec![0; 1 << 16];
    let length = stream.read(&mut bytes).await.unwrap();
    bytes.truncate(length);
    bytes
}

#[test]
fn what_is_no_answer_of_ours_ends_the_connection() {
    for hostile in [
        &b"HTTP/1.1 400 Bad Request\r\n\r\n"[..],
        b"*1\r\n:1700000000000\r\n",
        b"*3\r\n:1700000000000\r\n:4294967295\r\n:0\r\n",
        b"+OK\r\n",
        b":1\r\n",
        b"*-1\r\n",
        b"*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n",
        b"$99999999999\r\n",
    ] {
        let (failure, answers, _) = exchange(hostile);
        let text = String::from_utf8_lossy(hostile);
        assert_eq!(failure, Failure::Script, "{text}");
        assert_eq!(answers, [-f64::from(Failure::Script as u8)], "{text}");
    }
}

#[test]
fn a_connection_that_ends_fails_what_was_sent() {
    for half in [&b""[..], b"*3\r\n:17", b">2\r\n+a\r\n+b\r\n"] {
        let (failure, answers, _) = exchange(half);
        assert_eq!((failure, answers), (Failure::Down, vec![-f64::from(Failure::Down as u8)]));
    }
}

#[test]
fn errors_are_handled_by_name() {
    for (error, failure, ends) in [
        ("OOM command not allowed", Failure::OutOfMemory, false),
        ("BUSY a script runs", Failure::Busy, false),
        ("CLUSTERDOWN no", Failure::ClusterDown, false),
        ("READONLY a replica", Failure::Readonly, true),
        ("LOADING the data", Failure::Loading, true),
        ("MASTERDOWN link", Failure::MasterDown, true),
        ("NOAUTH no", Failure::Auth, true),
        ("ERR unknown", Failure::Script, false),
    ] {
        let (ended, answers, notes) = exchange(format!("-{error}\r\n").as_bytes());
        assert_eq!(answers, [-f64::from(failure as u8)], "{error}");
        assert_eq!(notes.failed.take(), [failure], "{error}");
        assert_eq!(ended, if ends { failure } else { Failure::Down }, "{error}");
    }
}

#[test]
fn redirections_keep_the_hit() {
    let (_, answers, notes) = exchange(b"-MOVED 7 10.0.0.1:7000\r\n");
    assert!(answers.is_empty());
    assert!(matches!(&notes.moved.borrow()[..], [(7, address, _)] if address == "10.0.0.1:7000"));
    let (_, answers, notes) = exchange(b"-ASK 7 10.0.0.1:7000\r\n");
    assert!(answers.is_empty() && notes.asked.borrow().len() == 1);
    let (_, answers, notes) = exchange(b"-TRYAGAIN keys move\r\n");
    assert!(answers.is_empty() && notes.again.borrow().len() == 1);
}

#[test]
fn a_hit_that_is_too_late_fails_and_its_answer_goes_to_nobody() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        let node = Node::new(Address::Unix("/test".to_owned()));
        let (notes, line) = (Notes::default(), Arc::new(Line::new(None)));
        node.set_phase(Phase::Up);
        for command in commands(&line, &["late"], Duration::ZERO) {
            node.send(command, false);
        }
        let drive = Drive::new(&node, &notes, Talk::over(Box::new(ours)));
        let serve = async {
            read_command(&mut theirs).await;
            assert_eq!(answers(&line), [-1.0], "a timeout");
            for command in commands(&line, &["next"], LONG) {
                node.send(command, false);
            }
            let sent = read_command(&mut theirs).await;
            // The run's number is the last argument.
            let text = String::from_utf8(sent).unwrap();
            let number = text.trim_end().rsplit("\r\n").next().unwrap().to_owned();
            let late = b"*3\r\n:1700000000000\r\n:1\r\n:0\r\n";
            theirs.write_all(late).await.unwrap();
            let own = format!("*3\r\n:1700000000000\r\n:{number}\r\n:0\r\n");
            theirs.write_all(own.as_bytes()).await.unwrap();
            drop(theirs);
        };
        let (failure, ()) = tokio::join!(drive, serve);
        assert_eq!((failure, answers(&line)), (Failure::Down, vec![1.0]));
    });
}

#[test]
fn three_timeouts_in_a_row_end_the_connection() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (ours, mut theirs) = tokio::io::duplex(1 << 16);
        let node = Node::new(Address::Unix("/test".to_owned()));
        let (notes, line) = (Notes::default(), Arc::new(Line::new(None)));
        node.set_phase(Phase::Up);
        let drive = Drive::new(&node, &notes, Talk::over(Box::new(ours)));
        let serve = async {
            for _ in 0..3 {
                for command in commands(&line, &["k"], Duration::ZERO) {
                    node.send(command, false);
                }
                read_command(&mut theirs).await;
            }
        };
        let (failure, ()) = tokio::join!(drive, serve);
        assert_eq!((failure, answers(&line)), (Failure::CircuitOpen, vec![-1.0; 3]));
        assert!(node.circuit.borrow().is_open());
    });
}
