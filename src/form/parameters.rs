//! The flat list of parameters, equal names joined (the result of qs `parseValues`).

use super::decode::InvalidUtf8;
use super::index::{Index, KEEP_SLOTS, SMALL};
use super::options::Duplicates;
use super::segments::named;
use super::text::{Span, Texts};
use super::tree::{NONE, position};

/// One name with its values.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) name: Span,
    /// The first value.
    pub(super) value: Span,
    /// Number of values; 0 for a parameter that was removed.
    pub(super) count: u32,
    /// First and last of the further values.
    head: u32,
    tail: u32,
}

/// A further value of a name.
#[derive(Debug, Clone, Copy)]
struct Further {
    value: Span,
    next: u32,
}

/// A parameter that is refused while the list is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offence {
    InvalidUtf8,
    Duplicate(Span),
    KeyTooLong(Span),
}

impl From<InvalidUtf8> for Offence {
    fn from(_: InvalidUtf8) -> Self {
        Self::InvalidUtf8
    }
}

/// What is known about the names of one input.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Traits {
    /// A name holds `[`.
    pub(super) brackets: bool,
    /// A name may be one that a rule is about, or that qs drops.
    pub(super) suspicious: bool,
    /// A name came more than once.
    pub(super) repeated: bool,
}

/// All parameters of one input.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    entries: Vec<Entry>,
    further: Vec<Further>,
    index: Index,
    pub(super) traits: Traits,
}

impl Parameters {
    /// Forgets everything and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.further.clear();
        self.index.clear(KEEP_SLOTS);
        self.traits = Traits::default();
    }

    /// Gives memory back beyond so many entries.
    pub(super) fn shrink(&mut self, entries: usize) {
        self.entries.shrink_to(entries);
        self.further.shrink_to(entries);
    }

    /// The names in order of appearance.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The values of a name in order.
    pub(super) fn values(&self, entry: &Entry) -> impl Iterator<Item = Span> {
        let mut next = entry.head;
        let further = std::iter::from_fn(move || {
            let found = self.further.get(next as usize)?;
            next = found.next;
            Some(found.value)
        });
        std::iter::once(entry.value).chain(further)
    }

    /// The order in which qs merges: that of JavaScript's `Object.keys`, so array indices come first.
    /// Parameters that were removed are left out.
    pub(super) fn merge_order(&self, texts: Texts<'_>, order: &mut Vec<u32>) {
        let index = |entry: &Entry| named(entry.name, texts).array_index();
        let live = self.entries.iter().enumerate().filter(|(_, entry)| entry.count > 0);
        order.clear();
        order.extend(live.map(|(at, _)| position(at)));
        if self.entries.iter().any(|entry| index(entry).is_some()) {
            order.sort_by_cached_key(|at| {
                let index = self.entries.get(*at as usize).and_then(index);
                index.map_or((true, 0), |index| (false, index.to_bits()))
            });
        }
    }

    /// Adds a value under the policy for names that are there already.
    pub(super) fn add(
        &mut self,
        name: Span,
        value: Span,
        duplicates: Duplicates,
        texts: Texts<'_>,
    ) -> Result<(), Offence> {
        let text = texts.get(name);
        let hash = if self.is_indexed() { self.index.hash(0, text) } else { 0 };
        let Some(at) = self.find(text, hash, texts) else {
            self.append(name, value, hash, texts);
            return Ok(());
        };
        self.traits.repeated = true;
        let further = position(self.further.len());
        let Some(entry) = self.entries.get_mut(at as usize) else { return Ok(()) };
        match duplicates {
            Duplicates::Combine => {
                self.further.push(Further { value, next: NONE });
                if let Some(last) = self.further.get_mut(entry.tail as usize) {
                    last.next = further;
                } else {
                    entry.head = further;
                }
                entry.tail = further;
                entry.count += 1;
            }
            Duplicates::Last => {
                (entry.value, entry.count) = (value, 1);
                (entry.head, entry.tail) = (NONE, NONE);
            }
            Duplicates::First => {}
            Duplicates::Reject => return Err(Offence::Duplicate(name)),
        }
        Ok(())
    }

    /// Whether there are enough entries for the table.
    fn is_indexed(&self) -> bool {
        self.entries.len() > SMALL as usize
    }

    /// The entry with this name, and its hash if there are enough entries for the table.
    fn find(&self, name: &[u8], hash: u32, texts: Texts<'_>) -> Option<u32> {
        let is_it = |entry: &Entry| entry.name.len() == name.len() && texts.get(entry.name) == name;
        if !self.is_indexed() {
            return self.entries.iter().position(is_it).map(position);
        }
        self.index.find(hash, |at| self.entries.get(at as usize).is_some_and(is_it))
    }

    /// Takes a parameter out; its position stays.
    pub(super) fn remove(&mut self, at: usize) {
        self.entries.get_mut(at).into_iter().for_each(|entry| entry.count = 0);
    }

    /// Gives a parameter another name, unless that is taken.
    pub(super) fn rename(&mut self, at: usize, name: Span, texts: Texts<'_>) -> bool {
        let text = texts.get(name);
        let hash = self.index.hash(0, text);
        if self.find(text, hash, texts).is_some() {
            return false;
        }
        if self.is_indexed() {
            self.index.insert(hash, position(at));
        }
        self.entries.get_mut(at).into_iter().for_each(|entry| entry.name = name);
        true
    }

    /// Adds a name that is not there yet; fills the table when there are enough for it.
    fn append(&mut self, name: Span, value: Span, hash: u32, texts: Texts<'_>) {
        let indexed = self.is_indexed();
        self.entries.push(Entry { name, value, count: 1, head: NONE, tail: NONE });
        if indexed {
            self.index.insert(hash, position(self.entries.len() - 1));
        } else if self.is_indexed() {
            for (at, entry) in self.entries.iter().enumerate() {
                self.index.insert(self.index.hash(0, texts.get(entry.name)), position(at));
            }
        }
    }
}
