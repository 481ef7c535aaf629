//! One parameter's borders, found in one pass, and what its name and value hold.

/// Bits for what a piece of text holds. A byte without any stands for itself everywhere.
pub(super) mod holds {
    /// Something to decode, or to escape in JSON.
    pub(in super::super) const DECODE: u8 = 1;
    /// `=`.
    pub(super) const EQUALS: u8 = 2;
    /// `&`.
    pub(super) const AMPERSAND: u8 = 4;
    /// `$`.
    pub(in super::super) const DOLLAR: u8 = 8;
    /// `.`.
    pub(in super::super) const DOT: u8 = 16;
    /// `[`.
    pub(in super::super) const BRACKET: u8 = 32;
    /// A control character or backslash; of decoded text, where escapes begin with a backslash.
    pub(in super::super) const ESCAPE: u8 = 64;
}

/// Where one parameter starts and ends, and where its name does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) start: usize,
    /// The equals sign that ends the name.
    pub(super) equals: Option<usize>,
    pub(super) end: usize,
    /// What name and value hold.
    pub(super) name: u8,
    pub(super) value: u8,
}

/// What each byte is.
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [holds::DECODE; 256];
    let mut byte = 0_u8;
    while byte < 0x80 {
        #[expect(clippy::indexing_slicing, reason = "evaluated at compile time, below 256")]
        {
            table[byte as usize] = match byte {
                b'%' | b'+' | b'"' => holds::DECODE,
                0..=0x1f | b'\\' => holds::DECODE | holds::ESCAPE,
                b'=' => holds::EQUALS,
                b'&' => holds::AMPERSAND,
                b'$' => holds::DOLLAR,
                b'.' => holds::DOT,
                b'[' => holds::BRACKET,
                _ => 0,
            };
        }
        byte += 1;
    }
    table
}

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(holds::DECODE)
}

/// Whether the byte is more than itself, in a form or in JSON.
pub(super) fn needs_work(byte: u8) -> bool {
    class(byte) & holds::DECODE != 0
}

/// What a text holds, as bits of [`holds`].
pub(super) fn contents(text: &[u8]) -> u8 {
    text.iter().fold(0, |bits, byte| bits | class(*byte))
}

/// The parameter that starts at `start`. For qs the name ends at the first equals sign after `]`, if there
/// is one; otherwise, and always for Node, at the first equals sign.
pub(super) fn part(input: &[u8], start: usize, qs: bool) -> Part {
    let mut part = Part { start, equals: None, end: input.len(), name: 0, value: 0 };
    let mut after_bracket = !qs;
    let rest = input.get(start..).unwrap_or_default();
    for (offset, &byte) in rest.iter().enumerate() {
        let class = class(byte);
        if class == 0 {
            continue;
        }
        if class == holds::AMPERSAND {
            part.end = start + offset;
            break;
        }
        part.value |= class;
        if class == holds::EQUALS && !(after_bracket && part.equals.is_some()) {
            let name = rest.get(..offset).unwrap_or_default();
            let bracket = qs && strip_bracket(name, b']').is_some();
            if bracket || part.equals.is_none() {
                part.equals = Some(start + offset);
                part.name |= part.value;
                part.value = 0;
            }
            after_bracket |= bracket;
        }
    }
    if part.equals.is_none() {
        (part.name, part.value) = (part.value, 0);
    }
    part
}

/// The text before a final bracket, which may be percent-encoded.
pub(super) fn strip_bracket(text: &[u8], bracket: u8) -> Option<&[u8]> {
    match text {
        [before @ .., byte] if *byte == bracket => Some(before),
        [before @ .., b'%', b'5', low] => {
            let encoded = if bracket == b'[' { b'b' } else { b'd' };
            (low.to_ascii_lowercase() == encoded).then_some(before)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_at_the_first_equals_sign_after_a_bracket() {
        let equals = |text: &str, qs| part(text.as_bytes(), 0, qs).equals;
        assert_eq!(equals("a=b]=c", true), Some(4));
        assert_eq!(equals("a=b%5d=c]=", true), Some(6));
        assert_eq!(equals("a=b]=c", false), Some(1));
        assert_eq!(equals("a]b&c=", true), None);
    }
}
