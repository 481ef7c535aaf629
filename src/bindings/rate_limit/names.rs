//! Which policies of several threads are the same.
//!
//! Worker threads that run one program make the same limiters in the same order. So the n-th policy of a name
//! and rule in one thread is the n-th of that name and rule in another, while two of them in one thread, such
//! as those of two apps in a test, count apart.

use crate::rate_limit::PolicyInput;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::LazyLock;
use std::thread::{self, ThreadId};

/// How many policies of a name each thread has made. Grows by an entry for each name and thread.
static COUNTS: LazyLock<Mutex<HashMap<(ThreadId, String), u32>>> = LazyLock::new(Mutex::default);

/// Gives each named policy the number that it has among those of its name in this thread. One that joins counts together
/// with the last of its name: a chain's limiter for a route decides the chain's own policies, too.
pub fn number(policies: &mut [PolicyInput], joins: &[bool]) {
    let mut counts = COUNTS.lock();
    for (policy, joins) in policies.iter_mut().zip(joins) {
        if let Some(name) = &mut policy.name {
            let count = counts.entry((thread::current().id(), name.clone())).or_default();
            *count = count.saturating_add(u32::from(!joins)).max(1);
            *name = format!("{count}:{name}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(name: &str) -> Option<String> {
        joined(name, false)
    }

    fn joined(name: &str, joins: bool) -> Option<String> {
        let mut policies = [PolicyInput { name: Some(name.to_owned()), ..PolicyInput::default() }];
        number(&mut policies, &[joins]);
        let [PolicyInput { name, .. }] = policies;
        name
    }

    #[test]
    fn policies_of_one_name_are_apart_in_a_thread_and_the_same_in_the_next() {
        let here = [numbered("names-test"), numbered("names-test")];
        assert_eq!(here, [Some("1:names-test".to_owned()), Some("2:names-test".to_owned())]);
        let there = thread::spawn(|| [numbered("names-test"), numbered("names-test")]).join();
        assert_eq!(there.ok(), Some(here));
    }

    #[test]
    fn a_policy_that_joins_is_the_last_of_its_name() {
        let own = [numbered("joins-test"), numbered("joins-test")];
        assert_eq!(joined("joins-test", true), own[1]);
        assert_eq!(numbered("joins-test"), Some("3:joins-test".to_owned()));
    }
}
