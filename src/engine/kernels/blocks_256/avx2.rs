//! Rounding with AVX2.

use std::arch::x86_64::{
    __m256, __m256i, _mm_add_epi16, _mm_unpackhi_epi16, _mm_unpacklo_epi16, _mm256_castsi256_si128,
    _mm256_cvtps_epi32, _mm256_extracti128_si256, _mm256_hadd_epi16, _mm256_maddubs_epi16, _mm256_max_ps,
    _mm256_min_ps, _mm256_mul_ps, _mm256_packs_epi16, _mm256_packs_epi32, _mm256_permutevar8x32_epi32,
    _mm256_set1_epi8, _mm256_set1_ps, _mm256_setr_epi32, _mm256_setzero_ps, _mm256_setzero_si256,
};

use super::super::PIECE;
use super::super::vectors::{load_f32x8, store_f32x8, store_i8x32, store_i16x8};
use super::{Block256, inverse, scale};

/// See [`Block256::round`].
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn round(block: &mut Block256, values: &[f32; PIECE]) {
    let inverse = inverse(top(values));
    block.scale = scale(inverse);
    let inverse = _mm256_set1_ps(inverse);
    let mut pairs = [_mm256_setzero_si256(); 8];
    let rounded = block.quants.as_chunks_mut().0.iter_mut().zip(&mut pairs);
    for (values, (quants, pairs)) in values.as_chunks().0.iter().zip(rounded) {
        let codes = codes(values, inverse);
        store_i8x32(quants, codes);
        *pairs = _mm256_maddubs_epi16(_mm256_set1_epi8(1), codes);
    }
    // Three rounds of adding neighbours: the front halves of 32 in the lower half, the back halves in the upper one.
    let add = |i: usize| _mm256_hadd_epi16(pairs[i], pairs[i + 1]);
    let sums = _mm256_hadd_epi16(_mm256_hadd_epi16(add(0), add(2)), _mm256_hadd_epi16(add(4), add(6)));
    let (front, back) = (_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
    store_i16x8(&mut block.sums_32, _mm_add_epi16(front, back));
    let halves = block.sums_16.as_chunks_mut().0;
    store_i16x8(&mut halves[0], _mm_unpacklo_epi16(front, back));
    store_i16x8(&mut halves[1], _mm_unpackhi_epi16(front, back));
}

/// The codes of 32 values.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn codes(values: &[f32; 32], inverse: __m256) -> __m256i {
    let eights = values.as_chunks().0;
    let eight = |i: usize| _mm256_cvtps_epi32(_mm256_mul_ps(load_f32x8(&eights[i]), inverse));
    let (a, b) = (_mm256_packs_epi32(eight(0), eight(1)), _mm256_packs_epi32(eight(2), eight(3)));
    // Packing works in each half of a register; this puts its fours back in order.
    _mm256_permutevar8x32_epi32(_mm256_packs_epi16(a, b), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7))
}

/// The value of largest magnitude, the first of several.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn top(values: &[f32; PIECE]) -> f32 {
    let (mut low, mut high) = ([_mm256_setzero_ps(); 4], [_mm256_setzero_ps(); 4]);
    for values in values.as_chunks::<32>().0 {
        for (i, eight) in values.as_chunks().0.iter().enumerate() {
            let eight = load_f32x8(eight);
            low[i] = _mm256_min_ps(low[i], eight);
            high[i] = _mm256_max_ps(high[i], eight);
        }
    }
    let mut lanes = [[0.0; 8]; 2];
    let [a, b, c, d] = low;
    store_f32x8(&mut lanes[0], _mm256_min_ps(_mm256_min_ps(a, b), _mm256_min_ps(c, d)));
    let [a, b, c, d] = high;
    store_f32x8(&mut lanes[1], _mm256_max_ps(_mm256_max_ps(a, b), _mm256_max_ps(c, d)));
    let low = lanes[0].into_iter().fold(0.0, f32::min);
    let high = lanes[1].into_iter().fold(0.0, f32::max);
    if -low > high {
        low
    } else if -low < high {
        high
    } else {
        // Both signs: the first one counts.
        super::top(values)
    }
}
