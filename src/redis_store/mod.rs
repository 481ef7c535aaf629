//! The pooled Redis limiter: one answer across every instance of an app.
//!
//! # The scripts
//! Redis decides with two Lua scripts, [`scripts::HIT`] and [`scripts::CHANGE`], that do exactly what the
//! pure functions of [`crate::rate_limit::algorithm`] do, on the server's own clock.
//!
//! The state of a key is one string, `struct.pack('<Bddd', kind, end, y, z)`:
//!
//! | kind | is | y | z |
//! |---|---|---|---|
//! | 1 | fixed window | used | 0 |
//! | 2 | sliding window | hits of the window before | hits of the present one |
//! | 3 | GCRA | start of the debt | units of `1 / limit` ms by which it is paid before `end` |
//! | 4 | block | start | used |
//!
//! Its time to live is always `end - now`; there is no key without one. Every number is below 2^53. A fixed
//! window is the decimal number `used * 2^32 + end % 2^32` instead, where that is exact: see [`counter`].
//!
//! `hit` takes in `ARGV` the number of rules, whether a key occurs more than once (`1` or `0`) or all keys are
//! to be counted (`2`), then the
//! rules (kind, limit, window, block, cost, and for GCRA price and capacity, each as whole milliseconds and
//! units of `1 / limit` ms), then for each key of `KEYS` a plan: the rule's number, for the first key of a
//! hit how many equal hits it stands for (1 unless given), and of how many keys the hit consists (1 unless
//! given); those pass together or not at all. Without any plan each key is one hit under the first rule. In a run that
//! only counts (`2`) each rule has two numbers more, see [`counter::write_rule`], and plans are three numbers:
//! key, rule, and how many hits, for the keys that are not one hit under the first rule. `change` takes ten numbers for each key: see [`rule::write_change`]. The last argument of
//! both is the run's number.
//!
//! Both reply with integers alone, which every protocol and client has: the server's time, the run's number,
//! so that a connection that lost bytes gives no hit the answer of another, then for each key
//! `end * 8 + kind`, y and z as they were *before* the script, or a single 0 for a key that nothing is known
//! of. A run that only counts replies one number for each key, the counter as it is *after* it, or a 0 for
//! one that had to be decided, and all of those follow as above. The caller replays the pure functions on that state as often as there were hits, and so has every
//! single decision, and the script has written what comes out.

pub mod answer;
pub mod batch;
pub mod circuit;
pub mod command;
pub mod counter;
pub mod drive;
pub mod engine;
pub mod failure;
pub mod key;
pub mod line;
pub mod node;
pub mod options;
pub mod queue;
pub mod reply;
pub mod rule;
pub mod run;
pub mod scripts;
pub mod sentinel;
pub mod slots;
pub mod status;
pub mod stopwatch;
pub mod stream;
pub mod sweep;
pub mod thread;
mod tls;
pub mod waiter;

#[cfg(test)]
mod tests;
