//! The input to its list of parameters: split, decoded, looked at (qs `parseValues`).

use super::decode::{Decoder, InvalidUtf8, interpret_entities};
use super::escape::unescape;
use super::options::{Duplicates, FormOptions, Syntax};
use super::parameters::{Offence, Parameters, Traits};
use super::scan::{self, Part, holds};
use super::simple::Encoded;
use super::source::Charset;
use super::text::{Span, Texts};

/// What reading needs.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) input: &'a [u8],
    pub(super) decoder: Decoder,
    pub(super) options: &'a FormOptions,
}

impl Reader<'_> {
    /// Reads at most `limit` parameters. Linear.
    pub(super) fn read_all(
        mut self,
        limit: usize,
        parameters: &mut Parameters,
        arena: &mut Vec<u8>,
    ) -> Result<(), Offence> {
        let qs = self.options.syntax != Syntax::Simple;
        let sentinel =
            if self.options.charset_sentinel { sentinel(self.input, limit) } else { None };
        if let Some((_, Some(charset))) = sentinel {
            self.decoder.source.escapes = charset;
        }
        let skipped = sentinel.map(|(start, _)| start);
        let mut start = 0;
        for _ in 0..limit {
            let part = scan::part(self.input, start, qs);
            if part.end > start && skipped != Some(start) {
                self.read(part, parameters, arena)?;
            }
            start = part.end + 1;
            if start > self.input.len() {
                break;
            }
        }
        Ok(())
    }

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
        if text.len() > limit && is_longer(text, limit) {
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

/// Whether a text has more UTF-8 bytes than `limit` when it is decoded. Of six bytes comes one at least.
fn is_longer(escaped: &[u8], limit: usize) -> bool {
    escaped.len() / 6 > limit || unescape(escaped).len() > limit
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
