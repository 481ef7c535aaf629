//! The attack corpus that the JavaScript tests read too, `__test__/fixtures/json-attacks.json`.
//!
//! Each entry names its threat (S-29 to S-51), the body, and the outcome under the defaults.

use simd_json::OwnedValue;
use simd_json::base::ValueAsScalar as _;
use simd_json::derived::{ValueObjectAccessAsArray as _, ValueObjectAccessAsScalar as _};

use super::super::oracle::{check_sanitize, check_scan};
use super::super::*;

const CORPUS: &str = include_str!("../../../__test__/fixtures/json-attacks.json");

/// RFC 4648, without checks: the corpus is ours.
fn base64(text: &str) -> Vec<u8> {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    };
    let digits: Vec<u32> = text.bytes().filter_map(digit).map(u32::from).collect();
    let groups = digits.chunks(4).flat_map(|group| {
        let bits =
            group.iter().enumerate().fold(0, |bits, (at, digit)| bits | digit << (18 - 6 * at));
        bits.to_be_bytes()[1..].iter().copied().take(group.len() - 1).collect::<Vec<_>>()
    });
    groups.collect()
}

fn entries() -> Vec<OwnedValue> {
    let mut text = CORPUS.as_bytes().to_vec();
    let OwnedValue::Array(entries) = simd_json::to_owned_value(&mut text).unwrap() else {
        panic!("an array of entries")
    };
    entries.into_iter().collect()
}

/// What becomes of the body: the verdict's word, the text, the codes, the pointers.
fn outcome(body: &[u8]) -> (&'static str, Option<String>, Vec<&'static str>, Vec<String>) {
    let rules = Rules::default();
    let verdict = check_scan(body, &rules, &mut Scratch::default());
    let refused =
        |refusal: Refusal| ("reject", None, vec![refusal.kind.as_str()], vec![refusal.pointer]);
    let exact = check_sanitize(body, &rules);
    match (verdict, exact) {
        (Verdict::Refused(refusal), exact) => {
            // The exact path stands alone.
            assert!(exact.is_err(), "{refusal}");
            refused(refusal)
        }
        // After a clean verdict this is what `JSON.parse` would say.
        (_, Err(refusal)) => refused(refusal),
        (verdict, Ok(sanitized)) => {
            let findings = sanitized.findings;
            let word = if findings.is_empty() { "clean" } else { "strip" };
            assert!(word == "clean" || matches!(verdict, Verdict::Flagged { .. }));
            let text = sanitized.text.map(|text| String::from_utf8(text).unwrap());
            let codes = findings.iter().map(|finding| finding.rule.as_str()).collect();
            (word, text, codes, findings.into_iter().map(|finding| finding.pointer).collect())
        }
    }
}

#[test]
fn every_attack_ends_as_the_corpus_says() {
    for entry in entries() {
        let name = format!("{} {}", entry.get_str("id").unwrap(), entry.get_str("name").unwrap());
        let body = match entry.get_str("bodyBase64") {
            Some(text) => base64(text),
            None => entry.get_str("body").unwrap().as_bytes().to_vec(),
        };
        let (word, text, codes, pointers) = outcome(&body);
        assert_eq!(Some(word), entry.get_str("outcome"), "{name}: {codes:?} {pointers:?}");
        assert_eq!(text.as_deref(), entry.get_str("expect"), "{name}");
        if let Some(rule) = entry.get_str("rule") {
            assert!(codes.contains(&rule), "{name}: {codes:?}");
        }
        let paths: Vec<_> = entry.get_array("paths").unwrap().iter().collect();
        let paths: Vec<_> = paths.iter().filter_map(|path| path.as_str()).collect();
        if !paths.is_empty() || word != "reject" {
            assert_eq!(pointers, paths, "{name}");
        }
    }
}

#[test]
fn corpus_covers_the_threats_of_json_bodies() {
    let entries = entries();
    for id in [
        "S-29", "S-30", "S-31", "S-32", "S-33", "S-36", "S-37", "S-40", "S-47", "S-48", "S-49",
        "S-50", "S-51",
    ] {
        assert!(entries.iter().any(|entry| entry.get_str("id") == Some(id)), "{id}");
    }
}
