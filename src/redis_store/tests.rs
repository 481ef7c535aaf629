//! Tests that need a Redis: each starts its own.

mod engine;
mod exactness;
mod server;
