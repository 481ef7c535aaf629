//! Keeps a connection: connects, drives it until it ends, waits, and connects again.

use super::redirect::Access;
use super::{AGAIN_AFTER, Engine};
use crate::redis_store::drive::Drive;
use crate::redis_store::failure::Failure;
use crate::redis_store::node::{Node, Phase};
use crate::redis_store::options::Topology;
use crate::redis_store::sentinel;
use crate::redis_store::stream::Talk;
use std::future::Future;
use std::rc::Rc;
use std::time::Instant;

impl Engine {
    /// Keeps one connection for as long as the node is wanted.
    pub(super) async fn keep(self: &Rc<Self>, node: &Rc<Node>) {
        let access = Access(Rc::clone(self));
        while self.nodes.borrow().iter().any(|known| Rc::ptr_eq(known, node)) {
            node.set_probing(true);
            self.publish();
            let attempt = self.connect(node);
            let outcome = self.while_expiring(node, attempt).await;
            node.set_probing(false);
            let failure = match outcome {
                Ok(talk) => {
                    node.circuit.borrow_mut().probed();
                    node.set_phase(Phase::Up);
                    self.publish();
                    Drive::new(node, &access, talk).await
                }
                Err(failure) => failure,
            };
            node.set_phase(Phase::Down(shown(node, failure)));
            self.publish();
            self.refresh.notify_one();
            let pause = node.backoff.borrow_mut().pause(random());
            tokio::time::sleep(pause).await;
        }
    }

    async fn connect(&self, node: &Node) -> Result<Talk, Failure> {
        let connection = &self.shared.connection;
        let attempt = async {
            if let Topology::Sentinel { sentinels, name, credentials } = &connection.topology {
                let found = sentinel::find_master(
                    sentinels,
                    name,
                    credentials,
                    connection,
                    self.config.as_ref(),
                );
                *node.address.borrow_mut() = found.await?;
            }
            let address = node.address.borrow().clone();
            let mut talk = Talk::open(&address, connection, self.config.as_ref()).await?;
            let hello = talk.set_up(connection).await?;
            if hello.is_replica {
                return Err(Failure::Readonly);
            }
            // A server that answers, but too late for any decision, is no better than one that does not.
            let is_late = hello.delay > connection.timeout;
            if is_late && node.circuit.borrow().is_open() {
                Err(Failure::Timeout)
            } else {
                Ok(talk)
            }
        };
        match tokio::time::timeout(connection.connect_timeout, attempt).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::Down),
        }
    }

    /// Waits for `attempt`, and fails what waits for it too long.
    pub(super) async fn while_expiring<T>(
        &self,
        node: &Node,
        attempt: impl Future<Output = T>,
    ) -> T {
        let mut attempt = std::pin::pin!(attempt);
        loop {
            tokio::select! {
                outcome = &mut attempt => return outcome,
                () = tokio::time::sleep(AGAIN_AFTER) => {
                    node.expire(Instant::now());
                    self.expire_held();
                }
            }
        }
    }

    fn expire_held(&self) {
        let now = Instant::now();
        let held = std::mem::take(&mut *self.held.borrow_mut());
        let (late, kept): (Vec<_>, Vec<_>) =
            held.into_iter().partition(|command| command.deadline <= now);
        self.held.borrow_mut().extend(kept);
        for command in late {
            command.fail(Failure::Timeout);
        }
    }
}

/// An open circuit stays the reason until an answer comes in time.
fn shown(node: &Node, failure: Failure) -> Failure {
    let is_open = node.circuit.borrow().is_open();
    let is_vague = matches!(failure, Failure::Down | Failure::Timeout);
    if is_open && is_vague { Failure::CircuitOpen } else { failure }
}

/// Any number: it only keeps processes from coming all at once.
fn random() -> u64 {
    use std::hash::BuildHasher;
    std::hash::RandomState::new().hash_one(0)
}
