//! The limiter's set-up and its one call per request.
#![expect(clippy::needless_pass_by_value, reason = "the derive hands options over by value")]

use super::client_key::{ClientRules, KeyReader};
use super::error::SetupError;
use super::hooks;
use super::hot::{Arguments, BadArgument, HotFunction, HotHandle, Reply};
use crate::rate_limit::{Limit, LimitInput, ProcessStore};
use napi_derive::napi;
use std::ffi::CStr;

/// The options of `rateLimit` as they come from JavaScript.
#[napi(object)]
pub struct RateLimitInput {
    /// Hits allowed in a window.
    pub limit: f64,
    /// Length of the window in milliseconds.
    pub window_ms: Option<f64>,
    /// Leading bits of an IPv6 address that tell clients apart.
    pub ipv6_prefix: Option<f64>,
    /// Keys held at the most.
    pub max_keys: Option<f64>,
}

/// `hit(peer, forwarded, nowMs)`, or `hit(key, '', nowMs)` for keys that the app gives: 1 when the request may pass, 0 when not; `out` holds the count and the reset time.
pub struct Hit {
    store: ProcessStore,
    keys: KeyReader,
}

impl HotFunction for Hit {
    const NAME: &'static CStr = c"hit";
    const OUT: usize = 2;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "milliseconds since 1970 are whole and far below 2^53; a negative clock counts as 0"
    )]
    fn call(&self, arguments: &Arguments<'_>, out: &mut [f64]) -> Result<Reply, BadArgument> {
        let now = arguments.number(2)? as u64;
        let decision = self.keys.read(arguments, 0, |key| self.store.hit_key(key, now))?;
        if let [used, reset_at] = out {
            *used = f64::from(decision.used);
            *reset_at = decision.reset_at_ms as f64;
        }
        Ok(Reply::Number(f64::from(u8::from(decision.is_allowed))))
    }
}

/// Checks the options and makes the table.
///
/// # Errors
/// `ERR_CARAPACE_OPTION_VALUE` for a number out of its range.
#[napi(
    catch_unwind,
    ts_return_type = "((peer: string, forwarded: string, nowMs: number) => number) & { readonly out: Float64Array }"
)]
pub fn create_rate_limiter(
    input: RateLimitInput,
    client: &ClientRules,
    has_given_keys: bool,
) -> Result<HotHandle<Hit>, SetupError> {
    hooks::crossing(hooks::Kind::Config);
    let RateLimitInput { limit, window_ms, ipv6_prefix, max_keys } = input;
    let limit = Limit::try_from(LimitInput { limit, window_ms, ipv6_prefix, max_keys })?;
    let keys = client.key_reader(has_given_keys);
    Ok(HotHandle(Hit { store: ProcessStore::new(limit), keys }))
}
