//! Lists of addresses in a header, read from the right, where the trusted proxies write.
//!
//! Reading from the right is what makes a forged beginning harmless: whatever stands to the left of the
//! trusted elements is never looked at, however long or malformed it is.

use super::address::parse_address;
use super::forwarded;
use super::ranges::AddressRanges;
use std::net::IpAddr;

/// How much of a header counts, from its end. An element that reaches beyond is no address.
pub const MAX_HEADER_UNITS: usize = 4096;
/// How many elements are looked at, empty ones included.
pub const MAX_ELEMENTS: usize = 64;

/// How a list is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    /// `X-Forwarded-For: 203.0.113.7, 10.0.0.1`
    Plain,
    /// `Forwarded: for=203.0.113.7;proto=https, for="[2001:db8::1]:4711"` (RFC 7239)
    Forwarded,
}

/// Which element of a list is the client.
#[derive(Debug, Clone, Copy)]
pub enum Selection<'rule> {
    /// The n-th from the right, or the leftmost of fewer: the address that the outermost of n trusted
    /// proxies has seen.
    Nth(u8),
    /// The first from the right that is no trusted proxy, or the leftmost when all are.
    Untrusted(&'rule AddressRanges),
}

/// What a list gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chosen<'text> {
    /// The client's address and its text.
    Address(&'text [u16], IpAddr),
    /// There is no element.
    Nothing,
    /// The element that counts is no address, or lies beyond the bounds.
    Unreadable,
}

/// Finds the client in the list `text`. Cost: O(1) for a given selection; at most [`MAX_HEADER_UNITS`] and
/// [`MAX_ELEMENTS`] are looked at.
#[must_use]
pub fn select<'text>(text: &'text [u16], syntax: Syntax, by: Selection<'_>) -> Chosen<'text> {
    let elements = FromRight::new(text, syntax);
    match by {
        Selection::Nth(hops) => nth(elements, hops),
        Selection::Untrusted(proxies) => untrusted(elements, proxies),
    }
}

fn nth(mut elements: FromRight<'_>, hops: u8) -> Chosen<'_> {
    let (mut element, mut seen) = (None, 0);
    while let Some(next) = elements.next() {
        element = Some(next);
        seen += 1;
        if seen >= hops {
            return read(next, elements.syntax);
        }
    }
    match element {
        _ if elements.is_cut => Chosen::Unreadable,
        Some(leftmost) => read(leftmost, elements.syntax),
        None => Chosen::Nothing,
    }
}

fn untrusted<'text>(mut elements: FromRight<'text>, proxies: &AddressRanges) -> Chosen<'text> {
    let mut chosen = Chosen::Nothing;
    while let Some(element) = elements.next() {
        chosen = read(element, elements.syntax);
        match chosen {
            Chosen::Address(_, address) if proxies.contains(address) => {}
            _ => return chosen,
        }
    }
    if elements.is_cut { Chosen::Unreadable } else { chosen }
}

fn read(element: &[u16], syntax: Syntax) -> Chosen<'_> {
    let text = match syntax {
        Syntax::Plain => Some(element),
        Syntax::Forwarded => forwarded::node(element),
    };
    text.and_then(|text| parse_address(text).map(|address| Chosen::Address(text, address)))
        .unwrap_or(Chosen::Unreadable)
}

/// The elements that are not empty, from the right (RFC 9110, section 5.6.1.2).
struct FromRight<'text> {
    rest: Option<&'text [u16]>,
    syntax: Syntax,
    left: usize,
    /// Whether something was left unread.
    is_cut: bool,
    starts_late: bool,
}

impl<'text> FromRight<'text> {
    fn new(text: &'text [u16], syntax: Syntax) -> Self {
        let skipped = text.len().saturating_sub(MAX_HEADER_UNITS);
        Self {
            rest: text.get(skipped..),
            syntax,
            left: MAX_ELEMENTS,
            is_cut: false,
            starts_late: skipped > 0,
        }
    }

    fn next(&mut self) -> Option<&'text [u16]> {
        while let Some(rest) = self.rest {
            if self.left == 0 {
                self.is_cut = true;
                return None;
            }
            self.left -= 1;
            let comma = match self.syntax {
                Syntax::Plain => rest.iter().rposition(|unit| *unit == COMMA),
                Syntax::Forwarded => forwarded::last_comma(rest),
            };
            if comma.is_none() && self.starts_late {
                self.is_cut = true;
                return None;
            }
            self.rest = comma.and_then(|end| rest.get(..end));
            let element = trim(rest.get(comma.map_or(0, |end| end + 1)..).unwrap_or_default());
            if !element.is_empty() {
                return Some(element);
            }
        }
        None
    }
}

pub(super) const COMMA: u16 = b',' as u16;

/// Without the spaces and tabs around it (OWS; RFC 9110, section 5.6.3).
pub(super) fn trim(text: &[u16]) -> &[u16] {
    let is_text = |unit: &u16| *unit != u16::from(b' ') && *unit != u16::from(b'\t');
    let start = text.iter().position(is_text).unwrap_or(text.len());
    let end = text.iter().rposition(is_text).map_or(start, |last| last + 1);
    text.get(start..end).unwrap_or_default()
}
