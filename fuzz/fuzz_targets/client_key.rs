//! Whatever a client sends: a key comes out, the peer's where nothing else may count, and what stands to the
//! left of a trusted proxy's element changes nothing. The first byte chooses the rule, the rest is text in
//! UTF-16.
#![no_main]

use carapace::client_key::{ClientKey, ClientOptions, ClientRule, KeyRule, TrustProxy};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

const HEADERS: [&str; 4] =
    ["x-forwarded-for", "forwarded", "x-real-ip", "cloudfront-viewer-address"];

static RULES: LazyLock<Vec<ClientRule>> = LazyLock::new(|| {
    let ranges = TrustProxy::Ranges(vec!["10.0.0.0/8".to_owned(), "loopback".to_owned()]);
    let hops = TrustProxy::Hops(1.0);
    let trusts = [hops, ranges];
    let named = HEADERS.iter().flat_map(|header| trusts.iter().map(move |trust| (*header, trust)));
    named.map(|(header, trust)| rule(header, trust.clone())).collect()
});

fn rule(header: &str, trust_proxy: TrustProxy) -> ClientRule {
    let options = ClientOptions {
        trust_proxy: Some(trust_proxy),
        header: Some(header.to_owned()),
        ..ClientOptions::default()
    };
    ClientRule::try_from(&options).expect("the rules are valid")
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fuzz_target!(|data: &[u8]| {
    let Some((&number, bytes)) = data.split_first() else { return };
    let forged: Vec<u16> =
        bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let number = usize::from(number) % RULES.len();
    let rule = &RULES[number];

    let own = units("10.0.0.1");
    let resolved = rule.resolve(&own, &forged);
    assert!(matches!(resolved.key, ClientKey::Address(_)));
    if matches!(resolved.rule, KeyRule::HeaderMissing | KeyRule::NotAnAddress) {
        assert_eq!(resolved.key, ClientKey::parse(&own, 56));
    }

    // Two rules a header: hops, then ranges. Only ranges look at the peer.
    let stranger = units("203.0.113.9");
    if number % 2 == 1 {
        assert_eq!(rule.resolve(&stranger, &forged).rule, KeyRule::UntrustedPeer);
    }

    let appended = if number < 2 { "5.5.5.5:80" } else { "for=\"5.5.5.5:80\";proto=https" };
    if number < 4 {
        let mut header = forged.clone();
        header.extend(units(&format!(", {appended}")));
        assert_eq!(rule.resolve(&own, &header).key.to_text(), "5.5.5.5");
    }

    // As text, no key of the app reads as an address's key.
    let key = ClientKey::parse(&forged, 56);
    if matches!(key, ClientKey::Text(_)) {
        let text = key.to_text();
        let bare = text.split('/').next().unwrap_or_default();
        assert!(bare.parse::<std::net::IpAddr>().is_err());
    }
});
