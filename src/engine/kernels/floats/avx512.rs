//! Products with float weights on AVX-512.

use std::arch::x86_64::{
    __m512, __m512d, _mm512_add_ps, _mm512_castpd_ps, _mm512_castps_pd, _mm512_castsi512_ps,
    _mm512_cvtepu16_epi32, _mm512_cvtph_ps, _mm512_fmadd_ps, _mm512_reduce_add_ps, _mm512_setzero_pd,
    _mm512_setzero_ps, _mm512_shuffle_f64x2, _mm512_shuffle_ps, _mm512_slli_epi32, _mm512_unpackhi_pd,
    _mm512_unpacklo_pd,
};

use super::{Panel, Weights, format, piece_rows};
use crate::engine::kernels::vectors::{
    Ahead, at, fetch_stream, load_32, load_64, load_f32x16, repeat_pair_512, store_f32x16,
};
use crate::engine::kernels::{Kind, PIECE, ROWS, RowBlock};

/// Tokens of a tile at most: 16 rows times 12 tokens are 24 of the 32 registers, enough to keep both multipliers busy.
pub(super) const TILE: usize = 12;

/// How far ahead of the reads memory is asked for: the processor's own look-ahead stops at pages of 4 KiB.
pub(super) const AHEAD: usize = 2048;

/// See [`super::rows`].
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) fn rows(
    kind: Kind,
    block: RowBlock<'_>,
    input: &[[f32; PIECE]],
    panel: &mut Panel,
    out: &mut [[f32; ROWS]],
) {
    match kind {
        Kind::F16 => rows_of::<{ format::F16 }>(block, input, panel, out),
        Kind::BF16 => rows_of::<{ format::BF16 }>(block, input, panel, out),
        _ => rows_of::<{ format::F32 }>(block, input, panel, out),
    }
}

#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn rows_of<const FORMAT: u8>(
    block: RowBlock<'_>,
    input: &[[f32; PIECE]],
    panel: &mut Panel,
    out: &mut [[f32; ROWS]],
) {
    if let [out] = out {
        // One token: its pieces lie one after the other.
        for (row, out) in out.iter_mut().enumerate().take(block.count()) {
            *out = dot::<FORMAT>(block, row, input.as_flattened());
        }
    } else {
        many::<FORMAT>(block, input, panel, out);
    }
}

/// 16 values as 32-bit floats.
#[inline]
#[target_feature(enable = "avx512f")]
fn widen<const FORMAT: u8>(bytes: &[u8], first: usize) -> __m512 {
    match FORMAT {
        format::F32 => _mm512_castsi512_ps(load_64(at(bytes, 4 * first))),
        format::F16 => _mm512_cvtph_ps(load_32(at(bytes, 2 * first))),
        _ => {
            let upper = _mm512_cvtepu16_epi32(load_32(at(bytes, 2 * first)));
            _mm512_castsi512_ps(_mm512_slli_epi32::<16>(upper))
        }
    }
}

/// One row times the activations of one token. Rows come one after the other, so that memory is read as one stream.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn dot<const FORMAT: u8>(block: RowBlock<'_>, row: usize, values: &[f32]) -> f32 {
    const STEP: usize = 64;
    let step_bytes = STEP * format::bytes(FORMAT);
    let weights = block.row(row).chunks_exact(step_bytes);
    let mut sums = [_mm512_setzero_ps(); STEP / 16];
    let (values, _) = values.as_chunks::<STEP>();
    let mut ahead = row * block.row_bytes + AHEAD;
    let rest = weights.remainder();
    for (weights, values) in weights.zip(values) {
        fetch_stream(block.bytes, block.next, ahead, step_bytes);
        ahead += step_bytes;
        add_products::<FORMAT>(&mut sums, weights, values);
    }
    if !rest.is_empty() {
        let mut padded = [0; 4 * STEP];
        padded[..rest.len()].copy_from_slice(rest);
        add_products::<FORMAT>(&mut sums, &padded, &values[block.columns / STEP]);
    }
    let [a, b, c, d] = sums;
    _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d)))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add_products<const FORMAT: u8>(sums: &mut [__m512; 4], weights: &[u8], values: &[f32; 64]) {
    for ((part, sum), values) in sums.iter_mut().enumerate().zip(values.as_chunks().0) {
        *sum = _mm512_fmadd_ps(widen::<FORMAT>(weights, 16 * part), load_f32x16(values), *sum);
    }
}

/// Many tokens: a piece of 16 rows is widened once and meets all of them, in tiles of nearly equal size.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn many<const FORMAT: u8>(
    block: RowBlock<'_>,
    input: &[[f32; PIECE]],
    panel: &mut Panel,
    out: &mut [[f32; ROWS]],
) {
    let (tokens, tiles) = (out.len(), out.len().div_ceil(TILE));
    out.fill([0.0; ROWS]);
    for (piece, values) in input.chunks_exact(tokens).enumerate() {
        let rows = piece_rows(block, piece, format::bytes(FORMAT));
        let ahead = Ahead { block, piece, piece_bytes: PIECE * format::bytes(FORMAT), tokens };
        let pairs = unpack::<FORMAT>(&rows, ahead, &mut panel.0);
        for tile in 0..tiles {
            ahead.beside_products(tile, tiles);
            let range = tokens * tile / tiles..tokens * (tile + 1) / tiles;
            tile_of(&panel.0[..pairs], &values[range.clone()], &mut out[range]);
        }
    }
}

/// One tile of any size.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn tile_of(weights: &[[f32; 2 * ROWS]], values: &[[f32; PIECE]], out: &mut [[f32; ROWS]]) {
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

/// Widens one piece of 16 rows. Gives the number of pairs of columns, those of a started group of 16 columns included.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) fn unpack<const FORMAT: u8>(
    rows: &[&[u8]; ROWS],
    ahead: Ahead<'_>,
    weights: &mut Weights,
) -> usize {
    let group_bytes = 16 * format::bytes(FORMAT);
    let (groups, _) = weights.as_chunks_mut::<8>();
    let length = rows[0].len();
    for (group, out) in groups.iter_mut().enumerate().take(length / group_bytes) {
        ahead.beside_unpacking(group, length / group_bytes);
        unpack_group::<FORMAT>(rows, 16 * group, out);
    }
    let rest = length % group_bytes;
    if rest > 0 {
        let mut padded = [[0; 64]; ROWS];
        for (padded, row) in padded.iter_mut().zip(rows) {
            padded[..rest].copy_from_slice(&row[length - rest..]);
        }
        let padded = padded.each_ref().map(<[u8; 64]>::as_slice);
        unpack_group::<FORMAT>(&padded, 0, &mut groups[length / group_bytes]);
    }
    length.div_ceil(group_bytes) * 8
}

/// 16 columns of 16 rows, from `column` on. A register takes a pair of columns of rows `r, r + 1, r + 4, r + 5, ..., r + 13`, so that adding
/// neighbours of two registers puts rows in order.
#[inline]
#[target_feature(enable = "avx512f")]
fn unpack_group<const FORMAT: u8>(rows: &[&[u8]; ROWS], column: usize, out: &mut [[f32; 2 * ROWS]; 8]) {
    for half in 0..2 {
        let (mut even, mut odd) = ([_mm512_setzero_pd(); 4], [_mm512_setzero_pd(); 4]);
        for (four, (even, odd)) in even.iter_mut().zip(&mut odd).enumerate() {
            let row = 4 * four + 2 * half;
            let a = _mm512_castps_pd(widen::<FORMAT>(rows[row], column));
            let b = _mm512_castps_pd(widen::<FORMAT>(rows[row + 1], column));
            (*even, *odd) = (_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
        }
        let (even, odd) = (transpose(even), transpose(odd));
        for (out, (even, odd)) in out.as_chunks_mut::<2>().0.iter_mut().zip(even.into_iter().zip(odd)) {
            store_f32x16(&mut out[0].as_chunks_mut().0[half], _mm512_castpd_ps(even));
            store_f32x16(&mut out[1].as_chunks_mut().0[half], _mm512_castpd_ps(odd));
        }
    }
}

/// Four registers as a square of 16-byte parts, mirrored at its diagonal.
#[inline]
#[target_feature(enable = "avx512f")]
fn transpose([a, b, c, d]: [__m512d; 4]) -> [__m512d; 4] {
    let (ab_low, ab_high) = (_mm512_shuffle_f64x2::<0x44>(a, b), _mm512_shuffle_f64x2::<0xee>(a, b));
    let (cd_low, cd_high) = (_mm512_shuffle_f64x2::<0x44>(c, d), _mm512_shuffle_f64x2::<0xee>(c, d));
    [
        _mm512_shuffle_f64x2::<0x88>(ab_low, cd_low),
        _mm512_shuffle_f64x2::<0xdd>(ab_low, cd_low),
        _mm512_shuffle_f64x2::<0x88>(ab_high, cd_high),
        _mm512_shuffle_f64x2::<0xdd>(ab_high, cd_high),
    ]
}

/// Adds the products of a piece of 16 rows with that of `T` tokens.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn multiply<const T: usize>(weights: &[[f32; 2 * ROWS]], values: &[[f32; PIECE]], out: &mut [[f32; ROWS]]) {
    let mut tokens = [&values[0].as_chunks::<2>().0[..weights.len()]; T];
    for (token, values) in tokens.iter_mut().zip(values) {
        *token = &values.as_chunks().0[..weights.len()];
    }
    let mut sums = [[_mm512_setzero_ps(); 2]; T];
    for (pair, weights) in weights.iter().enumerate() {
        let (weights, _) = weights.as_chunks();
        let (first, second) = (load_f32x16(&weights[0]), load_f32x16(&weights[1]));
        for (sums, token) in sums.iter_mut().zip(tokens) {
            let values = repeat_pair_512(&token[pair]);
            sums[0] = _mm512_fmadd_ps(first, values, sums[0]);
            sums[1] = _mm512_fmadd_ps(second, values, sums[1]);
        }
    }
    for (out, [a, b]) in out.iter_mut().zip(sums) {
        let sum = _mm512_add_ps(_mm512_shuffle_ps::<0x88>(a, b), _mm512_shuffle_ps::<0xdd>(a, b));
        store_f32x16(out, _mm512_add_ps(load_f32x16(out), sum));
    }
}
