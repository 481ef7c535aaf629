//! A second, naive implementation: whole lists from the left, strings, one pass after the other.

use super::{hops, ranges, rule, units};
use crate::client_key::address::parse_address;
use crate::client_key::{ClientKey, Prefixes};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The bits of an IPv6 address as text, so that nothing is shared with the core's arithmetic.
fn naive_embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let bits = format!("{:0128b}", u128::from(address));
    let v4 =
        |start: usize| Ipv4Addr::from(u32::from_str_radix(&bits[start..start + 32], 2).unwrap());
    let hex = format!("{:032x}", u128::from(address));
    let zeros = |count: usize| "0".repeat(count);
    if address.is_unspecified() || address.is_loopback() {
        None
    } else if hex.starts_with(&zeros(24))
        || hex.starts_with(&(zeros(20) + "ffff"))
        || hex.starts_with(&(zeros(16) + "ffff0000"))
        || hex.starts_with(&("0064ff9b".to_owned() + &zeros(16)))
    {
        Some(v4(96))
    } else if hex.starts_with("0064ff9b0001") {
        if hex.ends_with("00000000") {
            let around = format!("{}{}", &bits[48..64], &bits[72..88]);
            Some(Ipv4Addr::from(u32::from_str_radix(&around, 2).unwrap()))
        } else {
            Some(v4(96))
        }
    } else if hex.starts_with("2002") {
        Some(v4(16))
    } else if hex.starts_with("20010000") {
        let inverted: String =
            bits[96..].chars().map(|bit| if bit == '0' { '1' } else { '0' }).collect();
        Some(Ipv4Addr::from(u32::from_str_radix(&inverted, 2).unwrap()))
    } else {
        None
    }
}

fn naive_key(address: IpAddr, ipv4: u8, ipv6: u8) -> String {
    let address = match address {
        IpAddr::V6(v6) => naive_embedded(v6).map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    };
    let cut = |bits: String, prefix: u8| {
        let kept = &bits[..usize::from(prefix)];
        format!("{kept}{}", "0".repeat(bits.len() - kept.len()))
    };
    match address {
        IpAddr::V4(v4) => {
            let bits = cut(format!("{:032b}", u32::from(v4)), ipv4);
            let cut = Ipv4Addr::from(u32::from_str_radix(&bits, 2).unwrap());
            if ipv4 == 32 { cut.to_string() } else { format!("{cut}/{ipv4}") }
        }
        IpAddr::V6(v6) => {
            let bits = cut(format!("{:0128b}", u128::from(v6)), ipv6);
            let cut = Ipv6Addr::from(u128::from_str_radix(&bits, 2).unwrap());
            if ipv6 == 128 { cut.to_string() } else { format!("{cut}/{ipv6}") }
        }
    }
}

/// The elements of a plain list, from the left, empty ones left out.
fn naive_elements(header: &str) -> Vec<String> {
    let trimmed = header.split(',').map(|part| part.trim_matches([' ', '\t']));
    trimmed.filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn naive_address(text: &str) -> Option<IpAddr> {
    parse_address(&units(text))
}

fn naive_hops(peer: &str, header: &str, count: usize) -> Option<IpAddr> {
    let elements = naive_elements(header);
    let index = elements.len().saturating_sub(count);
    elements.get(index).and_then(|text| naive_address(text)).or_else(|| naive_address(peer))
}

fn naive_is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.octets()[0] == 10,
        IpAddr::V6(v6) => v6.segments()[0] & 0xfe00 == 0xfc00,
    }
}

fn naive_untrusted(peer: &str, header: &str) -> Option<IpAddr> {
    let own = naive_address(peer)?;
    if !naive_is_private(own) {
        return Some(own);
    }
    let mut client = own;
    for text in naive_elements(header).iter().rev() {
        match naive_address(text) {
            Some(address) if naive_is_private(address) => client = address,
            Some(address) => return Some(address),
            None => return Some(own),
        }
    }
    Some(client)
}

/// Addresses that lie near what the core treats apart.
fn address() -> impl Strategy<Value = IpAddr> {
    let special = prop::sample::select(vec![
        0,
        0xffff_u128 << 32,
        0xffff << 48,
        0x64_ff9b << 96,
        0x64_ff9b_0001 << 80,
        0x2002 << 112,
        0x2001 << 112,
        0xfc00 << 112,
        0x2001_0db8 << 96,
    ]);
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(bits.into())),
        any::<u32>().prop_map(|bits| IpAddr::V4(((bits >> 8) | 0x0a00_0000).into())),
        any::<u128>().prop_map(|bits| IpAddr::V6(bits.into())),
        (special, any::<u128>(), 0..=128_u32).prop_map(|(prefix, bits, shift)| {
            IpAddr::V6((prefix | bits.checked_shr(shift).unwrap_or(0)).into())
        }),
    ]
}

fn spelling() -> impl Strategy<Value = String> {
    (address(), any::<u16>(), 0..4_u8).prop_map(|(address, port, form)| match (address, form) {
        (IpAddr::V4(v4), 0) => format!("{v4}:{port}"),
        (IpAddr::V6(v6), 0) => format!("[{v6}]:{port}"),
        (IpAddr::V6(v6), 1) => format!("{v6}%eth{}", port % 10),
        (IpAddr::V6(v6), 2) => format!("[{v6}]").to_uppercase(),
        _ => address.to_string(),
    })
}

fn header() -> impl Strategy<Value = String> {
    let element = prop_oneof![
        6 => spelling(),
        1 => prop::sample::select(vec!["unknown", "_x", "", " ", "01.2.3.4", "1.2.3.4.5", "\"", "é"])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec((element, prop::sample::select(vec![",", ", ", " ,\t"])), 0..8).prop_map(
        |parts| {
            parts.into_iter().flat_map(|(element, comma)| [element, comma.to_owned()]).collect()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(4_096) })]

    #[test]
    fn keys_equal_the_twin(address in address(), ipv4 in 1..=32_u8, ipv6 in 1..=128_u8) {
        let prefixes = Prefixes { ipv4, ipv6 };
        let text = units(&address.to_string());
        let key = ClientKey::parse_with(&text, prefixes);
        prop_assert_eq!(key.to_text_with(prefixes), naive_key(address, ipv4, ipv6));
    }

    #[test]
    fn spellings_do_not_matter(text in spelling(), prefix in 1..=128_u8) {
        let bare = text.split('%').next().unwrap_or(&text);
        let bare = bare.trim_start_matches('[');
        let bare = bare.split(']').next().unwrap_or(bare);
        let address: IpAddr = bare.parse().or_else(|_| bare[..bare.rfind(':').unwrap_or(0)].parse()).unwrap();
        prop_assert_eq!(parse_address(&units(&text)), Some(address));
        let (left, right) = (units(&text), units(&address.to_string()));
        prop_assert_eq!(ClientKey::parse(&left, prefix), ClientKey::parse(&right, prefix));
    }

    #[test]
    fn hops_equal_the_twin(peer in spelling(), header in header(), count in 1..6_u8) {
        let rule = rule(hops(count), None);
        let (units_of_peer, value) = (units(&peer), units(&header));
        let key = rule.resolve(&units_of_peer, &value).key.to_text();
        let expected = naive_hops(&peer, &header, usize::from(count)).unwrap();
        prop_assert_eq!(key, naive_key(expected, 32, 56));
    }

    #[test]
    fn trusted_ranges_equal_the_twin(peer in spelling(), header in header()) {
        let rule = rule(ranges(&["10.0.0.0/8", "fc00::/7"]), None);
        let (units_of_peer, value) = (units(&peer), units(&header));
        let key = rule.resolve(&units_of_peer, &value).key.to_text();
        prop_assert_eq!(key, naive_key(naive_untrusted(&peer, &header).unwrap(), 32, 56));
    }

    #[test]
    fn what_stands_left_of_the_proxy_never_counts(
        forged in prop::collection::vec(any::<u16>(), 0..200),
        client in spelling(),
    ) {
        let peer = units("10.0.0.1");
        let plain = rule(hops(1), None);
        let alone = units(&client);
        let mut value = forged.clone();
        value.extend(units(&format!(", {client}")));
        prop_assert_eq!(plain.resolve(&peer, &value).key, plain.resolve(&peer, &alone).key);
        let forwarded = rule(hops(1), Some("forwarded"));
        let element = format!("for=\"{client}\";proto=https");
        let alone = units(&element);
        let mut value = forged;
        value.extend(units(&format!(", {element}")));
        prop_assert_eq!(forwarded.resolve(&peer, &value).key, forwarded.resolve(&peer, &alone).key);
    }

    #[test]
    fn any_text_gives_a_key(text in prop::collection::vec(any::<u16>(), 0..300), prefix in 1..=128_u8) {
        let key = ClientKey::parse(&text, prefix);
        prop_assert!(matches!(key, ClientKey::Address(_)) || key == ClientKey::Text(&text));
        for header in [None, Some("forwarded"), Some("x-real-ip"), Some("cloudfront")] {
            let rule = rule(hops(1), header);
            prop_assert!(matches!(rule.resolve(&units("10.0.0.1"), &text).key, ClientKey::Address(_)));
        }
    }
}
