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
    /// Begins with the server's time and the run's number.
    ///
    /// # Errors
    /// [`Unreadable`] when it is no time, or another run's number.
    pub fn open(numbers: &'reply mut Numbers, run: u64) -> Result<Self, Unreadable> {
        match (numbers.next().flatten(), numbers.next().flatten()) {
            (Some(now_ms), Some(known)) if TIMES.contains(&now_ms) && known == run => {
                Ok(Self { numbers, now_ms })
            }
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
        let ((Portable::Fixed { end_ms, .. }, Algorithm::FixedWindow)
        | (Portable::Sliding { end_ms, .. }, Algorithm::SlidingWindow)
        | (Portable::Gcra { end_ms, .. }, Algorithm::Gcra)
        | (Portable::Block { end_ms, .. }, _)) = (portable, policy.algorithm())
        else {
            return Err(Unreadable);
        };
        if end_ms > self.now_ms { Ok(portable.to_state()) } else { Err(Unreadable) }
    }

    /// The next number as it is.
    ///
    /// # Errors
    /// [`Unreadable`] when there is none.
    pub fn number(&mut self) -> Result<u64, Unreadable> {
        self.numbers.next().flatten().ok_or(Unreadable)
    }

    /// Whether that was all.
    ///
    /// # Errors
    /// [`Unreadable`] when there is more.
    pub fn end(self) -> Result<(), Unreadable> {
        if self.numbers.next().is_none() { Ok(()) } else { Err(Unreadable) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate_limit::PolicyInput;
    use proptest::prelude::*;

    fn policy(algorithm: &str) -> Policy {
        let algorithm = Some(algorithm.to_owned());
        Policy::try_from(PolicyInput { algorithm, limit: 5.0, ..PolicyInput::default() }).unwrap()
    }

    const NOW: u64 = 1_700_000_000_000;

    fn read(numbers: &[u64], algorithm: &str) -> Result<State, Unreadable> {
        let mut numbers = numbers.iter().map(|number| Some(*number));
        let mut answer = Answer::open(&mut numbers, 7)?;
        let state = answer.state(&policy(algorithm))?;
        answer.end().map(|()| state)
    }

    #[test]
    fn reads_what_the_scripts_reply() {
        let end = (NOW + 5) * 8;
        assert_eq!(read(&[NOW, 7, 0], "gcra"), Ok(State::default()));
        for (kind, algorithm) in
            [(1, "fixed-window"), (2, "sliding-window"), (3, "gcra"), (4, "gcra")]
        {
            assert!(read(&[NOW, 7, end + kind, 3, 0], algorithm).is_ok(), "{algorithm}");
        }
    }

    #[test]
    fn refuses_what_they_do_not() {
        let end = (NOW + 5) * 8;
        let bad: [&[u64]; 9] = [
            &[],
            &[NOW],
            &[NOW, 7],
            &[NOW, 8, 0],
            &[5, 7, 0],
            &[NOW, 7, 0, 0],
            &[NOW, 7, end + 1, 3],
            &[NOW, 7, end + 3, 3, 0],
            &[NOW, 7, NOW * 8 + 1, 3, 0],
        ];
        for numbers in bad {
            assert_eq!(read(numbers, "fixed-window"), Err(Unreadable), "{numbers:?}");
        }
    }

    proptest! {
        /// Whatever a hostile server says that can be read at all, the pure functions can reckon with.
        #[test]
        fn never_panics(
            now in (1_u64 << 36)..1 << 43,
            (end, kind) in (0_u64..1 << 45, 0_u64..6),
            (y, z) in (any::<u64>(), any::<u64>()),
            (low_y, low_z) in (any::<bool>(), any::<bool>()),
            (cost, algorithm) in (any::<u32>(), 0_usize..3),
        ) {
            let policy = policy(Algorithm::ALL[algorithm].0);
            let (y, z) = (if low_y { y >> 33 } else { y >> 20 }, if low_z { z >> 33 } else { z });
            let mut numbers = [now, 7, end << 3 | kind, y, z].into_iter().map(Some);
            let mut answer = Answer::open(&mut numbers, 7).unwrap();
            if let Ok(state) = answer.state(&policy) {
                use crate::rate_limit::algorithm as pure;
                let (next, _) = pure::hit(state, &policy, cost >> 1, now);
                let _ = pure::hit(next, &policy, cost >> 1, now);
                let _ = pure::peek(state, &policy, now);
            }
        }
    }
}
