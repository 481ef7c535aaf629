//! How jobs become runs, and that everybody is answered once.

use crate::rate_limit::{Policy, PolicyInput};
use crate::redis_store::batch::{Flush, MAX_KEYS, Planner};
use crate::redis_store::failure::Failure;
use crate::redis_store::line::Line;
use crate::redis_store::queue::{Kind, Queue};
use crate::redis_store::rule::Operation;
use crate::redis_store::run::Command;
use std::sync::Arc;
use std::time::Instant;

fn policy(limit: f64) -> Policy {
    Policy::try_from(PolicyInput { limit, ..PolicyInput::default() }).unwrap()
}

struct Case {
    queue: Queue,
    line: Arc<Line>,
    tickets: u32,
}

impl Case {
    fn new() -> Self {
        Self { queue: Queue::default(), line: Arc::new(Line::new(None)), tickets: 0 }
    }

    fn job(&mut self, kind: Kind, parts: &[(&str, Policy, u64)]) {
        for (position, (key, policy, amount)) in parts.iter().enumerate() {
            let position = u8::try_from(position).unwrap();
            self.queue.add(*policy, *amount, position, |bytes| bytes.extend(key.bytes()));
        }
        self.queue.push(kind, self.tickets, u8::try_from(parts.len()).unwrap());
        self.tickets += 1;
    }

    fn plan(&mut self, is_clustered: bool) -> Vec<Command> {
        let mut planner = Planner::new(is_clustered);
        let queue = std::mem::take(&mut self.queue);
        let deadline = Instant::now();
        planner.add(&Flush { queue, line: Arc::clone(&self.line), deadline });
        planner.finish()
    }

    /// Each ticket with its answer.
    fn answers(&self) -> Vec<(u32, i64)> {
        let mut out = vec![0.0; 1 << 16];
        let count = self.line.drain(&mut out);
        let mut at = 0;
        let mut answers = Vec::new();
        for _ in 0..count {
            answers.push((out[at] as u32, out[at + 1] as i64));
            at += 4 + 8 * out[at + 3] as usize;
        }
        answers.sort_unstable();
        answers
    }
}

fn arguments(command: &Command) -> Vec<String> {
    let mut arguments = Vec::new();
    command.write_arguments(|word| arguments.push(String::from_utf8(word.to_vec()).unwrap()));
    assert_eq!(arguments.len(), command.argument_count());
    // The run's number.
    arguments.pop();
    arguments
}

#[test]
fn equal_hits_become_one_part_with_a_count() {
    let mut case = Case::new();
    let rule = policy(9.0);
    for key in ["a", "b", "a", "a"] {
        case.job(Kind::Hit, &[(key, rule, 1)]);
    }
    // Another cost is another part, of a key that is there already.
    case.job(Kind::Hit, &[("a", rule, 2)]);
    let commands = case.plan(false);
    let [command] = &commands[..] else { panic!("{}", commands.len()) };
    assert_eq!(command.key_count(), 3);
    let sliding = ["2", "9", "60000", "0"];
    let expected = [&["2", "1"][..], &sliding, &["1"], &sliding, &["2"], &["1 3 1", "1", "2"]];
    assert_eq!(arguments(command), expected.concat());
}

#[test]
fn joint_hits_say_how_many_keys_they_have() {
    let mut case = Case::new();
    for _ in 0..2 {
        case.job(Kind::Hit, &[("a", policy(9.0), 1), ("b", policy(8.0), 1)]);
    }
    let commands = case.plan(false);
    assert_eq!(arguments(&commands[0])[12..], ["1 2 2", "2"]);
}

#[test]
fn runs_are_bounded_and_joint_hits_whole() {
    let mut case = Case::new();
    for index in 0..MAX_KEYS {
        let (one, other) = (format!("a{index}"), format!("b{index}"));
        let rule = policy(9.0);
        case.job(Kind::Hit, &[(&one, rule, 1), (&other, rule, 1), ("shared", rule, 1)]);
    }
    let commands = case.plan(false);
    assert!(commands.iter().all(|command| command.key_count() <= MAX_KEYS));
    assert!(commands.iter().all(|command| command.key_count() % 3 == 0));
    let keys: usize = commands.iter().map(Command::key_count).sum();
    assert_eq!(keys, 3 * MAX_KEYS);
}

#[test]
fn in_a_cluster_a_run_has_one_slot_and_a_hit_one_answer() {
    let mut case = Case::new();
    let rule = policy(9.0);
    case.job(Kind::Hit, &[("p:{x}", rule, 1), ("q:{x}", rule, 1)]);
    case.job(Kind::Hit, &[("p:{x}", rule, 1), ("q:{y}", rule, 1)]);
    case.job(Kind::Hit, &[("p:{x}", rule, 1), ("q:{y}", rule, 1)]);
    let mut commands = case.plan(true);
    assert_eq!(commands.len(), 2);
    assert_ne!(commands[0].slot, commands[1].slot);
    commands.pop().unwrap().fail(Failure::Timeout);
    assert_eq!(case.answers(), [], "the other slot is still to come");
    drop(commands);
    // Whatever becomes of the rest, a hit with a failed part has failed; the one that was dropped is down.
    assert_eq!(case.answers(), [(0, -2), (1, -1), (2, -1)]);
}

#[test]
fn changes_are_not_counted_together() {
    let mut case = Case::new();
    let kind = Kind::Change { operation: Operation::Refund, hit_ms: 7 };
    for _ in 0..2 {
        case.job(kind, &[("a", policy(9.0), 3)]);
    }
    let commands = case.plan(false);
    assert_eq!((commands.len(), commands[0].name(), commands[0].key_count()), (1, "change", 2));
    let one = ["1", "2", "9", "60000", "0", "0", "0", "0", "3", "7"];
    assert_eq!(arguments(&commands[0]), [one, one].concat());
}

#[test]
fn a_split_command_asks_for_the_same() {
    let mut case = Case::new();
    let rule = policy(9.0);
    for key in ["a", "a", "b"] {
        case.job(Kind::Hit, &[(key, rule, 1)]);
    }
    let command = case.plan(false).pop().unwrap();
    let parts = command.split();
    let words: Vec<_> = parts.iter().map(|part| arguments(part).pop().unwrap()).collect();
    assert_eq!(words, ["1 2 1", "1"]);
    drop(parts);
    assert_eq!(case.answers(), [(0, -2), (1, -2), (2, -2)]);
}

#[test]
fn a_reply_answers_everybody_once() {
    let mut case = Case::new();
    for _ in 0..3 {
        case.job(Kind::Hit, &[("a", policy(2.0), 1)]);
    }
    let command = case.plan(false).pop().unwrap();
    let mut number = String::new();
    command.write_arguments(|word| number = String::from_utf8(word.to_vec()).unwrap());
    let numbers = [1_700_000_000_000, number.parse().unwrap(), 0];
    assert!(command.settle(numbers.into_iter().map(Some)));
    assert_eq!(case.answers(), [(0, 1), (1, 1), (2, 0)]);
}

fn fixed(limit: f64, block_ms: f64) -> Policy {
    let (algorithm, block_ms) = (Some("fixed-window".to_owned()), Some(block_ms));
    Policy::try_from(PolicyInput { algorithm, limit, block_ms, ..PolicyInput::default() }).unwrap()
}

#[test]
fn hits_of_fixed_windows_go_in_a_run_that_only_counts() {
    let mut case = Case::new();
    for (key, rule) in [("a", fixed(9.0, 0.0)), ("b", fixed(2.0, 7.0)), ("c", policy(9.0))] {
        case.job(Kind::Hit, &[(key, rule, 1)]);
    }
    case.job(Kind::Hit, &[("a", fixed(9.0, 0.0), 1)]);
    let commands = case.plan(false);
    let keys: Vec<_> = commands.iter().map(Command::key_count).collect();
    assert_eq!(keys, [2, 1]);
    let one = (1_u64 << 32).to_string();
    // The end of what is exact, and for a policy that blocks the first denial.
    let (end, denial) = ((1_u64 << 53).to_string(), (3_u64 << 32).to_string());
    let rules =
        [["1", "9", "60000", "0", "1", &one, &end], ["1", "2", "60000", "7", "1", &one, &denial]];
    let plans = ["1", "1", "2", "2", "2", "1"];
    assert_eq!(arguments(&commands[0]), [&["2", "2"][..], &rules.concat(), &plans].concat());
}

#[test]
fn what_could_not_be_counted_is_told_after_what_was() {
    let mut case = Case::new();
    for key in ["a", "b", "b", "c"] {
        case.job(Kind::Hit, &[(key, fixed(2.0, 0.0), 1)]);
    }
    let command = case.plan(false).pop().unwrap();
    let mut number = String::new();
    command.write_arguments(|word| number = String::from_utf8(word.to_vec()).unwrap());
    let (now, end) = (1_700_000_000_000, 1_700_000_000_500_u64);
    // One that is new, one that is blocked, one that was hit twice before.
    let counter = (3 << 32) | (end % (1 << 32));
    let numbers = [now, number.parse().unwrap(), 1 << 32, 0, counter, end * 8 + 4, now - 500, 0];
    assert!(command.settle(numbers.into_iter().map(Some)));
    assert_eq!(case.answers(), [(0, 1), (1, 0), (2, 0), (3, 0)]);
}
