//! The native core of carapace.
//!
//! Dependencies point one way: `lib/*.js` → `bindings` → the core modules. A core module knows no Node, no
//! JavaScript and no HTTP framework, so `cargo test --no-default-features` runs all of them.

pub mod client_key;
pub mod cors;
pub mod error;
pub mod form;
pub mod host_store;
pub mod json;
pub mod rate_limit;
pub mod redis_store;
pub mod security_headers;

#[cfg(feature = "node")]
pub mod bindings;
