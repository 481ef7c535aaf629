use super::{hops, ranges};
use crate::client_key::ranges::AddressRanges;
use crate::client_key::sources::{Form, SOURCES};
use crate::client_key::{ClientOptions, ClientRule, Prefix, TrustProxy};
use crate::error::ErrorCode;
use std::net::IpAddr;

fn refusal(trust_proxy: Option<TrustProxy>, header: Option<&str>) -> (ErrorCode, String) {
    let header = header.map(str::to_owned);
    let options = ClientOptions { trust_proxy, header, ..ClientOptions::default() };
    let error = ClientRule::try_from(&options).expect_err(&format!("{options:?} was taken"));
    (error.code, error.path)
}

#[test]
fn refuses_to_trust_everybody_s7() {
    let value = |path: &str| (ErrorCode::OptionValue, path.to_owned());
    assert_eq!(refusal(Some(TrustProxy::Switch(true)), None), value("trustProxy"));
    assert_eq!(refusal(Some(TrustProxy::Switch(true)), Some("cloudflare")), value("trustProxy"));
    for everybody in [
        &["0.0.0.0/0"] as &[&str],
        &["::/0"],
        &["0.0.0.0/0.0.0.0"],
        &["0.0.0.0/1", "128.0.0.0/1"],
        &["128.0.0.0/1", "loopback", "64.0.0.0/2", "0.0.0.0/2"],
        &["::ffff:0:0/96"],
        &["2000::/3"],
        &["2000::/4", "3000::/4"],
        &["10.0.0.0/8", "::/1"],
    ] {
        assert_eq!(refusal(ranges(everybody), None), value("trustProxy"), "{everybody:?}");
    }
    for count in [-1.0, 0.5, 65.0, 1e6, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(refusal(Some(TrustProxy::Hops(count)), None), value("trustProxy"), "{count}");
    }
}

#[test]
fn refuses_malformed_ranges_by_their_place() {
    for entry in [
        "",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "10.0.0.0/8/8",
        "10.0.0/8",
        "010.0.0.0/8",
        "10.0.0.0/255.0.255.0",
        "10.0.0.0:80",
        "::1/129",
        "[::1]/128",
        "fe80::1%eth0/64",
        "::/255.0.0.0",
        "localhost",
        "loopbak",
        "Loopback!",
        "10.0.0.1-10.0.0.9",
        "*",
        "::ffff:10.0.0.0/1000",
    ] {
        let refused = refusal(ranges(&["loopback", entry]), None);
        assert_eq!(refused, (ErrorCode::OptionValue, "trustProxy[1]".to_owned()), "{entry}");
    }
    assert_eq!(refusal(ranges(&[]), None), (ErrorCode::OptionValue, "trustProxy".to_owned()));
}

#[test]
fn refuses_headers_it_does_not_know_and_headers_that_anybody_could_send() {
    for header in ["x-forwaded-for", "", "cookie", "x forwarded for", "cloudflare ", "host"] {
        assert_eq!(refusal(hops(1), Some(header)), (ErrorCode::OptionValue, "header".to_owned()));
    }
    for source in SOURCES.iter().filter(|source| source.peers.is_empty()) {
        let refused = refusal(None, Some(source.name));
        assert_eq!(
            refused,
            (ErrorCode::OptionRequired, "trustProxy".to_owned()),
            "{}",
            source.name
        );
    }
    let conflict = |path: &str| (ErrorCode::OptionConflict, path.to_owned());
    assert_eq!(refusal(hops(2), Some("cf-connecting-ip")), conflict("trustProxy"));
    assert_eq!(refusal(hops(0), Some("x-forwarded-for")), conflict("header"));
    assert_eq!(refusal(Some(TrustProxy::Switch(false)), Some("cloudflare")), conflict("header"));
}

#[test]
fn refuses_prefixes_out_of_range() {
    for bits in [0.0, -1.0, 1.5, 129.0, f64::NAN] {
        let ipv6 =
            ClientOptions { ipv6_prefix: Some(Prefix::Bits(bits)), ..ClientOptions::default() };
        assert_eq!(ClientRule::try_from(&ipv6).unwrap_err().path, "ipv6Prefix", "{bits}");
    }
    let ipv4 = ClientOptions { ipv4_prefix: Some(Prefix::Bits(33.0)), ..ClientOptions::default() };
    assert_eq!(ClientRule::try_from(&ipv4).unwrap_err().path, "ipv4Prefix");
    let on = ClientOptions { ipv6_prefix: Some(Prefix::Switch(true)), ..ClientOptions::default() };
    assert_eq!(ClientRule::try_from(&on).unwrap_err().path, "ipv6Prefix");
    let off =
        ClientOptions { ipv6_prefix: Some(Prefix::Switch(false)), ..ClientOptions::default() };
    assert_eq!(ClientRule::try_from(&off).unwrap().prefixes().ipv6, 128);
}

#[test]
fn compiles_every_source() {
    for source in &SOURCES {
        let rule = super::rule(hops(1), Some(source.name));
        assert_eq!(rule.header(), Some(source.header));
        assert_eq!(source.name, source.name.to_lowercase());
        if !source.peers.is_empty() {
            assert_eq!(super::rule(None, Some(source.name)).header(), Some(source.header));
            assert_eq!(matches!(source.form, Form::List(_)), source.hops > 0, "{}", source.name);
        }
    }
    assert_eq!(super::rule(hops(1), Some("X-Forwarded-For")).header(), Some("x-forwarded-for"));
    assert_eq!(super::rule(hops(1), None).header(), Some("x-forwarded-for"));
    assert_eq!(super::rule(hops(0), None).header(), None);
}

#[test]
fn compiles_ranges_as_proxy_addr_does() {
    let holds = |entries: &[&str], address: &str| {
        let address: IpAddr = address.parse().unwrap();
        AddressRanges::compile("p", entries).unwrap().contains(address)
    };
    assert!(holds(&["loopback"], "127.255.0.1") && holds(&["loopback"], "::1"));
    assert!(holds(&["linklocal"], "169.254.169.254") && holds(&["linklocal"], "febf::1"));
    assert!(holds(&["uniquelocal"], "172.31.0.1") && holds(&["uniquelocal"], "fd00::1"));
    assert!(!holds(&["uniquelocal"], "172.32.0.1") && !holds(&["uniquelocal"], "fe00::1"));
    assert!(holds(&["10.0.0.0/255.255.0.0"], "10.0.255.255"));
    assert!(!holds(&["10.0.0.0/255.255.0.0"], "10.1.0.0"));
    assert!(holds(&["10.1.2.3/8"], "10.9.9.9") && holds(&[" 10.1.2.3 "], "10.1.2.3"));
    assert!(holds(&["::ffff:10.0.0.0/104"], "10.2.3.4") && holds(&["10.0.0.0/8"], "::ffff:a01:1"));
    assert!(holds(&["::ffff:10.0.0.1"], "10.0.0.1"));
    let neighbours = ["10.0.0.0/32", "10.0.0.2/31", "10.0.0.1/32", "255.255.255.255", "0.0.0.0"];
    for (address, is_in) in [
        ("10.0.0.3", true),
        ("10.0.0.4", false),
        ("9.255.255.255", false),
        ("255.255.255.255", true),
        ("0.0.0.0", true),
    ] {
        assert_eq!(holds(&neighbours, address), is_in, "{address}");
    }
}

#[test]
fn tells_the_bounds_of_its_ranges() {
    let entries = ["10.1.2.3/8", "::ffff:11.0.0.0/104", "192.0.2.1", "2001:db8::/32"];
    let ranges = AddressRanges::compile("p", &entries).unwrap();
    let bounds: Vec<String> =
        ranges.bounds().map(|(first, last)| format!("{first} {last}")).collect();
    let v6 = "2001:db8:: 2001:db8:ffff:ffff:ffff:ffff:ffff:ffff";
    assert_eq!(bounds, ["10.0.0.0 11.255.255.255", "192.0.2.1 192.0.2.1", v6]);
}

#[test]
fn does_not_trust_an_ipv4_address_that_its_sender_wrote_into_ipv6() {
    let ranges = AddressRanges::compile("p", &["10.0.0.0/8", "::/64"]).unwrap();
    for address in ["2002:a00:1::1", "64:ff9b::10.0.0.1", "2001:0:1::f5ff:fffe"] {
        assert!(!ranges.contains(address.parse().unwrap()), "{address}");
    }
    // ::/64 is no way to trust all IPv4 addresses.
    assert!(!ranges.contains("::ffff:192.0.2.1".parse().unwrap()));
}
