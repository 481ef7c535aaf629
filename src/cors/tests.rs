//! Tests of the core of `cors`: what is a serialised origin, what a wildcard and a pattern describe, and what is refused.

use super::*;
use crate::error::ErrorCode;
use proptest::prelude::*;

fn matcher(rules: &[&str]) -> OriginMatcher {
    let rules: Vec<_> = rules.iter().map(|text| RuleOption::text("origin", *text)).collect();
    OriginMatcher::compile(&rules).unwrap()
}

fn pattern(source: &str, flags: &str) -> Result<OriginMatcher, crate::error::ConfigError> {
    OriginMatcher::compile(&[RuleOption::pattern("origin", source, flags)])
}

fn lenient(source: &str) -> OriginMatcher {
    let kind =
        RuleKind::Pattern { source: source.to_owned(), flags: String::new(), is_lenient: true };
    OriginMatcher::compile(&[RuleOption { path: "origin".to_owned(), kind }]).unwrap()
}

fn reason(source: &str, flags: &str) -> String {
    let error = pattern(source, flags).unwrap_err();
    assert_eq!(error.code, ErrorCode::OptionValue, "{source}");
    error.message
}

#[test]
fn takes_origins_as_browsers_write_them() {
    for text in [
        "https://example.com",
        "http://localhost:3000",
        "http://localhost",
        "https://xn--bcher-kva.example",
        "https://a.example.com.",
        "https://a_b.example",
        "http://127.0.0.1:8080",
        "http://[::1]:3000",
        "http://[2001:db8::1:0:0:1]",
        "http://[1:2:3:4:5:6:7:8]",
        "https://example.com:80",
        "https://example.com:0",
        "chrome-extension://abcdefghijklmnopabcdefghijklmnop",
        "moz-extension://2F8C1B0E-0000",
        "capacitor://localhost",
    ] {
        assert!(Origin::parse(text).is_ok(), "{text}");
    }
}

/// S-56d: spellings of an origin that no browser sends.
#[test]
fn refuses_other_spellings_of_an_origin() {
    for (text, fault) in [
        ("https://A.com", Fault::UpperCase),
        ("HTTPS://a.com", Fault::UpperCase),
        ("https://a.com:443", Fault::DefaultPort),
        ("http://a.com:80", Fault::DefaultPort),
        ("https://a.com@evil", Fault::Userinfo),
        ("https://a.com:x@evil", Fault::Userinfo),
        ("https://a.com/", Fault::Path),
        ("https://a.com?x", Fault::Path),
        ("https://a.com\\.evil.example", Fault::Path),
        ("https://bücher.example", Fault::NotAscii),
        ("a.com", Fault::NoScheme),
        ("//a.com", Fault::NoScheme),
        ("://a.com", Fault::NoScheme),
        ("null", Fault::NoScheme),
        ("", Fault::NoScheme),
        ("1http://a.com", Fault::NoScheme),
        ("https://", Fault::Host),
        ("https://a..com", Fault::Host),
        ("https://.a.com", Fault::Host),
        ("https://a.com..", Fault::Host),
        ("https://a com", Fault::Host),
        ("https://a.com,https://b.com", Fault::Path),
        ("https://a%2ecom", Fault::Host),
        ("https://*.a.com", Fault::Host),
        ("https://a.com:", Fault::Port),
        ("https://a.com:08", Fault::Port),
        ("https://a.com:+8", Fault::Port),
        ("https://a.com:65536", Fault::Port),
        ("https://a.com:80:80", Fault::Port),
        ("http://127.1", Fault::Host),
        ("http://0x7f.1", Fault::Host),
        ("http://127.0.0.01", Fault::Host),
        ("http://1.2.3.4.", Fault::Host),
        ("http://a.0x", Fault::Host),
        ("http://[::1", Fault::Port),
        ("http://[::1]x", Fault::Host),
        ("http://[0:0:0:0:0:0:0:1]", Fault::Host),
        ("http://[::FFFF:1]", Fault::Host),
        ("http://[::ffff:127.0.0.1]", Fault::Host),
        ("http://[::1%25lo]", Fault::Host),
    ] {
        assert_eq!(Origin::parse(text).err(), Some(fault), "{text}");
    }
}

#[test]
fn takes_an_origin_apart() {
    let origin = Origin::parse("http://[::1]:3000").unwrap();
    assert_eq!(origin, Origin { scheme: "http", host: "[::1]", port: Some(3000) });
}

/// S-56f: a megabyte of origin.
#[test]
fn refuses_long_origins() {
    let long = format!("https://{}.example.com", "a".repeat(1 << 20));
    assert_eq!(Origin::parse(&long).err(), Some(Fault::TooLong));
    let name = format!("https://{}", "a".repeat(254));
    assert_eq!(Origin::parse(&name).err(), Some(Fault::TooLong));
    assert!(!matcher(&["https://*.example.com"]).is_allowed(&long));
}

#[test]
fn wildcards_stand_for_whole_labels() {
    let mut subdomains = matcher(&["https://*.example.com"]);
    for (origin, is_allowed) in [
        ("https://a.example.com", true),
        ("https://a.b.example.com", true),
        ("https://1.example.com", true),
        ("https://example.com", false),
        ("https://evilexample.com", false),
        ("https://.example.com", false),
        ("https://a..example.com", false),
        ("https://a.example.com.", false),
        ("https://a.example.com.evil.example", false),
        ("https://a.example.com:8443", false),
        ("https://a.example.com:443", false),
        ("http://a.example.com", false),
        ("https://evil.example/.example.com", false),
        ("https://evil.example@a.example.com", false),
        ("https://A.example.com", false),
        ("null", false),
    ] {
        assert_eq!(subdomains.is_allowed(origin), is_allowed, "{origin}");
    }
}

#[test]
fn wildcards_stand_for_ports() {
    let mut ports = matcher(&["http://localhost:*", "https://*.example.com:*", "http://[::1]:*"]);
    for (origin, is_allowed) in [
        ("http://localhost", true),
        ("http://localhost:3000", true),
        ("https://a.example.com:8443", true),
        ("http://[::1]:5173", true),
        ("http://localhost:80", false),
        ("http://localhost:99999", false),
        ("http://localhost.evil.example:3000", false),
        ("http://localhost:3000@evil.example", false),
        ("https://localhost:3000", false),
    ] {
        assert_eq!(ports.is_allowed(origin), is_allowed, "{origin}");
    }
    let mut only = matcher(&["https://*.example.com:8443"]);
    assert!(only.is_allowed("https://a.example.com:8443"));
    assert!(!only.is_allowed("https://a.example.com"));
}

#[test]
fn refuses_wildcards_that_let_in_strangers() {
    for rule in [
        "*",
        "https://*",
        "*://example.com",
        "https://*.com",
        "https://*example.com",
        "https://a.*.example.com",
        "https://api-*.example.com",
        "https://example.*",
        "https://*.*.example.com",
        "https://*.0.0.1",
        "https://*.[::1]",
        "*.example.com",
        "https://*.example.com/",
        "https://*.Example.com",
        "https://*.example.com:443",
        "https://*.example.com:8*",
        "https://*.example.com:**",
        "https://*:*",
        "https://*.",
        "https://:*",
    ] {
        let error = OriginMatcher::compile(&[RuleOption::text("origin[3]", rule)]).unwrap_err();
        assert_eq!(
            (error.code, error.path.as_str()),
            (ErrorCode::OptionValue, "origin[3]"),
            "{rule}"
        );
    }
    assert!(matcher(&["http://*.localhost:*"]).is_allowed("http://app.localhost:3000"));
}

#[test]
fn exact_rules_are_left_to_the_caller() {
    assert!(matcher(&["https://a.example", "null"]).is_empty());
    let error = OriginMatcher::compile(&[RuleOption {
        path: "origin".to_owned(),
        kind: RuleKind::Text {
            text: "https://Bücher.example/".to_owned(),
            canonical: Some("https://xn--bcher-kva.example".to_owned()),
        },
    }]);
    let message = error.unwrap_err().message;
    assert!(message.ends_with("; write \"https://xn--bcher-kva.example\""), "{message}");
}

/// S-54: patterns of a part of the origin.
#[test]
fn refuses_unanchored_patterns() {
    for source in [
        "example\\.com$",
        "^https:\\/\\/example\\.com",
        "api\\.example\\.com",
        "^https:\\/\\/a\\.com$|b\\.com$",
        "^https:\\/\\/a\\.com|^https:\\/\\/b\\.com$",
        "(?:^)?https:\\/\\/a\\.com$",
        "^https:\\/\\/a\\.com$?",
        "^https:\\/\\/a\\.com$|",
        "",
        "^$|a",
    ] {
        if source.ends_with("$?") {
            assert!(reason(source, "").contains("assertion"), "{source}");
        } else {
            assert!(reason(source, "").contains("parts of origins"), "{source}");
        }
    }
}

#[test]
fn patterns_describe_whole_origins() {
    for (source, flags, origin, is_allowed) in [
        ("^https:\\/\\/[a-z]+\\.example\\.com$", "", "https://app.example.com", true),
        ("^https:\\/\\/[a-z]+\\.example\\.com$", "", "https://app.example.com.evil.io", false),
        (
            "^https:\\/\\/[a-z]+\\.example\\.com$",
            "",
            "https://x.evil.io/https://app.example.com",
            false,
        ),
        ("^https:\\/\\/(a|b)\\.example$", "", "https://b.example", true),
        (
            "^(?:https:\\/\\/a\\.example|http:\\/\\/localhost(?::\\d+)?)$",
            "",
            "http://localhost:30",
            true,
        ),
        ("^https:\\/\\/a\\.example$|^https:\\/\\/b\\.example$", "", "https://b.example", true),
        ("^https:\\/\\/A\\.EXAMPLE$", "", "https://a.example", false),
        ("^https:\\/\\/A\\.EXAMPLE$", "gi", "https://a.example", true),
        ("^https:\\/\\/[^A]\\.example$", "i", "https://a.example", false),
        ("^https:\\/\\/(?<name>[\\w-]{2,4}?)\\.example$", "u", "https://a-b.example", true),
        ("^https:\\/\\/(?<name>[\\w-]{2,4}?)\\.example$", "u", "https://abcde.example", false),
        ("^https:\\/\\/\\x61\\u{62}\\u0063[.]example$", "u", "https://abc.example", true),
        ("^https:\\/\\/[\\w-]+\\.example$", "", "https://a-b.example", true),
        ("^https:\\/\\/[a\\d-z]+\\.example$", "", "https://a-1z.example", true),
        ("^https:\\/\\/.+\\.example\\.com$", "", "https://a.b.example.com", true),
        ("^https:\\/\\/\\bapp\\b.*\\.example$", "", "https://app-1.example", true),
        ("^https:\\/\\/\\bapp\\b.*\\.example$", "", "https://apple.example", false),
        ("^http:\\/\\/localhost(?::[0-9]+)?$", "", "http://localhost:80", false),
    ] {
        let mut matcher = pattern(source, flags).unwrap();
        assert_eq!(matcher.is_allowed(origin), is_allowed, "/{source}/{flags} and {origin}");
    }
}

#[test]
fn refuses_what_an_automaton_cannot_do() {
    for (source, flags, word) in [
        ("^https:\\/\\/(?!evil)[a-z]+\\.example$", "", "ahead"),
        ("^https:\\/\\/(?=a)[a-z]+\\.example$", "", "ahead"),
        ("^https:\\/\\/a(?<=a)\\.example$", "", "behind"),
        ("^https:\\/\\/a(?<!b)\\.example$", "", "behind"),
        ("^https:\\/\\/(a)\\1\\.example$", "", "back"),
        ("^https:\\/\\/(?<x>a)\\k<x>\\.example$", "", "back"),
        ("^https:\\/\\/(?i:a)\\.example$", "", "flags"),
        ("^https:\\/\\/\\p{L}+\\.example$", "u", "\\p"),
        ("^https:\\/\\/[[a-z]--b]+\\.example$", "v", "flag v"),
        ("^https:\\/\\/ü\\.example$", "", "ASCII"),
        ("^https:\\/\\/a.example$", "", "lone ."),
        ("^https:\\/\\/a{1001}\\.example$", "", "1000"),
        ("^https:\\/\\/(?:(?:a{1000}){1000}){1000}\\.example$", "", "too large"),
        ("^https:\\/\\/a{\\.example$", "", "{"),
        ("\\A^a$\\z", "", "\\A"),
    ] {
        let message = reason(source, flags);
        assert!(message.contains(word), "/{source}/{flags}: {message}");
    }
    let deep = format!("^{}a{}$", "(".repeat(50), ")".repeat(50));
    assert!(reason(&deep, "").contains("nests"));
    assert!(reason(&format!("^{}$", "a".repeat(5000)), "").contains("longer"));
}

/// S-56f: a pattern that takes a backtracking engine exponential time.
#[test]
fn patterns_take_linear_time() {
    let mut matcher = pattern("^https:\\/\\/(([a-z]+)*)*\\.example$", "").unwrap();
    let origin = format!("https://{}", "a".repeat(253));
    assert!(Origin::parse(&origin).is_ok());
    assert!(!matcher.is_allowed(&origin));
    assert!(matcher.is_allowed("https://aaa.example"));
}

/// S-56f, for patterns of parts, which are tried from each name.
#[test]
fn lenient_patterns_take_bounded_time() {
    let mut matcher = lenient("(?:[a.]+)+b");
    let origin = format!("https://{}a:8080", "a.".repeat(126));
    let start = std::time::Instant::now();
    for _ in 0..10 {
        assert!(!matcher.is_allowed(&origin));
    }
    // Ten of them take a few milliseconds; a backtracking engine would not end.
    assert!(start.elapsed().as_secs() < 5);
}

/// S-54, for code written for other packages.
#[test]
fn lenient_patterns_match_whole_names_up_to_the_end() {
    for (source, origin, is_allowed) in [
        ("example\\.com$", "https://example.com", true),
        ("example\\.com$", "https://a.example.com", true),
        ("example\\.com$", "https://evilexample.com", false),
        ("example\\.com$", "https://example.com:8443", false),
        ("example\\.com", "https://example.com:8443", true),
        ("example\\.com", "https://example.com.evil.io", false),
        ("example\\.com$|^app:\\/\\/", "https://example.com:8443", false),
        ("example\\.com$|^app:\\/\\/", "https://example.com", true),
        ("example\\.(?:com$|org)", "https://example.com:8443", false),
        ("example\\.(?:com$|org)", "https://example.org:8443", true),
        ("^http:\\/\\/localhost:\\B", "http://localhost:3000", false),
        ("^http:\\/\\/localhost:\\b", "http://localhost:3000", true),
        ("\\.example\\.com$", "https://a.example.com", true),
        ("\\.example\\.com$", "https://example.com", false),
        ("api.example.com", "https://api.example.com", true),
        ("api.example.com", "https://apiXexample.com.evil.io", false),
        ("api.example.com", "https://apixexample.com", false),
        ("^https?:\\/\\/localhost", "http://localhost:3000", true),
        ("^https?:\\/\\/localhost", "http://localhost.evil.io", false),
        ("^localhost", "http://localhost", false),
        ("localhost", "http://localhost:3000", true),
        ("^http:\\/\\/localhost:", "http://localhost:3000", true),
        ("^http:\\/\\/localhost:", "http://localhost", false),
        ("^http:\\/\\/localhost:3", "http://localhost:3000", false),
        ("^http:\\/\\/10\\.0\\.0\\.1", "http://10.0.0.12", false),
        ("^http:\\/\\/10\\.0\\.0\\.1", "http://10.0.0.1:80", false),
        ("^http:\\/\\/10\\.0\\.0\\.1", "http://10.0.0.1:8080", true),
        ("\\/\\/example\\.com$", "https://example.com", true),
        ("\\/\\/example\\.com$", "https://a.example.com", false),
        ("s:\\/\\/example\\.com$", "https://example.com", true),
        ("^chrome-extension:\\/\\/", "chrome-extension://abcdefgh", true),
        ("^chrome-extension:\\/\\/abc", "chrome-extension://abcdefgh", false),
        ("^https:\\/\\/", "https://example.com", false),
        ("^https:\\/\\/app", "https://app.evil.io", false),
        (".*", "https://a.example", true),
        (".*", "null", false),
    ] {
        assert_eq!(lenient(source).is_allowed(origin), is_allowed, "/{source}/ and {origin}");
    }
}

/// S-56: any site with the user's cookies.
#[test]
fn refuses_anybody_with_credentials() {
    for origin in [OriginOption::Any, OriginOption::Every] {
        let options = Options { origin, credentials: true, ..Options::default() };
        let error = compile(&options).unwrap_err();
        assert_eq!((error.code, error.path.as_str()), (ErrorCode::OptionConflict, "origin"));
    }
}

#[test]
fn checks_names_and_numbers() {
    let names = |list: &[&str]| {
        Some(NamesOption::Names(list.iter().map(|name| (*name).to_owned()).collect()))
    };
    let text = |text: &str| Some(NamesOption::Text(text.to_owned()));
    let default = Options::default();
    let plan = compile(&Options {
        methods: text("GET, PURGE"),
        allowed_headers: names(&["X-A", "x-b"]),
        exposed_headers: names(&[]),
        max_age: Some(600.0),
        success_status: Some(200.0),
        ..default.clone()
    })
    .unwrap();
    assert_eq!(plan.methods.as_deref(), Some("GET, PURGE"));
    assert_eq!(plan.allowed_headers.as_deref(), Some("X-A,x-b"));
    assert_eq!((plan.exposed_headers, plan.reflects_headers), (None, false));
    assert_eq!((plan.max_age.as_deref(), plan.success_status), (Some("600"), 200));

    for (options, code, path) in [
        (
            Options { methods: names(&["GET", "put"]), ..default.clone() },
            ErrorCode::OptionValue,
            "methods[1]",
        ),
        (
            Options { methods: text("GET POST"), ..default.clone() },
            ErrorCode::HeaderValue,
            "methods",
        ),
        (
            Options { allowed_headers: names(&["X-A,"]), ..default.clone() },
            ErrorCode::HeaderValue,
            "allowedHeaders[0]",
        ),
        (
            Options { exposed_headers: text("X-A\r\nSet-Cookie: a"), ..default.clone() },
            ErrorCode::HeaderValue,
            "exposedHeaders",
        ),
        (Options { max_age: Some(-1.0), ..default.clone() }, ErrorCode::OptionValue, "maxAge"),
        (Options { max_age: Some(1.5), ..default.clone() }, ErrorCode::OptionValue, "maxAge"),
        (Options { max_age: Some(f64::NAN), ..default.clone() }, ErrorCode::OptionValue, "maxAge"),
        (
            Options { success_status: Some(404.0), ..default.clone() },
            ErrorCode::OptionValue,
            "optionsSuccessStatus",
        ),
    ] {
        let error = compile(&options).unwrap_err();
        assert_eq!((error.code, error.path.as_str()), (code, path));
    }
    let credentialed = Options {
        origin: OriginOption::Function,
        credentials: true,
        exposed_headers: text("*"),
        ..default
    };
    assert_eq!(compile(&credentialed).unwrap_err().code, ErrorCode::OptionConflict);
}

proptest! {
    /// What a wildcard describes ends with its domain, behind a dot, and differs from it in nothing else.
    #[test]
    fn wildcards_never_leave_their_domain(text in "[a-zA-Z:/.@\\[\\]0-9*_#?-]{0,40}") {
        let mut matcher = matcher(&["https://*.example.com"]);
        for origin in [format!("https://{text}.example.com"), format!("https://{text}example.com"), text] {
            let naive = origin.strip_prefix("https://").and_then(|rest| rest.strip_suffix(".example.com"));
            let is_plain = |label: &str| {
                !label.is_empty() && label.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte)
                })
            };
            let expected = naive.is_some_and(|labels| labels.split('.').all(is_plain));
            prop_assert_eq!(matcher.is_allowed(&origin), expected, "{}", origin);
        }
    }

    /// Whatever JavaScript passes: the reader ends, and what it takes describes whole origins only.
    #[test]
    fn patterns_never_panic(source in "[\\^$a.*+?{}()|\\[\\]\\\\bwd:/0-9,=!<-]{0,40}", origin in ".{0,60}") {
        if let Ok(mut matcher) = pattern(&source, "") {
            prop_assert!(!matcher.is_allowed(&origin) || Origin::parse(&origin).is_ok());
        }
    }
}
