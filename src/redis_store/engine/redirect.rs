//! Sends commands on to where their slot has moved. Nothing was run before, so nothing counts twice.

use super::{AGAIN_AFTER, Engine};
use crate::redis_store::drive::Dispatcher;
use crate::redis_store::failure::Failure;
use crate::redis_store::node::Node;
use crate::redis_store::options::Address;
use crate::redis_store::run::Command;
use std::rc::Rc;
use std::time::Instant;
use tokio::task::spawn_local;

/// How often a command is sent on at the most.
const MAX_REDIRECTS: u8 = 16;

/// What a connection does with commands that it cannot settle.
pub(super) struct Access(pub(super) Rc<Engine>);

impl Access {
    fn send_on(
        &self,
        address: &str,
        from: &Node,
        mut command: Command,
    ) -> Option<(Rc<Node>, Command)> {
        command.redirects += 1;
        let asked = from.address.borrow().clone();
        let address = Address::parse(address, &asked);
        let is_followed = self.0.is_cluster() && command.redirects <= MAX_REDIRECTS;
        if let Some(address) = address.filter(|_| is_followed) {
            return Some((self.0.node_at(&address), command));
        }
        command.fail(Failure::Moved);
        None
    }
}

impl Dispatcher for Access {
    fn moved(&self, slot: u16, address: &str, from: &Node, command: Command) {
        self.0.refresh.notify_one();
        if let Some((node, command)) = self.send_on(address, from, command) {
            self.0.slots.borrow_mut().set(slot, &node);
            node.send(command, false);
        }
    }

    fn ask(&self, address: &str, from: &Node, command: Command) {
        if let Some((node, command)) = self.send_on(address, from, command) {
            node.send(command, true);
        }
    }

    fn again(&self, mut command: Command) {
        command.redirects += 1;
        if command.redirects > MAX_REDIRECTS {
            return command.fail(Failure::Moved);
        }
        let engine = Rc::clone(&self.0);
        let deadline = command.deadline;
        spawn_local(async move {
            tokio::time::sleep(AGAIN_AFTER).await;
            for part in command.split() {
                if deadline <= Instant::now() {
                    part.fail(Failure::Timeout);
                } else {
                    engine.route(part);
                }
            }
        });
    }

    fn failed(&self, _: Failure) {
        self.0.refresh.notify_one();
    }
}
