//! Activations rounded to 8 bits, one scale for 32 values: what weights in blocks of 32 are multiplied with.

use super::PIECE;
use super::blocks_256::nearest_i8;
use super::level::{Level, Set};

/// 32 values: `scale * quants[i]`.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(in crate::engine) struct Block32 {
    /// The codes, -127 to 127.
    pub(super) quants: [i8; 32],
    /// The value of code 1.
    pub(super) scale: f32,
    /// Sum of the codes.
    pub(super) sum: i32,
}

impl Block32 {
    /// All zero.
    pub(in crate::engine) const ZERO: Self = Self { quants: [0; 32], scale: 0.0, sum: 0 };

    /// Rounds the values of a piece.
    pub(in crate::engine) fn round_piece(
        level: Level,
        blocks: &mut [Self; PIECE / 32],
        values: &[f32; PIECE],
    ) {
        for (block, values) in blocks.iter_mut().zip(values.as_chunks().0) {
            match level.set() {
                Set::Portable => round(block, values),
                // SAFETY: a level of these sets exists only where the processor has their instructions (level.rs).
                #[cfg(target_arch = "x86_64")]
                Set::Avx2 | Set::Avx512 => unsafe { avx2::round(block, values) },
            }
        }
    }
}

/// The value of code 1 for a block whose largest magnitude is `top`, and its inverse; zero where that would not be finite.
fn scales(top: f32) -> (f32, f32) {
    if top > 1e-30 { (top / 127.0, 127.0 / top) } else { (0.0, 0.0) }
}

/// The reference of the others: every level gives the same codes.
fn round(block: &mut Block32, values: &[f32; 32]) {
    let top = values.iter().fold(0.0_f32, |top, value| top.max(value.abs()));
    let (scale, inverse) = scales(top);
    block.scale = scale;
    for (code, value) in block.quants.iter_mut().zip(values) {
        *code = nearest_i8(value * inverse);
    }
    block.sum = block.quants.iter().map(|code| i32::from(*code)).sum();
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::{
        _mm256_add_epi32, _mm256_andnot_ps, _mm256_castsi256_ps, _mm256_cvtps_epi32, _mm256_max_ps,
        _mm256_mul_ps, _mm256_packs_epi16, _mm256_packs_epi32, _mm256_permutevar8x32_epi32, _mm256_set1_ps,
        _mm256_setr_epi32, _mm256_setzero_ps, _mm256_setzero_si256,
    };

    use super::super::vectors::{load_f32x8, store_f32x8, store_i8x32};
    use super::{Block32, scales};

    /// As the portable one: rounding to nearest, ties to even, is what the processor does.
    #[target_feature(enable = "avx2,fma,f16c")]
    pub(super) fn round(block: &mut Block32, values: &[f32; 32]) {
        let mut tops = _mm256_setzero_ps();
        for values in values.as_chunks().0 {
            tops = _mm256_max_ps(_mm256_andnot_ps(_mm256_set1_ps(-0.0), load_f32x8(values)), tops);
        }
        let mut lanes = [0.0; 8];
        store_f32x8(&mut lanes, tops);
        let (scale, inverse) =
            scales(lanes.iter().fold(0.0, |top, lane| if *lane > top { *lane } else { top }));
        block.scale = scale;
        let (mut codes, mut sums) = ([_mm256_setzero_si256(); 4], _mm256_setzero_si256());
        for (codes, values) in codes.iter_mut().zip(values.as_chunks().0) {
            *codes = _mm256_cvtps_epi32(_mm256_mul_ps(load_f32x8(values), _mm256_set1_ps(inverse)));
            sums = _mm256_add_epi32(sums, *codes);
        }
        let [a, b, c, d] = codes;
        let packed = _mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d));
        // Packing works in halves, so groups of four come out as 0, 2, 4, 6, 1, 3, 5, 7.
        let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
        store_i8x32(&mut block.quants, _mm256_permutevar8x32_epi32(packed, order));
        store_f32x8(&mut lanes, _mm256_castsi256_ps(sums));
        block.sum = lanes.iter().fold(0, |sum, lane| sum.wrapping_add(lane.to_bits().cast_signed()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::Draw;
    use super::*;

    #[test]
    fn every_level_rounds_alike() {
        let mut draw = Draw(3);
        for scale in [1.0, 1e-3, 1e20, 1e-33, 0.0] {
            let values: [f32; PIECE] =
                std::array::from_fn(|index| if index == 40 { scale } else { scale * draw.value() });
            let mut expected = [Block32::ZERO; PIECE / 32];
            Block32::round_piece(Level::PORTABLE, &mut expected, &values);
            for level in Level::all() {
                let mut found = [Block32::ZERO; PIECE / 32];
                Block32::round_piece(level, &mut found, &values);
                for (found, expected) in found.iter().zip(&expected) {
                    assert_eq!(found.quants, expected.quants, "{}", level.id());
                    assert_eq!(found.sum, expected.sum);
                    assert_eq!(found.scale.to_bits(), expected.scale.to_bits());
                    assert_eq!(found.sum, found.quants.iter().map(|code| i32::from(*code)).sum::<i32>());
                }
            }
            assert_eq!(expected[1].quants[8], if scale > 1e-30 { 127 } else { 0 });
        }
    }
}
