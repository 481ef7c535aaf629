//! The naive model: what each algorithm means, written to be read. No packing, no bounds on a number but
//! those that the rule has, and every moment that the rule speaks of is found by trying.
//!
//! Whether a denied hit is counted is stated in one place, [`counts_denied_hits`]. A denial by one of
//! several policies does not consume the others: [`hit_jointly`].

use super::{Algorithm, Decision, Policy};

/// Whether a hit that is denied is counted.
#[must_use]
pub const fn counts_denied_hits(algorithm: Algorithm) -> bool {
    matches!(algorithm, Algorithm::FixedWindow)
}

/// What is known of one key under one policy.
#[derive(Debug, Clone)]
pub struct Model {
    limit: i128,
    window: i128,
    capacity: i128,
    block: i128,
    algorithm: Algorithm,
    known: Known,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Nothing,
    /// Hits since `start`.
    Window {
        start: i128,
        used: i128,
    },
    /// Hits of the window that began at `start`, and of the one before.
    Windows {
        start: i128,
        previous: i128,
        current: i128,
    },
    /// What was poured into a bucket since it was last empty; it leaks `limit` units a millisecond, and a
    /// hit is `window` units.
    Bucket {
        start: i128,
        poured: i128,
    },
    Blocked {
        start: i128,
        end: i128,
        used: i128,
    },
}

impl Model {
    /// A key that was never seen.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        Self {
            limit: policy.limit().into(),
            window: policy.window_ms().into(),
            capacity: policy.capacity().into(),
            block: policy.block_ms().into(),
            algorithm: policy.algorithm(),
            known: Known::Nothing,
        }
    }

    /// One hit.
    pub fn hit(&mut self, cost: u32, now: u64) -> Decision {
        let (cost, now) = (i128::from(cost), i128::from(now));
        let before = self.at(now);
        *self = before.clone();
        if before.blocked_until().is_some() {
            return before.decision(now);
        }
        let is_allowed = before.allows(cost, now);
        if is_allowed || counts_denied_hits(self.algorithm) {
            self.add(cost, now);
        }
        if !is_allowed && self.block > 0 {
            self.block_until(now + self.block, now);
            return self.decision(now);
        }
        let mut decision = Decision { is_allowed, ..self.decision(now) };
        if is_allowed {
            decision.delay_ms = u64_of(before.ahead_of_pace(now));
        } else {
            decision.retry_after_ms = u64_of(self.wait(cost, now));
        }
        decision
    }

    /// What a hit of cost 1 would be told.
    #[must_use]
    pub fn peek(&self, now: u64) -> Decision {
        let mut trial = Self { block: 0, ..self.clone() };
        let Decision { is_allowed, retry_after_ms, delay_ms, .. } = trial.hit(1, now);
        let now = i128::from(now);
        Decision { is_allowed, retry_after_ms, delay_ms, ..self.at(now).decision(now) }
    }

    /// Takes back what a hit at `then` cost, from the window that holds that time.
    pub fn refund(&mut self, cost: u32, then: u64, now: u64) {
        let (cost, then, now) = (i128::from(cost), i128::from(then), i128::from(now));
        *self = self.at(now);
        let window = self.window;
        self.known = match self.known {
            Known::Window { start, used } if start <= then && then < start + window => {
                Known::Window { start, used: at_least_0(used - cost) }
            }
            Known::Windows { start, previous, current }
                if start <= then && then < start + window =>
            {
                Known::Windows { start, previous, current: at_least_0(current - cost) }
            }
            Known::Windows { start, previous, current }
                if start - window <= then && then < start =>
            {
                Known::Windows { start, previous: at_least_0(previous - cost), current }
            }
            Known::Bucket { start, poured } if start <= then && now < then + window => {
                Known::Bucket { start, poured: poured - cost * window }
            }
            other => other,
        };
        *self = self.at(now);
    }

    /// Counts points, whether they fit or not.
    pub fn penalize(&mut self, points: u32, now: u64) {
        let now = i128::from(now);
        *self = self.at(now);
        if self.blocked_until().is_none() && (self.algorithm != Algorithm::Gcra || self.limit > 0) {
            self.add(points.into(), now);
        }
    }

    /// Gives points back: those counted last first.
    pub fn reward(&mut self, points: u32, now: u64) {
        let (points, now) = (i128::from(points), i128::from(now));
        *self = self.at(now);
        self.known = match self.known {
            Known::Window { start, used } => {
                Known::Window { start, used: at_least_0(used - points) }
            }
            Known::Windows { start, previous, current } => Known::Windows {
                start,
                previous: at_least_0(previous - at_least_0(points - current)),
                current: at_least_0(current - points),
            },
            Known::Bucket { start, poured } => {
                Known::Bucket { start, poured: poured - points * self.window }
            }
            other => other,
        };
        *self = self.at(now);
    }

    /// Denies every hit for so long.
    pub fn block(&mut self, duration: u64, now: u64) {
        let now = i128::from(now);
        *self = self.at(now);
        self.block_until(now + i128::from(duration), now);
        *self = self.at(now);
    }

    /// Forgets the key.
    pub fn reset(&mut self) {
        self.known = Known::Nothing;
    }

    /// The same key at a later time, or at an earlier one when the clock was set back: nothing that is known
    /// has begun in the future.
    fn at(&self, now: i128) -> Self {
        let (window, limit) = (self.window, self.limit);
        let known = match self.known {
            Known::Window { start, .. } if now >= start + window => Known::Nothing,
            Known::Window { start, used } => Known::Window { start: start.min(now), used },
            Known::Windows { start, .. } if now >= start + 2 * window => Known::Nothing,
            Known::Windows { start, current, .. } if now >= start + window => {
                Known::Windows { start: start + window, previous: current, current: 0 }
            }
            Known::Windows { start, previous, current } => {
                Known::Windows { start: start.min(now), previous, current }
            }
            Known::Bucket { start, poured } => {
                let start = start.min(now);
                let leaked = (now - start) * limit;
                Known::Bucket { start, poured: poured.min(leaked + self.capacity * window) }
            }
            Known::Blocked { end, .. } if now >= end => Known::Nothing,
            Known::Blocked { start, end, used } => {
                let ahead = at_least_0(start - now);
                Known::Blocked { start: start - ahead, end: end - ahead, used }
            }
            Known::Nothing => Known::Nothing,
        };
        let known = match known {
            Known::Windows { previous: 0, current: 0, .. } => Known::Nothing,
            Known::Bucket { start, poured } if poured <= (now - start) * limit => Known::Nothing,
            other => other,
        };
        Self { known, ..self.clone() }
    }

    /// What is used, in hits times the window's length.
    fn weight(&self, now: i128) -> i128 {
        match self.at(now).known {
            Known::Nothing => 0,
            Known::Window { used, .. } | Known::Blocked { used, .. } => used * self.window,
            Known::Windows { start, previous, current } => {
                previous * (start + self.window - now) + current * self.window
            }
            Known::Bucket { start, poured } => poured - (now - start) * self.limit,
        }
    }

    fn allows(&self, cost: i128, now: i128) -> bool {
        self.weight(now) + cost * self.window <= self.capacity * self.window
    }

    fn add(&mut self, cost: i128, now: i128) {
        if cost == 0 {
            return;
        }
        self.known = match (self.algorithm, self.known) {
            (Algorithm::FixedWindow, Known::Window { start, used }) => {
                Known::Window { start, used: (used + cost).min(u32::MAX.into()) }
            }
            (Algorithm::FixedWindow, _) => Known::Window { start: now, used: cost },
            (Algorithm::SlidingWindow, Known::Windows { start, previous, current }) => {
                let current = (current + cost).min(i32::MAX.into());
                Known::Windows { start, previous, current }
            }
            (Algorithm::SlidingWindow, _) => {
                Known::Windows { start: now, previous: 0, current: cost.min(i32::MAX.into()) }
            }
            (Algorithm::Gcra, Known::Bucket { start, poured }) => {
                Known::Bucket { start, poured: poured + cost * self.window }
            }
            (Algorithm::Gcra, _) => Known::Bucket { start: now, poured: cost * self.window },
        };
        *self = self.at(now);
    }

    fn block_until(&mut self, end: i128, now: i128) {
        let used = self.used(now).min(i32::MAX.into());
        self.known = Known::Blocked { start: now, end, used };
    }

    const fn blocked_until(&self) -> Option<i128> {
        match self.known {
            Known::Blocked { end, .. } => Some(end),
            _ => None,
        }
    }

    fn used(&self, now: i128) -> i128 {
        divide_up(self.weight(now), self.window)
    }

    fn decision(&self, now: i128) -> Decision {
        let used = u32::try_from(self.used(now)).unwrap_or(u32::MAX);
        let limit = u32::try_from(self.capacity).unwrap_or(u32::MAX);
        let is_blocked = self.blocked_until().is_some();
        let reset = first(now, now + self.longest(), |time| self.at(time).known == Known::Nothing);
        Decision {
            is_allowed: false,
            is_blocked,
            is_stored: true,
            limit,
            used,
            remaining: if is_blocked { 0 } else { limit.saturating_sub(used) },
            reset_at_ms: u64_of(reset),
            retry_after_ms: if is_blocked { u64_of(reset - now) } else { 0 },
            delay_ms: 0,
        }
    }

    /// How long it takes at the most until nothing is known any more.
    fn longest(&self) -> i128 {
        match self.known {
            Known::Blocked { start, end, .. } => end - start,
            Known::Bucket { poured, .. } => poured / self.limit.max(1) + 1,
            _ => 2 * self.window,
        }
    }

    /// How long until a hit passes if nothing else comes.
    fn wait(&self, cost: i128, now: i128) -> i128 {
        let longest = self.longest();
        let time_to = |goal: &dyn Fn(i128) -> bool| first(now, now + longest, goal) - now;
        let to_nothing = time_to(&|time| self.at(time).known == Known::Nothing);
        match self.algorithm {
            Algorithm::FixedWindow => to_nothing,
            _ if cost > self.capacity => to_nothing.max(self.window),
            _ => time_to(&|time| self.at(time).allows(cost, time)),
        }
    }

    /// How long the key would have to wait if it were to keep to an even pace: what it has used is due at
    /// `limit` a window, counted from the window's start or, where time takes off what is used, from now.
    fn ahead_of_pace(&self, now: i128) -> i128 {
        let due = divide_up(self.weight(now), self.limit);
        match self.known {
            Known::Window { start, .. } => at_least_0(due - (now - start)),
            _ => due,
        }
    }
}

/// One hit under several policies, each with its model and its cost: it passes all or consumes none. A policy
/// that denies does what it does with denied hits.
pub fn hit_jointly(models: &mut [(&mut Model, u32)], now: u64) -> Vec<Decision> {
    let trials: Vec<_> = models
        .iter()
        .map(|(model, cost)| {
            let mut trial = Model::clone(model);
            let decision = trial.hit(*cost, now);
            (trial, decision)
        })
        .collect();
    let is_allowed = trials.iter().all(|(_, decision)| decision.is_allowed);
    let decide = |((model, _), (trial, decision)): (&mut (&mut Model, u32), (Model, Decision))| {
        if is_allowed || !decision.is_allowed {
            **model = trial;
            return decision;
        }
        Decision { is_allowed: true, retry_after_ms: 0, delay_ms: 0, ..model.peek(now) }
    };
    models.iter_mut().zip(trials).map(decide).collect()
}

/// The first moment from `from` on at which `is_reached` says so; it stays so until `to`, where it does.
fn first(from: i128, to: i128, is_reached: impl Fn(i128) -> bool) -> i128 {
    let (mut low, mut high) = (from, to);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_reached(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

fn at_least_0(number: i128) -> i128 {
    number.max(0)
}

fn divide_up(number: i128, divisor: i128) -> i128 {
    if divisor == 0 { 0 } else { (number + divisor - 1) / divisor }
}

fn u64_of(number: i128) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
