//! How long hits take within the core, for the rig of faults: until their answers are ready to be fetched.
//! Compiled in by the feature `test-hooks` only; a released build has empty functions here.

#[cfg(feature = "test-hooks")]
pub use enabled::{Stopwatch, Times, times};

/// The times of one line's hits.
#[cfg(not(feature = "test-hooks"))]
#[derive(Default)]
pub struct Stopwatch(());

#[cfg(not(feature = "test-hooks"))]
impl Stopwatch {
    /// A hit entered the queue.
    #[inline(always)]
    pub const fn queued(&self, _ticket: u32) {}

    /// The queue was handed over: from now on time counts against the deadline.
    #[inline(always)]
    pub fn handed_over(&self, _tickets: impl Iterator<Item = u32>) {}

    /// The answer is ready; `record` begins with its ticket.
    #[inline(always)]
    pub const fn answered(&self, _record: &[f64]) {}
}

#[cfg(feature = "test-hooks")]
mod enabled {
    use parking_lot::Mutex;
    use std::collections::HashMap;
    use std::time::{Duration, Instant};

    /// What all lines of the process have seen.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct Times {
        /// How many hits were answered.
        pub count: u32,
        /// The longest from a hit's call on, with the rest of the tick in which it was called.
        pub longest_from_call: Duration,
        /// The longest from the hand-over to the I/O thread on.
        pub longest: Duration,
    }

    static TIMES: Mutex<Times> =
        Mutex::new(Times { count: 0, longest_from_call: Duration::ZERO, longest: Duration::ZERO });

    /// What was seen so far.
    #[must_use]
    pub fn times() -> Times {
        *TIMES.lock()
    }

    struct Start {
        called: Instant,
        handed_over: Instant,
    }

    /// The times of one line's hits.
    #[derive(Default)]
    pub struct Stopwatch(Mutex<HashMap<u32, Start>>);

    impl Stopwatch {
        /// A hit entered the queue.
        pub fn queued(&self, ticket: u32) {
            let now = Instant::now();
            self.0.lock().insert(ticket, Start { called: now, handed_over: now });
        }

        /// The queue was handed over: from now on time counts against the deadline.
        pub fn handed_over(&self, tickets: impl Iterator<Item = u32>) {
            let now = Instant::now();
            let mut starts = self.0.lock();
            for ticket in tickets {
                if let Some(start) = starts.get_mut(&ticket) {
                    start.handed_over = now;
                }
            }
        }

        /// The answer is ready; `record` begins with its ticket.
        pub fn answered(&self, record: &[f64]) {
            let Some(ticket) = record.first() else { return };
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the number was made of a ticket"
            )]
            let start = self.0.lock().remove(&(*ticket as u32));
            let Some(Start { called, handed_over }) = start else { return };
            let mut times = TIMES.lock();
            times.count += 1;
            times.longest_from_call = times.longest_from_call.max(called.elapsed());
            times.longest = times.longest.max(handed_over.elapsed());
        }
    }
}
