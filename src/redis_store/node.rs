//! One connection to one server: it is kept, and commands are written to it as they come.
//!
//! While there is none, commands fail at once with what was the matter last. Only the very first attempt is
//! waited for.

use super::circuit::{Backoff, Circuit};
use super::failure::Failure;
use super::options::Address;
use super::run::Command;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::Waker;
use std::time::Instant;

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The first attempt is under way: commands wait.
    First,
    /// Commands are written.
    Up,
    /// Commands fail.
    Down(Failure),
}

/// A command on its way out.
pub struct Parcel {
    /// The command.
    pub command: Command,
    /// Whether `ASKING` goes before it.
    pub is_asking: bool,
}

/// One connection's state, shared by those who send and the task that keeps it.
pub struct Node {
    /// Where the server is; of a sentinel's master, where it was last.
    pub address: RefCell<Address>,
    /// When timeouts open it.
    pub circuit: RefCell<Circuit>,
    /// How long to wait between attempts.
    pub backoff: RefCell<Backoff>,
    phase: Cell<Phase>,
    is_probing: Cell<bool>,
    outbox: RefCell<VecDeque<Parcel>>,
    waker: RefCell<Option<Waker>>,
    in_flight: Cell<usize>,
}

impl Node {
    /// A node that has not been connected to.
    #[must_use]
    pub fn new(address: Address) -> Self {
        Self {
            address: RefCell::new(address),
            circuit: RefCell::default(),
            backoff: RefCell::default(),
            phase: Cell::new(Phase::First),
            is_probing: Cell::new(false),
            outbox: RefCell::default(),
            waker: RefCell::default(),
            in_flight: Cell::new(0),
        }
    }

    /// How it stands.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// Whether an attempt to connect is under way.
    #[must_use]
    pub const fn is_probing(&self) -> bool {
        self.is_probing.get()
    }

    /// An attempt begins or ends.
    pub fn set_probing(&self, is_probing: bool) {
        self.is_probing.set(is_probing);
    }

    /// Sets how it stands; when down, what waits fails.
    pub fn set_phase(&self, phase: Phase) {
        self.phase.set(phase);
        if let Phase::Down(failure) = phase {
            for parcel in self.take() {
                parcel.command.fail(failure);
            }
        }
        self.wake();
    }

    /// Sends a command, or fails it.
    pub fn send(&self, command: Command, is_asking: bool) {
        if let Phase::Down(failure) = self.phase.get() {
            command.fail(failure);
            return;
        }
        self.outbox.borrow_mut().push_back(Parcel { command, is_asking });
        self.wake();
    }

    /// How many commands wait for the server.
    #[must_use]
    pub fn load(&self) -> usize {
        self.in_flight.get() + self.outbox.borrow().len()
    }

    /// Says how many commands are with the server.
    pub fn set_in_flight(&self, count: usize) {
        self.in_flight.set(count);
    }

    /// Takes what is to be written.
    #[must_use]
    pub fn take(&self) -> VecDeque<Parcel> {
        std::mem::take(&mut self.outbox.borrow_mut())
    }

    /// Whether something is to be written.
    #[must_use]
    pub fn has_mail(&self) -> bool {
        !self.outbox.borrow().is_empty()
    }

    /// Fails what has waited too long for the first connection.
    pub fn expire(&self, now: Instant) {
        let mut late = Vec::new();
        let mut kept = VecDeque::new();
        for parcel in self.take() {
            if parcel.command.deadline <= now {
                late.push(parcel.command);
            } else {
                kept.push_back(parcel);
            }
        }
        self.outbox.borrow_mut().append(&mut kept);
        for command in late {
            command.fail(Failure::Timeout);
        }
    }

    /// Whom to wake when there is something to write.
    pub fn listen(&self, waker: &Waker) {
        let mut known = self.waker.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            *known = Some(waker.clone());
        }
    }

    /// Has the connection looked at.
    pub fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }
}
