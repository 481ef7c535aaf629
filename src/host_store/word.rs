//! The one kind of memory the protocol works on: a word of 128 bits that is read and swapped whole.

use portable_atomic::AtomicU128;
use std::sync::atomic::{Ordering, fence};

/// A 128-bit word that several processes share. Loads acquire, swaps acquire and release.
///
/// The protocol is generic over it, so that a model checker and the tests of killed processes run the very
/// same code.
pub trait Word {
    /// How often a claim of someone else is looked at before it is taken over.
    const PATIENCE: u32;

    /// The word as it is now.
    fn load(&self) -> u128;

    /// Writes `new` if the word still is `current`; says whether it was.
    fn replace(&self, current: u128, new: u128) -> bool;

    /// A sequentially consistent fence.
    fn fence();

    /// Waits a little before the attempt with this number.
    fn pause(attempt: u32);
}

/// Attempts after which a waiting thread gives up its time slice.
const BUSY_ATTEMPTS: u32 = 64;
const MOST_SPINS: u32 = 6;

impl Word for AtomicU128 {
    const PATIENCE: u32 = 16;

    #[inline]
    fn load(&self) -> u128 {
        self.load(Ordering::Acquire)
    }

    #[inline]
    fn replace(&self, current: u128, new: u128) -> bool {
        self.compare_exchange(current, new, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    #[inline]
    fn fence() {
        fence(Ordering::SeqCst);
    }

    #[cold]
    fn pause(attempt: u32) {
        if attempt > BUSY_ATTEMPTS {
            std::thread::yield_now();
        }
        for _ in 0..1_u32 << attempt.min(MOST_SPINS) {
            std::hint::spin_loop();
        }
    }
}
