//! The calls on the request path: what JavaScript passed, as core values, and the core's answers as numbers.

use super::lists::{Listing, Lists};
use crate::bindings::client_key::KeyReader;
use crate::bindings::hot::{Arguments, BadArgument, HotFunction, HotHandle, Reply, Value};
use crate::rate_limit::joint::MAX_POLICIES;
use crate::rate_limit::process::{Hit, KeyHash, StorePolicy};
use crate::rate_limit::{Counters, Decision, Limiter, Policy, State, algorithm};
use std::ffi::CStr;
use std::marker::PhantomData;
use std::rc::Rc;

/// Numbers written for each policy into `out`, in the order of [`write`].
const STRIDE: usize = 8;
/// Numbers written behind those of all policies: when the hit was counted, and the store's change count.
const TAIL: usize = 2;
const BLOCKED: u8 = 1;
const NOT_STORED: u8 = 2;
const LEFT_OUT: u8 = 4;
pub(in crate::bindings) const MAX_COST: f64 = 2_147_483_648.0;
/// A hundred years.
pub(in crate::bindings) const MAX_BLOCK_MS: f64 = 3_153_600_000_000.0;

/// One operation of a limiter.
pub trait Operation: 'static {
    /// Its name in stack traces.
    const NAME: &'static CStr;
    /// How many numbers it writes into `out`.
    const OUT: usize = 0;

    /// Answers one call.
    ///
    /// # Errors
    /// [`BadArgument`] for an argument of another type or range than the operation takes.
    fn run(request: &Request<'_>, out: &mut [f64]) -> Result<f64, BadArgument>;
}

/// What the calls of one limiter share.
pub struct Shared {
    /// The policies and their table.
    pub limiter: Limiter,
    /// Makes keys of arguments.
    pub keys: KeyReader,
    /// For each policy whether its keys are given by the app.
    pub given: Vec<bool>,
    /// Who is not counted at all.
    pub lists: Lists,
}

/// An [`Operation`] bound to its limiter.
pub struct Call<O> {
    shared: Rc<Shared>,
    operation: PhantomData<O>,
}

pub(super) fn call<O: Operation>(shared: &Rc<Shared>) -> HotHandle<Call<O>> {
    HotHandle(Call { shared: Rc::clone(shared), operation: PhantomData })
}

impl<O: Operation> HotFunction for Call<O> {
    const NAME: &'static CStr = O::NAME;
    const OUT: usize = O::OUT;

    fn call(&self, arguments: &Arguments<'_>, out: &mut [f64]) -> Result<Reply, BadArgument> {
        let Self { shared, .. } = self;
        O::run(&Request { shared, arguments }, out).map(Reply::Number)
    }
}

/// What an operation works on.
pub struct Request<'call> {
    shared: &'call Shared,
    arguments: &'call Arguments<'call>,
}

impl Request<'_> {
    fn policies(&self) -> &[StorePolicy] {
        self.shared.limiter.policies()
    }

    fn store(&self) -> &Counters {
        self.shared.limiter.store()
    }

    /// Milliseconds at `index`.
    fn time(&self, index: usize) -> Result<u64, BadArgument> {
        self.arguments.number(index).map(milliseconds)
    }

    /// The key of the policy at `index`.
    fn hash(&self, key: Value<'_>, index: usize) -> Result<KeyHash, BadArgument> {
        let Shared { keys, given, .. } = self.shared;
        if given.get(index) == Some(&true) {
            return keys.read_given(key, |key| self.store().hash(key));
        }
        keys.read_client(key, self.arguments.at(1)?, |client| self.store().hash(&client.key))
    }

    /// On which list the client is whose peer is the first argument.
    fn listing(&self) -> Result<Option<Listing>, BadArgument> {
        let Shared { keys, lists, .. } = self.shared;
        let (peer, forwarded) = (self.arguments.at(0)?, self.arguments.at(1)?);
        keys.read_client(peer, forwarded, |client| lists.find(client.address))
    }

    /// Every policy that is not left out, under the limit at argument `limits` if there is one, with its
    /// position and the hash of its key.
    fn for_each(
        &self,
        limits: usize,
        mut visit: impl FnMut(usize, &StorePolicy, KeyHash) -> Result<(), BadArgument>,
    ) -> Result<(), BadArgument> {
        let keys = self.arguments.at(0)?;
        let common = self.hash(keys, 0).ok();
        for (index, policy) in self.policies().iter().enumerate() {
            let key = match common {
                Some(key) => key,
                None if keys.is_undefined()? => return Err(BadArgument),
                None => {
                    let key = keys.element(index)?;
                    if key.is_undefined()? {
                        continue;
                    }
                    self.hash(key, index)?
                }
            };
            visit(index, &self.limit_of(limits, index, policy)?, key)?;
        }
        Ok(())
    }

    fn whole(&self, argument: usize, policy: usize, most: f64) -> Result<Option<u64>, BadArgument> {
        whole(self.arguments, argument, policy, most)
    }

    fn cost(&self, argument: usize, policy: usize) -> Result<Option<u32>, BadArgument> {
        let cost = self.whole(argument, policy, MAX_COST)?;
        Ok(cost.map(|cost| u32::try_from(cost).unwrap_or(u32::MAX)))
    }

    fn limit_of(
        &self,
        argument: usize,
        index: usize,
        policy: &StorePolicy,
    ) -> Result<StorePolicy, BadArgument> {
        let limit = self.cost(argument, index)?;
        Ok(limit.map_or(*policy, |limit| policy.with_limit(limit)))
    }
}

/// The number for one policy at `argument`, nothing when there is none; whole, from 0 to `most`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is whole and at most a hundred years of milliseconds"
)]
pub(in crate::bindings) fn whole(
    arguments: &Arguments<'_>,
    argument: usize,
    policy: usize,
    most: f64,
) -> Result<Option<u64>, BadArgument> {
    if argument >= arguments.len() {
        return Ok(None);
    }
    let value = arguments.at(argument)?;
    let number = if let Ok(number) = value.number() {
        number
    } else {
        let value = value.element(policy)?;
        if value.is_undefined()? {
            return Ok(None);
        }
        value.number()?
    };
    let is_good = number.fract() == 0.0 && (0.0..=most).contains(&number);
    if is_good { Ok(Some(number as u64)) } else { Err(BadArgument) }
}

/// A clock before 1970, or none, counts as 1970.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "such a cast goes to the nearest number, and a fraction of a millisecond does not count"
)]
pub(in crate::bindings) const fn milliseconds(number: f64) -> u64 {
    number as u64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds are below 2^53; a wait that is not becomes a rounded one"
)]
fn write(out: &mut [f64], index: usize, decision: &Decision) {
    let blocked = if decision.is_blocked { BLOCKED } else { 0 };
    let flags = if decision.is_stored { blocked } else { blocked | NOT_STORED };
    let numbers = [
        f64::from(u8::from(decision.is_allowed)),
        f64::from(decision.used),
        f64::from(decision.remaining),
        decision.reset_at_ms as f64,
        decision.retry_after_ms as f64,
        decision.delay_ms as f64,
        f64::from(decision.limit),
        f64::from(flags),
    ];
    if let Some(part) = out.get_mut(index * STRIDE..(index + 1) * STRIDE) {
        part.copy_from_slice(&numbers);
    }
}

#[expect(clippy::cast_precision_loss, reason = "both are below 2^53")]
fn write_tail(out: &mut [f64], store: &Counters, counted_ms: u64) {
    if let Some(tail) = out.get_mut(STRIDE * MAX_POLICIES..) {
        tail.copy_from_slice(&[counted_ms as f64, store.change_count() as f64]);
    }
}

/// Marks every policy as left out; those that are not get their numbers later.
fn clear(out: &mut [f64], policies: usize) {
    for part in out.chunks_exact_mut(STRIDE).take(policies) {
        part.fill(0.0);
        if let [.., flags] = part {
            *flags = f64::from(LEFT_OUT);
        }
    }
}

/// `hit(keys, forwarded, nowMs, costs = 1, limits = configured)`.
pub struct HitCall;

impl Operation for HitCall {
    const NAME: &'static CStr = c"hit";
    const OUT: usize = STRIDE * MAX_POLICIES + TAIL;

    fn run(request: &Request<'_>, out: &mut [f64]) -> Result<f64, BadArgument> {
        let now_ms = request.time(2)?;
        if let Some(listing) = listing_of_hit(request) {
            return Ok(listing.number());
        }
        let [policy] = request.policies() else { return run_jointly(request, now_ms, out) };
        let Some(key) = request.arguments.at(0).and_then(|key| request.hash(key, 0)).ok() else {
            return run_jointly(request, now_ms, out);
        };
        let cost = request.cost(3, 0)?.unwrap_or(1);
        let policy = request.limit_of(4, 0, policy)?;
        let (decision, counted_ms) = request.store().hit(&Hit { policy, key, cost }, now_ms);
        write(out, 0, &decision);
        write_tail(out, request.store(), counted_ms);
        Ok(answer(decision.is_allowed, decision.is_stored, 0))
    }
}

/// Keys that are given, or that come one by one, do not say who the client is.
fn listing_of_hit(request: &Request<'_>) -> Option<Listing> {
    let Shared { lists, given, .. } = request.shared;
    if lists.is_empty() || given.first() == Some(&true) {
        return None;
    }
    request.listing().ok().flatten()
}

fn run_jointly(request: &Request<'_>, now_ms: u64, out: &mut [f64]) -> Result<f64, BadArgument> {
    let mut hits = Vec::with_capacity(MAX_POLICIES);
    let mut positions = Vec::with_capacity(MAX_POLICIES);
    request.for_each(4, |index, policy, key| {
        let cost = request.cost(3, index)?.unwrap_or(1);
        hits.push(Hit { policy: *policy, key, cost });
        positions.push(index);
        Ok(())
    })?;
    let mut decisions = vec![Decision::default(); hits.len()];
    let (is_allowed, counted_ms) = request.store().decide(&hits, now_ms, &mut decisions);
    clear(out, request.policies().len());
    write_tail(out, request.store(), counted_ms);
    for (index, decision) in positions.iter().zip(&decisions) {
        write(out, *index, decision);
    }
    let is_stored = decisions.iter().all(|decision| decision.is_stored);
    let strictest = Decision::strictest(&decisions).and_then(|index| positions.get(index));
    Ok(answer(is_allowed, is_stored, strictest.copied().unwrap_or(0)))
}

fn answer(is_allowed: bool, is_stored: bool, strictest: usize) -> f64 {
    let strictest = u32::try_from(strictest).unwrap_or(0);
    f64::from(u32::from(is_allowed) | u32::from(!is_stored) << 1 | strictest << 2)
}

/// `refund(keys, forwarded, nowMs, hitMs, costs = 1, limits = configured)`.
pub struct RefundCall;

impl Operation for RefundCall {
    const NAME: &'static CStr = c"refund";

    fn run(request: &Request<'_>, _: &mut [f64]) -> Result<f64, BadArgument> {
        let (now_ms, hit_ms) = (request.time(2)?, request.time(3)?);
        let mut count = 0.0;
        request.for_each(5, |index, policy, key| {
            let cost = request.cost(4, index)?.unwrap_or(1);
            let refund =
                |state, policy: &_, now| algorithm::refund(state, policy, cost, hit_ms, now);
            count += f64::from(u8::from(request.store().change(policy, key, now_ms, refund)));
            Ok(())
        })?;
        Ok(count)
    }
}

/// `peek(keys, forwarded, nowMs, limits = configured)`.
pub struct PeekCall;

impl Operation for PeekCall {
    const NAME: &'static CStr = c"peek";
    const OUT: usize = STRIDE * MAX_POLICIES;

    fn run(request: &Request<'_>, out: &mut [f64]) -> Result<f64, BadArgument> {
        let now_ms = request.time(2)?;
        clear(out, request.policies().len());
        let mut count = 0.0;
        request.for_each(3, |index, policy, key| {
            if let Some(decision) = request.store().peek(policy, key, now_ms) {
                write(out, index, &decision);
                count += 1.0;
            }
            Ok(())
        })?;
        Ok(count)
    }
}

/// Changes every key by `change`, given the whole number at argument 3.
fn change_all(
    request: &Request<'_>,
    most: f64,
    change: impl Fn(State, &Policy, u64, u64) -> State,
) -> Result<f64, BadArgument> {
    let now_ms = request.time(2)?;
    let mut count = 0.0;
    request.for_each(4, |index, policy, key| {
        let amount = request.whole(3, index, most)?.ok_or(BadArgument)?;
        let by = |state, policy: &_, now| change(state, policy, amount, now);
        count += f64::from(u8::from(request.store().change(policy, key, now_ms, by)));
        Ok(())
    })?;
    Ok(count)
}

/// `penalty(keys, forwarded, nowMs, points, limits = configured)`.
pub struct PenaltyCall;

impl Operation for PenaltyCall {
    const NAME: &'static CStr = c"penalty";

    fn run(request: &Request<'_>, _: &mut [f64]) -> Result<f64, BadArgument> {
        change_all(request, MAX_COST, |state, policy, points, now_ms| {
            algorithm::penalty(state, policy, points_of(points), now_ms)
        })
    }
}

/// `reward(keys, forwarded, nowMs, points, limits = configured)`.
pub struct RewardCall;

impl Operation for RewardCall {
    const NAME: &'static CStr = c"reward";

    fn run(request: &Request<'_>, _: &mut [f64]) -> Result<f64, BadArgument> {
        change_all(request, MAX_COST, |state, policy, points, now_ms| {
            algorithm::reward(state, policy, points_of(points), now_ms)
        })
    }
}

fn points_of(points: u64) -> u32 {
    u32::try_from(points).unwrap_or(u32::MAX)
}

/// `block(keys, forwarded, nowMs, durationMs)`.
pub struct BlockCall;

impl Operation for BlockCall {
    const NAME: &'static CStr = c"block";

    fn run(request: &Request<'_>, _: &mut [f64]) -> Result<f64, BadArgument> {
        change_all(request, MAX_BLOCK_MS, algorithm::block)
    }
}

/// `resetKey(keys, forwarded)`.
pub struct ResetKeyCall;

impl Operation for ResetKeyCall {
    const NAME: &'static CStr = c"resetKey";

    fn run(request: &Request<'_>, _: &mut [f64]) -> Result<f64, BadArgument> {
        let mut count = 0.0;
        request.for_each(2, |_, policy, key| {
            count += f64::from(u8::from(request.store().reset(policy, key)));
            Ok(())
        })?;
        Ok(count)
    }
}

/// `resetAll()`.
pub struct ResetAllCall;

impl Operation for ResetAllCall {
    const NAME: &'static CStr = c"resetAll";

    #[expect(clippy::cast_precision_loss, reason = "there are fewer than 2^53 keys")]
    fn run(request: &Request<'_>, _: &mut [f64]) -> Result<f64, BadArgument> {
        let policies = request.policies().iter();
        Ok(policies.map(|policy| request.store().reset_all(policy)).sum::<usize>() as f64)
    }
}

/// `listed(peer, forwarded)`.
pub struct ListedCall;

impl Operation for ListedCall {
    const NAME: &'static CStr = c"listed";

    fn run(request: &Request<'_>, _: &mut [f64]) -> Result<f64, BadArgument> {
        Ok(request.listing()?.map_or(0.0, Listing::number))
    }
}
