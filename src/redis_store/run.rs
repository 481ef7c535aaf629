//! One run of a script: the keys it decides, everybody who waits for them, and what its reply tells each.

use super::answer::{Answer, Unreadable};
use super::command::Wire;
use super::counter;
use super::failure::Failure;
use super::line::Line;
use super::queue::{Kind, Part};
use super::rule::{self, Operation};
use super::scripts::{CHANGE, Script};
use super::waiter::{Outcome, Waiter};
use crate::rate_limit::joint::{self, MAX_POLICIES, Share};
use crate::rate_limit::{Decision, Policy, State, algorithm};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

/// The most equal hits of one part: their total stays exact in the script's doubles.
const MAX_TIMES: usize = 1 << 16;
/// Numbers the runs, so that no answer is taken for another's.
static RUNS: AtomicU32 = AtomicU32::new(1);

/// One key of a command.
#[derive(Debug, Clone, Copy)]
struct Key {
    end: usize,
    policy: Policy,
    amount: u64,
    position: u8,
    rule: usize,
}

/// Keys that are decided together, and everybody who wants to know.
#[derive(Debug)]
struct Group {
    keys_end: usize,
    kind: Kind,
    waiters: Vec<Waiter>,
}

/// One run of a script.
#[derive(Debug)]
pub struct Command {
    number: u32,
    script: &'static Script,
    arena: Vec<u8>,
    keys: Vec<Key>,
    groups: Vec<Group>,
    rules: Vec<(Policy, u64)>,
    has_repeats: bool,
    is_counting: bool,
    /// The slot of all keys, in a cluster.
    pub slot: Option<u16>,
    /// When it is too late.
    pub deadline: Instant,
    /// How often it was sent on.
    pub redirects: u8,
    /// Whether the script's text is to be sent in place of its name.
    pub with_text: bool,
}

impl Command {
    /// A run without keys.
    #[must_use]
    pub fn new(script: &'static Script, slot: Option<u16>, deadline: Instant) -> Self {
        Self::with_counting(script, slot, deadline, false)
    }

    /// A run without keys, which may be for hits that [`counter::suffices`] for alone.
    #[must_use]
    pub fn with_counting(
        script: &'static Script,
        slot: Option<u16>,
        deadline: Instant,
        is_counting: bool,
    ) -> Self {
        Self {
            number: RUNS.fetch_add(1, Ordering::Relaxed),
            script,
            arena: Vec::new(),
            keys: Vec::new(),
            groups: Vec::new(),
            rules: Vec::new(),
            has_repeats: false,
            is_counting,
            slot,
            deadline,
            redirects: 0,
            with_text: false,
        }
    }

    /// Adds parts that are decided together.
    pub fn add(&mut self, kind: Kind, parts: &[Part<'_>], waiter: Waiter, deadline: Instant) {
        for Part { key, policy, amount, position } in parts {
            let known = self.rules.iter().rposition(|rule| *rule == (*policy, *amount));
            let rule = known.unwrap_or_else(|| {
                self.rules.push((*policy, *amount));
                self.rules.len() - 1
            });
            self.arena.extend_from_slice(key);
            let (policy, amount, position) = (*policy, *amount, *position);
            self.keys.push(Key { end: self.arena.len(), policy, amount, position, rule });
        }
        let waiters = vec![waiter];
        self.groups.push(Group { keys_end: self.keys.len(), kind, waiters });
        self.deadline = self.deadline.min(deadline);
    }

    /// Whether the group decides just these parts and has room for one hit more.
    #[must_use]
    pub fn joins(&self, group: usize, parts: &[Part<'_>]) -> bool {
        let Some(Group { keys_end, kind: Kind::Hit, waiters }) = self.groups.get(group) else {
            return false;
        };
        let start = keys_end.saturating_sub(parts.len());
        let before = group.checked_sub(1).and_then(|before| self.groups.get(before));
        let most = if self.is_counting { counter::max_times(parts) } else { MAX_TIMES };
        waiters.len() < most
            && before.map_or(0, |before| before.keys_end) == start
            && parts
                .iter()
                .enumerate()
                .all(|(index, part)| self.part(start + index).is_some_and(|known| known == *part))
    }

    /// Adds a hit to its equals. The first to be too late decides for all.
    pub fn join(&mut self, group: usize, waiter: Waiter, deadline: Instant) {
        if let Some(group) = self.groups.get_mut(group) {
            group.waiters.push(waiter);
            self.deadline = self.deadline.min(deadline);
        }
    }

    /// Notes that a key is there more than once.
    pub const fn note_repeat(&mut self, is_repeat: bool) {
        self.has_repeats |= is_repeat;
    }

    fn part(&self, index: usize) -> Option<Part<'_>> {
        let Key { end, policy, amount, position, .. } = *self.keys.get(index)?;
        let start = index.checked_sub(1).and_then(|before| self.keys.get(before));
        let key = self.arena.get(start.map_or(0, |before| before.end)..end)?;
        Some(Part { key, policy, amount, position })
    }

    /// The script's name: `hit` or `change`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.script.name
    }

    /// How many keys it has.
    #[must_use]
    pub const fn key_count(&self) -> usize {
        self.keys.len()
    }

    /// Passes each key to `push`.
    pub fn write_keys(&self, mut push: impl FnMut(&[u8])) {
        let mut start = 0;
        for key in &self.keys {
            push(self.arena.get(start..key.end).unwrap_or_default());
            start = key.end;
        }
    }

    /// How many arguments [`Command::write_arguments`] passes.
    #[must_use]
    pub fn argument_count(&self) -> usize {
        if self.script.name == CHANGE.name {
            return self.keys.len() * rule::CHANGE_ARGUMENTS + 1;
        }
        let plans = match (self.is_counting, self.is_plain()) {
            (true, _) => 2 * self.rules.len() + 3 * self.odd_plans().count(),
            (false, true) => 0,
            (false, false) => self.keys.len(),
        };
        let rules = self.rules.iter().map(|(policy, _)| rule::arguments(policy));
        3 + rules.sum::<usize>() + plans
    }

    /// Passes each argument to `push`.
    pub fn write_arguments(&self, mut push: impl FnMut(&[u8])) {
        if self.script.name == CHANGE.name {
            self.write_changes(&mut push);
        } else {
            self.write_hits(&mut push);
        }
        push(self.number.to_string().as_bytes());
    }

    /// Whether every key is a single hit under the one rule, so that no plan has to say so.
    fn is_plain(&self) -> bool {
        self.rules.len() == 1
            && self.groups.len() == self.keys.len()
            && self.groups.iter().all(|group| group.waiters.len() == 1)
    }

    /// In a run that only counts: each key that is not one hit under the first rule, its rule and its hits.
    fn odd_plans(&self) -> impl Iterator<Item = (usize, usize, usize)> {
        let plans = self.keys.iter().zip(&self.groups).enumerate();
        let plans = plans.map(|(index, (key, group))| (index, key.rule, group.waiters.len()));
        plans.filter(|(_, rule, times)| (*rule, *times) != (0, 1))
    }

    fn write_changes(&self, push: &mut impl FnMut(&[u8])) {
        let mut start = 0;
        for group in &self.groups {
            let Kind::Change { operation, hit_ms } = group.kind else { continue };
            for key in self.keys.get(start..group.keys_end).unwrap_or_default() {
                rule::write_change(operation, &key.policy, key.amount, hit_ms, &mut *push);
            }
            start = group.keys_end;
        }
    }

    fn write_hits(&self, push: &mut impl FnMut(&[u8])) {
        push(self.rules.len().to_string().as_bytes());
        push(match (self.is_counting, self.has_repeats) {
            (true, _) => b"2",
            (false, true) => b"1",
            (false, false) => b"0",
        });
        for (policy, cost) in &self.rules {
            let cost = u32::try_from(*cost).unwrap_or(u32::MAX);
            rule::write_hit(policy, cost, &mut *push);
            if self.is_counting {
                counter::write_rule(policy, cost, &mut *push);
            }
        }
        if self.is_counting {
            for (index, rule, times) in self.odd_plans() {
                for number in [index + 1, rule + 1, times] {
                    push(number.to_string().as_bytes());
                }
            }
            return;
        }
        if self.is_plain() {
            return;
        }
        let mut start = 0;
        for group in &self.groups {
            let keys = self.keys.get(start..group.keys_end).unwrap_or_default();
            start = group.keys_end;
            for (index, key) in keys.iter().enumerate() {
                let number = key.rule + 1;
                let plan = match (index, group.waiters.len(), keys.len()) {
                    (0, 1, 1) | (1.., ..) => number.to_string(),
                    (0, times, size) => format!("{number} {times} {size}"),
                };
                push(plan.as_bytes());
            }
        }
    }

    /// The whole command as it is sent.
    #[must_use]
    pub fn to_wire(&self) -> Wire {
        let mut wire = Wire::default();
        wire.begin(3 + self.key_count() + self.argument_count());
        if self.with_text {
            wire.word(b"EVAL");
            wire.word(self.script.text.as_bytes());
        } else {
            wire.word(b"EVALSHA");
            wire.word(self.script.sha1.as_bytes());
        }
        wire.word(self.key_count().to_string().as_bytes());
        self.write_keys(|key| wire.word(key));
        self.write_arguments(|argument| wire.word(argument));
        wire
    }

    /// Tells everybody that there is no answer.
    pub fn fail(self, failure: Failure) {
        let mut lines = Lines::default();
        for waiter in self.groups.into_iter().flat_map(|group| group.waiters) {
            lines.add(waiter.line());
            waiter.fail(failure);
        }
        lines.announce();
    }

    /// Tells everybody the answer that these integers are. An unreadable one is a [`Failure::Script`], and
    /// false.
    pub fn settle(self, mut numbers: impl Iterator<Item = Option<u64>>) -> bool {
        // Everything is read before anybody is told: half of an answer is none.
        let Ok((now_ms, mut states)) = self.read(&mut numbers) else {
            self.fail(Failure::Script);
            return false;
        };
        let mut lines = Lines::default();
        let mut start = 0;
        for group in self.groups {
            let keys = self.keys.get(start..group.keys_end).unwrap_or_default();
            let states = states.get_mut(start..group.keys_end).unwrap_or_default();
            start = group.keys_end;
            for waiter in group.waiters {
                lines.add(waiter.line());
                waiter.settle(group_outcome(group.kind, keys, states, now_ms));
            }
        }
        lines.announce();
        true
    }

    fn read(
        &self,
        numbers: &mut impl Iterator<Item = Option<u64>>,
    ) -> Result<(u64, Vec<State>), Unreadable> {
        let mut answer = Answer::open(numbers, self.number.into())?;
        let mut states = Vec::with_capacity(self.keys.len());
        if self.is_counting {
            let mut decided = Vec::new();
            for (index, (key, group)) in self.keys.iter().zip(&self.groups).enumerate() {
                let amount = key.amount * group.waiters.len() as u64;
                let state = counter::read(answer.number()?, &key.policy, amount, answer.now_ms)?;
                decided.extend(state.is_none().then_some(index));
                states.push(state.unwrap_or_default());
            }
            for index in decided {
                if let (Some(state), Some(key)) = (states.get_mut(index), self.keys.get(index)) {
                    *state = answer.state(&key.policy)?;
                }
            }
        } else {
            for key in &self.keys {
                states.push(answer.state(&key.policy)?);
            }
        }
        let now_ms = answer.now_ms;
        answer.end().map(|()| (now_ms, states))
    }

    /// The command as one for each group, for a slot whose keys lie on two nodes for a while.
    #[must_use]
    pub fn split(self) -> Vec<Self> {
        let mut commands = Vec::with_capacity(self.groups.len());
        let (mut start, mut byte) = (0, 0);
        for group in self.groups {
            let (slot, deadline) = (self.slot, self.deadline);
            let mut command = Self::with_counting(self.script, slot, deadline, self.is_counting);
            (command.redirects, command.with_text) = (self.redirects, self.with_text);
            for key in self.keys.get(start..group.keys_end).unwrap_or_default() {
                let text = self.arena.get(byte..key.end).unwrap_or_default();
                command.arena.extend_from_slice(text);
                byte = key.end;
                command.rules.push((key.policy, key.amount));
                let rule = command.rules.len() - 1;
                command.keys.push(Key { end: command.arena.len(), rule, ..*key });
            }
            command.has_repeats = self.has_repeats;
            start = group.keys_end;
            command.groups.push(Group { keys_end: command.keys.len(), ..group });
            commands.push(command);
        }
        commands
    }

    /// How many groups it has.
    #[must_use]
    pub const fn group_count(&self) -> usize {
        self.groups.len()
    }
}

/// Replays one hit, or says what a change did, on the states as they were before.
fn group_outcome(kind: Kind, keys: &[Key], states: &mut [State], now_ms: u64) -> Outcome {
    let mut decisions = [Decision::default(); MAX_POLICIES];
    match kind {
        Kind::Hit => {
            let cost = |key: &Key| u32::try_from(key.amount).unwrap_or(u32::MAX);
            let shares = keys.iter().map(|key| Share { policy: &key.policy, cost: cost(key) });
            let is_allowed = joint::decide(states, shares, now_ms, &mut decisions);
            let decisions = keys.iter().map(|key| key.position).zip(decisions).collect();
            Outcome { now_ms, is_allowed, count: 0, is_hit: true, decisions }
        }
        Kind::Change { operation: Operation::Peek, .. } => {
            let known = keys.iter().zip(states).filter(|(_, state)| **state != State::default());
            let look = |(key, state): (&Key, &mut State)| {
                (key.position, algorithm::peek(*state, &key.policy, now_ms))
            };
            let decisions: Vec<_> = known.map(look).collect();
            let count = u32::try_from(decisions.len()).unwrap_or(0);
            Outcome { now_ms, is_allowed: true, count, is_hit: false, decisions }
        }
        Kind::Change { operation, .. } => {
            let is_counted =
                |state: &&mut State| operation != Operation::Reset || **state != State::default();
            let count = u32::try_from(states.iter_mut().filter(is_counted).count()).unwrap_or(0);
            Outcome { now_ms, is_allowed: true, count, is_hit: false, decisions: Vec::new() }
        }
    }
}

/// The lines to be told, each once.
#[derive(Default)]
struct Lines(Vec<Arc<Line>>);

impl Lines {
    fn add(&mut self, line: &Arc<Line>) {
        if !self.0.iter().any(|known| Arc::ptr_eq(known, line)) {
            self.0.push(Arc::clone(line));
        }
    }

    fn announce(self) {
        for line in self.0 {
            line.announce();
        }
    }
}
