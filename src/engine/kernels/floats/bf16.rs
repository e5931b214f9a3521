//! Products of many tokens with BF16 weights where the processor multiplies pairs of BF16 itself (AVX-512 BF16): twice as many
//! in an instruction. Activations are rounded to BF16 for it, as PyTorch does; sums are 32-bit floats.

use std::arch::x86_64::{
    _mm512_add_ps, _mm512_cvtne2ps_pbh, _mm512_dpbf16_ps, _mm512_setzero_ps, _mm512_shuffle_ps,
};

use super::avx512::{TILE, unpack};
use super::{Panel, format, piece_rows};
use crate::engine::kernels::vectors::{
    Ahead, as_bf16, from_bf16, load_f32x16, repeat_pair_512, store_f32x16,
};
use crate::engine::kernels::{PIECE, ROWS, RowBlock};

/// See [`super::rows`]. Two BF16 are handled as the bits of one 32-bit float.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
pub(super) fn rows(block: RowBlock<'_>, input: &[[f32; PIECE]], panel: &mut Panel, out: &mut [[f32; ROWS]]) {
    let (tokens, tiles) = (out.len(), out.len().div_ceil(TILE));
    out.fill([0.0; ROWS]);
    for (piece, values) in input.chunks_exact(tokens).enumerate() {
        round(values, &mut panel.rounded);
        let rows = piece_rows(block, piece, 2);
        let ahead = Ahead { block, piece, piece_bytes: 2 * PIECE, tokens };
        let fours = unpack::<{ format::F32 }>(&rows, ahead, &mut panel.weights);
        for tile in 0..tiles {
            ahead.beside_products(tile, tiles);
            let range = tokens * tile / tiles..tokens * (tile + 1) / tiles;
            tile_of(&panel.weights[..fours], &panel.rounded[range.clone()], &mut out[range]);
        }
    }
}

/// Rounds activations to nearest.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
fn round(values: &[[f32; PIECE]], rounded: &mut Vec<[f32; PIECE / 2]>) {
    rounded.resize(values.len(), [0.0; PIECE / 2]);
    for (values, rounded) in values.iter().zip(rounded) {
        for (values, rounded) in values.as_chunks::<32>().0.iter().zip(rounded.as_chunks_mut().0) {
            let (halves, _) = values.as_chunks();
            let both = _mm512_cvtne2ps_pbh(load_f32x16(&halves[1]), load_f32x16(&halves[0]));
            store_f32x16(rounded, from_bf16(both));
        }
    }
}

/// One tile of any size.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16")]
fn tile_of(weights: &[[f32; 2 * ROWS]], values: &[[f32; PIECE / 2]], out: &mut [[f32; ROWS]]) {
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
fn multiply<const T: usize>(
    weights: &[[f32; 2 * ROWS]],
    values: &[[f32; PIECE / 2]],
    out: &mut [[f32; ROWS]],
) {
    let mut tokens = [&values[0].as_chunks::<2>().0[..weights.len()]; T];
    for (token, values) in tokens.iter_mut().zip(values) {
        *token = &values.as_chunks().0[..weights.len()];
    }
    let mut sums = [[_mm512_setzero_ps(); 2]; T];
    for (four, weights) in weights.iter().enumerate() {
        let (weights, _) = weights.as_chunks();
        let (first, second) = (as_bf16(load_f32x16(&weights[0])), as_bf16(load_f32x16(&weights[1])));
        for (sums, token) in sums.iter_mut().zip(tokens) {
            let values = as_bf16(repeat_pair_512(&token[four]));
            sums[0] = _mm512_dpbf16_ps(sums[0], first, values);
            sums[1] = _mm512_dpbf16_ps(sums[1], second, values);
        }
    }
    for (out, [a, b]) in out.iter_mut().zip(sums) {
        let sum = _mm512_add_ps(_mm512_shuffle_ps::<0x88>(a, b), _mm512_shuffle_ps::<0xdd>(a, b));
        store_f32x16(out, _mm512_add_ps(load_f32x16(out), sum));
    }
}
