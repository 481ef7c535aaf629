//! Facts about the whole path, scan and sanitize together.

use super::*;

mod corpus;
mod properties;
mod text;

fn scanned(body: &str, rules: &Rules) -> Verdict {
    scan(body.as_bytes(), rules, &mut Scratch::default())
}

fn stripped(body: &str) -> String {
    let rules = Rules::default();
    assert!(matches!(scanned(body, &rules), Verdict::Flagged { .. }), "{body}");
    let sanitized = sanitize(body.as_bytes(), &rules).unwrap();
    String::from_utf8(sanitized.text.unwrap_or_else(|| body.into())).unwrap()
}

#[test]
fn smoke() {
    assert_eq!(stripped(r#"{"__proto__":1}"#), "{}");
    assert_eq!(stripped(r#"{"a":1,"__proto__":1}"#), r#"{"a":1}"#);
    assert_eq!(stripped(r#"{"$a":1, "$b":2, "c":{"d.$e":[]},"$f":1}"#), r#"{"c":{}}"#);
    assert_eq!(stripped(r#"{"constructor":{"prototype":{}}}"#), "{}");
    assert_eq!(stripped(r#"{"constructor":{"x":{}}}"#), r#"{"constructor":{"x":{}}}"#);
    let rules = Rules::default();
    for (body, kind) in [
        (r#"{"a":1,"\u0061":1}"#, RefusalKind::DuplicateKey),
        (&"[".repeat(65), RefusalKind::TooDeep),
        (&"1".repeat(401), RefusalKind::NumberTooLong),
        (&format!("[{}1]", "1,".repeat(100_000)), RefusalKind::TooManyElements),
    ] {
        let Verdict::Refused(refusal) = scanned(body, &rules) else { panic!("{body}") };
        assert_eq!(refusal.kind, kind);
    }
}
