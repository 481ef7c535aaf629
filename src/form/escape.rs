//! Characters to the inside of a JSON string, in ASCII (RFC 8259, section 7).

const HEX: &[u8; 16] = b"0123456789abcdef";

/// The hexadecimal digit of the low four bits of `nibble`.
fn digit(nibble: u32) -> u8 {
    HEX.get((nibble & 15) as usize).copied().unwrap_or(b'0')
}

/// Appends `\uXXXX` for one UTF-16 code unit, lone surrogates included.
pub(super) fn push_unit(out: &mut Vec<u8>, unit: u32) {
    let digits = [digit(unit >> 12), digit(unit >> 8), digit(unit >> 4), digit(unit)];
    let [first, second, third, fourth] = digits;
    out.extend_from_slice(&[b'\\', b'u', first, second, third, fourth]);
}

/// Appends one byte of ASCII, escaped where JSON asks for it.
pub(super) fn push_ascii(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
        0..=0x1f => push_unit(out, u32::from(byte)),
        _ => out.push(byte),
    }
}

/// Appends any character.
pub(super) fn push_char(out: &mut Vec<u8>, character: char) {
    let code = u32::from(character);
    match u8::try_from(code) {
        Ok(byte) if byte.is_ascii() => return push_ascii(out, byte),
        _ if code < 0x1_0000 => return push_unit(out, code),
        _ => {}
    }
    let mut units = [0; 2];
    for unit in character.encode_utf16(&mut units) {
        push_unit(out, u32::from(*unit));
    }
}

/// The escaped form of a text.
pub(super) fn escape_all(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    text.chars().for_each(|character| push_char(&mut out, character));
    out
}

/// Makes JSON text ASCII.
pub(super) fn to_ascii(json: Vec<u8>) -> Vec<u8> {
    if json.is_ascii() {
        return json;
    }
    let mut out = Vec::with_capacity(json.len() + 16);
    for character in String::from_utf8_lossy(&json).chars() {
        // Everything in ASCII is text of JSON here, quotes and backslashes included.
        match u8::try_from(character) {
            Ok(byte) if byte.is_ascii() => out.push(byte),
            _ => push_char(&mut out, character),
        }
    }
    out
}

/// The text that `escaped`, made by this module, stands for; a lone surrogate becomes U+FFFD. For paths
/// and for rules that look at decoded names.
pub(super) fn unescape(escaped: &[u8]) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((&byte, after)) = rest.split_first() {
        (units, rest) = match (byte, after) {
            (b'\\', [b'u', tail @ ..]) => {
                let (digits, tail) = tail.split_at(tail.len().min(4));
                let value = digits.iter().fold(0, |sum: u32, digit| {
                    sum * 16 + char::from(*digit).to_digit(16).unwrap_or_default()
                });
                units.push(u16::try_from(value).unwrap_or(0xfffd));
                (units, tail)
            }
            (b'\\', [quoted, tail @ ..]) => {
                units.push(u16::from(*quoted));
                (units, tail)
            }
            _ => {
                units.push(u16::from(byte));
                (units, after)
            }
        };
    }
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_is_ascii_and_reversible() {
        let mut out = Vec::new();
        let text = "a\"\\\n\u{0}é✓😀\u{7f}";
        text.chars().for_each(|character| push_char(&mut out, character));
        assert_eq!(out, b"a\\\"\\\\\\u000a\\u0000\\u00e9\\u2713\\ud83d\\ude00\x7f");
        assert_eq!(unescape(&out), text);
    }
}
