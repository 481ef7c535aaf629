//! What one key is: escapes decoded, patterns recognised.

/// The facts about a decoded key that rules ask for, as bits, whatever the rules do about them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks(u8);

impl Marks {
    pub(super) const PROTO: u8 = 1;
    pub(super) const CONSTRUCTOR: u8 = 2;
    pub(super) const NUL: u8 = 4;
    pub(super) const OPERATOR: u8 = 8;
    pub(super) const DOTTED: u8 = 16;

    /// Looks at a decoded key. Linear in its length.
    pub(super) fn of(key: &[u8]) -> Self {
        let mut bits = match key {
            b"__proto__" => Self::PROTO,
            b"constructor" => Self::CONSTRUCTOR,
            [b'$', ..] => Self::OPERATOR,
            _ => 0,
        };
        let mut after_dot = false;
        for &byte in key {
            bits |= match byte {
                0 => Self::NUL,
                b'.' => Self::DOTTED,
                b'$' if after_dot => Self::OPERATOR,
                _ => 0,
            };
            after_dot = byte == b'.';
        }
        Self(bits)
    }

    /// The marks among `wanted`.
    pub(super) const fn among(self, wanted: u8) -> u8 {
        self.0 & wanted
    }

    /// Whether the mark is there.
    pub(super) const fn has(self, mark: u8) -> bool {
        self.0 & mark != 0
    }
}

/// A backslash that starts no JSON escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BadEscape;

/// Appends the decoded form of a JSON string's inside to `out`.
///
/// The result is UTF-8, except that a lone surrogate, which `JSON.parse` takes, becomes its three
/// bytes of generalized UTF-8. Two keys are the same for JavaScript exactly when these bytes are.
pub(super) fn decode(raw: &[u8], out: &mut Vec<u8>) -> Result<(), BadEscape> {
    let mut rest = raw;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        let (plain, escape) = rest.split_at(at);
        out.extend_from_slice(plain);
        rest = decode_escape(escape, out)?;
    }
    out.extend_from_slice(rest);
    Ok(())
}

/// Decodes the escape (or surrogate pair of escapes) that `text` starts with; gives what follows it.
fn decode_escape<'a>(text: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], BadEscape> {
    let (byte, rest) = match text {
        [b'\\', b'u', rest @ ..] => return decode_unicode(rest, out),
        [b'\\', byte @ (b'"' | b'\\' | b'/'), rest @ ..] => (*byte, rest),
        [b'\\', b'b', rest @ ..] => (8, rest),
        [b'\\', b'f', rest @ ..] => (12, rest),
        [b'\\', b'n', rest @ ..] => (b'\n', rest),
        [b'\\', b'r', rest @ ..] => (b'\r', rest),
        [b'\\', b't', rest @ ..] => (b'\t', rest),
        _ => return Err(BadEscape),
    };
    out.push(byte);
    Ok(rest)
}

/// Decodes what follows `\u`, together with a low surrogate's escape after a high one.
fn decode_unicode<'a>(text: &'a [u8], out: &mut Vec<u8>) -> Result<&'a [u8], BadEscape> {
    let (unit, rest) = hex4(text).ok_or(BadEscape)?;
    if (0xD800..0xDC00).contains(&unit)
        && let [b'\\', b'u', low @ ..] = rest
        && let Some((low @ 0xDC00..=0xDFFF, rest)) = hex4(low)
    {
        push_code_point(0x1_0000 + ((unit - 0xD800) << 10) + (low - 0xDC00), out);
        return Ok(rest);
    }
    push_code_point(unit, out);
    Ok(rest)
}

/// Four hexadecimal digits in either case, and what follows them.
pub(super) fn hex4(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_first_chunk::<4>()?;
    let mut unit = 0;
    for &digit in digits {
        unit = unit << 4 | char::from(digit).to_digit(16)?;
    }
    Some((unit, rest))
}

/// Generalized UTF-8 of a code point, surrogates included.
#[expect(clippy::cast_possible_truncation, reason = "each shift and mask leaves 8 bits at most")]
fn push_code_point(point: u32, out: &mut Vec<u8>) {
    let tail = |shift: u32| (0x80 | (point >> shift & 0x3F)) as u8;
    match point {
        0..0x80 => out.push(point as u8),
        0x80..0x800 => out.extend([(0xC0 | point >> 6) as u8, tail(0)]),
        0x800..0x1_0000 => out.extend([(0xE0 | point >> 12) as u8, tail(6), tail(0)]),
        _ => out.extend([(0xF0 | point >> 18) as u8, tail(12), tail(6), tail(0)]),
    }
}
