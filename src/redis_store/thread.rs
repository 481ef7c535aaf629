//! The one I/O thread of the process, and who uses it. It begins with the first store and costs nothing
//! while nothing is to be done.

use super::engine::{Engine, Shared};
use super::failure::Failure;
use super::options::Connection;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock, Weak};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{LocalSet, spawn_local};

/// A connection set in use. The last handle closes it.
pub struct Handle {
    shared: Arc<Shared>,
}

impl Handle {
    /// The connection set.
    #[must_use]
    pub const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.close();
    }
}

#[derive(Default)]
struct Registry {
    handles: HashMap<Connection, Weak<Handle>>,
    /// Connection sets whose engine is to run, so that a thread that is started again finds them.
    running: Vec<Weak<Shared>>,
    sender: Option<UnboundedSender<Arc<Shared>>>,
}

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(Mutex::default);

/// The connection set of this configuration, which all of the process share.
#[must_use]
pub fn open(connection: &Connection) -> Arc<Handle> {
    let mut registry = REGISTRY.lock();
    if let Some(handle) = registry.handles.get(connection).and_then(Weak::upgrade) {
        return handle;
    }
    let shared = Arc::new(Shared::new(connection.clone()));
    let handle = Arc::new(Handle { shared: Arc::clone(&shared) });
    registry.handles.retain(|_, handle| handle.strong_count() > 0);
    registry.handles.insert(connection.clone(), Arc::downgrade(&handle));
    registry.running.retain(|shared| shared.strong_count() > 0);
    registry.running.push(Arc::downgrade(&shared));
    if registry.sender.is_none() {
        registry.sender = start();
    }
    match &registry.sender {
        Some(sender) => drop(sender.send(shared)),
        // The system has no thread to give: every hit is told at once, and nobody waits.
        None => shared.close(),
    }
    handle
}

fn start() -> Option<UnboundedSender<Arc<Shared>>> {
    let (sender, mut receiver) = unbounded_channel();
    let thread = std::thread::Builder::new().name("carapace-redis".to_owned());
    let spawned = thread.spawn(move || {
        loop {
            let outcome = catch_unwind(AssertUnwindSafe(|| run(&mut receiver)));
            if matches!(outcome, Ok(Ok(()))) {
                return;
            }
            // What was in hand has been answered as failed; begin anew, but not in a hot loop.
            std::thread::sleep(Duration::from_millis(20));
            let running = REGISTRY.lock().running.clone();
            while receiver.try_recv().is_ok() {}
            let running: Vec<_> = running.iter().filter_map(Weak::upgrade).collect();
            for shared in &running {
                shared.give_up(Failure::Down);
            }
            *RESTART.lock() = running;
        }
    });
    spawned.ok().map(|_| sender)
}

/// Connection sets that a restarted thread begins with.
static RESTART: Mutex<Vec<Arc<Shared>>> = Mutex::new(Vec::new());

fn run(receiver: &mut UnboundedReceiver<Arc<Shared>>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        for shared in std::mem::take(&mut *RESTART.lock()) {
            spawn_local(keep(shared));
        }
        while let Some(shared) = receiver.recv().await {
            spawn_local(keep(shared));
        }
    });
    Ok(())
}

/// Runs an engine, again when it panics.
async fn keep(shared: Arc<Shared>) {
    loop {
        let running = spawn_local(Engine::run(Arc::clone(&shared)));
        match running.await {
            Err(error) if error.is_panic() => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            _ => return,
        }
    }
}
