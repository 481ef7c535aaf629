//! NEON version of [`Lanes`]: part of every aarch64 processor that Node runs on.
#![expect(unsafe_code, reason = "vector intrinsics; each call states why the processor has them")]
#![expect(clippy::inline_always, reason = "must melt into the version for each instruction set")]

use std::arch::aarch64 as arch;

use super::lanes::Lanes;

/// The version for aarch64.
#[derive(Debug, Clone, Copy)]
pub(super) struct Neon;

impl Neon {
    /// Whether the bytes pass `test`, which maps a vector to 0xFF where they do.
    #[inline(always)]
    fn bitmap(
        [first, second, third, fourth]: [arch::uint8x16_t; 4],
        test: impl Fn(arch::uint8x16_t) -> arch::uint8x16_t,
    ) -> u64 {
        const BITS: [u8; 16] = [1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128];
        // SAFETY: NEON is part of the target; `BITS` has the 16 bytes that are loaded.
        unsafe {
            let bits = arch::vld1q_u8(BITS.as_ptr());
            let first = arch::vandq_u8(test(first), bits);
            let second = arch::vandq_u8(test(second), bits);
            let third = arch::vandq_u8(test(third), bits);
            let fourth = arch::vandq_u8(test(fourth), bits);
            // Three pairwise additions leave one byte for each eight.
            let halves = (arch::vpaddq_u8(first, second), arch::vpaddq_u8(third, fourth));
            let sums = arch::vpaddq_u8(halves.0, halves.1);
            let sums = arch::vpaddq_u8(sums, sums);
            arch::vgetq_lane_u64::<0>(arch::vreinterpretq_u64_u8(sums))
        }
    }
}

impl Lanes for Neon {
    type Block = [arch::uint8x16_t; 4];

    #[inline(always)]
    fn load(self, bytes: &[u8; 64]) -> Self::Block {
        let at = bytes.as_ptr();
        // SAFETY: NEON is part of the target; 64 readable bytes, and these loads need no alignment.
        unsafe { [0, 16, 32, 48].map(|lane| arch::vld1q_u8(at.add(lane))) }
    }

    #[inline(always)]
    fn equal(self, block: Self::Block, byte: u8) -> u64 {
        // SAFETY: NEON is part of the target.
        Self::bitmap(block, |lane| unsafe { arch::vceqq_u8(lane, arch::vdupq_n_u8(byte)) })
    }

    #[inline(always)]
    fn structural(self, block: Self::Block) -> u64 {
        // SAFETY: NEON is part of the target.
        Self::bitmap(block, |lane| unsafe {
            // Bit 5 is all that parts `[` from `{` and `]` from `}`.
            let folded = arch::vorrq_u8(lane, arch::vdupq_n_u8(0x20));
            let open = arch::vceqq_u8(folded, arch::vdupq_n_u8(0x7B));
            let close = arch::vceqq_u8(folded, arch::vdupq_n_u8(0x7D));
            let colon = arch::vceqq_u8(lane, arch::vdupq_n_u8(0x3A));
            arch::vorrq_u8(arch::vorrq_u8(open, close), colon)
        })
    }

    #[inline(always)]
    fn non_ascii(self, block: Self::Block) -> u64 {
        // SAFETY: NEON is part of the target.
        Self::bitmap(block, |lane| unsafe { arch::vcgeq_u8(lane, arch::vdupq_n_u8(0x80)) })
    }
}
