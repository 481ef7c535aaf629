//! How much the whole table may hold, counted over all shards.

use super::bucket::PLACES;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many more buckets there may be than the keys would fill: split buckets are two thirds full on
/// average.
pub const BUCKET_ROOM: f64 = 1.35;

/// Keys and buckets in use, and the most of them. Each counter stands for itself, so relaxed order does.
#[derive(Debug, Default)]
pub(super) struct Budget {
    keys: AtomicUsize,
    max_keys: AtomicUsize,
    buckets: AtomicUsize,
}

impl Budget {
    pub(super) fn raise(&self, max_keys: usize) {
        self.max_keys.fetch_max(max_keys, Ordering::Relaxed);
    }

    pub(super) fn keys(&self) -> usize {
        self.keys.load(Ordering::Relaxed)
    }

    pub(super) fn max_keys(&self) -> usize {
        self.max_keys.load(Ordering::Relaxed)
    }

    /// Takes one key's worth, if there is any left.
    pub(super) fn claim_key(&self) -> bool {
        claim(&self.keys, self.max_keys())
    }

    pub(super) fn release_keys(&self, count: usize) {
        if count > 0 {
            self.keys.fetch_sub(count, Ordering::Relaxed);
        }
    }

    /// Takes a bucket, if there is any left.
    pub(super) fn claim_bucket(&self) -> bool {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "at most 10^8 keys: exact in f64"
        )]
        let most = (self.max_keys() as f64 * BUCKET_ROOM / PLACES as f64).ceil() as usize;
        claim(&self.buckets, most)
    }

    /// Takes a shard's first bucket, for which there is always room.
    pub(super) fn claim_first_bucket(&self) {
        self.buckets.fetch_add(1, Ordering::Relaxed);
    }
}

fn claim(counter: &AtomicUsize, most: usize) -> bool {
    if counter.fetch_add(1, Ordering::Relaxed) < most {
        return true;
    }
    counter.fetch_sub(1, Ordering::Relaxed);
    false
}
