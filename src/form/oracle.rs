//! What must hold for every input; the property tests and the fuzz target check it.

use super::{FormOptions, FormRefusal, HppOptions, Scratch, Source, parse};
use crate::json::{self, JsonOptions, Rules};

/// Parses `input` with options that `number` chooses and checks what comes out.
///
/// # Panics
/// When the text is not ASCII, is not JSON, still holds a name that the rules strip, or holds an array though
/// pollution was removed.
pub fn check(number: u8, input: &[u8], scratch: &mut Scratch) {
    let source = match number & 3 {
        0 => Source::UTF_8,
        1 => Source::ISO_8859_1,
        _ => Source::URL,
    };
    let extended = number & 4 != 0;
    let options = match number >> 3 & 3 {
        0 => FormOptions::body(extended),
        1 => FormOptions::query(extended),
        2 => FormOptions::body_parser(extended),
        _ => FormOptions::express_query(extended),
    };
    let has_rules = number >> 3 & 3 < 2;
    let hpp = (number & 32 != 0).then(HppOptions::default);
    let options = options
        .with_hpp(hpp.clone())
        .with_charset_sentinel(number & 64 != 0)
        .with_numeric_entities(number & 128 != 0);
    let form = match parse(input, source, &options, scratch) {
        Ok(form) => form,
        Err(refusal) => return check_refusal(&refusal),
    };
    check_text(form.json, has_rules);
    assert!(hpp.is_none() || !holds_array(form.json), "an array is left");
    if let Some(polluted) = form.polluted {
        check_text(polluted.json, has_rules);
    }
}

/// A refusal says little.
fn check_refusal(refusal: &FormRefusal) {
    assert!(refusal.pointer().len() < 1_010, "a long pointer");
}

/// The text is JSON in ASCII; under rules it holds nothing that they strip.
fn check_text(text: &[u8], has_rules: bool) {
    assert!(text.is_ascii(), "not ASCII");
    let base = if has_rules { Rules::default() } else { Rules::permissive() };
    let deep = JsonOptions { max_depth: Some(f64::INFINITY), ..JsonOptions::default() };
    let judged = deep.apply_to(base).map(|rules| json::sanitize(text, &rules));
    let is_clean = matches!(&judged, Ok(Ok(sanitized)) if sanitized.findings.is_empty());
    assert!(is_clean, "{judged:?}");
}

/// Whether there is a bracket outside of strings.
fn holds_array(text: &[u8]) -> bool {
    let mut in_string = false;
    let mut escaped = false;
    text.iter().any(|byte| {
        in_string ^= *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        !in_string && *byte == b'['
    })
}
