//! AVX2 and SSE2 versions of [`Lanes`].
#![expect(unsafe_code, reason = "vector intrinsics; each call states why the processor has them")]
#![expect(clippy::inline_always, reason = "must melt into the version for each instruction set")]

use std::arch::x86_64 as arch;

use super::lanes::Lanes;
use super::plan::{Plan, Seen, Stop};
use super::scanner::Scratch;
use super::walk::walk;

/// Proof that the processor has AVX2 and the scalar extensions that come with it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Avx2(());

impl Avx2 {
    pub(super) fn detect() -> Option<Self> {
        let detected = is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt")
            && is_x86_feature_detected!("pclmulqdq");
        detected.then_some(Self(()))
    }

    /// The walk, compiled for these instructions.
    pub(super) fn walk(self, body: &[u8], plan: Plan, scratch: &mut Scratch) -> Result<Seen, Stop> {
        #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,pclmulqdq")]
        fn inner(
            lanes: Avx2,
            body: &[u8],
            plan: Plan,
            scratch: &mut Scratch,
        ) -> Result<Seen, Stop> {
            walk(lanes, body, plan, scratch)
        }
        // SAFETY: `Self` exists only where `detect` found all of these features.
        unsafe { inner(self, body, plan, scratch) }
    }

    /// Whether the bytes pass `test`, which maps a vector to 0xFF where they do.
    #[inline(always)]
    fn bitmap(
        (low, high): (arch::__m256i, arch::__m256i),
        test: impl Fn(arch::__m256i) -> arch::__m256i,
    ) -> u64 {
        // SAFETY: called with a block only, which `load` makes, which takes the proof of AVX2.
        let bits = unsafe {
            [arch::_mm256_movemask_epi8(test(low)), arch::_mm256_movemask_epi8(test(high))]
        };
        u64::from(bits[0].cast_unsigned()) | u64::from(bits[1].cast_unsigned()) << 32
    }
}

impl Lanes for Avx2 {
    type Block = (arch::__m256i, arch::__m256i);

    #[inline(always)]
    #[expect(clippy::cast_ptr_alignment, reason = "the loads take any alignment")]
    fn load(self, bytes: &[u8; 64]) -> Self::Block {
        let at = bytes.as_ptr().cast::<arch::__m256i>();
        // SAFETY: `self` proves AVX2; 64 readable bytes, and these loads need no alignment.
        unsafe { (arch::_mm256_loadu_si256(at), arch::_mm256_loadu_si256(at.add(1))) }
    }

    #[inline(always)]
    fn equal(self, block: Self::Block, byte: u8) -> u64 {
        // SAFETY: `self` proves AVX2.
        Self::bitmap(block, |lane| unsafe {
            arch::_mm256_cmpeq_epi8(lane, arch::_mm256_set1_epi8(byte.cast_signed()))
        })
    }

    #[inline(always)]
    fn structural(self, block: Self::Block) -> u64 {
        // SAFETY: `self` proves AVX2.
        Self::bitmap(block, |lane| unsafe {
            // Bit 5 is all that parts `[` from `{` and `]` from `}`.
            let folded = arch::_mm256_or_si256(lane, arch::_mm256_set1_epi8(0x20));
            let open = arch::_mm256_cmpeq_epi8(folded, arch::_mm256_set1_epi8(0x7B));
            let close = arch::_mm256_cmpeq_epi8(folded, arch::_mm256_set1_epi8(0x7D));
            let colon = arch::_mm256_cmpeq_epi8(lane, arch::_mm256_set1_epi8(0x3A));
            arch::_mm256_or_si256(arch::_mm256_or_si256(open, close), colon)
        })
    }

    #[inline(always)]
    fn non_ascii(self, block: Self::Block) -> u64 {
        Self::bitmap(block, |lane| lane)
    }

    #[inline(always)]
    fn prefix_xor(self, bits: u64) -> u64 {
        // SAFETY: `self` proves PCLMULQDQ.
        let product = unsafe {
            let bits = arch::_mm_set_epi64x(0, bits.cast_signed());
            arch::_mm_cvtsi128_si64(arch::_mm_clmulepi64_si128(bits, arch::_mm_set1_epi8(-1), 0))
        };
        product.cast_unsigned()
    }
}

/// The version for every x86-64 processor: SSE2 is part of the architecture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sse2;

impl Sse2 {
    #[inline(always)]
    fn bitmap(block: [arch::__m128i; 4], test: impl Fn(arch::__m128i) -> arch::__m128i) -> u64 {
        block.iter().rev().fold(0, |bits, &lane| {
            // SAFETY: SSE2 is part of x86-64.
            let lane = unsafe { arch::_mm_movemask_epi8(test(lane)) };
            bits << 16 | u64::from(lane.cast_unsigned())
        })
    }
}

impl Lanes for Sse2 {
    type Block = [arch::__m128i; 4];

    #[inline(always)]
    #[expect(clippy::cast_ptr_alignment, reason = "the loads take any alignment")]
    fn load(self, bytes: &[u8; 64]) -> Self::Block {
        let at = bytes.as_ptr().cast::<arch::__m128i>();
        // SAFETY: SSE2 is part of x86-64; 64 readable bytes, and these loads need no alignment.
        unsafe { [0, 1, 2, 3].map(|lane| arch::_mm_loadu_si128(at.add(lane))) }
    }

    #[inline(always)]
    fn equal(self, block: Self::Block, byte: u8) -> u64 {
        // SAFETY: SSE2 is part of x86-64.
        Self::bitmap(block, |lane| unsafe {
            arch::_mm_cmpeq_epi8(lane, arch::_mm_set1_epi8(byte.cast_signed()))
        })
    }

    #[inline(always)]
    fn structural(self, block: Self::Block) -> u64 {
        // SAFETY: SSE2 is part of x86-64.
        Self::bitmap(block, |lane| unsafe {
            let folded = arch::_mm_or_si128(lane, arch::_mm_set1_epi8(0x20));
            let open = arch::_mm_cmpeq_epi8(folded, arch::_mm_set1_epi8(0x7B));
            let close = arch::_mm_cmpeq_epi8(folded, arch::_mm_set1_epi8(0x7D));
            let colon = arch::_mm_cmpeq_epi8(lane, arch::_mm_set1_epi8(0x3A));
            arch::_mm_or_si128(arch::_mm_or_si128(open, close), colon)
        })
    }

    #[inline(always)]
    fn non_ascii(self, block: Self::Block) -> u64 {
        Self::bitmap(block, |lane| lane)
    }
}
