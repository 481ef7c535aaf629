//! Turns the jobs of many ticks and threads into few commands: equal hits become one part with a count, and
//! up to [`MAX_KEYS`] keys go into one run of a script, in a cluster those of one slot.

use super::counter;
use super::key::slot;
use super::line::Line;
use super::queue::{Job, Kind, Part, Queue};
use super::run::Command;
use super::scripts::{CHANGE, HIT, Script};
use super::waiter::Waiter;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::Instant;

/// The most keys of one run, which then takes Redis well below 0.3 ms, whatever the rules.
pub const MAX_KEYS: usize = 64;

/// What one environment handed over.
pub struct Flush {
    /// The jobs.
    pub queue: Queue,
    /// Where their answers go.
    pub line: Arc<Line>,
    /// When they are too late.
    pub deadline: Instant,
}

/// What commands have in common that hits can be added to: script, slot, and whether they only count.
type Lane = (&'static str, Option<u16>, bool);

/// Groups jobs into commands.
pub struct Planner {
    is_clustered: bool,
    hasher: RandomState,
    commands: Vec<Command>,
    /// The command that still has room.
    open: HashMap<Lane, usize>,
    /// Which group of which command decides equal hits.
    groups: HashMap<u64, (usize, usize)>,
    seen: HashSet<(usize, u64)>,
}

impl Planner {
    /// A planner; in a cluster, a command has keys of one slot alone.
    #[must_use]
    pub fn new(is_clustered: bool) -> Self {
        Self {
            is_clustered,
            hasher: RandomState::new(),
            commands: Vec::new(),
            open: HashMap::new(),
            groups: HashMap::new(),
            seen: HashSet::new(),
        }
    }

    /// Takes what was handed over.
    pub fn add(&mut self, flush: &Flush) {
        for job in flush.queue.jobs() {
            self.add_job(&job, flush);
        }
    }

    /// The commands.
    #[must_use]
    pub fn finish(self) -> Vec<Command> {
        self.commands
    }

    fn add_job(&mut self, job: &Job<'_>, flush: &Flush) {
        if !self.is_clustered {
            let waiter = Waiter::whole(&flush.line, job.ticket, job.policies);
            return self.add_group(job.kind, &job.parts, None, waiter, flush.deadline);
        }
        let mut by_slot: Vec<(u16, Vec<Part<'_>>)> = Vec::with_capacity(1);
        for part in &job.parts {
            let slot = slot(part.key);
            match by_slot.iter_mut().find(|(known, _)| *known == slot) {
                Some((_, parts)) => parts.push(*part),
                None => by_slot.push((slot, vec![*part])),
            }
        }
        let waiters = Waiter::shares(&flush.line, job.ticket, job.policies, by_slot.len());
        for ((slot, parts), waiter) in by_slot.into_iter().zip(waiters) {
            self.add_group(job.kind, &parts, Some(slot), waiter, flush.deadline);
        }
    }

    fn add_group(
        &mut self,
        kind: Kind,
        parts: &[Part<'_>],
        slot: Option<u16>,
        waiter: Waiter,
        deadline: Instant,
    ) {
        let is_hit = kind == Kind::Hit;
        let identity = self.hasher.hash_one(Identity(parts));
        if is_hit
            && let Some((command, group)) = self.groups.get(&identity).copied()
            && let Some(command) = self.commands.get_mut(command)
            && command.joins(group, parts)
        {
            return command.join(group, waiter, deadline);
        }
        let script: &'static Script = if is_hit { &HIT } else { &CHANGE };
        let is_counting = is_hit && counter::suffices(parts);
        let place = self.place(script, (slot, is_counting), parts.len(), deadline);
        let Some(command) = self.commands.get_mut(place) else { return };
        for part in parts {
            let is_new = self.seen.insert((place, self.hasher.hash_one(part.key)));
            command.note_repeat(!is_new);
        }
        command.add(kind, parts, waiter, deadline);
        self.groups.insert(identity, (place, command.group_count() - 1));
    }

    /// The command with room for so many keys.
    fn place(
        &mut self,
        script: &'static Script,
        (slot, is_counting): (Option<u16>, bool),
        keys: usize,
        deadline: Instant,
    ) -> usize {
        let lane = (script.name, slot, is_counting);
        if let Some(place) = self.open.get(&lane).copied()
            && let Some(command) = self.commands.get(place)
            && command.key_count() + keys <= MAX_KEYS
        {
            return place;
        }
        let place = self.commands.len();
        self.commands.push(Command::with_counting(script, slot, deadline, is_counting));
        self.open.insert(lane, place);
        place
    }
}

/// What makes hits equal.
struct Identity<'parts>(&'parts [Part<'parts>]);

impl std::hash::Hash for Identity<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        for Part { key, policy, amount, position } in self.0 {
            (key, policy, amount, position).hash(state);
        }
    }
}
