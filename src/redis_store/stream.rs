//! Opening a connection, up to the point where scripts can run.

use super::command::Wire;
use super::failure::{Failure, named};
use super::options::{Address, Connection, Credentials};
use super::reply::{self, Reply};
use super::scripts::{CHANGE, HIT};
use super::tls;
use rustls::ClientConfig;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A connection of whichever kind.
pub trait AnyStream: AsyncRead + AsyncWrite + Unpin {}

impl<S: AsyncRead + AsyncWrite + Unpin> AnyStream for S {}

/// A connection that answers one question after the other: for set-up and rare work.
pub struct Talk {
    stream: Box<dyn AnyStream>,
    input: Vec<u8>,
}

/// What a server says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hello {
    /// Whether it only copies another one.
    pub is_replica: bool,
    /// How long it took to answer the last question of the set-up.
    pub delay: Duration,
}

impl Talk {
    /// Connects, and encrypts when `config` says so.
    ///
    /// # Errors
    /// [`Failure::Down`] when nobody listens, [`Failure::Tls`] when encryption cannot be had.
    pub async fn open(
        address: &Address,
        connection: &Connection,
        config: Option<&Arc<ClientConfig>>,
    ) -> Result<Self, Failure> {
        let stream = plain(address).await.map_err(|_| Failure::Down)?;
        let (Some(config), Some(options)) = (config, &connection.tls) else {
            return Ok(Self { stream, input: Vec::new() });
        };
        let name = tls::server_name(options, address).ok_or(Failure::Tls)?;
        let connected = TlsConnector::from(Arc::clone(config)).connect(name, stream).await;
        let stream = connected.map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => Failure::Tls,
            _ => Failure::Down,
        })?;
        Ok(Self { stream: Box::new(stream), input: Vec::new() })
    }

    /// Talks over a stream of the test's.
    #[cfg(test)]
    pub(super) fn over(stream: Box<dyn AnyStream>) -> Self {
        Self { stream, input: Vec::new() }
    }

    /// Asks one thing.
    ///
    /// # Errors
    /// [`Failure::Down`] when the connection ends, [`Failure::Script`] when the answer is none.
    pub async fn ask(&mut self, words: &[&[u8]]) -> Result<Reply, Failure> {
        self.send(&Wire::of(words)).await?;
        self.reply().await
    }

    /// Sends.
    ///
    /// # Errors
    /// [`Failure::Down`] when the connection ends.
    pub async fn send(&mut self, wire: &Wire) -> Result<(), Failure> {
        self.stream.write_all(&wire.0).await.map_err(down)?;
        self.stream.flush().await.map_err(down)
    }

    /// Waits for a reply; pushes are left out.
    ///
    /// # Errors
    /// Those of [`Talk::ask`].
    pub async fn reply(&mut self) -> Result<Reply, Failure> {
        loop {
            match reply::read(&self.input).map_err(|_| Failure::Script)? {
                Some((reply, length)) => {
                    self.input.drain(..length);
                    if !matches!(reply, Reply::Push(_)) {
                        return Ok(reply);
                    }
                }
                None => {
                    if self.stream.read_buf(&mut self.input).await.map_err(down)? == 0 {
                        return Err(Failure::Down);
                    }
                }
            }
        }
    }

    /// Says who we are, chooses the database and makes the scripts known.
    ///
    /// # Errors
    /// The failure that the server names.
    pub async fn set_up(&mut self, connection: &Connection) -> Result<Hello, Failure> {
        let mut hello = self.greet(&connection.credentials).await?;
        if connection.db != 0 {
            good(self.ask(&[b"SELECT", connection.db.to_string().as_bytes()]).await?)?;
        }
        for script in [&HIT, &CHANGE] {
            match self.ask(&[b"SCRIPT", b"LOAD", script.text.as_bytes()]).await? {
                // A user who may run scripts but not load them sends the text once.
                Reply::Error(error) if error.starts_with("NOPERM") => {}
                Reply::Error(error) => return Err(named(&error)),
                _ => {}
            }
        }
        let asked = Instant::now();
        self.ask(&[b"PING"]).await?;
        hello.delay = asked.elapsed();
        Ok(hello)
    }

    /// Asks for RESP3, and takes RESP2 where there is none.
    ///
    /// # Errors
    /// The failure that the server names.
    pub async fn greet(&mut self, credentials: &Credentials) -> Result<Hello, Failure> {
        let user = credentials.username.as_deref().unwrap_or("default").as_bytes();
        let password = credentials.password.as_deref().map(str::as_bytes);
        let reply = match password {
            Some(password) => self.ask(&[b"HELLO", b"3", b"AUTH", user, password]).await?,
            None => self.ask(&[b"HELLO", b"3"]).await?,
        };
        let role = match reply {
            Reply::Error(error) if !is_unknown_hello(&error) => return Err(named(&error)),
            Reply::Error(_) => {
                self.authenticate(credentials).await?;
                // Whether it is a replica is nice to know, but not everybody may ask.
                let role = self.ask(&[b"ROLE"]).await?;
                role.elements().first().and_then(Reply::text).map(str::to_owned)
            }
            hello => hello.field("role").and_then(Reply::text).map(str::to_owned),
        };
        let is_replica = matches!(role.as_deref(), Some("replica" | "slave"));
        Ok(Hello { is_replica, delay: Duration::ZERO })
    }

    async fn authenticate(&mut self, credentials: &Credentials) -> Result<(), Failure> {
        let reply = match (&credentials.username, &credentials.password) {
            (_, None) => return Ok(()),
            (None, Some(password)) => self.ask(&[b"AUTH", password.as_bytes()]).await?,
            (Some(user), Some(password)) => {
                self.ask(&[b"AUTH", user.as_bytes(), password.as_bytes()]).await?
            }
        };
        good(reply).map(drop)
    }

    /// The stream, and what has been read beyond the last reply.
    #[must_use]
    pub fn into_parts(self) -> (Box<dyn AnyStream>, Vec<u8>) {
        (self.stream, self.input)
    }
}

/// Servers before version 6, and proxies, do not know the command or the protocol.
fn is_unknown_hello(error: &str) -> bool {
    error.starts_with("NOPROTO")
        || error.starts_with("ERR unknown command")
        || error.starts_with("ERR Protocol")
        || error.starts_with("ERR unsupported")
}

/// A reply that is no error.
///
/// # Errors
/// The failure that an error reply names.
pub fn good(reply: Reply) -> Result<Reply, Failure> {
    match reply {
        Reply::Error(error) => Err(named(&error)),
        reply => Ok(reply),
    }
}

fn down(_: io::Error) -> Failure {
    Failure::Down
}

async fn plain(address: &Address) -> io::Result<Box<dyn AnyStream>> {
    match address {
        Address::Tcp(host, port) => {
            let stream = TcpStream::connect((host.as_str(), *port)).await?;
            // A batch is one write: waiting for more would only delay it.
            stream.set_nodelay(true)?;
            Ok(Box::new(stream))
        }
        #[cfg(unix)]
        Address::Unix(path) => Ok(Box::new(tokio::net::UnixStream::connect(path).await?)),
        #[cfg(not(unix))]
        Address::Unix(_) => Err(io::ErrorKind::Unsupported.into()),
    }
}
