//! Whom a rule trusts, and what it reads: sets of addresses hold what a naive reading of their entries holds, addresses are what
//! the standard library reads, and of a well-formed list the element comes out that stands where the rule looks.
#![no_main]

use carapace::client_key::address::parse_address;
use carapace::client_key::list::{Chosen, Selection, Syntax, select};
use carapace::client_key::{
    AddressRanges, ClientOptions, ClientRule, Prefix, Prefixes, TrustProxy,
};
use libfuzzer_sys::arbitrary::{Result, Unstructured};
use libfuzzer_sys::fuzz_target;
use std::net::IpAddr;

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn address(bytes: &mut Unstructured<'_>) -> Result<IpAddr> {
    Ok(match bytes.int_in_range(0..=3)? {
        0 => IpAddr::from(bytes.arbitrary::<[u8; 4]>()?),
        1 => IpAddr::from([10, 0, 0, bytes.arbitrary()?]),
        2 => {
            let [a, b, c, d] = bytes.arbitrary::<[u8; 4]>()?;
            IpAddr::from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, a, b, c, d])
        }
        _ => IpAddr::from(bytes.arbitrary::<[u8; 16]>()?),
    })
}

/// The bits of an address among those of IPv6, where IPv4 is mapped.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

fn is_mapped(address: IpAddr) -> bool {
    bits(address) >> 32 == 0xffff
}

/// Entries as text, each with its address and its prefix.
fn check_ranges(bytes: &mut Unstructured<'_>) -> Result<()> {
    let mut entries = Vec::new();
    for _ in 0..bytes.int_in_range(1..=4)? {
        let address = address(bytes)?;
        let length = bytes.int_in_range(0..=if address.is_ipv4() { 32 } else { 128 })?;
        entries.push((address, length));
    }
    let texts: Vec<String> =
        entries.iter().map(|(address, length)| format!("{address}/{length}")).collect();
    let ranges = AddressRanges::compile_any("path", &texts).expect("good entries");
    for _ in 0..4 {
        let probe = address(bytes)?;
        let holds = |(address, length): &(IpAddr, u32)| {
            // A range of IPv6 that is wider than what is mapped holds no IPv4 address.
            let (is_v4, length) = match address {
                IpAddr::V4(_) => (true, length + 96),
                IpAddr::V6(_) => (is_mapped(*address) && *length >= 96, *length),
            };
            let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
            is_v4 == is_mapped(probe) && (bits(*address) ^ bits(probe)) & mask == 0
        };
        let expected = entries.iter().any(holds);
        assert_eq!(ranges.contains(probe), expected, "{probe} in {texts:?}");
    }
    let bounds: Vec<_> = ranges.bounds().collect();
    assert!(bounds.iter().all(|(first, last)| first <= last));
    assert!(bounds.windows(2).all(|pair| pair[0].1 < pair[1].0), "{bounds:?}");
    Ok(())
}

/// An element of a list as a proxy writes it.
fn element(bytes: &mut Unstructured<'_>, address: IpAddr, syntax: Syntax) -> Result<String> {
    let text = address.to_string();
    let bracketed = if address.is_ipv6() { format!("[{text}]") } else { text.clone() };
    let port: u16 = bytes.arbitrary()?;
    Ok(match (syntax, bytes.int_in_range(0..=3)?) {
        (Syntax::Plain, 0) => text,
        (Syntax::Plain, 1) => bracketed,
        (Syntax::Plain, _) => format!(" {bracketed}:{port}\t"),
        (Syntax::Forwarded, 0) => format!("for=\"{bracketed}\""),
        (Syntax::Forwarded, 1) => {
            format!("proto=https;by=\"a;b,\\\"c\";For=\"{bracketed}:{port}\"")
        }
        (Syntax::Forwarded, 2) => format!(" for=\"{bracketed}:_x\" ; host=a.example"),
        (Syntax::Forwarded, _) => format!("host=\"x,y\";for=\"{bracketed}\";"),
    })
}

/// Whatever a sender puts in front, each proxy appends what it has seen; the rule looks from the right.
fn check_list(bytes: &mut Unstructured<'_>) -> Result<()> {
    let syntax = if bytes.arbitrary()? { Syntax::Plain } else { Syntax::Forwarded };
    let count = bytes.int_in_range(1..=4_usize)?;
    let mut addresses = Vec::new();
    let mut elements = Vec::new();
    for _ in 0..count {
        let address = address(bytes)?;
        elements.push(element(bytes, address, syntax)?);
        addresses.push(address);
    }
    let trusted = AddressRanges::compile("path", &["10.0.0.0/8"]).expect("a range");
    let nth = bytes.int_in_range(1..=count)?;
    let forged: Vec<u16> = bytes
        .bytes(bytes.len())?
        .chunks_exact(2)
        .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
        .collect();
    let mut text = forged;
    text.extend(units(&format!(",{}", elements.join(","))));
    if let Chosen::Address(_, found) = select(&text, syntax, Selection::Nth(nth as u8)) {
        assert_eq!(found, addresses[count - nth], "{elements:?}");
    } else {
        panic!("no address in {elements:?} at {nth}");
    }
    let untrusted = addresses
        .iter()
        .rev()
        .find(|address| !matches!(address.to_canonical(), IpAddr::V4(v4) if v4.octets()[0] == 10));
    if let Some(expected) = untrusted {
        let found = select(&text, syntax, Selection::Untrusted(&trusted));
        assert!(matches!(found, Chosen::Address(_, found) if found == *expected), "{elements:?}");
    }
    Ok(())
}

fn check_options(bytes: &mut Unstructured<'_>) -> Result<()> {
    let number = |bytes: &mut Unstructured<'_>| -> Result<f64> {
        if bytes.arbitrary()? { bytes.arbitrary() } else { Ok(f64::from(bytes.arbitrary::<u8>()?)) }
    };
    let (ipv4, ipv6, hops) = (number(bytes)?, number(bytes)?, number(bytes)?);
    let header: Option<&str> = bytes.arbitrary()?;
    let entries: Vec<String> = bytes.arbitrary()?;
    let is_whole = |number: f64, least: f64, most: f64| {
        number >= least && number <= most && number.floor() == number
    };
    let has_prefixes = is_whole(ipv4, 1.0, 32.0) && is_whole(ipv6, 1.0, 128.0);
    let options = ClientOptions {
        ipv4_prefix: Some(Prefix::Bits(ipv4)),
        ipv6_prefix: Some(Prefix::Bits(ipv6)),
        trust_proxy: Some(TrustProxy::Hops(hops)),
        ..ClientOptions::default()
    };
    let is_good = ClientRule::try_from(&options).is_ok();
    assert_eq!(is_good, has_prefixes && is_whole(hops, 0.0, 64.0));
    let named = ClientOptions { header: header.map(str::to_owned), ..options };
    assert!(!ClientRule::try_from(&named).is_ok() || is_good);
    let by_ranges = ClientOptions {
        trust_proxy: Some(TrustProxy::Ranges(entries)),
        ..ClientOptions::default()
    };
    let _ = ClientRule::try_from(&by_ranges);
    Ok(())
}

/// What the standard library takes is read as it reads it; canonical addresses stay what they are.
fn check_address(text: &str) {
    let read = parse_address(&units(text));
    if let Ok(known) = text.parse::<IpAddr>() {
        assert_eq!(read, Some(known), "{text:?}");
    }
    if let Some(address) = read {
        let key = Prefixes::default().apply(address);
        assert_eq!(Prefixes::default().apply(key), key, "{address}");
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((choice, rest)) = data.split_first() else { return };
    let mut bytes = Unstructured::new(rest);
    // Bytes that end early are no case.
    let _ = match choice % 4 {
        0 => check_ranges(&mut bytes),
        1 => check_list(&mut bytes),
        2 => check_options(&mut bytes),
        _ => {
            check_address(&String::from_utf8_lossy(rest));
            Ok(())
        }
    };
});
