//! The options of the readers of bodies, and bodies under those that are taken: the scanner and the exact path agree with the
//! naive twin under any rules, and a form makes JSON text within the limits that were asked for. Each line of the input up to an
//! empty one is an option: a letter, then its value; the rest is the body.
#![no_main]

use carapace::form::{self, FormOptions, HppOptions, Source, Syntax, parse};
use carapace::json::oracle::{check_clean, check_sanitize, check_scan};
use carapace::json::{JsonOptions, Rule, RuleOptions, Rules, Scratch, sanitize};
use libfuzzer_sys::fuzz_target;

struct Given {
    json: JsonOptions,
    depth: Option<f64>,
    parameters: Option<f64>,
    elements: Option<f64>,
    duplicates: Option<String>,
    keep: Option<String>,
    whitelist: Vec<String>,
    syntax: Syntax,
}

fn read_options(lines: &str) -> Given {
    let mut json = JsonOptions::default();
    let mut given = Given {
        json: JsonOptions::default(),
        depth: None,
        parameters: None,
        elements: None,
        duplicates: None,
        keep: None,
        whitelist: Vec::new(),
        syntax: Syntax::Extended,
    };
    for line in lines.split('\n') {
        let mut letters = line.chars();
        let (Some(letter), text) = (letters.next(), letters.as_str().to_owned()) else { continue };
        let number = text.parse::<f64>().ok();
        match letter {
            'd' => json.max_depth = number,
            'k' => json.max_keys = number,
            'e' => json.max_array_elements = number,
            'l' => json.max_key_bytes = number,
            'n' => json.max_number_length = number,
            'u' => json.duplicate_keys = Some(text),
            'p' => rule(&mut json.proto, &text),
            'o' => rule(&mut json.operator, &text),
            't' => rule(&mut json.dotted, &text),
            'z' => rule(&mut json.nul, &text),
            'D' => given.depth = number,
            'P' => given.parameters = number,
            'E' => given.elements = number,
            'U' => given.duplicates = Some(text),
            'K' => given.keep = Some(text),
            'W' => given.whitelist.push(text),
            'F' => given.syntax = Syntax::Flat,
            'S' => given.syntax = Syntax::Simple,
            _ => {}
        }
    }
    given.json = json;
    given
}

/// `action`, `=replacement` or `/allowed/*`.
fn rule(options: &mut RuleOptions, text: &str) {
    match text.strip_prefix('=') {
        Some(replacement) => options.replace_with = Some(replacement.to_owned()),
        None if text.starts_with('/') => {
            options.allow.get_or_insert_with(Vec::new).push(text.to_owned());
        }
        None => options.action = Some(text.to_owned()),
    }
}

fn form_options(given: &Given, rules: &Rules) -> Option<FormOptions> {
    let mut options = FormOptions::query(true).with_syntax(given.syntax).with_rules(rules.clone());
    if let Some(depth) = given.depth {
        options = options.with_depth(depth).ok()?;
    }
    if let Some(limit) = given.parameters {
        options = options.with_parameter_limit(limit).ok()?;
    }
    if let Some(limit) = given.elements {
        options = options.with_array_limit(limit).ok()?;
    }
    if let Some(policy) = &given.duplicates {
        options = options.with_duplicates(policy).ok()?;
    }
    let mut hpp = None;
    if let Some(keep) = &given.keep {
        let options = HppOptions::default().with_keep(keep).ok()?;
        hpp = Some(options.with_whitelist(&given.whitelist).ok()?);
    }
    Some(options.with_hpp(hpp))
}

/// The text is JSON, and within the limits of the options.
fn check_form(given: &Given, options: &FormOptions, body: &[u8]) {
    let mut scratch = form::Scratch::new();
    let Ok(form) = parse(body, Source::URL, options, &mut scratch) else { return };
    let none = Some(f64::INFINITY);
    let limits = JsonOptions {
        max_keys: given.json.max_keys.or(Some(10_000.0)),
        max_depth: none,
        max_array_elements: none,
        max_key_bytes: none,
        max_number_length: none,
        ..JsonOptions::default()
    };
    let rules = limits.apply_to(Rules::permissive()).expect("they were taken before");
    let judged = sanitize(form.json, &rules);
    assert!(judged.is_ok(), "{judged:?} of {:?}", String::from_utf8_lossy(form.json));
    assert!(form.json.is_ascii());
    if let Some(limit) = given.parameters {
        let count = body.split(|byte| *byte == b'&').count();
        assert!(body.is_empty() || count as f64 <= limit, "{count} parameters passed");
    }
}

fuzz_target!(|data: &[u8]| {
    let end = data.windows(2).position(|pair| pair == b"\n\n");
    let (lines, body) = end.map_or((data, &b""[..]), |end| (&data[..end], &data[end + 2..]));
    let given = read_options(&String::from_utf8_lossy(lines));
    let Ok(rules) = Rules::try_from(&given.json) else { return };
    let most = |number: Option<f64>| number.is_none_or(|number| number >= 0.0);
    assert!(most(given.json.max_depth) && most(given.json.max_keys));
    // What replaces a key's dollar must not make another.
    for rule in [Rule::Operator, Rule::Dotted] {
        assert!(
            !matches!(rules.action(rule), carapace::json::Action::Replace(text) if text.contains(['$', '.', '\0']))
        );
    }
    check_scan(body, &rules, &mut Scratch::default());
    let _ = check_sanitize(body, &rules);
    check_clean(body, &rules);
    if let Some(options) = form_options(&given, &rules) {
        check_form(&given, &options, body);
    }
});
