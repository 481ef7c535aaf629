//! A compiled rule, and what it finds for one request.

use super::address::{parse_address, parse_with_bare_port};
use super::canonical::Prefixes;
use super::key::ClientKey;
use super::list::{self, Chosen, Selection, Syntax, trim};
use super::ranges::AddressRanges;
use super::sources::Form;
use std::net::IpAddr;

/// Finds the client of a request. Made from [`ClientOptions`](super::ClientOptions).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRule {
    pub(super) prefixes: Prefixes,
    pub(super) reading: Reading,
    pub(super) has_canonical_keys: bool,
}

/// Where a rule looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// At the socket peer alone.
    Socket,
    /// At an address that the framework has chosen by its own rule; without one, at the socket peer.
    Chosen,
    /// At one header.
    Header {
        /// Its name in lower case.
        header: &'static str,
        /// From whom it is believed; `None`: from any peer.
        peers: Option<AddressRanges>,
        /// Which address in it is the client's.
        pick: Pick,
    },
}

/// Which address in a header is the client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pick {
    /// The only one.
    Only,
    /// The only one, which has a port and no brackets.
    OnlyWithPort,
    /// The n-th from the right.
    Hops(Syntax, u8),
    /// The first from the right that is not among the trusted peers.
    Untrusted(Syntax),
}

impl Pick {
    pub(super) fn single(form: Form) -> Self {
        if form == Form::AddressAndPort { Self::OnlyWithPort } else { Self::Only }
    }
}

/// Which rule gave a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyRule {
    /// The socket peer: no header is configured.
    Socket,
    /// The peer has no address: a unix socket, or a connection that is gone.
    NoPeer,
    /// The socket peer, because it is no trusted proxy; the header was not read.
    UntrustedPeer,
    /// The socket peer, because the header is missing or empty.
    HeaderMissing,
    /// The socket peer, because what should have been the client's address is none.
    NotAnAddress,
    /// The header's n-th element from the right.
    Hops,
    /// The header's first element from the right that is no trusted proxy.
    TrustedProxies,
    /// The one address in the header.
    Header,
    /// The framework's own rule.
    Framework,
    /// A key that the app has given.
    Given,
}

impl KeyRule {
    /// The public, stable spelling.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Socket => "socket",
            Self::NoPeer => "no-peer",
            Self::UntrustedPeer => "untrusted-peer",
            Self::HeaderMissing => "header-missing",
            Self::NotAnAddress => "not-an-address",
            Self::Hops => "hops",
            Self::TrustedProxies => "trusted-proxies",
            Self::Header => "header",
            Self::Framework => "express",
            Self::Given => "given",
        }
    }
}

/// The client of one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved<'text> {
    /// The canonical key.
    pub key: ClientKey<'text>,
    /// Which rule gave it.
    pub rule: KeyRule,
    /// The text that it was made from.
    pub text: &'text [u16],
    /// The address before it was cut to its prefix; `None` when the peer has none.
    pub address: Option<IpAddr>,
}

impl ClientRule {
    /// The header to pass to [`resolve`](Self::resolve), in lower case; `None` when none is read.
    #[must_use]
    pub const fn header(&self) -> Option<&'static str> {
        match &self.reading {
            Reading::Header { header, .. } => Some(header),
            Reading::Socket | Reading::Chosen => None,
        }
    }

    /// Whether [`resolve`](Self::resolve) takes the framework's address in the place of a header.
    #[must_use]
    pub const fn takes_chosen(&self) -> bool {
        matches!(self.reading, Reading::Chosen)
    }

    /// The prefixes that its keys are cut to.
    #[must_use]
    pub const fn prefixes(&self) -> Prefixes {
        self.prefixes
    }

    /// The client of a request that came from the socket address `peer`, empty when there is none.
    /// `forwarded` is the value of the header that [`header`](Self::header) names, its lines joined by
    /// commas, or the address that the framework chose; empty when there is none. At most the last
    /// [`list::MAX_HEADER_UNITS`] of it are looked at. It never fails: what cannot be used gives the peer.
    #[must_use]
    pub fn resolve<'text>(&self, peer: &'text [u16], forwarded: &'text [u16]) -> Resolved<'text> {
        match self.read(peer, forwarded) {
            Ok((text, address, rule)) => {
                let key = ClientKey::Address(self.prefixes.apply(address));
                Resolved { key, rule, text, address: Some(address) }
            }
            Err(rule) => self.peer_key(peer, rule),
        }
    }

    /// The key of text that the app itself has chosen, such as an account name. An address becomes its
    /// canonical key unless the option `canonicalKeys` is off; anything else stays whole.
    #[must_use]
    pub fn given_key<'text>(&self, text: &'text [u16]) -> ClientKey<'text> {
        if self.has_canonical_keys {
            ClientKey::parse_with(text, self.prefixes)
        } else {
            ClientKey::Text(text)
        }
    }

    fn peer_key<'text>(&self, peer: &'text [u16], rule: KeyRule) -> Resolved<'text> {
        match parse_address(peer) {
            Some(address) => {
                let key = ClientKey::Address(self.prefixes.apply(address));
                Resolved { key, rule, text: peer, address: Some(address) }
            }
            None => Resolved {
                key: ClientKey::Text(peer),
                rule: KeyRule::NoPeer,
                text: peer,
                address: None,
            },
        }
    }

    fn read<'text>(
        &self,
        peer: &[u16],
        forwarded: &'text [u16],
    ) -> Result<(&'text [u16], IpAddr, KeyRule), KeyRule> {
        match &self.reading {
            Reading::Socket => Err(KeyRule::Socket),
            Reading::Chosen if forwarded.is_empty() => Err(KeyRule::Socket),
            Reading::Chosen => only(forwarded, parse_address, KeyRule::Framework),
            Reading::Header { peers: Some(peers), .. } if !is_trusted(peers, peer) => {
                Err(KeyRule::UntrustedPeer)
            }
            Reading::Header { pick, peers, .. } => match (*pick, peers) {
                (Pick::Only, _) => only(forwarded, parse_address, KeyRule::Header),
                (Pick::OnlyWithPort, _) => only(forwarded, parse_with_bare_port, KeyRule::Header),
                (Pick::Hops(syntax, hops), _) => {
                    element(forwarded, syntax, Selection::Nth(hops), KeyRule::Hops)
                }
                (Pick::Untrusted(syntax), Some(peers)) => {
                    element(forwarded, syntax, Selection::Untrusted(peers), KeyRule::TrustedProxies)
                }
                (Pick::Untrusted(_), None) => Err(KeyRule::UntrustedPeer),
            },
        }
    }
}

fn is_trusted(peers: &AddressRanges, peer: &[u16]) -> bool {
    parse_address(peer).is_some_and(|address| peers.contains(address))
}

fn only(
    value: &[u16],
    parse: fn(&[u16]) -> Option<IpAddr>,
    rule: KeyRule,
) -> Result<(&[u16], IpAddr, KeyRule), KeyRule> {
    let text = if value.len() > list::MAX_HEADER_UNITS { value } else { trim(value) };
    if text.is_empty() {
        return Err(KeyRule::HeaderMissing);
    }
    parse(text).map(|address| (text, address, rule)).ok_or(KeyRule::NotAnAddress)
}

fn element<'text>(
    value: &'text [u16],
    syntax: Syntax,
    by: Selection<'_>,
    rule: KeyRule,
) -> Result<(&'text [u16], IpAddr, KeyRule), KeyRule> {
    match list::select(value, syntax, by) {
        Chosen::Address(text, address) => Ok((text, address, rule)),
        Chosen::Nothing => Err(KeyRule::HeaderMissing),
        Chosen::Unreadable => Err(KeyRule::NotAnAddress),
    }
}
