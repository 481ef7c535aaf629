use super::{hops, ranges, resolve, rule, units};
use crate::client_key::KeyRule::{
    Framework, Header, HeaderMissing, Hops, NoPeer, NotAnAddress, Socket, TrustedProxies,
    UntrustedPeer,
};
use crate::client_key::list::MAX_HEADER_UNITS;
use crate::client_key::{ClientRule, KeyRule, TrustProxy};

const PEER: &str = "::ffff:10.0.0.1";

fn assert_resolves(rule: &ClientRule, cases: &[(&str, &str, KeyRule)]) {
    for (header, key, by) in cases {
        assert_eq!(resolve(rule, PEER, header), ((*key).to_owned(), *by), "{header}");
    }
}

#[test]
fn reads_no_header_without_a_rule_for_it() {
    let off = rule(Some(TrustProxy::Switch(false)), None);
    assert_resolves(&off, &[("9.9.9.9", "10.0.0.1", Socket), ("", "10.0.0.1", Socket)]);
    assert_eq!(resolve(&off, "", "9.9.9.9"), (String::new(), NoPeer));
    assert_eq!(resolve(&off, "/run/app.sock", ""), ("/run/app.sock".to_owned(), NoPeer));
}

#[test]
fn takes_what_the_framework_chose_when_it_is_an_address_s9() {
    assert_resolves(
        &rule(None, None),
        &[
            ("5.5.5.5:4000", "5.5.5.5", Framework),
            ("unknown", "10.0.0.1", NotAnAddress),
            ("", "10.0.0.1", Socket),
        ],
    );
}

#[test]
fn counts_hops_from_the_right_s7_s8() {
    assert_resolves(
        &rule(hops(1), None),
        &[
            ("9.9.9.1, 5.5.5.5", "5.5.5.5", Hops),
            ("9.9.9.2, 5.5.5.5:4001", "5.5.5.5", Hops),
            ("5.5.5.5", "5.5.5.5", Hops),
            ("9.9.9.9,[2001:db8::3]:99", "2001:db8::/56", Hops),
            ("9.9.9.9 ,\t5.5.5.5 , ,", "5.5.5.5", Hops),
            ("", "10.0.0.1", HeaderMissing),
            (" , ,", "10.0.0.1", HeaderMissing),
        ],
    );
    assert_resolves(
        &rule(hops(2), None),
        &[
            ("9.9.9.9, 5.5.5.5, 10.0.0.2", "5.5.5.5", Hops),
            ("5.5.5.5, unknown", "5.5.5.5", Hops),
            ("unknown, 10.0.0.2", "10.0.0.1", NotAnAddress),
            ("10.0.0.2", "10.0.0.2", Hops),
            ("unknown", "10.0.0.1", NotAnAddress),
        ],
    );
}

#[test]
fn gives_garbage_the_key_of_the_peer_s9() {
    for garbage in
        ["unknown0", "_hidden", "1.2.3.4.5", "01.02.03.04", "5.5.5.5;", "\"5.5.5.5\"", "é", "\0"]
    {
        for rule in [
            rule(hops(1), None),
            rule(ranges(&["10.0.0.0/8"]), None),
            rule(hops(1), Some("x-real-ip")),
        ] {
            assert_eq!(
                resolve(&rule, PEER, garbage),
                ("10.0.0.1".to_owned(), NotAnAddress),
                "{garbage}"
            );
        }
    }
}

#[test]
fn looks_at_a_bounded_part_of_a_header_s9() {
    let commas = ",".repeat(65_536);
    let spaces = " ".repeat(65_536);
    let many = "1.1.1.1,".repeat(8_192);
    for rule in [rule(hops(1), None), rule(hops(32), None), rule(ranges(&["10.0.0.0/8"]), None)] {
        for header in [&commas, &spaces] {
            assert_eq!(resolve(&rule, PEER, header), ("10.0.0.1".to_owned(), NotAnAddress));
        }
        // What stands to the left of a proxy's element does not matter, whatever its length.
        assert_eq!(resolve(&rule, PEER, &format!("{many} 5.5.5.5")).0.len(), "5.5.5.5".len());
    }
    let first = rule(hops(1), None);
    for left in [&commas, &spaces, &many] {
        assert_eq!(
            resolve(&first, PEER, &format!("{left}, 5.5.5.5")),
            ("5.5.5.5".to_owned(), Hops)
        );
    }
    // An address cut in two by the bound is none.
    let cut = format!("15.5.5.5{}", " ".repeat(MAX_HEADER_UNITS - "5.5.5.5".len()));
    assert_eq!(resolve(&first, PEER, &cut), ("10.0.0.1".to_owned(), NotAnAddress));
    let whole = format!("5.5.5.5{}", " ".repeat(MAX_HEADER_UNITS - "5.5.5.5".len()));
    assert_eq!(resolve(&first, PEER, &whole), ("5.5.5.5".to_owned(), Hops));
}

#[test]
fn takes_the_rightmost_address_that_is_no_proxy() {
    assert_resolves(
        &rule(ranges(&["10.0.0.0/8", "loopback"]), None),
        &[
            ("9.9.9.9, 5.5.5.5, 10.0.0.2", "5.5.5.5", TrustedProxies),
            ("5.5.5.5, 10.0.0.2:443, 127.0.0.1", "5.5.5.5", TrustedProxies),
            ("10.0.0.3, 10.0.0.2", "10.0.0.3", TrustedProxies),
            ("9.9.9.9, unknown, 10.0.0.2", "10.0.0.1", NotAnAddress),
            // A 6to4 address that holds a proxy's IPv4 address is not that proxy, but counts as it.
            ("9.9.9.9, 2002:a00:2::1", "10.0.0.2", TrustedProxies),
            ("", "10.0.0.1", HeaderMissing),
        ],
    );
}

#[test]
fn reads_nothing_from_a_peer_that_is_not_trusted() {
    for header in [None, Some("forwarded"), Some("x-real-ip"), Some("cf-connecting-ip")] {
        let rule = rule(ranges(&["10.0.0.0/8"]), header);
        for peer in ["203.0.113.9", "2002:a00:1::1", "64:ff9b::10.0.0.1"] {
            assert_eq!(resolve(&rule, peer, "9.9.9.9").1, UntrustedPeer, "{peer}");
        }
        assert_eq!(resolve(&rule, "203.0.113.9", "9.9.9.9").0, "203.0.113.9");
        assert_eq!(resolve(&rule, "", "9.9.9.9"), (String::new(), NoPeer));
    }
}

#[test]
fn reads_forwarded_s10() {
    assert_resolves(
        &rule(hops(1), Some("forwarded")),
        &[
            ("for=\"[2001:db8::1]:4711\"", "2001:db8::/56", Hops),
            ("for=9.9.9.9, For=5.5.5.5;proto=https;by=10.0.0.2", "5.5.5.5", Hops),
            ("by=\"a,b;for=1.1.1.1\" ; FOR=\"5.5.5.5:80\"", "5.5.5.5", Hops),
            ("host=\"a\\\",for=1.1.1.1\";for=5.5.5.5", "5.5.5.5", Hops),
            ("for=\"192.0.2.43:_sUzE3\"", "192.0.2.43", Hops),
            ("for=\"[2001:db8::1]:_x.y\"", "2001:db8::/56", Hops),
            ("for=unknown", "10.0.0.1", NotAnAddress),
            ("for=_hidden", "10.0.0.1", NotAnAddress),
            ("for=_hidden:_port", "10.0.0.1", NotAnAddress),
            ("proto=https", "10.0.0.1", NotAnAddress),
            ("for=1.1.1.1;for=2.2.2.2", "10.0.0.1", NotAnAddress),
            ("for=\"5.5.5.5", "10.0.0.1", NotAnAddress),
            ("for=\"5\\.5.5.5\"", "10.0.0.1", NotAnAddress),
            ("5.5.5.5", "10.0.0.1", NotAnAddress),
            ("for", "10.0.0.1", NotAnAddress),
            ("", "10.0.0.1", HeaderMissing),
        ],
    );
    assert_resolves(
        &rule(ranges(&["10.0.0.0/8"]), Some("forwarded")),
        &[("for=9.9.9.9, for=5.5.5.5, for=10.0.0.2;proto=http", "5.5.5.5", TrustedProxies)],
    );
}

#[test]
fn does_not_let_an_open_quote_swallow_what_the_proxy_appends_s10() {
    let appended = "for=\"[2001:db8:5::1]:4711\";proto=https";
    let rule = rule(hops(1), Some("forwarded"));
    for forged in
        ["for=\"9.9.9.9", "for=9.9.9.9;x=\"", "\"", "\\", "\\\"", "for=\"\\", "a=\"b\\\"", "\"\"\""]
    {
        let header = format!("{forged}, {appended}");
        assert_eq!(resolve(&rule, PEER, &header), ("2001:db8:5::/56".to_owned(), Hops), "{forged}");
    }
    let quotes = format!("{}, {appended}", "\\\"".repeat(30_000));
    assert_eq!(resolve(&rule, PEER, &quotes).1, Hops);
    assert_eq!(resolve(&rule, PEER, &"\\\"".repeat(30_000)).1, NotAnAddress);
}

#[test]
fn reads_one_address_from_a_provider_and_only_from_it() {
    let cloudflare = rule(None, Some("cloudflare"));
    let from = |peer: &str, value: &str| resolve(&cloudflare, peer, value);
    assert_eq!(from("::ffff:173.245.48.9", " 5.5.5.5 "), ("5.5.5.5".to_owned(), Header));
    assert_eq!(from("2606:4700::1", "2001:db8::1"), ("2001:db8::/56".to_owned(), Header));
    assert_eq!(from("173.245.48.9", "").1, HeaderMissing);
    assert_eq!(from("173.245.48.9", "5.5.5.5, 6.6.6.6").1, NotAnAddress);
    assert_eq!(from("173.245.64.9", "5.5.5.5"), ("173.245.64.9".to_owned(), UntrustedPeer));
    assert_eq!(from("127.0.0.1", "5.5.5.5").1, UntrustedPeer);
}

#[test]
fn counts_the_elements_that_a_provider_appends() {
    let alb = rule(None, Some("aws-alb"));
    assert_resolves(
        &alb,
        &[("9.9.9.9, 5.5.5.5:33012", "5.5.5.5", Hops), ("10.0.0.7", "10.0.0.7", Hops)],
    );
    assert_eq!(resolve(&alb, "203.0.113.9", "9.9.9.9").1, UntrustedPeer);
    let google = rule(None, Some("google-cloud"));
    let client = resolve(&google, "35.191.0.5", "9.9.9.9, 5.5.5.5,34.98.1.1");
    assert_eq!(client, ("5.5.5.5".to_owned(), Hops));
    let behind = rule(ranges(&["192.168.0.0/16"]), Some("google-cloud"));
    assert_eq!(resolve(&behind, "192.168.7.7", "5.5.5.5,34.98.1.1"), ("5.5.5.5".to_owned(), Hops));
}

#[test]
fn takes_the_port_off_a_bare_ipv6_address_of_cloudfront() {
    assert_resolves(
        &rule(hops(1), Some("cloudfront")),
        &[
            ("198.51.100.10:46532", "198.51.100.10", Header),
            ("2001:db8:85a3:12::7334:46532", "2001:db8:85a3::/56", Header),
            ("2001:db8:85a3:0:0:8a2e:370:7334:46532", "2001:db8:85a3::/56", Header),
            ("[2001:db8::1]:46532", "2001:db8::/56", Header),
            ("198.51.100.10", "10.0.0.1", NotAnAddress),
            ("2001:db8::1:99999", "10.0.0.1", NotAnAddress),
        ],
    );
}

#[test]
fn says_which_text_gave_the_key() {
    let (peer, header) = (units(PEER), units("9.9.9.9, 5.5.5.5:4000 "));
    let by_hops = rule(hops(1), None);
    let resolved = by_hops.resolve(&peer, &header);
    assert_eq!(resolved.text, units("5.5.5.5:4000"));
    assert_eq!(by_hops.resolve(&peer, &[]).text, peer);
}
