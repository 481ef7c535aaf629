//! The table in its file, followed when somebody puts another file in its place.

use super::file::{self, Identity, Opened, Origin, Wish};
use super::header::{Damage, Header};
use super::mapping::Mapping;
use super::table::Refusal;
use crate::error::{ConfigError, ErrorCode};
use crate::rate_limit::state::State;
use parking_lot::{Mutex, RwLock};
use portable_atomic::AtomicU128;
use siphasher::sip128::{Hasher128, SipHasher13};
use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Keys that a table is made for unless told otherwise: 16 MiB.
pub const DEFAULT_MAX_KEYS: f64 = 262_144.0;
const MAX_KEYS: f64 = 100_000_000.0;
/// How often the path is looked at, in ms.
pub const LOOK_INTERVAL_MS: u64 = 1_000;

/// Something happened to the file while it was in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Another file has taken its place, and is used now; what the old one knew is gone. The reason is
    /// known to the process that did it.
    Followed,
    /// The file was gone or damaged, and this process has made a new one.
    Remade(Option<Damage>),
    /// The file in its place cannot be used, for this reason. Counting goes on in the old one, alone.
    Detached(String),
}

/// A store that all processes of a user which open the same path share.
#[derive(Debug)]
pub struct HostStore {
    path: PathBuf,
    buckets: u64,
    clock: fn() -> u64,
    /// May be some milliseconds behind.
    coarse_clock: fn() -> u64,
    current: RwLock<(Mapping, Identity)>,
    next_look_ms: AtomicU64,
    /// How many changes there were, so that asking costs one load.
    change_count: AtomicU64,
    changes: Mutex<Vec<Change>>,
}

impl HostStore {
    /// Opens the store at `path` or makes it. A file made for another number of keys, or damaged, or of
    /// another version, is replaced, and what it knew is forgotten. `max_keys` is a whole number up to 10^8,
    /// [`DEFAULT_MAX_KEYS`] unless given; the file has 64 bytes for each and 4096 more.
    ///
    /// # Errors
    /// [`ErrorCode::OptionValue`] for `max_keys` out of range; [`ErrorCode::StoreFile`] when the file or its
    /// directory is not safe to use, cannot be had, or the processor cannot swap 128 bits at once.
    pub fn open(path: &Path, max_keys: Option<f64>) -> Result<(Self, Origin), ConfigError> {
        if !AtomicU128::is_lock_free() {
            let message = "this processor cannot swap 128 bits at once (no cmpxchg16b)";
            return Err(ConfigError::new(ErrorCode::StoreFile, "path", message));
        }
        let max_keys = max_keys.unwrap_or(DEFAULT_MAX_KEYS);
        let max_keys = crate::rate_limit::options::whole("maxKeys", max_keys, 1.0, MAX_KEYS)?;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "just checked")]
        let buckets = Header::buckets_for(max_keys as u64);
        let Opened { mapping, identity, origin } = file::open(path, buckets, Wish::AsConfigured)?;
        let store = Self {
            path: path.to_owned(),
            buckets,
            clock: system_clock_ms,
            coarse_clock: coarse_clock_ms,
            current: RwLock::new((mapping, identity)),
            next_look_ms: AtomicU64::new(0),
            change_count: AtomicU64::new(0),
            changes: Mutex::default(),
        };
        Ok((store, origin))
    }

    /// The same store by another clock, in ms since 1970: for tests.
    #[must_use]
    pub fn with_clock(self, clock: fn() -> u64) -> Self {
        Self { clock, coarse_clock: clock, ..self }
    }

    /// The system's time in ms since 1970: the same for every process of the host.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        (self.clock)()
    }

    /// Applies `algorithm` to the state of a key and the time, see [`super::Table::update`].
    ///
    /// # Errors
    /// [`Refusal::Full`] for a new key when no place can be made.
    pub fn update<R>(
        &self,
        place: u128,
        algorithm: impl FnMut(State, u64) -> (State, R),
    ) -> Result<R, Refusal> {
        self.look((self.coarse_clock)());
        self.current.read().0.table().update(place, self.clock, algorithm)
    }

    /// Hashes a key, whole, with the file's secret.
    #[must_use]
    pub fn hash(&self, key: &impl Hash) -> u128 {
        let seed = self.current.read().0.header.seed;
        let mut hasher = SipHasher13::new_with_keys(seed.0, seed.1);
        key.hash(&mut hasher);
        hasher.finish128().as_u128()
    }

    /// Forgets every key of a policy and returns how many they were. Cost: the whole table is read.
    pub fn clear(&self, policy: u32) -> usize {
        self.current.read().0.table().clear(policy)
    }

    /// How many keys there are that have not expired. Cost: the whole table is read.
    #[must_use]
    pub fn len(&self) -> usize {
        self.current.read().0.table().len(self.now_ms())
    }

    /// Whether every key has expired. Cost: the whole table is read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many changes of the file there were since it was opened.
    #[must_use]
    pub fn change_count(&self) -> u64 {
        self.change_count.load(Ordering::Relaxed)
    }

    /// The changes not taken yet, oldest first.
    #[must_use]
    pub fn take_changes(&self) -> Vec<Change> {
        std::mem::take(&mut self.changes.lock())
    }

    /// Looks, once a second, whether the path still leads to the file in use, and follows it if not.
    fn look(&self, now_ms: u64) {
        let due_ms = self.next_look_ms.load(Ordering::Relaxed);
        // A clock that was set back must not end the looking.
        if now_ms >= due_ms || due_ms - now_ms > LOOK_INTERVAL_MS {
            self.look_now(now_ms, due_ms);
        }
    }

    #[cold]
    fn look_now(&self, now_ms: u64, due_ms: u64) {
        let next_ms = now_ms.saturating_add(LOOK_INTERVAL_MS);
        let order = Ordering::Relaxed;
        if self.next_look_ms.compare_exchange(due_ms, next_ms, order, order).is_err() {
            return;
        }
        if Identity::at(&self.path) == Some(self.current.read().1) {
            return;
        }
        match file::open(&self.path, self.buckets, Wish::AsItIs) {
            Ok(Opened { mapping, identity, origin }) => {
                *self.current.write() = (mapping, identity);
                self.report(match origin {
                    Origin::Kept => Change::Followed,
                    Origin::Created => Change::Remade(None),
                    Origin::Replaced(damage) => Change::Remade(Some(damage)),
                });
            }
            Err(error) => self.report(Change::Detached(error.message)),
        }
    }

    fn report(&self, change: Change) {
        let mut changes = self.changes.lock();
        // It is tried every second, and said once.
        if changes.last() != Some(&change) {
            changes.push(change);
            self.change_count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn system_clock_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// The system's clock as of its last tick, some milliseconds ago at the most: a quarter of the price.
fn coarse_clock_ms() -> u64 {
    #[cfg(target_os = "linux")]
    {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse);
        let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
        seconds.saturating_mul(1_000) + u64::try_from(time.tv_nsec).unwrap_or(0) / 1_000_000
    }
    #[cfg(not(target_os = "linux"))]
    system_clock_ms()
}
