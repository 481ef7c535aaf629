use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

fn store(limit: f64, window_ms: f64, max_keys: f64) -> ProcessStore {
    let input = LimitInput {
        limit,
        window_ms: Some(window_ms),
        max_keys: Some(max_keys),
        ..LimitInput::default()
    };
    ProcessStore::new(Limit::try_from(input).unwrap())
}

fn utf16(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

#[test]
fn allows_the_limit_and_denies_the_next_hit() {
    let store = store(2.0, 1000.0, 100.0);
    let key = utf16("192.0.2.1");
    let used: Vec<_> =
        (0..3).map(|now| store.hit(&key, now)).map(|d| (d.used, d.is_allowed)).collect();
    assert_eq!(used, [(1, true), (2, true), (3, false)]);
    assert_eq!(store.hit(&key, 3).reset_at_ms, 1000);
}

#[test]
fn opens_a_new_window_when_the_old_one_ends() {
    let store = store(1.0, 1000.0, 100.0);
    let key = utf16("k");
    assert!(store.hit(&key, 0).is_allowed);
    assert!(!store.hit(&key, 999).is_allowed);
    assert_eq!(store.hit(&key, 1000), Decision { is_allowed: true, used: 1, reset_at_ms: 2000 });
}

#[test]
fn a_limit_of_zero_denies_every_hit() {
    assert!(!store(0.0, 1000.0, 100.0).hit(&utf16("k"), 0).is_allowed);
}

#[test]
fn a_clock_set_back_does_not_stretch_the_window() {
    let store = store(1.0, 1000.0, 100.0);
    let key = utf16("k");
    let _ = store.hit(&key, 1_000_000);
    assert_eq!(store.hit(&key, 0).reset_at_ms, 1000);
}

#[test]
fn counts_one_subscriber_once_whatever_address_of_its_prefix_it_uses_s4() {
    let store = store(100.0, 1000.0, 100_000.0);
    for host in 0..10_000 {
        let _ = store.hit(&utf16(&format!("2001:db8:0:1::{host:x}")), 0);
    }
    assert_eq!(store.len(), 1);
}

#[test]
fn keeps_awkward_keys_apart_s11() {
    let store = store(100.0, 1000.0, 1_000_000.0);
    let long = "x".repeat(1_000_000);
    let longer = format!("{long}y");
    let keys =
        ["", "a:b", "a", "{tag}", "a\0b", "a\r\nb", "__proto__", "constructor", &long, &longer];
    for key in keys {
        assert_eq!(store.hit(&utf16(key), 0).used, 1, "{}", key.len());
    }
    for lone in [0xD800_u16, 0xD801] {
        assert_eq!(store.hit(&[lone], 0).used, 1);
    }
    // The bytes of 192.0.2.1 as text are no address.
    let _ = store.hit(&utf16("192.0.2.1"), 0);
    assert_eq!(store.hit(&[0xC000, 0x0201], 0).used, 1);
}

#[test]
fn stays_within_its_cap_and_keeps_the_key_over_its_limit_s20() {
    let store = store(3.0, 1_000_000.0, 640.0);
    let blocked = utf16("blocked");
    for _ in 0..5 {
        let _ = store.hit(&blocked, 0);
    }
    for other in 0..100_000 {
        let _ = store.hit(&utf16(&other.to_string()), 1);
    }
    assert!(store.len() <= 640);
    assert!(!store.hit(&blocked, 2).is_allowed);
}

#[test]
fn refuses_numbers_out_of_range_s19() {
    let bad = [1.5, -1.0, f64::NAN, f64::INFINITY, 2_147_483_648.0];
    for limit in bad {
        let input = LimitInput { limit, ..LimitInput::default() };
        assert_eq!(Limit::try_from(input).unwrap_err().path, "limit");
    }
    for window in [0.0, 0.5, -1.0, f64::NAN, f64::INFINITY] {
        let input = LimitInput { limit: 1.0, window_ms: Some(window), ..LimitInput::default() };
        assert_eq!(Limit::try_from(input).unwrap_err().path, "windowMs");
    }
}

#[test]
fn lets_exactly_the_limit_pass_under_contention_s16() {
    let store = store(5.0, 1000.0, 100.0);
    let key = utf16("k");
    let passed: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..250).filter(|_| store.hit(&key, 0).is_allowed).count()))
            .collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert_eq!(passed, 5);
}

proptest! {
    /// The naive model: a map from key to (count, end of window).
    #[test]
    fn equals_the_naive_model(hits in prop::collection::vec((0_u8..4, 0_u64..700), 1..300)) {
        let store = store(3.0, 1000.0, 1_000.0);
        let mut model: HashMap<u8, (u32, u64)> = HashMap::new();
        let mut now = 0;
        for (key, step) in hits {
            now += step;
            let entry = model.entry(key).or_insert((0, now + 1000));
            if entry.1 <= now {
                *entry = (0, now + 1000);
            }
            entry.0 += 1;
            let expected = Decision { is_allowed: entry.0 <= 3, used: entry.0, reset_at_ms: entry.1 };
            prop_assert_eq!(store.hit(&[u16::from(key)], now), expected);
        }
    }
}
