//! One name or value of a form to escaped text: plus signs, percent escapes, charsets.
//!
//! The rules are those of qs 6.17 (`decode` in its `utils.js`) and of Node's `querystring.unescape`:
//! an escape sequence that is not UTF-8 leaves the whole piece undecoded in qs, and becomes U+FFFD in
//! Node.

use super::escape::{push_ascii, push_char, push_unit};
use super::options::{Charset, Source};

/// The piece holds bytes that are not UTF-8, and the options refuse those.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct InvalidUtf8;

/// How the pieces of one request are decoded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decoder {
    /// Meaning of raw bytes and of escapes.
    pub(super) source: Source,
    /// Refuse raw bytes that are not UTF-8 instead of reading U+FFFD.
    pub(super) strict_utf8: bool,
}

impl Decoder {
    /// Appends `raw` as qs decodes it. `%5B` and `%5D` are brackets even where the rest of the piece
    /// cannot be decoded, because qs replaces them first.
    pub(super) fn push_qs(self, out: &mut Vec<u8>, raw: &[u8]) -> Result<(), InvalidUtf8> {
        let start = out.len();
        if self.try_push(out, raw, true)? {
            return Ok(());
        }
        out.truncate(start);
        let mut rest = raw;
        while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
            let (before, after) = rest.split_at(at);
            self.push_raw(out, before)?;
            let bracket = hex_pair(after).filter(|byte| matches!(byte, b'[' | b']'));
            out.push(bracket.unwrap_or(b'%'));
            rest = after.get(if bracket.is_some() { 3 } else { 1 }..).unwrap_or_default();
        }
        self.push_raw(out, rest)
    }

    /// Appends `raw` as Node's `querystring` decodes it. `encoded` is that module's own guess whether
    /// there is something to decode (see [`super::simple`]).
    pub(super) fn push_node(
        self,
        out: &mut Vec<u8>,
        raw: &[u8],
        encoded: bool,
    ) -> Result<(), InvalidUtf8> {
        if !encoded {
            return self.push_raw(out, raw);
        }
        let start = out.len();
        if self.try_push(out, raw, false)? {
            return Ok(());
        }
        out.truncate(start);
        let bytes = super::simple::unescape_buffer(raw, self.source.raw);
        push_utf8_lossy(out, &bytes);
        Ok(())
    }

    /// Decodes every escape; `false` when one is malformed, as `decodeURIComponent` throws.
    fn try_push(self, out: &mut Vec<u8>, raw: &[u8], qs: bool) -> Result<bool, InvalidUtf8> {
        let latin = qs && self.source.escapes == Charset::Iso88591;
        let mut rest = raw;
        while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
            let (before, after) = rest.split_at(at);
            self.push_raw(out, before)?;
            let used = match hex_pair(after) {
                Some(byte @ 0..=0x7f) => {
                    push_ascii(out, byte);
                    3
                }
                Some(byte) if latin => {
                    push_char(out, char::from(byte));
                    3
                }
                Some(lead) => {
                    let Some((character, used)) = utf8_escapes(lead, after) else {
                        return Ok(false);
                    };
                    push_char(out, character);
                    used
                }
                None if latin => {
                    out.push(b'%');
                    1
                }
                None => return Ok(false),
            };
            rest = after.get(used..).unwrap_or_default();
        }
        self.push_raw(out, rest)?;
        Ok(true)
    }

    /// Appends bytes that hold no escapes; a plus sign is a space.
    fn push_raw(self, out: &mut Vec<u8>, raw: &[u8]) -> Result<(), InvalidUtf8> {
        if raw.is_ascii() {
            for byte in raw {
                push_unplussed(out, *byte);
            }
        } else if self.source.raw == Charset::Iso88591 {
            for byte in raw {
                if byte.is_ascii() {
                    push_unplussed(out, *byte);
                } else {
                    push_unit(out, u32::from(*byte));
                }
            }
        } else {
            if self.strict_utf8 && std::str::from_utf8(raw).is_err() {
                return Err(InvalidUtf8);
            }
            let start = out.len();
            push_utf8_lossy(out, raw);
            replace_pluses(out, start);
        }
        Ok(())
    }
}

/// One byte of ASCII, a plus sign as a space.
fn push_unplussed(out: &mut Vec<u8>, byte: u8) {
    push_ascii(out, if byte == b'+' { b' ' } else { byte });
}

/// Plus signs of what was appended since `start` to spaces; no escape contains one.
fn replace_pluses(out: &mut [u8], start: usize) {
    for byte in out.get_mut(start..).unwrap_or_default() {
        if *byte == b'+' {
            *byte = b' ';
        }
    }
}

/// UTF-8 with U+FFFD for each ill-formed subsequence, as the WHATWG decoder and Node do.
fn push_utf8_lossy(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        chunk.valid().chars().for_each(|character| push_char(out, character));
        if !chunk.invalid().is_empty() {
            push_unit(out, 0xfffd);
        }
    }
}

/// The byte that `%XX` at the start of `text` stands for.
pub(super) fn hex_pair(text: &[u8]) -> Option<u8> {
    match text {
        [b'%', high, low, ..] => Some((hex_digit(*high)? << 4) | hex_digit(*low)?),
        _ => None,
    }
}

/// The value of one hexadecimal digit.
pub(super) fn hex_digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The character that a run of escapes at the start of `text` spells in UTF-8, and the bytes it takes.
/// Overlong forms, surrogates and truncated sequences are none (RFC 3629).
fn utf8_escapes(lead: u8, text: &[u8]) -> Option<(char, usize)> {
    let count = match lead {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let mut bytes = [lead, 0, 0, 0];
    for (position, byte) in bytes.iter_mut().enumerate().take(count).skip(1) {
        *byte = hex_pair(text.get(position * 3..)?)?;
    }
    let character = std::str::from_utf8(bytes.get(..count)?).ok()?.chars().next()?;
    Some((character, count * 3))
}

/// Replaces `&#1234;` in the escaped text since `start`, as qs does for ISO-8859-1 values: UTF-16 units
/// beyond the last code point wrap, lone surrogates stay.
pub(super) fn interpret_entities(out: &mut Vec<u8>, start: usize) {
    let Some(text) = out.get(start..).filter(|text| text.windows(2).any(|pair| pair == b"&#"))
    else {
        return;
    };
    let text = text.to_vec();
    out.truncate(start);
    let mut rest = text.as_slice();
    while let Some((&byte, after)) = rest.split_first() {
        if let Some((number, tail)) = numeric_entity(rest) {
            push_code(out, number);
            rest = tail;
        } else {
            out.push(byte);
            rest = after;
        }
    }
}

/// The number of an entity at the start of `text`, and what follows it.
fn numeric_entity(text: &[u8]) -> Option<(f64, &[u8])> {
    let digits = text.strip_prefix(b"&#")?;
    let count = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    let (number, tail) = digits.split_at(count);
    let tail = tail.strip_prefix(b";").filter(|_| count > 0)?;
    Some((std::str::from_utf8(number).ok()?.parse().ok()?, tail))
}

/// `String.fromCharCode` of qs: pairs for code points above U+FFFF, modulo 2^16 beyond U+10FFFF.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a remainder < 2^32")]
fn push_code(out: &mut Vec<u8>, number: f64) {
    let code = if number <= 1_114_111.0 { number as u32 } else { (number % 65_536.0) as u32 };
    match char::from_u32(code) {
        Some(character) => push_char(out, character),
        None => push_unit(out, code),
    }
}
