//! Asks sentinels where the master is.

use super::failure::Failure;
use super::options::{Address, Connection, Credentials};
use super::reply::Reply;
use super::stream::{Talk, good};
use rustls::ClientConfig;
use std::sync::Arc;

/// The master as the first sentinel knows it that answers. Whether it is one, the connection to it finds out.
///
/// # Errors
/// [`Failure::Down`] when no sentinel knows it, [`Failure::Auth`] when they do not let us in.
pub async fn find_master(
    sentinels: &[Address],
    name: &str,
    credentials: &Credentials,
    connection: &Connection,
    config: Option<&Arc<ClientConfig>>,
) -> Result<Address, Failure> {
    let mut worst = Failure::Down;
    // One that hangs must not cost the others their time.
    let patience = connection.connect_timeout / 4;
    for sentinel in sentinels {
        let asked = ask(sentinel, name, credentials, connection, config);
        match tokio::time::timeout(patience, asked).await {
            Ok(Ok(address)) => return Ok(address),
            Ok(Err(failure)) => worst = failure,
            Err(_) => {}
        }
    }
    Err(worst)
}

async fn ask(
    sentinel: &Address,
    name: &str,
    credentials: &Credentials,
    connection: &Connection,
    config: Option<&Arc<ClientConfig>>,
) -> Result<Address, Failure> {
    let mut talk = Talk::open(sentinel, connection, config).await?;
    if credentials.password.is_some() {
        talk.greet(credentials).await?;
    }
    let words: [&[u8]; 3] = [b"SENTINEL", b"GET-MASTER-ADDR-BY-NAME", name.as_bytes()];
    let reply = good(talk.ask(&words).await?)?;
    read(&reply, sentinel).ok_or(Failure::Down)
}

fn read(reply: &Reply, asked: &Address) -> Option<Address> {
    let [host, port] = reply.elements() else { return None };
    Address::parse(&format!("{}:{}", host.text()?, port.text()?), asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_address() {
        let bytes = |text: &str| Reply::Bytes(text.as_bytes().to_vec());
        let asked = Address::Tcp("s".to_owned(), 26_379);
        let reply = Reply::Array(vec![bytes("10.0.0.1"), bytes("6379")]);
        assert_eq!(read(&reply, &asked), Some(Address::Tcp("10.0.0.1".to_owned(), 6379)));
        for bad in [Reply::Nil, Reply::Array(vec![]), Reply::Array(vec![bytes("a"), bytes("x")])] {
            assert_eq!(read(&bad, &asked), None);
        }
    }
}
