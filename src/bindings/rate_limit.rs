//! The limiter's set-up and its calls on the request path.
//!
//! Every call says first whose keys it is about: one string for all policies, or an array with one for each,
//! in which `undefined` leaves that policy out; then what was forwarded. A policy that counts clients takes its
//! string for the socket peer and finds the client by the limiter's rule; one with given keys takes the string
//! itself. Costs and limits likewise are one number or an array. A limit that depends on the request goes with
//! every call about its key: under GCRA a debt is counted in it.

use super::client_key::ClientRules;
use super::error::SetupError;
use super::hooks;
use super::host_store::HostStoreFile;
use super::hot::HotHandle;
use crate::rate_limit::{Counters, Limiter, LimiterInput, PolicyInput, ProcessStore};
use calls::{
    BlockCall, Call, HitCall, ListedCall, PeekCall, PenaltyCall, RefundCall, ResetAllCall,
    ResetKeyCall, RewardCall, call,
};
use lists::Lists;
use napi_derive::napi;
use std::rc::Rc;

pub mod calls;
pub mod lists;
pub mod names;

/// The options of one policy as they come from JavaScript.
#[napi(object)]
pub struct RateLimitPolicyInput {
    /// Under which name the policy counts together with its like in other threads; alone without one.
    pub name: Option<String>,
    /// Whether its keys are given by the app; they are the clients otherwise.
    pub has_given_keys: Option<bool>,
    /// Whether it counts together with the last policy of its name in this thread, instead of alone.
    pub joins: Option<bool>,
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
    /// Keys held at the most by the process's table.
    pub max_keys: Option<f64>,
    /// Clients that are never counted: addresses and CIDR ranges.
    pub allow_list: Option<Vec<String>>,
    /// Clients that are always denied.
    pub deny_list: Option<Vec<String>>,
}

/// The calls of one limiter. `out` holds eight numbers for each policy: allowed (1 or 0), used, remaining,
/// reset time, retry after, delay (all three in ms), limit, and flags (1 blocked, 2 not stored, 4 left out
/// or not known). Behind those of 16 policies, that of `hit` holds the time at which the hit was counted, which
/// `refund` wants, and how many changes the host store has to tell of.
#[napi(object, object_from_js = false)]
pub struct RateLimiter {
    /// Decides a hit under all policies. Bit 0 of the answer: it may pass; bit 1: the table had no room for
    /// a key; the rest: which policy is the strictest. For a client on a list nothing is counted: -1 on the
    /// allow list, -2 on the deny list.
    #[napi(
        ts_type = "((keys: string | (string | undefined)[], forwarded: string, nowMs: number, costs?: number | (number | undefined)[], limits?: number | (number | undefined)[]) => number) & { readonly out: Float64Array }"
    )]
    pub hit: HotHandle<Call<HitCall>>,
    /// Takes a hit back: exactly its cost, and only from the window that counted it.
    #[napi(
        ts_type = "(keys: string | (string | undefined)[], forwarded: string, nowMs: number, hitMs: number, costs?: number | (number | undefined)[], limits?: number | (number | undefined)[]) => number"
    )]
    pub refund: HotHandle<Call<RefundCall>>,
    /// Where the keys stand. The answer is under how many policies they are known.
    #[napi(
        ts_type = "((keys: string | (string | undefined)[], forwarded: string, nowMs: number, limits?: number | (number | undefined)[]) => number) & { readonly out: Float64Array }"
    )]
    pub peek: HotHandle<Call<PeekCall>>,
    /// Counts points. The answer is for how many policies the table had room.
    #[napi(
        ts_type = "(keys: string | (string | undefined)[], forwarded: string, nowMs: number, points: number | number[], limits?: number | (number | undefined)[]) => number"
    )]
    pub penalty: HotHandle<Call<PenaltyCall>>,
    /// Gives points back.
    #[napi(
        ts_type = "(keys: string | (string | undefined)[], forwarded: string, nowMs: number, points: number | number[], limits?: number | (number | undefined)[]) => number"
    )]
    pub reward: HotHandle<Call<RewardCall>>,
    /// Denies every hit for so many milliseconds; 0 ends that. The answer is as of `penalty`.
    #[napi(
        ts_type = "(keys: string | (string | undefined)[], forwarded: string, nowMs: number, durationMs: number | number[]) => number"
    )]
    pub block: HotHandle<Call<BlockCall>>,
    /// Forgets keys, blocked or not. The answer is under how many policies they were known.
    #[napi(ts_type = "(keys: string | (string | undefined)[], forwarded: string) => number")]
    pub reset_key: HotHandle<Call<ResetKeyCall>>,
    /// Forgets every key of all policies. The answer is how many they were.
    #[napi(ts_type = "() => number")]
    pub reset_all: HotHandle<Call<ResetAllCall>>,
    /// On which list the client is: 0 none, -1 the allow list, -2 the deny list.
    #[napi(ts_type = "(peer: string, forwarded: string) => number")]
    pub listed: HotHandle<Call<ListedCall>>,
}

/// Checks the options, and makes room in the table of the process, unless a host store is to count.
///
/// # Errors
/// `ERR_CARAPACE_OPTION_VALUE` for a number out of its range, an unknown algorithm or a list's entry that is
/// no address, `ERR_CARAPACE_OPTION_CONFLICT` for policies of one name or a burst that cannot be.
#[napi(catch_unwind)]
pub fn create_rate_limiter(
    input: RateLimitInput,
    client: &ClientRules,
    store: Option<&HostStoreFile>,
) -> Result<RateLimiter, SetupError> {
    hooks::crossing(hooks::Kind::Config);
    let RateLimitInput { policies, max_keys, allow_list, deny_list } = input;
    let lists = Lists::compile(allow_list, deny_list)?;
    let given = policies.iter().map(|policy| policy.has_given_keys.unwrap_or(false)).collect();
    let joins: Vec<bool> = policies.iter().map(|policy| policy.joins.unwrap_or(false)).collect();
    let policies = policies.into_iter().map(PolicyInput::from).collect();
    let mut input = LimiterInput { policies, ipv6_prefix: None, max_keys };
    // Checked before names are taken, so that a refused limiter takes none.
    Limiter::check(&input)?;
    let counters = if let Some(store) = store {
        store.counters()
    } else {
        names::number(&mut input.policies, &joins);
        Counters::from(ProcessStore::shared())
    };
    let limiter = Limiter::new(&input, counters)?;
    let shared = Rc::new(calls::Shared { limiter, keys: client.key_reader(false), given, lists });
    Ok(RateLimiter {
        hit: call(&shared),
        refund: call(&shared),
        peek: call(&shared),
        penalty: call(&shared),
        reward: call(&shared),
        block: call(&shared),
        reset_key: call(&shared),
        reset_all: call(&shared),
        listed: call(&shared),
    })
}

impl From<RateLimitPolicyInput> for PolicyInput {
    fn from(input: RateLimitPolicyInput) -> Self {
        let RateLimitPolicyInput { name, algorithm, limit, window_ms, burst, block_ms, .. } = input;
        Self { name, algorithm, limit, window_ms, burst, block_ms }
    }
}
