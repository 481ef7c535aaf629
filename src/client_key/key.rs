//! The key itself, and its text for stores that hold text.

use super::address::parse_address;
use super::canonical::Prefixes;
use std::fmt::Write;
use std::net::IpAddr;

/// A canonical client key. Two keys are equal exactly when they stand for the same client under the same
/// [`Prefixes`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ClientKey<'text> {
    /// An address, already cut to its prefix.
    Address(IpAddr),
    /// Any other text, such as an account name, whole, in UTF-16 as JavaScript holds it.
    Text(&'text [u16]),
}

/// Marks a text key in [`ClientKey::to_text_with`] that would read as something else without it.
const TEXT_MARK: &str = "text:";

impl<'text> ClientKey<'text> {
    /// Reads a key from UTF-16 text: what is an address becomes one, anything else stays whole. Cost: O(1)
    /// beyond comparing the length.
    #[must_use]
    pub fn parse(text: &'text [u16], ipv6_prefix: u8) -> Self {
        Self::parse_with(text, Prefixes { ipv6: ipv6_prefix, ..Prefixes::default() })
    }

    /// [`ClientKey::parse`] with both prefixes.
    #[must_use]
    pub fn parse_with(text: &'text [u16], prefixes: Prefixes) -> Self {
        parse_address(text)
            .map_or(Self::Text(text), |address| Self::Address(prefixes.apply(address)))
    }

    /// Appends the key's bytes, the same in every process and version: a tag, then the address's octets or
    /// the text in UTF-16, low byte first. Different keys give different bytes.
    pub fn append_bytes(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Address(IpAddr::V4(v4)) => {
                bytes.push(4);
                bytes.extend_from_slice(&v4.octets());
            }
            Self::Address(IpAddr::V6(v6)) => {
                bytes.push(6);
                bytes.extend_from_slice(&v6.octets());
            }
            Self::Text(units) => {
                bytes.push(0);
                bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
            }
        }
    }

    /// The key as text, under the default prefixes: see [`ClientKey::to_text_with`].
    #[must_use]
    pub fn to_text(&self) -> String {
        self.to_text_with(Prefixes::default())
    }

    /// The key as text for people, and for stores that hold text: `192.0.2.1`, `2001:db8:1200::/56`, or the
    /// text itself. Different keys give different texts: a text key that looks like an address key, or that
    /// starts with `text:`, gets `text:` before it. A lone surrogate becomes `\u` and four digits.
    #[must_use]
    pub fn to_text_with(&self, prefixes: Prefixes) -> String {
        match self {
            Self::Address(address) => address_text(*address, prefixes),
            Self::Text(units) => {
                let mark = if needs_mark(units) { TEXT_MARK } else { "" };
                decode(mark, units)
            }
        }
    }
}

fn address_text(address: IpAddr, prefixes: Prefixes) -> String {
    let prefix = prefixes.of(address);
    let is_whole = prefix == if address.is_ipv4() { 32 } else { 128 };
    if is_whole { address.to_string() } else { format!("{address}/{prefix}") }
}

fn needs_mark(units: &[u16]) -> bool {
    let starts_with_mark = units.iter().copied().zip(TEXT_MARK.encode_utf16()).all(|(a, b)| a == b)
        && units.len() >= TEXT_MARK.len();
    let slash = units.iter().take(64).position(|unit| *unit == u16::from(b'/'));
    let has_escape = units.windows(2).any(|pair| pair == [u16::from(b'\\'), u16::from(b'u')]);
    let address = units.get(..slash.unwrap_or(units.len())).unwrap_or(units);
    starts_with_mark || has_escape || parse_address(address).is_some()
}

/// Text whose escapes cannot be mistaken: where it holds a `\u` of its own, [`needs_mark`] marks it, and
/// each backslash of marked text is doubled.
fn decode(mark: &str, units: &[u16]) -> String {
    let mut text = String::with_capacity(mark.len() + units.len());
    text.push_str(mark);
    for unit in char::decode_utf16(units.iter().copied()) {
        match unit {
            Ok('\\') if !mark.is_empty() => text.push_str("\\\\"),
            Ok(character) => text.push(character),
            // Writing into a String cannot fail.
            Err(lone) => drop(write!(text, "\\u{:04x}", lone.unpaired_surrogate())),
        }
    }
    text
}
