//! Products with BF16 weights where the processor multiplies pairs of BF16 itself (AVX-512 BF16): twice as many
//! in an instruction. Activations come rounded to BF16, as `PyTorch` does; sums are 32-bit floats.

use std::arch::x86_64::{
    __m512, _mm512_add_ps, _mm512_castsi512_ps, _mm512_cvtne2ps_pbh, _mm512_dpbf16_ps, _mm512_reduce_add_ps,
    _mm512_setzero_ps, _mm512_shuffle_ps,
};

use half::bf16;

use super::avx512::{AHEAD, TILE, unpack};
use super::{Panel, format, piece_rows};
use crate::engine::kernels::vectors::{
    Ahead, as_bf16, fetch_stream, load_64, load_bf16x32, load_f32x16, repeat_bf16x4, store_bf16x32,
    store_f32x16,
};
use crate::engine::kernels::{PIECE, ROWS, RowBlock};

/// See [`super::rows`].
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
pub(super) fn rows(block: RowBlock<'_>, input: &[[bf16; PIECE]], panel: &mut Panel, out: &mut [[f32; ROWS]]) {
    if let [out] = out {
        // One token: its pieces lie one after the other.
        for (row, out) in out.iter_mut().enumerate().take(block.count()) {
            *out = dot(block, row, input.as_flattened());
        }
    } else {
        many(block, input, panel, out);
    }
}

/// Rounds a piece of activations to nearest.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
pub(super) fn round(rounded: &mut [bf16; PIECE], values: &[f32; PIECE]) {
    for (rounded, values) in rounded.as_chunks_mut().0.iter_mut().zip(values.as_chunks::<32>().0) {
        let (halves, _) = values.as_chunks();
        store_bf16x32(rounded, _mm512_cvtne2ps_pbh(load_f32x16(&halves[1]), load_f32x16(&halves[0])));
    }
}

/// One row times the activations of one token. Rows come one after the other, so that memory is read as one stream.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
fn dot(block: RowBlock<'_>, row: usize, values: &[bf16]) -> f32 {
    let (weights, rest) = block.row(row).as_chunks::<256>();
    let (values, _) = values.as_chunks::<128>();
    let mut sums = [_mm512_setzero_ps(); 4];
    let mut ahead = row * block.row_bytes + AHEAD;
    for (weights, values) in weights.iter().zip(values) {
        fetch_stream(block.bytes, block.next, ahead, 256);
        ahead += 256;
        add_products(&mut sums, weights, values);
    }
    if !rest.is_empty() {
        let mut padded = [0; 256];
        padded[..rest.len()].copy_from_slice(rest);
        add_products(&mut sums, &padded, &values[weights.len()]);
    }
    let [a, b, c, d] = sums;
    _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d)))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
fn add_products(sums: &mut [__m512; 4], weights: &[u8; 256], values: &[bf16; 128]) {
    let parts = weights.as_chunks().0.iter().zip(values.as_chunks().0);
    for (sum, (weights, values)) in sums.iter_mut().zip(parts) {
        let weights = as_bf16(_mm512_castsi512_ps(load_64(weights)));
        *sum = _mm512_dpbf16_ps(*sum, weights, load_bf16x32(values));
    }
}

/// Many tokens: a piece of 16 rows is laid out once and meets all of them. Two BF16 weights are moved as the bits of one 32-bit
/// float.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
fn many(block: RowBlock<'_>, input: &[[bf16; PIECE]], panel: &mut Panel, out: &mut [[f32; ROWS]]) {
    let (tokens, tiles) = (out.len(), out.len().div_ceil(TILE));
    out.fill([0.0; ROWS]);
    for (piece, values) in input.chunks_exact(tokens).enumerate() {
        let rows = piece_rows(block, piece, 2);
        let ahead = Ahead { block, piece, piece_bytes: 2 * PIECE, tokens };
        let fours = unpack::<{ format::F32 }>(&rows, ahead, &mut panel.0);
        for tile in 0..tiles {
            ahead.beside_products(tile, tiles);
            let range = tokens * tile / tiles..tokens * (tile + 1) / tiles;
            tile_of(&panel.0[..fours], &values[range.clone()], &mut out[range]);
        }
    }
}

/// One tile of any size.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
fn tile_of(weights: &[[f32; 2 * ROWS]], values: &[[bf16; PIECE]], out: &mut [[f32; ROWS]]) {
    match values.len() {
        1 => multiply::<1>(weights, values, out),
        2 => multiply::<2>(weights, values, out),
        3 => multiply::<3>(weights, values, out),
        4 => multiply::<4>(weights, values, out),
        5 => multiply::<5>(weights, values, out),
        6 => multiply::<6>(weights, values, out),
        7 => multiply::<7>(weights, values, out),
        8 => multiply::<8>(weights, values, out),
        9 => multiply::<9>(weights, values, out),
        10 => multiply::<10>(weights, values, out),
        11 => multiply::<11>(weights, values, out),
        _ => multiply::<12>(weights, values, out),
    }
}

/// Adds the products of a piece of 16 rows, four columns a step, with that of `T` tokens.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
fn multiply<const T: usize>(weights: &[[f32; 2 * ROWS]], values: &[[bf16; PIECE]], out: &mut [[f32; ROWS]]) {
    let mut tokens = [&values[0].as_chunks::<4>().0[..weights.len()]; T];
    for (token, values) in tokens.iter_mut().zip(values) {
        *token = &values.as_chunks().0[..weights.len()];
    }
    let mut sums = [[_mm512_setzero_ps(); 2]; T];
    for (four, weights) in weights.iter().enumerate() {
        let (weights, _) = weights.as_chunks();
        let (first, second) = (as_bf16(load_f32x16(&weights[0])), as_bf16(load_f32x16(&weights[1])));
        for (sums, token) in sums.iter_mut().zip(tokens) {
            let values = repeat_bf16x4(&token[four]);
            sums[0] = _mm512_dpbf16_ps(sums[0], first, values);
            sums[1] = _mm512_dpbf16_ps(sums[1], second, values);
        }
    }
    for (out, [a, b]) in out.iter_mut().zip(sums) {
        let sum = _mm512_add_ps(_mm512_shuffle_ps::<0x88>(a, b), _mm512_shuffle_ps::<0xdd>(a, b));
        store_f32x16(out, _mm512_add_ps(load_f32x16(out), sum));
    }
}
