//! Any bytes make clean JSON text or a refusal. The first byte chooses the options, the rest is the input.
#![no_main]

use carapace::form::{Scratch, oracle::check};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some((&number, input)) = data.split_first() {
        check(number, input, &mut Scratch::new());
    }
});
