//! Products with `Q5_0` weights on AVX2. Codes stay 0 to 31, and 16 times the sum of the activations is taken off: the
//! multiply-add of bytes wants one side unsigned.

use std::arch::x86_64::{
    __m256, __m256i, _mm_and_si128, _mm_set1_epi8, _mm_srli_epi16, _mm256_add_epi16, _mm256_add_epi32,
    _mm256_add_ps, _mm256_and_si256, _mm256_andnot_si256, _mm256_cmpeq_epi8, _mm256_cvtepi32_ps,
    _mm256_fmadd_ps, _mm256_fnmadd_ps, _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps,
    _mm256_or_si256, _mm256_set_m128i, _mm256_set1_epi8, _mm256_set1_epi16, _mm256_set1_epi32,
    _mm256_set1_epi64x, _mm256_set1_ps, _mm256_setr_epi64x, _mm256_setzero_ps, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_slli_epi32, _mm256_sub_epi32,
};

use super::BLOCK;
use crate::engine::kernels::panel_32::Panel;
use crate::engine::kernels::panel_32::avx2::{AHEAD, piece_rows, scales, store_codes};
use crate::engine::kernels::vectors::{
    Ahead, at, fetch_stream, four_i8, load_16, load_32, load_f32x8, load_i8x32, store_f32x8, sum_8,
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
            *out = dot(block, row, input, panel);
        }
    } else {
        many(block, input, panel, out);
    }
}

/// The codes of a block, 0 to 31, in the order of the columns.
#[inline]
#[target_feature(enable = "avx2")]
fn codes(block: &[u8; BLOCK]) -> __m256i {
    let packed = load_16(at(block, 6));
    let low = _mm_set1_epi8(15);
    let four = _mm256_set_m128i(_mm_and_si128(_mm_srli_epi16::<4>(packed), low), _mm_and_si128(packed, low));
    // Byte i / 8 of the fifth bits into lane i, then only bit i % 8 of it.
    let fifth = _mm256_set1_epi32(i32::from_le_bytes(*at(block, 2)));
    let bytes = _mm256_setr_epi64x(0, 0x0101_0101_0101_0101, 0x0202_0202_0202_0202, 0x0303_0303_0303_0303);
    let bits = _mm256_set1_epi64x(i64::from_le_bytes([1, 2, 4, 8, 16, 32, 64, 128]));
    let unset =
        _mm256_cmpeq_epi8(_mm256_and_si256(_mm256_shuffle_epi8(fifth, bytes), bits), _mm256_setzero_si256());
    _mm256_or_si256(four, _mm256_andnot_si256(unset, _mm256_set1_epi8(16)))
}

/// One row times the activations of one token. Rows come one after the other, so that memory is read as one stream.
#[inline(never)]
#[target_feature(enable = "avx2,fma,f16c")]
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
#[target_feature(enable = "avx2,fma,f16c")]
fn add_products(
    sums: &mut [__m256; 3],
    weights: &[[u8; BLOCK]; 8],
    values: &[Block32; 8],
    (token_scales, token_sums): (&[f32; 8], &[f32; 8]),
) {
    let scales = scales(weights);
    sums[2] = _mm256_fnmadd_ps(_mm256_mul_ps(scales, _mm256_set1_ps(16.0)), load_f32x8(token_sums), sums[2]);
    let mut both = [0.0; 8];
    store_f32x8(&mut both, _mm256_mul_ps(scales, load_f32x8(token_scales)));
    for (index, (weights, values)) in weights.iter().zip(values).enumerate() {
        let products = _mm256_maddubs_epi16(codes(weights), load_i8x32(&values.quants));
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
        for (products, values) in products.iter_mut().zip(values) {
            let sum = _mm256_set1_epi32(values[index].sum);
            *products = _mm256_sub_epi32(*products, _mm256_slli_epi32::<4>(sum));
        }
        // Four steps of two products each are at most 8 * 31 * 127 = 31,496 and fit into 16 bits.
        for (part, codes) in codes.as_chunks::<4>().0.iter().enumerate() {
            let mut pairs = [_mm256_setzero_si256(); T];
            for (step, codes) in codes.iter().enumerate() {
                let weights = load_32(&codes.as_chunks().0[half]);
                for (pairs, values) in pairs.iter_mut().zip(values) {
                    let values = four_i8(&values[index].quants.as_chunks().0[4 * part + step]);
                    let products = _mm256_maddubs_epi16(weights, _mm256_set1_epi32(values));
                    *pairs = _mm256_add_epi16(*pairs, products);
                }
            }
            for (products, pairs) in products.iter_mut().zip(pairs) {
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
