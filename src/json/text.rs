//! The string that `JSON.parse` gets, built where V8's own UTF-8 decoder is slow.
//!
//! Text with non-ASCII characters becomes either Latin-1, with what does not fit written as `\uXXXX`,
//! or UTF-16. Latin-1 keeps V8 on its one-byte strings: half the memory, and the faster parser.

use super::scanner::TextFacts;

/// Characters above U+00FF for each thousand bytes up to which Latin-1 with escapes is taken.
///
/// Measured with `JSON.parse` of V8 11.3 on records of 30 kB, string creation included: Latin-1 wins up to
/// about 10 in a thousand, and loses 4 % at 20, for half the memory.
pub const WIDE_PER_MILLE: usize = 16;

/// Elements of a buffer that stay allocated between bodies.
const KEEP_MAX: usize = 1 << 20;

/// A body as V8 takes it fastest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Text<'a> {
    /// The body's own bytes: ASCII, thus Latin-1 as they are.
    Ascii(&'a [u8]),
    /// Latin-1, the characters above U+00FF as escapes.
    Latin1(&'a [u8]),
    /// UTF-16.
    Utf16(&'a [u16]),
}

/// Buffers for the text of one body at a time, to be kept and used again. What exceeds 3 MB is given back
/// at the next body.
#[derive(Debug, Default)]
pub struct TextBuffers {
    latin1: Vec<u8>,
    utf16: Vec<u16>,
}

impl TextBuffers {
    /// Builds the text of a body that [`super::scan`] did not refuse, from the facts it gave.
    ///
    /// Linear; tries Latin-1 and goes over to UTF-16 as soon as the body is seen to exceed
    /// [`WIDE_PER_MILLE`].
    pub fn build<'a>(&'a mut self, body: &'a [u8], facts: TextFacts) -> Text<'a> {
        if facts.is_ascii() {
            return Text::Ascii(body);
        }
        self.latin1.clear();
        self.latin1.shrink_to(KEEP_MAX);
        self.utf16.clear();
        self.utf16.shrink_to(KEEP_MAX);
        let most = body.len().saturating_mul(WIDE_PER_MILLE) / 1_000;
        if latin1_within(body, most, &mut self.latin1) {
            Text::Latin1(&self.latin1)
        } else {
            utf16_into(body, &mut self.utf16);
            Text::Utf16(&self.utf16)
        }
    }
}

/// Replaces what `out` holds by the body in Latin-1: characters above U+00FF become `\uXXXX`.
///
/// `body` is UTF-8 that is to be JSON, in which such characters stand inside strings only; anywhere else
/// the escape is as malformed as the character was. At most three bytes come out for each of `body`.
/// Invalid UTF-8 does not panic; each wrong byte becomes `?`.
pub fn latin1_into(body: &[u8], out: &mut Vec<u8>) {
    latin1_within(body, usize::MAX, out);
}

/// The same, given up with `false` when more than `most` characters are above U+00FF.
fn latin1_within(body: &[u8], most: usize, out: &mut Vec<u8>) -> bool {
    let mut left = most;
    out.clear();
    out.reserve(body.len());
    let mut rest = body;
    while !rest.is_empty() {
        let (ascii, others) = rest.split_at(ascii_prefix(rest));
        out.extend_from_slice(ascii);
        rest = others;
        while let Some((point, after)) = split_non_ascii(rest) {
            rest = after;
            if let Ok(byte) = u8::try_from(point) {
                out.push(byte);
            } else if left == 0 {
                return false;
            } else if ends_in_escape(out) {
                // `\` before the character is malformed, but `\\uXXXX` would be well formed.
                out.push(b'?');
            } else {
                left -= 1;
                push_escapes(point, out);
            }
        }
    }
    true
}

/// Replaces what `out` holds by the body in UTF-16, for `body` as for [`latin1_into`]. At most one unit
/// comes out for each byte.
pub fn utf16_into(body: &[u8], out: &mut Vec<u16>) {
    out.clear();
    out.reserve(body.len());
    let mut rest = body;
    while !rest.is_empty() {
        let (ascii, others) = rest.split_at(ascii_prefix(rest));
        out.extend(ascii.iter().map(|&byte| u16::from(byte)));
        rest = others;
        while let Some((point, after)) = split_non_ascii(rest) {
            rest = after;
            match u16::try_from(point) {
                Ok(unit) => out.push(unit),
                Err(_) => out.extend(surrogates(point)),
            }
        }
    }
}

/// How many bytes are ASCII from the start on.
fn ascii_prefix(bytes: &[u8]) -> usize {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let (words, tail) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let high = u64::from_le_bytes(*word) & HIGH;
        if high != 0 {
            return at * 8 + high.trailing_zeros() as usize / 8;
        }
    }
    words.len() * 8 + tail.iter().take_while(|byte| byte.is_ascii()).count()
}

/// The code point that the bytes start with, unless it is ASCII, and what follows.
fn split_non_ascii(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let tail = |byte: &u8| u32::from(byte & 0x3F);
    match bytes {
        [0..0x80, ..] | [] => None,
        [first @ 0xC2..0xE0, second, rest @ ..] => {
            Some((u32::from(first & 0x1F) << 6 | tail(second), rest))
        }
        [first @ 0xE0..0xF0, second, third, rest @ ..] => {
            let high = u32::from(first & 0x0F) << 12;
            Some((high | tail(second) << 6 | tail(third), rest))
        }
        [first @ 0xF0..0xF5, second, third, fourth, rest @ ..] => {
            let high = u32::from(first & 0x07) << 18 | tail(second) << 12;
            Some((high | tail(third) << 6 | tail(fourth), rest))
        }
        [_, rest @ ..] => Some((u32::from(b'?'), rest)),
    }
}

/// Whether an odd number of backslashes ends the text, so that the next character is escaped.
fn ends_in_escape(text: &[u8]) -> bool {
    text.iter().rev().take_while(|&&byte| byte == b'\\').count() % 2 == 1
}

/// Both halves of a code point above U+FFFF.
#[expect(clippy::cast_possible_truncation, reason = "at most 21 bits come in")]
const fn surrogates(point: u32) -> [u16; 2] {
    let offset = point.wrapping_sub(0x1_0000);
    [0xD800 | (offset >> 10) as u16 & 0x3FF, 0xDC00 | offset as u16 & 0x3FF]
}

fn push_escapes(point: u32, out: &mut Vec<u8>) {
    match u16::try_from(point) {
        Ok(unit) => out.extend(escape(unit)),
        Err(_) => surrogates(point).into_iter().for_each(|unit| out.extend(escape(unit))),
    }
}

fn escape(unit: u16) -> [u8; 6] {
    let hex = |shift: u16| {
        let digit = (unit >> shift & 0xF).to_le_bytes()[0];
        if digit < 10 { b'0' + digit } else { b'a' + digit - 10 }
    };
    [b'\\', b'u', hex(12), hex(8), hex(4), hex(0)]
}
