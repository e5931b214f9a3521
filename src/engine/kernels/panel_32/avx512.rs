//! Products of many tokens with weights in blocks of 32 on AVX-512 VNNI, whose multiply-add takes four bytes at once, those of
//! one side unsigned: codes come with an offset, which is taken off through the sum of the activations.

use std::arch::x86_64::{
    _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_dpwssd_epi32, _mm512_fmadd_ps, _mm512_mul_ps,
    _mm512_set1_epi32, _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512,
};

use super::Panel;
use crate::engine::kernels::vectors::{four_i8, load_64, load_f32x16, store_f32x16};
use crate::engine::kernels::{Block32, PIECE, ROWS};

/// Tokens of a tile at most: their sums fill 16 registers, the codes of a block 8.
const TILE: usize = 16;

/// Tokens of a tile whose chains of additions run side by side.
const SIDE: usize = 4;

/// How many tiles of nearly equal size there are for `tokens`.
pub(in super::super) const fn tiles(tokens: usize) -> usize {
    tokens.div_ceil(TILE)
}

/// Adds the products of `blocks` blocks of 16 rows with those of one tile of tokens. Codes are `OFFSET` too large.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(in super::super) fn multiply<const OFFSET: i32>(
    panel: &Panel,
    blocks: usize,
    values: &[[Block32; PIECE / 32]],
    out: &mut [[f32; ROWS]],
) {
    // The rest of a tile by halves: 8 + 4 + 2 + 1.
    let (mut values, mut out) = (values, out);
    while !values.is_empty() {
        let count = match values.len() {
            16.. => 16,
            12.. => 12,
            8.. => 8,
            6.. => 6,
            4.. => 4,
            count => count,
        };
        let (now, later) = values.split_at(count);
        let (now_out, later_out) = out.split_at_mut(count);
        match count {
            16 => tile::<16, OFFSET>(panel, blocks, now, now_out),
            12 => tile::<12, OFFSET>(panel, blocks, now, now_out),
            8 => tile::<8, OFFSET>(panel, blocks, now, now_out),
            6 => tile::<6, OFFSET>(panel, blocks, now, now_out),
            4 => tile::<4, OFFSET>(panel, blocks, now, now_out),
            3 => tile::<3, OFFSET>(panel, blocks, now, now_out),
            2 => tile::<2, OFFSET>(panel, blocks, now, now_out),
            _ => tile::<1, OFFSET>(panel, blocks, now, now_out),
        }
        (values, out) = (later, later_out);
    }
}

#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn tile<const T: usize, const OFFSET: i32>(
    panel: &Panel,
    blocks: usize,
    values: &[[Block32; PIECE / 32]],
    out: &mut [[f32; ROWS]],
) {
    let values = values.first_chunk::<T>().expect("a tile has T tokens");
    let mut sums = [_mm512_setzero_ps(); T];
    for (sum, out) in sums.iter_mut().zip(&*out) {
        *sum = load_f32x16(out);
    }
    // Sums of activations are pairs of 16 bits here, of which the lower one counts: at most 32 * 127.
    let offset = _mm512_set1_epi32(-OFFSET & 0xffff);
    for (index, (codes, scales)) in panel.codes.iter().zip(&panel.scales).enumerate().take(blocks) {
        let mut registers = [_mm512_setzero_si512(); 8];
        for (register, codes) in registers.iter_mut().zip(codes) {
            *register = load_64(codes);
        }
        let scales = load_f32x16(scales);
        // Some tokens at a time, whose chains of additions run side by side.
        for (sums, values) in sums.chunks_mut(SIDE).zip(values.chunks(SIDE)) {
            let mut products = [_mm512_setzero_si512(); SIDE];
            for (products, values) in products.iter_mut().zip(values) {
                let sum = _mm512_set1_epi32(values[index].sum);
                *products = _mm512_dpwssd_epi32(*products, offset, sum);
            }
            for (step, codes) in registers.into_iter().enumerate() {
                for (products, values) in products.iter_mut().zip(values) {
                    let values = four_i8(&values[index].quants.as_chunks().0[step]);
                    *products = _mm512_dpbusd_epi32(*products, codes, _mm512_set1_epi32(values));
                }
            }
            for ((sum, products), values) in sums.iter_mut().zip(products).zip(values) {
                let scales = _mm512_mul_ps(scales, _mm512_set1_ps(values[index].scale));
                *sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products), scales, *sum);
            }
        }
    }
    for (out, sum) in out.iter_mut().zip(sums) {
        store_f32x16(out, sum);
    }
}
