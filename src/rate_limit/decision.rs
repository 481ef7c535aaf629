//! What a hit is answered.

/// The answer to one hit under one policy. A denied hit is an outcome, not an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Decision {
    /// Whether the request may pass.
    pub is_allowed: bool,
    /// Whether a block is in force, begun by this hit or before.
    pub is_blocked: bool,
    /// False when the table had no room for the key, so that this hit will not be remembered; the caller
    /// then does what its `onStoreFailure` says. Pure functions always say true.
    pub is_stored: bool,
    /// The most that can be used at once: the policy's limit, under GCRA its burst.
    pub limit: u32,
    /// How much of it is used now, this hit included if it was counted. May exceed the limit under a fixed
    /// window, which counts denied hits, and after a penalty.
    pub used: u32,
    /// `limit - used`, at least 0.
    pub remaining: u32,
    /// From when on the whole limit is there again if nothing more comes. Now, when nothing is used.
    pub reset_at_ms: u64,
    /// After how long this hit would pass if nothing else came; 0 when it has passed. A hit that costs more
    /// than the whole limit never passes: for it, the time until nothing more can be gained by waiting.
    pub retry_after_ms: u64,
    /// For how long a caller that slows clients down instead of denying them may hold this hit back so that
    /// the client keeps to the even pace of `limit` hits a window; 0 when it does, or was denied.
    pub delay_ms: u64,
}

impl Decision {
    /// An answer about `used` out of `limit`.
    pub(super) fn new(limit: u32, used: u64) -> Self {
        let used = u32::try_from(used).unwrap_or(u32::MAX);
        let remaining = limit.saturating_sub(used);
        Self { is_stored: true, limit, used, remaining, ..Self::default() }
    }

    /// Which of several decisions binds the client most: a denial before a permission, of denials the one
    /// that lasts longest, of permissions the one that leaves least; the first of equals.
    #[must_use]
    pub fn strictest(decisions: &[Self]) -> Option<usize> {
        let strictness = |decision: &Self| {
            let wait = if decision.is_allowed { 0 } else { decision.retry_after_ms };
            (!decision.is_allowed, wait, std::cmp::Reverse(decision.remaining))
        };
        let mut best: Option<(usize, _)> = None;
        for (index, decision) in decisions.iter().enumerate() {
            let candidate = strictness(decision);
            if best.as_ref().is_none_or(|(_, strictest)| candidate > *strictest) {
                best = Some((index, candidate));
            }
        }
        best.map(|(index, _)| index)
    }
}
