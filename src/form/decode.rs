//! One name or value of a form to escaped text: plus signs, percent escapes, charsets.
//!
//! The rules are those of qs 6.17 (`decode` in its `utils.js`) and of Node's `querystring.unescape`:
//! an escape sequence that is not UTF-8 leaves the whole piece undecoded in qs, and becomes U+FFFD in
//! Node.

use super::escape::{push_ascii, push_char, push_unit};
use super::scan;
use super::source::{Charset, Source};

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

/// What a percent sign means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Percent {
    /// The start of an escape of UTF-8, or an error: `decodeURIComponent`.
    Utf8,
    /// The start of an escape of one character, or itself: `unescape`, without `%uXXXX`.
    Latin1,
    /// Itself, except in `%5B` and `%5D`.
    Brackets,
    /// Itself.
    Literal,
}

/// Why a piece was not decoded.
enum Failure {
    /// An escape that is none, or not UTF-8.
    Malformed,
    InvalidUtf8,
}

impl Decoder {
    /// Appends `raw` as qs decodes it. `%5B` and `%5D` are brackets even where the rest of the piece
    /// cannot be decoded, because qs replaces them first.
    pub(super) fn push_qs(self, out: &mut Vec<u8>, raw: &[u8]) -> Result<(), InvalidUtf8> {
        let percent = match self.source.escapes {
            Charset::Utf8 => Percent::Utf8,
            Charset::Iso88591 => Percent::Latin1,
        };
        let start = out.len();
        self.push(out, raw, percent).or_else(|failure| match failure {
            Failure::InvalidUtf8 => Err(InvalidUtf8),
            Failure::Malformed => {
                out.truncate(start);
                self.push(out, raw, Percent::Brackets).map_err(|_| InvalidUtf8)
            }
        })
    }

    /// Appends `raw` as Node's `querystring` decodes it. `encoded` is that module's own guess whether
    /// there is something to decode (see [`super::simple`]).
    pub(super) fn push_node(
        self,
        out: &mut Vec<u8>,
        raw: &[u8],
        encoded: bool,
    ) -> Result<(), InvalidUtf8> {
        let start = out.len();
        let percent = if encoded { Percent::Utf8 } else { Percent::Literal };
        self.push(out, raw, percent).or_else(|failure| match failure {
            Failure::InvalidUtf8 => Err(InvalidUtf8),
            Failure::Malformed => {
                out.truncate(start);
                let bytes = super::simple::unescape_buffer(raw, self.source.raw);
                push_utf8_lossy(out, &bytes);
                Ok(())
            }
        })
    }

    /// Appends `raw`, runs of plain bytes at once.
    fn push(self, out: &mut Vec<u8>, raw: &[u8], percent: Percent) -> Result<(), Failure> {
        out.reserve(raw.len());
        let mut rest = raw;
        while let Some(at) = rest.iter().position(|byte| scan::needs_work(*byte)) {
            let (plain, special) = rest.split_at(at);
            out.extend_from_slice(plain);
            let used = match special {
                [b'+', ..] => {
                    out.push(b' ');
                    1
                }
                [b'%', ..] => push_percent(out, special, percent)?,
                [byte, ..] if byte.is_ascii() => {
                    push_ascii(out, *byte);
                    1
                }
                _ => self.push_beyond_ascii(out, special)?,
            };
            rest = special.get(used..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
        Ok(())
    }

    /// Appends the raw bytes above U+007F that `text` starts with; gives their number.
    fn push_beyond_ascii(self, out: &mut Vec<u8>, text: &[u8]) -> Result<usize, Failure> {
        let end = text.iter().position(u8::is_ascii).unwrap_or(text.len());
        let bytes = text.get(..end).unwrap_or_default();
        if self.source.raw == Charset::Iso88591 {
            for byte in bytes {
                push_unit(out, u32::from(*byte));
            }
        } else if self.strict_utf8 && std::str::from_utf8(bytes).is_err() {
            return Err(Failure::InvalidUtf8);
        } else {
            push_utf8_lossy(out, bytes);
        }
        Ok(end)
    }
}

/// Appends what a percent sign at the start of `text` means; gives the number of bytes it took.
fn push_percent(out: &mut Vec<u8>, text: &[u8], percent: Percent) -> Result<usize, Failure> {
    match (hex_pair(text), percent) {
        (Some(byte), Percent::Utf8 | Percent::Latin1) if byte.is_ascii() => push_ascii(out, byte),
        (Some(lead), Percent::Utf8) => {
            let (character, used) = utf8_escapes(lead, text).ok_or(Failure::Malformed)?;
            push_char(out, character);
            return Ok(used);
        }
        (Some(byte), Percent::Latin1) => push_unit(out, u32::from(byte)),
        (Some(bracket @ (b'[' | b']')), Percent::Brackets) => out.push(bracket),
        (None, Percent::Utf8) => return Err(Failure::Malformed),
        (_, Percent::Latin1 | Percent::Brackets | Percent::Literal) => {
            out.push(b'%');
            return Ok(1);
        }
    }
    Ok(3)
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
    let (count, bits, least) = match lead {
        0xc2..=0xdf => (2, lead & 0x1f, 0x80),
        0xe0..=0xef => (3, lead & 0x0f, 0x800),
        0xf0..=0xf4 => (4, lead & 0x07, 0x1_0000),
        _ => return None,
    };
    let mut code = u32::from(bits);
    for position in 1..count {
        let byte = hex_pair(text.get(position * 3..)?)?;
        if byte & 0xc0 != 0x80 {
            return None;
        }
        code = code << 6 | u32::from(byte & 0x3f);
    }
    let character = char::from_u32(code).filter(|_| code >= least)?;
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
