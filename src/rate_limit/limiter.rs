//! A limiter: one or several policies that are decided together, and the table they count in.

use super::joint::MAX_POLICIES;
use super::options::whole;
use super::process::{KeyHash, StorePolicy};
use super::{Counters, Policy, PolicyInput};
use crate::client_key::{ClientKey, DEFAULT_IPV6_PREFIX};
use crate::error::{ConfigError, ErrorCode};

const DEFAULT_MAX_KEYS: f64 = 1_000_000.0;
const MAX_KEYS: f64 = 100_000_000.0;

/// The options as they came: every number unchecked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LimiterInput {
    /// One to [`MAX_POLICIES`] policies, of which those with a name have different ones.
    pub policies: Vec<PolicyInput>,
    /// Leading bits of an IPv6 address that tell clients apart.
    pub ipv6_prefix: Option<f64>,
    /// Keys that the table holds at the most, for all limiters: the largest number that any asks for.
    pub max_keys: Option<f64>,
}

/// Policies registered with a table.
pub struct Limiter {
    store: Counters,
    policies: Vec<StorePolicy>,
    ipv6_prefix: u8,
}

impl Limiter {
    /// Checks the options.
    ///
    /// # Errors
    /// [`ErrorCode::OptionValue`] for a number out of its range or an unknown algorithm,
    /// [`ErrorCode::OptionConflict`] for two policies of one name, or a burst that cannot be. The path of an
    /// option of one policy among several begins with `policies[index].`.
    pub fn check(input: &LimiterInput) -> Result<(), ConfigError> {
        let max_keys = input.max_keys.unwrap_or(DEFAULT_MAX_KEYS);
        whole("maxKeys", max_keys, 1.0, MAX_KEYS)?;
        check_policies(&input.policies).map(drop)
    }

    /// Checks the options as [`Limiter::check`] does, registers the policies and makes room in the table.
    ///
    /// # Errors
    /// Those of [`Limiter::check`].
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole() has checked that the number is whole and in the target's range"
    )]
    pub fn new(input: &LimiterInput, store: impl Into<Counters>) -> Result<Self, ConfigError> {
        let store = store.into();
        let prefix = input.ipv6_prefix.unwrap_or(f64::from(DEFAULT_IPV6_PREFIX));
        let ipv6_prefix = whole("ipv6Prefix", prefix, 1.0, 128.0)? as u8;
        let max_keys = input.max_keys.unwrap_or(DEFAULT_MAX_KEYS);
        let max_keys = whole("maxKeys", max_keys, 1.0, MAX_KEYS)? as usize;
        let checked = check_policies(&input.policies)?;
        store.reserve(max_keys);
        let policies = checked
            .into_iter()
            .zip(&input.policies)
            .map(|(policy, input)| store.register(policy, input.name.as_deref()))
            .collect();
        Ok(Self { store, policies, ipv6_prefix })
    }

    /// The table.
    #[must_use]
    pub const fn store(&self) -> &Counters {
        &self.store
    }

    /// The policies in the order of the options.
    #[must_use]
    pub fn policies(&self) -> &[StorePolicy] {
        &self.policies
    }

    /// What the table calls a key: a client's address or any text in UTF-16. Cost: O(its length).
    #[must_use]
    pub fn hash(&self, key: &[u16]) -> KeyHash {
        self.store.hash(&ClientKey::parse(key, self.ipv6_prefix))
    }
}

fn check_policies(inputs: &[PolicyInput]) -> Result<Vec<Policy>, ConfigError> {
    if inputs.is_empty() || inputs.len() > MAX_POLICIES {
        let message = format!("got {}, expected 1 to {MAX_POLICIES} policies", inputs.len());
        return Err(ConfigError::new(ErrorCode::OptionValue, "policies", message));
    }
    for (index, input) in inputs.iter().enumerate() {
        let is_same = |other: &PolicyInput| input.name.is_some() && other.name == input.name;
        if inputs.iter().take(index).any(is_same) {
            let path = format!("policies[{index}].name");
            let message = "another policy of this limiter has the same name";
            return Err(ConfigError::new(ErrorCode::OptionConflict, path, message));
        }
    }
    let check = |(index, input): (usize, &PolicyInput)| {
        Policy::try_from(input.clone()).map_err(|error| match inputs.len() {
            1 => error,
            _ => ConfigError { path: format!("policies[{index}].{}", error.path), ..error },
        })
    };
    inputs.iter().enumerate().map(check).collect()
}
