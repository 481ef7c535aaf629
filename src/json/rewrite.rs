//! Cuts in the original text.
//!
//! What stays is byte for byte what came, so number text, key order, escapes and lone surrogates reach
//! `JSON.parse` untouched.

use super::spans::{Member, Spans};

/// A stretch of the text and what is put in its place.
#[derive(Debug)]
pub(super) struct Edit {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) text: Vec<u8>,
}

impl Edit {
    /// Removes the member with exactly one comma, if its object keeps a member at all.
    ///
    /// With a kept member before it, the comma before it goes; else (it belongs to a run of removed
    /// members at the start) everything up to the next key goes. So neighbouring cuts never overlap.
    pub(super) fn remove(spans: &Spans, member: &Member, kept_before: bool) -> Self {
        let text = Vec::new();
        if kept_before && let Some(previous) = spans.member(member.previous) {
            return Self { start: previous.end, end: member.end, text };
        }
        let end = spans.member(member.next).map_or(member.end, |next| next.start);
        Self { start: member.start, end, text }
    }

    /// Puts `key` (decoded) in the place of the member's key.
    pub(super) fn rename(member: &Member, key: &[u8]) -> Self {
        Self { start: member.key.0, end: member.key.1, text: encode(key) }
    }
}

/// The inside of the JSON string for a decoded key.
fn encode(key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len());
    let mut rest = key;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'"' | b'\\', _) => out.extend([b'\\', byte]),
            (0..0x20, _) => out.extend(format!("\\u{byte:04x}").bytes()),
            // A lone surrogate has no UTF-8: back to its escape.
            (0xED, &[second @ 0xA0..=0xFF, third, ref tail @ ..]) => {
                let unit = 0xD000 | u32::from(second & 0x3F) << 6 | u32::from(third & 0x3F);
                out.extend(format!("\\u{unit:04x}").bytes());
                rest = tail;
            }
            _ => out.push(byte),
        }
    }
    out
}

/// The text with the edits made; `None` without any. Sorts the edits, which must not overlap.
pub(super) fn apply(body: &[u8], mut edits: Vec<Edit>) -> Option<Vec<u8>> {
    if edits.is_empty() {
        return None;
    }
    edits.sort_unstable_by_key(|edit| edit.start);
    let mut out = Vec::with_capacity(body.len());
    let mut at = 0;
    for Edit { start, end, text } in &edits {
        out.extend_from_slice(body.get(at..*start as usize).unwrap_or_default());
        out.extend_from_slice(text);
        at = *end as usize;
    }
    out.extend_from_slice(body.get(at..).unwrap_or_default());
    Some(out)
}
