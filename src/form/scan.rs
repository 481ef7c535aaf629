//! One parameter's borders, found in one pass.

/// Where one parameter starts and ends, and where its name does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) start: usize,
    pub(super) end: usize,
    /// The first equals sign.
    pub(super) first_equals: Option<usize>,
    /// The equals sign that ends the name for qs: the first one after `]`, otherwise the first.
    pub(super) equals: Option<usize>,
    /// Whether there is anything to decode or to escape.
    pub(super) decode: bool,
}

const PLAIN: u8 = 0;
const DECODE: u8 = 1;
const EQUALS: u8 = 2;
const AMPERSAND: u8 = 3;

/// What each byte means while borders are looked for.
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [DECODE; 256];
    let mut byte = 0x20;
    while byte < 0x80 {
        #[expect(clippy::indexing_slicing, reason = "evaluated at compile time, below 256")]
        {
            table[byte] = match byte as u8 {
                b'%' | b'+' | b'"' | b'\\' => DECODE,
                b'=' => EQUALS,
                b'&' => AMPERSAND,
                _ => PLAIN,
            };
        }
        byte += 1;
    }
    table
}

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(DECODE)
}

/// Whether the byte stands for itself in JSON text.
pub(super) fn is_plain(byte: u8) -> bool {
    class(byte) != DECODE
}

/// The parameter that starts at `start`.
pub(super) fn part(input: &[u8], start: usize) -> Part {
    let mut part = Part { start, end: input.len(), first_equals: None, equals: None, decode: false };
    let mut after_bracket = false;
    let rest = input.get(start..).unwrap_or_default();
    for (offset, &byte) in rest.iter().enumerate() {
        match class(byte) {
            PLAIN => {}
            DECODE => part.decode = true,
            AMPERSAND => {
                part.end = start + offset;
                break;
            }
            _ => {
                let at = start + offset;
                part.first_equals = part.first_equals.or(Some(at));
                if !after_bracket {
                    let name = rest.get(..offset).unwrap_or_default();
                    after_bracket = strip_bracket(name, b']').is_some();
                    if after_bracket || part.equals.is_none() {
                        part.equals = Some(at);
                    }
                }
            }
        }
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
