//! Forms and query strings: `application/x-www-form-urlencoded` bytes to JSON text, in one go.
//!
//! It stops prototype pollution (CWE-1321), operator injection (CWE-943), names with NUL, parameter pollution
//! (CWE-235), and input that costs a parser far more than its size (CWE-400): nesting, parameters, arrays.
//!
//! 1. The input is split into parameters, names and values are decoded, equal names joined.
//! 2. Names with brackets are merged into a tree, exactly as qs 6.17 does it; without any, the list is the
//!    result already.
//! 3. The rules of JSON bodies ([`crate::json::Rules`]) look at what a JSON body with that content would
//!    show them; of what they leave, [`HppOptions`] keep one value of each polluted parameter.
//! 4. `JSON.parse` makes the objects, so no prototype setter ever runs.
//!
//! [`FormOptions::body_parser`] and [`FormOptions::express_query`] make what body-parser 2.4 and Express 4
//! and 5 make; [`FormOptions::body`] and [`FormOptions::query`] differ where those bend a limit or let a
//! dangerous name through.
//!
//! It does not look into values, and it cannot know that `id[x]=2` alone should have been a text: that is
//! for a schema to judge. A byte order mark at the start is part of the first name: the reader of a body takes
//! it off.
//!
//! ```
//! use carapace::form::{FormOptions, Scratch, Source, parse};
//!
//! let mut scratch = Scratch::new();
//! let body = b"user[name]=x&user[$ne]=1&__proto__[admin]=1&tags[]=a&tags[]=b";
//! let form = parse(body, Source::UTF_8, &FormOptions::body(true), &mut scratch).unwrap();
//! assert_eq!(form.json, br#"{"user":{"name":"x"},"tags":["a","b"]}"#);
//! assert_eq!(form.findings[0].pointer, "/user/$ne");
//! ```

mod arrays;
mod decode;
mod emit;
mod escape;
mod guard;
mod hpp;
mod index;
mod load;
mod merge;
mod names;
mod options;
#[cfg(any(test, fuzzing))]
pub mod oracle;
mod outcome;
mod parameters;
mod parse;
mod reader;
mod scan;
mod segments;
mod simple;
mod source;
mod text;
mod tree;

#[cfg(test)]
mod tests;

pub use hpp::{HppKeep, HppOptions};
pub use options::{ArrayLimit, Duplicates, FormOptions, Overflow, Syntax};
pub use outcome::{Form, FormFinding, FormRefusal, Polluted};
pub use parse::{MAX_INPUT_BYTES, Scratch, parse};
pub use source::{Charset, Source};
