//! Follows a cluster: who counts which slot, and which connections that takes.

use super::Engine;
use crate::redis_store::failure::Failure;
use crate::redis_store::node::{Node, Phase};
use crate::redis_store::options::{Address, Topology};
use crate::redis_store::slots::{Range, SlotMap, look};
use std::rc::Rc;
use std::time::Duration;

/// Between two looks at a cluster that changes.
const REFRESH_PAUSE: Duration = Duration::from_millis(100);

impl Engine {
    /// Keeps the slot map true.
    pub(super) async fn follow_cluster(self: Rc<Self>) {
        let outside = Node::new(Address::Unix(String::new()));
        loop {
            let look = self.look_at_cluster();
            match self.while_expiring(&outside, look).await {
                Ok(map) => {
                    self.adopt(&map);
                    self.map_phase.set(Phase::Up);
                }
                Err(failure) if self.slots.borrow().is_empty() => {
                    self.map_phase.set(Phase::Down(failure));
                }
                Err(_) => {}
            }
            self.publish();
            for command in std::mem::take(&mut *self.held.borrow_mut()) {
                self.route(command);
            }
            tokio::time::sleep(REFRESH_PAUSE).await;
            let is_whole = self.map_phase.get() == Phase::Up
                && self.nodes.borrow().iter().all(|node| !matches!(node.phase(), Phase::Down(_)));
            let longest = if is_whole { Duration::from_secs(60) } else { REFRESH_PAUSE };
            drop(tokio::time::timeout(longest, self.refresh.notified()).await);
        }
    }

    /// Asks the nodes that are known, then the seeds, until one says who serves what.
    async fn look_at_cluster(&self) -> Result<Vec<Range>, Failure> {
        let connection = &self.shared.connection;
        let Topology::Cluster(seeds) = &connection.topology else { return Err(Failure::Down) };
        let mut addresses = self.addresses_in_use();
        addresses.extend(seeds.iter().cloned());
        let mut worst = Failure::Down;
        for address in addresses {
            let look = look(&address, connection, self.config.as_ref());
            match tokio::time::timeout(connection.connect_timeout, look).await {
                Ok(Ok(map)) => return Ok(map),
                Ok(Err(failure)) => worst = failure,
                Err(_) => {}
            }
        }
        Err(worst)
    }

    fn addresses_in_use(&self) -> Vec<Address> {
        let known = self.nodes.borrow();
        let up = known.iter().filter(|node| node.phase() == Phase::Up);
        up.map(|node| node.address.borrow().clone()).collect()
    }

    fn adopt(self: &Rc<Self>, map: &[Range]) {
        let mut slots = SlotMap::default();
        for range in map {
            let node = self.node_at(&range.address);
            slots.assign(range, &node);
        }
        // A node that serves nothing any more ends with its last owner.
        let unused = |node: &Rc<Node>| !slots.serves(node);
        for node in self.nodes.borrow().iter().filter(|node| unused(node)) {
            node.set_phase(Phase::Down(Failure::Moved));
        }
        self.nodes.borrow_mut().retain(|node| slots.serves(node));
        *self.slots.borrow_mut() = slots;
    }
}
