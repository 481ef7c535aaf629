//! The host store: one table of counters for all processes of a host, in a file that each of them maps.
//! No server, no lock, nothing to clean up after a process that was killed.
//!
//! ```text
//! file    = header page (4096 bytes, [`header`]) + buckets
//! bucket  = 8 keys of 16 bytes, 8 values of 16 bytes (256 bytes, four cache lines)
//! key     = hash 64 | policy 32 | version 32
//! value   = 0 | state 127, masked       live
//!         = 1 | claim 127               claimed by a process that is putting a key there
//!         = 1 | 0                       free
//! ```
//!
//! Of a key's hash, which a secret of the file keys, 64 bits stand in the slot, and 32 others choose, with
//! them, the two buckets where the key may lie. It goes to the emptier one and never moves. When a state
//! ends and what it is worth, it says itself ([`crate::rate_limit::state`]).
//!
//! # Protocol
//!
//! Every write is one 128-bit compare-and-swap (`cmpxchg16b`, `casp` or `ldxp`/`stxp`), so a word is never
//! torn and a process may stop for good between any two writes. There is no lock, hence no owner to be found
//! dead, and no waiting for a process that is stopped, traced or merely not scheduled.
//!
//! *Hit of a key that is there*: read key, value, key again; the same key twice says that the value is its.
//! Read the clock, compute, then swap the value: a hit counts when, and only when, this swap succeeds. If it does not,
//! someone else has counted: again from the start. A state that stays the same is not written.
//!
//! *A key that is not there*:
//! 1. choose a slot and read its key and value;
//! 2. **claim**: swap its value for a claim with a number never used before; a live key there is evicted now;
//! 3. **announce**: swap the key read in 1 for the new key, with the next version;
//! 4. full fence, then **look around**: a live slot of the same key → give up the claim, start again; a claim
//!    announced for the same key → the lower position wins: a higher one is freed, for a lower one give up;
//! 5. **publish**: swap the claim for the state.
//!
//! # What holds, and why
//!
//! - *A value belongs to the key beside it.* Live values are masked with the key and its version, so a value
//!   that is equal to one read earlier is of the same key with the same state, and swapping it is right
//!   whatever happened in between. A claim that is still there in step 5 was there all the time, as its number is unique; every
//!   other announcement in that slot expected a key read before its own claim, which is older than ours
//!   (versions grow), and failed.
//! - *A key is live in one slot at the most.* Of two processes that announce the same key, the fence makes at
//!   least one see the other (store buffering, C++ \[atomics.order\]); whoever is seen before publishing is
//!   freed or takes over, and a slot that is already live makes the other give up.
//! - *A key is evicted for what its state says.* Expiry and rank are read from the very value that is
//!   swapped away; a hit in between makes that swap fail.
//! - *A claim left by a killed process blocks nobody.* Any process may take a claim over after a short pause;
//!   the former owner's publishing then fails, and it starts again.
//! - *A key's time does not run backwards.* The clock is read after the state, so it is not behind the time
//!   at which that state was made (as far as the system's clock is not set back), however long a process was off the processor.
//! - *A kill costs at most the hit in flight*: it is counted and not answered, or not counted; in step 2 to 5
//!   the slot's former key was already given up.
//!
//! `models.rs` checks this under loom, with a thread that stops after each of its steps.
//!
//! # Bounds
//!
//! A hit looks at 16 slots at the most. With as many keys as the table is made for, half of the slots are
//! taken and no live key is evicted (a test fills it); beyond that, of the 16 slots: an expired key, else the
//! one of the lowest [`Rank`](crate::rate_limit::state::Rank) with the earliest expiry, never a blocked one. When all 16 are blocked, the
//! answer is [`Refusal::Full`].

pub mod layout;
pub mod table;
pub mod word;

mod claim;
#[cfg(unix)]
mod file;
#[cfg(unix)]
pub mod header;
#[cfg(unix)]
mod mapping;
#[cfg(unix)]
pub mod store;

#[cfg(unix)]
pub use file::Origin;
#[cfg(unix)]
pub use store::{Change, HostStore};
pub use table::{Nonces, Refusal, Table};

#[cfg(unix)]
#[cfg(test)]
mod file_tests;
#[cfg(feature = "loom")]
#[cfg(test)]
mod models;
#[cfg(test)]
mod tests;
