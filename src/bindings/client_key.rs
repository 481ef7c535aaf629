//! Client identity: the rule's set-up, the reader that other hot functions use for their key arguments, and
//! the rare calls that show a key.
#![expect(clippy::needless_pass_by_value, reason = "the derive hands options over by value")]

use super::error::SetupError;
use super::hooks;
use super::hot::{Arguments, BadArgument, HotFunction, HotHandle, Reply, Value};
use crate::client_key::sources::SOURCES;
use crate::client_key::{ClientKey, ClientOptions, ClientRule, Prefix, Resolved, TrustProxy};
use napi::bindgen_prelude::{Either, Either3};
use napi_derive::napi;
use std::cell::RefCell;
use std::ffi::CStr;
use std::sync::Arc;

/// The options of `client` as they come from JavaScript.
#[napi(object)]
pub struct ClientInput {
    /// Whom a header is believed.
    pub trust_proxy: Option<Either3<bool, f64, Vec<String>>>,
    /// The header or the provider.
    pub header: Option<String>,
    /// Leading bits of an IPv6 address that tell clients apart.
    pub ipv6_prefix: Option<Either<bool, f64>>,
    /// Leading bits of an IPv4 address that tell clients apart.
    pub ipv4_prefix: Option<Either<bool, f64>>,
    /// Whether given keys that are addresses become those addresses' keys.
    pub canonical_keys: Option<bool>,
}

impl From<ClientInput> for ClientOptions {
    fn from(input: ClientInput) -> Self {
        let prefix = |given: Either<bool, f64>| match given {
            Either::A(is_on) => Prefix::Switch(is_on),
            Either::B(bits) => Prefix::Bits(bits),
        };
        Self {
            trust_proxy: input.trust_proxy.map(|given| match given {
                Either3::A(is_on) => TrustProxy::Switch(is_on),
                Either3::B(hops) => TrustProxy::Hops(hops),
                Either3::C(entries) => TrustProxy::Ranges(entries),
            }),
            header: input.header,
            ipv6_prefix: input.ipv6_prefix.map(prefix),
            ipv4_prefix: input.ipv4_prefix.map(prefix),
            canonical_keys: input.canonical_keys,
        }
    }
}

/// What gave a key.
#[napi(object)]
pub struct ClientReply {
    /// The canonical key.
    pub key: String,
    /// The rule's name.
    pub rule: String,
    /// The text that the key was made from.
    pub text: String,
}

/// A compiled rule.
#[napi]
pub struct ClientRules(Arc<ClientRule>);

#[napi]
impl ClientRules {
    /// Checks the options and compiles them.
    ///
    /// # Errors
    /// `ERR_CARAPACE_OPTION_VALUE`, `_CONFLICT` or `_REQUIRED` with the option's path below `client`.
    #[napi(factory, catch_unwind)]
    pub fn compile(input: ClientInput) -> Result<Self, SetupError> {
        hooks::crossing(hooks::Kind::Config);
        Ok(Self(Arc::new(ClientRule::try_from(&input.into())?)))
    }

    /// The header that is read, in lower case.
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn header(&self) -> Option<&'static str> {
        self.0.header()
    }

    /// Whether the address that Express chose takes the header's place.
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn takes_chosen(&self) -> bool {
        self.0.takes_chosen()
    }

    /// The key of one request and what gave it.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn explain(&self, peer: String, forwarded: String) -> ClientReply {
        hooks::crossing(hooks::Kind::Rare);
        let peer: Vec<u16> = peer.encode_utf16().collect();
        let forwarded: Vec<u16> = forwarded.encode_utf16().collect();
        let resolved = self.0.resolve(&peer, &forwarded);
        ClientReply {
            key: resolved.key.to_text_with(self.0.prefixes()),
            rule: resolved.rule.as_str().to_owned(),
            text: String::from_utf16_lossy(resolved.text),
        }
    }

    /// Makes the function that gives a key as text, for stores and events in JavaScript.
    #[napi(catch_unwind, ts_return_type = "(peer: string, forwarded: string) => string")]
    #[must_use]
    pub fn key_text(&self, has_given_keys: bool) -> HotHandle<KeyText> {
        hooks::crossing(hooks::Kind::Config);
        HotHandle(KeyText(self.key_reader(has_given_keys)))
    }
}

impl ClientRules {
    /// The reader of key arguments for a hot function.
    #[must_use]
    pub fn key_reader(&self, has_given_keys: bool) -> KeyReader {
        KeyReader {
            rule: Arc::clone(&self.0),
            has_given_keys,
            peer: RefCell::default(),
            forwarded: RefCell::default(),
        }
    }
}

/// The headers that can name a client.
#[napi(catch_unwind)]
#[must_use]
pub fn client_headers() -> Vec<&'static str> {
    hooks::crossing(hooks::Kind::Config);
    SOURCES.iter().filter(|source| source.name == source.header).map(|source| source.name).collect()
}

/// Reads the two arguments of a hot function that say who the client is: the socket peer's address and what
/// was forwarded, or a key that the app gives and nothing.
pub struct KeyReader {
    rule: Arc<ClientRule>,
    has_given_keys: bool,
    peer: RefCell<Vec<u16>>,
    forwarded: RefCell<Vec<u16>>,
}

/// A buffer longer than this is given back: one long key must not hold its memory for good.
const KEPT_UNITS: usize = 1 << 16;

impl KeyReader {
    /// Calls `decide` with the key of the arguments at `first` and after it.
    ///
    /// # Errors
    /// [`BadArgument`] when one of them is no string.
    pub fn read<T>(
        &self,
        arguments: &Arguments<'_>,
        first: usize,
        decide: impl FnOnce(&ClientKey<'_>) -> T,
    ) -> Result<T, BadArgument> {
        let who = arguments.at(first)?;
        if self.has_given_keys {
            return self.read_given(who, decide);
        }
        self.read_client(who, arguments.at(first + 1)?, |resolved| decide(&resolved.key))
    }

    /// Calls `decide` with a key that the app gives.
    ///
    /// # Errors
    /// [`BadArgument`] when it is no string.
    pub fn read_given<T>(
        &self,
        key: Value<'_>,
        decide: impl FnOnce(&ClientKey<'_>) -> T,
    ) -> Result<T, BadArgument> {
        let mut buffer = self.peer.borrow_mut();
        let outcome = decide(&self.rule.given_key(key.utf16(&mut buffer)?));
        give_back(&mut buffer);
        Ok(outcome)
    }

    /// Calls `decide` with the client of a socket peer and what was forwarded.
    ///
    /// # Errors
    /// [`BadArgument`] when one of them is no string.
    pub fn read_client<T>(
        &self,
        peer: Value<'_>,
        forwarded: Value<'_>,
        decide: impl FnOnce(&Resolved<'_>) -> T,
    ) -> Result<T, BadArgument> {
        let mut peer_buffer = self.peer.borrow_mut();
        let mut forwarded_buffer = self.forwarded.borrow_mut();
        let (peer, forwarded) =
            (peer.utf16(&mut peer_buffer)?, forwarded.utf16(&mut forwarded_buffer)?);
        let outcome = decide(&self.rule.resolve(peer, forwarded));
        give_back(&mut peer_buffer);
        give_back(&mut forwarded_buffer);
        Ok(outcome)
    }

    /// The prefixes that its keys are cut to.
    #[must_use]
    pub fn prefixes(&self) -> crate::client_key::Prefixes {
        self.rule.prefixes()
    }
}

fn give_back(buffer: &mut Vec<u16>) {
    if buffer.len() > KEPT_UNITS {
        *buffer = Vec::new();
    }
}

/// `keyText(peer, forwarded)`: the key as text.
pub struct KeyText(KeyReader);

impl HotFunction for KeyText {
    const NAME: &'static CStr = c"keyText";
    const OUT: usize = 0;

    fn call(&self, arguments: &Arguments<'_>, _out: &mut [f64]) -> Result<Reply, BadArgument> {
        let text = self.0.read(arguments, 0, |key| key.to_text_with(self.0.prefixes()))?;
        let string = if text.is_ascii() {
            arguments.latin1(text.as_bytes())?
        } else {
            arguments.utf16_string(&text.encode_utf16().collect::<Vec<_>>())?
        };
        Ok(Reply::String(string))
    }
}
