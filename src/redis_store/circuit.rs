//! When to leave Redis alone, and for how long. Pure: the caller has the clock.

use std::time::Duration;

/// So many batches in a row must time out before Redis is left alone.
const THRESHOLD: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Counts batches that timed out. Once opened, it closes with a connection that answers in time, and one
/// more timeout opens it again until a batch has been answered in time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Circuit {
    timeouts: u32,
    is_open: bool,
}

impl Circuit {
    /// A batch was answered in time.
    pub const fn answered(&mut self) {
        self.timeouts = 0;
        self.is_open = false;
    }

    /// A batch was not. Says whether the circuit opened by it.
    pub const fn timed_out(&mut self) -> bool {
        self.timeouts = self.timeouts.saturating_add(1);
        let opens = self.timeouts >= THRESHOLD && !self.is_open;
        self.is_open |= opens;
        opens
    }

    /// A new connection has answered in time.
    pub const fn probed(&mut self) {
        if self.is_open {
            self.is_open = false;
            self.timeouts = THRESHOLD - 1;
        }
    }

    /// Whether Redis is left alone.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.is_open
    }
}

/// The pauses between attempts to connect: doubled each time, and shortened at random by up to half so that
/// a thousand processes do not come at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST_PAUSE }
    }
}

impl Backoff {
    /// The next pause; `random` is any number.
    pub fn pause(&mut self, random: u64) -> Duration {
        let full = self.next;
        self.next = (full * 2).min(LONGEST_PAUSE);
        let thousandths = u32::try_from(random % 501).unwrap_or(0);
        full.saturating_sub(full * thousandths / 1000)
    }

    /// The connection holds: the next trouble begins with a short pause.
    pub const fn reset(&mut self) {
        self.next = FIRST_PAUSE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_timeouts_in_a_row_open_it() {
        let mut circuit = Circuit::default();
        assert!(!circuit.timed_out());
        assert!(!circuit.timed_out());
        circuit.answered();
        assert!(!circuit.timed_out());
        assert!(!circuit.timed_out());
        assert!(circuit.timed_out());
        assert!(circuit.is_open());
        assert!(!circuit.timed_out(), "it opens once");
    }

    #[test]
    fn after_a_probe_one_timeout_opens_it_again() {
        let mut circuit = Circuit::default();
        while !circuit.timed_out() {}
        circuit.probed();
        assert!(!circuit.is_open());
        assert!(circuit.timed_out());
        circuit.probed();
        circuit.answered();
        assert!(!circuit.timed_out());
        circuit.probed();
        assert!(!circuit.timed_out(), "a probe of a closed circuit changes nothing");
    }

    #[test]
    fn pauses_double_up_to_half_a_second() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..7).map(|_| backoff.pause(0).as_millis()).collect();
        assert_eq!(pauses, [20, 40, 80, 160, 320, 500, 500]);
        assert_eq!(backoff.pause(500).as_millis(), 250);
        backoff.reset();
        assert_eq!(backoff.pause(250).as_millis(), 15);
    }
}
