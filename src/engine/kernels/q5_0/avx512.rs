//! Products with `Q5_0` weights on AVX-512 VNNI. Codes stay 0 to 31, and 16 times the sum of the activations is taken off.

use std::arch::x86_64::{
    __m256, __m256i, _mm_and_si128, _mm_set1_epi8, _mm_srli_epi16, _mm256_add_ps, _mm256_cvtepi32_ps,
    _mm256_dpbusd_epi32, _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_mask_add_epi8, _mm256_mul_ps,
    _mm256_set_m128i, _mm256_set1_epi8, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256,
};

use super::BLOCK;
use crate::engine::kernels::panel_32::Panel;
use crate::engine::kernels::panel_32::avx2::{AHEAD, piece_rows, scales, store_codes};
use crate::engine::kernels::panel_32::avx512::{multiply, tiles};
use crate::engine::kernels::vectors::{
    Ahead, at, fetch_stream, load_16, load_f32x8, load_i8x32, store_f32x8, sum_8,
};
use crate::engine::kernels::{Block32, PIECE, ROWS, RowBlock};

/// See [`super::rows`].
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) fn rows(
    block: RowBlock<'_>,
    input: &[[Block32; PIECE / 32]],
    panel: &mut Panel,
    out: &mut [[f32; ROWS]],
) {
    if let [out] = out {
        panel.prepare(input);
        for (row, out) in out.iter_mut().enumerate().take(block.count()) {
            *out = dot(block, row, input, panel);
        }
    } else {
        many(block, input, panel, out);
    }
}

/// The codes of a block, 0 to 31, in the order of the columns.
#[inline]
#[target_feature(enable = "avx2,avx512f,avx512bw,avx512vl")]
fn codes(block: &[u8; BLOCK]) -> __m256i {
    let packed = load_16(at(block, 6));
    let low = _mm_set1_epi8(15);
    let high = _mm_and_si128(_mm_srli_epi16::<4>(packed), low);
    let four = _mm256_set_m128i(high, _mm_and_si128(packed, low));
    _mm256_mask_add_epi8(four, u32::from_le_bytes(*at(block, 2)), four, _mm256_set1_epi8(16))
}

/// One row times the activations of one token. Rows come one after the other, so that memory is read as one stream.
#[inline(never)]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn dot(block: RowBlock<'_>, row: usize, input: &[[Block32; PIECE / 32]], panel: &Panel) -> f32 {
    let (pieces, rest) = block.row(row).as_chunks::<BLOCK>().0.as_chunks::<8>();
    let mut sums = [_mm256_setzero_ps(); 3];
    let mut ahead = row * block.row_bytes + AHEAD;
    let tokens = panel.token_scales.iter().zip(&panel.token_sums);
    for ((weights, values), token) in pieces.iter().zip(input).zip(tokens) {
        fetch_stream(block.bytes, block.next, ahead, 8 * BLOCK);
        ahead += 8 * BLOCK;
        add_products(&mut sums, weights, values, token);
    }
    if !rest.is_empty() {
        let mut padded = [[0; BLOCK]; 8];
        padded[..rest.len()].copy_from_slice(rest);
        let token = (&panel.token_scales[pieces.len()], &panel.token_sums[pieces.len()]);
        add_products(&mut sums, &padded, &input[pieces.len()], token);
    }
    sum_8(_mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), sums[2]))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn add_products(
    sums: &mut [__m256; 3],
    weights: &[[u8; BLOCK]; 8],
    values: &[Block32; 8],
    (token_scales, token_sums): (&[f32; 8], &[f32; 8]),
) {
    let scales = scales(weights);
    let offset = _mm256_mul_ps(scales, _mm256_set1_ps(16.0));
    sums[2] = _mm256_fnmadd_ps(offset, load_f32x8(token_sums), sums[2]);
    let mut both = [0.0; 8];
    store_f32x8(&mut both, _mm256_mul_ps(scales, load_f32x8(token_scales)));
    for (index, (weights, values)) in weights.iter().zip(values).enumerate() {
        let products =
            _mm256_dpbusd_epi32(_mm256_setzero_si256(), codes(weights), load_i8x32(&values.quants));
        let scale = _mm256_set1_ps(both[index]);
        sums[index % 2] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(products), scale, sums[index % 2]);
    }
}

/// Many tokens: a piece of 16 rows is laid out once and meets all of them.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn many(block: RowBlock<'_>, input: &[[Block32; PIECE / 32]], panel: &mut Panel, out: &mut [[f32; ROWS]]) {
    let (tokens, tiles) = (out.len(), tiles(out.len()));
    out.fill([0.0; ROWS]);
    for (piece, values) in input.chunks_exact(tokens).enumerate() {
        let rows = piece_rows::<BLOCK>(block, piece);
        let ahead = Ahead { block, piece, piece_bytes: 8 * BLOCK, tokens };
        panel.unpack_scales(&rows);
        for (index, out) in panel.codes.iter_mut().enumerate().take(rows[0].len()) {
            ahead.beside_unpacking(index, rows[0].len());
            for half in 0..2 {
                let mut registers = [_mm256_setzero_si256(); 8];
                for (register, row) in registers.iter_mut().zip(&rows[8 * half..]) {
                    *register = codes(&row[index]);
                }
                store_codes(out, half, registers);
            }
        }
        for tile in 0..tiles {
            ahead.beside_products(tile, tiles);
            let range = tokens * tile / tiles..tokens * (tile + 1) / tiles;
            multiply::<16>(panel, rows[0].len(), &values[range.clone()], &mut out[range]);
        }
    }
}
