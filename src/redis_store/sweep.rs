//! Forgets every key of a limiter, page by page, on a connection of its own so that no decision waits for it.

use super::command::Wire;
use super::failure::Failure;
use super::line::Line;
use super::options::{Address, Connection};
use super::reply::Reply;
use super::stream::{Talk, good};
use rustls::ClientConfig;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// Keys that Redis looks at for one page.
const PAGE: &[u8] = b"500";
/// A sweep that takes longer is given up.
const LONGEST: Duration = Duration::from_secs(60);

/// One call of `resetAll`.
pub struct Sweep {
    /// The patterns of the limiter's policies.
    pub patterns: Vec<String>,
    /// Where the answer goes.
    pub line: Arc<Line>,
    /// What it is known by.
    pub ticket: u32,
}

impl Sweep {
    /// Answers that there is no answer.
    pub fn fail(&self, failure: Failure) {
        self.line.fail(self.ticket, failure);
        self.line.announce();
    }

    /// Sweeps these servers, and answers how many keys were forgotten.
    pub async fn run(
        self,
        addresses: &BTreeSet<Address>,
        connection: &Connection,
        config: Option<&Arc<ClientConfig>>,
    ) {
        let guard = Unanswered(Some(self));
        let Some(sweep) = &guard.0 else { return };
        let all = async {
            let mut count = 0;
            for address in addresses {
                count += sweep.clear(address, connection, config).await?;
            }
            if addresses.is_empty() { Err(Failure::Down) } else { Ok(count) }
        };
        let outcome = tokio::time::timeout(LONGEST, all).await.unwrap_or(Err(Failure::Timeout));
        guard.answer(outcome);
    }

    async fn clear(
        &self,
        address: &Address,
        connection: &Connection,
        config: Option<&Arc<ClientConfig>>,
    ) -> Result<u32, Failure> {
        let opening = Talk::open(address, connection, config);
        let limit = connection.connect_timeout;
        let mut talk = tokio::time::timeout(limit, opening).await.map_err(|_| Failure::Down)??;
        talk.set_up(connection).await?;
        let mut count = 0;
        for pattern in &self.patterns {
            let mut cursor = b"0".to_vec();
            loop {
                let words: [&[u8]; 6] =
                    [b"SCAN", &cursor, b"MATCH", pattern.as_bytes(), b"COUNT", PAGE];
                let reply = good(talk.ask(&words).await?)?;
                let [Reply::Bytes(next), keys] = reply.elements() else {
                    return Err(Failure::Script);
                };
                count += unlink(&mut talk, keys.elements()).await?;
                if next == b"0" {
                    break;
                }
                cursor.clone_from(next);
            }
        }
        Ok(count)
    }
}

/// One command for each key, because in a cluster they lie in different slots.
async fn unlink(talk: &mut Talk, keys: &[Reply]) -> Result<u32, Failure> {
    let mut wire = Wire::default();
    let mut sent = 0;
    for key in keys {
        if let Reply::Bytes(key) = key {
            wire.begin(2);
            wire.word(b"UNLINK");
            wire.word(key);
            sent += 1;
        }
    }
    talk.send(&wire).await?;
    let mut count = 0;
    for _ in 0..sent {
        match talk.reply().await? {
            Reply::Integer(1) => count += 1,
            // In a cluster the slot moved on meanwhile.
            Reply::Error(error) if error.starts_with("MOVED") || error.starts_with("ASK") => {}
            reply => drop(good(reply)?),
        }
    }
    Ok(count)
}

/// Answers a sweep that ends early.
struct Unanswered(Option<Sweep>);

impl Unanswered {
    fn answer(mut self, outcome: Result<u32, Failure>) {
        let Some(sweep) = self.0.take() else { return };
        match outcome {
            Ok(count) => {
                sweep.line.add(&[f64::from(sweep.ticket), f64::from(count), 0.0, 0.0]);
                sweep.line.announce();
            }
            Err(failure) => sweep.fail(failure),
        }
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(sweep) = self.0.take() {
            sweep.fail(Failure::Closed);
        }
    }
}
