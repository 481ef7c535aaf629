//! The only modules that know Node: they turn JavaScript options into core values and core values into
//! handles, and hold no logic of their own.
//!
//! Configuration crosses once, through `#[napi]`; calls made per request go through the raw callbacks of
//! [`hot`], which cost a tenth of that.

pub mod body;
pub mod body_text;
pub mod client_key;
pub mod cors;
pub mod error;
pub mod form;
pub mod hooks;
pub mod host_store;
pub mod hot;
pub mod rate_limit;
pub mod redis_store;
pub mod sanitize;
pub mod security_headers;

use napi_derive::napi;

/// The version of this core, compared with the package's by the loader.
#[napi(catch_unwind)]
#[must_use]
pub fn version() -> &'static str {
    hooks::crossing(hooks::Kind::Config);
    env!("CARGO_PKG_VERSION")
}
