//! The flat list of parameters: split, decoded, equal names joined (qs `parseValues`).

use super::decode::{Decoder, InvalidUtf8, interpret_entities};
use super::escape::unescape;
use super::index::{Index, KEEP_SLOTS, SMALL};
use super::options::{Charset, Duplicates, FormOptions, Syntax};
use super::scan::{self, Part, holds};
use super::simple::Encoded;
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

    /// Reads at most `limit` parameters of `input`. Linear.
    pub(super) fn read(
        &mut self,
        input: &[u8],
        limit: usize,
        mut decoder: Decoder,
        options: &FormOptions,
        arena: &mut Vec<u8>,
    ) -> Result<(), Offence> {
        let sentinel = if options.charset_sentinel { sentinel(input, limit) } else { None };
        if let Some((_, Some(charset))) = sentinel {
            decoder.source.escapes = charset;
        }
        let skipped = sentinel.map(|(start, _)| start);
        let reader = Reader { input, decoder, options };
        let qs = options.syntax != Syntax::Simple;
        let mut start = 0;
        for _ in 0..limit {
            let part = scan::part(input, start, qs);
            if part.end > start && skipped != Some(start) {
                reader.read(part, self, arena)?;
            }
            start = part.end + 1;
            if start > input.len() {
                break;
            }
        }
        Ok(())
    }

    /// Adds a value under the policy for names that are there already.
    fn add(
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

/// What reading one parameter needs.
#[derive(Clone, Copy)]
struct Reader<'a> {
    input: &'a [u8],
    decoder: Decoder,
    options: &'a FormOptions,
}

impl Reader<'_> {
    /// Decodes one parameter and adds it.
    fn read(
        self,
        part: Part,
        parameters: &mut Parameters,
        arena: &mut Vec<u8>,
    ) -> Result<(), Offence> {
        let simple = self.options.syntax == Syntax::Simple;
        let name_end = part.equals.unwrap_or(part.end);
        if name_end == part.start && !simple {
            return Ok(());
        }
        let value_start = part.equals.map_or(part.end, |at| at + 1);
        let encoded = if simple && (part.name | part.value) & holds::DECODE != 0 {
            Encoded::detect(self.input.get(part.start..part.end).unwrap_or_default())
        } else {
            Encoded::default()
        };
        let name = self.text(part.name, part.start..name_end, encoded.key, arena)?;
        let before = arena.len();
        let value = self.text(part.value, value_start..part.end, encoded.value, arena)?;
        let entities = self.options.numeric_entities && !simple;
        let value = if entities && self.decoder.source.escapes == Charset::Iso88591 {
            Self::entities(value, before, arena)
        } else {
            value
        };
        let texts = Texts { input: self.input, arena };
        self.note_name(texts.get(name), part.name, name, &mut parameters.traits)?;
        let appends =
            !simple && part.equals.is_some() && self.ends_in_brackets(part.start, name_end);
        let policy = if appends { Duplicates::Combine } else { self.options.duplicates };
        parameters.add(name, value, policy, texts)
    }

    /// Looks at a name by itself: its length, and whether a rule may be about it.
    fn note_name(
        self,
        text: &[u8],
        raw: u8,
        name: Span,
        traits: &mut Traits,
    ) -> Result<(), Offence> {
        let limit = self.options.rules.limits().key_bytes as usize;
        if text.len() > limit && unescape(text).len() > limit {
            return Err(Offence::KeyTooLong(name));
        }
        let held = if raw & holds::DECODE == 0 { raw } else { scan::contents(text) };
        let brackets = held & holds::BRACKET != 0;
        traits.brackets |= brackets;
        traits.suspicious |= held & self.options.watched != 0
            || if brackets { holds_special(text) } else { text == b"__proto__" };
        Ok(())
    }

    /// The escaped text of a piece of the input.
    fn text(
        self,
        holds: u8,
        range: std::ops::Range<usize>,
        encoded: bool,
        arena: &mut Vec<u8>,
    ) -> Result<Span, InvalidUtf8> {
        if holds & holds::DECODE == 0 {
            return Ok(Span::in_input(range.start, range.end));
        }
        let raw = self.input.get(range).unwrap_or_default();
        let start = arena.len();
        if self.options.syntax == Syntax::Simple {
            self.decoder.push_node(arena, raw, encoded)?;
        } else {
            self.decoder.push_qs(arena, raw)?;
        }
        Ok(Span::in_arena(start, arena.len()))
    }

    /// A value with its numeric entities replaced.
    fn entities(value: Span, before: usize, arena: &mut Vec<u8>) -> Span {
        if arena.len() > before {
            interpret_entities(arena, before);
            return Span::in_arena(before, arena.len());
        }
        // `&` cannot come from anything but an escape, so a value that needed no decoding has none.
        value
    }

    /// Whether the raw name ends in `[]`, spelled either way.
    fn ends_in_brackets(self, start: usize, end: usize) -> bool {
        let name = self.input.get(start..end).unwrap_or_default();
        scan::strip_bracket(name, b']').and_then(|name| scan::strip_bracket(name, b'[')).is_some()
    }
}

/// Whether a name with brackets may have a segment `__proto__` or `constructor`.
fn holds_special(name: &[u8]) -> bool {
    name.windows(9).any(|part| part == b"__proto__" || part == b"construct")
}

/// Where the first parameter `utf8=…` starts, and the charset that it declares, if it is a form of `✓`.
fn sentinel(input: &[u8], limit: usize) -> Option<(usize, Option<Charset>)> {
    let mut start = 0;
    for part in input.split(|byte| *byte == b'&').take(limit) {
        if part.starts_with(b"utf8=") {
            let charset = match part {
                b"utf8=%E2%9C%93" => Some(Charset::Utf8),
                b"utf8=%26%2310003%3B" => Some(Charset::Iso88591),
                _ => None,
            };
            return Some((start, charset));
        }
        start += part.len() + 1;
    }
    None
}
