//! Unpacking and fetching of weights in blocks of 32 on AVX2.

use std::arch::x86_64::{
    __m256, __m256i, _mm256_cvtph_ps, _mm256_permute2x128_si256, _mm256_unpackhi_epi32,
    _mm256_unpackhi_epi64, _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
};

use super::Panel;
use crate::engine::kernels::vectors::{at, load_16, store_32, store_f32x8};
use crate::engine::kernels::{PIECE, ROWS, RowBlock};

/// How far ahead of the reads memory is asked for: the processor's own look-ahead stops at pages of 4 KiB.
pub(in super::super) const AHEAD: usize = 2048;

impl Panel {
    /// Reads the scales of one piece of 16 rows, of blocks of `N` bytes that begin with them.
    #[target_feature(enable = "avx2,f16c")]
    pub(in super::super) fn unpack_scales<const N: usize>(&mut self, rows: &[&[[u8; N]]; ROWS]) {
        let mut halves = [[[0; 2]; ROWS]; PIECE / 32];
        for (row, blocks) in rows.iter().enumerate() {
            for (halves, block) in halves.iter_mut().zip(*blocks) {
                halves[row] = *at(block, 0);
            }
        }
        for (scales, halves) in self.scales.iter_mut().zip(&halves) {
            for (scales, halves) in
                scales.as_chunks_mut().0.iter_mut().zip(halves.as_flattened().as_chunks().0)
            {
                store_f32x8(scales, _mm256_cvtph_ps(load_16(halves)));
            }
        }
    }
}

/// The piece of each row, in blocks of `N` bytes.
pub(in super::super) fn piece_rows<const N: usize>(block: RowBlock<'_>, piece: usize) -> [&[[u8; N]]; ROWS] {
    let first = piece * (PIECE / 32);
    let last = (first + PIECE / 32).min(block.columns / 32);
    std::array::from_fn(|row| &block.row(row).as_chunks::<N>().0[first..last])
}

/// The scales of 8 blocks of `N` bytes that begin with them.
#[inline]
#[target_feature(enable = "avx2,f16c")]
pub(in super::super) fn scales<const N: usize>(blocks: &[[u8; N]; 8]) -> __m256 {
    let mut halves = [[0; 2]; 8];
    for (half, block) in halves.iter_mut().zip(blocks) {
        *half = *at(block, 0);
    }
    _mm256_cvtph_ps(load_16(at(halves.as_flattened(), 0)))
}

/// Stores 32 codes of each of 8 rows, the first or second `half` of a panel's rows.
#[inline]
#[target_feature(enable = "avx2")]
pub(in super::super) fn store_codes(codes: &mut [[u8; 4 * ROWS]; 8], half: usize, rows: [__m256i; 8]) {
    let (above, below) =
        (transpose([rows[0], rows[1], rows[2], rows[3]]), transpose([rows[4], rows[5], rows[6], rows[7]]));
    for (four, (low, high)) in above.into_iter().zip(below).enumerate() {
        let first = _mm256_permute2x128_si256::<0x20>(low, high);
        let second = _mm256_permute2x128_si256::<0x31>(low, high);
        store_32(&mut codes[four].as_chunks_mut().0[half], first);
        store_32(&mut codes[four + 4].as_chunks_mut().0[half], second);
    }
}

/// In each half: four registers as a square of numbers of 32 bits, mirrored at its diagonal.
#[inline]
#[target_feature(enable = "avx2")]
fn transpose([a, b, c, d]: [__m256i; 4]) -> [__m256i; 4] {
    let (ab_low, ab_high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let (cd_low, cd_high) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
    [
        _mm256_unpacklo_epi64(ab_low, cd_low),
        _mm256_unpackhi_epi64(ab_low, cd_low),
        _mm256_unpacklo_epi64(ab_high, cd_high),
        _mm256_unpackhi_epi64(ab_high, cd_high),
    ]
}
