//! Text to address: the spellings that sockets, proxies and RFC 7239 use for one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The longest text that can be an address: brackets, 45 characters of IPv6, a zone and a port.
pub const MAX_ADDRESS_UNITS: usize = 80;
/// The longest zone: a name of an interface (`IF_NAMESIZE` on Linux and the BSDs is 16, elsewhere more).
const MAX_ZONE: usize = 24;

/// Reads an address from UTF-16 text: IPv4 or IPv6 (RFC 4291, section 2.2), an IPv6 one with or without
/// brackets and zone (RFC 4007), an IPv4 or a bracketed IPv6 one with or without a port. `None` for
/// anything else, such as parts with leading zeros (`01.2.3.4`), which resolvers disagree on, or `_hidden`.
///
/// Cost: O(1); longer text is refused by its length.
#[must_use]
pub fn parse_address(text: &[u16]) -> Option<IpAddr> {
    parse_dotted(text).map(IpAddr::V4).or_else(|| with_ascii(text, parse_ascii).flatten())
}

/// Reads a bare IPv4 address, what most sockets have, without copying the text first: a tenth of a hit's time.
/// It takes what [`Ipv4Addr`]'s own parser takes, and no more.
fn parse_dotted(text: &[u16]) -> Option<Ipv4Addr> {
    let (mut bits, mut dots) = (0_u32, 0_u32);
    let mut octet: Option<u32> = None;
    for unit in text {
        match (u8::try_from(*unit).ok()?, octet) {
            (b'.', Some(number)) if dots < 3 => {
                bits = bits << 8 | number;
                dots += 1;
                octet = None;
            }
            // A leading zero, which some read as octal.
            (b'0'..=b'9', Some(0)) => return None,
            (digit @ b'0'..=b'9', known) => {
                let number = known.unwrap_or(0) * 10 + u32::from(digit - b'0');
                octet = Some(number).filter(|number| *number < 256);
                octet?;
            }
            _ => return None,
        }
    }
    (dots == 3).then_some(octet).flatten().map(|number| Ipv4Addr::from_bits(bits << 8 | number))
}

/// Reads `address:port` where an IPv6 address has no brackets, as `CloudFront-Viewer-Address` writes it:
/// what follows the last colon is the port.
#[must_use]
pub fn parse_with_bare_port(text: &[u16]) -> Option<IpAddr> {
    with_ascii(text, |ascii| {
        let (address, port) = ascii.rsplit_once(':')?;
        if is_port(port) { parse_bracketed(address).or_else(|| parse_plain(address)) } else { None }
    })
    .flatten()
}

/// Calls `read` with short ASCII text; other text is no address.
fn with_ascii<T>(text: &[u16], read: impl FnOnce(&str) -> T) -> Option<T> {
    let mut buffer = [0; MAX_ADDRESS_UNITS];
    let ascii = buffer.get_mut(..text.len())?;
    for (target, unit) in ascii.iter_mut().zip(text) {
        *target = u8::try_from(*unit).ok().filter(u8::is_ascii)?;
    }
    std::str::from_utf8(ascii).ok().map(read)
}

fn parse_ascii(text: &str) -> Option<IpAddr> {
    if text.starts_with('[') {
        return match text.rsplit_once("]:") {
            Some((address, port)) if is_port(port) => parse_v6(address.strip_prefix('[')?),
            _ => parse_bracketed(text),
        };
    }
    match text.split_once(':') {
        Some((address, port)) if !port.contains(':') && is_port(port) => parse_v4(address),
        _ => parse_plain(text),
    }
}

fn parse_bracketed(text: &str) -> Option<IpAddr> {
    parse_v6(text.strip_prefix('[')?.strip_suffix(']')?)
}

fn parse_plain(text: &str) -> Option<IpAddr> {
    parse_v4(text).or_else(|| parse_v6(text))
}

fn parse_v4(text: &str) -> Option<IpAddr> {
    text.parse::<Ipv4Addr>().ok().map(IpAddr::V4)
}

/// `fe80::1%eth0` is `fe80::1` on one link of this host: the zone does not tell clients apart.
fn parse_v6(text: &str) -> Option<IpAddr> {
    let address = match text.split_once('%') {
        Some((address, zone)) if is_zone(zone) => address,
        Some(_) => return None,
        None => text,
    };
    address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

fn is_zone(zone: &str) -> bool {
    let is_named =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b':');
    (1..=MAX_ZONE).contains(&zone.len()) && zone.bytes().all(is_named)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok()
}
