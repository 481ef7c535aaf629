//! The table of one process: one for all limiters and all threads, bounded, and grown a bucket at a time.
//!
//! - A key is kept as a 128-bit `SipHash` under a random seed, so a sender can neither make keys collide nor
//!   make memory grow with their length (CWE-407, CWE-770).
//! - 128 shards have a lock each; a shard is an extendible hash table of buckets of 15 keys, 512 bytes. A
//!   hit looks at one bucket: 15 places at the most, one as a rule, since one byte of each key's hash
//!   stands in the bucket's first cache line.
//! - A full bucket is first cleared of expired keys; else it is split in two, which moves 15 keys. Nothing
//!   is ever rehashed or swept as a whole, so no hit takes long.
//! - The table holds at most `max_keys` keys, expired ones included until their place is needed, in at most
//!   [`budget::BUCKET_ROOM`] times the buckets they fill: 46 bytes a key, and about 2 for finding buckets.
//!   Up to nine tenths of `max_keys` nothing is given up for room. At the bound a new key takes the place of
//!   an expired one, else of the one with the lowest [`Rank`](super::state::Rank) in its bucket; a denied or
//!   blocked key is never forgotten. If only such keys are found, the new one is not stored, and the
//!   decision says so.

mod bucket;
pub mod budget;
mod policies;
mod shard;
mod store;

pub use policies::StorePolicy;
pub use store::{Hit, KeyHash, ProcessStore};

#[cfg(test)]
mod tests;
