//! How a connection set stands, summed up.

use super::Engine;
use crate::redis_store::failure::Failure;
use crate::redis_store::node::Phase;
use crate::redis_store::status::{CircuitState, NodeStatus, State, Status};

impl Engine {
    /// Tells how everything stands.
    pub(super) fn publish(&self) {
        let nodes = self.nodes.borrow();
        let mut status = Status { state: State::Up, ..Status::default() };
        if nodes.is_empty() {
            (status.state, status.failure) = state_of(self.map_phase.get());
        }
        for node in nodes.iter() {
            let (state, failure) = state_of(node.phase());
            let address = node.address.borrow().to_string();
            status.nodes.push(NodeStatus { address, state, failure });
            status.failure = failure.or(status.failure);
            status.state = match (status.state, state) {
                (State::Down, _) | (_, State::Down) => State::Down,
                (State::Connecting, _) | (_, State::Connecting) => State::Connecting,
                _ => State::Up,
            };
            if node.circuit.borrow().is_open() {
                let is_probing = node.is_probing();
                status.circuit =
                    if is_probing { CircuitState::HalfOpen } else { CircuitState::Open };
            }
        }
        drop(nodes);
        self.shared.board.write(status);
    }
}

const fn state_of(phase: Phase) -> (State, Option<Failure>) {
    match phase {
        Phase::First => (State::Connecting, None),
        Phase::Up => (State::Up, None),
        Phase::Down(failure) => (State::Down, Some(failure)),
    }
}
