//! Who sent a request: the key that stands for a client, and the rule that finds it.
//!
//! Stops: a client that chooses its own key by a forged `X-Forwarded-For` (CWE-348), that rotates through
//! the addresses of its IPv6 prefix, or that spells one address in many ways; and many clients who share
//! one key because a translator or a proxy stands before them.
//!
//! 1. A key is made from an address's bits, never from its text: ports, brackets and zones are dropped
//!    ([`address`]), IPv4 inside IPv6 is IPv4, and an IPv6 address is cut to its prefix ([`canonical`]).
//! 2. Without configuration the key is the socket peer's address. A header is read only when a
//!    [`ClientRule`] names it, only from a peer that the rule trusts, and no other header is looked at.
//! 3. A list is read from the right, where the trusted proxies write: the n-th element, or the first one
//!    that is no trusted proxy ([`list`], [`forwarded`]). Work is bounded whatever was sent.
//! 4. What is no address counts as the socket peer.
//!
//! It does not stop a client that really has many addresses, nor one that reaches the app past the proxy
//! when the rule trusts any peer (a hop count does).
//!
//! ```
//! use carapace::client_key::{ClientOptions, ClientRule, TrustProxy};
//!
//! let rule = ClientRule::try_from(&ClientOptions {
//!     trust_proxy: Some(TrustProxy::Ranges(vec!["10.0.0.0/8".to_owned()])),
//!     ..ClientOptions::default()
//! })?;
//! let units = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
//! let (peer, header) = (units("10.0.0.1"), units("9.9.9.9, 5.5.5.5:4000"));
//! assert_eq!(rule.resolve(&peer, &header).key.to_text(), "5.5.5.5");
//! # Ok::<(), carapace::error::ConfigError>(())
//! ```

pub mod address;
pub mod canonical;
pub mod forwarded;
pub mod key;
pub mod list;
pub mod options;
pub mod ranges;
pub mod rule;
pub mod sources;

pub use canonical::{DEFAULT_IPV4_PREFIX, DEFAULT_IPV6_PREFIX, Prefixes};
pub use key::ClientKey;
pub use options::{ClientOptions, Prefix, TrustProxy};
pub use ranges::AddressRanges;
pub use rule::{ClientRule, KeyRule, Resolved};

#[cfg(test)]
mod tests;
