//! Forms and query strings: `application/x-www-form-urlencoded` bytes to JSON text.
mod decode;
mod emit;
mod escape;
mod guard;
mod hpp;
mod index;
mod merge;
mod options;
mod outcome;
mod parameters;
mod parse;
mod scan;
mod segments;
mod simple;
mod text;
mod tree;

#[cfg(test)]
mod tests;

pub use hpp::{HppKeep, HppOptions, HppScope};
pub use options::{ArrayLimit, Charset, Duplicates, FormOptions, Overflow, Source, Syntax};
pub use outcome::{Form, FormFinding, FormRefusal};
pub use parse::{MAX_INPUT_BYTES, Scratch, parse};
