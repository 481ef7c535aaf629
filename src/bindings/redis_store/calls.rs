//! The calls of one limiter on the request path: they queue, and answer with a ticket.

use super::line::LineState;
use crate::bindings::client_key::KeyReader;
use crate::bindings::hot::{Arguments, BadArgument, HotFunction, Reply, Value};
use crate::bindings::rate_limit::calls::{MAX_BLOCK_MS, MAX_COST, milliseconds, whole};
use crate::bindings::rate_limit::lists::{Listing, Lists};
use crate::rate_limit::Policy;
use crate::redis_store::queue::{Kind, Queue};
use crate::redis_store::rule::Operation;
use std::cell::RefCell;
use std::ffi::CStr;
use std::rc::Rc;

/// The number of the call that forgets every key.
const RESET_ALL: u64 = 7;

/// One policy of the limiter.
pub struct RedisPolicy {
    /// The rule.
    pub policy: Policy,
    /// What its keys begin with.
    pub head: Box<[u8]>,
    /// Whether its keys are given by the app.
    pub is_given: bool,
    /// What all its keys match.
    pub pattern: String,
}

/// What the calls of one limiter share.
pub struct RedisShared {
    /// Where jobs go.
    pub line: Rc<LineState>,
    /// The rules.
    pub policies: Vec<RedisPolicy>,
    /// Makes keys of arguments.
    pub keys: KeyReader,
    /// Who is not counted at all.
    pub lists: Lists,
    /// The text of a key that several policies have.
    pub scratch: RefCell<Vec<u8>>,
}

impl RedisShared {
    fn count(&self) -> u8 {
        u8::try_from(self.policies.len()).unwrap_or(u8::MAX)
    }

    /// Appends the text of the key to `bytes`.
    fn write_key(
        &self,
        key: Value<'_>,
        forwarded: Value<'_>,
        is_given: bool,
        bytes: &mut Vec<u8>,
    ) -> Result<(), BadArgument> {
        let prefixes = self.keys.prefixes();
        let writer = &self.line.keys;
        if is_given {
            return self.keys.read_given(key, |key| writer.append(bytes, key, prefixes));
        }
        self.keys.read_client(key, forwarded, |client| writer.append(bytes, &client.key, prefixes))
    }

    /// Queues a part for every policy that is not left out.
    fn fill(
        &self,
        queue: &mut Queue,
        (keys, forwarded): (Value<'_>, Value<'_>),
        numbers: impl Fn(usize, &Policy) -> Result<(Policy, u64), BadArgument>,
    ) -> Result<(), BadArgument> {
        let mut common = self.scratch.borrow_mut();
        common.clear();
        let is_given = self.policies.first().is_some_and(|policy| policy.is_given);
        let is_common = self.write_key(keys, forwarded, is_given, &mut common).is_ok();
        if !is_common && keys.is_undefined()? {
            return Err(BadArgument);
        }
        for (index, RedisPolicy { policy, head, is_given, .. }) in self.policies.iter().enumerate()
        {
            if !is_common {
                let key = keys.element(index)?;
                if key.is_undefined()? {
                    continue;
                }
                common.clear();
                self.write_key(key, forwarded, *is_given, &mut common)?;
            }
            let (policy, amount) = numbers(index, policy)?;
            queue.add(policy, amount, u8::try_from(index).unwrap_or(0), |arena| {
                arena.extend_from_slice(head);
                arena.extend_from_slice(&common);
            });
        }
        Ok(())
    }

    fn listing(&self, peer: Value<'_>, forwarded: Value<'_>) -> Option<Listing> {
        if self.lists.is_empty() {
            return None;
        }
        let found =
            self.keys.read_client(peer, forwarded, |client| self.lists.find(client.address));
        found.ok().flatten()
    }
}

fn limited(
    arguments: &Arguments<'_>,
    argument: usize,
    index: usize,
    policy: &Policy,
) -> Result<Policy, BadArgument> {
    let limit = whole(arguments, argument, index, MAX_COST)?;
    Ok(limit.map_or(*policy, |limit| policy.with_limit(u32::try_from(limit).unwrap_or(u32::MAX))))
}

/// `hit(keys, forwarded, costs = 1, limits = configured)`.
pub struct RedisHit(pub Rc<RedisShared>);

impl HotFunction for RedisHit {
    const NAME: &'static CStr = c"hit";
    const OUT: usize = 0;

    fn call(&self, arguments: &Arguments<'_>, _: &mut [f64]) -> Result<Reply, BadArgument> {
        let shared = &self.0;
        let (keys, forwarded) = (arguments.at(0)?, arguments.at(1)?);
        let is_given = shared.policies.first().is_some_and(|policy| policy.is_given);
        if !is_given && let Some(listing) = shared.listing(keys, forwarded) {
            return Ok(Reply::Number(listing.number()));
        }
        let ticket = shared.line.enqueue(Kind::Hit, shared.count(), |queue| {
            shared.fill(queue, (keys, forwarded), |index, policy| {
                let cost = whole(arguments, 2, index, MAX_COST)?.unwrap_or(1);
                Ok((limited(arguments, 3, index, policy)?, cost))
            })
        });
        ticket.map(Reply::Number)
    }
}

/// `change(kind, keys, forwarded, amounts, hitMs, limits = configured)`.
pub struct RedisChange(pub Rc<RedisShared>);

impl HotFunction for RedisChange {
    const NAME: &'static CStr = c"change";
    const OUT: usize = 0;

    fn call(&self, arguments: &Arguments<'_>, _: &mut [f64]) -> Result<Reply, BadArgument> {
        let shared = &self.0;
        let number = milliseconds(arguments.number(0)?);
        if number == RESET_ALL {
            let patterns = shared.policies.iter().map(|policy| policy.pattern.clone()).collect();
            return Ok(Reply::Number(shared.line.sweep(patterns)));
        }
        let operation = Operation::from_number(number).ok_or(BadArgument)?;
        let hit_ms = if operation == Operation::Refund { arguments.number(4)? } else { 0.0 };
        let kind = Kind::Change { operation, hit_ms: milliseconds(hit_ms) };
        let (most, default) = match operation {
            Operation::Block => (MAX_BLOCK_MS, None),
            Operation::Refund => (MAX_COST, Some(1)),
            Operation::Peek | Operation::Reset => (MAX_COST, Some(0)),
            Operation::Penalty | Operation::Reward => (MAX_COST, None),
        };
        let who = (arguments.at(1)?, arguments.at(2)?);
        let ticket = shared.line.enqueue(kind, shared.count(), |queue| {
            shared.fill(queue, who, |index, policy| {
                let amount = whole(arguments, 3, index, most)?.or(default).ok_or(BadArgument)?;
                Ok((limited(arguments, 5, index, policy)?, amount))
            })
        });
        ticket.map(Reply::Number)
    }
}

/// `listed(peer, forwarded)`.
pub struct RedisListed(pub Rc<RedisShared>);

impl HotFunction for RedisListed {
    const NAME: &'static CStr = c"listed";
    const OUT: usize = 0;

    fn call(&self, arguments: &Arguments<'_>, _: &mut [f64]) -> Result<Reply, BadArgument> {
        let listing = self.0.listing(arguments.at(0)?, arguments.at(1)?);
        Ok(Reply::Number(listing.map_or(0.0, Listing::number)))
    }
}
