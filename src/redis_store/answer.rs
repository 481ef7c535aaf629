//! What a script's reply says: the states before, and the time of the server.

use crate::rate_limit::{Algorithm, Policy, Portable, State};

/// Before 1972 or after 2248 no server's clock is; [`crate::rate_limit`] can reckon with any time between.
const TIMES: std::ops::Range<u64> = 1 << 36..1 << 43;

/// A reply that no script of ours gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

/// Reads the integers of a reply one after the other.
pub struct Answer<'reply, Numbers: Iterator<Item = Option<u64>>> {
    numbers: &'reply mut Numbers,
    /// The server's time of counting, in milliseconds.
    pub now_ms: u64,
}

impl<'reply, Numbers: Iterator<Item = Option<u64>>> Answer<'reply, Numbers> {
    /// Begins with the server's time.
    ///
    /// # Errors
    /// [`Unreadable`] when it is none.
    pub fn open(numbers: &'reply mut Numbers) -> Result<Self, Unreadable> {
        match numbers.next() {
            Some(Some(now_ms)) if TIMES.contains(&now_ms) => Ok(Self { numbers, now_ms }),
            _ => Err(Unreadable),
        }
    }

    /// The next key's state before the script changed it.
    ///
    /// # Errors
    /// [`Unreadable`] when the numbers are no state that the policy can have.
    pub fn state(&mut self, policy: &Policy) -> Result<State, Unreadable> {
        let head = self.number()?;
        if head == 0 {
            return Ok(State::default());
        }
        let (y, z) = (self.number()?, self.number()?);
        let portable = Portable::from_numbers(head & 7, head >> 3, y, z).ok_or(Unreadable)?;
        let end_ms = match (portable, policy.algorithm()) {
            (Portable::Fixed { end_ms, .. }, Algorithm::FixedWindow)
            | (Portable::Sliding { end_ms, .. }, Algorithm::SlidingWindow)
            | (Portable::Gcra { end_ms, .. }, Algorithm::Gcra)
            | (Portable::Block { end_ms, .. }, _) => end_ms,
            _ => return Err(Unreadable),
        };
        if end_ms > self.now_ms { Ok(portable.to_state()) } else { Err(Unreadable) }
    }

    /// Whether that was all.
    ///
    /// # Errors
    /// [`Unreadable`] when there is more.
    pub fn end(self) -> Result<(), Unreadable> {
        if self.numbers.next().is_none() { Ok(()) } else { Err(Unreadable) }
    }

    fn number(&mut self) -> Result<u64, Unreadable> {
        self.numbers.next().flatten().ok_or(Unreadable)
    }
}
