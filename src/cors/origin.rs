//! Serialised origins, as browsers write them (RFC 6454, section 6.2; HTML, "ASCII serialisation of an origin").

use super::host::check_host;

/// The longest origin that is looked at, in bytes: a name of DNS has at most 253.
pub const MAX_ORIGIN_LENGTH: usize = 512;

/// Schemes with a default port, which an origin never names (URL, section 4.2).
const DEFAULT_PORTS: [(&str, u16); 5] =
    [("http", 80), ("https", 443), ("ws", 80), ("wss", 443), ("ftp", 21)];

/// A serialised origin in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin<'text> {
    /// In lower case, such as `https`.
    pub scheme: &'text str,
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    pub host: &'text str,
    /// Absent for the scheme's default.
    pub port: Option<u16>,
}

/// Why a text is no serialised origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Longer than [`MAX_ORIGIN_LENGTH`], or a host longer than DNS knows.
    TooLong,
    /// A character outside of ASCII.
    NotAscii,
    /// No `scheme://`.
    NoScheme,
    /// A scheme, or the host of a scheme of the web, with upper-case letters.
    UpperCase,
    /// Something after the host and port, such as a slash.
    Path,
    /// A name or password.
    Userinfo,
    /// The port that the scheme has by default.
    DefaultPort,
    /// A port that is none.
    Port,
    /// A host that no browser writes so.
    Host,
}

impl Fault {
    /// The reason for an error message.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TooLong => {
                "is longer than any origin of a host: 253 characters for the host, 512 for all"
            }
            Self::NotAscii => "is not ASCII: browsers write such hosts in punycode (xn--…)",
            Self::NoScheme => "has no scheme: an origin is scheme://host or scheme://host:port",
            Self::UpperCase => "has upper-case letters, which browsers write in lower case",
            Self::Path => {
                "has more than scheme, host and port: an origin has no path, not even a slash"
            }
            Self::Userinfo => "has a user name, which no origin has",
            Self::DefaultPort => "names the default port of its scheme, which browsers leave out",
            Self::Port => "has a port that is none",
            Self::Host => "has a host that browsers do not write so",
        }
    }
}

impl<'text> Origin<'text> {
    /// Takes a serialised origin apart. `null` is none.
    ///
    /// # Errors
    /// The [`Fault`] that was seen first.
    pub fn parse(text: &'text str) -> Result<Self, Fault> {
        if text.len() > MAX_ORIGIN_LENGTH {
            return Err(Fault::TooLong);
        }
        if !text.is_ascii() {
            return Err(Fault::NotAscii);
        }
        let (scheme, authority) = text.split_once("://").ok_or(Fault::NoScheme)?;
        check_scheme(scheme)?;
        if authority.contains('@') {
            return Err(Fault::Userinfo);
        }
        if authority.contains(['/', '?', '#', '\\']) {
            return Err(Fault::Path);
        }
        let (host, port) = split_port(authority)?;
        let default = default_port(scheme);
        check_host(host, default.is_some())?;
        if port.is_some() && port == default {
            return Err(Fault::DefaultPort);
        }
        Ok(Self { scheme, host, port })
    }
}

/// The port that an origin of this scheme does not name.
pub(super) fn default_port(scheme: &str) -> Option<u16> {
    DEFAULT_PORTS.iter().find(|(known, _)| *known == scheme).map(|(_, port)| *port)
}

fn check_scheme(scheme: &str) -> Result<(), Fault> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        || !scheme.bytes().all(is_part)
    {
        return Err(Fault::NoScheme);
    }
    if scheme.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(Fault::UpperCase);
    }
    Ok(())
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), Fault> {
    // The colons inside of brackets are the address's own.
    let after_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let rest = authority.get(after_host..).unwrap_or_default();
    let Some(colon) = rest.find(':') else { return Ok((authority, None)) };
    let (host, port) = authority.split_at(after_host + colon);
    Ok((host, Some(parse_port(port.get(1..).unwrap_or_default())?)))
}

/// A port as browsers write it: digits without leading zeros.
pub(super) fn parse_port(text: &str) -> Result<u16, Fault> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_plain || (text.len() > 1 && text.starts_with('0')) {
        return Err(Fault::Port);
    }
    text.parse().map_err(|_| Fault::Port)
}
