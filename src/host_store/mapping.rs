//! The file in memory: the only place where bytes of the mapping become words.
#![expect(unsafe_code, reason = "a mapped file is memory that the compiler knows nothing of")]

use super::header::{HEADER_BYTES, Header};
use super::layout::{Bucket, SLOTS};
use super::table::{Nonces, Table};
use memmap2::{MmapOptions, MmapRaw};
use portable_atomic::AtomicU128;
use std::fs::File;
use std::io;

type HostBucket = Bucket<AtomicU128, SLOTS>;

/// A mapped store of a checked length.
#[derive(Debug)]
pub(super) struct Mapping {
    memory: MmapRaw,
    buckets: usize,
    nonces: Nonces,
    pub(super) header: Header,
}

impl Mapping {
    /// Maps a file that is as long as its header says.
    ///
    /// # Errors
    /// As the system says: there is no room in the address space, or the file cannot be mapped.
    pub(super) fn new(file: &File, header: Header, owner: u64) -> io::Result<Self> {
        let invalid = |_| io::Error::from(io::ErrorKind::FileTooLarge);
        let length = usize::try_from(header.file_bytes()).map_err(invalid)?;
        let buckets = usize::try_from(header.buckets).map_err(invalid)?;
        let memory = MmapOptions::new().len(length).map_raw(file)?;
        Ok(Self { memory, buckets, nonces: Nonces::new(owner), header })
    }

    /// The table that lies in the file.
    #[inline]
    #[expect(clippy::cast_ptr_alignment, reason = "a page, and so its end, is aligned for a word")]
    pub(super) fn table(&self) -> Table<'_, AtomicU128, SLOTS> {
        const {
            assert!(
                size_of::<HostBucket>() == SLOTS * 32 && align_of::<HostBucket>() <= HEADER_BYTES
            );
        }
        // SAFETY: the mapping is `HEADER_BYTES + buckets * size_of::<HostBucket>()` bytes long (`new`), begins
        // at a page, and lives as long as `self`. The memory is only ever accessed through these atomics, here
        // and in every other process, and every pattern of bits is a valid word. What other processes do to
        // it is no data race, for they do it atomically. A file that is made shorter under the mapping ends
        // the process with SIGBUS, as for every mapped file; no other memory is touched.
        let buckets = unsafe {
            let first = self.memory.as_mut_ptr().add(HEADER_BYTES).cast::<HostBucket>();
            std::slice::from_raw_parts(first, self.buckets)
        };
        Table::new(buckets, &self.nonces)
    }
}
