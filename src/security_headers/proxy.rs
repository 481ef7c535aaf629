//! Which proxies may say, with `X-Forwarded-Proto`, that the client came over https.

use std::net::IpAddr;

use super::text::quote;
use crate::error::{ConfigError, ErrorCode};

/// A range of addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first address, as written.
    pub address: IpAddr,
    /// Length of the shared prefix in bits, 0 to 32 or 128.
    pub prefix: u8,
}

/// Ranges that have a name, as in Express's `trust proxy`.
const NAMED: [(&str, &[&str]); 3] = [
    ("loopback", &["127.0.0.1/8", "::1/128"]),
    ("linklocal", &["169.254.0.0/16", "fe80::/10"]),
    ("uniquelocal", &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]),
];

/// Parses a list of addresses, CIDR ranges and names of ranges.
///
/// # Errors
/// [`ConfigError`] for text that is none of these, and for a range that holds every address: who trusts
/// every proxy trusts every client.
pub fn parse_ranges(list: &[String]) -> Result<Vec<Range>, ConfigError> {
    let mut ranges = Vec::with_capacity(list.len());
    for (index, text) in list.iter().enumerate() {
        let named = NAMED.iter().find(|(name, _)| name == text);
        let own = [text.as_str()];
        for part in named.map_or(own.as_slice(), |(_, parts)| parts) {
            ranges.push(parse_range(part).map_err(|reason| {
                ConfigError::new(ErrorCode::OptionValue, format!("trustProxy[{index}]"), reason)
            })?);
        }
    }
    Ok(ranges)
}

fn parse_range(text: &str) -> Result<Range, String> {
    let invalid =
        || format!("{} is no address, CIDR range, loopback, linklocal or uniquelocal", quote(text));
    let (address, prefix) =
        text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
    let address: IpAddr = address.parse().map_err(|_| invalid())?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let prefix: u8 = match prefix {
        None => longest,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().ok().filter(|prefix| *prefix <= longest).ok_or_else(invalid)?
        }
        Some(_) => return Err(invalid()),
    };
    if prefix == 0 {
        return Err(format!(
            "{} trusts every address, so every client could claim https",
            quote(text)
        ));
    }
    Ok(Range { address, prefix })
}
