//! Tests of the whole parser; those of single parts are next to them.

mod attacks;
mod bounds;
mod peers;
mod twin;

use super::{FormOptions, FormRefusal, HppOptions, Overflow, Scratch, Source, Syntax, parse};

/// The JSON text, or the refusal's name.
fn json(input: &str, options: &FormOptions) -> String {
    let mut scratch = Scratch::new();
    match parse(input.as_bytes(), Source::UTF_8, options, &mut scratch) {
        Ok(form) => String::from_utf8(form.json.to_vec()).unwrap(),
        Err(refusal) => refusal.to_string(),
    }
}
