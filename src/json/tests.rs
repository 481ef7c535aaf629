//! Facts about the whole path, scan and sanitize together.

use super::*;

mod corpus;
mod options;
mod properties;
mod text;

fn rules(change: impl FnOnce(&mut JsonOptions)) -> Rules {
    let mut options = JsonOptions::default();
    change(&mut options);
    Rules::try_from(&options).unwrap()
}

fn action(name: &str) -> RuleOptions {
    RuleOptions { action: Some(name.into()), ..RuleOptions::default() }
}

fn replacing(text: &str) -> RuleOptions {
    RuleOptions { replace_with: Some(text.into()), ..RuleOptions::default() }
}

fn allowing(patterns: &[&str]) -> RuleOptions {
    let allow = patterns.iter().map(ToString::to_string).collect();
    RuleOptions { allow: Some(allow), ..RuleOptions::default() }
}

/// The body's text after both steps; checked against the naive twin on the way.
fn text_after(body: &str, rules: &Rules) -> String {
    let verdict = oracle::check_scan(body.as_bytes(), rules, &mut Scratch::default());
    let sanitized = oracle::check_sanitize(body.as_bytes(), rules).unwrap();
    if matches!(verdict, Verdict::Clean(_)) {
        assert_eq!(sanitized, Sanitized::default());
    }
    sanitized.text.map_or_else(|| body.to_owned(), |text| String::from_utf8(text).unwrap())
}

fn refusal(body: &str, rules: &Rules) -> Refusal {
    let verdict = oracle::check_scan(body.as_bytes(), rules, &mut Scratch::default());
    let exact = oracle::check_sanitize(body.as_bytes(), rules).unwrap_err();
    if let Verdict::Refused(refusal) = verdict {
        assert_eq!(refusal, exact);
    }
    exact
}

#[test]
fn rejects_instead_of_stripping_on_request() {
    // S-32, S-33, S-47, S-49
    let rules = rules(|options| {
        options.proto = action("reject");
        options.operator = action("reject");
    });
    for (body, rule, pointer) in [
        (r#"{"a":[{"__prot\u006f__":1}]}"#, Rule::Proto, "/a/0/__proto__"),
        (r#"{"constructor":{"\u0070rototype":1}}"#, Rule::Proto, "/constructor"),
        (r#"{"x":1,"a.$where":"1"}"#, Rule::Operator, "/a.$where"),
    ] {
        let refusal = refusal(body, &rules);
        assert_eq!(
            (refusal.kind, refusal.pointer.as_str()),
            (RefusalKind::Forbidden(rule), pointer)
        );
    }
}

#[test]
fn reports_without_touching_the_text() {
    let rules = rules(|options| options.operator = action("report"));
    let body = br#"{"a":1, "$b" : [2] }"#;
    let sanitized = sanitize(body, &rules).unwrap();
    assert_eq!(sanitized.text, None);
    let [finding] = sanitized.findings.as_slice() else { panic!("one finding") };
    assert_eq!((finding.outcome, finding.range.clone()), (Outcome::Reported, 8..18));
    assert_eq!(&body[finding.range.clone()], br#""$b" : [2]"#);
}

#[test]
fn replaces_as_the_peer_does() {
    // express-mongo-sanitize: `key.replace(/^\$|\./g, replaceWith)`.
    let rules = rules(|options| {
        options.operator = replacing("_");
        options.dotted = replacing("_");
    });
    for (body, text) in [
        (r#"{"$where":1}"#, r#"{"_where":1}"#),
        (r#"{"a.b":{"$c":1}}"#, r#"{"a_b":{"_c":1}}"#),
        (r#"{"a.$b":1}"#, r#"{"a_$b":1}"#),
        (r#"{"$$":1}"#, r#"{"_$":1}"#),
        (r#"{"$a\"\ud800":1}"#, r#"{"_a\"\ud800":1}"#),
        (r#"{"$é\u00e9":1}"#, r#"{"_éé":1}"#),
    ] {
        assert_eq!(text_after(body, &rules), text);
    }
}

#[test]
fn a_replacement_never_overwrites_a_sibling() {
    // S-48
    let rules = rules(|options| options.operator = replacing("_"));
    for (body, text) in [
        (r#"{"_id":"victim","$id":"attacker"}"#, r#"{"_id":"victim"}"#),
        (r#"{"$id":"attacker","_id":"victim"}"#, r#"{"_id":"victim"}"#),
        (r#"{"$id":"attacker","\u005fid":"victim"}"#, r#"{"\u005fid":"victim"}"#),
        (r#"{"$a":1,"$a.":2,"$a_":3,"\u0024a.":4}"#, r#"{"_a":1,"_a_":2,"_a_":4}"#),
        (r#"{"$_proto__":{"x":1}}"#, "{}"),
    ] {
        let last = JsonOptions { duplicate_keys: Some("last".into()), ..JsonOptions::default() };
        assert_eq!(text_after(body, &last.apply_to(rules.clone()).unwrap()), text);
    }
    let spelling =
        JsonOptions { operator: replacing("s"), dotted: replacing("s"), ..JsonOptions::default() };
    let spelling = Rules::try_from(&spelling).unwrap();
    let body = r#"{"con.tructor":{"prototype":1},"con$tructor":1}"#;
    assert_eq!(text_after(body, &spelling), r#"{"con$tructor":1}"#);
}

#[test]
fn leaves_members_of_the_allow_list_alone() {
    let rules = rules(|options| {
        options.operator = allowing(&["/filter/*", "/items/*/$slice", "/a~1b"]);
        options.proto = allowing(&["/schema/__proto__"]);
    });
    let body = r#"{"filter":{"$gt":1,"x":{"$gt":1}},"$gt":2,"items":[{"$slice":1,"$x":2}],"schema":{"__proto__":1}}"#;
    let text = r#"{"filter":{"$gt":1,"x":{}},"items":[{"$slice":1}],"schema":{"__proto__":1}}"#;
    assert_eq!(text_after(body, &rules), text);
}

#[test]
fn the_strictest_of_several_rules_acts() {
    let rules = rules(|options| {
        options.nul = action("report");
        options.dotted = action("reject");
    });
    assert_eq!(text_after(r#"{"$a\u0000":1,"b\u0000":2}"#, &rules), r#"{"b\u0000":2}"#);
    let refusal = refusal(r#"{"a.$b":1}"#, &rules);
    assert_eq!(refusal.kind, RefusalKind::Forbidden(Rule::Dotted));
}

#[test]
fn duplicates_follow_the_policy() {
    // S-31
    let policy = |name: &str| rules(|options| options.duplicate_keys = Some(name.into()));
    let body = r#"{"role":"user","x":1,"ro\u006ce":"admin","y":{"a":1,"a":2}}"#;
    assert_eq!(text_after(body, &policy("first")), r#"{"role":"user","x":1,"y":{"a":1}}"#);
    assert_eq!(text_after(body, &policy("last")), body);
    assert_eq!(refusal(body, &policy("reject")).pointer, "/role");
}

#[test]
fn the_constructor_that_parsing_keeps_decides() {
    let last = rules(|options| options.duplicate_keys = Some("last".into()));
    let first = rules(|options| options.duplicate_keys = Some("first".into()));
    let holds_last = r#"{"constructor":null,"a":1,"constructor":{"prototype":1}}"#;
    let holds_first = r#"{"constructor":{"prototype":1},"a":1,"constructor":null}"#;
    assert_eq!(text_after(holds_last, &last), r#"{"a":1}"#);
    assert_eq!(text_after(holds_first, &last), holds_first);
    assert_eq!(text_after(holds_last, &first), r#"{"constructor":null,"a":1}"#);
    assert_eq!(text_after(holds_first, &first), r#"{"a":1}"#);
}

#[test]
fn cuts_exactly_one_comma_for_each_removed_member() {
    // Every subset of four members removed, with space around.
    for subset in 0_u32..16 {
        let member =
            |at: u32| format!("\"{}{at}\" : {at}", if subset >> at & 1 == 1 { "$" } else { "" });
        let body = format!("{{ {} }}", (0..4).map(member).collect::<Vec<_>>().join(" , "));
        let text = text_after(&body, &Rules::default());
        let commas = text.matches(',').count();
        let kept = 4 - subset.count_ones() as usize;
        assert_eq!(commas, kept.saturating_sub(1), "{body} became {text}");
    }
}

#[test]
fn lists_a_hundred_findings_and_removes_all() {
    let members: Vec<_> = (0..5_000).map(|at| format!("\"${at}\":{at}")).collect();
    let sanitized =
        sanitize(format!("{{{}}}", members.join(",")).as_bytes(), &Rules::default()).unwrap();
    assert_eq!((sanitized.findings.len(), sanitized.total), (FINDINGS_CAP, 5_000));
    assert_eq!(sanitized.text.unwrap(), b"{}");
}

#[test]
fn pointers_are_bounded() {
    let key = "k".repeat(900);
    let body = format!("{{\"{key}\":{{\"{key}\":{{\"{key}\":{{\"\\u0000\":1}}}}}}}}");
    let refusal = refusal(&body, &Rules::default());
    assert!(refusal.pointer.ends_with('…') && refusal.pointer.len() < 2_100);
}

#[test]
fn scratch_forgets_the_body_before() {
    let mut scratch = Scratch::default();
    let rules = Rules::default();
    let many: Vec<_> = (0..9_000).map(|at| format!("\"k{at}\":0")).collect();
    let many = format!("{{{}}}", many.join(","));
    for body in [many.as_str(), r#"{"k1":0,"a":{"k1":0}}"#, &many, "[{\"k1\":{", r#"{"k1":0}"#] {
        let verdict = scan(body.as_bytes(), &rules, &mut scratch);
        assert!(matches!(verdict, Verdict::Clean(_)), "{verdict:?}");
    }
}

#[test]
fn limits_can_be_switched_off() {
    // S-30, S-36, S-40: what `JSON.parse` takes passes without rules.
    let deep = "[".repeat(50_000) + &"]".repeat(50_000);
    let keys: Vec<_> = (0..20_000).map(|at| format!("\"k{at}\":0")).collect();
    for body in
        [deep, format!("{{{}}}", keys.join(",")), "1".repeat(100_000), r#"{"a":1,"a":2}"#.into()]
    {
        let verdict = scan(body.as_bytes(), &Rules::permissive(), &mut Scratch::default());
        assert!(matches!(verdict, Verdict::Clean(_)));
        assert_eq!(sanitize(body.as_bytes(), &Rules::permissive()), Ok(Sanitized::default()));
    }
}

#[test]
fn refuses_the_element_beyond_the_limit() {
    let rules = rules(|options| options.max_array_elements = Some(2.0));
    for body in ["[1,2]", "[[1,2],[3,4]]", "[]", r#"{"a":[1,2],"b":[{"c":1,"d":2,"e":3},0]}"#] {
        assert_eq!(text_after(body, &rules), body);
    }
    for (body, pointer) in
        [("[1,2,3]", ""), (r#"{"a":[[1,2],[3,4,5]]}"#, "/a/1"), ("[[1,[],2],3]", "/0")]
    {
        let refusal = refusal(body, &rules);
        assert_eq!(
            (refusal.kind, refusal.pointer.as_str()),
            (RefusalKind::TooManyElements, pointer)
        );
    }
}

#[test]
fn a_key_is_classified_by_itself_and_by_its_place() {
    let rules = rules(|options| options.operator = allowing(&["/filter/*"]));
    assert_eq!(rules.classify_key(b"__proto__"), KeyClass::Matches(Rule::Proto));
    assert_eq!(rules.classify_key(b"constructor"), KeyClass::Constructor);
    assert_eq!(rules.classify_key(b"a\0"), KeyClass::Matches(Rule::Nul));
    assert_eq!(rules.classify_key(b"a.$b"), KeyClass::Matches(Rule::Operator));
    assert_eq!(rules.classify_key(b"a.b"), KeyClass::Plain);
    assert_eq!(rules.classify_path(&[b"filter", b"$gt"]), KeyClass::Plain);
    assert_eq!(rules.classify_path(&[b"other", b"$gt"]), KeyClass::Matches(Rule::Operator));
}

#[test]
fn many_colons_after_one_long_key_cost_no_more_than_their_length() {
    // S-21's class: looked at again for each colon, this body would take half an hour.
    let body = format!("{{\"{}\"{}", "k".repeat(1_000_000), ":".repeat(1_000_000));
    let rules = JsonOptions { duplicate_keys: Some("reject".into()), ..JsonOptions::default() };
    let rules = rules.apply_to(Rules::permissive()).unwrap();
    let verdict = scan(body.as_bytes(), &rules, &mut Scratch::default());
    assert!(matches!(verdict, Verdict::Clean(_)));
}
