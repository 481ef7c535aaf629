//! What the algorithms promise against each attack.

use super::*;
use crate::rate_limit::state::{EMPTY, Rank, State, expires_at_ms, rank};
use proptest::prelude::*;

const ALGORITHMS: [&str; 3] = ["fixed-window", "sliding-window", "gcra"];

/// One key.
struct Key {
    policy: Policy,
    state: State,
}

impl Key {
    const fn new(policy: Policy) -> Self {
        Self { policy, state: EMPTY }
    }

    fn hit(&mut self, cost: u32, now_ms: u64) -> Decision {
        let (state, decision) = algorithm::hit(self.state, &self.policy, cost, now_ms);
        self.state = state;
        decision
    }

    /// How many of so many hits pass.
    fn passed(&mut self, hits: u32, now_ms: u64) -> usize {
        (0..hits).filter(|_| self.hit(1, now_ms).is_allowed).count()
    }

    fn refund(&mut self, cost: u32, hit_ms: u64, now_ms: u64) {
        self.state = algorithm::refund(self.state, &self.policy, cost, hit_ms, now_ms);
    }

    fn used(&self, now_ms: u64) -> u32 {
        algorithm::peek(self.state, &self.policy, now_ms).used
    }
}

/// The most hits of any span of this length.
fn most_in_any_span(times: &[u64], span_ms: u64) -> usize {
    let within = |first: usize| {
        times[first..].iter().take_while(|time| **time < times[first] + span_ms).count()
    };
    (0..times.len()).map(within).max().unwrap_or(0)
}

#[test]
fn a_burst_around_the_edge_of_a_window_passes_once_s12() {
    for (algorithm, expected) in [("fixed-window", 200), ("sliding-window", 100), ("gcra", 100)] {
        // A client that comes now and then opens the window at 0 s, so that its edge is at 60 s.
        let mut key = Key::new(policy(algorithm, 100, 60_000));
        let mut times = Vec::new();
        for now in [0, 59_900, 60_100] {
            let hits = if now == 0 { 1 } else { 100 };
            times.extend(std::iter::repeat_n(now, key.passed(hits, now)));
        }
        let most = most_in_any_span(&times[1..], 60_000);
        assert!(most <= expected, "{algorithm}: {most}");
        if algorithm == "fixed-window" {
            assert_eq!(most, 199, "the trap that the other two do not have");
        }
    }
}

#[test]
fn a_sliding_window_gives_nothing_right_after_a_full_one_s12() {
    let mut key = Key::new(policy("sliding-window", 100, 60_000));
    assert_eq!(key.passed(1000, 0), 100);
    assert_eq!(key.passed(1000, 59_999), 0);
    // Then what the window before loses in weight: one in 600 ms.
    assert_eq!(key.passed(1000, 60_599), 0);
    assert_eq!(key.passed(1000, 60_600), 1);
    assert_eq!(key.passed(1000, 90_000), 49);
}

#[test]
fn the_worst_case_of_a_sliding_window_stays_below_twice_its_limit_s12() {
    let mut key = Key::new(policy("sliding-window", 100, 60_000));
    let opened = key.passed(1, 0);
    let mut times = vec![59_999; key.passed(100, 59_999)];
    for now in 60_000..119_999 {
        times.extend(std::iter::repeat_n(now, key.passed(1, now)));
    }
    assert_eq!((opened, most_in_any_span(&times, 60_000)), (1, 198));
}

proptest! {
    /// What `sliding_window` guarantees, whatever the client does.
    #[test]
    fn a_sliding_window_keeps_its_guarantee_s12(
        limit in 1..12_u32,
        steps in prop::collection::vec((0..1500_u64, 1..20_u32), 1..120),
    ) {
        let mut key = Key::new(policy("sliding-window", limit, 1000));
        let (mut now, mut times) = (5000, Vec::new());
        for (step, hits) in steps {
            now += step;
            times.extend(std::iter::repeat_n(now, key.passed(hits, now)));
        }
        prop_assert!(most_in_any_span(&times, 1000) < 2 * limit as usize);
    }

    /// At most burst + limit * span / window in any span: 100 in any minute where they add up to 100.
    #[test]
    fn gcra_keeps_its_guarantee_in_every_span_s12(
        limit in 1..12_u32,
        burst in 1..12_u32,
        steps in prop::collection::vec((0..1500_u64, 1..20_u32), 1..120),
    ) {
        let mut key = Key::new(made("gcra", limit, 1000, Some(burst), 0));
        let (mut now, mut times) = (5000, Vec::new());
        for (step, hits) in steps {
            now += step;
            times.extend(std::iter::repeat_n(now, key.passed(hits, now)));
        }
        for (span, windows) in [(1000, 1), (2000, 2), (7000, 7)] {
            prop_assert!(most_in_any_span(&times, span) <= (burst + windows * limit) as usize);
        }
    }

    /// Every hit in a log, with the window that it was counted in: what a refund means without packing.
    #[test]
    fn a_refund_takes_back_that_hit_and_no_other_s13(
        algorithm in prop::sample::select(vec!["fixed-window", "sliding-window"]),
        steps in prop::collection::vec((0..900_u64, 0..6_u32, any::<Option<usize>>()), 1..80),
    ) {
        let mut key = Key::new(policy(algorithm, 1000, 1000));
        let mut log = Log { is_fixed: algorithm == "fixed-window", start: None, hits: Vec::new() };
        let mut now = 5000;
        for (step, cost, refund) in steps {
            now += step;
            log.advance(now);
            if cost > 0 {
                prop_assert!(key.hit(cost, now).is_allowed);
                let window = *log.start.get_or_insert(now);
                log.hits.push(Logged { time: now, left: cost, window });
            }
            if let Some(refund) = refund.filter(|_| !log.hits.is_empty()) {
                let index = refund % log.hits.len();
                key.refund(log.hits[index].left, log.hits[index].time, now);
                log.hits[index].left = 0;
                log.advance(now);
            }
            prop_assert_eq!(key.used(now), log.used(now), "{} {:?}", now, log);
        }
    }
}

#[derive(Debug)]
struct Logged {
    time: u64,
    left: u32,
    /// When the window began that counted it.
    window: u64,
}

/// Every hit of a key, with windows of 1000 ms.
#[derive(Debug)]
struct Log {
    is_fixed: bool,
    /// When the present window began.
    start: Option<u64>,
    hits: Vec<Logged>,
}

impl Log {
    fn sum(&self, window: u64) -> u32 {
        self.hits.iter().filter(|hit| hit.window == window).map(|hit| hit.left).sum()
    }

    fn advance(&mut self, now: u64) {
        self.start = match self.start {
            Some(start) if now < start + 1000 => Some(start),
            Some(start) if now < start + 2000 && !self.is_fixed => Some(start + 1000),
            _ => None,
        };
        // A sliding window of which nothing is left begins anew.
        self.start = self
            .start
            .filter(|start| self.is_fixed || self.sum(*start) + self.sum(*start - 1000) > 0);
    }

    fn used(&self, now: u64) -> u32 {
        let Some(start) = self.start else { return 0 };
        let before = if self.is_fixed { 0 } else { u64::from(self.sum(start - 1000)) };
        let weighted = (before * (start + 1000 - now)).div_ceil(1000);
        self.sum(start) + u32::try_from(weighted).unwrap()
    }
}

#[test]
fn a_refund_after_its_window_gives_no_credit_and_leaves_no_state_s13() {
    for algorithm in ALGORITHMS {
        let mut key = Key::new(policy(algorithm, 5, 1000));
        key.hit(1, 10_000);
        key.refund(1, 10_000, 13_000);
        assert_eq!(key.state, EMPTY, "{algorithm}: nothing that could live without an end");
        assert_eq!(key.passed(10, 13_000), 5, "{algorithm}: no credit");
        key.refund(1, 10_000, 13_000);
        assert_eq!(key.used(13_000).min(5), 5, "{algorithm}: nor to the window that follows");
        assert!(expires_at_ms(key.state) > 13_000 && expires_at_ms(key.state) <= 15_000);
    }
}

#[test]
fn a_refund_gives_back_exactly_its_cost_s13() {
    for algorithm in ALGORITHMS {
        let mut key = Key::new(policy(algorithm, 10, 1000));
        key.hit(3, 10_000);
        key.hit(4, 10_000);
        key.refund(3, 10_000, 10_000);
        assert_eq!(key.used(10_000), 4, "{algorithm}");
        key.refund(100, 10_000, 10_000);
        assert_eq!(key.used(10_000), 0, "{algorithm}: never below nothing");
        assert_eq!(key.passed(20, 10_000), 10, "{algorithm}");
    }
}

#[test]
fn half_a_second_is_half_a_second_s18() {
    for algorithm in ALGORITHMS {
        let mut key = Key::new(policy(algorithm, 1, 500));
        assert!(key.hit(1, 10_000).is_allowed);
        let denied = key.hit(1, 10_499);
        assert!(!denied.is_allowed, "{algorithm}");
        let passes_at = 10_499 + denied.retry_after_ms;
        // Only the sliding window remembers the window before it.
        assert_eq!(passes_at, if algorithm == "sliding-window" { 11_000 } else { 10_500 });
        assert!(!key.hit(1, passes_at - 1).is_allowed, "{algorithm}");
        assert!(key.hit(1, passes_at).is_allowed, "{algorithm}");
    }
}

#[test]
fn a_clock_set_back_stretches_nothing() {
    for algorithm in ALGORITHMS {
        let mut key = Key::new(policy(algorithm, 2, 1000));
        key.passed(2, 1_000_000_000);
        let decision = key.hit(0, 5000);
        assert!(decision.reset_at_ms <= 5000 + 2000, "{algorithm}: {decision:?}");
        let mut light = Key::new(policy(algorithm, 10, 1000));
        light.hit(1, 1_000_000_000);
        assert_eq!(light.hit(1, 5000).used, 2, "{algorithm}: a step back denies nobody");
    }
}

#[test]
fn a_limit_of_0_denies_every_hit_and_needs_no_protection() {
    for algorithm in ALGORITHMS {
        let mut key = Key::new(policy(algorithm, 0, 1000));
        let denied = key.hit(1, 10_000);
        assert!(!denied.is_allowed && denied.retry_after_ms == 1000, "{algorithm}: {denied:?}");
        assert_eq!(rank(key.state), Rank::Low, "{algorithm}");
    }
}

#[test]
fn a_cost_above_the_limit_never_passes_and_is_only_counted_by_the_fixed_window() {
    for (algorithm, passed) in [("fixed-window", 0), ("sliding-window", 5), ("gcra", 5)] {
        let mut key = Key::new(policy(algorithm, 5, 1000));
        for cost in [6, 1 << 31] {
            let denied = key.hit(cost, 10_000);
            assert!(!denied.is_allowed && denied.retry_after_ms >= 1000, "{algorithm}: {denied:?}");
        }
        assert_eq!(key.passed(10, 10_000), passed, "{algorithm}");
    }
}

#[test]
fn a_cost_of_0_passes_unless_the_key_is_over_its_limit() {
    let mut key = Key::new(policy("fixed-window", 1, 1000));
    assert!(key.hit(0, 10_000).is_allowed);
    assert_eq!(key.state, EMPTY);
    key.hit(1, 10_000);
    assert!(key.hit(0, 10_000).is_allowed);
    key.hit(1, 10_000);
    assert!(!key.hit(0, 10_000).is_allowed);
}

#[test]
fn a_denied_hit_begins_the_block_and_nothing_prolongs_it() {
    for algorithm in ALGORITHMS {
        let mut key = Key::new(made(algorithm, 2, 1000, None, 30_000));
        assert_eq!(key.passed(2, 10_000), 2);
        let denied = key.hit(1, 10_000);
        assert!(denied.is_blocked && !denied.is_allowed, "{algorithm}");
        assert_eq!((denied.retry_after_ms, denied.reset_at_ms), (30_000, 40_000));
        assert_eq!(rank(key.state), Rank::Blocked);
        key.refund(2, 10_000, 10_001);
        assert!(key.hit(0, 39_999).is_blocked, "{algorithm}");
        assert_eq!(key.passed(10, 40_000), 2, "{algorithm}: then it begins anew");
    }
}

#[test]
fn says_when_the_next_hit_passes_and_how_far_ahead_of_the_pace_it_is() {
    let mut key = Key::new(made("gcra", 10, 1000, Some(3), 0));
    let delays: Vec<_> = (0..3).map(|_| key.hit(1, 10_000).delay_ms).collect();
    assert_eq!(delays, [0, 100, 200]);
    let denied = key.hit(2, 10_000);
    assert_eq!((denied.retry_after_ms, denied.reset_at_ms), (200, 10_300));
    let mut fixed = Key::new(policy("fixed-window", 10, 1000));
    fixed.hit(5, 10_000);
    assert_eq!(fixed.hit(1, 10_200).delay_ms, 300);
    assert_eq!(fixed.hit(1, 10_900).delay_ms, 0);
}

#[test]
fn a_denial_by_one_policy_does_not_consume_the_others() {
    let policies = [policy("sliding-window", 10, 1000), policy("gcra", 1, 1000)];
    let mut states = [EMPTY; 2];
    let mut decisions = [Decision::default(); 2];
    let shares = || policies.iter().map(|policy| joint::Share { policy, cost: 1 });
    assert!(joint::decide(&mut states, shares(), 10_000, &mut decisions));
    assert_eq!(decisions.map(|decision| decision.used), [1, 1]);
    for _ in 0..5 {
        assert!(!joint::decide(&mut states, shares(), 10_000, &mut decisions));
        assert_eq!(decisions.map(|decision| decision.is_allowed), [true, false]);
        assert_eq!(decisions.map(|decision| decision.used), [1, 1]);
        assert_eq!(Decision::strictest(&decisions), Some(1));
    }
}

#[test]
fn the_strictest_is_the_longest_denial_else_the_least_that_remains() {
    let passed = |remaining| Decision { is_allowed: true, remaining, ..Decision::default() };
    let denied = |retry_after_ms| Decision { retry_after_ms, ..Decision::default() };
    let strictest = Decision::strictest;
    assert_eq!(strictest(&[]), None);
    assert_eq!(strictest(&[passed(5), passed(2), passed(2), passed(9)]), Some(1));
    assert_eq!(strictest(&[passed(0), denied(10), denied(70), denied(70), passed(0)]), Some(2));
}
