//! One connection set at work, on the I/O thread: takes what is handed over, plans commands and sends each
//! to the server that counts its keys.

mod cluster;
mod keep;
mod redirect;
mod report;

use super::batch::{Flush, Planner};
use super::failure::Failure;
use super::node::{Node, Phase};
use super::options::{Address, Connection, Topology};
use super::run::Command;
use super::slots::SlotMap;
use super::status::{Board, State, Status};
use super::{sweep, tls};
use parking_lot::Mutex;
use rustls::ClientConfig;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::{AbortHandle, spawn_local};

/// How long a command waits while a slot moves.
const AGAIN_AFTER: Duration = Duration::from_millis(5);

/// What crosses from JavaScript's threads to the I/O thread.
#[derive(Default)]
struct Inbox {
    flushes: Vec<Flush>,
    sweeps: Vec<sweep::Sweep>,
}

/// The part of a connection set that every thread sees.
pub struct Shared {
    /// Where Redis is.
    pub connection: Connection,
    /// How it stands.
    pub board: Board,
    inbox: Mutex<Inbox>,
    notify: Notify,
    is_closed: AtomicBool,
}

impl Shared {
    /// A connection set before it is connected.
    #[must_use]
    pub fn new(connection: Connection) -> Self {
        Self {
            connection,
            board: Board::default(),
            inbox: Mutex::default(),
            notify: Notify::new(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// Hands jobs over.
    pub fn submit(&self, flush: Flush) {
        let mut inbox = self.inbox.lock();
        if self.is_closed.load(Ordering::Relaxed) {
            drop(inbox);
            for ticket in flush.queue.tickets() {
                flush.line.fail(ticket, Failure::Closed);
            }
            flush.line.announce();
            return;
        }
        inbox.flushes.push(flush);
        drop(inbox);
        self.notify.notify_one();
    }

    /// Asks for keys to be forgotten.
    pub fn sweep(&self, sweep: sweep::Sweep) {
        if self.is_closed.load(Ordering::Relaxed) {
            return sweep.fail(Failure::Closed);
        }
        self.inbox.lock().sweeps.push(sweep);
        self.notify.notify_one();
    }

    /// Fails what was handed over and not taken yet.
    pub fn give_up(&self, failure: Failure) {
        let Inbox { flushes, sweeps } = std::mem::take(&mut *self.inbox.lock());
        for flush in flushes {
            for ticket in flush.queue.tickets() {
                flush.line.fail(ticket, failure);
            }
            flush.line.announce();
        }
        for sweep in sweeps {
            sweep.fail(failure);
        }
    }

    /// Ends it: what waits fails.
    pub fn close(&self) {
        {
            // Under the lock, so that nothing is handed over that nobody takes.
            let _inbox = self.inbox.lock();
            self.is_closed.store(true, Ordering::Relaxed);
        }
        self.notify.notify_one();
    }
}

/// One connection set on the I/O thread.
pub struct Engine {
    shared: Arc<Shared>,
    config: Option<Arc<ClientConfig>>,
    /// Standalone and sentinel: the connections to the one server. Cluster: those of the slot map.
    nodes: RefCell<Vec<Rc<Node>>>,
    slots: RefCell<SlotMap>,
    /// Commands that wait for the first slot map.
    held: RefCell<Vec<Command>>,
    map_phase: Cell<Phase>,
    refresh: Notify,
    tasks: RefCell<Vec<AbortHandle>>,
}

impl Engine {
    /// Runs until the connection set is closed.
    pub async fn run(shared: Arc<Shared>) {
        let config = shared.connection.tls.as_ref().and_then(|tls| tls::config(tls).ok());
        let engine = Rc::new(Self {
            config,
            nodes: RefCell::default(),
            slots: RefCell::new(SlotMap::default()),
            held: RefCell::default(),
            map_phase: Cell::new(Phase::First),
            refresh: Notify::new(),
            tasks: RefCell::default(),
            shared,
        });
        let _end = EndTasks(Rc::clone(&engine));
        engine.start();
        while !engine.shared.is_closed.load(Ordering::Relaxed) {
            engine.take();
            engine.shared.notify.notified().await;
        }
        engine.close();
    }

    fn is_cluster(&self) -> bool {
        matches!(self.shared.connection.topology, Topology::Cluster(_))
    }

    fn start(self: &Rc<Self>) {
        let address = match &self.shared.connection.topology {
            Topology::Standalone(address) => address.clone(),
            Topology::Sentinel { sentinels, .. } => match sentinels.first() {
                Some(address) => address.clone(),
                None => return,
            },
            Topology::Cluster(_) => {
                self.supervise(|engine| async move { engine.follow_cluster().await });
                return;
            }
        };
        for _ in 0..self.shared.connection.pool {
            self.add_node(address.clone());
        }
    }

    fn add_node(self: &Rc<Self>, address: Address) -> Rc<Node> {
        let node = Rc::new(Node::new(address));
        self.nodes.borrow_mut().push(Rc::clone(&node));
        let kept = Rc::downgrade(&node);
        self.supervise(move |engine| {
            let node = kept.upgrade();
            async move {
                if let Some(node) = node {
                    engine.keep(&node).await;
                }
            }
        });
        node
    }

    /// Runs a task, again when it panics: whoever waited on it has been told that Redis is down.
    fn supervise<F: Future<Output = ()> + 'static>(
        self: &Rc<Self>,
        task: impl Fn(Rc<Self>) -> F + 'static,
    ) {
        let weak = Rc::downgrade(self);
        let supervisor = spawn_local(async move {
            while let Some(engine) = weak.upgrade() {
                let running = AbortOnDrop(spawn_local(task(engine)));
                match running.join().await {
                    Err(error) if error.is_panic() => tokio::time::sleep(AGAIN_AFTER).await,
                    _ => return,
                }
            }
        });
        let mut tasks = self.tasks.borrow_mut();
        tasks.retain(|task| !task.is_finished());
        tasks.push(supervisor.abort_handle());
    }

    /// Plans what was handed over and sends it.
    fn take(self: &Rc<Self>) {
        let Inbox { flushes, sweeps } = std::mem::take(&mut *self.shared.inbox.lock());
        let mut planner = Planner::new(self.is_cluster());
        for flush in &flushes {
            planner.add(flush);
        }
        for command in planner.finish() {
            self.route(command);
        }
        for sweep in sweeps {
            self.begin_sweep(sweep);
        }
    }

    fn begin_sweep(self: &Rc<Self>, sweep: sweep::Sweep) {
        let nodes = self.nodes.borrow();
        let addresses: BTreeSet<_> =
            nodes.iter().map(|node| node.address.borrow().clone()).collect();
        drop(nodes);
        let (shared, config) = (Arc::clone(&self.shared), self.config.clone());
        let handle = spawn_local(async move {
            sweep.run(&addresses, &shared.connection, config.as_ref()).await;
        });
        self.tasks.borrow_mut().push(handle.abort_handle());
    }

    fn route(self: &Rc<Self>, command: Command) {
        let Some(slot) = command.slot else {
            let least = self.nodes.borrow().iter().min_by_key(|node| node.load()).cloned();
            match least {
                Some(node) => node.send(command, false),
                None => command.fail(Failure::Down),
            }
            return;
        };
        let node = self.slots.borrow().node(slot);
        match (node, self.map_phase.get()) {
            (Some(node), _) => node.send(command, false),
            (None, Phase::First) => {
                self.held.borrow_mut().push(command);
                self.refresh.notify_one();
            }
            (None, Phase::Down(failure)) => command.fail(failure),
            (None, Phase::Up) => {
                self.refresh.notify_one();
                command.fail(Failure::ClusterDown);
            }
        }
    }

    /// The node at this address, made when it is new.
    fn node_at(self: &Rc<Self>, address: &Address) -> Rc<Node> {
        let known =
            self.nodes.borrow().iter().find(|node| *node.address.borrow() == *address).cloned();
        known.unwrap_or_else(|| self.add_node(address.clone()))
    }

    fn close(&self) {
        for node in self.nodes.borrow().iter() {
            node.set_phase(Phase::Down(Failure::Closed));
        }
        for command in std::mem::take(&mut *self.held.borrow_mut()) {
            command.fail(Failure::Closed);
        }
        self.shared.give_up(Failure::Closed);
        self.shared.board.write(Status { state: State::Closed, ..Status::default() });
    }
}

/// Ends a task with the one that waits for it.
struct AbortOnDrop(tokio::task::JoinHandle<()>);

impl AbortOnDrop {
    async fn join(mut self) -> Result<(), tokio::task::JoinError> {
        (&mut self.0).await
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Ends all tasks of an engine when it ends, by a panic too.
struct EndTasks(Rc<Engine>);

impl Drop for EndTasks {
    fn drop(&mut self) {
        for task in self.0.tasks.borrow().iter() {
            task.abort();
        }
    }
}
