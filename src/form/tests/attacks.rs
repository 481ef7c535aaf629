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
    let polluted = form.polluted.map_or(Value::Null, |polluted| {
        assert_eq!(polluted.total, polluted.pointers.len());
        serde_json::from_slice(polluted.json).unwrap()
    });
    let kept = |finding: &crate::form::FormFinding| finding.outcome.as_str() == "reported";
    let clean = form.polluted.is_none() && form.findings.iter().all(kept);
    let outcome = if clean { "clean" } else { "strip" };
    assert_eq!(form.total, form.findings.len());
    let lists = form.polluted.map_or([].as_slice(), |polluted| polluted.pointers);
    let found = form.findings.iter().map(|found| (found.rule.as_str(), found.pointer.as_str()));
    let found: Vec<_> =
        found.chain(lists.iter().map(|pointer| ("polluted", pointer.as_str()))).collect();
    let rule = found.first().map(|found| found.0);
    let paths = paths(found.iter().map(|found| found.1));
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
fn pollution_in_an_element_that_is_kept_is_removed_too() {
    let options = FormOptions::body(true).with_hpp(Some(HppOptions::default()));
    assert_eq!(json("a[0][x]=1&a[0][x]=2&a[1][x]=3&a[1][x]=4", &options), r#"{"a":{"x":"4"}}"#);
    let mut scratch = Scratch::new();
    let form = b"b=1&a[0][x]=1&a[0][x]=2&c[d][e]=1&c[d][e]=2&c[d][f]=1&c[d][f]=2&c[g]=1&c[g]=2&h=1";
    let form = parse(form, Source::UTF_8, &options, &mut scratch).unwrap();
    let polluted =
        br#"{"a":[{"x":["1","2"]}],"c":{"d":{"e":["1","2"],"f":["1","2"]},"g":["1","2"]}}"#;
    assert_eq!(form.polluted.unwrap().json, polluted);
    assert_eq!(form.polluted.unwrap().pointers, ["/a", "/a/x", "/c/d/e", "/c/d/f", "/c/g"]);
    assert_eq!(
        form.json,
        br#"{"b":"1","a":{"x":"2"},"c":{"d":{"e":"2","f":"2"},"g":"2"},"h":"1"}"#
    );
}

/// The text, the text of the originals, and what was found where.
fn polluted(form: &str, options: FormOptions) -> (String, String, Vec<String>) {
    let mut scratch = Scratch::new();
    let options = options.with_hpp(Some(HppOptions::default()));
    let form = parse(form.as_bytes(), Source::UTF_8, &options, &mut scratch).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let found = form.findings.iter().map(|found| found.pointer.clone());
    let lists = form.polluted.map_or([].as_slice(), |polluted| polluted.pointers);
    let found = found.chain(lists.iter().cloned()).collect();
    (text(form.json), form.polluted.map(|polluted| text(polluted.json)).unwrap_or_default(), found)
}

#[test]
fn pollution_is_looked_for_in_what_the_rules_leave() {
    let body = || FormOptions::body(true);
    let (json, originals, found) = polluted("a=1&a[$ne]=2&a[__proto__]=3", body());
    assert_eq!((json.as_str(), originals.as_str()), (r#"{"a":"1"}"#, r#"{"a":{"0":"1","1":{}}}"#));
    assert_eq!(found, ["/a/1/$ne", "/a/__proto__", "/a"]);
    let (json, originals, found) = polluted("a[$ne]=2&a[$ne]=3&b=1", body());
    assert_eq!((json.as_str(), originals.as_str()), (r#"{"a":{},"b":"1"}"#, ""));
    assert_eq!(found, ["/a/$ne"]);
    let rule = RuleOptions { replace_with: Some("_".to_owned()), ..RuleOptions::default() };
    let rules = JsonOptions { operator: rule, ..JsonOptions::default() };
    let renamed = body().with_rules(Rules::try_from(&rules).unwrap());
    let (json, originals, found) = polluted("a[$ne]=2&a[$ne]=3", renamed);
    assert_eq!(json, r#"{"a":{"_ne":"3"}}"#);
    assert_eq!(originals, r#"{"a":{"_ne":["2","3"]}}"#);
    assert_eq!(found, ["/a/$ne", "/a/_ne"]);
}

#[test]
fn no_list_turns_into_a_way_to_a_prototype() {
    // S-34: the rules leave `constructor[0][prototype]` alone, because it leads nowhere; without its index it would.
    for options in [FormOptions::body(true), FormOptions::body_parser(true)] {
        let form = "constructor[0][prototype][x]=1&a=1&b[constructor][][prototype]=2";
        let (json, originals, found) = polluted(form, options);
        assert_eq!(json, r#"{"a":"1","b":{}}"#);
        assert_eq!(
            originals,
            r#"{"constructor":[{"prototype":{"x":"1"}}],"b":{"constructor":[{"prototype":"2"}]}}"#
        );
        assert_eq!(found, ["/constructor", "/b/constructor"]);
    }
}

#[test]
fn findings_of_the_rules_outlive_a_refusal_of_pollution() {
    let hpp = HppOptions::default().with_keep("reject").unwrap();
    let options = FormOptions::body(true).with_hpp(Some(hpp));
    let mut scratch = Scratch::new();
    let refusal = parse(b"a[$ne]=1&b=1&b=2&0=1&0=2", Source::UTF_8, &options, &mut scratch);
    // Names that are indices come first, as in JavaScript.
    assert_eq!(refusal.unwrap_err(), FormRefusal::Polluted { pointer: "/0".to_owned() });
    assert_eq!(scratch.findings()[0].pointer, "/a/$ne");
    let refusal = parse(b"b=1&b=2&[0]=1&[0]=2", Source::UTF_8, &options, &mut scratch);
    assert_eq!(refusal.unwrap_err().pointer(), "/0");
    assert!(scratch.findings().is_empty());
}

#[test]
fn whitelisted_names_are_found_however_they_are_written() {
    // S-46
    let hpp = |names: &[&str]| {
        let hpp = HppOptions::default().with_whitelist(names).unwrap();
        FormOptions::body(true).with_hpp(Some(hpp))
    };
    let form = "u[r]=1&u[r]=2&u[s]=3&u[s]=4&r=5&r=6&a.b=7&a.b=8&5=9&5=0";
    for name in ["u.r", "u[r]", "u[r][]", "[u].r"] {
        assert_eq!(
            json(form, &hpp(&[name])),
            r#"{"5":"0","u":{"r":["1","2"],"s":"4"},"r":"6","a.b":"8"}"#
        );
    }
    assert_eq!(
        json(form, &hpp(&["u", "a", "5"])),
        r#"{"5":["9","0"],"u":{"r":["1","2"],"s":["3","4"]},"r":"6","a.b":["7","8"]}"#
    );
    let flat = hpp(&["u.r", "é"]).with_syntax(Syntax::Simple);
    assert_eq!(
        json("u[r]=1&u[r]=2&u[s]=3&u[s]=4&%C3%A9=5&%C3%A9=6", &flat),
        r#"{"u[r]":["1","2"],"u[s]":"4","\u00e9":["5","6"]}"#
    );
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
