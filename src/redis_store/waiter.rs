//! Who waits for an answer. A waiter that is dropped without one is told that there is none, so whatever
//! goes wrong, nobody waits for ever and nobody is answered twice.

use super::failure::Failure;
use super::line::{self, Line};
use crate::rate_limit::Decision;
use parking_lot::Mutex;
use std::sync::Arc;

/// What became of the keys of one group.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The server's time of counting.
    pub now_ms: u64,
    /// Whether the hit passed.
    pub is_allowed: bool,
    /// Of a change: how many keys it was about.
    pub count: u32,
    /// Whether it is a hit's.
    pub is_hit: bool,
    /// For each policy by its position.
    pub decisions: Vec<(u8, Decision)>,
}

/// What a job needs to be answered.
struct Call {
    line: Arc<Line>,
    ticket: u32,
    policies: u8,
}

/// A job whose keys lie in several slots: it is answered when the last of them is.
struct Assembly {
    call: Call,
    missing: usize,
    failure: Option<Failure>,
    outcome: Option<Outcome>,
}

enum Inner {
    Whole(Option<Call>),
    Share(Arc<Mutex<Assembly>>, Arc<Line>),
}

/// One job's wait for one group.
pub struct Waiter(Inner);

impl std::fmt::Debug for Waiter {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Waiter")
    }
}

impl Waiter {
    /// Waits for the only group of a job.
    #[must_use]
    pub fn whole(line: &Arc<Line>, ticket: u32, policies: u8) -> Self {
        Self(Inner::Whole(Some(Call { line: Arc::clone(line), ticket, policies })))
    }

    /// Waits for so many groups of one job.
    #[must_use]
    pub fn shares(line: &Arc<Line>, ticket: u32, policies: u8, groups: usize) -> Vec<Self> {
        if groups <= 1 {
            return vec![Self::whole(line, ticket, policies)];
        }
        let call = Call { line: Arc::clone(line), ticket, policies };
        let assembly = Assembly { call, missing: groups, failure: None, outcome: None };
        let assembly = Arc::new(Mutex::new(assembly));
        (0..groups).map(|_| Self(Inner::Share(Arc::clone(&assembly), Arc::clone(line)))).collect()
    }

    /// Where the answer goes. A waiter without one has none to give.
    #[must_use]
    pub fn line(&self) -> &Arc<Line> {
        match &self.0 {
            Inner::Whole(Some(call)) => &call.line,
            Inner::Share(_, line) => line,
            Inner::Whole(None) => unreachable_line(),
        }
    }

    /// Answers.
    pub fn settle(mut self, outcome: Outcome) {
        match &mut self.0 {
            Inner::Whole(call) => {
                if let Some(call) = call.take() {
                    call.answer(&outcome);
                }
            }
            Inner::Share(assembly, _) => {
                let mut assembly = assembly.lock();
                assembly.missing = assembly.missing.saturating_sub(1);
                assembly.merge(outcome);
            }
        }
    }

    /// Answers that there is no answer.
    pub fn fail(mut self, failure: Failure) {
        match &mut self.0 {
            Inner::Whole(call) => {
                if let Some(call) = call.take() {
                    call.line.fail(call.ticket, failure);
                }
            }
            Inner::Share(assembly, _) => {
                assembly.lock().failure.get_or_insert(failure);
            }
        }
    }
}

/// Stands in for the line of a waiter that was answered, which nobody can hold.
fn unreachable_line() -> &'static Arc<Line> {
    static NOWHERE: std::sync::LazyLock<Arc<Line>> =
        std::sync::LazyLock::new(|| Arc::new(Line::new(None)));
    &NOWHERE
}

impl Drop for Waiter {
    fn drop(&mut self) {
        if let Inner::Whole(call) = &mut self.0
            && let Some(call) = call.take()
        {
            call.line.fail(call.ticket, Failure::Down);
            call.line.announce();
        }
    }
}

impl Assembly {
    fn merge(&mut self, outcome: Outcome) {
        match &mut self.outcome {
            None => self.outcome = Some(outcome),
            Some(known) => {
                known.now_ms = known.now_ms.max(outcome.now_ms);
                known.is_allowed &= outcome.is_allowed;
                known.count += outcome.count;
                known.decisions.extend(outcome.decisions);
                known.decisions.sort_by_key(|(position, _)| *position);
            }
        }
    }
}

impl Drop for Assembly {
    fn drop(&mut self) {
        match (&self.outcome, self.failure, self.missing) {
            (Some(outcome), None, 0) => self.call.answer(outcome),
            (_, failure, _) => {
                self.call.line.fail(self.call.ticket, failure.unwrap_or(Failure::Down));
            }
        }
        self.call.line.announce();
    }
}

impl Call {
    fn answer(&self, outcome: &Outcome) {
        let Outcome { now_ms, is_allowed, count, is_hit, decisions } = outcome;
        let answer = if *is_hit { hit_answer(*is_allowed, decisions) } else { *count };
        let mut record = Vec::with_capacity(line::HEAD + line::STRIDE * usize::from(self.policies));
        line::write_record(&mut record, self.ticket, answer, *now_ms, self.policies, decisions);
        self.line.add(&record);
    }
}

/// Bit 0: the hit passed; from bit 2 on: which policy is the strictest.
fn hit_answer(is_allowed: bool, decisions: &[(u8, Decision)]) -> u32 {
    let strictest = if let [(position, _)] = decisions {
        Some(*position)
    } else {
        let alone: Vec<_> = decisions.iter().map(|(_, decision)| *decision).collect();
        let index = Decision::strictest(&alone);
        index.and_then(|index| decisions.get(index)).map(|(position, _)| *position)
    };
    u32::from(is_allowed) | u32::from(strictest.unwrap_or(0)) << 2
}
