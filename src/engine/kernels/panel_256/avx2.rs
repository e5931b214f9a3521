//! A panel times many tokens with AVX2.
//!
//! Sums of products stay in 16 bits for as long as they fit for certain: `Q4K` 2 * 15 * 127 * 8 = 30,480 for a whole sub-block of 32
//! columns, `Q6K` 2 * 63 * 127 * 2 = 32,004 for 8 columns.

use std::arch::x86_64::{
    __m256i, _mm256_add_epi16, _mm256_add_epi32, _mm256_cvtepi32_ps, _mm256_fmadd_ps, _mm256_fmsub_ps,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps, _mm256_set1_epi32, _mm256_set1_ps,
    _mm256_setzero_si256, _mm256_slli_epi32, _mm256_sub_epi32,
};

use super::super::vectors::{at, four_i8, load_32, load_f32x8, store_f32x8, two_i16};
use super::super::{Block256, ROWS};
use super::{Ahead, Panel};

/// Adds the products of a panel and all tokens to `out`. `SIX`: the panel is of `Q6K`.
#[target_feature(enable = "avx2,fma,f16c")]
pub(in super::super) fn multiply<const SIX: bool>(
    panel: &Panel,
    input: &[Block256],
    out: &mut [[f32; ROWS]],
    ahead: Ahead<'_>,
) {
    let (mut input, mut out, mut ahead) = (input, out, Some(ahead));
    while !input.is_empty() {
        // Threes, and a rest of four as two and two.
        let count = match input.len() {
            1 => 1,
            2 | 4 => 2,
            _ => 3,
        };
        let (now, later) = input.split_at(count);
        let (sums, rest) = out.split_at_mut(count);
        match count {
            1 => tile::<SIX, 1>(panel, now, sums, ahead.take()),
            2 => tile::<SIX, 2>(panel, now, sums, ahead.take()),
            _ => tile::<SIX, 3>(panel, now, sums, ahead.take()),
        }
        (input, out) = (later, rest);
    }
}

/// 16 rows times `N` tokens.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn tile<const SIX: bool, const N: usize>(
    panel: &Panel,
    input: &[Block256],
    out: &mut [[f32; ROWS]],
    ahead: Option<Ahead<'_>>,
) {
    let input: &[_; N] = input.first_chunk().expect("N tokens");
    // Groups of four columns between two multiplications by a scale.
    let groups = if SIX { 2 } else { 8 };
    let mut sums = [[_mm256_setzero_si256(); 2]; N];
    for (step, codes) in panel.codes.chunks_exact(groups).enumerate() {
        if let Some(ahead) = ahead
            && step % (8 / groups) == 0
        {
            ahead.fetch::<SIX>(step * groups / 8);
        }
        let mut small = [[_mm256_setzero_si256(); 2]; N];
        for (group, codes) in codes.iter().enumerate() {
            let codes = [load_32(at(codes, 0)), load_32(at(codes, 32))];
            for (small, input) in small.iter_mut().zip(input) {
                let four = &input.quants.as_chunks().0[step * groups + group];
                let four = _mm256_set1_epi32(four_i8(four));
                for (small, codes) in small.iter_mut().zip(codes) {
                    *small = _mm256_add_epi16(*small, _mm256_maddubs_epi16(codes, four));
                }
            }
        }
        let scales = &panel.scales[if SIX { step / 2 } else { step }];
        let scales = [load_32(at(scales, 0)), load_32(at(scales, 32))];
        for (sums, small) in sums.iter_mut().zip(small) {
            for ((sum, small), scale) in sums.iter_mut().zip(small).zip(scales) {
                *sum = _mm256_add_epi32(*sum, _mm256_madd_epi16(small, scale));
            }
        }
    }
    finish::<SIX, N>(panel, sums, input, out);
}

/// [`finish_one`] of `N` tokens.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
pub(in super::super) fn finish<const SIX: bool, const N: usize>(
    panel: &Panel,
    sums: [[__m256i; 2]; N],
    input: &[Block256; N],
    out: &mut [[f32; ROWS]],
) {
    for ((sums, input), out) in sums.into_iter().zip(input).zip(out) {
        finish_one::<SIX>(panel, sums, input, out);
    }
}

/// From whole numbers to floats: what the sums of the activations give comes off, then all is scaled.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn finish_one<const SIX: bool>(panel: &Panel, sums: [__m256i; 2], input: &Block256, out: &mut [f32; ROWS]) {
    let pairs: &[[i16; 2]] = if SIX { input.sums_16.as_chunks().0 } else { input.sums_32.as_chunks().0 };
    let mut off = [_mm256_setzero_si256(); 2];
    for (pair, lanes) in pairs.iter().zip(&panel.pairs) {
        let pair = _mm256_set1_epi32(two_i16(pair));
        for (half, off) in off.iter_mut().enumerate() {
            *off = _mm256_add_epi32(*off, _mm256_madd_epi16(load_32(at(lanes, 32 * half)), pair));
        }
    }
    let scale = _mm256_set1_ps(input.scale);
    for (half, out) in out.as_chunks_mut().0.iter_mut().enumerate() {
        let d = load_f32x8(&panel.d.as_chunks().0[half]);
        let value = if SIX {
            let sum = _mm256_sub_epi32(sums[half], _mm256_slli_epi32::<5>(off[half]));
            _mm256_mul_ps(_mm256_cvtepi32_ps(sum), d)
        } else {
            let dmin = load_f32x8(&panel.dmin.as_chunks().0[half]);
            let off = _mm256_mul_ps(_mm256_cvtepi32_ps(off[half]), dmin);
            _mm256_fmsub_ps(_mm256_cvtepi32_ps(sums[half]), d, off)
        };
        store_f32x8(out, _mm256_fmadd_ps(value, scale, load_f32x8(out)));
    }
}
