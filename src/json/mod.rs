//! JSON bodies, judged as raw bytes before anything parses them.
//!
//! It stops prototype pollution (CWE-1321), operator injection (CWE-943), keys with NUL, duplicate
//! keys that two parsers read differently (CWE-436), and text that costs a parser far more than its size
//! (CWE-400): nesting, keys, array elements, long keys and long numbers.
//!
//! 1. [`scan`] looks at every body once, with vector instructions where the processor has them. Nearly all
//!    are [`Verdict::Clean`] and go to `JSON.parse` as they are.
//! 2. [`sanitize`] decides exactly about a [`Verdict::Flagged`] body and cuts prohibited members out of
//!    its text.
//!
//! It does not look into string values, and it does not say whether a clean body is JSON: `JSON.parse` does.
//!
//! ```
//! use carapace::json::{Rules, Scratch, Verdict, sanitize, scan};
//!
//! let rules = Rules::default();
//! let body = br#"{"name":"x","\u005f_proto__":{"admin":true}}"#;
//! assert!(matches!(scan(body, &rules, &mut Scratch::default()), Verdict::Flagged { .. }));
//! let sanitized = sanitize(body, &rules).unwrap();
//! assert_eq!(sanitized.text.unwrap(), br#"{"name":"x"}"#);
//! assert_eq!(sanitized.findings[0].pointer, "/__proto__");
//! ```

#[cfg(target_arch = "aarch64")]
mod aarch64;
mod allow;
mod duplicates;
mod keys;
mod lanes;
#[cfg(any(test, fuzzing))]
mod naive;
mod numbers;
mod options;
#[cfg(any(test, fuzzing))]
pub mod oracle;
mod plan;
mod pointer;
mod reader;
mod refusal;
mod rewrite;
mod rules;
mod sanitize;
mod scanner;
mod siblings;
mod spans;
mod text;
mod walk;
mod walk_keys;
#[cfg(target_arch = "x86_64")]
mod x86;

pub use options::{JsonOptions, RuleOptions};
pub use refusal::{Refusal, RefusalKind, Rule};
pub use rules::{Action, DuplicatePolicy, KeyClass, Limits, Rules};
pub use sanitize::{FINDINGS_CAP, Finding, Outcome, Sanitized, sanitize, sanitize_unique};
pub use scanner::{Scratch, TextFacts, Verdict, scan};
pub use text::{Text, TextBuffers, WIDE_PER_MILLE, latin1_into, utf16_into};

#[cfg(test)]
mod tests;
