//! The scanner: one look at the raw bytes of a body before anything parses it.

use super::duplicates::OpenObjects;
use super::plan::{Plan, Seen, Stop};
use super::pointer::pointer_at;
use super::refusal::{Refusal, RefusalKind};
use super::rules::Rules;
use super::walk::walk;
#[cfg(target_arch = "x86_64")]
use super::x86::{Avx2, Sse2};

/// Decoded bytes of a key that stay allocated between bodies.
const DECODED_KEEP: usize = 1 << 16;

/// Working memory, to be kept and used again, one per thread.
///
/// Grows with the nesting and the keys of open objects (about 40 bytes a container, 8 to 24 a key),
/// so the limits of [`Rules`] bound it; what exceeds about 2 MB is given back at the next body.
#[derive(Debug)]
pub struct Scratch {
    pub(super) open: OpenObjects,
    pub(super) decoded: Vec<u8>,
}

impl Default for Scratch {
    fn default() -> Self {
        Self { open: OpenObjects::new(), decoded: Vec::new() }
    }
}

impl Scratch {
    fn begin(&mut self, body: usize) {
        self.open.begin(body);
        self.decoded.clear();
        self.decoded.shrink_to(DECODED_KEEP);
    }
}

/// What a string for the body can be built from. The body is valid UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TextFacts {
    /// Bytes of 0x80 and above; 0 means pure ASCII.
    pub non_ascii_bytes: usize,
}

impl TextFacts {
    /// Whether every byte is below 0x80.
    #[must_use]
    pub const fn is_ascii(&self) -> bool {
        self.non_ascii_bytes == 0
    }
}

/// What a body is after one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing that a rule looks for; within all limits. `JSON.parse` decides whether it is JSON.
    Clean(TextFacts),
    /// Something that only [`super::sanitize`] can decide; within all limits so far.
    Flagged {
        /// What the string can be built from.
        facts: TextFacts,
        /// Byte offset of the opening quote of the first key in question.
        offset: usize,
        /// Whether it is certain that no key comes twice in its object, so that
        /// [`super::sanitize_unique`] will do.
        has_unique_keys: bool,
    },
    /// Not to be parsed.
    Refused(Refusal),
}

/// Looks at the raw bytes of a JSON body, without a BOM.
///
/// For JSON text the limits, duplicate keys and UTF-8 validity are exact, and no key that a rule
/// matches is missed; more may be flagged than [`super::sanitize`] then finds. For other text
/// any verdict is possible, since `JSON.parse` refuses it after [`Verdict::Clean`].
///
/// Linear in time whatever the bytes are; stops at the first refusal. No allocation once `scratch` has
/// grown to the size of the bodies.
#[must_use]
pub fn scan(body: &[u8], rules: &Rules, scratch: &mut Scratch) -> Verdict {
    scan_with(body, rules, scratch, fastest)
}

/// The walk with the best instructions that the processor has.
#[cfg(target_arch = "x86_64")]
fn fastest(body: &[u8], plan: Plan, scratch: &mut Scratch) -> Result<Seen, Stop> {
    match Avx2::detect() {
        Some(avx2) => avx2.walk(body, plan, scratch),
        None => walk(Sse2, body, plan, scratch),
    }
}

/// The walk with the best instructions that the processor has.
#[cfg(target_arch = "aarch64")]
fn fastest(body: &[u8], plan: Plan, scratch: &mut Scratch) -> Result<Seen, Stop> {
    walk(super::aarch64::Neon, body, plan, scratch)
}

/// The walk where no vector version exists.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn fastest(body: &[u8], plan: Plan, scratch: &mut Scratch) -> Result<Seen, Stop> {
    walk(super::lanes::Scalar, body, plan, scratch)
}

/// The scan around a version of the walk.
pub(super) fn scan_with(
    body: &[u8],
    rules: &Rules,
    scratch: &mut Scratch,
    walk: impl FnOnce(&[u8], Plan, &mut Scratch) -> Result<Seen, Stop>,
) -> Verdict {
    if body.len() >= u32::MAX as usize {
        return Verdict::Refused(Refusal::new(RefusalKind::TooLarge, 0, String::new()));
    }
    scratch.begin(body.len());
    match walk(body, Plan::new(rules, body.len()), scratch).and_then(|seen| check_utf8(body, seen))
    {
        Ok(Seen { flagged, non_ascii, has_unique_keys, .. }) => {
            let facts = TextFacts { non_ascii_bytes: non_ascii };
            flagged.map_or(Verdict::Clean(facts), |offset| Verdict::Flagged {
                facts,
                offset,
                has_unique_keys,
            })
        }
        Err(Stop(kind, at)) => Verdict::Refused(Refusal::new(kind, at, pointer_at(body, at))),
    }
}

/// Validates from the first byte on that is not ASCII.
fn check_utf8(body: &[u8], seen: Seen) -> Result<Seen, Stop> {
    if seen.non_ascii == 0 {
        return Ok(seen);
    }
    let from = seen.first_non_ascii;
    let rest = body.get(from..).unwrap_or_default();
    if simdutf8::basic::from_utf8(rest).is_ok() {
        return Ok(seen);
    }
    // The fast check does not say where.
    let valid = std::str::from_utf8(rest).map_or_else(|error| error.valid_up_to(), str::len);
    Err(Stop(RefusalKind::InvalidUtf8, from + valid))
}
