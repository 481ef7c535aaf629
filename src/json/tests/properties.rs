//! Random JSON with hostile keys, and random damage to it, held against the plain specification.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::super::oracle::{check_clean, check_sanitize, check_scan, rules_by_number};
use super::super::*;

/// Characters of a key, each plain or escaped in one of the ways JSON has.
fn spelled(text: &'static str) -> impl Strategy<Value = String> {
    proptest::collection::vec(0_u8..8, text.chars().count()).prop_map(move |ways| {
        let mut out = String::new();
        for (character, way) in text.chars().zip(ways) {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units);
            match way {
                0 => units.iter().for_each(|unit| write!(out, "\\u{unit:04x}").unwrap()),
                1 => units.iter().for_each(|unit| write!(out, "\\u{unit:04X}").unwrap()),
                _ if matches!(character, '"' | '\\' | '\0'..'\u{20}') => {
                    write!(out, "\\u{:04x}", u32::from(character)).unwrap();
                }
                _ => out.push(character),
            }
        }
        out
    })
}

fn key() -> impl Strategy<Value = String> {
    let spelled = proptest::sample::select(vec![
        "__proto__",
        "__proto_",
        "constructor",
        "prototype",
        "$",
        "$ne",
        "$where",
        "a.$b",
        "a.b",
        ".",
        "$.",
        ".$",
        "a",
        "b",
        "_id",
        "$id",
        "_",
        "a\0",
        "\0$x",
        "\"",
        "\\",
        "é",
        "ключ",
        "𝒳",
        "～$",
        "＄ne",
        "",
        "role",
        "4294967294",
        "0",
        "-0",
        "a/b~c",
        "con.tructor",
        "$_proto__",
        "a key of more than sixteen bytes",
        "another key of more than sixteen bytes.$x",
    ])
    .prop_flat_map(spelled);
    let other = prop_oneof![
        Just(r"\ud800".to_owned()),
        Just(r"\udc00\ud800".to_owned()),
        Just(r"\ud83d\ude00".to_owned()),
        Just("😀".to_owned()),
        "[a-c]{0,2}",
        (0_usize..200).prop_map(|length| "k".repeat(length)),
    ];
    prop_oneof![6 => spelled, 2 => other]
}

fn scalar() -> impl Strategy<Value = String> {
    let plain = proptest::sample::select(vec![
        "1e400",
        "-0",
        "0",
        "123456789012345678901234567890",
        "0.1e-7",
        "true",
        "false",
        "null",
        r#""\ud800""#,
        r#""\"__proto__\":""#,
        r#""{\"$ne\":1}""#,
        r#""x\\""#,
        r#""""#,
        r#""$x""#,
        r#""é""#,
        "-1.5E+10",
        r#""a,b:c{}[]""#,
    ])
    .prop_map(str::to_owned);
    prop_oneof![
        8 => plain,
        1 => (1_usize..150).prop_map(|length| "7".repeat(length)),
        1 => (0_usize..150).prop_map(|length| format!("\"{}\"", "v".repeat(length))),
    ]
}

fn space() -> impl Strategy<Value = String> {
    prop_oneof![8 => Just(String::new()), 1 => "[ \t\r\n]{0,3}", 1 => " {60,70}"]
}

/// JSON text.
fn json() -> impl Strategy<Value = String> {
    scalar().prop_recursive(6, 60, 8, |inner| {
        let value = (space(), inner, space());
        let value = value.prop_map(|(before, text, after)| before + &text + &after).boxed();
        let member = (space(), key(), space(), value.clone())
            .prop_map(|(before, key, after, value)| format!("{before}\"{key}\"{after}:{value}"));
        prop_oneof![
            3 => proptest::collection::vec(member, 0..8).prop_map(|all| format!("{{{}}}", all.join(","))),
            1 => proptest::collection::vec(value, 0..6).prop_map(|all| format!("[{}]", all.join(","))),
        ]
    })
}

fn limit() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        3 => Just(None),
        3 => Just(Some(f64::INFINITY)),
        2 => (0_u32..8).prop_map(|limit| Some(f64::from(limit))),
        1 => (100_u32..150).prop_map(|limit| Some(f64::from(limit))),
    ]
}

fn rule(replaces: bool) -> impl Strategy<Value = RuleOptions> {
    let action = prop_oneof![
        4 => Just((Some("strip"), None)),
        1 => Just((Some("off"), None)),
        1 => Just((Some("report"), None)),
        1 => Just((Some("reject"), None)),
        2 => proptest::sample::select(vec!["_", "__", "s", "x y", "$"]).prop_map(move |text| {
            if replaces && text != "$" { (None, Some(text)) } else { (Some("strip"), None) }
        }),
    ];
    let allow = prop_oneof![
        3 => Just(Vec::new()),
        1 => proptest::collection::vec("(/[*ab]|/\\$ne|/__proto__|/0){1,3}", 1..3),
    ];
    (action, allow).prop_map(|((action, replace_with), allow)| RuleOptions {
        action: action.map(str::to_owned),
        replace_with: replace_with.map(str::to_owned),
        allow: Some(allow),
    })
}

fn rules() -> impl Strategy<Value = Rules> {
    let limits = [limit(), limit(), limit(), limit(), limit()];
    let duplicates = proptest::sample::select(vec!["reject", "first", "last", "last"]);
    let options = (limits, rule(false), rule(false), rule(true), rule(true), duplicates);
    let options = options.prop_map(|(limits, proto, nul, operator, dotted, duplicates)| {
        let [max_depth, max_keys, max_array_elements, max_key_bytes, max_number_length] = limits;
        let duplicate_keys = Some(duplicates.to_owned());
        let options = JsonOptions {
            max_depth,
            max_keys,
            max_array_elements,
            max_key_bytes,
            max_number_length,
            proto,
            operator,
            dotted,
            nul,
            duplicate_keys,
        };
        Rules::try_from(&options).unwrap()
    });
    let unlimited = |duplicates: &str| {
        let duplicate_keys = Some(duplicates.to_owned());
        JsonOptions { duplicate_keys, ..JsonOptions::default() }.apply_to(Rules::default()).unwrap()
    };
    prop_oneof![
        4 => options,
        2 => Just(unlimited("last")),
        1 => Just(unlimited("first")),
        1 => Just(Rules::default()),
        1 => Just(Rules::permissive()),
    ]
}

/// Bytes changed, inserted or cut.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let bytes = proptest::sample::select(b"{}[]\",:\\$._0-e\x00\x1f\x80\xc0\xe2\xffua \n".to_vec());
    let change = (any::<proptest::sample::Index>(), bytes, 0_u8..3);
    (json(), proptest::collection::vec(change, 1..4)).prop_map(|(text, changes)| {
        let mut body = text.into_bytes();
        for (at, byte, how) in changes {
            let at = at.index(body.len().max(1));
            match how {
                0 if !body.is_empty() => body[at] = byte,
                1 if !body.is_empty() => drop(body.remove(at)),
                _ => body.insert(at, byte),
            }
        }
        body
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn scanner_versions_agree_and_miss_nothing(body in json(), rules in rules()) {
        check_scan(body.as_bytes(), &rules, &mut Scratch::default());
    }

    #[test]
    fn scanner_is_safe_on_damaged_text(body in damaged(), rules in rules()) {
        check_scan(&body, &rules, &mut Scratch::default());
    }

    #[test]
    fn rewritten_text_parses_to_the_body_less_its_members(body in json(), rules in rules()) {
        let _ = check_sanitize(body.as_bytes(), &rules);
    }

    #[test]
    fn exact_path_takes_what_the_grammar_takes(body in damaged(), rules in rules()) {
        let _ = check_sanitize(&body, &rules);
    }

    #[test]
    fn scanner_and_exact_path_agree(body in json(), rules in rules()) {
        check_clean(body.as_bytes(), &rules);
    }

    #[test]
    fn scanner_and_exact_path_agree_on_damaged_text(body in damaged(), number in any::<u8>()) {
        let rules = rules_by_number(number);
        check_clean(&body, &rules);
        check_scan(&body, &rules, &mut Scratch::default());
        let _ = check_sanitize(&body, &rules);
    }

    #[test]
    fn takes_what_simd_json_takes(body in prop_oneof![json().prop_map(String::into_bytes), damaged()]) {
        let exact = sanitize(&body, &Rules::permissive());
        let mut copy = body.clone();
        if simd_json::to_tape(&mut copy).is_ok() {
            prop_assert_eq!(exact, Ok(Sanitized::default()));
        }
    }
}
