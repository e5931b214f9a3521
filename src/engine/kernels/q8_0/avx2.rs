//! Products with `Q8_0` weights on AVX2. The multiply-add of bytes wants one side unsigned, so the sign of a weight moves to
//! its activation: `|w| * (sign(w) a)`. Two such products are at most 2 * 128 * 127 = 32,512 and fit into 16 bits.

use std::arch::x86_64::{
    _mm256_abs_epi8, _mm256_add_epi32, _mm256_add_ps, _mm256_cvtepi32_ps, _mm256_fmadd_ps, _mm256_madd_epi16,
    _mm256_maddubs_epi16, _mm256_mul_ps, _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_ps,
    _mm256_setzero_ps, _mm256_setzero_si256, _mm256_sign_epi8,
};

use super::BLOCK;
use crate::engine::kernels::panel_32::Panel;
use crate::engine::kernels::panel_32::avx2::{AHEAD, piece_rows, scales, store_codes};
use crate::engine::kernels::vectors::{
    Ahead, at, fetch_stream, four_i8, load_32, load_f32x8, load_i8x32, store_f32x8, sum_8,
};
use crate::engine::kernels::{Block32, PIECE, ROWS, RowBlock};

/// Tokens of a tile.
const TILE: usize = 4;

/// See [`super::rows`].
#[target_feature(enable = "avx2,fma,f16c")]
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
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn dot(
    block: RowBlock<'_>,
    row: usize,
    input: &[[Block32; PIECE / 32]],
    token_scales: &[[f32; 8]],
) -> f32 {
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

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn add_products(
    sums: &mut [std::arch::x86_64::__m256; 2],
    weights: &[[u8; BLOCK]; 8],
    values: &[Block32; 8],
    token_scales: &[f32; 8],
) {
    let mut both = [0.0; 8];
    store_f32x8(&mut both, _mm256_mul_ps(scales(weights), load_f32x8(token_scales)));
    for (index, (weights, values)) in weights.iter().zip(values).enumerate() {
        let weights = load_32(at(weights, 2));
        let values = _mm256_sign_epi8(load_i8x32(&values.quants), weights);
        let products = _mm256_maddubs_epi16(_mm256_abs_epi8(weights), values);
        let products = _mm256_cvtepi32_ps(_mm256_madd_epi16(products, _mm256_set1_epi16(1)));
        sums[index % 2] = _mm256_fmadd_ps(products, _mm256_set1_ps(both[index]), sums[index % 2]);
    }
}

/// Many tokens: a piece of 16 rows is laid out once and meets all of them.
#[target_feature(enable = "avx2,fma,f16c")]
fn many(block: RowBlock<'_>, input: &[[Block32; PIECE / 32]], panel: &mut Panel, out: &mut [[f32; ROWS]]) {
    let (tokens, tiles) = (out.len(), out.len().div_ceil(TILE));
    out.fill([0.0; ROWS]);
    for (piece, values) in input.chunks_exact(tokens).enumerate() {
        let rows = piece_rows::<BLOCK>(block, piece);
        let ahead = Ahead { block, piece, piece_bytes: 8 * BLOCK, tokens };
        panel.unpack_scales(&rows);
        for (index, codes) in panel.codes.iter_mut().enumerate().take(rows[0].len()) {
            ahead.beside_unpacking(index, rows[0].len());
            for half in 0..2 {
                let mut registers = [_mm256_setzero_si256(); 8];
                for (register, row) in registers.iter_mut().zip(&rows[8 * half..]) {
                    *register = load_32(at(&row[index], 2));
                }
                store_codes(codes, half, registers);
            }
        }
        for (tile, (values, out)) in values.chunks(TILE).zip(out.chunks_mut(TILE)).enumerate() {
            ahead.beside_products(tile, tiles);
            for half in 0..2 {
                match values.len() {
                    1 => multiply::<1>(panel, half, rows[0].len(), values, out),
                    2 => multiply::<2>(panel, half, rows[0].len(), values, out),
                    3 => multiply::<3>(panel, half, rows[0].len(), values, out),
                    _ => multiply::<4>(panel, half, rows[0].len(), values, out),
                }
            }
        }
    }
}

/// Adds the products of `blocks` blocks of one half of 16 rows with those of `T` tokens. Not inlined: next to each other, both
/// halves would keep more in registers than there are.
#[inline(never)]
#[target_feature(enable = "avx2,fma,f16c")]
fn multiply<const T: usize>(
    panel: &Panel,
    half: usize,
    blocks: usize,
    values: &[[Block32; PIECE / 32]],
    out: &mut [[f32; ROWS]],
) {
    let values = values.first_chunk::<T>().expect("a tile has T tokens");
    let ones = _mm256_set1_epi16(1);
    let mut sums = [_mm256_setzero_ps(); T];
    for (sum, out) in sums.iter_mut().zip(&*out) {
        *sum = load_f32x8(&out.as_chunks().0[half]);
    }
    for (index, (codes, scales)) in panel.codes.iter().zip(&panel.scales).enumerate().take(blocks) {
        let mut products = [_mm256_setzero_si256(); T];
        for (step, codes) in codes.iter().enumerate() {
            let weights = load_32(&codes.as_chunks().0[half]);
            let sizes = _mm256_abs_epi8(weights);
            for (products, values) in products.iter_mut().zip(values) {
                let values = _mm256_set1_epi32(four_i8(&values[index].quants.as_chunks().0[step]));
                let pairs = _mm256_maddubs_epi16(sizes, _mm256_sign_epi8(values, weights));
                *products = _mm256_add_epi32(*products, _mm256_madd_epi16(pairs, ones));
            }
        }
        let scales = load_f32x8(&scales.as_chunks().0[half]);
        for ((sum, products), values) in sums.iter_mut().zip(products).zip(values) {
            let scales = _mm256_mul_ps(scales, _mm256_set1_ps(values[index].scale));
            *sum = _mm256_fmadd_ps(_mm256_cvtepi32_ps(products), scales, *sum);
        }
    }
    for (out, sum) in out.iter_mut().zip(sums) {
        store_f32x8(&mut out.as_chunks_mut().0[half], sum);
    }
}
