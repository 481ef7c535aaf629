//! What one JavaScript environment wants of Redis, collected during a tick: the text of all keys in one
//! piece of memory, and where each ends.

use super::rule::Operation;
use crate::rate_limit::Policy;

/// What a job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Decides a hit and counts it.
    Hit,
    /// Changes or reads keys.
    Change {
        /// How.
        operation: Operation,
        /// When the hit was counted that a refund takes back.
        hit_ms: u64,
    },
}

/// One policy's part of a job.
#[derive(Debug, Clone, Copy)]
struct Entry {
    key_end: usize,
    policy: Policy,
    amount: u64,
    position: u8,
}

/// One call of JavaScript's, answered by one record.
#[derive(Debug, Clone, Copy)]
struct Call {
    entries_end: usize,
    kind: Kind,
    ticket: u32,
    policies: u8,
}

/// One policy's part of a job, with its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part<'queue> {
    /// The whole text of the key.
    pub key: &'queue [u8],
    /// The rule, with the limit of this request.
    pub policy: Policy,
    /// A cost up to 2^31, or points, or milliseconds.
    pub amount: u64,
    /// Which of the limiter's policies it is.
    pub position: u8,
}

/// One job.
#[derive(Debug)]
pub struct Job<'queue> {
    /// What it does.
    pub kind: Kind,
    /// What its answer is known by.
    pub ticket: u32,
    /// How many policies the limiter has.
    pub policies: u8,
    /// Those that take part.
    pub parts: Vec<Part<'queue>>,
}

/// Jobs in the order of their calls.
#[derive(Debug, Default)]
pub struct Queue {
    arena: Vec<u8>,
    entries: Vec<Entry>,
    calls: Vec<Call>,
}

impl Queue {
    /// How many jobs wait.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.calls.len()
    }

    /// Whether none waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Adds a part to the job that [`Queue::push`] will complete; `write` appends the key.
    pub fn add(
        &mut self,
        policy: Policy,
        amount: u64,
        position: u8,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        write(&mut self.arena);
        self.entries.push(Entry { key_end: self.arena.len(), policy, amount, position });
    }

    /// Completes a job of the parts added since the last one.
    pub fn push(&mut self, kind: Kind, ticket: u32, policies: u8) {
        self.calls.push(Call { entries_end: self.entries.len(), kind, ticket, policies });
    }

    /// Forgets the parts added since the last job: the call was refused.
    pub fn undo(&mut self) {
        let entries = self.calls.last().map_or(0, |call| call.entries_end);
        self.entries.truncate(entries);
        self.arena.truncate(self.entries.last().map_or(0, |entry| entry.key_end));
    }

    /// The tickets of all jobs.
    pub fn tickets(&self) -> impl Iterator<Item = u32> + '_ {
        self.calls.iter().map(|call| call.ticket)
    }

    /// The jobs.
    pub fn jobs(&self) -> impl Iterator<Item = Job<'_>> {
        let (mut entry, mut byte) = (0, 0);
        self.calls.iter().map(move |call| {
            let entries = self.entries.get(entry..call.entries_end).unwrap_or_default();
            entry = call.entries_end;
            let parts = entries.iter().map(|entry| {
                let key = self.arena.get(byte..entry.key_end).unwrap_or_default();
                byte = entry.key_end;
                let Entry { policy, amount, position, .. } = *entry;
                Part { key, policy, amount, position }
            });
            let parts = parts.collect();
            Job { kind: call.kind, ticket: call.ticket, policies: call.policies, parts }
        })
    }
}
