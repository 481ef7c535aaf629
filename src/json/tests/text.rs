//! The strings built for `JSON.parse`.

use proptest::prelude::*;

use super::super::keys::decode;
use super::super::naive::{self, Tree};
use super::super::*;

fn latin1(body: &str) -> String {
    let mut out = Vec::new();
    latin1_into(body.as_bytes(), &mut out);
    out.into_iter().map(char::from).collect()
}

/// The tree with every string decoded, so that spelling does not matter.
fn decoded(text: &str) -> Option<Tree> {
    fn plain(tree: Tree) -> Tree {
        match tree {
            Tree::Scalar(text) => {
                let mut out = Vec::new();
                decode(&text, &mut out).unwrap();
                Tree::Scalar(out)
            }
            Tree::Array(elements) => Tree::Array(elements.into_iter().map(plain).collect()),
            Tree::Object(members) => {
                Tree::Object(members.into_iter().map(|(key, value)| (key, plain(value))).collect())
            }
        }
    }
    naive::parse(text.as_bytes()).ok().map(plain)
}

#[test]
fn writes_wide_characters_as_escapes_and_keeps_latin1() {
    assert_eq!(
        latin1(r#"{"é":"ключ 𝒳 中"}"#),
        r#"{"é":"\u043a\u043b\u044e\u0447 \ud835\udcb3 \u4e2d"}"#
    );
}

#[test]
fn an_escaped_wide_character_stays_malformed() {
    for body in [r#""\中""#, r#""\\\中""#, r#"{"\中":1}"#] {
        assert_eq!(decoded(body), None);
        assert_eq!(decoded(&latin1(body)), None, "{body}");
    }
    assert_eq!(decoded(&latin1(r#""\\中""#)), decoded(r#""\\中""#));
}

#[test]
fn dense_text_becomes_utf16_and_sparse_text_latin1() {
    let facts = |body: &str| match scan(body.as_bytes(), &Rules::default(), &mut Scratch::default())
    {
        Verdict::Clean(facts) => facts,
        other => panic!("{other:?}"),
    };
    let mut buffers = TextBuffers::default();
    for (body, form) in [
        ("\"plain\"".to_owned(), "ascii"),
        (format!("\"{}é\"", "x".repeat(40)), "latin1"),
        ("\"éééééééééé\"".to_owned(), "latin1"),
        (format!("\"{}中\"", "x".repeat(100)), "latin1"),
        ("\"中文中文中文\"".to_owned(), "utf16"),
    ] {
        let got = match buffers.build(body.as_bytes(), facts(&body)) {
            Text::Ascii(text) => {
                assert_eq!(text, body.as_bytes());
                "ascii"
            }
            Text::Latin1(text) => {
                let text: String = text.iter().copied().map(char::from).collect();
                assert_eq!(decoded(&text), decoded(&body));
                "latin1"
            }
            Text::Utf16(text) => {
                assert_eq!(String::from_utf16(text).unwrap(), body);
                "utf16"
            }
        };
        assert_eq!(got, form, "{body}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn utf16_is_what_the_standard_library_makes(body in "[a-z\u{80}-\u{ff}\u{400}-\u{410}\u{4e00}-\u{4e05}\u{1f600}-\u{1f605}]{0,60}") {
        let mut out = Vec::new();
        utf16_into(body.as_bytes(), &mut out);
        prop_assert_eq!(out, body.encode_utf16().collect::<Vec<_>>());
    }

    #[test]
    fn latin1_text_parses_to_the_same_value(inside in "([a-z\u{e9}\u{4e2d}\u{1f600} ]|\\\\[\"\\\\nu\u{4e2d}]|\\\\u00e9){0,40}") {
        let body = format!("{{\"{inside}\":\"{inside}\"}}");
        prop_assert_eq!(decoded(&latin1(&body)), decoded(&body));
    }

    #[test]
    fn invalid_bytes_do_no_harm(body in proptest::collection::vec(any::<u8>(), 0..80)) {
        let mut narrow = Vec::new();
        latin1_into(&body, &mut narrow);
        let mut wide = Vec::new();
        utf16_into(&body, &mut wide);
        prop_assert!(wide.len() <= body.len() && narrow.len() <= body.len() * 3);
    }
}
