//! Where the decoded text of a request lives.
//!
//! Every name and every value is kept as the inside of a JSON string: ASCII only, quotes, backslashes
//! and control characters escaped, everything above U+007F as `\uXXXX`. One spelling per character makes
//! two such texts equal exactly when the decoded texts are equal, so names are compared, split at their
//! brackets and written out without being decoded again. Text that needs no change stays in the input.

/// The high bit of [`Span::start`]: the text lies in the arena and not in the input.
const IN_ARENA: u32 = 1 << 31;

/// A piece of escaped text, in the input or in the arena.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    start: u32,
    len: u32,
}

impl Span {
    /// No text.
    pub(super) const EMPTY: Self = Self { start: 0, len: 0 };

    /// `start..end` of the input.
    pub(super) fn in_input(start: usize, end: usize) -> Self {
        Self { start: narrow(start), len: narrow(end.saturating_sub(start)) }
    }

    /// `start..end` of the arena.
    pub(super) fn in_arena(start: usize, end: usize) -> Self {
        Self { start: narrow(start) | IN_ARENA, len: narrow(end.saturating_sub(start)) }
    }

    /// `from..to` of this text; the caller keeps both within it.
    pub(super) fn slice(self, from: usize, to: usize) -> Self {
        let len = narrow(to.saturating_sub(from));
        Self { start: self.start.wrapping_add(narrow(from)), len }
    }

    /// Whether there is no text at all.
    pub(super) const fn is_empty(self) -> bool {
        self.len == 0
    }

    /// Length of the escaped text in bytes.
    pub(super) const fn len(self) -> usize {
        self.len as usize
    }
}

/// Offsets fit because the input is at most [`super::MAX_INPUT_BYTES`] and escaping makes at most six
/// bytes of one.
#[expect(clippy::cast_possible_truncation, reason = "bounded by MAX_INPUT_BYTES, see above")]
const fn narrow(offset: usize) -> u32 {
    offset as u32
}

/// The two homes of text, borrowed while names are compared or written.
#[derive(Clone, Copy)]
pub(super) struct Texts<'a> {
    /// The bytes of the request.
    pub(super) input: &'a [u8],
    /// What had to be decoded or escaped.
    pub(super) arena: &'a [u8],
}

impl<'a> Texts<'a> {
    /// The escaped text of `span`.
    pub(super) fn get(self, span: Span) -> &'a [u8] {
        let home = if span.start & IN_ARENA == 0 { self.input } else { self.arena };
        let start = (span.start & !IN_ARENA) as usize;
        home.get(start..start + span.len()).unwrap_or_default()
    }
}
