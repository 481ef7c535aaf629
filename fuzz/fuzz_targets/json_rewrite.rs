//! The exact path takes what the grammar takes, and its text parses to the body less the members found.
//! The first byte chooses the rules, the rest is the body.
#![no_main]

use carapace::json::oracle::{check_clean, check_sanitize, rules_by_number};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    if let Some((&number, body)) = data.split_first() {
        let rules = rules_by_number(number);
        let _ = check_sanitize(body, &rules);
        check_clean(body, &rules);
    }
});
