//! The scripts and their names on the server.

use ring::digest;
use std::sync::LazyLock;

/// One script.
#[derive(Debug)]
pub struct Script {
    /// `hit` or `change`.
    pub name: &'static str,
    /// Its Lua.
    pub text: String,
    /// The SHA-1 of the text in hex, which `EVALSHA` takes.
    pub sha1: String,
}

/// Decides hits.
pub static HIT: LazyLock<Script> = LazyLock::new(|| {
    let counters = include_str!("counters.lua");
    make("hit", &[counters, STATE, include_str!("rules.lua"), include_str!("hit.lua")])
});
/// Refunds, penalties, rewards, blocks, looks and resets.
pub static CHANGE: LazyLock<Script> =
    LazyLock::new(|| make("change", &[STATE, include_str!("change.lua")]));

const STATE: &str = include_str!("state.lua");

fn make(name: &'static str, parts: &[&str]) -> Script {
    let text = [include_str!("clock.lua"), &parts.concat()].concat();
    let hash = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    Script { name, sha1: hex(hash.as_ref()), text }
}

/// Lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}
