//! The short way for few hits: the thread that asks writes to the socket itself when the connection is idle.
//!
//! Handing over to the I/O thread takes a wake-up of it, which costs more than the write. So while nothing
//! else is under way, the caller writes, and the I/O thread only reads the answer. It looks in now and then
//! for what is too late: a deadline is met to within [`LOOK_EVERY`].

use super::run::Command;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io::Write;
use std::time::Duration;

/// How often the I/O thread looks in while the short way is used.
pub const LOOK_EVERY: Duration = Duration::from_millis(10);

/// Writes to a connection's socket without waiting.
pub type Writer = Box<dyn Write + Send>;

struct Open {
    writer: Writer,
    /// What was written and the I/O thread has not taken over yet.
    written: VecDeque<Command>,
    /// What the socket had no room for.
    rest: Vec<u8>,
    is_idle: bool,
    /// Whether the I/O thread looks in.
    is_watched: bool,
}

/// The short way of one connection; closed while there is none.
#[derive(Default)]
pub struct Shortcut(Mutex<Option<Open>>);

/// What became of an attempt.
pub enum Sent {
    /// It was written.
    Written,
    /// It was written, and the I/O thread has to be told.
    WrittenUnseen,
    /// The way is not free.
    Refused(Command),
}

impl Shortcut {
    /// Opens the way; the connection is idle.
    pub fn open(&self, writer: Writer) {
        let (written, rest) = (VecDeque::new(), Vec::new());
        *self.0.lock() = Some(Open { writer, written, rest, is_idle: true, is_watched: false });
    }

    /// Closes the way. Returns what was written and nobody waits for.
    #[must_use]
    pub fn close(&self) -> VecDeque<Command> {
        self.0.lock().take().map(|open| open.written).unwrap_or_default()
    }

    /// Whether it is worth to try.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.0.try_lock().is_some_and(|open| open.as_ref().is_some_and(|open| open.is_idle))
    }

    /// Writes a command.
    pub fn send(&self, command: Command) -> Sent {
        let Some(mut guard) = self.0.try_lock() else { return Sent::Refused(command) };
        let Some(open) = guard.as_mut().filter(|open| open.is_idle) else {
            return Sent::Refused(command);
        };
        open.is_idle = false;
        let wire = command.to_wire().0;
        // From here on it may have been counted, so it is not taken back whatever the socket says; that it is
        // broken, the I/O thread finds out.
        open.written.push_back(command);
        let count = open.writer.write(&wire).unwrap_or(0);
        if count < wire.len() {
            open.rest = wire.get(count..).unwrap_or_default().to_vec();
            return Sent::WrittenUnseen;
        }
        if open.is_watched {
            return Sent::Written;
        }
        open.is_watched = true;
        Sent::WrittenUnseen
    }

    /// Takes over what was written, and what is left to write. From now on the way is not free until
    /// [`Shortcut::settle`] says so.
    pub fn take(&self, output: &mut Vec<u8>) -> VecDeque<Command> {
        let mut guard = self.0.lock();
        let Some(open) = guard.as_mut() else { return VecDeque::new() };
        open.is_idle = false;
        output.append(&mut open.rest);
        std::mem::take(&mut open.written)
    }

    /// Says whether nothing is under way, and whether the I/O thread goes on looking in. False when something
    /// was written meanwhile: then nothing changes, and that is to be taken over.
    #[must_use]
    pub fn settle(&self, is_idle: bool, is_watched: bool) -> bool {
        let mut guard = self.0.lock();
        let Some(open) = guard.as_mut() else { return true };
        if !open.written.is_empty() {
            return false;
        }
        (open.is_idle, open.is_watched) = (is_idle, is_watched);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis_store::failure::Failure;
    use crate::redis_store::scripts::HIT;
    use std::io;
    use std::sync::Arc;
    use std::time::Instant;

    /// Takes so many bytes of each write.
    struct Socket(usize, Arc<Mutex<Vec<u8>>>);

    impl Write for Socket {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let count = bytes.len().min(self.0);
            self.1.lock().extend_from_slice(&bytes[..count]);
            if count == 0 { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(count) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn command() -> Command {
        Command::new(&HIT, None, Instant::now())
    }

    fn open(takes: usize) -> (Shortcut, Arc<Mutex<Vec<u8>>>) {
        let (shortcut, bytes) = (Shortcut::default(), Arc::default());
        shortcut.open(Box::new(Socket(takes, Arc::clone(&bytes))));
        (shortcut, bytes)
    }

    #[test]
    fn is_free_again_when_the_answer_has_come() {
        let (shortcut, bytes) = open(usize::MAX);
        assert!(shortcut.is_free());
        assert!(matches!(shortcut.send(command()), Sent::WrittenUnseen), "nobody looks in yet");
        assert!(!bytes.lock().is_empty());
        assert!(matches!(shortcut.send(command()), Sent::Refused(_)));
        assert!(!shortcut.settle(true, true), "it has to be taken over first");
        assert_eq!(shortcut.take(&mut Vec::new()).len(), 1);
        assert!(!shortcut.is_free(), "it is under way");
        assert!(shortcut.settle(true, true) && shortcut.is_free());
        assert!(matches!(shortcut.send(command()), Sent::Written), "somebody looks in");
    }

    #[test]
    fn is_not_free_while_the_io_thread_writes() {
        let (shortcut, _) = open(usize::MAX);
        assert!(shortcut.take(&mut Vec::new()).is_empty());
        assert!(!shortcut.is_free());
    }

    #[test]
    fn what_the_socket_does_not_take_is_left_to_the_io_thread() {
        for takes in [0, 3] {
            let (shortcut, bytes) = open(takes);
            let sent = command();
            let wire = sent.to_wire().0;
            assert!(matches!(shortcut.send(sent), Sent::WrittenUnseen));
            let mut rest = Vec::new();
            assert_eq!(shortcut.take(&mut rest).len(), 1);
            assert_eq!([bytes.lock().clone(), rest].concat(), wire);
        }
    }

    #[test]
    fn a_closed_one_gives_back_what_nobody_waits_for() {
        let (shortcut, _) = open(usize::MAX);
        drop(shortcut.send(command()));
        for command in shortcut.close() {
            command.fail(Failure::Down);
        }
        assert!(!shortcut.is_free() && shortcut.close().is_empty());
        assert!(matches!(shortcut.send(command()), Sent::Refused(_)));
    }
}
