//! Cross-origin resource sharing: which origins may read a response (Fetch, section 3.2).
//!
//! Stops origins that only look allowed: another scheme, host, port or spelling than what browsers write
//! (RFC 6454, section 6.2), patterns that match a part of the origin (CWE-625, CWE-942), patterns that take
//! exponential time (CWE-1333), and `null`, which any sandboxed document can send.
//!
//! [`compile`] checks the options once and makes a [`Plan`]: header values, and the exact origins, which
//! JavaScript looks up by itself. Only wildcards and patterns are judged here, by an [`OriginMatcher`].
//!
//! Rules:
//! 1. A rule is a serialised origin, or a wildcard or pattern that describes whole serialised origins; anything
//!    else is refused when the options are read.
//! 2. What comes must be a serialised origin of at most [`MAX_ORIGIN_LENGTH`] bytes before a rule looks at it.
//! 3. Patterns run on a linear-time automaton, whatever the pattern and the origin.
//! 4. Any origin, by `*` or `true`, excludes credentials.
//!
//! It does not stop requests: a browser sends most of them anyway and only hides the answer.
//!
//! ```
//! use carapace::cors::{OriginMatcher, RuleOption};
//!
//! let rules = [RuleOption::text("origin", "https://*.example.com")];
//! let mut matcher = OriginMatcher::compile(&rules)?;
//! assert!(matcher.is_allowed("https://app.example.com"));
//! assert!(!matcher.is_allowed("https://evilexample.com"));
//! # Ok::<(), carapace::error::ConfigError>(())
//! ```

mod fields;
mod host;
mod matcher;
mod options;
mod origin;
mod pattern;
mod plan;
mod wildcard;

#[cfg(test)]
mod tests;

pub use matcher::OriginMatcher;
pub use options::{NamesOption, Options, OriginOption, RuleKind, RuleOption};
pub use origin::{Fault, MAX_ORIGIN_LENGTH, Origin};
pub use plan::{Plan, compile};
