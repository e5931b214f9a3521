//! Products with `Q8_0` weights on AVX-512 VNNI.

use std::arch::x86_64::{
    __m256, _mm256_abs_epi8, _mm256_add_ps, _mm256_cvtepi32_ps, _mm256_dpbusd_epi32, _mm256_fmadd_ps,
    _mm256_mul_ps, _mm256_set1_epi8, _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256,
    _mm256_sign_epi8, _mm256_xor_si256,
};

use super::BLOCK;
use crate::engine::kernels::panel_32::Panel;
use crate::engine::kernels::panel_32::avx2::{AHEAD, piece_rows, scales, store_codes};
use crate::engine::kernels::panel_32::avx512::{multiply, tiles};
use crate::engine::kernels::vectors::{
    Ahead, at, fetch_stream, load_32, load_f32x8, load_i8x32, store_f32x8, sum_8,
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
            *out = dot(block, row, input, &panel.token_scales);
        }
    } else {
        many(block, input, panel, out);
    }
}

/// One row times the activations of one token. Rows come one after the other, so that memory is read as one stream.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn dot(block: RowBlock<'_>, row: usize, input: &[[Block32; PIECE / 32]], token_scales: &[[f32; 8]]) -> f32 {
    let (pieces, rest) = block.row(row).as_chunks::<BLOCK>().0.as_chunks::<8>();
    let mut sums = [_mm256_setzero_ps(); 2];
    let mut ahead = row * block.row_bytes + AHEAD;
    for ((weights, values), scales) in pieces.iter().zip(input).zip(token_scales) {
        fetch_stream(block.bytes, block.next, ahead, 8 * BLOCK);
        ahead += 8 * BLOCK;
        add_products(&mut sums, weights, values, scales);
    }
    if !rest.is_empty() {
        let mut padded = [[0; BLOCK]; 8];
        padded[..rest.len()].copy_from_slice(rest);
        add_products(&mut sums, &padded, &input[pieces.len()], &token_scales[pieces.len()]);
    }
    sum_8(_mm256_add_ps(sums[0], sums[1]))
}

/// One side of the multiply-add is unsigned, so the sign of a weight moves to its activation: `|w| * (sign(w) a)`.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn add_products(
    sums: &mut [__m256; 2],
    weights: &[[u8; BLOCK]; 8],
    values: &[Block32; 8],
    token_scales: &[f32; 8],
) {
    let mut both = [0.0; 8];
    store_f32x8(&mut both, _mm256_mul_ps(scales(weights), load_f32x8(token_scales)));
    for (index, (weights, values)) in weights.iter().zip(values).enumerate() {
        let weights = load_32(at(weights, 2));
        let values = _mm256_sign_epi8(load_i8x32(&values.quants), weights);
        let products = _mm256_dpbusd_epi32(_mm256_setzero_si256(), _mm256_abs_epi8(weights), values);
        let scale = _mm256_set1_ps(both[index]);
        sums[index % 2] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(products), scale, sums[index % 2]);
    }
}

/// Many tokens: a piece of 16 rows is laid out once and meets all of them.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn many(block: RowBlock<'_>, input: &[[Block32; PIECE / 32]], panel: &mut Panel, out: &mut [[f32; ROWS]]) {
    let (tokens, tiles) = (out.len(), tiles(out.len()));
    out.fill([0.0; ROWS]);
    let raise = _mm256_set1_epi8(i8::MIN);
    for (piece, values) in input.chunks_exact(tokens).enumerate() {
        let rows = piece_rows::<BLOCK>(block, piece);
        let ahead = Ahead { block, piece, piece_bytes: 8 * BLOCK, tokens };
        panel.unpack_scales(&rows);
        for (index, codes) in panel.codes.iter_mut().enumerate().take(rows[0].len()) {
            ahead.beside_unpacking(index, rows[0].len());
            for half in 0..2 {
                let mut registers = [_mm256_setzero_si256(); 8];
                for (register, row) in registers.iter_mut().zip(&rows[8 * half..]) {
                    *register = _mm256_xor_si256(load_32(at(&row[index], 2)), raise);
                }
                store_codes(codes, half, registers);
            }
        }
        for tile in 0..tiles {
            ahead.beside_products(tile, tiles);
            let range = tokens * tile / tiles..tokens * (tile + 1) / tiles;
            multiply::<128>(panel, rows[0].len(), &values[range.clone()], &mut out[range]);
        }
    }
}
