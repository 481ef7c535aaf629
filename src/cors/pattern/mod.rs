//! Regular expressions of JavaScript's over origins, compiled for an automaton that takes linear time.
//!
//! The syntax is read here, by JavaScript's grammar (ECMA-262, section 22.2.1) and not by the engine's own, because the
//! same text means different things to both: `\A`, `\z` and `[[a]` among others. What an automaton cannot
//! do (look-around, backreferences) and what no origin can contain is refused. Groups do not capture, and
//! laziness is dropped: neither changes what a pattern matches.

mod class;
mod parser;

use super::options::quote;
use crate::error::{ConfigError, ErrorCode};
use parser::Parser;
use regex_syntax::hir::{Hir, Look, Repetition};

/// The longest source that is read.
const MAX_SOURCE_LENGTH: usize = 4096;

/// A pattern, ready for the automaton.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub(super) expression: Hir,
    /// Whether a match can only start where the origin does.
    pub(super) is_start_anchored: bool,
    /// Whether a match can only end where the origin does.
    pub(super) is_end_anchored: bool,
}

/// Why a source is refused.
type Reason = String;

/// Reads a regular expression. A strict one must describe the whole origin.
pub(super) fn parse_pattern(
    path: &str,
    source: &str,
    flags: &str,
    is_lenient: bool,
) -> Result<Pattern, ConfigError> {
    read(source, flags, is_lenient).map_err(|reason| {
        let message = format!("got the pattern {}, which {reason}", quote(source));
        ConfigError::new(ErrorCode::OptionValue, path, message)
    })
}

fn read(source: &str, flags: &str, is_lenient: bool) -> Result<Pattern, Reason> {
    if source.len() > MAX_SOURCE_LENGTH {
        return Err(format!("is longer than {MAX_SOURCE_LENGTH} bytes"));
    }
    if flags.contains('v') {
        return Err("has the flag v, whose sets are not supported: use u, or no flag".to_owned());
    }
    // g and y make `test` remember a position; here nothing is remembered. d, m, s and u change nothing for origins.
    let expression = Parser::new(source, flags.contains('i'), is_lenient).parse()?;
    let properties = expression.properties();
    let is_start_anchored = properties.look_set_prefix().contains(Look::Start);
    let is_end_anchored = properties.look_set_suffix().contains(Look::End);
    if !is_lenient && (!is_start_anchored || !is_end_anchored) {
        return Err("matches parts of origins, such as https://example.com.evil.example: \
                    start every alternative with ^ and end it with $"
            .to_owned());
    }
    Ok(Pattern { expression, is_start_anchored, is_end_anchored })
}

/// `sub` from `min` to `max` times.
fn repeat(sub: Hir, min: u32, max: Option<u32>) -> Hir {
    Hir::repetition(Repetition { min, max, greedy: true, sub: Box::new(sub) })
}
