//! The one pass over a body: block by block, nothing kept but the open containers.
//!
//! For text that is valid JSON the pass is exact. For any other text it only has to be safe, bounded and
//! never quieter than `JSON.parse` is strict.
#![expect(clippy::inline_always, reason = "must melt into the version for each instruction set")]
#![expect(clippy::cast_possible_truncation, reason = "texts of 4 GiB and more are refused before")]

use super::duplicates::Added;
use super::keys::{self, Marks};
use super::lanes::Lanes;
use super::numbers::{NumberCheck, Numbers};
use super::refusal::RefusalKind;
use super::rules::{DuplicatePolicy, Limits, Rules};
use super::scanner::Scratch;

/// `__proto__` as [`Walk::key`] reads it.
const PROTO: u128 = u128::from_le_bytes(*b"__proto__\0\0\0\0\0\0\0");
/// `constructor`, likewise.
const CONSTRUCTOR: u128 = u128::from_le_bytes(*b"constructor\0\0\0\0\0");

/// Masks for the first 0 to 16 bytes of a little-endian number.
#[expect(clippy::indexing_slicing, reason = "evaluated at compile time")]
const HEADS: [u128; 17] = {
    let mut heads = [u128::MAX; 17];
    let mut length = 0;
    while length < 16 {
        heads[length] = (1 << (8 * length)) - 1;
        length += 1;
    }
    heads
};

/// What to look for, worked out once a body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    depth: u32,
    keys: u32,
    key_bytes: u32,
    array_elements: u32,
    /// Whether some array can be too long at all.
    count_elements: bool,
    numbers: NumberCheck,
    duplicates: bool,
    duplicate_refuses: bool,
    /// [`Marks`] that flag.
    marks: u8,
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
}

/// Bitmaps of one block that its keys are found by.
struct Masks {
    base: usize,
    /// Opening and closing quotes.
    opens: u64,
    closes: u64,
    /// Bytes in strings that send a key to the slow look.
    special: u64,
    commas: u64,
}

struct Walk<'a> {
    body: &'a [u8],
    plan: Plan,
    scratch: &'a mut Scratch,
    numbers: Numbers,
    seen: Seen,
    stop: Stop,
    depth: u32,
    keys: u32,
    /// All ones while a string goes on from block to block.
    inside: u64,
    /// Whether the first byte of the next block is escaped.
    escapes_next: u64,
    /// Offsets of the last such byte in the blocks before.
    last_open: usize,
    last_close: usize,
    last_special: usize,
    /// Commas outside of strings before the block, and up to the last bracket.
    commas: u32,
    commas_counted: u32,
}

/// Runs over the body.
#[inline(always)]
pub(super) fn walk<L: Lanes>(
    lanes: L,
    body: &[u8],
    plan: Plan,
    scratch: &mut Scratch,
) -> Result<Seen, Stop> {
    let mut walk = Walk {
        body,
        plan,
        scratch,
        numbers: Numbers::default(),
        seen: Seen::default(),
        stop: Stop(RefusalKind::Malformed, 0),
        depth: 0,
        keys: 0,
        inside: 0,
        escapes_next: 0,
        last_open: 0,
        last_close: 0,
        last_special: 0,
        commas: 0,
        commas_counted: 0,
    };
    let (blocks, rest) = body.as_chunks::<64>();
    let mut base = 0;
    for block in blocks {
        if walk.block(lanes, block, base).is_err() {
            return Err(walk.stop);
        }
        base += 64;
    }
    let mut last = [b' '; 64];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    match walk.block(lanes, &last, base) {
        Ok(()) => Ok(walk.seen),
        Err(Halt) => Err(walk.stop),
    }
}

/// Offset of the highest bit below `bit`, or `before` if there is none.
#[inline(always)]
const fn highest(mask: u64, base: usize, before: usize) -> usize {
    if mask == 0 { before } else { base + 63 - mask.leading_zeros() as usize }
}

impl Walk<'_> {
    #[cold]
    fn halt(&mut self, kind: RefusalKind, at: usize) -> Result<(), Halt> {
        self.stop = Stop(kind, at);
        Err(Halt)
    }

    #[inline(always)]
    fn block<L: Lanes>(&mut self, lanes: L, bytes: &[u8; 64], base: usize) -> Result<(), Halt> {
        let block = lanes.load(bytes);
        let backslashes = lanes.equal(block, b'\\');
        let mut quotes = lanes.equal(block, b'"');
        if backslashes | self.escapes_next != 0 {
            quotes &= !self.escaped(backslashes);
        }
        let inside = lanes.prefix_xor(quotes) ^ self.inside;
        self.inside = 0_u64.wrapping_sub(inside >> 63);
        let non_ascii = lanes.non_ascii(block);
        if non_ascii != 0 {
            if self.seen.non_ascii == 0 {
                self.seen.first_non_ascii = base + non_ascii.trailing_zeros() as usize;
            }
            self.seen.non_ascii += non_ascii.count_ones() as usize;
        }
        let structural = lanes.structural(block) & !inside;
        let mut masks = Masks {
            base,
            opens: quotes & inside,
            closes: quotes & !inside,
            special: (backslashes | self.dots(lanes, block, base)) & inside,
            commas: 0,
        };
        if self.plan.count_elements {
            masks.commas = lanes.equal(block, b',') & !inside;
        }
        if self.plan.numbers != NumberCheck::Off {
            let outside = !(inside | quotes | structural);
            let check = self.plan.numbers;
            if let Some(at) = self.numbers.check(lanes, block, outside, base, self.body, check) {
                return self.halt(RefusalKind::NumberTooLong, at);
            }
        }
        self.events(structural, &masks, bytes)?;
        self.last_open = highest(masks.opens, base, self.last_open);
        self.last_close = highest(masks.closes, base, self.last_close);
        self.last_special = highest(masks.special, base, self.last_special);
        self.commas += masks.commas.count_ones();
        Ok(())
    }

    /// Bytes that an odd run of backslashes ends before.
    fn escaped(&mut self, backslashes: u64) -> u64 {
        const ODD: u64 = 0xAAAA_AAAA_AAAA_AAAA;
        // An escaped backslash escapes nothing.
        let backslashes = backslashes & !self.escapes_next;
        let maybe_escaped = backslashes << 1;
        // A run that starts on an odd bit borrows through to its end, one on an even bit does not.
        let codes = (maybe_escaped | ODD).wrapping_sub(backslashes) ^ ODD;
        let escaped = codes ^ (backslashes | self.escapes_next);
        self.escapes_next = (codes & backslashes) >> 63;
        escaped
    }

    /// The `$` after a dot, or every dot where the rule `dotted` looks for them.
    #[inline(always)]
    fn dots<L: Lanes>(&self, lanes: L, block: L::Block, base: usize) -> u64 {
        if self.plan.marks & (Marks::OPERATOR | Marks::DOTTED) == 0 {
            return 0;
        }
        if self.plan.marks & Marks::DOTTED != 0 {
            return lanes.equal(block, b'.');
        }
        let dollars = lanes.equal(block, b'$');
        if dollars == 0 {
            return 0;
        }
        let before = base.checked_sub(1).and_then(|before| self.body.get(before));
        dollars & (lanes.equal(block, b'.') << 1 | u64::from(before == Some(&b'.')))
    }

    /// Takes the brackets and colons of a block in order.
    #[inline(always)]
    fn events(&mut self, structural: u64, masks: &Masks, bytes: &[u8; 64]) -> Result<(), Halt> {
        let mut left = structural;
        while left != 0 {
            let below = (left & left.wrapping_neg()) - 1;
            let bit = left.trailing_zeros() as usize;
            let at = masks.base + bit;
            left &= left - 1;
            match bytes.get(bit & 63) {
                Some(b':') => {
                    let open = highest(masks.opens & below, masks.base, self.last_open);
                    let close = highest(masks.closes & below, masks.base, self.last_close);
                    let special = highest(masks.special & below, masks.base, self.last_special);
                    self.key(open, close, special, at)?;
                }
                Some(&bracket) => self.bracket(bracket, at, masks.commas & below)?,
                None => {}
            }
        }
        Ok(())
    }

    #[inline(always)]
    fn bracket(&mut self, bracket: u8, at: usize, commas: u64) -> Result<(), Halt> {
        if self.plan.count_elements {
            self.elements(bracket, at, commas)?;
        }
        let track = self.plan.duplicates | self.plan.count_elements;
        // The opening brackets are 0x5B and 0x7B, the closing ones 0x5D and 0x7D.
        if bracket & 0b10 != 0 {
            self.depth += 1;
            if self.depth > self.plan.depth {
                return self.halt(RefusalKind::TooDeep, at);
            }
            if track {
                self.scratch.open.open(bracket == b'{', at as u32);
            }
        } else {
            self.depth = self.depth.saturating_sub(1);
            if track {
                self.scratch.open.close();
            }
        }
        Ok(())
    }

    /// Credits the commas since the last bracket to the innermost array.
    fn elements(&mut self, bracket: u8, at: usize, commas: u64) -> Result<(), Halt> {
        let total = self.commas + commas.count_ones();
        let new = total - self.commas_counted;
        self.commas_counted = total;
        let limit = self.plan.array_elements;
        let counted = self.scratch.open.count_commas(new);
        if let Some((_, start)) = counted.filter(|&(commas, _)| commas >= limit.max(1)) {
            return self.halt(RefusalKind::TooManyElements, start as usize);
        }
        if limit == 0 && bracket == b'[' && self.next_byte(at) != Some(b']') {
            return self.halt(RefusalKind::TooManyElements, at);
        }
        Ok(())
    }

    /// The first byte after `at` that is not whitespace.
    fn next_byte(&self, at: usize) -> Option<u8> {
        let rest = self.body.get(at + 1..)?.iter();
        rest.copied().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
    }

    /// Looks at the key between the quotes `open` and `close`, whose colon is at `colon`.
    #[inline(always)]
    fn key(&mut self, open: usize, close: usize, special: usize, colon: usize) -> Result<(), Halt> {
        self.keys += 1;
        if self.keys > self.plan.keys {
            return self.halt(RefusalKind::TooManyKeys, open);
        }
        let start = open + 1;
        let length = close.wrapping_sub(start);
        let bytes = self.body.get(start..).and_then(<[u8]>::first_chunk::<16>);
        let Some((bytes, mask)) = bytes.zip(HEADS.get(length)).filter(|_| special <= open) else {
            return self.long_key(open, close, colon);
        };
        let word = u128::from_le_bytes(*bytes) & mask;
        self.check_length(length, open)?;
        if word as u64 == PROTO as u64 || word as u64 == CONSTRUCTOR as u64 || word as u8 == b'$' {
            self.flag_short(word, open, colon);
        }
        if self.plan.duplicates {
            let hash = self.scratch.open.hash_short(word);
            self.add(hash, open, length)?;
        }
        Ok(())
    }

    #[inline(always)]
    fn check_length(&mut self, length: usize, open: usize) -> Result<(), Halt> {
        // `NONE` is beyond any length: texts of that many bytes were refused.
        if length > self.plan.key_bytes as usize {
            return self.halt(RefusalKind::KeyTooLong, open);
        }
        Ok(())
    }

    #[cold]
    fn flag_short(&mut self, word: u128, open: usize, colon: usize) {
        let mark = match word {
            PROTO => Marks::PROTO,
            CONSTRUCTOR if self.next_byte(colon) == Some(b'{') => Marks::CONSTRUCTOR,
            _ if word as u8 == b'$' => Marks::OPERATOR,
            _ => 0,
        };
        if mark & self.plan.marks != 0 {
            self.flag(open);
        }
    }

    fn flag(&mut self, open: usize) {
        self.seen.flagged.get_or_insert(open);
    }

    /// The same for a key that is long, or holds a backslash or a suspicious dot.
    #[inline(never)]
    fn long_key(&mut self, open: usize, close: usize, colon: usize) -> Result<(), Halt> {
        let Some(raw) = self.body.get(open + 1..close) else {
            // A colon after no key: `JSON.parse` will refuse the text.
            return Ok(());
        };
        if raw.len() / 6 > self.plan.key_bytes as usize {
            // No escape is longer than six characters: too long before it is decoded.
            return self.halt(RefusalKind::KeyTooLong, open);
        }
        let decoded = &mut self.scratch.decoded;
        let key = if raw.contains(&b'\\') {
            decoded.clear();
            if keys::decode(raw, decoded).is_err() {
                self.flag(open);
                return Ok(());
            }
            decoded.as_slice()
        } else {
            raw
        };
        let length = key.len();
        let marks = Marks::of(key).among(self.plan.marks);
        let hash = if self.plan.duplicates { self.scratch.open.hash(key) } else { 0 };
        self.check_length(length, open)?;
        let harmless = marks == Marks::CONSTRUCTOR && self.next_byte(colon) != Some(b'{');
        if marks != 0 && !harmless {
            self.flag(open);
        }
        if self.plan.duplicates { self.add(hash, open, raw.len()) } else { Ok(()) }
    }

    /// Adds the key to its object; `length` is that of its raw text.
    #[inline(always)]
    fn add(&mut self, hash: u64, open: usize, length: usize) -> Result<(), Halt> {
        let body = self.body;
        let key = open as u32 + 1;
        let same = |other: u32| same_key(body, other as usize, key as usize, length);
        match self.scratch.open.add(hash, key, same) {
            Added::New => {}
            Added::Again if self.plan.duplicate_refuses => {
                return self.halt(RefusalKind::DuplicateKey, open);
            }
            Added::Again | Added::Unsure => {
                // The exact path decides; nothing more to find out here.
                self.flag(open);
                self.plan.duplicates = false;
            }
        }
        Ok(())
    }
}

/// Whether the key whose inside starts at `other` is, decoded, the one at `key`.
#[cold]
fn same_key(body: &[u8], other: usize, key: usize, length: usize) -> bool {
    if other == key {
        // A second colon after one key: malformed, which is for `JSON.parse` to say.
        return false;
    }
    let raw = body.get(key..).and_then(|rest| rest.get(..length)).unwrap_or_default();
    let rest = body.get(other..).unwrap_or_default();
    if let Some(after) = rest.strip_prefix(raw)
        && after.first() == Some(&b'"')
    {
        return true;
    }
    let mut escaped = false;
    let end = rest.iter().position(|&byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    });
    let other = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
    let mut decoded = [Vec::new(), Vec::new()];
    let [left, right] = &mut decoded;
    keys::decode(raw, left).is_ok() && keys::decode(other, right).is_ok() && left == right
}
