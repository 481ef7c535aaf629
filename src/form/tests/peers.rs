//! The parser against the real qs, body-parser and Express, by the cases that
//! `scripts/generate-form-cases.mjs` wrote down.

use serde_json::Value;

use super::super::*;

/// A JSON value whose strings stay escaped, since some hold lone surrogates.
#[derive(Debug, Clone, PartialEq)]
enum Json {
    Text(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Reads what the parser writes: strings, arrays and objects, no space.
fn read(text: &[u8], at: &mut usize) -> Json {
    let open = text[*at];
    *at += 1;
    if open == b'"' {
        let start = *at;
        while text[*at] != b'"' {
            *at += if text[*at] == b'\\' { 2 } else { 1 };
        }
        *at += 1;
        return Json::Text(String::from_utf8(text[start..*at - 1].to_vec()).unwrap());
    }
    let mut members = Vec::new();
    let mut elements = Vec::new();
    while text[*at] != b'}' && text[*at] != b']' {
        if open == b'{' {
            let Json::Text(key) = read(text, at) else { panic!("no key at {at}") };
            assert_eq!(text[*at], b':');
            *at += 1;
            members.push((key, read(text, at)));
        } else {
            elements.push(read(text, at));
        }
        if text[*at] == b',' {
            *at += 1;
        }
    }
    *at += 1;
    if open == b'{' { Json::Object(members) } else { Json::Array(elements) }
}

/// Whether V8 puts this key before all others, in the order of the numbers.
fn array_index(key: &str) -> Option<u32> {
    key.parse().ok().filter(|index: &u32| *index < u32::MAX && index.to_string() == key)
}

/// The text as `JSON.stringify(JSON.parse(text))` gives it: indices first.
fn show(json: &Json) -> String {
    match json {
        Json::Text(text) => format!("\"{text}\""),
        Json::Array(elements) => {
            format!("[{}]", elements.iter().map(show).collect::<Vec<_>>().join(","))
        }
        Json::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| array_index(key).map_or((1, 0), |index| (0, index)));
            assert!(members.windows(2).all(|pair| pair[0].0 != pair[1].0), "a key came twice");
            let shown = members.iter().map(|(key, value)| format!("\"{key}\":{}", show(value)));
            format!("{{{}}}", shown.collect::<Vec<_>>().join(","))
        }
    }
}

/// The result of a parse as the cases show it.
pub(super) fn outcome(
    input: &[u8],
    source: Source,
    options: &FormOptions,
    scratch: &mut Scratch,
) -> String {
    match parse(input, source, options, scratch) {
        Ok(form) => {
            assert!(form.json.is_ascii());
            let mut at = 0;
            let shown = show(&read(form.json, &mut at));
            assert_eq!(at, form.json.len(), "text after the object");
            shown
        }
        Err(FormRefusal::TooManyParameters) => "parameters.too.many".to_owned(),
        Err(FormRefusal::TooDeep { .. }) => "querystring.parse.rangeError".to_owned(),
        Err(other) => other.to_string(),
    }
}

fn source_of(options: &Value) -> Source {
    match options["source"].as_str() {
        Some("utf-8") => Source::UTF_8,
        Some("iso-8859-1") => Source::ISO_8859_1,
        Some("url") => Source::URL,
        other => panic!("unknown source {other:?}"),
    }
}

fn options_of(peer: &str, options: &Value) -> FormOptions {
    let flag = |name: &str| options[name].as_bool().unwrap_or(false);
    let mut made = match peer {
        "body-parser" => FormOptions::body_parser(flag("extended")),
        "express" => FormOptions::express_query(flag("extended")),
        _ => FormOptions::express_query(true),
    };
    let strict = if flag("strictDepth") { Overflow::Refuse } else { Overflow::Bend };
    if peer == "qs" {
        made = made.with_overflow(strict, Overflow::Bend, Overflow::Bend);
    }
    if let Some(depth) = options["depth"].as_f64()
        && (peer == "qs" || flag("extended"))
    {
        made = made.with_depth(depth).unwrap();
    }
    if let Some(limit) = options["arrayLimit"].as_f64() {
        made = made.with_array_limit(limit).unwrap();
    }
    if let Some(limit) = options["parameterLimit"].as_f64() {
        made = made.with_parameter_limit(limit).unwrap();
    }
    if let Some(policy) = options["duplicates"].as_str() {
        made = made.with_duplicates(policy).unwrap();
    }
    made.with_charset_sentinel(flag("charsetSentinel"))
        .with_numeric_entities(flag("interpretNumericEntities"))
}

#[test]
fn makes_what_qs_body_parser_and_express_make() {
    let text = include_str!("../../../__test__/fixtures/form-cases.json");
    let cases: Value = serde_json::from_str(text).unwrap();
    let cases = cases["cases"].as_array().unwrap();
    assert!(cases.len() >= 600);
    let mut scratch = Scratch::new();
    let mut wrong = Vec::new();
    for case in cases {
        let (peer, input) = (case["peer"].as_str().unwrap(), case["input"].as_str().unwrap());
        let bytes: Vec<u8> = input.chars().map(|byte| u8::try_from(byte).unwrap()).collect();
        let options = options_of(peer, &case["options"]);
        let source = source_of(&case["options"]);
        let expected = case["json"].as_str().or(case["error"].as_str()).unwrap();
        let got = outcome(&bytes, source, &options, &mut scratch);
        if got != expected {
            wrong.push(format!("{peer} {input:?} {}\n  {expected}\n  {got}", case["options"]));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong[..wrong.len().min(20)].join("\n")
    );
}
