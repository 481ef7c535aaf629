//! The members of each object by their decoded keys.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::keys;
use super::spans::{Spans, slice};

/// Key of a member: its object and the decoded bytes.
pub(super) type Place<'a> = (u32, Cow<'a, [u8]>);

/// Which members of an object share a decoded key. `SipHash` with random keys: no crafted collisions.
pub(super) struct Siblings<'a> {
    /// First and last occurrence.
    pub(super) occurrences: HashMap<Place<'a>, (u32, u32)>,
    /// The first member whose key its object has already.
    pub(super) repeated: Option<u32>,
}

impl<'a> Siblings<'a> {
    pub(super) fn of(body: &'a [u8], spans: &Spans) -> Self {
        let mut occurrences = HashMap::with_capacity(spans.members.len());
        let mut repeated = None;
        for (id, member) in (0..).zip(&spans.members) {
            match occurrences.entry((member.container, decoded(slice(body, member.key)))) {
                Entry::Vacant(entry) => {
                    entry.insert((id, id));
                }
                Entry::Occupied(mut entry) => {
                    entry.get_mut().1 = id;
                    repeated.get_or_insert(id);
                }
            }
        }
        Self { occurrences, repeated }
    }

    /// First and last occurrence of the member's key.
    pub(super) fn of_key(&self, id: u32, place: &Place<'a>) -> (u32, u32) {
        let repeated = self.repeated.and_then(|_| self.occurrences.get(place));
        repeated.copied().unwrap_or((id, id))
    }
}

/// The decoded key, borrowed if it has no escape.
pub(super) fn decoded(raw: &[u8]) -> Cow<'_, [u8]> {
    if !raw.contains(&b'\\') {
        return Cow::Borrowed(raw);
    }
    let mut key = Vec::with_capacity(raw.len());
    // The reader has checked every escape.
    let _ = keys::decode(raw, &mut key);
    Cow::Owned(key)
}
