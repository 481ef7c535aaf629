//! What a server sends: bytes make the same reply however they arrive and whatever follows, every reply survives being written
//! and read again, and the readers of slots, errors and states take any reply. The first byte chooses how states are read.
#![no_main]

use carapace::rate_limit::{Algorithm, Policy, PolicyInput, Portable, algorithm};
use carapace::redis_store::answer::Answer;
use carapace::redis_store::failure::{Remedy, remedy};
use carapace::redis_store::key::SLOTS;
use carapace::redis_store::options::Address;
use carapace::redis_store::reply::{Malformed, Reply, read};
use carapace::redis_store::slots;
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static POLICIES: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    let policy = |(name, _): &(&str, Algorithm)| {
        let algorithm = Some((*name).to_owned());
        Policy::try_from(PolicyInput { algorithm, limit: 5.0, ..PolicyInput::default() })
    };
    Algorithm::ALL.iter().map(policy).collect::<Result<_, _>>().expect("good policies")
});

fn write(reply: &Reply, bytes: &mut Vec<u8>) {
    let mut list = |kind: char, elements: &[Reply]| {
        bytes.extend_from_slice(format!("{kind}{}\r\n", elements.len()).as_bytes());
        elements.iter().for_each(|element| write(element, bytes));
    };
    match reply {
        Reply::Array(elements) => return list('*', elements),
        Reply::Push(elements) => return list('>', elements),
        Reply::Nil => bytes.extend_from_slice(b"_\r\n"),
        Reply::Integer(number) => bytes.extend_from_slice(format!(":{number}\r\n").as_bytes()),
        Reply::Bytes(text) => {
            bytes.extend_from_slice(format!("${}\r\n", text.len()).as_bytes());
            bytes.extend_from_slice(text);
            bytes.extend_from_slice(b"\r\n");
        }
        Reply::Error(text) => {
            bytes.extend_from_slice(format!("!{}\r\n{text}\r\n", text.len()).as_bytes());
        }
    }
}

/// However much has arrived, the answer is the same as of all of it, or "not yet".
fn check_arrival(bytes: &[u8]) {
    let whole = read(bytes);
    let ends = (0..bytes.len()).filter(|end| *end < 64 || end % 17 == 0 || *end + 4 > bytes.len());
    for end in ends {
        match (read(&bytes[..end]), &whole) {
            (Ok(None), Ok(Some((_, length)))) => assert!(end < *length),
            (Ok(None), _) => {}
            (Err(Malformed), whole) => assert_eq!(*whole, Err(Malformed)),
            (some, whole) => assert_eq!(some, *whole),
        }
    }
}

fn check_readers(reply: &Reply, choice: u8) {
    let asked = Address::Tcp("asked".to_owned(), 7000);
    for range in slots::read(reply, &asked) {
        assert!(range.first < SLOTS && range.last < SLOTS);
        assert!(!matches!(range.address, Address::Tcp(_, 0)));
    }
    if let Reply::Error(text) = reply
        && let Remedy::Move { slot, address } = remedy(text)
    {
        assert!(slot < SLOTS && !address.contains(|letter: char| letter.is_ascii_whitespace()));
    }
    let policy = &POLICIES[usize::from(choice) % POLICIES.len()];
    let number = |reply: &Reply| reply.number().and_then(|number| u64::try_from(number).ok());
    let mut numbers = reply.elements().iter().map(number);
    let Ok(mut answer) = Answer::open(&mut numbers, 7) else { return };
    let now = answer.now_ms;
    while let Ok(state) = answer.state(policy) {
        let told = Portable::from_state(state, policy.algorithm());
        assert_eq!(told.to_state(), state);
        let (next, decision) = algorithm::hit(state, policy, u32::from(choice), now);
        assert!(!decision.is_allowed || decision.used <= policy.capacity(), "{decision:?}");
        let _ = algorithm::peek(next, policy, now);
    }
}

fuzz_target!(|data: &[u8]| {
    let Some((&choice, bytes)) = data.split_first() else { return };
    check_arrival(bytes);
    let Ok(Some((reply, length))) = read(bytes) else { return };
    assert_eq!(read(&bytes[..length]), Ok(Some((reply.clone(), length))));
    let mut written = Vec::new();
    write(&reply, &mut written);
    let length = written.len();
    assert_eq!(read(&written), Ok(Some((reply.clone(), length))));
    check_readers(&reply, choice);
});
