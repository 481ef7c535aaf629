//! All versions of the scanner agree, and none misses what the naive twin finds. The first byte chooses
//! the rules, the rest is the body.
#![no_main]

use std::cell::RefCell;

use carapace::json::Scratch;
use carapace::json::oracle::{check_scan, rules_by_number};
use libfuzzer_sys::fuzz_target;

thread_local! {
    // Kept from run to run, as in production, so that a body could find traces of the one before.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

fuzz_target!(|data: &[u8]| {
    if let Some((&number, body)) = data.split_first() {
        SCRATCH.with_borrow_mut(|scratch| check_scan(body, &rules_by_number(number), scratch));
    }
});
