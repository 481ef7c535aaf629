use proptest::prelude::*;

use super::*;
use crate::error::{ConfigError, ErrorCode};

const HELMET_POLICY: &str = "default-src 'self';base-uri 'self';font-src 'self' https: data:;form-action 'self';frame-ancestors 'self';img-src 'self' data:;object-src 'none';script-src 'self';script-src-attr 'none';style-src 'self' https: 'unsafe-inline'";

fn text(headers: &[Header], name: &str) -> Option<String> {
    headers.iter().find(|header| header.name == name).map(|header| match &header.value {
        Value::Text(text) => text.clone(),
        Value::Lines(lines) => lines.join(" | "),
        Value::Templates(templates) => templates.iter().map(show).collect::<Vec<_>>().join(" | "),
    })
}

fn show(template: &Template) -> String {
    let parts = template.parts().iter().map(|part| match part {
        Part::Text(text) => text.clone(),
        Part::Nonce => "{nonce}".to_owned(),
        Part::Functions { numbers, fallback, .. } => format!("{{{numbers:?}{fallback}}}"),
    });
    parts.collect()
}

fn policy(directives: &[(&str, &[&str])]) -> PolicyOptions {
    let directives = directives.iter().map(|(key, sources)| DirectiveOption {
        key: (*key).to_owned(),
        sources: Some(
            sources.iter().map(|source| SourceOption::Text((*source).to_owned())).collect(),
        ),
    });
    PolicyOptions {
        path: "contentSecurityPolicy".to_owned(),
        use_defaults: true,
        directives: directives.collect(),
        ..PolicyOptions::default()
    }
}

fn bare(directives: &[(&str, &[&str])]) -> PolicyOptions {
    PolicyOptions { use_defaults: false, ..policy(directives) }
}

fn with_policy(policy: PolicyOptions) -> Options {
    Options { csp: Setting::Custom(vec![policy]), ..Options::default() }
}

fn compiled_policy(policy: PolicyOptions) -> Result<String, ConfigError> {
    let plan = compile(&with_policy(policy))?;
    Ok(text(&plan.secure, "content-security-policy").unwrap_or_default())
}

fn error(options: &Options) -> (String, ErrorCode) {
    let error = compile(options).expect_err("must be refused");
    (error.path, error.code)
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|item| (*item).to_owned()).collect()
}

fn token(option: &str, setting: Setting<TokenValue>) -> Options {
    let tokens = vec![TokenOption { option: option.to_owned(), setting }];
    Options { tokens, ..Options::default() }
}

fn custom(token: &str, report_to: Option<&str>) -> Setting<TokenValue> {
    Setting::Custom(TokenValue {
        path: "option.policy".to_owned(),
        token: Some(token.to_owned()),
        report_to: report_to.map(str::to_owned),
    })
}

#[test]
fn web_preset_is_helmets_default_in_helmets_order() {
    let plan = compile(&Options::default()).unwrap();
    let expected = [
        ("content-security-policy", &*format!("{HELMET_POLICY};upgrade-insecure-requests")),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("origin-agent-cluster", "?1"),
        ("referrer-policy", "no-referrer"),
        ("strict-transport-security", "max-age=31536000; includeSubDomains"),
        ("x-content-type-options", "nosniff"),
        ("x-dns-prefetch-control", "off"),
        ("x-download-options", "noopen"),
        ("x-frame-options", "SAMEORIGIN"),
        ("x-permitted-cross-domain-policies", "none"),
        ("x-xss-protection", "0"),
    ];
    let got: Vec<(&str, String)> = plan
        .secure
        .iter()
        .map(|header| (header.name, text(&plan.secure, header.name).unwrap()))
        .collect();
    assert_eq!(got, expected.map(|(name, value)| (name, value.to_owned())));
    assert!(!plan.has_nonce);
}

#[test]
fn plain_http_gets_neither_hsts_nor_the_upgrade_s60() {
    let plan = compile(&Options::default()).unwrap();
    assert_eq!(text(&plan.plain, "strict-transport-security"), None);
    assert_eq!(text(&plan.plain, "content-security-policy").unwrap(), HELMET_POLICY);
    let always = compile(&Options { secure_only: false, ..Options::default() }).unwrap();
    assert_eq!(always.plain, always.secure);
}

#[test]
fn a_policy_of_the_upgrade_alone_sends_nothing_over_plain_http() {
    let lone = PolicyOptions {
        allow_missing_default_src: true,
        ..bare(&[("upgradeInsecureRequests", &[])])
    };
    let plan = compile(&with_policy(lone)).unwrap();
    assert_eq!(text(&plan.plain, "content-security-policy"), None);
    assert_eq!(text(&plan.secure, "content-security-policy").unwrap(), "upgrade-insecure-requests");
}

#[test]
fn api_preset_sends_only_what_json_needs() {
    let plan = compile(&Options { preset: Preset::Api, ..Options::default() }).unwrap();
    let names: Vec<&str> = plan.secure.iter().map(|header| header.name).collect();
    assert_eq!(
        names,
        [
            "content-security-policy",
            "cross-origin-resource-policy",
            "referrer-policy",
            "strict-transport-security",
            "x-content-type-options",
            "x-frame-options",
            "cache-control"
        ]
    );
    assert_eq!(
        text(&plan.plain, "content-security-policy").unwrap(),
        "default-src 'none';frame-ancestors 'none'"
    );
    assert_eq!(text(&plan.plain, "x-frame-options").unwrap(), "DENY");
}

#[test]
fn strict_preset_removes_owasps_list() {
    let plan = compile(&Options { preset: Preset::Strict, ..Options::default() }).unwrap();
    assert_eq!(plan.removed.len(), 87);
    assert!(text(&plan.secure, "permissions-policy").unwrap().matches("=()").count() == 28);
    assert_eq!(
        text(&plan.secure, "strict-transport-security").unwrap(),
        "max-age=63072000; includeSubDomains"
    );
}

#[test]
fn every_compiled_header_has_a_place_in_the_order() {
    for preset in [Preset::Web, Preset::Api, Preset::Strict] {
        for header in compile(&Options { preset, ..Options::default() }).unwrap().secure {
            assert!(ORDER.contains(&header.name), "{}", header.name);
        }
    }
    assert!(TOKEN_HEADERS.iter().all(|header| ORDER.contains(&header.name)));
}

#[test]
fn an_overridden_default_keeps_its_place_and_a_new_directive_goes_last() {
    let got = compiled_policy(policy(&[
        ("worker-src", &["'self'"]),
        ("imgSrc", &["a.example b.example:8080/x"]),
    ]));
    let got = got.unwrap();
    assert!(got.contains(";img-src a.example b.example:8080/x;object-src"), "{got}");
    assert!(got.ends_with(";upgrade-insecure-requests;worker-src 'self'"), "{got}");
}

#[test]
fn null_removes_a_default() {
    let mut options = policy(&[]);
    options
        .directives
        .push(DirectiveOption { key: "upgradeInsecureRequests".to_owned(), sources: None });
    assert_eq!(compiled_policy(options).unwrap(), HELMET_POLICY);
}

#[test]
fn default_src_is_never_dropped_silently() {
    let mut options = policy(&[]);
    options.directives.push(DirectiveOption { key: "defaultSrc".to_owned(), sources: None });
    let expected = ("contentSecurityPolicy.directives".to_owned(), ErrorCode::OptionConflict);
    assert_eq!(error(&with_policy(options.clone())), expected);
    assert_eq!(error(&with_policy(bare(&[("imgSrc", &["'self'"])]))), expected);
    options.allow_missing_default_src = true;
    assert!(compiled_policy(options).unwrap().starts_with("base-uri 'self'"));
}

#[test]
fn refuses_directives_that_are_wrong() {
    let long_hash = "'sha256-".to_owned() + &"a".repeat(44) + "'";
    let cases: &[(&str, &str, ErrorCode)] = &[
        ("scriptSrc", "self", ErrorCode::CspSource),
        ("scriptSrc", "SELF", ErrorCode::CspSource),
        ("scriptSrc", "none", ErrorCode::CspSource),
        ("scriptSrc", "unsafe-inline", ErrorCode::CspSource),
        ("scriptSrc", "nonce-abc", ErrorCode::CspSource),
        ("scriptSrc", "sha256-abc=", ErrorCode::CspSource),
        ("scriptSrc", "'nonce-abcdef'", ErrorCode::CspSource),
        ("scriptSrc", "'sha256-abc='", ErrorCode::CspSource),
        ("scriptSrc", &long_hash, ErrorCode::CspSource),
        ("scriptSrc", "'slef'", ErrorCode::CspSource),
        ("scriptSrc", "'self", ErrorCode::CspSource),
        ("scriptSrc", "'self' 'none'", ErrorCode::CspSource),
        ("scriptSrc", "https", ErrorCode::CspSource),
        ("scriptSrc", "a.example;img-src *", ErrorCode::CspSource),
        ("scriptSrc", "a.example,default-src", ErrorCode::CspSource),
        ("scriptSrc", "a.example\r\nX: y", ErrorCode::HeaderValue),
        ("scriptSrc", "b\u{fc}cher.example", ErrorCode::HeaderValue),
        ("scriptSrc", "a\0b", ErrorCode::HeaderValue),
        ("scriptSrc", "a.example:99999", ErrorCode::CspSource),
        ("scriptSrc", "a.example:8x", ErrorCode::CspSource),
        ("scriptSrc", "*.*.example", ErrorCode::CspSource),
        ("scriptSrc", "a..example", ErrorCode::CspSource),
        ("scriptSrc", "ht!tp://a.example", ErrorCode::CspSource),
        ("scriptSrc", "https://", ErrorCode::CspSource),
        ("scriptSrc", "a.example/x?y=1", ErrorCode::CspSource),
        ("frameAncestors", "'unsafe-inline'", ErrorCode::CspSource),
        ("sandbox", "allow-script", ErrorCode::CspSource),
        ("reportUri", "reports", ErrorCode::CspSource),
        ("reportUri", "//evil.example", ErrorCode::CspSource),
        ("reportTo", "Main Group", ErrorCode::CspSource),
        ("reportTo", "", ErrorCode::CspSource),
        ("upgradeInsecureRequests", "yes", ErrorCode::CspSource),
        ("requireTrustedTypesFor", "script", ErrorCode::CspSource),
        ("trustedTypes", "'allow'", ErrorCode::CspSource),
        ("scriptSrcs", "'self'", ErrorCode::OptionUnknown),
        ("", "'self'", ErrorCode::OptionUnknown),
    ];
    for (key, source, code) in cases {
        let expected = (format!("contentSecurityPolicy.directives.{key}"), *code);
        assert_eq!(error(&with_policy(policy(&[(key, &[source])]))), expected, "{key} {source:?}");
    }
}

#[test]
fn takes_what_the_grammar_takes() {
    let hash = "'sha256-".to_owned() + &"a".repeat(43) + "='";
    let sources = [
        "*",
        "'self'",
        "'SELF'",
        "https:",
        "data:",
        "wss://a.example:443/x/",
        "*.a.example",
        "a.example:*",
        "localhost:3000",
        "a_b.example",
        "127.0.0.1",
        "https://*:8080",
        "https://a.example.",
        &hash,
        "'strict-dynamic'",
        "'report-sample'",
        "'wasm-unsafe-eval'",
        "custom-scheme:",
    ];
    for source in sources {
        let got = compiled_policy(bare(&[("default-src", &[source])]));
        assert_eq!(got, Ok(format!("default-src {source}")));
    }
}

#[test]
fn names_the_nearest_directive() {
    let got = compile(&with_policy(policy(&[("scirptSrc", &["'self'"])]))).unwrap_err();
    assert!(got.message.contains("did you mean script-src?"), "{}", got.message);
}

#[test]
fn refuses_a_directive_given_in_both_spellings() {
    let twice = policy(&[("scriptSrc", &["'self'"]), ("script-src", &["'self'"])]);
    assert_eq!(error(&with_policy(twice)).1, ErrorCode::OptionConflict);
}

#[test]
fn nonce_joins_the_directives_asked_for() {
    let nonce = PolicyOptions { nonce: Some(strings(&["script-src", "styleSrc"])), ..policy(&[]) };
    let got = compiled_policy(nonce).unwrap();
    assert!(got.contains(";script-src 'self' 'nonce-{nonce}';"), "{got}");
    assert!(got.contains(";style-src 'self' https: 'unsafe-inline' 'nonce-{nonce}';"), "{got}");
}

#[test]
fn nonce_in_an_absent_directive_keeps_what_was_inherited_and_replaces_none() {
    let nonce = PolicyOptions {
        nonce: Some(strings(&["script-src"])),
        ..bare(&[("defaultSrc", &["a.example"])])
    };
    let plan = compile(&with_policy(nonce)).unwrap();
    assert!(plan.has_nonce);
    let got = text(&plan.secure, "content-security-policy").unwrap();
    assert_eq!(got, "default-src a.example;script-src a.example 'nonce-{nonce}'");
    let replaced = PolicyOptions {
        nonce: Some(strings(&["script-src"])),
        ..bare(&[("defaultSrc", &["'none'"])])
    };
    assert_eq!(compiled_policy(replaced).unwrap(), "default-src 'none';script-src 'nonce-{nonce}'");
}

#[test]
fn nonce_stands_only_where_browsers_read_it() {
    let nonce = PolicyOptions { nonce: Some(strings(&["img-src"])), ..policy(&[]) };
    assert_eq!(
        error(&with_policy(nonce)),
        ("contentSecurityPolicy.nonce".to_owned(), ErrorCode::OptionValue)
    );
}

#[test]
fn strict_dynamic_is_googles_policy() {
    let strict = PolicyOptions { strict_dynamic: true, ..policy(&[]) };
    let got = compiled_policy(strict).unwrap();
    assert!(
        got.contains(";script-src 'nonce-{nonce}' 'strict-dynamic' https: 'unsafe-inline';"),
        "{got}"
    );
    assert!(got.contains("base-uri 'none'") && got.contains("object-src 'none'"), "{got}");
    let bare = PolicyOptions { strict_dynamic: true, nonce: Some(Vec::new()), ..policy(&[]) };
    assert_eq!(error(&with_policy(bare)).0, "contentSecurityPolicy.strictDynamic");
}

#[test]
fn functions_become_slots_that_fall_back_to_none_s57() {
    let mut options = bare(&[("defaultSrc", &["'self'"])]);
    let both = vec![SourceOption::Text("'self'".to_owned()), SourceOption::Function(0)];
    let alone = vec![SourceOption::Function(1), SourceOption::Function(2)];
    options.directives.push(DirectiveOption { key: "scriptSrc".to_owned(), sources: Some(both) });
    options.directives.push(DirectiveOption { key: "imgSrc".to_owned(), sources: Some(alone) });
    let got = compiled_policy(options).unwrap();
    assert_eq!(got, "default-src 'self';script-src 'self'{[0]};img-src{[1, 2] 'none'}");
}

#[test]
fn functions_stand_only_where_their_value_can_be_judged() {
    for key in ["reportTo", "upgradeInsecureRequests"] {
        let mut options = policy(&[]);
        let sources = Some(vec![SourceOption::Function(0)]);
        options.directives.push(DirectiveOption { key: key.to_owned(), sources });
        assert_eq!(error(&with_policy(options)).1, ErrorCode::OptionType);
    }
}

#[test]
fn request_values_are_one_token_s57() {
    let refused = [
        "",
        " ",
        "* 'unsafe-inline'",
        "a.example;script-src *",
        "a.example,b",
        "a\nb",
        "a\r\nb",
        "self",
        "nonce-abc",
        "'nonce-'",
        "'nonce-a b'",
        "'nonce-a'b'",
        "b\u{fc}cher.example",
        "a.example\t",
        "'nonce-abc===='",
        "'x'",
    ];
    for value in refused {
        assert!(!accepts_request_value("script-src", value), "{value:?}");
    }
    for value in ["'self'", "'none'", "https://a.example/x", "'nonce-rAnd0m+/_-=='", "https:"] {
        assert!(accepts_request_value("script-src", value), "{value:?}");
    }
    let path = |length: usize| format!("a.example/{}", "a".repeat(length - 10));
    assert!(accepts_request_value("script-src", &path(2048)));
    assert!(!accepts_request_value("script-src", &path(2049)), "S-62");
    assert!(!accepts_request_value("no-such-directive", "'self'"));
    assert!(accepts_request_value("sandbox", "allow-scripts"));
}

#[test]
fn several_policies_become_several_lines_and_report_only_stands_beside() {
    let options = Options {
        csp: Setting::Custom(vec![
            bare(&[("default-src", &["'self'"])]),
            bare(&[("default-src", &["https:"])]),
        ]),
        csp_report_only: Setting::Custom(vec![bare(&[("default-src", &["'none'"])])]),
        ..Options::default()
    };
    let plan = compile(&options).unwrap();
    assert_eq!(text(&plan.plain, ORDER[0]).unwrap(), "default-src 'self' | default-src https:");
    assert_eq!(text(&plan.plain, ORDER[1]).unwrap(), "default-src 'none'");
}

#[test]
fn every_report_goes_to_an_endpoint_that_exists() {
    let endpoints = vec![("main".to_owned(), "https://r.example/x".to_owned())];
    let csp = |name: &str| Options {
        endpoints: endpoints.clone(),
        ..with_policy(policy(&[("reportTo", &[name])]))
    };
    assert!(compile(&csp("main")).is_ok());
    assert_eq!(
        error(&csp("mian")),
        ("contentSecurityPolicy.directives.reportTo".to_owned(), ErrorCode::OptionUnknown)
    );
    let coop = |name| Options {
        endpoints: endpoints.clone(),
        ..token("crossOriginOpenerPolicy", custom("same-origin", Some(name)))
    };
    let plan = compile(&coop("main")).unwrap();
    assert_eq!(
        text(&plan.plain, "cross-origin-opener-policy").unwrap(),
        "same-origin; report-to=\"main\""
    );
    assert_eq!(text(&plan.plain, "reporting-endpoints").unwrap(), "main=\"https://r.example/x\"");
    assert_eq!(error(&coop("other")).0, "crossOriginOpenerPolicy.reportTo");
}

#[test]
fn endpoints_are_named_and_secure_s59() {
    for (name, url) in [
        ("Main", "https://r.example"),
        ("", "https://r.example"),
        ("main", "http://r.example"),
        ("main", "//r.example"),
        ("main", "https://"),
        ("main", "https://r.example/\r\nX: y"),
        ("main", "https://r.example/\u{fc}"),
        ("main", "https://r.example/\""),
    ] {
        let options =
            Options { endpoints: vec![(name.to_owned(), url.to_owned())], ..Options::default() };
        assert_eq!(error(&options).0, format!("reportingEndpoints.{name}"), "{name:?} {url:?}");
    }
}

#[test]
fn frame_options_are_compared_without_case() {
    for (given, sent) in
        [("deny", "DENY"), ("SameOrigin", "SAMEORIGIN"), ("same-origin", "SAMEORIGIN")]
    {
        let plan = compile(&token("xFrameOptions", custom(given, None))).unwrap();
        assert_eq!(text(&plan.plain, "x-frame-options").unwrap(), sent);
    }
    assert_eq!(error(&token("xFrameOptions", custom("allow-from", None))).0, "option.policy");
}

#[test]
fn token_headers_refuse_what_they_do_not_know() {
    assert_eq!(error(&token("xFrameOption", Setting::On)).1, ErrorCode::OptionUnknown);
    assert_eq!(
        error(&token("crossOriginResourcePolicy", custom("Same-Origin", None))).1,
        ErrorCode::OptionValue
    );
    assert_eq!(
        error(&token("xContentTypeOptions", custom("sniff", None))).1,
        ErrorCode::OptionValue
    );
    let report = token("crossOriginResourcePolicy", custom("same-site", Some("main")));
    assert_eq!(error(&report).1, ErrorCode::OptionConflict);
}

#[test]
fn hsts_keeps_the_preload_lists_rules_s60() {
    let transport = |max_age: Option<f64>, sub: Option<bool>, preload| Options {
        transport: Setting::Custom(TransportOptions {
            max_age,
            include_sub_domains: sub,
            preload: Some(preload),
        }),
        ..Options::default()
    };
    for refused in [
        transport(Some(31_535_999.0), None, true),
        transport(None, Some(false), true),
        transport(Some(-1.0), None, false),
        transport(Some(1.5), None, false),
        transport(Some(f64::NAN), None, false),
        transport(Some(f64::INFINITY), None, false),
    ] {
        assert!(compile(&refused).is_err(), "{refused:?}");
    }
    let value =
        |options| text(&compile(&options).unwrap().secure, "strict-transport-security").unwrap();
    assert_eq!(value(transport(None, None, true)), "max-age=31536000; includeSubDomains; preload");
    assert_eq!(value(transport(Some(0.0), Some(false), false)), "max-age=0");
    assert_eq!(value(transport(Some(-0.0), Some(false), false)), "max-age=0");
}

#[test]
fn permissions_policy_builds_on_owasps_list() {
    let feature = |name: &str, list: &[&str]| (name.to_owned(), Some(strings(list)));
    let permissions = |features: Vec<(String, Option<Vec<String>>)>| Options {
        permissions: Setting::Custom(PermissionsOptions {
            use_defaults: false,
            features,
            ..PermissionsOptions::default()
        }),
        ..Options::default()
    };
    let plan = compile(&permissions(vec![
        feature("camera", &["self", "https://*.a.example:8443"]),
        feature("screenWakeLock", &["*"]),
        feature("usb", &["none"]),
        feature("midi", &[]),
    ]));
    assert_eq!(
        text(&plan.unwrap().plain, "permissions-policy").unwrap(),
        "camera=(self \"https://*.a.example:8443\"), screen-wake-lock=*, usb=(), midi=()"
    );
    for (name, list, code) in [
        ("camra", &["self"][..], ErrorCode::OptionUnknown),
        ("camera", &["self", "*"], ErrorCode::OptionConflict),
        ("camera", &["a.example"], ErrorCode::OptionValue),
        ("camera", &["https://a.example/x"], ErrorCode::OptionValue),
        ("camera", &["https://a.example:+80"], ErrorCode::OptionValue),
        ("camera", &["https://a.example\""], ErrorCode::OptionValue),
        ("camera", &["https://a\r\n"], ErrorCode::HeaderValue),
    ] {
        let got = error(&permissions(vec![feature(name, list)]));
        assert_eq!(got, (format!("permissionsPolicy.features.{name}"), code), "{list:?}");
    }
    assert_eq!(error(&permissions(Vec::new())).1, ErrorCode::OptionConflict);
    assert_eq!(
        error(&permissions(vec![feature("usb", &[]), feature("usb", &[])])).1,
        ErrorCode::OptionConflict
    );
}

#[test]
fn integrity_policy_lists_destinations_and_endpoints() {
    let integrity = |destinations: &[&str], names: &[&str]| Options {
        integrity: Setting::Custom(IntegrityOptions {
            blocked_destinations: Some(strings(destinations)),
            endpoints: strings(names),
        }),
        endpoints: vec![("main".to_owned(), "/reports".to_owned())],
        ..Options::default()
    };
    let plan = compile(&integrity(&["script", "style"], &["main"])).unwrap();
    assert_eq!(
        text(&plan.plain, "integrity-policy").unwrap(),
        "blocked-destinations=(script style), endpoints=(main)"
    );
    assert_eq!(error(&integrity(&["image"], &[])).0, "integrityPolicy.blockedDestinations");
    assert_eq!(error(&integrity(&[], &[])).0, "integrityPolicy.blockedDestinations");
    assert_eq!(
        error(&integrity(&["script", "script"], &[])).0,
        "integrityPolicy.blockedDestinations"
    );
    assert_eq!(error(&integrity(&["script"], &["x"])).0, "integrityPolicy.endpoints");
}

#[test]
fn cache_control_is_a_list_of_directives() {
    let cache = |text: &str| Options {
        cache_control: Setting::Custom(text.to_owned()),
        ..Options::default()
    };
    let value =
        |text| super::tests::text(&compile(&cache(text)).unwrap().plain, "cache-control").unwrap();
    assert_eq!(value("no-store"), "no-store, max-age=0");
    assert_eq!(
        value("private=\"set-cookie, x\", max-age=60".replace(", x", "").as_str()),
        "private=\"set-cookie\", max-age=60"
    );
    for refused in ["", "no store", "a,,b", "no-store\r\nX: y", "max-age=", "caf\u{e9}"] {
        assert_eq!(
            error(&cache(refused)),
            ("cacheControl".to_owned(), ErrorCode::HeaderValue),
            "{refused:?}"
        );
    }
}

#[test]
fn referrer_policy_takes_a_list_without_repeats() {
    let referrer =
        |list: &[&str]| Options { referrer: Setting::Custom(strings(list)), ..Options::default() };
    let plan = compile(&referrer(&["no-referrer", "strict-origin"])).unwrap();
    assert_eq!(text(&plan.plain, "referrer-policy").unwrap(), "no-referrer,strict-origin");
    for refused in [&[][..], &["never"], &["origin", "origin"], &["no-referrer, origin"]] {
        assert_eq!(
            error(&referrer(refused)),
            ("referrerPolicy".to_owned(), ErrorCode::OptionValue)
        );
    }
}

#[test]
fn removal_keeps_the_message_intact() {
    let remove =
        |list: &[&str]| Options { removal: Removal::Names(strings(list)), ..Options::default() };
    assert_eq!(
        compile(&remove(&["X-Powered-By", "x-powered-by", "Server"])).unwrap().removed,
        ["x-powered-by", "server"]
    );
    assert_eq!(error(&remove(&["Content-Length"])).1, ErrorCode::OptionValue);
    assert_eq!(error(&remove(&["a b"])), ("removeHeaders[0]".to_owned(), ErrorCode::HeaderValue));
    assert_eq!(
        error(&remove(&["server", "X-Frame-Options"])),
        ("removeHeaders[1]".to_owned(), ErrorCode::OptionConflict)
    );
}

#[test]
fn clear_site_data_quotes_its_types() {
    assert_eq!(clear_site_data(&strings(&["cache", "cookies"])).unwrap(), "\"cache\", \"cookies\"");
    for refused in [&[][..], &["cookie"], &["cache", "cache"]] {
        assert_eq!(clear_site_data(&strings(refused)).unwrap_err().code, ErrorCode::OptionValue);
    }
}

proptest! {
    #[test]
    fn no_accepted_value_can_leave_its_directive_s57(value in "[ -~\\r\\n\\t;,'*:/.a-z\u{fc}]{0,24}") {
        for directive in &DIRECTIVES {
            if accepts_request_value(directive.name, &value) {
                prop_assert!(value.bytes().all(|byte| matches!(byte, b'!'..=b'~') && byte != b';' && byte != b','));
            }
        }
    }

    #[test]
    fn every_host_source_of_the_grammar_is_accepted(
        scheme in prop::option::of("[a-z][a-z0-9+.-]{0,5}"),
        host in "(\\*\\.)?[a-z0-9-]{1,8}(\\.[a-z0-9-]{1,8}){1,3}",
        port in prop::option::of(0u16..),
        path in "(/[a-zA-Z0-9._~%!$&()*+=:@-]{0,6}){0,3}",
    ) {
        let scheme = scheme.map_or_else(String::new, |scheme| format!("{scheme}://"));
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        let source = format!("{scheme}{host}{port}{path}");
        prop_assert!(accepts_request_value("img-src", &source), "{}", source);
    }

    #[test]
    fn what_looks_like_a_scheme_in_a_path_is_a_path(path in "/[a-z]{0,3}://[a-z]{0,3}") {
        let source = format!("-.0{path}");
        prop_assert!(accepts_request_value("img-src", &source), "{}", source);
    }

    #[test]
    fn no_configuration_text_panics_or_breaks_a_line(key in "[a-zA-Z-]{0,12}", source in any::<String>()) {
        if let Ok(got) = compiled_policy(bare(&[("defaultSrc", &["'self'"]), (&key, &[&source])])) {
            prop_assert!(got.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        }
    }
}
