//! Writes commands: arrays of bulk strings, which both protocols take.

/// Bytes to be sent, of one command or several.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wire(pub Vec<u8>);

impl Wire {
    /// One command of these words.
    #[must_use]
    pub fn of(words: &[&[u8]]) -> Self {
        let mut wire = Self::default();
        wire.begin(words.len());
        for word in words {
            wire.word(word);
        }
        wire
    }

    /// Begins a command of so many words.
    pub fn begin(&mut self, words: usize) {
        self.0.push(b'*');
        self.decimal(words as u64);
    }

    /// The next word.
    pub fn word(&mut self, bytes: &[u8]) {
        self.0.push(b'$');
        self.decimal(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
    }

    fn decimal(&mut self, number: u64) {
        append_decimal(&mut self.0, number);
        self.0.extend_from_slice(b"\r\n");
    }
}

/// Appends the digits of `number`.
pub fn append_decimal(bytes: &mut Vec<u8>, mut number: u64) {
    let start = bytes.len();
    loop {
        let digit = u8::try_from(number % 10).unwrap_or(0);
        bytes.push(b'0' + digit);
        number /= 10;
        if number == 0 {
            break;
        }
    }
    if let Some(digits) = bytes.get_mut(start..) {
        digits.reverse();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_arrays_of_bulk_strings() {
        let wire = Wire::of(&[b"SET", b"a\r\n", b""]);
        assert_eq!(wire.0, b"*3\r\n$3\r\nSET\r\n$3\r\na\r\n\r\n$0\r\n\r\n");
    }

    #[test]
    fn writes_decimals() {
        for number in [0, 9, 10, 1_234_567, u64::MAX] {
            let mut bytes = Vec::new();
            append_decimal(&mut bytes, number);
            assert_eq!(bytes, number.to_string().as_bytes());
        }
    }
}
