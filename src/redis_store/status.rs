//! What is known of a connection, for people and for events.

use super::failure::Failure;
use super::line::Line;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    /// The first attempt is under way.
    #[default]
    Connecting,
    /// Redis decides.
    Up,
    /// Redis does not answer, or not well.
    Down,
    /// It was closed.
    Closed,
}

impl State {
    /// The public name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Up => "up",
            Self::Down => "down",
            Self::Closed => "closed",
        }
    }
}

/// Whether Redis is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CircuitState {
    /// It is not.
    #[default]
    Closed,
    /// It is.
    Open,
    /// It is asked whether it answers in time again.
    HalfOpen,
}

impl CircuitState {
    /// The public name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// One server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStatus {
    /// Where it is.
    pub address: String,
    /// How its connection stands.
    pub state: State,
    /// What was the matter last.
    pub failure: Option<Failure>,
}

/// A connection set at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Status {
    /// How it stands: up when every server that is needed is.
    pub state: State,
    /// The worst of its servers' circuits.
    pub circuit: CircuitState,
    /// What was the matter last.
    pub failure: Option<Failure>,
    /// The servers.
    pub nodes: Vec<NodeStatus>,
    /// Grows with every change.
    pub version: u32,
}

/// The latest status, and who wants to hear of the next.
#[derive(Default)]
pub struct Board {
    status: Mutex<Status>,
    version: AtomicU32,
    lines: Mutex<Vec<Weak<Line>>>,
}

impl Board {
    /// The latest status.
    #[must_use]
    pub fn read(&self) -> Status {
        self.status.lock().clone()
    }

    /// The latest status's version.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version.load(Ordering::Acquire)
    }

    /// Tells this line of every change from now on.
    pub fn attach(&self, line: &Arc<Line>) {
        let mut lines = self.lines.lock();
        lines.retain(|line| line.strong_count() > 0);
        lines.push(Arc::downgrade(line));
    }

    /// Notes the status, and tells when it is another one than before. A closed connection stays closed.
    pub fn write(&self, mut status: Status) {
        {
            let mut known = self.status.lock();
            status.version = known.version;
            if *known == status || known.state == State::Closed {
                return;
            }
            status.version = known.version.wrapping_add(1);
            self.version.store(status.version, Ordering::Release);
            *known = status;
        }
        let lines: Vec<_> = self.lines.lock().iter().filter_map(Weak::upgrade).collect();
        for line in lines {
            line.tell();
        }
    }
}
