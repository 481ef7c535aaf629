//! Origins with wildcards: `https://*.example.com`, `http://localhost:*`.

use super::host::ends_in_number;
use super::options::quote;
use super::origin::{Origin, default_port, parse_port};
use crate::error::{ConfigError, ErrorCode};

/// An origin whose subdomain, or port, or both, may be any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wildcard {
    scheme: String,
    /// The host, or, with `is_subdomain`, what stands after the `*`, with its dot.
    host: String,
    is_subdomain: bool,
    port: Port,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    Any,
    Only(Option<u16>),
}

impl Wildcard {
    /// Reads a rule that has a `*`.
    pub(super) fn parse(path: &str, text: &str) -> Result<Self, ConfigError> {
        let refuse = |reason: &str| {
            let message = format!("got {}, which {reason}", quote(text));
            Err(ConfigError::new(ErrorCode::OptionValue, path, message))
        };
        let Some((scheme, authority)) = text.split_once("://") else {
            return refuse("has no scheme: write https://*.example.com");
        };
        let (host, port) = match authority.strip_suffix(":*") {
            Some(host) => (host, Port::Any),
            None => match split_fixed_port(scheme, authority) {
                Some((host, port)) => (host, Port::Only(port)),
                None => return refuse("has a port that browsers do not write so"),
            },
        };
        let subdomain = host.strip_prefix('*');
        let name = subdomain.unwrap_or(host);
        let bare = name.strip_prefix('.').unwrap_or(name);
        if bare.contains('*') || scheme.contains('*') {
            return refuse(
                "has a * elsewhere than in front of the host's first dot or as the port",
            );
        }
        if subdomain.is_some() {
            if !name.starts_with('.') {
                return refuse("has a * that is no whole label: write *.example.com, or a pattern");
            }
            if ends_in_number(bare) || bare.starts_with('[') {
                return refuse("has a * in front of an address");
            }
            if !bare.contains('.') && bare != "localhost" {
                return refuse("lets in every site of a top-level domain");
            }
        }
        if let Err(fault) = Origin::parse(&format!("{scheme}://{bare}")) {
            return refuse(fault.as_str());
        }
        Ok(Self {
            scheme: scheme.to_owned(),
            host: name.to_owned(),
            is_subdomain: subdomain.is_some(),
            port,
        })
    }

    /// Whether the origin is one of those described. `*` stands for one label or several, never for none.
    pub(super) fn is_match(&self, origin: &Origin<'_>) -> bool {
        let is_port = match self.port {
            Port::Any => true,
            Port::Only(port) => port == origin.port,
        };
        is_port && self.scheme == origin.scheme && self.is_host(origin.host)
    }

    fn is_host(&self, host: &str) -> bool {
        if !self.is_subdomain {
            return self.host == host;
        }
        // The whole host is well formed already, so whatever stands before the dot is labels.
        host.strip_suffix(self.host.as_str()).is_some_and(|labels| !labels.is_empty())
    }
}

fn split_fixed_port<'text>(
    scheme: &str,
    authority: &'text str,
) -> Option<(&'text str, Option<u16>)> {
    let after_host = authority.rfind(']').map_or(0, |bracket| bracket + 1);
    let rest = authority.get(after_host..)?;
    let Some(colon) = rest.find(':') else { return Some((authority, None)) };
    let (host, port) = authority.split_at(after_host + colon);
    let port = parse_port(port.get(1..)?).ok()?;
    (Some(port) != default_port(scheme)).then_some((host, Some(port)))
}
