//! Rate limiting: who asks ([`crate::client_key`]), how much is allowed ([`options`]), and a bounded table
//! that counts ([`process_store`]).
//!
//! The rule is a fixed window for each key: it opens with the key's first hit, lasts `window_ms`, and at
//! most `limit` hits of it are allowed. A denied hit is counted too. The time is an argument, so a caller's
//! fake clock moves the window.

pub mod options;
pub mod process_store;

pub use options::{Limit, LimitInput};
pub use process_store::ProcessStore;

/// What a hit was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// Whether the request may pass.
    pub is_allowed: bool,
    /// Hits counted in the window, this one included.
    pub used: u32,
    /// When the window ends, in milliseconds on the caller's clock.
    pub reset_at_ms: u64,
}

#[cfg(test)]
mod tests;
