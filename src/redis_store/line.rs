//! The way back: answers that wait for one JavaScript environment.
//!
//! An answer is a record of numbers: ticket, answer, the server's time of counting, how many policies follow,
//! and eight numbers for each of them. Records lie one after the other, so that a batch crosses in one copy.

use super::failure::Failure;
use super::stopwatch::Stopwatch;
use crate::rate_limit::Decision;
use parking_lot::Mutex;

/// Numbers before those of the policies.
pub const HEAD: usize = 4;
/// Numbers of one policy: allowed, used, remaining, reset time, retry after, delay, limit, flags.
pub const STRIDE: usize = 8;
const BLOCKED: f64 = 1.0;
const LEFT_OUT: f64 = 4.0;

/// Wakes whoever drains a line. It may be called from any thread, also when nobody is there any more.
pub trait Wake: Send + Sync {
    /// Tells that answers, or news of the connection, are there.
    fn wake(&self);
}

#[derive(Default)]
struct Answers {
    records: Vec<f64>,
    is_announced: bool,
    is_closed: bool,
}

/// One line's answers.
pub struct Line {
    answers: Mutex<Answers>,
    wake: Option<Box<dyn Wake>>,
    /// Times hits, for tests.
    pub stopwatch: Stopwatch,
}

impl Line {
    /// A line with its waker; without one, whoever settles drains.
    #[must_use]
    pub fn new(wake: Option<Box<dyn Wake>>) -> Self {
        Self { answers: Mutex::default(), wake, stopwatch: Stopwatch::default() }
    }

    /// Gives up: answers that come now are dropped.
    pub fn close(&self) {
        let mut answers = self.answers.lock();
        answers.is_closed = true;
        answers.records = Vec::new();
    }

    /// Adds a failure.
    pub fn fail(&self, ticket: u32, failure: Failure) {
        self.add(&[f64::from(ticket), -f64::from(failure as u8), 0.0, 0.0]);
    }

    /// Adds a record.
    pub fn add(&self, record: &[f64]) {
        self.stopwatch.answered(record);
        let mut answers = self.answers.lock();
        if !answers.is_closed {
            answers.records.extend_from_slice(record);
        }
    }

    /// Wakes the drain, once until it comes.
    pub fn announce(&self) {
        let mut answers = self.answers.lock();
        if answers.is_announced || answers.is_closed || answers.records.is_empty() {
            return;
        }
        answers.is_announced = true;
        drop(answers);
        self.tell();
    }

    /// Wakes whoever drains, for news of another kind.
    pub fn tell(&self) {
        if let Some(wake) = &self.wake {
            wake.wake();
        }
    }

    /// Moves whole records into `out`, and says how many; what has no room stays.
    pub fn drain(&self, out: &mut [f64]) -> usize {
        let mut answers = self.answers.lock();
        answers.is_announced = false;
        let (mut end, mut count) = (0, 0);
        while let Some(policies) = answers.records.get(end + HEAD - 1) {
            let next = end + record_length(*policies);
            if next > out.len() || next > answers.records.len() {
                break;
            }
            (end, count) = (next, count + 1);
        }
        if let (Some(to), Some(from)) = (out.get_mut(..end), answers.records.get(..end)) {
            to.copy_from_slice(from);
        }
        if end == answers.records.len() {
            answers.records.clear();
            // What one burst needed is not held for good.
            if answers.records.capacity() > 1 << 17 {
                answers.records = Vec::new();
            }
        } else {
            answers.records.drain(..end);
        }
        count
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number was made of one below 17"
)]
fn record_length(policies: f64) -> usize {
    HEAD + STRIDE * policies as usize
}

/// Writes the record of a decided hit. `decisions` are those of the policies at `positions`; others are
/// marked as left out.
pub fn write_record(
    record: &mut Vec<f64>,
    ticket: u32,
    answer: u32,
    now_ms: u64,
    policies: u8,
    decisions: &[(u8, Decision)],
) {
    record.clear();
    record.extend([f64::from(ticket), f64::from(answer), milliseconds(now_ms), policies.into()]);
    for _ in 0..policies {
        record.extend([0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, LEFT_OUT]);
    }
    for (position, decision) in decisions {
        let start = HEAD + STRIDE * usize::from(*position);
        if let Some(part) = record.get_mut(start..start + STRIDE) {
            part.copy_from_slice(&numbers(decision));
        }
    }
}

fn numbers(decision: &Decision) -> [f64; STRIDE] {
    [
        f64::from(u8::from(decision.is_allowed)),
        f64::from(decision.used),
        f64::from(decision.remaining),
        milliseconds(decision.reset_at_ms),
        milliseconds(decision.retry_after_ms),
        milliseconds(decision.delay_ms),
        f64::from(decision.limit),
        if decision.is_blocked { BLOCKED } else { 0.0 },
    ]
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds are below 2^53; a wait that is not becomes a rounded one"
)]
const fn milliseconds(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Count(Arc<AtomicU32>);

    impl Wake for Count {
        fn wake(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn wakes_once_until_it_is_drained() {
        let count = Arc::new(AtomicU32::new(0));
        let line = Line::new(Some(Box::new(Count(Arc::clone(&count)))));
        line.announce();
        assert_eq!(count.load(Ordering::Relaxed), 0, "nothing to tell");
        for ticket in 0..3 {
            line.fail(ticket, Failure::Down);
            line.announce();
        }
        assert_eq!(count.load(Ordering::Relaxed), 1);
        let mut out = [0.0; 64];
        assert_eq!(line.drain(&mut out), 3);
        assert_eq!(out[..8], [0.0, -2.0, 0.0, 0.0, 1.0, -2.0, 0.0, 0.0]);
        line.fail(9, Failure::Down);
        line.announce();
        assert_eq!(count.load(Ordering::Relaxed), 2);
        line.close();
        line.fail(10, Failure::Down);
        line.announce();
        assert_eq!((line.drain(&mut out), count.load(Ordering::Relaxed)), (0, 2));
    }

    #[test]
    fn drains_whole_records_alone() {
        let line = Line::new(None);
        let decision = Decision { is_allowed: true, used: 3, limit: 5, ..Decision::default() };
        let mut record = Vec::new();
        for ticket in 0..3 {
            write_record(&mut record, ticket, 1, 1000, 2, &[(1, decision)]);
            line.add(&record);
        }
        let mut out = [0.0; 2 * (HEAD + 2 * STRIDE) + 5];
        assert_eq!(line.drain(&mut out), 2);
        assert_eq!(out[..4], [0.0, 1.0, 1000.0, 2.0]);
        assert_eq!((out[HEAD + 7], out[HEAD + 8], out[HEAD + 9]), (LEFT_OUT, 1.0, 3.0));
        assert_eq!(line.drain(&mut out), 1);
        assert_eq!(line.drain(&mut out), 0);
    }
}
