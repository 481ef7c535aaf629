//! Checks that hold for every text and all rules: for property tests and fuzzing.
//!
//! Each panics with the text if the scanner or the exact path disagree with the plain specification.

use super::lanes::Scalar;
use super::naive::{self, NoTree, Tree};
use super::options::{JsonOptions, RuleOptions};
use super::pointer::{Segment, render};
use super::refusal::{Refusal, RefusalKind};
use super::rules::{Action, DuplicatePolicy, Rules};
use super::sanitize::{FINDINGS_CAP, Sanitized, sanitize, sanitize_unique};
use super::scanner::{Scratch, Verdict, scan, scan_with};
use super::walk::walk;

/// The verdicts of all versions of the scanner that this processor can run, best first.
fn verdicts(body: &[u8], rules: &Rules, scratch: &mut Scratch) -> Vec<Verdict> {
    let mut verdicts = vec![scan(body, rules, scratch)];
    #[cfg(target_arch = "x86_64")]
    verdicts.push(scan_with(body, rules, scratch, |body, plan, scratch| {
        walk(super::x86::Sse2, body, plan, scratch)
    }));
    verdicts.push(scan_with(body, rules, scratch, |body, plan, scratch| {
        walk(Scalar, body, plan, scratch)
    }));
    verdicts
}

/// All versions agree, and none misses what the specification finds. Gives the verdict.
///
/// # Panics
///
/// If that does not hold.
pub fn check_scan(body: &[u8], rules: &Rules, scratch: &mut Scratch) -> Verdict {
    let verdicts = verdicts(body, rules, scratch);
    let shown = String::from_utf8_lossy(body);
    let Some((verdict, others)) = verdicts.split_first() else { unreachable!("one at least") };
    assert!(others.iter().all(|other| other == verdict), "{verdicts:?} for {shown:?}");
    if std::str::from_utf8(body).is_err() {
        // Another refusal may come first.
        assert!(matches!(verdict, Verdict::Refused(_)), "{verdict:?} for {shown:?}");
        return verdict.clone();
    }
    let Ok(tree) = naive::parse(body) else { return verdict.clone() };
    let violations = naive::violations(&tree, rules);
    match verdict {
        Verdict::Refused(refusal) => {
            assert!(violations.contains(&refusal.kind), "{refusal:?} for {shown:?}");
        }
        Verdict::Clean(_) | Verdict::Flagged { .. } => {
            assert!(violations.is_empty(), "{violations:?} missed in {shown:?}");
            let marked = naive::has_marked_key(&tree, rules);
            let clean = matches!(verdict, Verdict::Clean(_));
            assert!(!(clean && marked), "marked key missed in {shown:?}");
            let first = rules.duplicates() == DuplicatePolicy::First;
            if first && naive::without_duplicates(tree.clone(), DuplicatePolicy::First) != tree {
                assert!(!clean, "duplicate missed in {shown:?}");
            }
        }
    }
    verdict.clone()
}

/// The exact path accepts what the specification accepts, and its text parses to what the
/// specification makes of the body. Gives the result.
///
/// # Errors
///
/// Those of [`sanitize`].
///
/// # Panics
///
/// If that does not hold.
pub fn check_sanitize(body: &[u8], rules: &Rules) -> Result<Sanitized, Refusal> {
    let result = sanitize(body, rules);
    let shown = String::from_utf8_lossy(body);
    if std::str::from_utf8(body).is_err() {
        let kind = result.as_ref().map_err(|refusal| refusal.kind).err();
        assert_eq!(kind, Some(RefusalKind::InvalidUtf8), "{shown:?}");
        return result;
    }
    let tree = match naive::parse(body) {
        Ok(tree) => tree,
        Err(NoTree::TooDeepForMe) => return result,
        Err(NoTree::Malformed) => {
            assert!(result.is_err(), "malformed text accepted: {shown:?}");
            return result;
        }
    };
    let violations = naive::violations(&tree, rules);
    match &result {
        Ok(sanitized) => {
            assert!(violations.is_empty(), "{violations:?} missed in {shown:?}");
            check_text(tree, body, sanitized, rules);
        }
        Err(Refusal { kind: RefusalKind::Forbidden(rule), .. }) => {
            assert_eq!(*rules.action(*rule), Action::Reject, "{shown:?}");
            assert!(naive::has_marked_key(&tree, rules), "{result:?} for {shown:?}");
        }
        Err(refusal) => {
            assert!(violations.contains(&refusal.kind), "{refusal:?} for {shown:?}");
        }
    }
    result
}

/// Compares the text and the findings of an accepted body with the specification's.
fn check_text(tree: Tree, body: &[u8], done: &Sanitized, rules: &Rules) {
    let shown = String::from_utf8_lossy(body);
    let policy = rules.duplicates();
    let repeats = naive::without_duplicates(tree.clone(), policy) != tree;
    let parsed = naive::without_duplicates(tree, policy);
    let mut matches = Vec::new();
    let expected = naive::sanitized(parsed, rules, &mut Vec::new(), &mut matches);
    let text = done.text.as_deref().unwrap_or(body);
    let Ok(got) = naive::parse(text) else {
        let text = String::from_utf8_lossy(text);
        unreachable!("{shown:?} was rewritten to {text:?}");
    };
    let got = naive::without_duplicates(got, policy);
    assert_eq!(got, expected, "{shown:?} became {:?}", String::from_utf8_lossy(text));
    let rejected = matches.iter().any(|(rule, _)| *rules.action(*rule) == Action::Reject);
    assert!(!rejected, "a rejected key passed in {shown:?}");
    if !repeats {
        let found: Vec<_> = done.findings.iter().map(|it| (it.rule, it.pointer.clone())).collect();
        let listed = matches.iter().take(FINDINGS_CAP);
        let listed: Vec<_> = listed.map(|(rule, path)| (*rule, pointer(path))).collect();
        assert_eq!((found, done.total), (listed, matches.len()), "{shown:?}");
    }
}

/// A body that the scanner calls clean has nothing for the exact path to find; the two refuse alike.
///
/// # Panics
///
/// If that does not hold.
pub fn check_clean(body: &[u8], rules: &Rules) {
    let shown = String::from_utf8_lossy(body);
    let exact = sanitize(body, rules);
    match scan(body, rules, &mut Scratch::default()) {
        // Malformed text is for `JSON.parse` to refuse.
        Verdict::Clean(_) => match exact {
            Ok(sanitized) => assert_eq!(sanitized, Sanitized::default(), "{shown:?}"),
            Err(refusal) => assert!(naive::parse(body).is_err(), "{refusal:?} for {shown:?}"),
        },
        Verdict::Flagged { has_unique_keys, .. } => {
            if has_unique_keys {
                assert_eq!(sanitize_unique(body, rules), exact, "{shown:?}");
            }
        }
        Verdict::Refused(_) => assert!(exact.is_err(), "{shown:?}"),
    }
}

/// A set of rules for each number, small limits and every action among them: for fuzzing.
#[must_use]
pub fn rules_by_number(number: u8) -> Rules {
    const ACTIONS: [&str; 4] = ["strip", "reject", "report", "off"];
    let bit = |at: u8| number >> at & 1 == 1;
    let action = |turn: u8| RuleOptions {
        action: ACTIONS
            .get(usize::from(number.wrapping_add(turn) >> 2 & 3))
            .map(ToString::to_string),
        ..RuleOptions::default()
    };
    let rename = |text: &str| RuleOptions {
        replace_with: Some(text.to_owned()),
        allow: Some(vec!["/a/*".to_owned(), "/*/0/$b".to_owned()]),
        ..RuleOptions::default()
    };
    let policy = ["reject", "first", "last", "last"];
    let small = |limit: f64| bit(4).then_some(limit);
    let options = JsonOptions {
        max_depth: small(5.0),
        max_keys: small(9.0),
        max_array_elements: small(4.0),
        max_key_bytes: small(20.0),
        max_number_length: small(if bit(5) { 130.0 } else { 12.0 }),
        proto: action(0),
        operator: if bit(6) { rename("_") } else { action(4) },
        dotted: if bit(7) { rename("s") } else { action(8) },
        nul: action(12),
        duplicate_keys: policy.get(usize::from(number & 3)).map(ToString::to_string),
    };
    let rules = options.apply_to(if bit(5) { Rules::permissive() } else { Rules::default() });
    rules.unwrap_or_default()
}

fn pointer(path: &[Vec<u8>]) -> String {
    // As raw text a key has its backslashes escaped.
    let escaped = |byte: u8| std::iter::repeat_n(byte, if byte == b'\\' { 2 } else { 1 });
    let raw = path.iter().map(|key| key.iter().copied().flat_map(escaped).collect());
    let raw: Vec<Vec<u8>> = raw.collect();
    render(raw.iter().map(|key| Segment::Raw(key)))
}
