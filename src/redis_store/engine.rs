//! One connection set at work, on the I/O thread: takes what is handed over, plans commands and sends each
//! to the server that counts its keys.

use super::batch::{Command, Flush, Planner};
use super::drive::{Dispatcher, Drive};
use super::failure::Failure;
use super::node::{Node, Phase};
use super::options::{Address, Connection, Topology};
use super::slots::SlotMap;
use super::status::{Board, CircuitState, NodeStatus, State, Status};
use super::stream::Talk;
use super::{sentinel, sweep, tls};
use parking_lot::Mutex;
use rustls::ClientConfig;
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::{AbortHandle, spawn_local};

/// How long a command waits while a slot moves.
const AGAIN_AFTER: Duration = Duration::from_millis(5);
/// How often a command is sent on at the most.
const MAX_REDIRECTS: u8 = 16;
/// Between two looks at a cluster that changes.
const REFRESH_PAUSE: Duration = Duration::from_millis(100);

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
        let addresses: BTreeSet<_> = nodes.iter().map(|node| node.address.borrow().clone()).collect();
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

    /// Keeps one connection for as long as the node is wanted.
    async fn keep(self: &Rc<Self>, node: &Rc<Node>) {
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
            node.set_phase(Phase::Down(self.shown(node, failure)));
            self.publish();
            self.refresh.notify_one();
            let pause = node.backoff.borrow_mut().pause(random());
            tokio::time::sleep(pause).await;
        }
    }

    /// An open circuit stays the reason until an answer comes in time.
    fn shown(&self, node: &Node, failure: Failure) -> Failure {
        let is_open = node.circuit.borrow().is_open();
        let is_vague = matches!(failure, Failure::Down | Failure::Timeout);
        if is_open && is_vague { Failure::CircuitOpen } else { failure }
    }

    async fn connect(&self, node: &Node) -> Result<Talk, Failure> {
        let connection = &self.shared.connection;
        let attempt = async {
            if let Topology::Sentinel { sentinels, name, credentials } = &connection.topology {
                let found =
                    sentinel::find_master(sentinels, name, credentials, connection, self.config.as_ref());
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
            if is_late && node.circuit.borrow().is_open() { Err(Failure::Timeout) } else { Ok(talk) }
        };
        match tokio::time::timeout(connection.connect_timeout, attempt).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failure::Down),
        }
    }

    /// Waits for `attempt`, and fails what waits for it too long.
    async fn while_expiring<T>(&self, node: &Node, attempt: impl Future<Output = T>) -> T {
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

    /// Keeps the slot map true.
    async fn follow_cluster(self: Rc<Self>) {
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
    async fn look_at_cluster(&self) -> Result<Vec<super::slots::Range>, Failure> {
        let connection = &self.shared.connection;
        let Topology::Cluster(seeds) = &connection.topology else { return Err(Failure::Down) };
        let known = self.nodes.borrow();
        let up = known.iter().filter(|node| node.phase() == Phase::Up);
        let mut addresses: Vec<_> = up.map(|node| node.address.borrow().clone()).collect();
        drop(known);
        addresses.extend(seeds.iter().cloned());
        let mut worst = Failure::Down;
        for address in addresses {
            let look = super::slots::look(&address, connection, self.config.as_ref());
            match tokio::time::timeout(connection.connect_timeout, look).await {
                Ok(Ok(map)) => return Ok(map),
                Ok(Err(failure)) => worst = failure,
                Err(_) => {}
            }
        }
        Err(worst)
    }

    fn adopt(self: &Rc<Self>, map: &[super::slots::Range]) {
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

    /// Tells how everything stands.
    fn publish(&self) {
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

    fn close(&self) {
        for node in self.nodes.borrow().iter() {
            node.set_phase(Phase::Down(Failure::Closed));
        }
        for command in std::mem::take(&mut *self.held.borrow_mut()) {
            command.fail(Failure::Closed);
        }
        let Inbox { flushes, sweeps } = std::mem::take(&mut *self.shared.inbox.lock());
        for flush in flushes {
            for ticket in flush.queue.tickets() {
                flush.line.fail(ticket, Failure::Closed);
            }
            flush.line.announce();
        }
        for sweep in sweeps {
            sweep.fail(Failure::Closed);
        }
        self.shared.board.write(Status { state: State::Closed, ..Status::default() });
    }
}

const fn state_of(phase: Phase) -> (State, Option<Failure>) {
    match phase {
        Phase::First => (State::Connecting, None),
        Phase::Up => (State::Up, None),
        Phase::Down(failure) => (State::Down, Some(failure)),
    }
}

/// What a connection does with commands that it cannot settle.
struct Access(Rc<Engine>);

impl Access {
    fn send_on(&self, address: &str, from: &Node, mut command: Command) -> Option<(Rc<Node>, Command)> {
        command.redirects += 1;
        let asked = from.address.borrow().clone();
        let address = Address::parse(address, &asked);
        match address.filter(|_| self.0.is_cluster() && command.redirects <= MAX_REDIRECTS) {
            Some(address) => Some((self.0.node_at(&address), command)),
            None => {
                command.fail(Failure::Moved);
                None
            }
        }
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

/// Any number: it only keeps processes from coming all at once.
fn random() -> u64 {
    use std::hash::BuildHasher;
    std::hash::RandomState::new().hash_one(0)
}
