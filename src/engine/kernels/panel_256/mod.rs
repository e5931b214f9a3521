//! Weights of 16 rows and 256 columns, unpacked once for many tokens.
//!
//! Four codes of a row lie in one 32-bit lane, 16 rows side by side. One multiplication with four codes of a token, repeated in
//! every lane, gives 64 products, and sums stay in the lane of their row: no sum across a register is ever needed.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

#[cfg(target_arch = "x86_64")]
pub(super) use {
    avx2::{finish as finish_avx2, multiply as multiply_avx2},
    avx512::{finish as finish_avx512, multiply as multiply_avx512},
};

use super::{ROWS, RowBlock};

/// 64 bytes: one 32-bit lane for each of 16 rows.
pub(super) type Lanes = [u8; 4 * ROWS];

/// 16 rows of one block.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct Panel {
    /// `[column / 4]`: four codes of each row, without a sign.
    pub(super) codes: [Lanes; 64],
    /// `[sub-block]`: the scale, in each half of the lane (AVX2) or as one number (AVX-512).
    pub(super) scales: [Lanes; 16],
    /// What sums of the activations are multiplied with, of two sub-blocks each in the halves of a lane: minima (`Q4K`) or
    /// scales (`Q6K`).
    pub(super) pairs: [Lanes; 8],
    /// The value of scale 1 and code 1.
    pub(super) d: [f32; ROWS],
    /// The value of minimum 1.
    pub(super) dmin: [f32; ROWS],
}

impl Default for Panel {
    fn default() -> Self {
        Self {
            codes: [[0; 64]; 64],
            scales: [[0; 64]; 16],
            pairs: [[0; 64]; 8],
            d: [0.0; ROWS],
            dmin: [0.0; ROWS],
        }
    }
}

/// The blocks of `N` bytes of 16 rows; beyond the last row the last one again.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn rows<'a, const N: usize>(block: &RowBlock<'a>) -> [&'a [[u8; N]]; ROWS] {
    std::array::from_fn(|row| block.row(row).as_chunks().0)
}

/// Block `piece` of each row.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn blocks<'a, const N: usize>(rows: &[&'a [[u8; N]]; ROWS], piece: usize) -> [&'a [u8; N]; ROWS] {
    rows.map(|row| &row[piece])
}

/// Where the blocks lie that are to be fetched while a panel is multiplied: block of row `i` at `start + i * stride`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) start: usize,
    pub(super) stride: usize,
}

/// Blocks that 16 long rows are fetched ahead.
const AHEAD: usize = 8;

impl<'a> Ahead<'a> {
    /// What to fetch while piece `piece` of a row block is multiplied. Short rows: the next row block, which lies in one go,
    /// bit by bit. Long rows: each of the 16 some blocks ahead.
    pub(super) fn of(block: &RowBlock<'a>, piece: usize, block_bytes: usize) -> Self {
        let pieces = block.pieces();
        if pieces < 16 {
            return Self { bytes: block.next, start: piece * ROWS * block_bytes, stride: block_bytes };
        }
        let stride = block.row_bytes;
        if piece + AHEAD < pieces {
            return Self { bytes: block.bytes, start: (piece + AHEAD) * block_bytes, stride };
        }
        Self { bytes: block.next, start: (piece + AHEAD - pieces) * block_bytes, stride }
    }

    /// Fetches two of the 16 blocks: those of step `step` of 8.
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn fetch<const SIX: bool>(self, step: usize) {
        for row in [2 * step, 2 * step + 1] {
            for line in 0..if SIX { 4 } else { 3 } {
                super::vectors::fetch_later(self.bytes, self.start + row * self.stride + 64 * line);
            }
        }
    }
}
