//! One environment's line to Redis: what was queued in this tick, and who waits for which answer.

use crate::bindings::hot::alarm::Alarm;
use crate::bindings::hot::{Arguments, BadArgument, HotFunction, Reply};
use crate::redis_store::batch::{Flush, Planner};
use crate::redis_store::failure::Failure;
use crate::redis_store::key::KeyWriter;
use crate::redis_store::line::{HEAD, Line, STRIDE};
use crate::redis_store::queue::{Kind, Queue};
use crate::redis_store::run::Command;
use crate::redis_store::sweep::Sweep;
use crate::redis_store::thread::Handle;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::ffi::CStr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The most calls of one environment that wait at once.
const MAX_LIVE: usize = 1 << 18;
/// Numbers that one drain takes: answers to hundreds of hits.
const OUT: usize = 8192;
/// For those whose transport is in JavaScript, which has clocks of its own.
const FOR_EVER: Duration = Duration::from_secs(86_400);

/// Who carries commands to Redis.
pub enum Transport {
    /// The I/O thread, until it is closed.
    Native(RefCell<Option<Arc<Handle>>>, Alarm),
    /// A client in JavaScript.
    Manual(RefCell<Manual>),
}

/// Commands that a client in JavaScript carries.
#[derive(Default)]
pub struct Manual {
    is_clustered: bool,
    ready: VecDeque<Command>,
    sent: HashMap<u32, Command>,
    last_id: u32,
}

impl Manual {
    /// For a client of a cluster, or of one server.
    #[must_use]
    pub fn new(is_clustered: bool) -> Self {
        Self { is_clustered, ..Self::default() }
    }
}

/// The line's state on its own thread.
pub struct LineState {
    /// The way back.
    pub line: Arc<Line>,
    /// Makes keys.
    pub keys: KeyWriter,
    /// Who carries.
    pub transport: Transport,
    /// How long a decision may take.
    pub timeout: Duration,
    queue: RefCell<Queue>,
    free: RefCell<Vec<u32>>,
    tickets: Cell<u32>,
    awaited: Cell<usize>,
}

impl LineState {
    /// A line that nothing was asked of yet.
    #[must_use]
    pub fn new(line: Arc<Line>, keys: KeyWriter, transport: Transport, timeout: Duration) -> Self {
        let (queue, free) = (RefCell::default(), RefCell::default());
        let (tickets, awaited) = (Cell::new(0), Cell::new(0));
        Self { line, keys, transport, timeout, queue, free, tickets, awaited }
    }

    /// Queues one call of so many policies, whose parts `fill` adds. Returns its ticket.
    ///
    /// # Errors
    /// [`BadArgument`] when `fill` fails; nothing is queued then.
    pub fn enqueue(
        &self,
        kind: Kind,
        policies: u8,
        fill: impl FnOnce(&mut Queue) -> Result<(), BadArgument>,
    ) -> Result<f64, BadArgument> {
        let mut queue = self.queue.borrow_mut();
        if let Err(bad) = fill(&mut queue) {
            queue.undo();
            return Err(bad);
        }
        if self.awaited.get() >= MAX_LIVE {
            queue.undo();
            let ticket = self.take_ticket();
            self.line.fail(ticket, Failure::Overloaded);
            self.line.announce();
            return Ok(ticket.into());
        }
        let ticket = self.take_ticket();
        queue.push(kind, ticket, policies);
        if kind == Kind::Hit {
            self.line.stopwatch.queued(ticket);
        }
        Ok(ticket.into())
    }

    /// Asks for all keys of these patterns to be forgotten.
    pub fn sweep(&self, patterns: Vec<String>) -> f64 {
        let ticket = self.take_ticket();
        let sweep = Sweep { patterns, line: Arc::clone(&self.line), ticket };
        match &self.transport {
            Transport::Native(handle, _) => match &*handle.borrow() {
                Some(handle) => handle.shared().sweep(sweep),
                None => sweep.fail(Failure::Closed),
            },
            Transport::Manual(_) => sweep.fail(Failure::Closed),
        }
        ticket.into()
    }

    fn take_ticket(&self) -> u32 {
        self.awaited.set(self.awaited.get() + 1);
        if let (1, Transport::Native(_, alarm)) = (self.awaited.get(), &self.transport) {
            alarm.hold(true);
        }
        self.free.borrow_mut().pop().unwrap_or_else(|| {
            let ticket = self.tickets.get();
            self.tickets.set(ticket.wrapping_add(1));
            ticket
        })
    }

    fn flush(&self) -> usize {
        let Transport::Native(handle, _) = &self.transport else { return 0 };
        let queue = std::mem::take(&mut *self.queue.borrow_mut());
        let count = queue.len();
        if count == 0 {
            return 0;
        }
        if let Some(handle) = &*handle.borrow() {
            self.line.stopwatch.handed_over(queue.tickets());
            let deadline = Instant::now() + self.timeout;
            handle.shared().submit(Flush { queue, line: Arc::clone(&self.line), deadline });
        } else {
            for ticket in queue.tickets() {
                self.line.fail(ticket, Failure::Closed);
            }
            self.line.announce();
        }
        count
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the numbers were made of a ticket and of a count below 17"
    )]
    fn drain(&self, out: &mut [f64]) -> usize {
        let count = self.line.drain(out);
        let mut free = self.free.borrow_mut();
        let mut at = 0;
        for _ in 0..count {
            let Some([ticket, _, _, policies]) = out.get(at..at + HEAD) else { break };
            free.push(*ticket as u32);
            at += HEAD + STRIDE * *policies as usize;
        }
        self.awaited.set(self.awaited.get().saturating_sub(count));
        // Only when there is no more: those who were answered may ask again at once, and then it is held anyway.
        if let (0, 0, Transport::Native(_, alarm)) = (count, self.awaited.get(), &self.transport) {
            alarm.hold(false);
        }
        count
    }

    /// The next command for a client in JavaScript, and the number that it is known by.
    pub fn take<T>(&self, read: impl FnOnce(u32, &Command) -> T) -> Option<T> {
        let Transport::Manual(manual) = &self.transport else { return None };
        let mut manual = manual.borrow_mut();
        let queue = std::mem::take(&mut *self.queue.borrow_mut());
        if !queue.is_empty() {
            let mut planner = Planner::new(manual.is_clustered);
            let line = Arc::clone(&self.line);
            planner.add(&Flush { queue, line, deadline: Instant::now() + FOR_EVER });
            manual.ready.extend(planner.finish());
        }
        let command = manual.ready.pop_front()?;
        manual.last_id = manual.last_id.wrapping_add(1);
        let id = manual.last_id;
        let batch = read(id, &command);
        manual.sent.insert(id, command);
        Some(batch)
    }

    /// The command that a client in JavaScript has an answer to.
    #[must_use]
    pub fn sent(&self, id: u32) -> Option<Command> {
        let Transport::Manual(manual) = &self.transport else { return None };
        manual.borrow_mut().sent.remove(&id)
    }
}

/// `flush()`: hands what was queued over, and says how much.
pub struct FlushCall(pub Rc<LineState>);

impl HotFunction for FlushCall {
    const NAME: &'static CStr = c"flush";
    const OUT: usize = 0;

    #[expect(clippy::cast_precision_loss, reason = "a queue is far below 2^53")]
    fn call(&self, _: &Arguments<'_>, _: &mut [f64]) -> Result<Reply, BadArgument> {
        Ok(Reply::Number(self.0.flush() as f64))
    }
}

/// `drain()`: writes answers into `out`, and says how many; to be called until there are none.
pub struct DrainCall(pub Rc<LineState>);

impl HotFunction for DrainCall {
    const NAME: &'static CStr = c"drain";
    const OUT: usize = OUT;

    #[expect(clippy::cast_precision_loss, reason = "the count is below 8192")]
    fn call(&self, _: &Arguments<'_>, out: &mut [f64]) -> Result<Reply, BadArgument> {
        Ok(Reply::Number(self.0.drain(out) as f64))
    }
}
