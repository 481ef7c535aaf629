use super::{key, units};
use crate::client_key::{ClientKey, ClientOptions, ClientRule, Prefix, Prefixes};
use std::collections::HashSet;

#[test]
fn tells_mapped_addresses_apart_and_equals_plain_ipv4_s1_s2() {
    assert_eq!(key("::ffff:192.0.2.1"), "192.0.2.1");
    assert_eq!(key("::ffff:c000:201"), "192.0.2.1");
    assert_eq!(key("0:0:0:0:0:FFFF:C000:0201"), "192.0.2.1");
    assert_eq!(key("::ffff:192.0.2.2"), "192.0.2.2");
    assert_eq!(key("::192.0.2.1"), "192.0.2.1");
    assert_eq!(key("::ffff:0:192.0.2.1"), "192.0.2.1");
}

#[test]
fn keeps_unspecified_and_loopback_ipv6() {
    assert_eq!(key("::"), "::/56");
    assert_eq!(key("::1"), "::/56");
}

#[test]
fn takes_ipv4_at_the_end_of_other_prefixes_for_ipv6_s3() {
    assert_eq!(key("2001:db8:1234:5678::192.0.2.1"), "2001:db8:1234:5600::/56");
    assert_eq!(key("::1:ffff:192.0.2.1"), "::/56");
}

#[test]
fn gives_ten_thousand_addresses_of_one_prefix_one_key_s4() {
    let keys: HashSet<_> =
        (0..10_000).map(|host| key(&format!("2001:db8:1:2::{host:x}"))).collect();
    assert_eq!(keys.len(), 1);
}

#[test]
fn ignores_the_spelling_of_ipv6_s4() {
    for text in ["2001:DB8::1", "2001:db8:0:0::1", "2001:0db8:0000:0000:0000:0000:0000:0001"] {
        assert_eq!(key(text), "2001:db8::/56");
    }
    for text in ["fe80::1%eth0", "fe80::1%25", "[fe80::1%wlan0.5]:80", "fe80::1"] {
        assert_eq!(key(text), "fe80::/56");
    }
}

#[test]
fn tells_the_clients_of_a_nat64_apart_s5() {
    assert_eq!(key("64:ff9b::192.0.2.1"), "192.0.2.1");
    assert_eq!(key("64:ff9b::198.51.100.7"), "198.51.100.7");
    assert_eq!(key("64:ff9b:1::192.0.2.1"), "192.0.2.1");
    assert_eq!(key("64:ff9b:1:abcd::192.0.2.1"), "192.0.2.1");
    // The /48 form of RFC 6052, section 2.4, for 192.0.2.33.
    assert_eq!(key("64:ff9b:1:c000:2:2100::"), "192.0.2.33");
    assert_eq!(key("64:ff9b:2::192.0.2.1"), "64:ff9b:2::/56");
}

#[test]
fn gives_all_of_a_6to4_prefix_its_ipv4_address_s6() {
    assert_eq!(key("2002:c000:0201:0100::1"), "192.0.2.1");
    assert_eq!(key("2002:c000:0201:ff00::1"), "192.0.2.1");
}

#[test]
fn takes_the_client_out_of_teredo_s6() {
    // The server is 65.54.227.120, the client 192.0.2.45 at port 40000.
    assert_eq!(key("2001:0:4136:e378:8000:63bf:3fff:fdd2"), "192.0.2.45");
    assert_eq!(key("2001:1::1"), "2001:1::/56");
}

#[test]
fn does_not_believe_isatap_interface_identifiers_which_the_sender_chooses_s6() {
    assert_eq!(key("2001:db8::5efe:192.0.2.1"), "2001:db8::/56");
    assert_eq!(key("2001:db8::200:5efe:192.0.2.1"), "2001:db8::/56");
}

#[test]
fn drops_port_and_brackets_s8() {
    for text in ["5.5.5.5", "5.5.5.5:4000", "5.5.5.5:4001", "5.5.5.5:0", "[::ffff:5.5.5.5]:1"] {
        assert_eq!(key(text), "5.5.5.5");
    }
    for text in ["[2001:db8::3]:99", "[2001:db8::3]", "2001:db8::3"] {
        assert_eq!(key(text), "2001:db8::/56");
    }
}

#[test]
fn takes_nothing_else_for_an_address_s9() {
    let garbage = [
        "",
        " ",
        "alice",
        "unknown",
        "unknown0",
        "_hidden",
        "1.2.3.4.5",
        "01.02.03.04",
        "1.2.3",
        "0x7f.1",
        "127.1",
        "2130706433",
        "1.2.3.256",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:+80",
        "1.2.3.4%eth0",
        "[1.2.3.4]",
        "[1.2.3.4]:80",
        "[::1",
        "::1]",
        "[[::1]]",
        "[]",
        "[::1]:",
        "[::1]80",
        "::1%",
        "::1% ",
        "::1%a%b",
        "1::2::3",
        "1:2:3:4:5:6:7:8:9",
        "::12345",
        " 1.2.3.4",
        "1.2.3.4 ",
        "1.2.3.4\n",
        "1.2.3.4\0",
        "1.2.3.4, 5.6.7.8",
        "１.2.3.4",
        "é",
        "::ffff:1.2.3.4.5",
        "1.2.3.4/32",
    ];
    for text in garbage {
        let text = units(text);
        assert_eq!(ClientKey::parse(&text, 56), ClientKey::Text(&text), "{text:?}");
    }
    let long = units(&"1".repeat(1_000_000));
    assert_eq!(ClientKey::parse(&long, 56), ClientKey::Text(&long));
}

#[test]
fn keeps_every_other_key_whole_and_apart_s11() {
    let huge = "k".repeat(1_000_000);
    let larger = format!("{huge}x");
    let keys = [
        "a:b",
        "a",
        "b:c",
        "c",
        "{tag}",
        "{tag}a",
        "a\0b",
        "a\r\nb",
        "a\nb",
        "__proto__",
        "constructor",
        "",
        " ",
        "text:",
        "text:a",
        "text:text:a",
        "192.0.2.1",
        "192.0.2.1/32",
        "192.0.2.0/24",
        "text:192.0.2.0/24",
        "2001:db8::/56",
        "2001:db8::",
        "2001:db8::/57",
        "text:2001:db8::/56",
        r"\ud800",
        r"text:\ud800",
        r"\\ud800",
        r"text:\\ud800",
        r"\",
        r"text:\",
        &huge,
        &larger,
    ];
    let mut all: Vec<Vec<u16>> = keys.iter().map(|text| units(text)).collect();
    let lone = [vec![0xd800], vec![0xdc00], vec![0x5c, 0xd800], vec![0xd800, 0x5c], vec![0xfffd]];
    all.extend(lone);
    let distinct: HashSet<_> = all.iter().map(|text| ClientKey::parse(text, 56)).collect();
    assert_eq!(distinct.len(), all.len());
    for (ipv4, ipv6) in [(32, 56), (24, 56), (32, 57)] {
        let prefixes = Prefixes { ipv4, ipv6 };
        let distinct: HashSet<_> =
            all.iter().map(|text| ClientKey::parse_with(text, prefixes)).collect();
        let spelled: HashSet<_> = distinct.iter().map(|key| key.to_text_with(prefixes)).collect();
        assert_eq!(spelled.len(), distinct.len());
        let bytes: HashSet<_> = distinct
            .iter()
            .map(|key| {
                let mut bytes = Vec::new();
                key.append_bytes(&mut bytes);
                bytes
            })
            .collect();
        assert_eq!(bytes.len(), distinct.len());
    }
}

#[test]
fn leaves_given_keys_alone_when_told_so() {
    let options = ClientOptions {
        canonical_keys: Some(false),
        ipv6_prefix: Some(Prefix::Bits(64.0)),
        ..Default::default()
    };
    let rule = ClientRule::try_from(&options).unwrap();
    let text = units("2001:db8::1");
    assert_eq!(rule.given_key(&text), ClientKey::Text(&text));
    assert_eq!(rule.given_key(&text).to_text_with(rule.prefixes()), "text:2001:db8::1");
    let rule = ClientRule::try_from(&ClientOptions { canonical_keys: None, ..options }).unwrap();
    assert_eq!(rule.given_key(&text).to_text_with(rule.prefixes()), "2001:db8::/64");
}

#[test]
fn takes_every_prefix_length() {
    let cut = |text: &str, ipv4, ipv6| {
        let prefixes = Prefixes { ipv4, ipv6 };
        ClientKey::parse_with(&units(text), prefixes).to_text_with(prefixes)
    };
    let address = "2001:db8:1234:5678::1";
    assert_eq!(cut(address, 32, 128), address);
    assert_eq!(cut(address, 32, 127), "2001:db8:1234:5678::/127");
    assert_eq!(cut(address, 32, 64), "2001:db8:1234:5678::/64");
    assert_eq!(cut(address, 32, 1), "::/1");
    assert_eq!(cut("203.0.113.77", 24, 56), "203.0.113.0/24");
    assert_eq!(cut("203.0.113.77", 1, 56), "128.0.0.0/1");
    assert_eq!(cut("64:ff9b::203.0.113.77", 24, 56), "203.0.113.0/24");
}

proptest::proptest! {
    /// What is read without a copy is what the standard library's parser reads.
    #[test]
    fn dotted_numbers_are_addresses_exactly_when_the_standard_library_says_so(
        text in "[0-9]{0,4}(\\.[0-9]{0,4}){0,4}|[0-9.:x\u{ff10}\u{130}]{0,16}|((25[0-9]|1[0-9]{2}|[1-9]?[0-9])\\.){3}(25[0-9]|[0-9]{1,3})"
    ) {
        let is_bare = !text.contains(':');
        let expected = text.parse::<std::net::Ipv4Addr>().ok().map(std::net::IpAddr::V4);
        let units: Vec<u16> = text.encode_utf16().collect();
        let found = crate::client_key::address::parse_address(&units);
        proptest::prop_assert!(!is_bare || found == expected, "{text}: {found:?}, {expected:?}");
    }
}
