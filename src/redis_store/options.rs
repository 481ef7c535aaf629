//! Where Redis is and how long it may take, checked.

use crate::error::{ConfigError, ErrorCode};
use crate::rate_limit::options::whole;
use std::fmt;
use std::time::Duration;

const DEFAULT_TIMEOUT_MS: f64 = 100.0;
const DEFAULT_CONNECT_TIMEOUT_MS: f64 = 500.0;
const MAX_TIMEOUT_MS: f64 = 600_000.0;
const DEFAULT_PORT: f64 = 6379.0;
const MAX_POOL: f64 = 16.0;
const MAX_PREFIX: usize = 128;
/// What stands before every key unless said otherwise.
pub const DEFAULT_PREFIX: &str = "carapace:";

/// One address as it came.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NodeInput {
    /// Name or address.
    pub host: Option<String>,
    /// 6379 unless given.
    pub port: Option<f64>,
    /// A Unix socket in place of both.
    pub path: Option<String>,
}

/// What TLS needs as it came: PEM texts.
#[derive(Clone, Default, PartialEq)]
pub struct TlsInput {
    /// Certificates to trust in place of the system's.
    pub ca: Option<String>,
    /// Our certificate chain.
    pub cert: Option<String>,
    /// Its key.
    pub key: Option<String>,
    /// The name that the server's certificate must have; the host unless given.
    pub servername: Option<String>,
}

/// The options of a connection as they came: every number unchecked.
#[derive(Clone, Default, PartialEq)]
pub struct ConnectionInput {
    /// `standalone`, `cluster` or `sentinel`.
    pub kind: Option<String>,
    /// The server; the cluster's seeds; the sentinels.
    pub nodes: Vec<NodeInput>,
    /// Under which name the sentinels watch the master.
    pub sentinel_name: Option<String>,
    /// Who we are to the sentinels.
    pub sentinel_username: Option<String>,
    /// And our password there.
    pub sentinel_password: Option<String>,
    /// The ACL user.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<String>,
    /// The database's number.
    pub db: Option<f64>,
    /// Encrypts when given.
    pub tls: Option<TlsInput>,
    /// How long a decision may take, in milliseconds.
    pub timeout_ms: Option<f64>,
    /// How long connecting may take, in milliseconds.
    pub connect_timeout_ms: Option<f64>,
    /// Connections for each server.
    pub pool: Option<f64>,
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Address {
    /// Name or address, and port.
    Tcp(String, u16),
    /// A Unix socket's path.
    Unix(String),
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host, port) if host.contains(':') => write!(formatter, "[{host}]:{port}"),
            Self::Tcp(host, port) => write!(formatter, "{host}:{port}"),
            Self::Unix(path) => formatter.write_str(path),
        }
    }
}

impl Address {
    /// Reads `host:port` as clusters write it: IPv6 addresses without brackets, and no host for the one that
    /// was asked. Nothing when it is neither.
    #[must_use]
    pub fn parse(text: &str, asked: &Self) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port != 0)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        match (host, asked) {
            ("" | "?", Self::Tcp(asked, _)) => Some(Self::Tcp(asked.clone(), port)),
            ("" | "?", Self::Unix(_)) => None,
            _ => Some(Self::Tcp(host.to_owned(), port)),
        }
    }
}

/// Who we are. Never shown.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Credentials {
    /// The ACL user; the default one unless given.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.password.is_some() { "with a password" } else { "none" })
    }
}

/// What TLS needs. Keys are never shown.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Tls {
    /// See [`TlsInput::ca`].
    pub ca: Option<String>,
    /// Our certificate chain and its key.
    pub identity: Option<(String, String)>,
    /// See [`TlsInput::servername`].
    pub servername: Option<String>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Tls")
    }
}

/// How to find the server that counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Topology {
    /// It is there.
    Standalone(Address),
    /// One of the masters of a cluster, of which some nodes are known.
    Cluster(Vec<Address>),
    /// These sentinels know.
    Sentinel {
        /// Where they are.
        sentinels: Vec<Address>,
        /// Under which name they watch it.
        name: String,
        /// Who we are to them.
        credentials: Credentials,
    },
}

/// A connection that holds its ranges. Equal ones share what they connect.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Connection {
    /// How to find the server.
    pub topology: Topology,
    /// Who we are.
    pub credentials: Credentials,
    /// The database's number.
    pub db: u32,
    /// Encrypts when given.
    pub tls: Option<Tls>,
    /// How long a decision may take.
    pub timeout: Duration,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// Connections for each server.
    pub pool: usize,
}

impl TryFrom<ConnectionInput> for Connection {
    type Error = ConfigError;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "whole() has checked that the number is whole and in the target's range"
    )]
    fn try_from(input: ConnectionInput) -> Result<Self, ConfigError> {
        let milliseconds = |path, number: Option<f64>, default| {
            let number = whole(path, number.unwrap_or(default), 1.0, MAX_TIMEOUT_MS)?;
            Ok(Duration::from_millis(number as u64))
        };
        let db = whole("db", input.db.unwrap_or(0.0), 0.0, 65_535.0)? as u32;
        let pool = whole("pool", input.pool.unwrap_or(1.0), 1.0, MAX_POOL)? as usize;
        let timeout = milliseconds("timeoutMs", input.timeout_ms, DEFAULT_TIMEOUT_MS)?;
        let connect_timeout =
            milliseconds("connectTimeoutMs", input.connect_timeout_ms, DEFAULT_CONNECT_TIMEOUT_MS)?;
        if input.username.is_some() && input.password.is_none() {
            return Err(required("password", "a username needs one"));
        }
        let topology = topology(&input)?;
        if db != 0 && matches!(topology, Topology::Cluster(_)) {
            let message = "a cluster has database 0 alone";
            return Err(ConfigError::new(ErrorCode::OptionConflict, "db", message));
        }
        let tls = input.tls.as_ref().map(tls).transpose()?;
        if let Some(tls) = &tls {
            super::tls::check(tls)?;
        }
        let credentials = Credentials { username: input.username, password: input.password };
        Ok(Self { topology, credentials, db, tls, timeout, connect_timeout, pool })
    }
}

fn topology(input: &ConnectionInput) -> Result<Topology, ConfigError> {
    let addresses = input.nodes.iter().enumerate().map(|(index, node)| address(index, node));
    let addresses = addresses.collect::<Result<Vec<_>, _>>()?;
    let Some(first) = addresses.first() else {
        return Err(required("nodes", "at least one address is required"));
    };
    match input.kind.as_deref().unwrap_or("standalone") {
        "standalone" if addresses.len() == 1 => Ok(Topology::Standalone(first.clone())),
        "standalone" => {
            let message = "several addresses need the kind 'cluster' or 'sentinel'";
            Err(ConfigError::new(ErrorCode::OptionConflict, "nodes", message))
        }
        "cluster" => Ok(Topology::Cluster(addresses)),
        "sentinel" => Ok(Topology::Sentinel {
            sentinels: addresses,
            name: input
                .sentinel_name
                .clone()
                .filter(|name| !name.is_empty())
                .ok_or_else(|| required("sentinelName", "is required"))?,
            credentials: Credentials {
                username: input.sentinel_username.clone(),
                password: input.sentinel_password.clone(),
            },
        }),
        other => {
            let message = format!("got {other:?}, expected 'standalone', 'cluster' or 'sentinel'");
            Err(ConfigError::new(ErrorCode::OptionValue, "kind", message))
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "whole() has checked that the number is whole and in the target's range"
)]
fn address(index: usize, node: &NodeInput) -> Result<Address, ConfigError> {
    let path = |name: &str| format!("nodes[{index}].{name}");
    match node {
        NodeInput { path: Some(_), host: Some(_), .. } => {
            let message = "a Unix socket has no host";
            Err(ConfigError::new(ErrorCode::OptionConflict, path("path"), message))
        }
        NodeInput { path: Some(socket), .. } if !socket.is_empty() => {
            Ok(Address::Unix(socket.clone()))
        }
        NodeInput { host: Some(host), port, .. } if is_host(host) => {
            let port = whole(&path("port"), port.unwrap_or(DEFAULT_PORT), 1.0, 65_535.0)?;
            Ok(Address::Tcp(host.clone(), port as u16))
        }
        _ => {
            let message = "expected a host name or address, or the path of a Unix socket";
            Err(ConfigError::new(ErrorCode::OptionValue, path("host"), message))
        }
    }
}

fn is_host(host: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:%".contains(&byte);
    (1..=255).contains(&host.len()) && host.bytes().all(is_good)
}

fn tls(input: &TlsInput) -> Result<Tls, ConfigError> {
    let identity = match (input.cert.clone(), input.key.clone()) {
        (Some(cert), Some(key)) => Some((cert, key)),
        (None, None) => None,
        (Some(_), None) => return Err(required("tls.key", "a certificate needs one")),
        (None, Some(_)) => return Err(required("tls.cert", "a key needs one")),
    };
    Ok(Tls { ca: input.ca.clone(), identity, servername: input.servername.clone() })
}

/// Checks what stands before keys.
///
/// # Errors
/// [`ErrorCode::OptionValue`] when it is too long, or holds braces, which are the hash tag's, or anything
/// that is not printable.
pub fn prefix(given: Option<String>) -> Result<String, ConfigError> {
    let prefix = given.unwrap_or_else(|| DEFAULT_PREFIX.to_owned());
    let is_good = |byte: u8| (b'!'..=b'~').contains(&byte) && !matches!(byte, b'{' | b'}');
    if prefix.len() <= MAX_PREFIX && prefix.bytes().all(is_good) {
        return Ok(prefix);
    }
    let message = format!("expected up to {MAX_PREFIX} printable ASCII characters without braces");
    Err(ConfigError::new(ErrorCode::OptionValue, "prefix", message))
}

fn required(path: &str, message: &str) -> ConfigError {
    ConfigError::new(ErrorCode::OptionRequired, path, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input() -> ConnectionInput {
        let host = Some("redis.example".to_owned());
        ConnectionInput {
            nodes: vec![NodeInput { host, ..NodeInput::default() }],
            ..ConnectionInput::default()
        }
    }

    fn path_of(input: ConnectionInput) -> String {
        Connection::try_from(input).expect_err("a refusal").path
    }

    #[test]
    fn defaults_are_those_of_the_documents() {
        let connection = Connection::try_from(input()).expect("good");
        let address = Address::Tcp("redis.example".to_owned(), 6379);
        assert_eq!(connection.topology, Topology::Standalone(address));
        assert_eq!(connection.timeout, Duration::from_millis(100));
        assert_eq!(connection.connect_timeout, Duration::from_millis(500));
        assert_eq!((connection.db, connection.pool), (0, 1));
        assert_eq!(prefix(None).expect("good"), "carapace:");
    }

    #[test]
    fn refuses_numbers_out_of_range_by_their_path() {
        for bad in [f64::NAN, -5.0, 0.5, f64::INFINITY, 1e10] {
            assert_eq!(path_of(ConnectionInput { timeout_ms: Some(bad), ..input() }), "timeoutMs");
            let connect_timeout_ms = Some(bad);
            assert_eq!(
                path_of(ConnectionInput { connect_timeout_ms, ..input() }),
                "connectTimeoutMs"
            );
            assert_eq!(path_of(ConnectionInput { db: Some(bad), ..input() }), "db");
            assert_eq!(path_of(ConnectionInput { pool: Some(bad), ..input() }), "pool");
            let nodes = vec![NodeInput { port: Some(bad), ..input().nodes[0].clone() }];
            assert_eq!(path_of(ConnectionInput { nodes, ..input() }), "nodes[0].port");
        }
    }

    #[test]
    fn refuses_contradictions() {
        let twice = vec![input().nodes[0].clone(), input().nodes[0].clone()];
        let kind = |kind: &str| Some(kind.to_owned());
        assert_eq!(path_of(ConnectionInput { nodes: twice, ..input() }), "nodes");
        assert_eq!(path_of(ConnectionInput { nodes: Vec::new(), ..input() }), "nodes");
        assert_eq!(path_of(ConnectionInput { kind: kind("x"), ..input() }), "kind");
        assert_eq!(path_of(ConnectionInput { kind: kind("sentinel"), ..input() }), "sentinelName");
        assert_eq!(
            path_of(ConnectionInput { kind: kind("cluster"), db: Some(1.0), ..input() }),
            "db"
        );
        assert_eq!(path_of(ConnectionInput { username: kind("u"), ..input() }), "password");
        for host in ["", "a b", "redis://x", "a\r\nb"] {
            let nodes = vec![NodeInput { host: kind(host), ..NodeInput::default() }];
            assert_eq!(path_of(ConnectionInput { nodes, ..input() }), "nodes[0].host", "{host}");
        }
        for bad in ["a{b", "}", "a b", "é", &"x".repeat(129)] {
            assert_eq!(prefix(Some(bad.to_owned())).expect_err("a refusal").path, "prefix");
        }
        for (cert, key, path) in [(kind("c"), None, "tls.key"), (None, kind("k"), "tls.cert")] {
            let tls = Some(TlsInput { cert, key, ..TlsInput::default() });
            assert_eq!(path_of(ConnectionInput { tls, ..input() }), path);
        }
    }

    #[test]
    fn shows_no_password() {
        let secret = || Some("hunter2".to_owned());
        let connection = Connection::try_from(ConnectionInput {
            username: Some("app".to_owned()),
            password: secret(),
            kind: Some("sentinel".to_owned()),
            sentinel_name: Some("main".to_owned()),
            sentinel_password: secret(),
            ..input()
        })
        .expect("good");
        assert!(!format!("{connection:?}").contains("hunter2"));
    }

    #[test]
    fn reads_addresses_as_clusters_write_them() {
        let asked = Address::Tcp("seed".to_owned(), 1);
        let tcp = |host: &str, port| Some(Address::Tcp(host.to_owned(), port));
        assert_eq!(Address::parse("10.0.0.1:7000", &asked), tcp("10.0.0.1", 7000));
        assert_eq!(Address::parse("2001:db8::1:7000", &asked), tcp("2001:db8::1", 7000));
        assert_eq!(Address::parse(":7000", &asked), tcp("seed", 7000));
        assert_eq!(Address::parse("?:7000", &asked), tcp("seed", 7000));
        for bad in ["", "a", "a:", "a:0", "a:70000", "a:x"] {
            assert_eq!(Address::parse(bad, &asked), None, "{bad}");
        }
    }
}
