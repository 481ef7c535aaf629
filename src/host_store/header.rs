//! The first page of the file: what it is, how large, and the secret that keys its hashes.

use super::layout::SLOTS;
use siphasher::sip::SipHasher13;
use std::hash::Hasher;

/// Bytes of the header page; the buckets follow.
pub const HEADER_BYTES: usize = 4096;
/// Bytes of the header that say something.
pub(super) const ENCODED: usize = 64;

const MAGIC: [u8; 8] = *b"carapace";
/// Changes with every change of the file's format.
pub const LAYOUT_VERSION: u32 = 1;
const BUCKET_BYTES: usize = SLOTS * 32;

/// Why a file cannot be used as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// It does not begin as a store does.
    NotAStore,
    /// It is one of another version of the format.
    Version,
    /// Its header is not what was written.
    Checksum,
    /// The file is shorter or longer than its header says.
    Length,
    /// It is made for another number of keys.
    Capacity,
}

impl Damage {
    /// The word for it in events.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAStore => "not-a-store",
            Self::Version => "version",
            Self::Checksum => "checksum",
            Self::Length => "length",
            Self::Capacity => "capacity",
        }
    }
}

/// A header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Buckets in the file, at least 2.
    pub buckets: u64,
    /// What keys the hashes: from the operating system's random numbers.
    pub seed: (u64, u64),
}

impl Header {
    /// Buckets for so many keys: half of the slots stay free, so that no live key has to go (64 bytes a key).
    #[must_use]
    pub fn buckets_for(max_keys: u64) -> u64 {
        max_keys.saturating_mul(2).div_ceil(SLOTS as u64).max(2)
    }

    /// How long the file is.
    #[must_use]
    pub const fn file_bytes(&self) -> u64 {
        (HEADER_BYTES as u64).saturating_add(self.buckets.saturating_mul(BUCKET_BYTES as u64))
    }

    /// As it stands in the file.
    #[must_use]
    pub fn encode(&self) -> [u8; ENCODED] {
        let mut bytes = [0; ENCODED];
        let (said, checksum) = bytes.split_at_mut(ENCODED - 8);
        let words = [
            u64::from_le_bytes(MAGIC),
            u64::from(LAYOUT_VERSION),
            self.buckets,
            self.seed.0,
            self.seed.1,
            SLOTS as u64,
        ];
        for (target, word) in said.chunks_exact_mut(8).zip(words) {
            target.copy_from_slice(&word.to_le_bytes());
        }
        checksum.copy_from_slice(&sum(said).to_le_bytes());
        bytes
    }

    /// Reads the header of a file of this length.
    ///
    /// # Errors
    /// What is wrong with it; of several reasons the first in the order of [`Damage`].
    pub fn decode(bytes: &[u8; ENCODED], file_bytes: u64) -> Result<Self, Damage> {
        let (said, checksum) = bytes.split_at(ENCODED - 8);
        let mut words = said.chunks_exact(8).map(|word| {
            word.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte))
        });
        let mut next = || words.next().unwrap_or(0);
        let (magic, version) = (next(), next());
        if magic != u64::from_le_bytes(MAGIC) {
            return Err(Damage::NotAStore);
        }
        if version != u64::from(LAYOUT_VERSION) {
            return Err(Damage::Version);
        }
        let header = Self { buckets: next(), seed: (next(), next()) };
        if next() != SLOTS as u64 || header.buckets < 2 || checksum != sum(said).to_le_bytes() {
            return Err(Damage::Checksum);
        }
        if header.file_bytes() == file_bytes { Ok(header) } else { Err(Damage::Length) }
    }
}

/// Against accidents, not against somebody who can write the file.
fn sum(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(bytes);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: Header = Header { buckets: 65_536, seed: (7, 9) };

    #[test]
    fn sixteen_mebibytes_hold_262144_keys() {
        assert_eq!(Header::buckets_for(262_144), 65_536);
        assert_eq!(HEADER.file_bytes(), 16 * 1024 * 1024 + 4096);
        assert_eq!((Header::buckets_for(1), Header::buckets_for(9)), (2, 3));
    }

    #[test]
    fn reads_what_it_wrote() {
        assert_eq!(Header::decode(&HEADER.encode(), HEADER.file_bytes()), Ok(HEADER));
    }

    #[test]
    fn says_what_is_wrong() {
        let length = HEADER.file_bytes();
        let decode = |at: usize, bytes: [u8; ENCODED]| {
            let mut bytes = bytes;
            bytes[at] ^= 1;
            Header::decode(&bytes, length)
        };
        assert_eq!(decode(0, HEADER.encode()), Err(Damage::NotAStore));
        assert_eq!(decode(8, HEADER.encode()), Err(Damage::Version));
        for at in 16..ENCODED {
            assert_eq!(decode(at, HEADER.encode()), Err(Damage::Checksum), "byte {at}");
        }
        assert_eq!(Header::decode(&HEADER.encode(), length - 1), Err(Damage::Length));
        assert_eq!(Header::decode(&[0; ENCODED], length), Err(Damage::NotAStore));
    }
}
