//! The options of the security headers: what is taken makes headers of printable ASCII that a browser reads as what was asked
//! for, as two naive readers of Content-Security-Policy (CSP Level 3, section 2.2.1) and of structured fields (RFC 9651) say.
//! Each line of the input is an option: a letter, a name, `=`, and a list parted by `|`.
#![no_main]

use carapace::security_headers::{
    Directive, DirectiveOption, IntegrityOptions, Kind, Options, Part, PermissionsOptions, Plan,
    PolicyOptions, Preset, Removal, Setting, SourceOption, TokenOption, TokenValue,
    TransportOptions, Value, accepts_request_value, clear_site_data, compile,
};
use libfuzzer_sys::fuzz_target;

/// The policies' own parts, to be compared with what comes out.
struct Asked {
    options: Options,
    policy: PolicyOptions,
    permissions: PermissionsOptions,
}

fn read_options(text: &str) -> Asked {
    let mut options = Options { csp: Setting::Off, ..Options::default() };
    let mut policy = PolicyOptions { path: "csp".to_owned(), ..PolicyOptions::default() };
    let mut permissions = PermissionsOptions::default();
    for line in text.split('\n') {
        let mut letters = line.chars();
        let (Some(letter), rest) = (letters.next(), letters.as_str()) else { continue };
        let (name, value) = rest.split_once('=').unwrap_or((rest, ""));
        let (name, value) = (name.to_owned(), value.to_owned());
        let list = || value.split('|').map(str::to_owned).collect::<Vec<_>>();
        match letter {
            'c' => {
                let sources = list().into_iter().map(|text| match text.strip_prefix('%') {
                    Some(number) => SourceOption::Function(number.parse().unwrap_or(0)),
                    None => SourceOption::Text(text),
                });
                let sources = (value != "-").then(|| sources.collect());
                policy.directives.push(DirectiveOption { key: name, sources });
            }
            'n' => policy.nonce = Some(list()),
            's' => policy.strict_dynamic = true,
            'd' => policy.use_defaults = true,
            'm' => policy.allow_missing_default_src = true,
            'p' => permissions.features.push((name, (value != "-").then(list))),
            'u' => permissions.allow_unknown_features = true,
            'o' => permissions.report_to = Some(name),
            'e' => options.endpoints.push((name, value)),
            't' => options.tokens.push(TokenOption {
                option: name,
                setting: Setting::Custom(TokenValue {
                    path: "token".to_owned(),
                    token: Some(value).filter(|token| !token.is_empty()),
                    report_to: permissions.report_to.clone(),
                }),
            }),
            'r' => options.referrer = Setting::Custom(list()),
            'k' => options.cache_control = Setting::Custom(value),
            'h' => options.removal = Removal::Names(list()),
            'i' => {
                let blocked_destinations = Some(list()).filter(|_| !value.is_empty());
                let endpoints = permissions.report_to.clone().into_iter().collect();
                options.integrity =
                    Setting::Custom(IntegrityOptions { blocked_destinations, endpoints });
            }
            'x' => {
                let (preload, include_sub_domains) = (Some(name == "p"), Some(name != "n"));
                let max_age = value.parse().ok();
                options.transport =
                    Setting::Custom(TransportOptions { max_age, include_sub_domains, preload });
            }
            'a' => options.preset = Preset::Api,
            'S' => options.preset = Preset::Strict,
            _ => {}
        }
    }
    if !policy.directives.is_empty() {
        options.csp = Setting::Custom(vec![policy.clone()]);
    }
    if !permissions.features.is_empty() {
        options.permissions = Setting::Custom(permissions.clone());
    }
    Asked { options, policy, permissions }
}

/// A value's whole text, with a nonce in its place and a function's worst answer.
fn lines(value: &Value) -> Vec<String> {
    match value {
        Value::Text(text) => vec![text.clone()],
        Value::Lines(lines) => lines.clone(),
        Value::Templates(templates) => {
            let text = |part: &Part| match part {
                Part::Text(text) => text.clone(),
                Part::Nonce => "bm9uY2U".to_owned(),
                Part::Functions { fallback, .. } => (*fallback).to_owned(),
            };
            templates.iter().map(|template| template.parts().iter().map(text).collect()).collect()
        }
    }
}

/// A policy's directives as a browser reads them: lower case, the first of each name.
fn read_csp(text: &str) -> Vec<(String, Vec<String>)> {
    let mut directives: Vec<(String, Vec<String>)> = Vec::new();
    for directive in text.split(';') {
        let mut words = directive.split_ascii_whitespace();
        let Some(name) = words.next().map(str::to_ascii_lowercase) else { continue };
        assert!(directives.iter().all(|(known, _)| *known != name), "{name} twice in {text:?}");
        directives.push((name, words.map(str::to_owned).collect()));
    }
    directives
}

fn check_csp(policy: &PolicyOptions, text: &str) {
    let read = read_csp(text);
    if policy.use_defaults || policy.strict_dynamic || policy.nonce.is_some() {
        return;
    }
    let given = policy
        .directives
        .iter()
        .filter_map(|option| option.sources.as_ref().map(|sources| (option, sources)));
    let asked: Vec<(String, Vec<String>)> = given
        .map(|(option, sources)| {
            let directive = Directive::named(&option.key).expect("it was taken");
            let texts = sources.iter().filter_map(|source| match source {
                SourceOption::Text(text) => Some(text.split_ascii_whitespace().map(str::to_owned)),
                SourceOption::Function(_) => None,
            });
            let mut tokens: Vec<String> = texts.flatten().collect();
            let functions =
                sources.iter().any(|source| matches!(source, SourceOption::Function(_)));
            if tokens.is_empty() && functions {
                tokens = directive.fallback().split_ascii_whitespace().map(str::to_owned).collect();
            }
            (directive.name.to_owned(), tokens)
        })
        .collect();
    assert_eq!(read, asked, "{text:?}");
    for (name, tokens) in &read {
        let kind = Directive::named(name).expect("known").kind;
        // What may be written in the options may be returned by a function.
        let takes = |token: &String| accepts_request_value(name, token) || token.len() > 2048;
        assert!(kind == Kind::Valueless || tokens.iter().all(takes), "{name} {tokens:?}");
    }
}

/// Reads a structured field's dictionary of tokens, inner lists and parameters, and gives each key with its value's text.
fn read_dictionary(text: &str) -> Option<Vec<(String, String)>> {
    let is_key = |key: &str| {
        key.starts_with(|first: char| first.is_ascii_lowercase() || first == '*')
            && key.bytes().all(|byte| {
                byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-.*".contains(&byte)
            })
    };
    let mut members = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (key, after) = rest.split_once('=')?;
        let mut is_quoted = false;
        let end = after.find(|letter| {
            is_quoted ^= letter == '"';
            letter == ',' && !is_quoted
        });
        let (value, next) = end.map_or((after, ""), |end| (&after[..end], &after[end + 1..]));
        if !is_key(key) || is_quoted || end.is_some() && next.is_empty() {
            return None;
        }
        members.push((key.to_owned(), value.to_owned()));
        rest = next.strip_prefix(' ').unwrap_or(next);
    }
    Some(members)
}

fn check_permissions(asked: &PermissionsOptions, text: &str) {
    let members = read_dictionary(text).expect("a dictionary");
    let given =
        asked.features.iter().filter_map(|(name, list)| list.as_ref().map(|list| (name, list)));
    let expected = given.map(|(name, list)| {
        let value = match list.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["*"] => "*".to_owned(),
            ["none"] => "()".to_owned(),
            list => {
                let items = list.iter().map(|item| match *item {
                    "self" | "src" => (*item).to_owned(),
                    origin => format!("\"{origin}\""),
                });
                format!("({})", items.collect::<Vec<_>>().join(" "))
            }
        };
        let report =
            asked.report_to.as_ref().map_or_else(String::new, |name| format!(";report-to={name}"));
        // camelCase is only another way to write it.
        let dashed = name.chars().flat_map(|letter| {
            let dash = letter.is_ascii_uppercase().then_some('-');
            dash.into_iter().chain([letter.to_ascii_lowercase()])
        });
        (dashed.collect::<String>(), format!("{value}{report}"))
    });
    assert_eq!(members, expected.collect::<Vec<_>>(), "{text:?}");
    let origins = asked.features.iter().flat_map(|(_, list)| list.iter().flatten());
    for origin in origins.filter_map(|origin| origin.split_once("://").map(|(_, rest)| rest)) {
        let port = origin.rsplit_once(':').map(|(_, port)| port);
        assert!(
            port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit())),
            "{origin:?}"
        );
    }
}

fn check_plan(plan: &Plan, asked: &Asked) {
    for header in plan.secure.iter().chain(&plan.plain) {
        for line in lines(&header.value) {
            let is_printable = line.bytes().all(|byte| matches!(byte, b' '..=b'~'));
            // One of the policies of referrers is the empty text, as in helmet.
            assert!(!line.is_empty() || header.name == "referrer-policy");
            assert!(is_printable, "{} {line:?}", header.name);
            assert!(!plan.removed.iter().any(|name| name == header.name));
            match header.name {
                "content-security-policy" => {
                    assert!(!line.contains(','), "{line:?}");
                    if plan.secure.contains(header) {
                        check_csp(&asked.policy, &line);
                    }
                }
                "permissions-policy" if !asked.permissions.features.is_empty() => {
                    check_permissions(&asked.permissions, &line);
                }
                "reporting-endpoints" => {
                    let expected = asked.options.endpoints.iter();
                    let expected = expected.map(|(name, url)| (name.clone(), format!("\"{url}\"")));
                    assert_eq!(read_dictionary(&line), Some(expected.collect::<Vec<_>>()));
                }
                _ => {}
            }
        }
    }
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    if let Some((name, value)) = text.split_once('=') {
        if accepts_request_value(name, value) {
            assert!(!value.contains([';', ',', ' ']) && value.is_ascii(), "{value:?}");
        }
        let types: Vec<String> = value.split('|').map(str::to_owned).collect();
        if let Ok(header) = clear_site_data(&types) {
            assert_eq!(header.matches('"').count(), types.len() * 2);
        }
    }
    let asked = read_options(&text);
    match compile(&asked.options) {
        Ok(plan) => check_plan(&plan, &asked),
        Err(error) => assert!(error.message.len() < 3000, "{error:?}"),
    }
});
