//! The header of a store's file: whatever the first page holds and however long the file is, a header comes out only when
//! writing it gives the same bytes, and then the table ends where the file does.
#![no_main]

use carapace::host_store::header::{HEADER_BYTES, Header};
use libfuzzer_sys::fuzz_target;

/// Bytes of one bucket.
const BUCKET: u64 = 256;

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let mut bytes = [0; 64];
    let length = rest.len().min(64);
    bytes[..length].copy_from_slice(&rest[..length]);
    let number = |from: usize| u64::from_le_bytes(bytes[from..from + 8].try_into().expect("eight"));
    let header = Header { buckets: number(16), seed: (number(24), number(32)) };
    let file_bytes = if choice & 2 == 0 { header.file_bytes() } else { number(48) };
    // No system has longer files.
    if i64::try_from(file_bytes).is_err() {
        return;
    }
    // Nobody guesses a checksum: half of the time it is a right header, of which one byte may be another.
    if choice & 1 == 1 {
        let at = usize::from(*choice >> 2) % 64;
        let other = bytes[at];
        bytes = header.encode();
        if choice & 128 != 0 {
            bytes[at] = other;
        }
    }
    let is_right =
        bytes == header.encode() && header.buckets >= 2 && file_bytes == header.file_bytes();
    match Header::decode(&bytes, file_bytes) {
        Ok(found) => {
            assert_eq!(found.encode(), bytes);
            assert!(found.buckets >= 2);
            assert_eq!(HEADER_BYTES as u64 + found.buckets * BUCKET, file_bytes);
        }
        Err(damage) => assert!(!is_right, "{damage:?} in a right header"),
    }
});
