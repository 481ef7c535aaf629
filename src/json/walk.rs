//! The one pass over a body: block by block, nothing kept but the open containers.
//!
//! For text that is valid JSON the pass is exact. For any other text it only has to be safe, bounded and
//! never quieter than `JSON.parse` is strict.
#![expect(clippy::inline_always, reason = "must melt into the version for each instruction set")]
#![expect(clippy::cast_possible_truncation, reason = "texts of 4 GiB and more are refused before")]

use super::keys::Marks;
use super::lanes::Lanes;
use super::numbers::{NumberCheck, Numbers};
use super::plan::{Halt, Plan, Seen, Stop};
use super::refusal::RefusalKind;
use super::scanner::Scratch;

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

/// The state of one pass.
pub(super) struct Walk<'a> {
    pub(super) body: &'a [u8],
    pub(super) plan: Plan,
    pub(super) scratch: &'a mut Scratch,
    numbers: Numbers,
    pub(super) seen: Seen,
    stop: Stop,
    depth: u32,
    pub(super) keys: u32,
    /// All ones while a string goes on from block to block.
    inside: u64,
    /// Whether the first byte of the next block is escaped.
    escapes_next: u64,
    /// Offsets of the last such byte in the blocks before.
    last_open: usize,
    last_close: usize,
    last_special: usize,
    /// Offset of the last key that took the slow look.
    pub(super) last_long: Option<usize>,
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
        last_long: None,
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
        Ok(()) => Ok(Seen { has_unique_keys: walk.plan.duplicates, ..walk.seen }),
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
    pub(super) fn halt(&mut self, kind: RefusalKind, at: usize) -> Result<(), Halt> {
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
    pub(super) fn next_byte(&self, at: usize) -> Option<u8> {
        let rest = self.body.get(at + 1..)?.iter();
        rest.copied().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
    }
}
