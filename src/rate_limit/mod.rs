//! Rate limiting: how much is allowed ([`options`]), how it is counted ([`algorithm`]), and a bounded table
//! that remembers ([`process`]). Who asks is [`crate::client_key`]'s matter.
//!
//! An algorithm is a set of pure functions over a packed 16-byte [`State`], so that every store counts
//! alike:
//!
//! | | fixed window | sliding window | GCRA |
//! |---|---|---|---|
//! | at most, in one window of the key | limit | limit | burst + limit |
//! | at most, in any span of one window | 2 × limit | 2 × limit − 1, see [`sliding_window`] | burst + limit |
//! | a denied hit is counted | yes, as express-rate-limit does | no | no |
//! | a refund credits | the window that holds the hit | the window that holds the hit | the unbroken debt that holds the hit, for one window |
//!
//! The time is an argument, in milliseconds on the caller's clock, so a fake clock moves the windows. A
//! period that would begin in the future, because the clock was set back, is moved to begin now: nobody
//! waits longer than from the first moment of such a period.

pub mod algorithm;
pub mod block;
pub mod counters;
pub mod decision;
pub mod fixed_window;
pub mod gcra;
#[cfg(unix)]
pub mod host;
pub mod joint;
pub mod limiter;
#[cfg(any(test, feature = "oracle"))]
pub mod model;
pub mod options;
pub mod portable;
pub mod process;
pub mod sliding_window;
pub mod state;

pub use counters::Counters;
pub use decision::Decision;
#[cfg(unix)]
pub use host::HostCounters;
pub use limiter::{Limiter, LimiterInput};
pub use options::{Algorithm, Policy, PolicyInput};
pub use portable::Portable;
pub use process::ProcessStore;
pub use state::State;

#[cfg(test)]
mod tests;
