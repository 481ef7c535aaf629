//! The options of a [`ClientRule`], and their compilation.

use super::canonical::{DEFAULT_IPV4_PREFIX, DEFAULT_IPV6_PREFIX, Prefixes};
use super::ranges::AddressRanges;
use super::rule::{ClientRule, Pick, Reading};
use super::sources::{Form, SOURCES, Source};
use crate::error::{ConfigError, ErrorCode};

/// The longest chain of proxies that a rule believes. A larger number is a way to write "trust everybody".
const MAX_HOPS: f64 = 64.0;

/// The options of `client`, as they came.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ClientOptions {
    /// Whom a header is believed. Unset, and without [`header`](Self::header): whatever the framework has
    /// found ([`Reading::Chosen`]).
    pub trust_proxy: Option<TrustProxy>,
    /// A header or a provider, one of [`SOURCES`].
    pub header: Option<String>,
    /// Leading bits of an IPv6 address that tell clients apart.
    pub ipv6_prefix: Option<Prefix>,
    /// Leading bits of an IPv4 address that tell clients apart.
    pub ipv4_prefix: Option<Prefix>,
    /// Whether a key given as text that is an address becomes that address's key. Default: it does.
    pub canonical_keys: Option<bool>,
}

/// The option `trustProxy`, in the forms that Express's setting of that name takes.
#[derive(Debug, Clone, PartialEq)]
pub enum TrustProxy {
    /// `false`: no header is read. `true` is refused.
    Switch(bool),
    /// This many proxies stand before the app, whatever their addresses.
    Hops(f64),
    /// The proxies' addresses, as [`AddressRanges::compile`] takes them.
    Ranges(Vec<String>),
}

/// The length of a prefix in bits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Prefix {
    /// `false`: every bit counts.
    Switch(bool),
    /// This many bits.
    Bits(f64),
}

impl TryFrom<&ClientOptions> for ClientRule {
    type Error = ConfigError;

    /// Compiles the options. Paths of errors are relative to `client`: `trustProxy`, `header` and so on.
    fn try_from(options: &ClientOptions) -> Result<Self, ConfigError> {
        Ok(Self {
            prefixes: Prefixes {
                ipv4: prefix("ipv4Prefix", options.ipv4_prefix, DEFAULT_IPV4_PREFIX, 32)?,
                ipv6: prefix("ipv6Prefix", options.ipv6_prefix, DEFAULT_IPV6_PREFIX, 128)?,
            },
            reading: reading(options)?,
            has_canonical_keys: options.canonical_keys.unwrap_or(true),
        })
    }
}

fn reading(options: &ClientOptions) -> Result<Reading, ConfigError> {
    let named = options.header.as_deref().map(find_source).transpose()?;
    match (&options.trust_proxy, named) {
        (None, None) => Ok(Reading::Chosen),
        (Some(TrustProxy::Switch(true)), _) => Err(value(
            "trustProxy",
            "got true, which trusts every sender, so any client could choose its address; expected the \
             number of proxies in front of the app, or their addresses",
        )),
        (Some(TrustProxy::Switch(false)), None) => Ok(Reading::Socket),
        (Some(TrustProxy::Hops(hops)), None) if *hops == 0.0 => Ok(Reading::Socket),
        (Some(TrustProxy::Switch(false)), Some(_)) => Err(never_read()),
        (Some(TrustProxy::Hops(hops)), Some(_)) if *hops == 0.0 => Err(never_read()),
        (Some(TrustProxy::Hops(count)), source) => {
            by_hops(source.unwrap_or(default_source()), *count)
        }
        (Some(TrustProxy::Ranges(entries)), source) => {
            by_ranges(source.unwrap_or(default_source()), entries)
        }
        (None, Some(source)) if source.peers.is_empty() => {
            let message = format!(
                "is required with the header \"{}\", which anybody can send: the number of proxies in front of \
                 the app, or their addresses",
                source.name
            );
            Err(ConfigError::new(ErrorCode::OptionRequired, "trustProxy", message))
        }
        (None, Some(source)) => by_ranges(source, source.peers),
    }
}

/// The header read when `trustProxy` is set and `header` is not: `X-Forwarded-For`.
fn default_source() -> &'static Source {
    &SOURCES[0]
}

fn by_hops(source: &'static Source, count: f64) -> Result<Reading, ConfigError> {
    let hops = whole("trustProxy", count, 0.0, MAX_HOPS)?;
    let pick = match source.form {
        Form::List(syntax) => Pick::Hops(syntax, hops),
        form if hops == 1 => Pick::single(form),
        _ => {
            let message = format!(
                "got {count}, but {} holds one address, so it is for the peer alone: expected 1, or the peers' \
                 addresses",
                source.header
            );
            return Err(ConfigError::new(ErrorCode::OptionConflict, "trustProxy", message));
        }
    };
    Ok(Reading::Header { header: source.header, peers: None, pick })
}

fn by_ranges<Text: AsRef<str>>(
    source: &'static Source,
    entries: &[Text],
) -> Result<Reading, ConfigError> {
    let peers = AddressRanges::compile("trustProxy", entries)?;
    let pick = match source.form {
        Form::List(syntax) if source.hops > 0 => Pick::Hops(syntax, source.hops),
        Form::List(syntax) => Pick::Untrusted(syntax),
        form => Pick::single(form),
    };
    Ok(Reading::Header { header: source.header, peers: Some(peers), pick })
}

fn find_source(name: &str) -> Result<&'static Source, ConfigError> {
    Source::find(name).ok_or_else(|| {
        let known: Vec<_> = SOURCES.iter().map(|source| source.name).collect();
        let message = format!("got {}, expected one of {}", quote(name), known.join(", "));
        value("header", &message)
    })
}

fn never_read() -> ConfigError {
    let message = "is set, but trustProxy trusts nobody, so it would never be read";
    ConfigError::new(ErrorCode::OptionConflict, "header", message)
}

fn prefix(path: &str, given: Option<Prefix>, default: u8, most: u8) -> Result<u8, ConfigError> {
    match given {
        None => Ok(default),
        Some(Prefix::Switch(false)) => Ok(most),
        Some(Prefix::Switch(true)) => Err(value(
            path,
            &format!("got true, expected a whole number from 1 to {most}, or false"),
        )),
        Some(Prefix::Bits(bits)) => whole(path, bits, 1.0, f64::from(most)),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is whole and lies between `least` and `most`, which are at most 128"
)]
fn whole(path: &str, number: f64, least: f64, most: f64) -> Result<u8, ConfigError> {
    if number.fract() == 0.0 && (least..=most).contains(&number) {
        return Ok(number as u8);
    }
    Err(value(path, &format!("got {number}, expected a whole number from {least} to {most}")))
}

fn value(path: &str, message: &str) -> ConfigError {
    ConfigError::new(ErrorCode::OptionValue, path, message)
}

/// What came, as a message shows it: short and on one line.
pub(super) fn quote(text: &str) -> String {
    format!("{:?}", text.chars().take(48).collect::<String>())
}
