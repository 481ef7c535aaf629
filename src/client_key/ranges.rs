//! Sets of addresses: the proxies that a rule trusts.

use super::options::quote;
use crate::error::{ConfigError, ErrorCode};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Names for sets, those of proxy-addr, which Express's `trust proxy` takes too.
const NAMED: [(&str, &[&str]); 3] = [
    ("loopback", &["127.0.0.0/8", "::1/128"]),
    ("linklocal", &["169.254.0.0/16", "fe80::/10"]),
    ("uniquelocal", &["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]),
];

/// Every address that the registries give out to the public (`2000::/3`, RFC 4291, section 2.4).
const GLOBAL_UNICAST: (u128, u128) = (0x2000 << 112, (0x4000 << 112) - 1);

/// A set of addresses, compiled to sorted ranges.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AddressRanges {
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl AddressRanges {
    /// Compiles addresses, CIDR ranges (`10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `2001:db8::/32`) and the names
    /// `loopback`, `linklocal` and `uniquelocal`. Bits beyond a prefix are ignored. An IPv4-mapped range
    /// stands for its IPv4 range; no other IPv6 range holds an IPv4 address.
    ///
    /// # Errors
    /// [`ErrorCode::OptionValue`] at `path` for an empty list, at `path[i]` for an entry that is none of
    /// these, and at `path` for a set that holds every IPv4 address or every public IPv6 one.
    pub fn compile<Text: AsRef<str>>(path: &str, entries: &[Text]) -> Result<Self, ConfigError> {
        let ranges = Self::compile_any(path, entries)?;
        if ranges.holds_everybody() {
            let message = "trusts every sender, so any client could choose its address; list the proxies in \
                           front of the app";
            return Err(error(path, message));
        }
        Ok(ranges)
    }

    /// [`AddressRanges::compile`] for a set that may hold everybody.
    ///
    /// # Errors
    /// [`ErrorCode::OptionValue`] as of [`AddressRanges::compile`], but for the last case.
    pub fn compile_any<Text: AsRef<str>>(
        path: &str,
        entries: &[Text],
    ) -> Result<Self, ConfigError> {
        let mut ranges = Self::default();
        for (index, entry) in entries.iter().enumerate() {
            let entry = entry.as_ref().trim();
            let named = NAMED.iter().find(|(name, _)| *name == entry).map(|(_, members)| *members);
            let is_known = match named {
                Some(members) => members.iter().all(|member| ranges.add(member)),
                None => ranges.add(entry),
            };
            if !is_known {
                return Err(unknown_entry(&format!("{path}[{index}]"), entry));
            }
        }
        ranges.v4 = merge(std::mem::take(&mut ranges.v4));
        ranges.v6 = merge(std::mem::take(&mut ranges.v6));
        if ranges.is_empty() {
            return Err(error(path, "got an empty list, expected at least one address or range"));
        }
        Ok(ranges)
    }

    /// Whether `address` is in the set. IPv4 inside IPv6 counts as IPv4 only when it is IPv4-mapped, as a
    /// dual-stack socket writes it: whoever owns a 6to4, Teredo or NAT64 address is not the proxy whose
    /// IPv4 address lies in it. Cost: O(log n).
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(v4) => holds(&self.v4, v4.to_bits()),
            IpAddr::V6(v6) => holds(&self.v6, v6.to_bits()),
        }
    }

    /// Whether the set holds no address.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// The first and the last address of each range, none of which touch.
    pub fn bounds(&self) -> impl Iterator<Item = (IpAddr, IpAddr)> {
        let v4 = self.v4.iter().map(|(first, last)| {
            (IpAddr::V4(Ipv4Addr::from_bits(*first)), IpAddr::V4(Ipv4Addr::from_bits(*last)))
        });
        let v6 = self.v6.iter().map(|(first, last)| {
            (IpAddr::V6(Ipv6Addr::from_bits(*first)), IpAddr::V6(Ipv6Addr::from_bits(*last)))
        });
        v4.chain(v6)
    }

    fn holds_everybody(&self) -> bool {
        let (first, last) = GLOBAL_UNICAST;
        self.v4 == [(0, u32::MAX)]
            || self.v6.iter().any(|(start, end)| *start <= first && *end >= last)
    }

    fn add(&mut self, entry: &str) -> bool {
        match parse_range(entry) {
            Some((IpAddr::V4(address), prefix)) => {
                let rest = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
                self.v4.push((address.to_bits() & !rest, address.to_bits() | rest));
            }
            Some((IpAddr::V6(address), prefix)) => {
                let rest = u128::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
                self.v6.push((address.to_bits() & !rest, address.to_bits() | rest));
            }
            None => return false,
        }
        true
    }
}

fn parse_range(entry: &str) -> Option<(IpAddr, u8)> {
    let (address, prefix) = match entry.rsplit_once('/') {
        Some((address, prefix)) => (address.parse::<IpAddr>().ok()?, Some(prefix)),
        None => (entry.parse::<IpAddr>().ok()?, None),
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = match prefix {
        None => most,
        Some(text) => parse_prefix(text)
            .or_else(|| text.parse().ok().filter(|_| address.is_ipv4()).and_then(mask_bits))?,
    };
    match address {
        _ if bits > most => None,
        IpAddr::V6(v6) if bits >= 96 => match v6.to_ipv4_mapped() {
            Some(v4) => Some((IpAddr::V4(v4), bits - 96)),
            None => Some((IpAddr::V6(v6), bits)),
        },
        _ => Some((address, bits)),
    }
}

fn parse_prefix(text: &str) -> Option<u8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn mask_bits(mask: Ipv4Addr) -> Option<u8> {
    let bits = mask.to_bits();
    let is_contiguous = bits.leading_ones() + bits.trailing_zeros() == 32 || bits == 0;
    u8::try_from(bits.leading_ones()).ok().filter(|_| is_contiguous)
}

/// Sorts ranges and joins those that touch.
fn merge<Bits: Copy + Ord + Into<u128>>(mut ranges: Vec<(Bits, Bits)>) -> Vec<(Bits, Bits)> {
    ranges.sort_unstable();
    let mut merged: Vec<(Bits, Bits)> = Vec::with_capacity(ranges.len());
    for (start, end) in ranges {
        match merged.last_mut() {
            Some((_, last)) if (*last).into().saturating_add(1) >= start.into() => {
                *last = (*last).max(end);
            }
            _ => merged.push((start, end)),
        }
    }
    merged
}

fn holds<Bits: Copy + Ord>(ranges: &[(Bits, Bits)], bits: Bits) -> bool {
    let after = ranges.partition_point(|(start, _)| *start <= bits);
    after.checked_sub(1).and_then(|index| ranges.get(index)).is_some_and(|(_, end)| bits <= *end)
}

fn unknown_entry(path: &str, entry: &str) -> ConfigError {
    let names = NAMED.map(|(name, _)| name).join(", ");
    let got = quote(entry);
    error(path, &format!("got {got}, expected an address, a CIDR range or one of {names}"))
}

fn error(path: &str, message: &str) -> ConfigError {
    ConfigError::new(ErrorCode::OptionValue, path, message)
}
