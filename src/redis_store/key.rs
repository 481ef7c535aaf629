//! The text of a key in Redis: `prefix` + policy + `:{` + key + `}`.
//!
//! The braces make the client's key the hash tag, so that all policies of one client lie in one slot of a
//! cluster and are decided together. A key stands there as it is when it is short and printable; otherwise,
//! and always when there is a secret, its SHA-256 (HMAC) in hex does, after a `~` that no plain key begins
//! with. So nothing that a client sends ends the tag, and no two keys meet.

use super::scripts::hex;
use crate::client_key::{ClientKey, Prefixes};
use ring::{digest, hmac};

const MAX_PLAIN: usize = 64;
/// How many slots a cluster has.
pub const SLOTS: u16 = 16_384;

/// Writes keys of one line.
pub struct KeyWriter {
    prefix: String,
    secret: Option<hmac::Key>,
}

impl KeyWriter {
    /// Keys under this prefix, hashed with this secret.
    #[must_use]
    pub fn new(prefix: &str, secret: Option<&[u8]>) -> Self {
        let secret = secret.map(|secret| hmac::Key::new(hmac::HMAC_SHA256, secret));
        Self { prefix: prefix.to_owned(), secret }
    }

    /// What stands before the keys of a policy.
    #[must_use]
    pub fn head(&self, policy: &str) -> Box<[u8]> {
        format!("{}{policy}:{{", self.prefix).into_bytes().into_boxed_slice()
    }

    /// The pattern of `SCAN` that all keys of a policy match, and no others.
    #[must_use]
    pub fn pattern(&self, policy: &str) -> String {
        let mut pattern = String::new();
        for character in self.prefix.chars().chain(policy.chars()).chain(":{".chars()) {
            if matches!(character, '*' | '?' | '[' | ']' | '\\') {
                pattern.push('\\');
            }
            pattern.push(character);
        }
        pattern + "*"
    }

    /// Appends the key to `bytes`, where the head stands already.
    pub fn append(&self, bytes: &mut Vec<u8>, key: &ClientKey<'_>, prefixes: Prefixes) {
        let text = key.to_text_with(prefixes);
        match &self.secret {
            Some(secret) => append_hash(bytes, hmac::sign(secret, text.as_bytes()).as_ref()),
            None if is_plain(text.as_bytes()) => bytes.extend_from_slice(text.as_bytes()),
            None => {
                append_hash(bytes, digest::digest(&digest::SHA256, text.as_bytes()).as_ref());
            }
        }
        bytes.push(b'}');
    }
}

fn append_hash(bytes: &mut Vec<u8>, hash: &[u8]) {
    bytes.push(b'~');
    bytes.extend_from_slice(hex(hash).as_bytes());
}

fn is_plain(text: &[u8]) -> bool {
    let is_printable = |byte: &u8| (b'!'..=b'~').contains(byte) && !matches!(byte, b'{' | b'}');
    (1..=MAX_PLAIN).contains(&text.len())
        && text.first() != Some(&b'~')
        && text.iter().all(is_printable)
}

/// The slot of a key: CRC16 (XMODEM) of its hash tag, or of all of it when it has none.
#[must_use]
pub fn slot(key: &[u8]) -> u16 {
    let tag = key.iter().position(|byte| *byte == b'{').and_then(|open| {
        let rest = key.get(open + 1..)?;
        let close = rest.iter().position(|byte| *byte == b'}')?;
        rest.get(..close).filter(|tag| !tag.is_empty())
    });
    crc16(tag.unwrap_or(key)) % SLOTS
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        let index = usize::from((crc >> 8) as u8 ^ byte);
        crc << 8 ^ CRC_TABLE.get(index).copied().unwrap_or(0)
    })
}

static CRC_TABLE: [u16; 256] = crc_table();

#[expect(
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "evaluated by the compiler, which checks the bounds; the byte is below 256"
)]
const fn crc_table() -> [u16; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = (byte as u16) << 8;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(writer: &KeyWriter, policy: &str, key: &str) -> String {
        let units: Vec<u16> = key.encode_utf16().collect();
        let mut bytes = writer.head(policy).to_vec();
        writer.append(&mut bytes, &ClientKey::parse(&units, 56), Prefixes::default());
        String::from_utf8(bytes).unwrap()
    }

    // S-11
    #[test]
    fn no_two_keys_meet() {
        let writer = KeyWriter::new("app:", None);
        let keys = [
            ("a:b", "c"),
            ("a", "b:c"),
            ("a", "{b}c"),
            ("a", "b}"),
            ("a", ""),
            ("a", "~"),
            ("a", "x\0"),
            ("a", "x\r\n"),
            ("a", "__proto__"),
            ("a", "constructor"),
            ("a", "é"),
        ];
        let mut texts: Vec<_> =
            keys.iter().map(|(policy, key)| text_of(&writer, policy, key)).collect();
        texts.push(text_of(&writer, "a", &"k".repeat(1 << 20)));
        texts.push(text_of(&writer, "a", &"k".repeat(65)));
        let hash = texts[4]["app:a:{".len()..].to_owned();
        texts.push(text_of(&writer, "a", &hash));
        for (index, text) in texts.iter().enumerate() {
            assert!(text.len() < 128, "{text}");
            assert_eq!(text.matches(['{', '}']).count(), 2, "{text}");
            assert!(!texts[..index].contains(text), "{text}");
        }
        assert_eq!(text_of(&writer, "default", "192.0.2.1"), "app:default:{192.0.2.1}");
    }

    #[test]
    fn a_secret_hides_every_key() {
        let (one, other) = (KeyWriter::new("", Some(b"s")), KeyWriter::new("", Some(b"t")));
        let text = text_of(&one, "p", "192.0.2.1");
        assert!(!text.contains("192.0.2.1"));
        assert_ne!(text, text_of(&other, "p", "192.0.2.1"));
    }

    #[test]
    fn slots_are_those_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        assert_eq!(slot(b"foo"), 12_182);
        assert_eq!(slot(b"{user1000}.following"), slot(b"{user1000}.followers"));
        assert_eq!(slot(b"foo{}{bar}"), crc16(b"foo{}{bar}") % SLOTS);
        assert_eq!(slot(b"foo{{bar}}zap"), crc16(b"{bar") % SLOTS);
        assert_eq!(slot(b"app:a:{192.0.2.1}"), slot(b"app:b:{192.0.2.1}"));
    }

    #[test]
    fn a_pattern_matches_its_own_policy_alone() {
        assert_eq!(KeyWriter::new("a*b[c]:", None).pattern("p?"), "a\\*b\\[c\\]:p\\?:{*");
    }
}
