//! Hosts as browsers write them (URL, section 3.5).

use super::origin::Fault;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest name that DNS resolves (RFC 1035, section 2.3.4, without the length bytes).
const MAX_NAME_LENGTH: usize = 253;

/// Checks the host of an origin. Schemes of the web have domains and addresses; the hosts of others, such as
/// browser extensions', are opaque and keep their case.
pub(super) fn check_host(host: &str, is_web: bool) -> Result<(), Fault> {
    if let Some(address) = host.strip_prefix('[') {
        return check_ipv6(address.strip_suffix(']').ok_or(Fault::Host)?);
    }
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if host.is_empty() || !host.bytes().all(is_part) {
        return Err(Fault::Host);
    }
    if !is_web {
        return Ok(());
    }
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(Fault::UpperCase);
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    if name.len() > MAX_NAME_LENGTH {
        return Err(Fault::TooLong);
    }
    if name.split('.').any(str::is_empty) {
        return Err(Fault::Host);
    }
    if ends_in_number(name) && !is_ipv4(host) {
        return Err(Fault::Host);
    }
    Ok(())
}

/// Whether a URL parser takes the name for an IPv4 address (URL, "ends in a number checker").
pub(super) fn ends_in_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let is_decimal = !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
    let hexadecimal = last.strip_prefix("0x");
    is_decimal
        || hexadecimal.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn is_ipv4(host: &str) -> bool {
    host.parse::<Ipv4Addr>().is_ok_and(|address| address.to_string() == host)
}

fn check_ipv6(text: &str) -> Result<(), Fault> {
    let address: Ipv6Addr = text.parse().map_err(|_| Fault::Host)?;
    if serialize_ipv6(address) == text { Ok(()) } else { Err(Fault::Host) }
}

/// An IPv6 address as URL, section 3.5, writes it: like RFC 5952, but never with a dotted IPv4 part.
fn serialize_ipv6(address: Ipv6Addr) -> String {
    let segments = address.segments();
    let (start, length) = longest_zeros(&segments);
    if length < 2 {
        return join(&segments);
    }
    let (head, tail) = segments.split_at(start);
    format!("{}::{}", join(head), join(tail.get(length..).unwrap_or_default()))
}

/// Start and length of the first longest run of zeros.
fn longest_zeros(segments: &[u16]) -> (usize, usize) {
    let (mut best, mut run) = ((0, 0), (0, 0));
    for (index, segment) in segments.iter().enumerate() {
        run = match (segment, run.1) {
            (0, 0) => (index, 1),
            (0, length) => (run.0, length + 1),
            _ => (0, 0),
        };
        if run.1 > best.1 {
            best = run;
        }
    }
    best
}

fn join(segments: &[u16]) -> String {
    segments.iter().map(|segment| format!("{segment:x}")).collect::<Vec<_>>().join(":")
}
