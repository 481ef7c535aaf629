//! Whatever a client sends as `Origin`, and whatever a pattern's source is: nothing panics, what is let in is a serialised
//! origin inside of what the rule describes. The first byte chooses between an origin alone and a pattern with one.
#![no_main]

use carapace::cors::{Origin, OriginMatcher, RuleKind, RuleOption};
use libfuzzer_sys::fuzz_target;

fn compile(kind: RuleKind) -> Option<OriginMatcher> {
    OriginMatcher::compile(&[RuleOption { path: "origin".to_owned(), kind }]).ok()
}

fn pattern(source: &str, is_lenient: bool) -> Option<OriginMatcher> {
    compile(RuleKind::Pattern { source: source.to_owned(), flags: "i".to_owned(), is_lenient })
}

fuzz_target!(|data: &[u8]| {
    let Some((&choice, bytes)) = data.split_first() else { return };
    let text = String::from_utf8_lossy(bytes);
    let (source, origin) =
        text.split_once('\n').unwrap_or(("^https:\\/\\/.+\\.example\\.com$", &text));

    let parsed = Origin::parse(origin);
    if let Ok(parsed) = parsed {
        // Written again from its parts, it is the same text: there is one spelling of each origin.
        let port = parsed.port.map_or_else(String::new, |port| format!(":{port}"));
        assert_eq!(format!("{}://{}{port}", parsed.scheme, parsed.host), origin);
        // And a rule of that text is exact: it needs no matcher.
        let exact = OriginMatcher::compile(&[RuleOption::text("origin", origin)]);
        assert!(exact.is_ok_and(|matcher| matcher.is_empty()));
    }
    if let Some(mut wildcard) =
        OriginMatcher::compile(&[RuleOption::text("origin", "https://*.example.com")]).ok()
        && wildcard.is_allowed(origin)
    {
        assert!(
            origin.starts_with("https://") && origin.ends_with(".example.com") && parsed.is_ok()
        );
    }
    for is_lenient in [false, true] {
        let Some(mut matcher) = pattern(source, is_lenient) else { continue };
        let is_allowed = matcher.is_allowed(origin);
        assert!(!is_allowed || parsed.is_ok());
        // Nothing is remembered: the same question has the same answer.
        assert_eq!(matcher.is_allowed(origin), is_allowed);
        // Nobody gets in by adding to what is let in, unless the pattern says so by itself.
        if is_allowed && choice % 2 == 0 && !is_lenient {
            let alone = pattern(&format!("^(?:{source})$"), false);
            assert!(alone.is_none_or(|mut alone| alone.is_allowed(origin)));
        }
    }
});
