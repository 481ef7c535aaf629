//! Opening a host store, and what becomes of its file.
#![expect(clippy::needless_pass_by_value, reason = "the derive hands options over by value")]

use super::error::SetupError;
use super::hooks;
use crate::rate_limit::Counters;
use napi_derive::napi;

/// The options of `hostStore` as they come from JavaScript.
#[napi(object)]
pub struct HostStoreInput {
    /// The file.
    pub path: String,
    /// Keys that the table is made for.
    pub max_keys: Option<f64>,
}

/// Something that happened to the file of a store.
#[napi(object, object_from_js = false)]
pub struct HostStoreChange {
    /// `followed`, `remade` or `detached`.
    pub kind: String,
    /// Why.
    pub reason: Option<String>,
}

/// An opened store.
#[napi]
pub struct HostStoreFile {
    counters: Counters,
    damage: Option<&'static str>,
}

#[napi]
impl HostStoreFile {
    /// Opens the store, or makes it.
    ///
    /// # Errors
    /// `ERR_CARAPACE_OPTION_VALUE` for `maxKeys` out of range, `ERR_CARAPACE_STORE_FILE` when the file cannot
    /// be used or made.
    #[napi(factory, catch_unwind)]
    pub fn open(input: HostStoreInput) -> Result<Self, SetupError> {
        hooks::crossing(hooks::Kind::Config);
        Ok(platform::open(&input)?)
    }

    /// Why the file that was there could not be used and was replaced, if so.
    #[napi(getter, catch_unwind)]
    #[must_use]
    pub fn damage(&self) -> Option<&'static str> {
        self.damage
    }

    /// What has happened to the file and was not told yet, oldest first.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn take_changes(&self) -> Vec<HostStoreChange> {
        hooks::crossing(hooks::Kind::Rare);
        platform::changes(&self.counters)
    }
}

impl HostStoreFile {
    /// What a limiter counts in.
    pub(super) fn counters(&self) -> Counters {
        self.counters.clone()
    }
}

#[cfg(unix)]
mod platform {
    use super::{HostStoreChange, HostStoreFile, HostStoreInput};
    use crate::error::ConfigError;
    use crate::host_store::{Change, HostStore, Origin};
    use crate::rate_limit::{Counters, HostCounters};
    use std::path::Path;
    use std::sync::Arc;

    pub(super) fn open(input: &HostStoreInput) -> Result<HostStoreFile, ConfigError> {
        let (store, origin) = HostStore::open(Path::new(&input.path), input.max_keys)?;
        let damage = match origin {
            Origin::Kept | Origin::Created => None,
            Origin::Replaced(damage) => Some(damage.as_str()),
        };
        let counters = Counters::from(Arc::new(HostCounters::new(store)));
        Ok(HostStoreFile { counters, damage })
    }

    pub(super) fn changes(counters: &Counters) -> Vec<HostStoreChange> {
        let Counters::Host(counters) = counters else { return Vec::new() };
        let changes = counters.file().take_changes().into_iter();
        changes.map(HostStoreChange::from).collect()
    }

    impl From<Change> for HostStoreChange {
        fn from(change: Change) -> Self {
            let (kind, reason) = match change {
                Change::Followed => ("followed", None),
                Change::Remade(damage) => {
                    ("remade", Some(damage.map_or("missing", |damage| damage.as_str()).to_owned()))
                }
                Change::Detached(reason) => ("detached", Some(reason)),
            };
            Self { kind: kind.to_owned(), reason }
        }
    }
}

#[cfg(not(unix))]
mod platform {
    use super::{HostStoreChange, HostStoreFile, HostStoreInput};
    use crate::error::{ConfigError, ErrorCode};
    use crate::rate_limit::Counters;

    pub(super) fn open(_: &HostStoreInput) -> Result<HostStoreFile, ConfigError> {
        let message = "a host store needs Linux or macOS";
        Err(ConfigError::new(ErrorCode::StoreFile, "path", message))
    }

    pub(super) fn changes(_: &Counters) -> Vec<HostStoreChange> {
        Vec::new()
    }
}
