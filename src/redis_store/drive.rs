//! Writes commands to one connection and matches the answers to them, in order, until the connection ends.

use super::failure::{Failure, Remedy, remedy};
use super::node::{Node, Phase};
use super::reply::{self, Reply};
use super::run::Command;
use super::stream::{AnyStream, Talk};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

/// What becomes of commands that the connection itself cannot settle.
pub trait Dispatcher {
    /// The slot has moved to this address for good.
    fn moved(&self, slot: u16, address: &str, from: &Node, command: Command);
    /// This once, the address is to be asked.
    fn ask(&self, address: &str, from: &Node, command: Command);
    /// It is to be sent again a little later.
    fn again(&self, command: Command);
    /// The node answered that it cannot serve.
    fn failed(&self, failure: Failure);
}

/// A command that was written. It loses its command when that is too late, but keeps its place: the answer
/// may come yet.
struct Flight {
    command: Option<Command>,
    deadline: Instant,
    /// Answers that come before the command's own.
    skip: u8,
}

/// One connection in use. Resolves to what ended it.
pub struct Drive<'engine, D: Dispatcher> {
    node: &'engine Node,
    dispatcher: &'engine D,
    stream: Box<dyn AnyStream>,
    input: Vec<u8>,
    output: Vec<u8>,
    written: usize,
    needs_flush: bool,
    flights: VecDeque<Flight>,
    timer: Pin<Box<Sleep>>,
    next_deadline: Option<Instant>,
}

/// Read at once; the longest answer of one command is shorter.
const READ_BYTES: usize = 16 * 1024;

impl<'engine, D: Dispatcher> Drive<'engine, D> {
    /// Takes over a connection that is set up.
    pub fn new(node: &'engine Node, dispatcher: &'engine D, talk: Talk) -> Self {
        let (stream, input) = talk.into_parts();
        Self {
            node,
            dispatcher,
            stream,
            input,
            output: Vec::new(),
            written: 0,
            needs_flush: false,
            flights: VecDeque::new(),
            timer: Box::pin(tokio::time::sleep_until(Instant::now().into())),
            next_deadline: None,
        }
    }

    /// Encodes what is to be sent.
    fn collect(&mut self) {
        for parcel in self.node.take() {
            if parcel.is_asking {
                self.output.extend_from_slice(b"*1\r\n$6\r\nASKING\r\n");
            }
            self.output.extend_from_slice(&parcel.command.to_wire().0);
            self.expect(parcel.command, parcel.is_asking);
        }
    }

    fn expect(&mut self, command: Command, is_asking: bool) {
        let deadline = command.deadline;
        self.next_deadline = Some(self.next_deadline.map_or(deadline, |next| next.min(deadline)));
        let skip = u8::from(is_asking);
        self.flights.push_back(Flight { command: Some(command), deadline, skip });
    }

    fn write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        while self.written < self.output.len() {
            let rest = self.output.get(self.written..).unwrap_or_default();
            let count = ready!(Pin::new(&mut self.stream).poll_write(context, rest));
            match count {
                Ok(count) if count > 0 => self.written += count,
                _ => return Poll::Ready(Err(Failure::Down)),
            }
            self.needs_flush = true;
        }
        self.output.clear();
        self.written = 0;
        if self.needs_flush {
            let flushed = ready!(Pin::new(&mut self.stream).poll_flush(context));
            self.needs_flush = false;
            return Poll::Ready(flushed.map_err(|_| Failure::Down));
        }
        Poll::Ready(Ok(()))
    }

    /// Reads what has come and settles it.
    fn read(&mut self, context: &mut Context<'_>) -> Poll<Failure> {
        loop {
            let mut bytes = [std::mem::MaybeUninit::uninit(); READ_BYTES];
            let mut buffer = ReadBuf::uninit(&mut bytes);
            match ready!(Pin::new(&mut self.stream).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(Failure::Down),
            }
            self.input.extend_from_slice(buffer.filled());
            if let Err(failure) = self.parse() {
                return Poll::Ready(failure);
            }
        }
    }

    fn parse(&mut self) -> Result<(), Failure> {
        let mut at = 0;
        let mut outcome = Ok(());
        while let Some((reply, length)) =
            reply::read(self.input.get(at..).unwrap_or_default()).map_err(|_| Failure::Script)?
        {
            at += length;
            if !matches!(reply, Reply::Push(_)) {
                outcome = self.answer(reply);
            }
            if outcome.is_err() {
                break;
            }
        }
        self.input.drain(..at);
        outcome
    }

    /// Settles the first of the flights with its answer.
    fn answer(&mut self, reply: Reply) -> Result<(), Failure> {
        // An answer to nothing: whoever this is does not speak the protocol.
        let flight = self.flights.front_mut().ok_or(Failure::Script)?;
        if flight.skip > 0 {
            flight.skip -= 1;
            return Ok(());
        }
        let Some(Flight { command: Some(command), .. }) = self.flights.pop_front() else {
            return Ok(());
        };
        self.node.circuit.borrow_mut().answered();
        match reply {
            Reply::Error(error) => self.cure(&error, command),
            reply => {
                self.node.backoff.borrow_mut().reset();
                let number = |reply: &Reply| match reply {
                    Reply::Integer(number) => u64::try_from(*number).ok(),
                    _ => None,
                };
                // After an answer that is not this command's, none can be trusted.
                let is_read = command.settle(reply.elements().iter().map(number));
                if is_read { Ok(()) } else { Err(Failure::Script) }
            }
        }
    }

    fn cure(&self, error: &str, mut command: Command) -> Result<(), Failure> {
        match remedy(error) {
            Remedy::SendText if command.with_text => command.fail(Failure::Script),
            Remedy::SendText => {
                command.with_text = true;
                self.node.send(command, false);
            }
            Remedy::Move { slot, address } => {
                self.dispatcher.moved(slot, &address, self.node, command);
            }
            Remedy::Ask { address } => self.dispatcher.ask(&address, self.node, command),
            Remedy::TryAgain => self.dispatcher.again(command),
            Remedy::Give(failure) => {
                command.fail(failure);
                self.dispatcher.failed(failure);
                if failure.wants_new_connection() {
                    return Err(failure);
                }
            }
        }
        Ok(())
    }

    /// Fails what is too late. All that is too late at one moment is one timeout.
    fn expire(&mut self, now: Instant) -> Result<(), Failure> {
        let mut next = None;
        let mut has_expired = false;
        for flight in self.flights.iter_mut().filter(|flight| flight.command.is_some()) {
            if flight.deadline > now {
                let deadline = flight.deadline;
                next = Some(next.map_or(deadline, |next: Instant| next.min(deadline)));
            } else if let Some(command) = flight.command.take() {
                command.fail(Failure::Timeout);
                has_expired = true;
            }
        }
        self.next_deadline = next;
        if has_expired && self.node.circuit.borrow_mut().timed_out() {
            return Err(Failure::CircuitOpen);
        }
        Ok(())
    }

    fn turn(&mut self, context: &mut Context<'_>) -> Poll<Failure> {
        self.node.listen(context.waker());
        if let Phase::Down(failure) = self.node.phase() {
            return Poll::Ready(failure);
        }
        loop {
            self.collect();
            if let Poll::Ready(Err(failure)) = self.write(context) {
                return Poll::Ready(failure);
            }
            if let Poll::Ready(failure) = self.read(context) {
                return Poll::Ready(failure);
            }
            if !self.node.has_mail() {
                break;
            }
        }
        self.node.set_in_flight(self.flights.len());
        self.rest(context)
    }

    /// Waits for the next deadline.
    fn rest(&mut self, context: &mut Context<'_>) -> Poll<Failure> {
        loop {
            let Some(next) = self.next_deadline else { return Poll::Pending };
            if next > Instant::now() {
                self.timer.as_mut().reset(next.into());
                ready!(self.timer.as_mut().poll(context));
            }
            if let Err(failure) = self.expire(Instant::now()) {
                return Poll::Ready(failure);
            }
        }
    }
}

impl<D: Dispatcher> Future for Drive<'_, D> {
    type Output = Failure;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Failure> {
        let failure = ready!(self.turn(context));
        // What was written may have been counted, so it is not sent again.
        let written = if failure == Failure::CircuitOpen { Failure::Timeout } else { failure };
        for flight in self.flights.drain(..) {
            if let Some(command) = flight.command {
                command.fail(written);
            }
        }
        self.node.set_in_flight(0);
        Poll::Ready(failure)
    }
}
