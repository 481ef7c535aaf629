//! The Redis store's set-up, its line and its limiters.
//!
//! A line is one environment's queue to one Redis and the way back. Connections belong to the process: lines
//! of equal configuration share them, on whichever thread they are.
#![expect(clippy::needless_pass_by_value, reason = "the derive hands options over by value")]

use super::client_key::ClientRules;
use super::error::SetupError;
use super::hooks;
use super::hot::HotHandle;
use super::hot::alarm::Alarm;
use super::rate_limit::RateLimitPolicyInput;
use super::rate_limit::lists::Lists;
use crate::rate_limit::{Limiter, LimiterInput, Policy, PolicyInput};
use crate::redis_store::failure::Failure;
use crate::redis_store::key::KeyWriter;
use crate::redis_store::line::Line;
use crate::redis_store::options::{Connection, ConnectionInput, NodeInput, TlsInput, prefix};
use crate::redis_store::scripts::{CHANGE, HIT};
use crate::redis_store::status::{State, Status};
use crate::redis_store::thread;
use calls::{RedisChange, RedisHit, RedisListed, RedisPolicy, RedisShared};
use line::{DrainCall, FlushCall, LineState, Manual, Transport};
use napi::bindgen_prelude::{Buffer, Float64Array};
use napi_derive::napi;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

pub mod calls;
pub mod line;

/// One of the scripts.
#[napi(object, object_from_js = false)]
pub struct RedisScript {
    /// `hit` or `change`.
    pub name: &'static str,
    /// Its Lua.
    pub text: &'static str,
    /// What `EVALSHA` calls it.
    pub sha1: &'static str,
}

/// The scripts that every transport runs.
#[napi(catch_unwind)]
#[must_use]
pub fn redis_scripts() -> Vec<RedisScript> {
    hooks::crossing(hooks::Kind::Config);
    let scripts = [&*HIT, &*CHANGE].into_iter();
    scripts
        .map(|script| RedisScript { name: script.name, text: &script.text, sha1: &script.sha1 })
        .collect()
}

/// The failures: `names[n - 1]` is that of the answer `-n`.
#[napi(catch_unwind)]
#[must_use]
pub fn redis_failures() -> Vec<&'static str> {
    hooks::crossing(hooks::Kind::Config);
    Failure::ALL.iter().map(|(_, name)| *name).collect()
}

/// One address.
#[napi(object)]
pub struct RedisNodeInput {
    /// Name or address.
    pub host: Option<String>,
    /// 6379 unless given.
    pub port: Option<f64>,
    /// A Unix socket in place of both.
    pub path: Option<String>,
}

/// What TLS needs: PEM texts.
#[napi(object)]
pub struct RedisTlsInput {
    /// Certificates to trust in place of the system's.
    pub ca: Option<String>,
    /// Our certificate chain.
    pub cert: Option<String>,
    /// Its key.
    pub key: Option<String>,
    /// The name that the server's certificate must have.
    pub servername: Option<String>,
}

/// The options of a connection as they come from JavaScript.
#[napi(object)]
pub struct RedisConnectionInput {
    /// `standalone`, `cluster` or `sentinel`.
    pub kind: Option<String>,
    /// The server; the cluster's seeds; the sentinels.
    pub nodes: Vec<RedisNodeInput>,
    /// Under which name the sentinels watch the master.
    pub sentinel_name: Option<String>,
    /// Who we are to the sentinels.
    pub sentinel_username: Option<String>,
    /// And our password there.
    pub sentinel_password: Option<String>,
    /// The ACL user.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<String>,
    /// The database's number.
    pub db: Option<f64>,
    /// Encrypts when given.
    pub tls: Option<RedisTlsInput>,
    /// How long a decision may take, in milliseconds.
    pub timeout_ms: Option<f64>,
    /// How long connecting may take, in milliseconds.
    pub connect_timeout_ms: Option<f64>,
    /// Connections for each server.
    pub pool: Option<f64>,
    /// What stands before every key.
    pub prefix: Option<String>,
    /// Keys are hashed with it when given.
    pub secret: Option<Buffer>,
}

/// The options of a line whose commands a client in JavaScript carries.
#[napi(object)]
pub struct RedisManualInput {
    /// Whether the client is one of a cluster: then the keys of a batch lie in one slot.
    pub is_clustered: Option<bool>,
    /// What stands before every key.
    pub prefix: Option<String>,
    /// Keys are hashed with it when given.
    pub secret: Option<Buffer>,
}

/// One run of a script for a client in JavaScript.
#[napi(object, object_from_js = false)]
pub struct RedisBatch {
    /// What its answer is known by.
    pub id: u32,
    /// The script: `hit` or `change`.
    pub name: &'static str,
    /// KEYS.
    pub keys: Vec<String>,
    /// ARGV.
    pub args: Vec<String>,
}

/// One server.
#[napi(object, object_from_js = false)]
pub struct RedisNodeStatus {
    /// Where it is.
    pub address: String,
    /// `connecting`, `up` or `down`.
    pub state: &'static str,
    /// What is the matter.
    pub last_error: Option<&'static str>,
}

/// How a connection set stands.
#[napi(object, object_from_js = false)]
pub struct RedisStatus {
    /// `connecting`, `up`, `down` or `closed`.
    pub state: &'static str,
    /// `closed`, `open` or `half-open`.
    pub circuit: &'static str,
    /// What is the matter.
    pub last_error: Option<&'static str>,
    /// The servers.
    pub nodes: Vec<RedisNodeStatus>,
    /// Grows with every change.
    pub version: u32,
}

/// The calls of a line on the request path.
#[napi(object, object_from_js = false)]
pub struct RedisLineCalls {
    /// Hands what was queued in this tick to the I/O thread, and says how much.
    #[napi(ts_type = "() => number")]
    pub flush: HotHandle<FlushCall>,
    /// Writes answers into `out` one after the other, and says how many: ticket, answer, the server's time of
    /// counting, the number of policies, and for each of them eight numbers as `RateLimiter` has them.
    #[napi(ts_type = "(() => number) & { readonly out: Float64Array }")]
    pub drain: HotHandle<DrainCall>,
}

/// One environment's queue to one Redis.
#[napi]
pub struct RedisLine(Rc<LineState>);

#[napi]
impl RedisLine {
    /// A line over our own connections. `wake` is called, once until the next drain, when there are answers,
    /// and when the connection's status changes.
    ///
    /// # Errors
    /// `ERR_CARAPACE_OPTION_VALUE`, `_CONFLICT` or `_REQUIRED` with the option's path.
    #[napi(factory, catch_unwind)]
    pub fn open(
        input: RedisConnectionInput,
        #[napi(ts_arg_type = "() => void")] wake: Alarm,
    ) -> Result<Self, SetupError> {
        hooks::crossing(hooks::Kind::Config);
        let keys = KeyWriter::new(&prefix(input.prefix.clone())?, input.secret.as_deref());
        let connection = Connection::try_from(ConnectionInput::from(input))?;
        let line = Arc::new(Line::new(Some(wake.waker())));
        wake.guard(&line);
        let handle = thread::open(&connection);
        handle.shared().board.attach(&line);
        let transport = Transport::Native(RefCell::new(Some(handle)), wake);
        Ok(Self(Rc::new(LineState::new(line, keys, transport, connection.timeout))))
    }

    /// A line whose commands a client in JavaScript carries.
    ///
    /// # Errors
    /// `ERR_CARAPACE_OPTION_VALUE` for a prefix that cannot be.
    #[napi(factory, catch_unwind)]
    pub fn manual(input: RedisManualInput) -> Result<Self, SetupError> {
        hooks::crossing(hooks::Kind::Config);
        let keys = KeyWriter::new(&prefix(input.prefix)?, input.secret.as_deref());
        let is_clustered = input.is_clustered.unwrap_or(false);
        let transport = Transport::Manual(RefCell::new(Manual::new(is_clustered)));
        let line = Arc::new(Line::new(None));
        Ok(Self(Rc::new(LineState::new(line, keys, transport, Duration::MAX))))
    }

    /// Its calls on the request path.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn calls(&self) -> RedisLineCalls {
        hooks::crossing(hooks::Kind::Config);
        let flush = HotHandle(FlushCall(Rc::clone(&self.0)));
        RedisLineCalls { flush, drain: HotHandle(DrainCall(Rc::clone(&self.0))) }
    }

    /// The next run of a script for a client in JavaScript.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn take(&self) -> Option<RedisBatch> {
        hooks::crossing(hooks::Kind::Rare);
        self.0.take(|id, command| RedisBatch {
            id,
            name: command.name(),
            keys: texts(command.key_count(), |push| command.write_keys(push)),
            args: texts(command.argument_count(), |push| command.write_arguments(push)),
        })
    }

    /// Gives the integers that the script replied; then drain.
    #[napi(catch_unwind)]
    pub fn settle(&self, id: u32, reply: Float64Array) {
        hooks::crossing(hooks::Kind::Rare);
        if let Some(command) = self.0.sent(id) {
            command.settle(reply.iter().map(|number| whole(*number)));
        }
    }

    /// Gives the whole run up; then drain. `failure` is a negative answer.
    #[napi(catch_unwind)]
    pub fn fail(&self, id: u32, failure: f64) {
        hooks::crossing(hooks::Kind::Rare);
        if let Some(command) = self.0.sent(id) {
            command.fail(Failure::from_number(failure));
        }
    }

    /// What all keys of a policy match, for `SCAN`.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn reset_pattern(&self, policy: String) -> String {
        hooks::crossing(hooks::Kind::Rare);
        self.0.keys.pattern(&policy)
    }

    /// How the connection stands.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn status(&self) -> RedisStatus {
        hooks::crossing(hooks::Kind::Rare);
        let status = match &self.0.transport {
            Transport::Native(handle, _) => match &*handle.borrow() {
                Some(handle) => handle.shared().board.read(),
                None => Status { state: State::Closed, ..Status::default() },
            },
            Transport::Manual(_) => Status::default(),
        };
        RedisStatus::from(status)
    }

    /// The version of the status, to be asked often.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn version(&self) -> u32 {
        match &self.0.transport {
            Transport::Native(handle, _) => {
                handle.borrow().as_ref().map_or(u32::MAX, |handle| handle.shared().board.version())
            }
            Transport::Manual(_) => 0,
        }
    }

    /// Gives the connections up. What is under way fails, unless another line has them.
    #[napi(catch_unwind)]
    pub fn close(&self) {
        hooks::crossing(hooks::Kind::Rare);
        if let Transport::Native(handle, _) = &self.0.transport {
            drop(handle.borrow_mut().take());
        }
    }
}

/// The options of a limiter that counts in Redis.
#[napi(object)]
pub struct RedisLimiterInput {
    /// One to 16 policies, each with a name.
    pub policies: Vec<RateLimitPolicyInput>,
    /// Clients that are never counted: addresses and CIDR ranges.
    pub allow_list: Option<Vec<String>>,
    /// Clients that are always denied.
    pub deny_list: Option<Vec<String>>,
}

/// The calls of one limiter: each queues, and answers with a ticket that the line's `drain` names later. Keys,
/// costs and limits are as those of `RateLimiter`.
#[napi(object, object_from_js = false)]
pub struct RedisLimiter {
    /// Decides a hit. -1 for a client on the allow list, -2 for one on the deny list: nothing is queued then.
    #[napi(
        ts_type = "(keys: string | (string | undefined)[], forwarded: string, costs?: number | (number | undefined)[], limits?: number | (number | undefined)[]) => number"
    )]
    pub hit: HotHandle<RedisHit>,
    /// Changes keys: 1 refund, 2 penalty, 3 reward, 4 block, 5 peek, 6 resetKey, 7 resetAll.
    #[napi(
        ts_type = "(kind: number, keys: string | (string | undefined)[], forwarded: string, amounts?: number | (number | undefined)[], hitMs?: number, limits?: number | (number | undefined)[]) => number"
    )]
    pub change: HotHandle<RedisChange>,
    /// On which list the client is: 0 none, -1 the allow list, -2 the deny list.
    #[napi(ts_type = "(peer: string, forwarded: string) => number")]
    pub listed: HotHandle<RedisListed>,
}

/// Checks the options of a limiter on this line.
///
/// # Errors
/// Those of `createRateLimiter`.
#[napi(catch_unwind)]
pub fn create_redis_limiter(
    input: RedisLimiterInput,
    client: &ClientRules,
    line: &RedisLine,
) -> Result<RedisLimiter, SetupError> {
    hooks::crossing(hooks::Kind::Config);
    let RedisLimiterInput { policies, allow_list, deny_list } = input;
    let lists = Lists::compile(allow_list, deny_list)?;
    let given: Vec<_> =
        policies.iter().map(|policy| policy.has_given_keys.unwrap_or(false)).collect();
    let policies = policies.into_iter().map(PolicyInput::from).collect();
    let input = LimiterInput { policies, ipv6_prefix: None, max_keys: None };
    Limiter::check(&input)?;
    let keys = &line.0.keys;
    let policies = input.policies.into_iter().zip(given).map(|(input, is_given)| {
        let name = input.name.clone().unwrap_or_else(|| "default".to_owned());
        let policy = Policy::try_from(input)?;
        let (head, pattern) = (keys.head(&name), keys.pattern(&name));
        Ok(RedisPolicy { policy, head, is_given, pattern })
    });
    let shared = Rc::new(RedisShared {
        line: Rc::clone(&line.0),
        policies: policies.collect::<Result<_, SetupError>>()?,
        keys: client.key_reader(false),
        lists,
        scratch: RefCell::default(),
    });
    Ok(RedisLimiter {
        hit: HotHandle(RedisHit(Rc::clone(&shared))),
        change: HotHandle(RedisChange(Rc::clone(&shared))),
        listed: HotHandle(RedisListed(shared)),
    })
}

/// What `write` passes to its argument, as strings: all of it is ASCII.
fn texts(count: usize, write: impl FnOnce(&mut dyn FnMut(&[u8]))) -> Vec<String> {
    let mut texts = Vec::with_capacity(count);
    write(&mut |text| texts.push(String::from_utf8_lossy(text).into_owned()));
    texts
}

/// A number of a reply, when it can be one.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is whole and below 2^53"
)]
fn whole(number: f64) -> Option<u64> {
    const END: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && (0.0..END).contains(&number)).then_some(number as u64)
}

impl From<RedisConnectionInput> for ConnectionInput {
    fn from(input: RedisConnectionInput) -> Self {
        let node = |RedisNodeInput { host, port, path }| NodeInput { host, port, path };
        let tls =
            |RedisTlsInput { ca, cert, key, servername }| TlsInput { ca, cert, key, servername };
        Self {
            kind: input.kind,
            nodes: input.nodes.into_iter().map(node).collect(),
            sentinel_name: input.sentinel_name,
            sentinel_username: input.sentinel_username,
            sentinel_password: input.sentinel_password,
            username: input.username,
            password: input.password,
            db: input.db,
            tls: input.tls.map(tls),
            timeout_ms: input.timeout_ms,
            connect_timeout_ms: input.connect_timeout_ms,
            pool: input.pool,
        }
    }
}

impl From<Status> for RedisStatus {
    fn from(status: Status) -> Self {
        let nodes = status.nodes.into_iter().map(|node| RedisNodeStatus {
            address: node.address,
            state: node.state.name(),
            last_error: node.failure.map(Failure::name),
        });
        Self {
            state: status.state.name(),
            circuit: status.circuit.name(),
            last_error: status.failure.map(Failure::name),
            nodes: nodes.collect(),
            version: status.version,
        }
    }
}
