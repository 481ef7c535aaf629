//! A name to its segments: `a[b][]` is `a`, then `b`, then "append" (qs `splitKeyIntoSegments`).

use super::escape::unescape;
use super::text::{Span, Texts};
use super::tree::Key;

/// One step from a container to a member.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Step {
    /// A member of an object.
    Name(Key),
    /// An element of an array.
    Element(f64),
    /// An index too large for an array: a member of an object that stands in for one.
    Beyond(f64),
    /// `[]`.
    Append,
}

/// Brackets go deeper than `depth` and that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooDeep;

/// Longest pointer in a report, in bytes, as in reports about JSON bodies.
const POINTER_CAP: usize = 1_000;

/// What splits names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Splitter {
    /// Whether brackets mean anything at all.
    pub(super) brackets: bool,
    /// Levels of brackets; 0 keeps names whole, but for one pair around all of a name.
    pub(super) depth: u32,
    /// Whether deeper ones are refused, instead of being part of the last segment.
    pub(super) strict: bool,
    /// The first index that makes no array.
    pub(super) array_limit: u32,
}

impl Splitter {
    /// Replaces `steps` by those of `name`. Text between brackets belongs to no segment, as in qs.
    /// On an error `steps` holds the levels that were allowed. Linear.
    pub(super) fn split(
        self,
        name: Span,
        texts: Texts<'_>,
        steps: &mut Vec<Step>,
    ) -> Result<(), TooDeep> {
        steps.clear();
        if self.depth == 0 || !self.brackets {
            steps.push(self.whole(name, texts));
            return Ok(());
        }
        let text = texts.get(name);
        let first = find(text, 0, b'[').unwrap_or(text.len());
        if first > 0 {
            steps.push(Step::Name(named(name.slice(0, first), texts)));
        }
        let mut open = Some(first).filter(|first| *first < text.len());
        for _ in 0..self.depth {
            let Some(start) = open else { return Ok(()) };
            let Some(close) = closing(text, start) else {
                steps.push(Step::Name(Key::Name(name.slice(start, text.len()))));
                return Ok(());
            };
            steps.push(self.bracketed(name.slice(start + 1, close), texts));
            open = find(text, close + 1, b'[');
        }
        match open {
            Some(_) if self.strict => Err(TooDeep),
            Some(start) => {
                steps.push(Step::Name(Key::Name(name.slice(start, text.len()))));
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// JSON pointer of a name.
    pub(super) fn pointer(self, name: Span, texts: Texts<'_>) -> String {
        let mut steps = Vec::new();
        // Of a name that goes too deep, the levels that are allowed.
        let _ = self.split(name, texts, &mut steps);
        pointer(&steps, texts)
    }

    /// The step of a whole name at depth 0, where qs takes one pair of wrapping brackets off.
    fn whole(self, name: Span, texts: Texts<'_>) -> Step {
        match texts.get(name) {
            [b'[', inside @ .., b']'] if self.brackets => {
                self.bracketed(name.slice(1, 1 + inside.len()), texts)
            }
            _ => Step::Name(named(name, texts)),
        }
    }

    /// The step of what a pair of brackets holds.
    fn bracketed(self, inside: Span, texts: Texts<'_>) -> Step {
        if inside.is_empty() {
            return Step::Append;
        }
        match canonical_index(texts.get(inside)) {
            Some(index) if index < f64::from(self.array_limit) => Step::Element(index),
            Some(index) => Step::Beyond(index),
            None => Step::Name(Key::Name(inside)),
        }
    }
}

/// The key of a name without brackets.
pub(super) fn named(name: Span, texts: Texts<'_>) -> Key {
    canonical_index(texts.get(name)).map_or(Key::Name(name), Key::Index)
}

/// The position of `byte` from `from` on.
fn find(text: &[u8], from: usize, byte: u8) -> Option<usize> {
    Some(from + text.get(from..)?.iter().position(|other| *other == byte)?)
}

/// The bracket that closes the one at `open`, inner pairs skipped.
fn closing(text: &[u8], open: usize) -> Option<usize> {
    let mut level = 0_usize;
    let inside = text.get(open..)?.iter().position(|byte| {
        match byte {
            b'[' => level += 1,
            b']' => level -= 1,
            _ => {}
        }
        level == 0
    })?;
    Some(open + inside)
}

/// The number that prints exactly as `text` in JavaScript, without a sign or exponent: what qs takes for
/// an index.
pub(super) fn canonical_index(text: &[u8]) -> Option<f64> {
    match text {
        [b'0'] => return Some(0.0),
        [b'1'..=b'9', ..] if text.len() <= 21 => {}
        _ => return None,
    }
    let mut small = 0_u64;
    for byte in text {
        if !byte.is_ascii_digit() {
            return None;
        }
        small = small.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
    }
    if text.len() <= 15 {
        #[expect(clippy::cast_precision_loss, reason = "below 10^15 every whole number is exact")]
        return Some(small as f64);
    }
    let text = std::str::from_utf8(text).ok()?;
    let number: f64 = text.parse().ok()?;
    (number < 1e21 && number.to_string() == text).then_some(number)
}

/// JSON pointer (RFC 6901) of steps; an appended element is `-`.
pub(super) fn pointer(steps: &[Step], texts: Texts<'_>) -> String {
    let mut pointer = String::new();
    for step in steps {
        match step {
            Step::Name(Key::Name(name)) => push_pointer(&mut pointer, &unescape(texts.get(*name))),
            Step::Name(Key::Index(index)) | Step::Element(index) | Step::Beyond(index) => {
                push_pointer(&mut pointer, &index.to_string());
            }
            Step::Append => push_pointer(&mut pointer, "-"),
        }
    }
    pointer
}

/// Appends a segment to a pointer, unless that is at its bound already.
pub(super) fn push_pointer(pointer: &mut String, segment: &str) {
    if pointer.len() >= POINTER_CAP {
        if !pointer.ends_with('…') {
            pointer.push('…');
        }
        return;
    }
    pointer.push('/');
    for character in segment.chars() {
        match character {
            _ if pointer.len() >= POINTER_CAP => return pointer.push('…'),
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            other => pointer.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn steps(name: &str, depth: u32) -> Vec<String> {
        let texts = Texts { input: name.as_bytes(), arena: &[] };
        let splitter = Splitter { brackets: true, depth, strict: false, array_limit: 20 };
        let mut steps = Vec::new();
        splitter.split(Span::in_input(0, name.len()), texts, &mut steps).unwrap();
        let show = |span| String::from_utf8_lossy(texts.get(span)).into_owned();
        let step = |step: &Step| match step {
            Step::Name(Key::Name(span)) => show(*span),
            Step::Name(Key::Index(index)) => format!("name {index}"),
            Step::Element(index) => format!("element {index}"),
            Step::Beyond(index) => format!("beyond {index}"),
            Step::Append => "append".to_owned(),
        };
        steps.iter().map(step).collect()
    }

    #[test]
    fn splits_as_qs_does() {
        assert_eq!(steps("a[b]c[]d[3][20]", 5), ["a", "b", "append", "element 3", "beyond 20"]);
        assert_eq!(steps("a[b][c][d]", 2), ["a", "b", "c", "[d]"]);
        assert_eq!(steps("a[b", 5), ["a", "[b"]);
        assert_eq!(steps("[a[b]][01]", 5), ["a[b]", "01"]);
        assert_eq!(steps("5", 5), ["name 5"]);
        assert_eq!(steps("[x]", 0), ["x"]);
        assert_eq!(steps("[5]", 0), ["element 5"]);
        assert_eq!(steps("a[5]", 0), ["a[5]"]);
    }

    #[test]
    fn indices_print_as_they_are_written() {
        assert_eq!(canonical_index(b"9007199254740993"), None);
        assert_eq!(canonical_index(b"100000000000000000000"), Some(1e20));
        assert_eq!(canonical_index(b"1000000000000000000000"), None);
        assert_eq!(canonical_index(b"007"), None);
        assert_eq!(canonical_index(b""), None);
    }
}
