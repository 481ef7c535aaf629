use super::*;
use crate::client_key::ClientKey;
use crate::rate_limit::{Decision, Policy, PolicyInput, algorithm};
use std::collections::HashSet;

const NOW: u64 = 1_795_000_000_000;

fn policy(algorithm: &str, limit: u32, window_ms: u32) -> Policy {
    let input = PolicyInput {
        algorithm: Some(algorithm.to_owned()),
        limit: limit.into(),
        window_ms: Some(window_ms.into()),
        ..PolicyInput::default()
    };
    Policy::try_from(input).unwrap()
}

fn hit(policy: &StorePolicy, key: KeyHash) -> Hit {
    Hit { policy: *policy, key, cost: 1 }
}

fn utf16(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

#[test]
fn keeps_awkward_keys_apart_s11() {
    let store = ProcessStore::new(1000);
    let policy = store.register(policy("fixed-window", 100, 1000), None);
    let used = |units: &[u16]| {
        let key = store.hash(&ClientKey::parse(units, 56));
        store.hit(&hit(&policy, key), NOW).used
    };
    let long = "x".repeat(1_000_000);
    let longer = format!("{long}y");
    let keys =
        ["", "a:b", "a", "{tag}", "a\0b", "a\r\nb", "__proto__", "constructor", &long, &longer];
    for key in keys {
        assert_eq!(used(&utf16(key)), 1, "{}", key.len());
    }
    for lone in [0xD800_u16, 0xD801] {
        assert_eq!(used(&[lone]), 1);
    }
    // The bytes of 192.0.2.1 as text are no address.
    assert_eq!(used(&utf16("192.0.2.1")), 1);
    assert_eq!(used(&[0xC000, 0x0201]), 1);
    assert_eq!(used(&utf16("192.0.2.1:80")), 2);
}

#[test]
fn a_key_under_one_policy_says_nothing_of_it_under_another_s11() {
    let store = ProcessStore::new(1000);
    let rule = policy("fixed-window", 100, 1000);
    let [a, b] = [None, None].map(|name| store.register(rule, name));
    let key = store.hash(&"k");
    assert_eq!(store.hit(&hit(&a, key), NOW).used, 1);
    assert_eq!(store.hit(&hit(&b, key), NOW).used, 1);
    assert_eq!(store.hit(&hit(&a, key), NOW).used, 2);
}

#[test]
fn policies_of_one_name_and_rule_count_together() {
    let store = ProcessStore::new(1000);
    let rule = policy("fixed-window", 100, 1000);
    let key = store.hash(&"k");
    let used = |rule: Policy, name: Option<&str>| {
        store.hit(&hit(&store.register(rule, name), key), NOW).used
    };
    assert_eq!([used(rule, Some("api")), used(rule, Some("api"))], [1, 2]);
    assert_eq!([used(rule, Some("login")), used(rule, None), used(rule, None)], [1, 1, 1]);
    for other in [policy("gcra", 100, 1000), policy("fixed-window", 99, 1000)] {
        assert_eq!(used(other, Some("api")), 1);
    }
}

#[test]
fn knows_nothing_of_a_key_that_never_came_s14() {
    let store = ProcessStore::new(1000);
    let policy = store.register(policy("gcra", 5, 1000), None);
    let nobody = store.hash(&"nobody");
    assert_eq!(store.peek(&policy, nobody, NOW), None);
    assert!(!store.reset(&policy, nobody));
    assert!(store.change(&policy, nobody, NOW, |state, policy| {
        algorithm::refund(state, policy, 1, NOW, NOW)
    }));
    assert_eq!((store.peek(&policy, nobody, NOW), store.len()), (None, 0));
}

#[test]
fn forgets_a_key_or_all_of_a_policy() {
    let store = ProcessStore::new(100_000);
    let [one, other] = [None, None].map(|name| store.register(policy("gcra", 5, 60_000), name));
    for key in 0..1000 {
        for policy in [&one, &other] {
            let _ = store.hit(&hit(policy, store.hash(&key)), NOW);
        }
    }
    assert_eq!(store.len(), 2000);
    let key = store.hash(&7);
    assert!(store.reset(&one, key) && !store.reset(&one, key));
    assert_eq!((store.peek(&one, key, NOW), store.len()), (None, 1999));
    assert!(store.peek(&other, key, NOW).is_some());
    assert_eq!((store.reset_all(&one), store.len()), (999, 1000));
    assert_eq!(store.peek(&one, store.hash(&8), NOW), None);
    assert!(store.peek(&other, store.hash(&8), NOW).is_some());
}

#[test]
fn loses_no_count_while_it_grows() {
    let store = ProcessStore::new(200_000);
    let policy = store.register(policy("fixed-window", 100, 60_000), None);
    for round in 1..=3 {
        for key in 0..50_000_u32 {
            assert_eq!(store.hit(&hit(&policy, store.hash(&key)), NOW).used, round);
        }
    }
    assert_eq!(store.len(), 50_000);
    assert!(store.bytes() / store.len() <= 80, "{}", store.bytes() / store.len());
}

#[test]
fn reuses_the_place_of_expired_keys() {
    let store = ProcessStore::new(20_000);
    let policy = store.register(policy("fixed-window", 100, 1000), None);
    let mut most = 0;
    for generation in 0..20_u32 {
        let now = NOW + u64::from(generation) * 1000;
        for key in 0..10_000_u32 {
            let decision = store.hit(&hit(&policy, store.hash(&(generation, key))), now);
            assert!(decision.is_stored && decision.used == 1);
        }
        most = most.max(store.bytes());
    }
    assert!(store.len() <= 20_000);
    assert!(most <= 20_000 * 80, "{most}");
}

#[test]
fn stays_within_its_cap_and_keeps_the_blocked_key_s20() {
    for max_keys in [1, 2, 10, 640, 50_000] {
        let store = ProcessStore::new(max_keys);
        let policy = store.register(policy("sliding-window", 3, 3_600_000), None);
        let blocked = store.hash(&"blocked");
        for _ in 0..5 {
            let _ = store.hit(&hit(&policy, blocked), NOW);
        }
        let mut stored = 0;
        let others = u32::try_from(2000 + 2 * max_keys).unwrap();
        for other in 0..others {
            let decision = store.hit(&hit(&policy, store.hash(&other)), NOW + 1);
            assert!(decision.is_allowed);
            stored += u32::from(decision.is_stored);
        }
        assert!(store.len() <= max_keys, "{} of {max_keys}", store.len());
        assert!(!store.hit(&hit(&policy, blocked), NOW + 2).is_allowed, "{max_keys}");
        // The only place is taken by the blocked key.
        assert_eq!(stored, if max_keys == 1 { 0 } else { others });
        assert!(store.bytes() <= 80 * max_keys + 128 * 8192, "{max_keys}: {}", store.bytes());
    }
}

#[test]
fn says_when_blocked_keys_leave_no_room_s20() {
    let store = ProcessStore::new(100);
    let policy = store.register(policy("gcra", 1, 60_000), None);
    let deny = |key: u32| (0..3).map(|_| store.hit(&hit(&policy, store.hash(&key)), NOW)).last();
    let answers: Vec<Decision> = (0..100).filter_map(deny).collect();
    assert!(answers.iter().all(|decision| !decision.is_allowed && decision.is_stored));
    let late = store.hit(&hit(&policy, store.hash(&1000)), NOW);
    assert!(late.is_allowed && !late.is_stored);
    assert!(!store.change(&policy, store.hash(&1001), NOW, |state, policy| {
        algorithm::block(state, policy, 1000, NOW)
    }));
    let mut decisions = [Decision::default()];
    assert!(store.decide(&[hit(&policy, store.hash(&1002))], NOW, &mut decisions));
    assert!(!decisions[0].is_stored);
    // Once they have expired there is room again.
    assert!(store.hit(&hit(&policy, store.hash(&1000)), NOW + 60_000).is_stored);
}

#[test]
fn gives_up_the_least_used_of_the_keys_that_are_not_denied() {
    let store = ProcessStore::new(2000);
    let policy = store.register(policy("fixed-window", 100, 60_000), None);
    let busy: Vec<_> = (0..500_u32).map(|key| store.hash(&("busy", key))).collect();
    for key in &busy {
        let _ = store.hit(&Hit { cost: 99, ..hit(&policy, *key) }, NOW);
    }
    for other in 0..20_000_u32 {
        let _ = store.hit(&hit(&policy, store.hash(&other)), NOW);
    }
    let kept = busy.iter().filter(|key| store.peek(&policy, **key, NOW).is_some()).count();
    assert!(kept >= 490, "{kept}");
}

#[test]
fn holds_nothing_before_room_is_made_and_never_less_afterwards() {
    let store = ProcessStore::new(0);
    let policy = store.register(policy("fixed-window", 100, 60_000), None);
    assert!(!store.hit(&hit(&policy, store.hash(&1)), NOW).is_stored);
    store.reserve(10);
    store.reserve(5);
    assert_eq!((store.max_keys(), store.is_empty()), (10, true));
    assert!(store.hit(&hit(&policy, store.hash(&1)), NOW).is_stored);
}

/// What a sender can choose, in neighboring values, spreads over the table as random keys do; and no two
/// tables, so no two processes, place keys alike.
#[test]
fn crafted_keys_spread_like_any_other_s21() {
    let store = ProcessStore::new(200_000);
    let policy = store.register(policy("fixed-window", 100, 60_000), None);
    let addresses =
        (0..100_000_u32).map(|low| format!("10.{}.{}.{}", low >> 16, (low >> 8) & 255, low & 255));
    for address in addresses {
        let key = store.hash(&ClientKey::parse(&utf16(&address), 56));
        let _ = store.hit(&hit(&policy, key), NOW);
    }
    // Keys that met in one place would have doubled its directory again and again.
    assert!(store.bytes() / store.len() <= 60, "{}", store.bytes() / store.len());
    let hashes: HashSet<_> =
        (0..100).map(|_| ProcessStore::new(1).hash(&"k")).map(|hash| format!("{hash:?}")).collect();
    assert_eq!(hashes.len(), 100);
}

#[test]
fn lets_exactly_the_limit_pass_under_contention_s16() {
    for algorithm in ["fixed-window", "sliding-window", "gcra"] {
        let store = ProcessStore::new(100);
        let policy = store.register(policy(algorithm, 5, 60_000), None);
        let key = store.hash(&"k");
        let count = || (0..250).filter(|_| store.hit(&hit(&policy, key), NOW).is_allowed).count();
        let passed: usize = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4).map(|_| scope.spawn(count)).collect();
            workers.into_iter().map(|worker| worker.join().unwrap()).sum()
        });
        assert_eq!(passed, 5, "{algorithm}");
    }
}

/// Threads that decide under the same policies in opposite orders neither wait for each other in a circle nor
/// let more pass than the strictest allows.
#[test]
fn joint_decisions_in_any_order_neither_lock_up_nor_leak_s16() {
    let store = ProcessStore::new(10_000);
    let limits = [3000, 1000, 2000];
    let policies = limits.map(|limit| store.register(policy("gcra", limit, 3_600_000), None));
    let decide = |turn: usize| {
        let mut passed = 0;
        for round in 0..2000 {
            let mut hits: Vec<_> =
                policies.iter().map(|policy| hit(policy, store.hash(&"shared"))).collect();
            hits.rotate_left((round + turn) % 3);
            let mut decisions = [Decision::default(); 3];
            passed += usize::from(store.decide(&hits, NOW, &mut decisions));
            // Other keys keep the table growing meanwhile.
            let _ = store.hit(&hit(&policies[0], store.hash(&(turn, round))), NOW);
        }
        passed
    };
    let decide = &decide;
    let passed: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|turn| scope.spawn(move || decide(turn))).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(passed, 1000);
    let used = policies.map(|policy| store.peek(&policy, store.hash(&"shared"), NOW).unwrap().used);
    assert_eq!(used, [1000; 3], "no policy was consumed by hits that another denied");
}

#[test]
fn keeps_its_bound_while_threads_fill_it_s20() {
    let store = ProcessStore::new(5000);
    let policy = store.register(policy("sliding-window", 1, 60_000), None);
    let fill = |worker: u32| {
        for key in 0..20_000_u32 {
            let _ = store.hit(&hit(&policy, store.hash(&(worker, key))), NOW);
            assert!(store.len() <= 5004, "a claim that is given back at once");
        }
    };
    let fill = &fill;
    std::thread::scope(|scope| {
        for worker in 0..4 {
            scope.spawn(move || fill(worker));
        }
    });
    assert!(store.len() <= 5000);
}

#[test]
fn a_joint_decision_of_more_than_it_takes_decides_the_first() {
    let store = ProcessStore::new(100);
    let rule = policy("fixed-window", 1, 1000);
    let hits: Vec<_> =
        (0..20).map(|key| hit(&store.register(rule, None), store.hash(&key))).collect();
    let mut decisions = [Decision::default(); 20];
    assert!(store.decide(&hits, NOW, &mut decisions));
    assert_eq!(decisions.iter().filter(|decision| decision.used == 1).count(), 16);
    assert!(store.decide(&[], NOW, &mut []));
}
