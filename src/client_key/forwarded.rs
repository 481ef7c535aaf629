//! The `Forwarded` header (RFC 7239): where its elements part, and whom one of them names.

use super::list::{COMMA, trim};

const QUOTE: u16 = b'"' as u16;
const BACKSLASH: u16 = b'\\' as u16;
const SEMICOLON: u16 = b';' as u16;
const EQUALS: u16 = b'=' as u16;

/// The last comma outside of quoted strings. Quotes are paired from the right, so a quote that a sender
/// leaves open on the left cannot swallow what a proxy appends.
pub(super) fn last_comma(text: &[u16]) -> Option<usize> {
    let mut is_quoted = false;
    for (index, unit) in text.iter().enumerate().rev() {
        match *unit {
            // Going left inside a string, a quote with an odd number of backslashes before it belongs to it.
            QUOTE if is_quoted => is_quoted = backslashes_before(text, index) % 2 == 1,
            QUOTE => is_quoted = true,
            COMMA if !is_quoted => return Some(index),
            _ => {}
        }
    }
    None
}

fn backslashes_before(text: &[u16], index: usize) -> usize {
    let before = text.get(..index).unwrap_or_default();
    before.iter().rev().take_while(|unit| **unit == BACKSLASH).count()
}

/// The text of the one `for` parameter's node name in an element, without quotes and without an obfuscated
/// port. `None` when there is no such parameter or more than one, and for a malformed element. The result
/// may still be `unknown` or an obfuscated name such as `_hidden` (section 6).
pub(super) fn node(element: &[u16]) -> Option<&[u16]> {
    let mut found = None;
    let mut rest = Some(element);
    while let Some(text) = rest {
        let end = end_of_pair(text)?;
        rest = text.get(end + 1..);
        let pair = trim(text.get(..end)?);
        if pair.is_empty() {
            continue;
        }
        let equals = pair.iter().position(|unit| *unit == EQUALS)?;
        if is_for(pair.get(..equals)?) {
            let value = unquote(pair.get(equals + 1..)?)?;
            if found.replace(value).is_some() {
                return None;
            }
        }
    }
    found.map(without_obfuscated_port)
}

/// The first semicolon outside of quoted strings, or the end; `None` when a string is left open.
fn end_of_pair(text: &[u16]) -> Option<usize> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    for (index, unit) in text.iter().enumerate() {
        match *unit {
            _ if is_escaped => is_escaped = false,
            BACKSLASH if is_quoted => is_escaped = true,
            QUOTE => is_quoted = !is_quoted,
            SEMICOLON if !is_quoted => return Some(index),
            _ => {}
        }
    }
    (!is_quoted).then_some(text.len())
}

fn is_for(name: &[u16]) -> bool {
    let lower = |unit: u16| if (0x41..=0x5a).contains(&unit) { unit | 0x20 } else { unit };
    name.iter().copied().map(lower).eq("for".encode_utf16())
}

/// The value without its quotes. An address needs no escape, so what has one stays as it is and reads as
/// none.
fn unquote(value: &[u16]) -> Option<&[u16]> {
    match value {
        [QUOTE, inner @ .., QUOTE] => (!inner.contains(&QUOTE)).then_some(inner),
        _ => (!value.contains(&QUOTE)).then_some(value),
    }
}

/// `192.0.2.43:_sUzE3` names a port that its proxy keeps to itself (section 6).
fn without_obfuscated_port(node: &[u16]) -> &[u16] {
    let mark = [u16::from(b':'), u16::from(b'_')];
    let start = node.windows(2).rposition(|pair| pair == mark);
    start.and_then(|start| node.get(..start)).unwrap_or(node)
}
