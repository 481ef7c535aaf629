//! The attacks of `form-attacks.json`, which the JavaScript tests share.

use serde_json::Value;

use super::*;
use crate::json::{JsonOptions, RuleOptions, Rules};

fn rule_options(value: &Value) -> RuleOptions {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let allow = value["allow"].as_array().map(|list| list.iter().filter_map(text).collect());
    RuleOptions { action: text(value), replace_with: text(&value["replaceWith"]), allow }
}

fn rules(value: &Value) -> Rules {
    let options = JsonOptions {
        proto: rule_options(&value["proto"]),
        operator: rule_options(&value["operator"]),
        dotted: rule_options(&value["dotted"]),
        nul: rule_options(&value["nul"]),
        ..JsonOptions::default()
    };
    Rules::try_from(&options).unwrap()
}

fn hpp(value: &Value) -> HppOptions {
    let keep = value["keep"].as_str().unwrap_or("last");
    let empty = Vec::new();
    let list = value["whitelist"].as_array().unwrap_or(&empty);
    let list: Vec<_> = list.iter().map(|name| name.as_str().unwrap()).collect();
    HppOptions::default().with_keep(keep).unwrap().with_whitelist(&list).unwrap()
}

fn options_of(attack: &Value, base: FormOptions) -> FormOptions {
    let mut options = base.with_rules(rules(&attack["rules"]));
    if attack["bend"] == true {
        options = options.with_overflow(Overflow::Bend, Overflow::Bend, Overflow::Bend);
    }
    if attack["hpp"].is_object() { options.with_hpp(Some(hpp(&attack["hpp"]))) } else { options }
}

fn paths<'a>(list: impl Iterator<Item = &'a str>) -> Value {
    list.map(str::to_owned).collect::<Vec<_>>().into()
}

/// What became of one attack, in the words of the file.
fn run(attack: &Value, options: &FormOptions) -> Value {
    let times = usize::try_from(attack["times"].as_u64().unwrap_or(1)).unwrap();
    let form = vec![attack["form"].as_str().unwrap(); times].join("&");
    let mut scratch = Scratch::new();
    let form = match parse(form.as_bytes(), Source::UTF_8, options, &mut scratch) {
        Ok(form) => form,
        Err(refusal) => {
            let path = Some(refusal.pointer()).filter(|path| !path.is_empty());
            let list = paths(path.into_iter());
            return serde_json::json!({ "outcome": "reject", "rule": refusal.as_str(), "paths": list });
        }
    };
    let expect: Value = serde_json::from_slice(form.json).unwrap();
    let polluted: Value =
        form.polluted.map_or(Value::Null, |text| serde_json::from_slice(text).unwrap());
    let kept = |finding: &crate::form::FormFinding| finding.outcome.as_str() == "reported";
    let outcome = if form.findings.iter().all(kept) { "clean" } else { "strip" };
    let rule = form.findings.first().map(|finding| finding.rule.as_str());
    assert_eq!(form.total, form.findings.len());
    let paths = paths(form.findings.iter().map(|finding| finding.pointer.as_str()));
    serde_json::json!({
        "outcome": outcome, "expect": expect, "polluted": polluted, "rule": rule, "paths": paths
    })
}

/// Checks the fields that the file gives.
fn check(attack: &Value, preset: &str, options: &FormOptions) {
    let got = run(attack, options);
    let name = format!("{} {} ({preset}): {got}", attack["id"], attack["name"]);
    for field in ["outcome", "expect", "polluted", "rule", "paths"] {
        let left_out = attack[field].is_null()
            && (field == "paths" || field == "polluted" && attack["times"].is_number());
        if !left_out {
            assert_eq!(got[field], attack[field], "{field} of {name}");
        }
    }
}

#[test]
fn every_attack_has_its_outcome() {
    let text = include_str!("../../../__test__/fixtures/form-attacks.json");
    let attacks: Vec<Value> = serde_json::from_str(text).unwrap();
    assert!(attacks.len() > 50);
    for attack in &attacks {
        let extended = attack["mode"] == "extended";
        if attack["only"] != "query" {
            check(attack, "body", &options_of(attack, FormOptions::body(extended)));
        }
        if attack["only"] != "body" {
            check(attack, "query", &options_of(attack, FormOptions::query(extended)));
        }
    }
}

#[test]
fn names_of_methods_stay_as_in_express() {
    // S-34: hasOwnProperty and its like are data; JSON.parse makes own properties of them.
    let options = FormOptions::body(true);
    let text = r#"{"hasOwnProperty":"1","a":{"length":"9"}}"#;
    assert_eq!(json("hasOwnProperty=1&a[length]=9", &options), text);
}

#[test]
fn pollution_of_the_peer_keeps_the_last_element_as_it_is() {
    let options = FormOptions::express_query(true).with_hpp(Some(HppOptions::peer()));
    assert_eq!(json("a=1&a=2&b[c]=1&b[c]=2", &options), r#"{"a":"2","b":{"c":["1","2"]}}"#);
    assert_eq!(json("a=1&a[x]=2", &options), r#"{"a":{"x":"2"}}"#);
    assert_eq!(json("a[]=1&a[x]=2", &options), r#"{"a":{"0":"1","x":"2"}}"#);
}

#[test]
fn pollution_in_an_element_that_is_kept_is_removed_too() {
    let options = FormOptions::body(true).with_hpp(Some(HppOptions::default()));
    assert_eq!(json("a[0][x]=1&a[0][x]=2&a[1][x]=3&a[1][x]=4", &options), r#"{"a":{"x":"4"}}"#);
    let mut scratch = Scratch::new();
    let form = b"b=1&a[0][x]=1&a[0][x]=2&c[d][e]=1&c[d][e]=2&c[d][f]=1&c[d][f]=2&c[g]=1&c[g]=2&h=1";
    let form = parse(form, Source::UTF_8, &options, &mut scratch).unwrap();
    let polluted =
        br#"{"a":[{"x":["1","2"]}],"c":{"d":{"e":["1","2"],"f":["1","2"]},"g":["1","2"]}}"#;
    assert_eq!(form.polluted, Some(polluted.as_slice()));
    assert_eq!(
        form.json,
        br#"{"b":"1","a":{"x":"2"},"c":{"d":{"e":"2","f":"2"},"g":"2"},"h":"1"}"#
    );
}

#[test]
fn what_is_hidden_in_polluted_values_is_stripped_from_both_texts() {
    let options = FormOptions::body(true).with_hpp(Some(HppOptions::default()));
    let mut scratch = Scratch::new();
    let form = b"a=1&a[$ne]=2&a[__proto__]=3&constructor[0][prototype][x]=1";
    let form = parse(form, Source::UTF_8, &options, &mut scratch).unwrap();
    assert_eq!(form.json, br#"{"a":"1"}"#);
    let polluted = String::from_utf8(form.polluted.unwrap().to_vec()).unwrap();
    assert!(!polluted.contains("$ne") && !polluted.contains("__proto__"), "{polluted}");
}

#[test]
fn refusals_and_pointers_are_bounded() {
    let options = FormOptions::body(true);
    let long = "k".repeat(2_000);
    let mut scratch = Scratch::new();
    let refusal = parse(long.as_bytes(), Source::UTF_8, &options, &mut scratch).unwrap_err();
    assert_eq!(refusal.as_str(), "key-too-long");
    assert!(refusal.pointer().len() < 1_010);
    let many: Vec<_> = (0..900).map(|at| format!("{at}[$ne]=1")).collect();
    let form = parse(many.join("&").as_bytes(), Source::UTF_8, &options, &mut scratch).unwrap();
    assert_eq!((form.total, form.findings.len()), (900, 100));
}
