//! The part of the walk that looks at keys.
#![expect(clippy::inline_always, reason = "must melt into the version for each instruction set")]
#![expect(clippy::cast_possible_truncation, reason = "texts of 4 GiB and more are refused before")]

use super::duplicates::Added;
use super::keys::{self, Marks};
use super::plan::Halt;
use super::refusal::RefusalKind;
use super::walk::Walk;

/// `__proto__` as [`Walk::key`] reads it.
const PROTO: u128 = u128::from_le_bytes(*b"__proto__\0\0\0\0\0\0\0");
/// `constructor`, likewise.
const CONSTRUCTOR: u128 = u128::from_le_bytes(*b"constructor\0\0\0\0\0");

/// Masks for the first 0 to 16 bytes of a little-endian number.
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const HEADS: [u128; 17] = {
    let mut heads = [u128::MAX; 17];
    let mut length = 0;
    while length < 16 {
        heads[length] = (1 << (8 * length)) - 1;
        length += 1;
    }
    heads
};

impl Walk<'_> {
    /// Looks at the key between the quotes `open` and `close`, whose colon is at `colon`.
    #[inline(always)]
    pub(super) fn key(
        &mut self,
        open: usize,
        close: usize,
        special: usize,
        colon: usize,
    ) -> Result<(), Halt> {
        self.keys += 1;
        if self.keys > self.plan.keys {
            return self.halt(RefusalKind::TooManyKeys, open);
        }
        let start = open + 1;
        let length = close.wrapping_sub(start);
        let bytes = self.body.get(start..).and_then(<[u8]>::first_chunk::<16>);
        let Some((bytes, mask)) = bytes.zip(HEADS.get(length)).filter(|_| special <= open) else {
            return self.long_key(open, close, colon);
        };
        let word = u128::from_le_bytes(*bytes) & mask;
        self.check_length(length, open)?;
        if word as u64 == PROTO as u64 || word as u64 == CONSTRUCTOR as u64 || word as u8 == b'$' {
            self.flag_short(word, open, colon);
        }
        if self.plan.duplicates {
            let hash = self.scratch.open.hash_short(word);
            self.add(hash, open, length)?;
        }
        Ok(())
    }

    #[inline(always)]
    fn check_length(&mut self, length: usize, open: usize) -> Result<(), Halt> {
        // `NONE` is beyond any length: texts of that many bytes were refused.
        if length > self.plan.key_bytes as usize {
            return self.halt(RefusalKind::KeyTooLong, open);
        }
        Ok(())
    }

    #[cold]
    fn flag_short(&mut self, word: u128, open: usize, colon: usize) {
        let mark = match word {
            PROTO => Marks::PROTO,
            CONSTRUCTOR if self.next_byte(colon) == Some(b'{') => Marks::CONSTRUCTOR,
            _ if word as u8 == b'$' => Marks::OPERATOR,
            _ => 0,
        };
        if mark & self.plan.marks != 0 {
            self.flag(open);
        }
    }

    fn flag(&mut self, open: usize) {
        self.seen.flagged.get_or_insert(open);
    }

    /// The same for a key that is long, or holds a backslash or a suspicious dot.
    #[inline(never)]
    fn long_key(&mut self, open: usize, close: usize, colon: usize) -> Result<(), Halt> {
        let raw = self.body.get(open + 1..close).filter(|_| self.last_long != Some(open));
        let Some(raw) = raw else {
            // A colon after no key or after a colon: malformed, which is for `JSON.parse` to say.
            // Looking at one key for each of many colons would be quadratic.
            return Ok(());
        };
        self.last_long = Some(open);
        if raw.len() / 6 > self.plan.key_bytes as usize {
            // No escape is longer than six characters: too long before it is decoded.
            return self.halt(RefusalKind::KeyTooLong, open);
        }
        let decoded = &mut self.scratch.decoded;
        let key = if raw.contains(&b'\\') {
            decoded.clear();
            if keys::decode(raw, decoded).is_err() {
                self.flag(open);
                return Ok(());
            }
            decoded.as_slice()
        } else {
            raw
        };
        let length = key.len();
        let marks = Marks::of(key).among(self.plan.marks);
        let hash = if self.plan.duplicates { self.scratch.open.hash(key) } else { 0 };
        self.check_length(length, open)?;
        let harmless = marks == Marks::CONSTRUCTOR && self.next_byte(colon) != Some(b'{');
        if marks != 0 && !harmless {
            self.flag(open);
        }
        if self.plan.duplicates { self.add(hash, open, raw.len()) } else { Ok(()) }
    }

    /// Adds the key to its object; `length` is that of its raw text.
    #[inline(always)]
    fn add(&mut self, hash: u64, open: usize, length: usize) -> Result<(), Halt> {
        let body = self.body;
        let key = open as u32 + 1;
        let same = |other: u32| same_key(body, other as usize, key as usize, length);
        match self.scratch.open.add(hash, key, same) {
            Added::New => {}
            Added::Again if self.plan.duplicate_refuses => {
                return self.halt(RefusalKind::DuplicateKey, open);
            }
            Added::Again | Added::Unsure => {
                // The exact path decides; nothing more to find out here.
                self.flag(open);
                self.plan.duplicates = false;
            }
        }
        Ok(())
    }
}

/// Whether the key whose inside starts at `other` is, decoded, the one at `key`.
#[cold]
fn same_key(body: &[u8], other: usize, key: usize, length: usize) -> bool {
    if other == key {
        // A second colon after one key: malformed, which is for `JSON.parse` to say.
        return false;
    }
    let raw = body.get(key..).and_then(|rest| rest.get(..length)).unwrap_or_default();
    let rest = body.get(other..).unwrap_or_default();
    if let Some(after) = rest.strip_prefix(raw)
        && after.first() == Some(&b'"')
    {
        return true;
    }
    let mut escaped = false;
    let end = rest.iter().position(|&byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    let other = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    let mut decoded = [Vec::new(), Vec::new()];
    let [left, right] = &mut decoded;
    keys::decode(raw, left).is_ok() && keys::decode(other, right).is_ok() && left == right
}
