//! Opening a host store, and what becomes of its file.

use super::error::SetupError;
use super::hooks;
use crate::rate_limit::Counters;
use napi::bindgen_prelude::External;
use napi_derive::napi;

/// The options of `hostStore` as they come from JavaScript.
#[napi(object)]
pub struct HostStoreInput {
    /// The file.
    pub path: String,
    /// Keys that the table is made for.
    pub max_keys: Option<f64>,
}

/// An opened store, as limiters take it.
pub struct HostStoreHandle(
    /// What a limiter counts in.
    pub Counters,
);

/// An opened store.
#[napi(object, object_from_js = false)]
pub struct OpenedHostStore {
    /// For `createRateLimiter`.
    pub handle: External<HostStoreHandle>,
    /// `kept`, `created` or `replaced`.
    pub origin: String,
    /// Why the file that was there could not be used.
    pub damage: Option<String>,
}

/// Something that happened to the file of a store.
#[napi(object, object_from_js = false)]
pub struct HostStoreChange {
    /// `followed`, `remade` or `detached`.
    pub kind: String,
    /// Why.
    pub reason: Option<String>,
}

#[cfg(unix)]
mod platform {
    use super::{HostStoreChange, HostStoreHandle, HostStoreInput, OpenedHostStore};
    use crate::error::ConfigError;
    use crate::host_store::{Change, HostStore, Origin};
    use crate::rate_limit::{Counters, HostCounters};
    use napi::bindgen_prelude::External;
    use std::path::Path;
    use std::sync::Arc;

    pub(super) fn open(input: &HostStoreInput) -> Result<OpenedHostStore, ConfigError> {
        let (store, origin) = HostStore::open(Path::new(&input.path), input.max_keys)?;
        let (origin, damage) = match origin {
            Origin::Kept => ("kept", None),
            Origin::Created => ("created", None),
            Origin::Replaced(damage) => ("replaced", Some(damage.as_str().to_owned())),
        };
        let counters = Counters::from(Arc::new(HostCounters::new(store)));
        Ok(OpenedHostStore {
            handle: External::new(HostStoreHandle(counters)),
            origin: origin.to_owned(),
            damage,
        })
    }

    pub(super) fn changes(handle: &HostStoreHandle) -> Vec<HostStoreChange> {
        let Counters::Host(counters) = &handle.0 else { return Vec::new() };
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
    use super::{HostStoreChange, HostStoreHandle, HostStoreInput, OpenedHostStore};
    use crate::error::{ConfigError, ErrorCode};

    pub(super) fn open(_: &HostStoreInput) -> Result<OpenedHostStore, ConfigError> {
        let message = "a host store needs Linux or macOS";
        Err(ConfigError::new(ErrorCode::StoreFile, "path", message))
    }

    pub(super) fn changes(_: &HostStoreHandle) -> Vec<HostStoreChange> {
        Vec::new()
    }
}

/// Opens the store, or makes it.
///
/// # Errors
/// `ERR_CARAPACE_OPTION_VALUE` for `maxKeys` out of range, `ERR_CARAPACE_STORE_FILE` when the file cannot be
/// used or made.
#[napi(catch_unwind)]
#[expect(clippy::needless_pass_by_value, reason = "that is how it comes from JavaScript")]
pub fn open_host_store(input: HostStoreInput) -> Result<OpenedHostStore, SetupError> {
    hooks::crossing(hooks::Kind::Config);
    Ok(platform::open(&input)?)
}

/// What has happened to the store's file and was not told yet, oldest first.
#[napi(catch_unwind)]
#[must_use]
pub fn take_host_store_changes(handle: &External<HostStoreHandle>) -> Vec<HostStoreChange> {
    hooks::crossing(hooks::Kind::Rare);
    platform::changes(handle)
}
