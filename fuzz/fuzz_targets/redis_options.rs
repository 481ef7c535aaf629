//! The options of a connection to Redis, and the keys: what is taken is whole and within its range, an address survives being
//! written and read, and no key that a client chooses ends its hash tag. Each line of the input is an option: a letter, then
//! its value.
#![no_main]

use carapace::client_key::{ClientKey, Prefixes};
use carapace::redis_store::key::{KeyWriter, SLOTS, slot};
use carapace::redis_store::options::{
    Address, Connection, ConnectionInput, NodeInput, TlsInput, Topology, prefix,
};
use libfuzzer_sys::fuzz_target;

fn read_options(lines: &str) -> (ConnectionInput, Option<String>, Option<Vec<u8>>) {
    let mut input = ConnectionInput::default();
    let (mut given_prefix, mut secret) = (None, None);
    for line in lines.split('\n') {
        let mut letters = line.chars();
        let (Some(letter), text) = (letters.next(), letters.as_str().to_owned()) else { continue };
        let number = text.parse::<f64>().ok();
        let tls = || TlsInput::default();
        match letter {
            'k' => input.kind = Some(text),
            'h' => input.nodes.push(NodeInput { host: Some(text), ..NodeInput::default() }),
            'u' => input.nodes.push(NodeInput { path: Some(text), ..NodeInput::default() }),
            'p' => input.nodes.last_mut().map_or((), |node| node.port = number),
            'H' => input.nodes.last_mut().map_or((), |node| node.host = Some(text)),
            'n' => input.sentinel_name = Some(text),
            'N' => input.username = Some(text),
            'P' => input.password = Some(text),
            'd' => input.db = number,
            't' => input.timeout_ms = number,
            'c' => input.connect_timeout_ms = number,
            'o' => input.pool = number,
            'a' => input.tls.get_or_insert_with(tls).ca = Some(text.replace('|', "\n")),
            'e' => input.tls.get_or_insert_with(tls).cert = Some(text.replace('|', "\n")),
            'y' => input.tls.get_or_insert_with(tls).key = Some(text.replace('|', "\n")),
            's' => input.tls.get_or_insert_with(tls).servername = Some(text),
            'x' => given_prefix = Some(text),
            'z' => secret = Some(text.into_bytes()),
            _ => {}
        }
    }
    (input, given_prefix, secret)
}

fn check_connection(input: &ConnectionInput) {
    let Ok(connection) = Connection::try_from(input.clone()) else { return };
    let addresses = match &connection.topology {
        Topology::Standalone(address) => std::slice::from_ref(address),
        Topology::Cluster(addresses) => {
            assert_eq!(connection.db, 0);
            addresses.as_slice()
        }
        Topology::Sentinel { sentinels, name, .. } => {
            assert!(!name.is_empty());
            sentinels.as_slice()
        }
    };
    assert_eq!(addresses.len(), input.nodes.len());
    for address in addresses {
        match address {
            Address::Tcp(_, port) => {
                assert_ne!(*port, 0);
                let asked = Address::Unix("/socket".to_owned());
                assert_eq!(Address::parse(&address.to_string(), &asked).as_ref(), Some(address));
            }
            Address::Unix(path) => assert!(!path.is_empty()),
        }
    }
    assert!((1..=16).contains(&connection.pool) && connection.db < 65_536);
    for time in [connection.timeout, connection.connect_timeout] {
        assert!((1..=600_000).contains(&time.as_millis()));
    }
    assert!(input.username.is_none() || input.password.is_some());
    // Nothing of it is to be read in a log.
    if let Some(password) = input.password.as_ref().filter(|password| password.len() > 12) {
        let others = format!("{:?}{:?}{:?}", input.nodes, input.username, input.sentinel_name);
        assert!(others.contains(password) || !format!("{connection:?}").contains(password));
    }
}

/// The hash tag of a key, as the specification of clusters has it.
fn tag(key: &[u8]) -> &[u8] {
    let open = key.iter().position(|byte| *byte == b'{').map_or(0, |open| open + 1);
    let length = key[open..].iter().position(|byte| *byte == b'}').unwrap_or(0);
    &key[open..open + length]
}

/// CRC16 (XMODEM), a bit at a time.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 }
        })
    })
}

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let (options, client) = text.rsplit_once('\n').unwrap_or((&text, ""));
    let (input, given_prefix, secret) = read_options(options);
    check_connection(&input);

    let Ok(prefix) = prefix(given_prefix) else { return };
    let writer = KeyWriter::new(&prefix, secret.as_deref());
    let units: Vec<u16> = client.encode_utf16().collect();
    let head = writer.head("policy");
    let mut key = head.to_vec();
    writer.append(&mut key, &ClientKey::parse(&units, 56), Prefixes::default());
    let within = &key[head.len()..key.len() - 1];
    assert!(key.ends_with(b"}") && !within.is_empty());
    assert_eq!(tag(&key), within, "{key:?}");
    assert!(within.iter().all(|byte| (b'!'..=b'~').contains(byte)));
    assert_eq!(slot(&key), crc16(within) % SLOTS);
    assert!(secret.is_none() || within.starts_with(b"~"), "a key that a secret hides stands there");
});
