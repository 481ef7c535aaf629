//! Hooks for the project's own tests, compiled in by the feature `test-hooks` only: a counter of the
//! crossings from JavaScript and a panic on demand. A released build has empty functions here.

/// The kinds of binding, each of which must survive a panic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A factory's set-up call.
    Config = 1,
    /// A raw callback of the request path.
    Hot = 2,
    /// A `#[napi]` call on the request path, taken for rare requests such as a flagged body.
    Rare = 3,
}

#[cfg(not(feature = "test-hooks"))]
#[inline(always)]
pub(super) fn crossing(_kind: Kind) {}

#[cfg(feature = "test-hooks")]
pub(super) use enabled::crossing;

#[cfg(feature = "test-hooks")]
pub mod enabled {
    //! The hooks of a build for tests.
    use super::Kind;
    use crate::redis_store::stopwatch;
    use napi_derive::napi;
    use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

    static CROSSINGS: AtomicU32 = AtomicU32::new(0);
    static PANIC_AT: AtomicU8 = AtomicU8::new(0);

    pub(in crate::bindings) fn crossing(kind: Kind) {
        CROSSINGS.fetch_add(1, Ordering::Relaxed);
        let armed =
            PANIC_AT.compare_exchange(kind as u8, 0, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        assert!(!armed, "injected by a test");
    }

    /// How many calls have crossed from JavaScript since the library was loaded.
    #[napi]
    #[must_use]
    pub fn test_crossings() -> u32 {
        CROSSINGS.load(Ordering::Relaxed)
    }

    /// Of the hits that Redis stores have answered in this process: how many, and the longest in milliseconds
    /// from its hand-over to the I/O thread, and from its call, until its answer was ready.
    #[napi]
    #[must_use]
    pub fn test_decision_times() -> Vec<f64> {
        let times = stopwatch::times();
        let ms = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
        vec![f64::from(times.count), ms(times.longest), ms(times.longest_from_call)]
    }

    /// Makes the next call of this kind (1 set-up, 2 hot, 3 rare) panic, once.
    #[napi]
    pub fn test_panic_at(kind: u8) {
        PANIC_AT.store(kind, Ordering::Relaxed);
    }
}
