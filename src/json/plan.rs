//! What one pass over a body is to look for, and what it gives back.

use super::numbers::NumberCheck;
use super::refusal::RefusalKind;
use super::rules::{DuplicatePolicy, Limits, Rules};

/// What to look for, worked out once a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) depth: u32,
    pub(super) keys: u32,
    pub(super) key_bytes: u32,
    pub(super) array_elements: u32,
    /// Whether some array can be too long at all.
    pub(super) count_elements: bool,
    pub(super) numbers: NumberCheck,
    pub(super) duplicates: bool,
    pub(super) duplicate_refuses: bool,
    /// [`Marks`] that flag.
    pub(super) marks: u8,
}

impl Plan {
    pub(super) fn new(rules: &Rules, length: usize) -> Self {
        let &Limits { depth, keys, array_elements, key_bytes, number_length } = rules.limits();
        Self {
            depth,
            keys,
            key_bytes,
            array_elements,
            // n + 1 elements take n commas and n + 1 bytes besides the brackets.
            count_elements: length / 2 > array_elements as usize,
            numbers: NumberCheck::new(number_length, length),
            duplicates: rules.duplicates() != DuplicatePolicy::Last,
            duplicate_refuses: rules.duplicates() == DuplicatePolicy::Reject,
            marks: rules.wanted_marks(),
        }
    }
}

/// What ends the pass early, and where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stop(pub(super) RefusalKind, pub(super) usize);

/// The pass has ended early. The [`Stop`] lies in the walk, so that results fit into a register.
pub(super) struct Halt;

/// What the pass saw.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    /// Offset of the first key that the exact path has to decide.
    pub(super) flagged: Option<usize>,
    /// Bytes of 0x80 and above.
    pub(super) non_ascii: usize,
    /// Offset of the first such byte.
    pub(super) first_non_ascii: usize,
    /// Whether every key was looked up, and none came twice in its object.
    pub(super) has_unique_keys: bool,
}
