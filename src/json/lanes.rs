//! What the scanner asks of 64 bytes at once, and the scalar twin that every vector version equals.

/// Bitmaps over one block of 64 bytes: bit `i` speaks about byte `i`.
///
/// The implementing type is a proof that the processor has the instructions, so its methods are safe.
pub(super) trait Lanes: Copy {
    /// The block in registers.
    type Block: Copy;

    fn load(self, bytes: &[u8; 64]) -> Self::Block;

    /// Bytes equal to `byte`.
    fn equal(self, block: Self::Block, byte: u8) -> u64;

    /// Brackets, braces and colons.
    fn structural(self, block: Self::Block) -> u64;

    /// Bytes of 0x80 and above.
    fn non_ascii(self, block: Self::Block) -> u64;

    /// Bit `i` of the result is the parity of the bits `0..=i`.
    fn prefix_xor(self, bits: u64) -> u64 {
        let mut bits = bits;
        for shift in [1, 2, 4, 8, 16, 32] {
            bits ^= bits << shift;
        }
        bits
    }
}

/// The version without vector instructions: the specification of the others.
#[cfg(any(test, fuzzing, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
#[derive(Debug, Clone, Copy)]
pub(super) struct Scalar;

#[cfg(any(test, fuzzing, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
impl Scalar {
    fn bitmap(bytes: &[u8; 64], test: impl Fn(u8) -> bool) -> u64 {
        bytes.iter().rev().fold(0, |bits, &byte| bits << 1 | u64::from(test(byte)))
    }
}

#[cfg(any(test, fuzzing, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
impl Lanes for Scalar {
    type Block = [u8; 64];

    fn load(self, bytes: &[u8; 64]) -> Self::Block {
        *bytes
    }

    fn equal(self, block: Self::Block, byte: u8) -> u64 {
        Self::bitmap(&block, |other| other == byte)
    }

    fn structural(self, block: Self::Block) -> u64 {
        Self::bitmap(&block, |byte| matches!(byte, b'{' | b'}' | b'[' | b']' | b':'))
    }

    fn non_ascii(self, block: Self::Block) -> u64 {
        Self::bitmap(&block, |byte| byte >= 0x80)
    }
}
