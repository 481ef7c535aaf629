//! What is peculiar to Node's `querystring.parse`, the "simple" parser of Express.
//!
//! It decodes a piece only when it saw an escape in it, and it notices escapes with a small state machine
//! whose oddities can be observed with malformed escapes next to characters beyond ASCII. When
//! `decodeURIComponent` refuses, the piece is decoded byte by byte instead.

use super::decode::hex_digit;
use super::source::Charset;

/// What the state machine of `querystring.parse` found in one parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Encoded {
    /// The name is to be decoded.
    pub(super) key: bool,
    /// The value is to be decoded.
    pub(super) value: bool,
}

impl Encoded {
    /// Follows `querystring.parse` over one parameter, without its separator.
    pub(super) fn detect(part: &[u8]) -> Self {
        let mut found = Self::default();
        let mut digits = 0_u8;
        let mut in_key = true;
        for &byte in part {
            if in_key {
                if byte == b'=' {
                    digits = 0;
                    in_key = false;
                    continue;
                }
                if !found.key && (byte == b'%' || digits > 0 && hex_digit(byte).is_some()) {
                    found.key = advance(&mut digits, byte);
                    continue;
                }
                // A second escape in the name falls through to the check for values, as in Node.
                digits = if found.key { digits } else { 0 };
            }
            if byte != b'+' && !found.value {
                found.value = advance(&mut digits, byte);
            }
        }
        found
    }
}

/// One step of the machine: `true` after a percent sign and two digits.
fn advance(digits: &mut u8, byte: u8) -> bool {
    *digits = match byte {
        b'%' => 1,
        _ if *digits > 0 && hex_digit(byte).is_some() => digits.saturating_add(1),
        _ => 0,
    };
    *digits == 3
}

/// `querystring.unescapeBuffer`: each UTF-16 unit cut to a byte, escapes where both digits are there.
pub(super) fn unescape_buffer(raw: &[u8], charset: Charset) -> Vec<u8> {
    let units = utf16(raw, charset);
    let mut out = Vec::with_capacity(units.len());
    let mut rest = units.as_slice();
    while let Some((&unit, after)) = rest.split_first() {
        if let [0x25, high, low, tail @ ..] = rest
            && let (Some(high), Some(low)) = (unit_digit(*high), unit_digit(*low))
        {
            out.push((high << 4) | low);
            rest = tail;
        } else {
            let [low_byte, _] = unit.to_le_bytes();
            out.push(if unit == 0x2b { b' ' } else { low_byte });
            rest = after;
        }
    }
    out
}

/// The value of a digit; a unit beyond ASCII is none, whatever its low byte.
fn unit_digit(unit: u16) -> Option<u8> {
    u8::try_from(unit).ok().and_then(hex_digit)
}

/// The UTF-16 units of the text.
fn utf16(raw: &[u8], charset: Charset) -> Vec<u16> {
    match charset {
        Charset::Iso88591 => raw.iter().map(|byte| u16::from(*byte)).collect(),
        Charset::Utf8 => String::from_utf8_lossy(raw).encode_utf16().collect(),
    }
}
