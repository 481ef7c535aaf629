//! The key that stands for a client: an address in its one canonical form.
//!
//! Rules: a port, brackets and a zone are dropped; an IPv4 address inside IPv6 (`::ffff:192.0.2.1`) is the
//! IPv4 address; an IPv6 address is cut to its prefix, `/56` by default, because one subscriber owns at
//! least that much (RFC 6177). Text that is no address is a key as it stands.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// How many leading bits of an IPv6 address tell clients apart, unless configured otherwise.
pub const DEFAULT_IPV6_PREFIX: u8 = 56;

/// A canonical client key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ClientKey<'text> {
    /// An address, an IPv6 one already cut to its prefix.
    Address(IpAddr),
    /// Any other text, such as an account name, in UTF-16 as JavaScript holds it.
    Text(&'text [u16]),
}

/// The longest text that can be an address: an IPv6 one with embedded IPv4, brackets, zone and port.
const MAX_ADDRESS_UNITS: usize = 80;

impl<'text> ClientKey<'text> {
    /// Reads a key from UTF-16 text. Cost: O(1) beyond comparing the length.
    #[must_use]
    pub fn parse(text: &'text [u16], ipv6_prefix: u8) -> Self {
        parse_address(text).map_or(Self::Text(text), |address| {
            Self::Address(match address.to_canonical() {
                IpAddr::V6(v6) => IpAddr::V6(mask(v6, ipv6_prefix)),
                v4 @ IpAddr::V4(_) => v4,
            })
        })
    }
}

fn parse_address(text: &[u16]) -> Option<IpAddr> {
    let mut buffer = [0; MAX_ADDRESS_UNITS];
    let ascii = buffer.get_mut(..text.len())?;
    for (target, unit) in ascii.iter_mut().zip(text) {
        *target = u8::try_from(*unit).ok().filter(u8::is_ascii)?;
    }
    let text = std::str::from_utf8(ascii).ok()?;
    let bare = without_zone(text);
    bare.parse::<IpAddr>()
        .or_else(|_| bare.parse::<SocketAddr>().map(|socket| socket.ip()))
        .or_else(|_| bare.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>())
        .ok()
}

/// `fe80::1%eth0` is `fe80::1` on one link of this host: the zone does not tell clients apart.
fn without_zone(text: &str) -> &str {
    text.split_once('%').map_or(text, |(address, _)| address)
}

fn mask(address: Ipv6Addr, prefix: u8) -> Ipv6Addr {
    let kept = u128::MAX.checked_shl(128 - u32::from(prefix.min(128))).unwrap_or(0);
    Ipv6Addr::from_bits(address.to_bits() & kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> String {
        let units: Vec<u16> = text.encode_utf16().collect();
        match ClientKey::parse(&units, DEFAULT_IPV6_PREFIX) {
            ClientKey::Address(address) => address.to_string(),
            ClientKey::Text(units) => format!("text:{}", String::from_utf16_lossy(units)),
        }
    }

    #[test]
    fn tells_mapped_addresses_apart_and_equals_plain_ipv4_s1_s2() {
        assert_eq!(key("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(key("::ffff:c000:201"), "192.0.2.1");
        assert_eq!(key("::ffff:192.0.2.2"), "192.0.2.2");
    }

    #[test]
    fn cuts_ipv6_to_its_prefix_however_it_is_spelled_s3_s4() {
        assert_eq!(key("2001:db8:1234:5678::192.0.2.1"), "2001:db8:1234:5600::");
        assert_eq!(key("2001:DB8::1"), key("2001:db8:0:0::1"));
        assert_eq!(key("fe80::1%eth0"), "fe80::");
    }

    #[test]
    fn drops_port_and_brackets_s8() {
        assert_eq!(key("5.5.5.5:4000"), "5.5.5.5");
        assert_eq!(key("[2001:db8::3]:99"), "2001:db8::");
        assert_eq!(key("[2001:db8::3]"), "2001:db8::");
    }

    #[test]
    fn keeps_other_text_as_it_is() {
        for text in ["alice", "01.02.03.04", "1.2.3.4.5", "", "é"] {
            assert_eq!(key(text), format!("text:{text}"));
        }
        let long = "a".repeat(5000);
        assert_eq!(key(&long), format!("text:{long}"));
    }

    #[test]
    fn takes_every_prefix_length() {
        let address: Ipv6Addr = "2001:db8:1234:5678::1".parse().unwrap();
        assert_eq!(mask(address, 128), address);
        assert_eq!(mask(address, 0), Ipv6Addr::UNSPECIFIED);
        assert_eq!(mask(address, 64).to_string(), "2001:db8:1234:5678::");
    }
}
