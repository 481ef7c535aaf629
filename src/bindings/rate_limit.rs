//! The limiter's set-up and its calls on the request path.
//!
//! Every call names the keys first: one string for all policies, or an array with one for each, in which
//! `undefined` leaves that policy out. Costs and limits likewise are one number or an array. A limit that
//! depends on the request goes with every call about its key: under GCRA a debt is counted in it.

use super::error::SetupError;
use super::hooks;
use super::host_store::HostStoreHandle;
use super::hot::HotHandle;
use crate::rate_limit::{Counters, Limiter, LimiterInput, PolicyInput, ProcessStore};
use calls::{
    BlockCall, Call, HitCall, PeekCall, PenaltyCall, RefundCall, ResetAllCall, ResetKeyCall,
    RewardCall, call,
};
use napi::bindgen_prelude::External;
use napi_derive::napi;
use std::rc::Rc;

pub mod calls;

/// The options of one policy as they come from JavaScript.
#[napi(object)]
pub struct RateLimitPolicyInput {
    /// Under which name equal policies of the process count together; alone without one.
    pub name: Option<String>,
    /// `fixed-window`, `sliding-window` (the default) or `gcra`.
    pub algorithm: Option<String>,
    /// Hits allowed in a window.
    pub limit: f64,
    /// Length of the window in milliseconds.
    pub window_ms: Option<f64>,
    /// GCRA: hits allowed at once.
    pub burst: Option<f64>,
    /// For how long a denied hit blocks its key, in milliseconds.
    pub block_ms: Option<f64>,
}

/// The options of `rateLimit` as they come from JavaScript.
#[napi(object)]
pub struct RateLimitInput {
    /// One to 16 policies.
    pub policies: Vec<RateLimitPolicyInput>,
    /// Leading bits of an IPv6 address that tell clients apart.
    pub ipv6_prefix: Option<f64>,
    /// Keys held at the most by the process's table.
    pub max_keys: Option<f64>,
}

/// The calls of one limiter. `out` holds eight numbers for each policy: allowed (1 or 0), used, remaining,
/// reset time, retry after, delay (all three in ms), limit, and flags (1 blocked, 2 not stored, 4 left out
/// or not known). Behind those of 16 policies, that of `hit` holds the time at which the hit was counted, which
/// `refund` wants, and how many changes the host store has to tell of.
#[napi(object, object_from_js = false)]
pub struct RateLimiter {
    /// Decides a hit under all policies. Bit 0 of the answer: it may pass; bit 1: the table had no room for
    /// a key; the rest: which policy is the strictest.
    #[napi(
        ts_type = "((keys: string | (string | undefined)[], nowMs: number, costs?: number | (number | undefined)[], limits?: number | (number | undefined)[]) => number) & { readonly out: Float64Array }"
    )]
    pub hit: HotHandle<Call<HitCall>>,
    /// Takes a hit back: exactly its cost, and only from the window that counted it.
    #[napi(
        ts_type = "(keys: string | (string | undefined)[], nowMs: number, hitMs: number, costs?: number | (number | undefined)[], limits?: number | (number | undefined)[]) => number"
    )]
    pub refund: HotHandle<Call<RefundCall>>,
    /// Where the keys stand. The answer is under how many policies they are known.
    #[napi(
        ts_type = "((keys: string | (string | undefined)[], nowMs: number, limits?: number | (number | undefined)[]) => number) & { readonly out: Float64Array }"
    )]
    pub peek: HotHandle<Call<PeekCall>>,
    /// Counts points. The answer is for how many policies the table had room.
    #[napi(
        ts_type = "(keys: string | (string | undefined)[], nowMs: number, points: number | number[], limits?: number | (number | undefined)[]) => number"
    )]
    pub penalty: HotHandle<Call<PenaltyCall>>,
    /// Gives points back.
    #[napi(
        ts_type = "(keys: string | (string | undefined)[], nowMs: number, points: number | number[], limits?: number | (number | undefined)[]) => number"
    )]
    pub reward: HotHandle<Call<RewardCall>>,
    /// Denies every hit for so many milliseconds; 0 ends that. The answer is as of `penalty`.
    #[napi(
        ts_type = "(keys: string | (string | undefined)[], nowMs: number, durationMs: number | number[]) => number"
    )]
    pub block: HotHandle<Call<BlockCall>>,
    /// Forgets keys, blocked or not. The answer is under how many policies they were known.
    #[napi(ts_type = "(keys: string | (string | undefined)[]) => number")]
    pub reset_key: HotHandle<Call<ResetKeyCall>>,
    /// Forgets every key of all policies. The answer is how many they were.
    #[napi(ts_type = "() => number")]
    pub reset_all: HotHandle<Call<ResetAllCall>>,
}

/// Checks the options, and makes room in the table of the process, unless a host store is to count.
///
/// # Errors
/// `ERR_CARAPACE_OPTION_VALUE` for a number out of its range or an unknown algorithm,
/// `ERR_CARAPACE_OPTION_CONFLICT` for policies of one name or a burst that cannot be.
#[napi(catch_unwind)]
pub fn create_rate_limiter(
    input: RateLimitInput,
    store: Option<&External<HostStoreHandle>>,
) -> Result<RateLimiter, SetupError> {
    hooks::crossing(hooks::Kind::Config);
    let policies = input.policies.into_iter().map(PolicyInput::from).collect();
    let RateLimitInput { ipv6_prefix, max_keys, .. } = input;
    let input = LimiterInput { policies, ipv6_prefix, max_keys };
    let process = || Counters::from(ProcessStore::shared());
    let counters = store.map_or_else(process, |store| store.0.clone());
    let limiter = Rc::new(Limiter::new(&input, counters)?);
    Ok(RateLimiter {
        hit: call(&limiter),
        refund: call(&limiter),
        peek: call(&limiter),
        penalty: call(&limiter),
        reward: call(&limiter),
        block: call(&limiter),
        reset_key: call(&limiter),
        reset_all: call(&limiter),
    })
}

impl From<RateLimitPolicyInput> for PolicyInput {
    fn from(input: RateLimitPolicyInput) -> Self {
        let RateLimitPolicyInput { name, algorithm, limit, window_ms, burst, block_ms } = input;
        Self { name, algorithm, limit, window_ms, burst, block_ms }
    }
}
