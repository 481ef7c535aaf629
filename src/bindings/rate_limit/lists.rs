//! Clients that are never counted, and clients that are always denied.

use crate::client_key::{AddressRanges, Prefixes};
use crate::error::ConfigError;
use std::net::IpAddr;

/// On which list a client is, as the calls answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// Never counted.
    Allowed,
    /// Always denied.
    Denied,
}

impl Listing {
    /// The answer of a call.
    #[must_use]
    pub const fn number(self) -> f64 {
        match self {
            Self::Allowed => -1.0,
            Self::Denied => -2.0,
        }
    }
}

/// The two lists of a limiter.
#[derive(Debug, Default)]
pub struct Lists {
    allowed: AddressRanges,
    denied: AddressRanges,
}

impl Lists {
    /// Compiles what came; a list that did not come is empty.
    ///
    /// # Errors
    /// [`crate::error::ErrorCode::OptionValue`] for an empty list and for an entry that is no address,
    /// range or name.
    pub fn compile(
        allowed: Option<Vec<String>>,
        denied: Option<Vec<String>>,
    ) -> Result<Self, ConfigError> {
        let compile = |path, entries: Option<Vec<String>>| {
            entries.map_or_else(
                || Ok(AddressRanges::default()),
                |entries| AddressRanges::compile_any(path, &entries),
            )
        };
        Ok(Self { allowed: compile("allowList", allowed)?, denied: compile("denyList", denied)? })
    }

    /// Whether no client is on a list.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.allowed.is_empty() && self.denied.is_empty()
    }

    /// On which list an address is; to be denied is stronger. A translated address, such as that of 6to4, is
    /// denied as the IPv4 address in it too, but allowed only as itself.
    #[must_use]
    pub fn find(&self, address: Option<IpAddr>) -> Option<Listing> {
        let address = address?;
        let decoded = Prefixes { ipv4: 32, ipv6: 128 }.apply(address);
        if self.denied.contains(address) || self.denied.contains(decoded) {
            return Some(Listing::Denied);
        }
        self.allowed.contains(address).then_some(Listing::Allowed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists(allowed: &[&str], denied: &[&str]) -> Result<Lists, ConfigError> {
        let list = |entries: &[&str]| {
            (!entries.is_empty()).then(|| entries.iter().map(ToString::to_string).collect())
        };
        Lists::compile(list(allowed), list(denied))
    }

    #[test]
    fn denies_the_ipv4_address_within_a_translated_one_but_does_not_allow_it()
    -> Result<(), Box<dyn std::error::Error>> {
        let address = Some("2002:c000:0201::1".parse()?);
        assert_eq!(lists(&[], &["192.0.2.0/24"])?.find(address), Some(Listing::Denied));
        assert_eq!(lists(&["192.0.2.0/24"], &[])?.find(address), None);
        Ok(())
    }

    #[test]
    fn denies_who_is_on_both_lists() -> Result<(), Box<dyn std::error::Error>> {
        let lists = lists(&["192.0.2.0/24"], &["192.0.2.1"])?;
        assert_eq!(lists.find(Some("192.0.2.1".parse()?)), Some(Listing::Denied));
        assert_eq!(lists.find(Some("192.0.2.2".parse()?)), Some(Listing::Allowed));
        assert_eq!(lists.find(None), None);
        Ok(())
    }
}
