//! Address to key: one form for each client, from the bits.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How many leading bits of an IPv6 address tell clients apart, unless configured otherwise: the least that
/// one subscriber gets (RFC 6177).
pub const DEFAULT_IPV6_PREFIX: u8 = 56;
/// How many leading bits of an IPv4 address tell clients apart, unless configured otherwise: all.
pub const DEFAULT_IPV4_PREFIX: u8 = 32;

/// How many leading bits of an address tell clients apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prefixes {
    /// Of an IPv4 address, 1 to 32.
    pub ipv4: u8,
    /// Of an IPv6 address, 1 to 128.
    pub ipv6: u8,
}

impl Default for Prefixes {
    fn default() -> Self {
        Self { ipv4: DEFAULT_IPV4_PREFIX, ipv6: DEFAULT_IPV6_PREFIX }
    }
}

impl Prefixes {
    /// The canonical address of a client: IPv4 taken out of IPv6 (see [`embedded_ipv4`]), then cut to the
    /// prefix.
    #[must_use]
    pub fn apply(self, address: IpAddr) -> IpAddr {
        let v4 = match address {
            IpAddr::V4(v4) => Some(v4),
            IpAddr::V6(v6) => embedded_ipv4(v6),
        };
        match (v4, address) {
            (Some(v4), _) | (None, IpAddr::V4(v4)) => IpAddr::V4(mask_v4(v4, self.ipv4)),
            (None, IpAddr::V6(v6)) => IpAddr::V6(mask_v6(v6, self.ipv6)),
        }
    }

    /// The bits of `address` that count.
    #[must_use]
    pub const fn of(self, address: IpAddr) -> u8 {
        match address {
            IpAddr::V4(_) => self.ipv4,
            IpAddr::V6(_) => self.ipv6,
        }
    }
}

/// The IPv4 address of the client behind an IPv6 one, where the network itself puts it there, so that the
/// sender cannot choose it:
///
/// - IPv4-mapped `::ffff:0:0/96` and IPv4-compatible `::/96` without `::` and `::1` (RFC 4291, section 2.5.5),
///   IPv4-translated `::ffff:0:0:0/96` (RFC 2765)
/// - NAT64 `64:ff9b::/96` (RFC 6052) and `64:ff9b:1::/48` (RFC 8215), the latter in the `/96` form, or, with
///   the last 32 bits zero, in the `/48` form
/// - 6to4 `2002::/16` (RFC 3056): the whole /48 belongs to one IPv4 address
/// - Teredo `2001::/32` (RFC 4380, section 4): the client's address with its bits inverted
///
/// ISATAP (RFC 5214) is left out on purpose: its IPv4 address lies in the interface identifier, which the
/// sender of any prefix chooses freely.
#[must_use]
pub const fn embedded_ipv4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let low = low_bits(address, 0);
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => None,
        // RFC 6052, section 2.2: with a /48 prefix the address lies around the octet of bits 64 to 71.
        [0x64, 0xff9b, 1, high, ..] if low == 0 => {
            let rest = low_bits(address, 40) & 0xffff;
            Some(Ipv4Addr::from_bits(((high as u32) << 16) | rest))
        }
        [0, 0, 0, 0, 0, 0 | 0xffff, ..]
        | [0, 0, 0, 0, 0xffff, 0, ..]
        | [0x64, 0xff9b, 0, 0, 0, 0, ..]
        | [0x64, 0xff9b, 1, ..] => Some(Ipv4Addr::from_bits(low)),
        [0x2002, ..] => Some(Ipv4Addr::from_bits(low_bits(address, 80))),
        [0x2001, 0, ..] => Some(Ipv4Addr::from_bits(!low)),
        _ => None,
    }
}

/// The 32 bits that end `shift` bits before the address does.
#[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are what is wanted")]
const fn low_bits(address: Ipv6Addr, shift: u32) -> u32 {
    (address.to_bits() >> shift) as u32
}

fn mask_v4(address: Ipv4Addr, prefix: u8) -> Ipv4Addr {
    let dropped = 32 - u32::from(prefix.min(32));
    Ipv4Addr::from_bits(address.to_bits() & u32::MAX.checked_shl(dropped).unwrap_or(0))
}

fn mask_v6(address: Ipv6Addr, prefix: u8) -> Ipv6Addr {
    let dropped = 128 - u32::from(prefix.min(128));
    Ipv6Addr::from_bits(address.to_bits() & u128::MAX.checked_shl(dropped).unwrap_or(0))
}
