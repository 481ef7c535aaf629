//! Putting a new key in: choose a slot, claim it, announce the key, look around, publish.

use super::layout::{Bucket, Value};
use super::table::{Attempt, Candidates, Changed, Refusal, Slot, Snapshot, Table, slots_of};
use super::word::Word;
use crate::rate_limit::state::{Rank, State, expires_at_ms, rank};

/// How much is lost when a slot is taken for a new key, from nothing to too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Worth {
    /// It holds, or is being given, the very key: taking another would make two.
    Own,
    Free,
    /// Claimed by a process that is about to publish, or was killed.
    Claimed,
    /// Live, with rank and expiry.
    Live(Rank, u64),
}

#[derive(Clone, Copy)]
struct Choice<'map, W> {
    slot: Slot<'map, W>,
    seen: Snapshot,
    worth: Worth,
}

impl Snapshot {
    /// The state, unless there is none or it has expired.
    pub(super) fn live_state(&self, now_ms: u64) -> Option<State> {
        if self.key.0 == 0 || !self.value.is_live() {
            return None;
        }
        let state = self.value.state(self.key);
        (expires_at_ms(state) > now_ms).then_some(state)
    }

    fn worth(&self, place: u128, now_ms: u64) -> Worth {
        if self.key.is_of(place) {
            Worth::Own
        } else if let Some(state) = self.live_state(now_ms) {
            Worth::Live(rank(state), expires_at_ms(state))
        } else if self.value.is_live() || self.value == Value::FREE {
            Worth::Free
        } else {
            Worth::Claimed
        }
    }
}

impl<'map, W: Word, const N: usize> Table<'map, W, N> {
    /// Puts a key in that was not found. `attempt` says how long others have been waited for.
    pub(super) fn insert(
        &self,
        candidates: &Candidates<'map, W, N>,
        state: State,
        now_ms: u64,
        attempt: u32,
    ) -> Attempt<Result<(), Refusal>> {
        let Choice { slot, seen, worth } = candidates.choose(now_ms)?;
        match worth {
            Worth::Live(Rank::Blocked, _) => return Ok(Err(Refusal::Full)),
            // It was published a moment ago.
            Worth::Own if seen.value.is_live() => return Err(Changed),
            _ => (),
        }
        // Whoever holds the claim is most likely about to publish; if it was killed, the pause is all it costs.
        let is_claimed = !seen.value.is_live() && seen.value != Value::FREE;
        if is_claimed && attempt % (W::PATIENCE + 1) != W::PATIENCE {
            return Err(Changed);
        }
        let claim = self.nonces.claim();
        if !slot.value.replace(seen.value.0, claim.0) {
            return Err(Changed);
        }
        let key = seen.key.successor(candidates.place);
        if slot.key.replace(seen.key.0, key.0) {
            W::fence();
            if candidates.is_alone(slot.position) {
                let live = Value::live(state, key);
                return if slot.value.replace(claim.0, live.0) { Ok(Ok(())) } else { Err(Changed) };
            }
        }
        // Fails when the claim was taken over, which is as good.
        slot.value.replace(claim.0, Value::FREE.0);
        Err(Changed)
    }
}

impl<'map, W: Word, const N: usize> Candidates<'map, W, N> {
    /// The slot that costs least: in the emptier bucket when both have a free one.
    fn choose(&self, now_ms: u64) -> Attempt<Choice<'map, W>> {
        let mut best: Option<(Choice<'map, W>, usize)> = None;
        for (index, bucket) in self.buckets.iter().flatten() {
            let Some((choice, taken)) = self.choose_in(*index, bucket, now_ms)? else { continue };
            // The lowest of the key's own slots, so that all who insert it agree.
            let tie = if choice.worth == Worth::Own { choice.slot.position } else { taken };
            if best
                .as_ref()
                .is_none_or(|(least, other)| (choice.worth, tie) < (least.worth, *other))
            {
                best = Some((choice, tie));
            }
        }
        best.map(|(choice, _)| choice).ok_or(Changed)
    }

    /// The slot of a bucket that costs least, the first of equals, and how many are taken.
    fn choose_in(
        &self,
        index: usize,
        bucket: &'map Bucket<W, N>,
        now_ms: u64,
    ) -> Attempt<Option<(Choice<'map, W>, usize)>> {
        let mut best: Option<Choice<'map, W>> = None;
        let mut taken = 0;
        for slot in slots_of(index, bucket) {
            let seen = slot.read().ok_or(Changed)?;
            let worth = seen.worth(self.place, now_ms);
            taken += usize::from(worth > Worth::Free);
            if best.as_ref().is_none_or(|choice| worth < choice.worth) {
                best = Some(Choice { slot, seen, worth });
            }
        }
        Ok(best.map(|choice| (choice, taken)))
    }

    /// Whether the claim at `position`, already announced, is the only one for the key. Claims announced at
    /// higher positions are freed on the way.
    fn is_alone(&self, position: usize) -> bool {
        let mut others = self.slots().filter(|slot| slot.position != position);
        others.all(|slot| self.yields(slot, position))
    }

    /// Whether `slot` will not publish the key before it has seen the claim at `position`.
    fn yields(&self, slot: Slot<'map, W>, position: usize) -> bool {
        loop {
            let Some(seen) = slot.read() else { continue };
            if !seen.key.is_of(self.place) || seen.value == Value::FREE {
                return true;
            }
            if seen.value.is_live() || slot.position < position {
                return false;
            }
            if slot.value.replace(seen.value.0, Value::FREE.0) {
                return true;
            }
        }
    }
}
