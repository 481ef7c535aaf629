//! Length of numbers, for the price of a bit test on nearly every block.
#![expect(clippy::inline_always, reason = "must melt into the version for each instruction set")]

use super::lanes::Lanes;
use super::rules::Limits;

/// A number longer than this covers at least one whole block, wherever it starts.
const COVERS_A_BLOCK: u32 = 126;

/// How the limit is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NumberCheck {
    /// No limit, or the text is too short to exceed it.
    Off,
    /// Look only where a block is one run of number characters.
    WholeBlocks(u32),
    /// Look at each number.
    Each(u32),
}

impl NumberCheck {
    pub(super) const fn new(limit: u32, length: usize) -> Self {
        if limit == Limits::NONE || length <= limit as usize {
            Self::Off
        } else if limit >= COVERS_A_BLOCK {
            Self::WholeBlocks(limit)
        } else {
            Self::Each(limit)
        }
    }
}

/// What is known from the blocks before.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    /// Everything before this offset has been measured.
    measured: usize,
    /// Whether the last byte of the last block was part of a word outside of strings.
    in_word: u64,
}

impl Numbers {
    /// Gives the start of a number that is too long.
    /// `outside`: bytes that are neither in strings nor quotes, brackets or colons.
    #[inline(always)]
    pub(super) fn check<L: Lanes>(
        &mut self,
        lanes: L,
        block: L::Block,
        outside: u64,
        base: usize,
        body: &[u8],
        check: NumberCheck,
    ) -> Option<usize> {
        match check {
            NumberCheck::WholeBlocks(limit)
                if outside == u64::MAX
                    && lanes.equal(block, b',') == 0
                    && lanes.equal(block, b' ') == 0 =>
            {
                return self.whole_block(base, body, limit);
            }
            NumberCheck::Each(limit) => {
                let gaps = [b',', b' ', b'\t', b'\n', b'\r'];
                let gap = gaps.iter().fold(0, |bits, &byte| bits | lanes.equal(block, byte));
                return self.each(outside & !gap, base, body, limit);
            }
            _ => {}
        }
        None
    }

    #[cold]
    fn whole_block(&mut self, base: usize, body: &[u8], limit: u32) -> Option<usize> {
        let block = body.get(base..base + 64)?;
        if base < self.measured || !block.iter().all(|&byte| is_number_byte(byte)) {
            return None;
        }
        // What lies before `measured` ended in another byte, so the walk back ends there at the latest.
        let before = body.get(self.measured..base).unwrap_or_default();
        let head = before.iter().rev().take_while(|&&byte| is_number_byte(byte)).count();
        self.measure(base - head, body, limit)
    }

    #[cold]
    fn each(&mut self, words: u64, base: usize, body: &[u8], limit: u32) -> Option<usize> {
        let mut starts = words & !(words << 1 | self.in_word);
        self.in_word = words >> 63;
        while starts != 0 {
            let start = base + starts.trailing_zeros() as usize;
            starts &= starts - 1;
            if let Some(b'-' | b'0'..=b'9') = body.get(start)
                && self.measure(start, body, limit).is_some()
            {
                return Some(start);
            }
        }
        None
    }

    /// Measures the number from its first character on.
    fn measure(&mut self, start: usize, body: &[u8], limit: u32) -> Option<usize> {
        let most = (limit as usize).saturating_add(1);
        let rest = body.get(start..).unwrap_or_default().iter();
        let length = rest.take(most).take_while(|&&byte| is_number_byte(byte)).count();
        self.measured = start + length;
        (length == most).then_some(start)
    }
}

/// Characters that numbers are written with (RFC 8259 section 6).
const fn is_number_byte(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
}
