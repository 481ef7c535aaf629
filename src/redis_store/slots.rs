//! Which server of a cluster counts which slot.

use super::failure::Failure;
use super::key::SLOTS;
use super::node::Node;
use super::options::{Address, Connection};
use super::reply::Reply;
use super::stream::{Talk, good};
use rustls::ClientConfig;
use std::rc::Rc;
use std::sync::Arc;

/// Slots that follow each other and their master.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The first slot.
    pub first: u16,
    /// The last one.
    pub last: u16,
    /// Who counts them.
    pub address: Address,
}

/// For each slot the master's connection.
#[derive(Default)]
pub struct SlotMap {
    slots: Vec<Option<Rc<Node>>>,
}

impl SlotMap {
    /// Whether nothing is known.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// Who counts the slot.
    #[must_use]
    pub fn node(&self, slot: u16) -> Option<Rc<Node>> {
        self.slots.get(usize::from(slot)).cloned().flatten()
    }

    /// Notes that the slot has moved.
    pub fn set(&mut self, slot: u16, node: &Rc<Node>) {
        self.slots.resize(usize::from(SLOTS), None);
        if let Some(place) = self.slots.get_mut(usize::from(slot)) {
            *place = Some(Rc::clone(node));
        }
    }

    /// Notes who counts these slots.
    pub fn assign(&mut self, range: &Range, node: &Rc<Node>) {
        for slot in range.first..=range.last {
            self.set(slot, node);
        }
    }

    /// Whether the node counts any slot.
    #[must_use]
    pub fn serves(&self, node: &Rc<Node>) -> bool {
        self.slots.iter().flatten().any(|known| Rc::ptr_eq(known, node))
    }
}

/// Asks a node of the cluster who counts what.
///
/// # Errors
/// The failure that the server names; [`Failure::ClusterDown`] when it is no cluster or knows of no master.
pub async fn look(
    address: &Address,
    connection: &Connection,
    config: Option<&Arc<ClientConfig>>,
) -> Result<Vec<Range>, Failure> {
    let mut talk = Talk::open(address, connection, config).await?;
    talk.greet(&connection.credentials).await?;
    let reply = match talk.ask(&[b"CLUSTER", b"SLOTS"]).await? {
        Reply::Error(error) if error.contains("cluster support disabled") => {
            return Err(Failure::ClusterDown);
        }
        reply => good(reply)?,
    };
    let ranges = read(&reply, address);
    if ranges.is_empty() { Err(Failure::ClusterDown) } else { Ok(ranges) }
}

/// Reads the answer to `CLUSTER SLOTS`; what cannot be read is left out.
#[must_use]
pub fn read(reply: &Reply, asked: &Address) -> Vec<Range> {
    let read_one = |entry: &Reply| {
        let [first, last, master, ..] = entry.elements() else { return None };
        let slot = |reply: &Reply| {
            reply.number().and_then(|slot| u16::try_from(slot).ok()).filter(|slot| *slot < SLOTS)
        };
        let [host, port, ..] = master.elements() else { return None };
        // The preferred endpoint may be unknown to the node itself: then it is where it was asked.
        let host = host.text().unwrap_or_default();
        let port = u16::try_from(port.number()?).ok()?;
        let address = Address::parse(&format!("{host}:{port}"), asked)?;
        Some(Range { first: slot(first)?, last: slot(last)?, address })
    };
    reply.elements().iter().filter_map(read_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Reply {
        Reply::Bytes(text.as_bytes().to_vec())
    }

    #[test]
    fn reads_what_it_can() {
        let asked = Address::Tcp("seed".to_owned(), 7000);
        let entry = |first, last, host: Reply, port| {
            let master = Reply::Array(vec![host, Reply::Integer(port), bytes("id")]);
            let replica = Reply::Array(vec![bytes("10.0.0.9"), Reply::Integer(1), bytes("id")]);
            Reply::Array(vec![Reply::Integer(first), Reply::Integer(last), master, replica])
        };
        let reply = Reply::Array(vec![
            entry(0, 100, bytes("10.0.0.1"), 7001),
            entry(101, 16_383, Reply::Nil, 7002),
            entry(5, 16_384, bytes("10.0.0.1"), 7001),
            entry(-1, 5, bytes("10.0.0.1"), 7001),
            entry(1, 5, bytes("10.0.0.1"), 70_000),
            Reply::Nil,
            Reply::Array(vec![Reply::Integer(1)]),
        ]);
        let tcp = |host: &str, port| Address::Tcp(host.to_owned(), port);
        let expected = vec![
            Range { first: 0, last: 100, address: tcp("10.0.0.1", 7001) },
            Range { first: 101, last: 16_383, address: tcp("seed", 7002) },
        ];
        assert_eq!(read(&reply, &asked), expected);
        assert_eq!(read(&Reply::Nil, &asked), []);
    }

    #[test]
    fn a_slot_can_move_alone() {
        let [one, other] =
            [1, 2].map(|port| Rc::new(Node::new(Address::Tcp("h".to_owned(), port))));
        let mut map = SlotMap::default();
        assert!(map.is_empty() && map.node(3).is_none());
        let address = one.address.borrow().clone();
        map.assign(&Range { first: 0, last: 16_383, address }, &one);
        map.set(3, &other);
        assert!(map.node(3).is_some_and(|node| Rc::ptr_eq(&node, &other)));
        assert!(map.node(4).is_some_and(|node| Rc::ptr_eq(&node, &one)));
        assert!(map.serves(&one) && map.serves(&other) && map.node(16_384).is_none());
    }
}
