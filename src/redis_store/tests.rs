//! Tests of several modules together; those that need a Redis start their own.
#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "numbers of the tests' own making"
)]

mod drive;
mod engine;
mod exactness;
mod plan;
mod server;
