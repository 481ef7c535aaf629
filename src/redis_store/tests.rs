//! Tests that need a Redis: each starts its own.

mod exactness;
mod server;
