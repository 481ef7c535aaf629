//! Input that is long, deep or many: linear time, bounded memory, no recursion.

use std::fmt::Write;
use std::time::{Duration, Instant};

use super::*;
use crate::json::Rules;

/// A debug build takes some milliseconds for each of these; anything quadratic takes minutes.
fn quick(input: &str, options: &FormOptions) -> String {
    let start = Instant::now();
    let text = json(input, options);
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    text
}

fn unlimited(syntax: Syntax) -> FormOptions {
    FormOptions::express_query(true)
        .with_syntax(syntax)
        .with_depth(f64::INFINITY)
        .and_then(|options| options.with_parameter_limit(f64::INFINITY))
        .unwrap()
}

#[test]
fn a_megabyte_of_one_name_is_linear() {
    // S-25
    let input = "a&".repeat(500_000);
    for syntax in [Syntax::Extended, Syntax::Flat, Syntax::Simple] {
        let options = unlimited(syntax);
        assert!(quick(&input, &options).len() > 1_000_000);
        let hpp = options.with_hpp(Some(HppOptions::default()));
        assert_eq!(quick(&input, &hpp), r#"{"a":""}"#);
    }
    assert_eq!(quick(&input, &FormOptions::body_parser(true)), "too-many-parameters");
}

#[test]
fn many_names_are_linear() {
    let (mut plain, mut nested, mut indices) = (String::new(), String::new(), String::new());
    for at in 0..60_000 {
        let _ = write!(plain, "k{at}=&");
        let _ = write!(nested, "a[k{at}]=1&a[k{at}]z=2&");
        let _ = write!(indices, "a[{}]=1&", 60_000 - at);
    }
    for syntax in [Syntax::Extended, Syntax::Flat, Syntax::Simple] {
        for input in [&plain, &nested, &indices] {
            let options = unlimited(syntax).with_array_limit(f64::INFINITY).unwrap();
            assert!(quick(input, &options).len() > 200_000);
            assert!(quick(input, &unlimited(syntax)).len() > 200_000);
        }
    }
    assert_eq!(
        json(&plain, &unlimited(Syntax::Extended).with_rules(Rules::default())),
        "too-many-keys"
    );
}

#[test]
fn depth_needs_no_stack() {
    // S-25
    let input = format!("a{}=1", "[x]".repeat(300_000));
    assert_eq!(quick(&input, &FormOptions::body_parser(true)), "too-deep");
    assert_eq!(quick(&input, &unlimited(Syntax::Extended)).matches('{').count(), 300_001);
    let hpp = unlimited(Syntax::Extended).with_hpp(Some(HppOptions::default()));
    assert_eq!(quick(&format!("{input}&{input}"), &hpp).matches('{').count(), 300_001);
    assert!(quick(&input, &FormOptions::express_query(true)).ends_with("[x][x]\":\"1\"}}}}}}}"));
    let unclosed = format!("a{}=1", "[".repeat(300_000));
    assert!(quick(&unclosed, &unlimited(Syntax::Extended)).len() > 300_000);
}

#[test]
fn conflicts_pile_up_flat() {
    // Each conflict of a text with an object appends to the same array, as in qs since 6.16.
    let input = "a[b]=1&a=2&a[b]x=1&".to_owned()
        + &(0..20_000).fold(String::new(), |mut all, at| {
            let _ = write!(all, "a[c{at}]=1&a[]{at}=2&");
            all
        });
    assert!(quick(&input, &unlimited(Syntax::Extended)).len() > 200_000);
}

#[test]
fn commas_and_indices_make_no_arrays() {
    // S-35
    let commas = format!("a={}", ",".repeat(100_000));
    assert_eq!(quick(&commas, &FormOptions::body(true)).len(), 100_000 + r#"{"a":""}"#.len());
    let sparse = "k[99][99][99][99][99][99][99][99]=1";
    let input = (0..999).map(|at| format!("{at}{sparse}")).collect::<Vec<_>>().join("&");
    assert!(quick(&input, &FormOptions::body(true)).len() < 100_000);
}

#[test]
fn raw_bytes_that_are_not_utf8_are_refused_or_replaced() {
    // S-29
    let mut scratch = Scratch::new();
    for bytes in [b"a=\xff".as_slice(), b"\xc0\xaea=1", b"a=\xed\xa0\x80", b"a=%41\xe2\x82"] {
        let refused = parse(bytes, Source::UTF_8, &FormOptions::body(true), &mut scratch);
        assert_eq!(refused.unwrap_err(), FormRefusal::InvalidUtf8);
        let form = parse(bytes, Source::UTF_8, &FormOptions::body_parser(true), &mut scratch);
        assert!(form.unwrap().json.windows(6).any(|text| text == b"\\ufffd"));
    }
}

#[test]
fn options_are_checked() {
    let options = FormOptions::body(true);
    for number in [-1.0, 0.5, f64::NAN, f64::NEG_INFINITY, 1e10] {
        assert_eq!(options.clone().with_depth(number).unwrap_err().path, "depth");
        assert_eq!(options.clone().with_array_limit(number).unwrap_err().path, "arrayLimit");
        let limit = options.clone().with_parameter_limit(number);
        assert_eq!(limit.unwrap_err().path, "parameterLimit");
    }
    assert_eq!(options.clone().with_parameter_limit(0.0).unwrap_err().path, "parameterLimit");
    assert_eq!(options.with_duplicates("frist").unwrap_err().path, "duplicates");
    assert_eq!(HppOptions::default().with_keep("all").unwrap_err().path, "keep");
    let empty = HppOptions::default().with_whitelist(&["a", "[]"]);
    assert_eq!(empty.unwrap_err().path, "whitelist[1]");
}

#[test]
fn repeated_names_follow_the_policy() {
    let with = |policy| FormOptions::body(true).with_duplicates(policy).unwrap();
    assert_eq!(json("a=1&b=x&a=2", &with("first")), r#"{"a":"1","b":"x"}"#);
    assert_eq!(json("a=1&b=x&a=2", &with("last")), r#"{"a":"2","b":"x"}"#);
    assert_eq!(json("a=1&b=x&a=2", &with("reject")), "duplicate");
    assert_eq!(json("a[]=1&a[]=2", &with("reject")), r#"{"a":["1","2"]}"#);
}

#[test]
fn scratch_memory_carries_nothing_over() {
    let mut scratch = Scratch::new();
    let options = FormOptions::body(true).with_hpp(Some(HppOptions::default()));
    let long = (0..900).map(|at| format!("u[$k{at}]=1&k{at}=%41&a=1")).collect::<Vec<_>>();
    for part in long.chunks(300) {
        let long = part.join("&");
        assert!(
            parse(long.as_bytes(), Source::UTF_8, &options, &mut scratch).unwrap().total == 300
        );
        let form = parse(b"a=1", Source::UTF_8, &options, &mut scratch).unwrap();
        assert_eq!((form.json, form.polluted, form.total), (br#"{"a":"1"}"#.as_slice(), None, 0));
        assert!(form.findings.is_empty());
    }
}
