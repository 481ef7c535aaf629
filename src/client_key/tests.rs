//! Tests of client identity: the attacks by name, the options, and a naive twin.

mod keys;
mod options;
mod resolving;
mod twin;

use super::{ClientKey, ClientOptions, ClientRule, KeyRule, TrustProxy};

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn key(text: &str) -> String {
    ClientKey::parse(&units(text), super::DEFAULT_IPV6_PREFIX).to_text()
}

#[expect(clippy::unnecessary_wraps, reason = "the option itself is what the tests vary")]
fn hops(count: u8) -> Option<TrustProxy> {
    Some(TrustProxy::Hops(f64::from(count)))
}

#[expect(clippy::unnecessary_wraps, reason = "the option itself is what the tests vary")]
fn ranges(entries: &[&str]) -> Option<TrustProxy> {
    Some(TrustProxy::Ranges(entries.iter().map(|entry| (*entry).to_owned()).collect()))
}

fn rule(trust_proxy: Option<TrustProxy>, header: Option<&str>) -> ClientRule {
    let header = header.map(str::to_owned);
    ClientRule::try_from(&ClientOptions { trust_proxy, header, ..ClientOptions::default() })
        .unwrap()
}

fn resolve(rule: &ClientRule, peer: &str, forwarded: &str) -> (String, KeyRule) {
    let (peer, forwarded) = (units(peer), units(forwarded));
    let resolved = rule.resolve(&peer, &forwarded);
    (resolved.key.to_text_with(rule.prefixes()), resolved.rule)
}
