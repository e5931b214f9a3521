//! Products with float weights on AVX2.

use std::arch::x86_64::{
    __m256, _mm256_add_ps, _mm256_castpd_ps, _mm256_castps_pd, _mm256_castsi256_ps, _mm256_cvtepu16_epi32,
    _mm256_cvtph_ps, _mm256_fmadd_ps, _mm256_hadd_ps, _mm256_permute2f128_pd, _mm256_setzero_ps,
    _mm256_slli_epi32, _mm256_unpackhi_pd, _mm256_unpacklo_pd,
};

use super::{Panel, Weights, format, piece_rows};
use crate::engine::kernels::vectors::{
    Ahead, at, fetch_stream, load_16, load_32, load_f32x8, repeat_pair_256, store_f32x8, sum_8,
};
use crate::engine::kernels::{Kind, PIECE, ROWS, RowBlock};

/// Tokens of a tile: 16 rows times 3 tokens are 12 registers of sums, 3 hold pairs of activations, one holds weights.
const TILE: usize = 3;

/// How far ahead of the reads memory is asked for: the processor's own look-ahead stops at pages of 4 KiB.
const AHEAD: usize = 2048;

/// See [`super::rows`].
#[target_feature(enable = "avx2,fma,f16c")]
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

#[target_feature(enable = "avx2,fma,f16c")]
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

/// 8 values as 32-bit floats.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn widen<const FORMAT: u8>(bytes: &[u8], first: usize) -> __m256 {
    match FORMAT {
        format::F32 => _mm256_castsi256_ps(load_32(at(bytes, 4 * first))),
        format::F16 => _mm256_cvtph_ps(load_16(at(bytes, 2 * first))),
        _ => {
            let upper = _mm256_cvtepu16_epi32(load_16(at(bytes, 2 * first)));
            _mm256_castsi256_ps(_mm256_slli_epi32::<16>(upper))
        }
    }
}

/// One row times the activations of one token. Rows come one after the other, so that memory is read as one stream.
#[target_feature(enable = "avx2,fma,f16c")]
fn dot<const FORMAT: u8>(block: RowBlock<'_>, row: usize, values: &[f32]) -> f32 {
    const STEP: usize = 32;
    let step_bytes = STEP * format::bytes(FORMAT);
    let weights = block.row(row).chunks_exact(step_bytes);
    let mut sums = [_mm256_setzero_ps(); STEP / 8];
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
    sum_8(_mm256_add_ps(_mm256_add_ps(a, b), _mm256_add_ps(c, d)))
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn add_products<const FORMAT: u8>(sums: &mut [__m256; 4], weights: &[u8], values: &[f32; 32]) {
    for ((part, sum), values) in sums.iter_mut().enumerate().zip(values.as_chunks().0) {
        *sum = _mm256_fmadd_ps(widen::<FORMAT>(weights, 8 * part), load_f32x8(values), *sum);
    }
}

/// Many tokens: a piece of 16 rows is widened once and meets all of them.
#[target_feature(enable = "avx2,fma,f16c")]
fn many<const FORMAT: u8>(
    block: RowBlock<'_>,
    input: &[[f32; PIECE]],
    panel: &mut Panel,
    out: &mut [[f32; ROWS]],
) {
    let tokens = out.len();
    out.fill([0.0; ROWS]);
    for (piece, values) in input.chunks_exact(tokens).enumerate() {
        let rows = piece_rows(block, piece, format::bytes(FORMAT));
        let ahead = Ahead { block, piece, piece_bytes: PIECE * format::bytes(FORMAT), tokens };
        let pairs = unpack::<FORMAT>(&rows, ahead, &mut panel.0);
        let (weights, tiles) = (&panel.0[..pairs], tokens.div_ceil(TILE));
        for (tile, (values, out)) in values.chunks(TILE).zip(out.chunks_mut(TILE)).enumerate() {
            ahead.beside_products(tile, tiles);
            match values.len() {
                1 => multiply::<1>(weights, values, out),
                2 => multiply::<2>(weights, values, out),
                _ => multiply::<3>(weights, values, out),
            }
        }
    }
}

/// Widens one piece of 16 rows. Gives the number of pairs of columns, those of a started group of 16 columns included.
#[target_feature(enable = "avx2,fma,f16c")]
fn unpack<const FORMAT: u8>(rows: &[&[u8]; ROWS], ahead: Ahead<'_>, weights: &mut Weights) -> usize {
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

/// 16 columns of 16 rows, from `column` on. A register takes a pair of columns of rows `r, r + 1, r + 4, r + 5`, so that adding neighbours of two
/// registers puts rows in order.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn unpack_group<const FORMAT: u8>(rows: &[&[u8]; ROWS], column: usize, out: &mut [[f32; 2 * ROWS]; 8]) {
    for quarter in 0..4 {
        let first = quarter / 2 * 8 + quarter % 2 * 2;
        for half in 0..2 {
            let column = column + 8 * half;
            let a = _mm256_castps_pd(widen::<FORMAT>(rows[first], column));
            let b = _mm256_castps_pd(widen::<FORMAT>(rows[first + 1], column));
            let c = _mm256_castps_pd(widen::<FORMAT>(rows[first + 4], column));
            let d = _mm256_castps_pd(widen::<FORMAT>(rows[first + 5], column));
            let (even, odd) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
            let (even_below, odd_below) = (_mm256_unpacklo_pd(c, d), _mm256_unpackhi_pd(c, d));
            let pairs = [
                _mm256_permute2f128_pd::<0x20>(even, even_below),
                _mm256_permute2f128_pd::<0x20>(odd, odd_below),
                _mm256_permute2f128_pd::<0x31>(even, even_below),
                _mm256_permute2f128_pd::<0x31>(odd, odd_below),
            ];
            for (out, pair) in out[4 * half..].iter_mut().zip(pairs) {
                store_f32x8(&mut out.as_chunks_mut().0[quarter], _mm256_castpd_ps(pair));
            }
        }
    }
}

/// Adds the products of a piece of 16 rows with that of `T` tokens.
#[target_feature(enable = "avx2,fma,f16c")]
fn multiply<const T: usize>(weights: &[[f32; 2 * ROWS]], values: &[[f32; PIECE]], out: &mut [[f32; ROWS]]) {
    let mut tokens = [&values[0].as_chunks::<2>().0[..weights.len()]; T];
    for (token, values) in tokens.iter_mut().zip(values) {
        *token = &values.as_chunks().0[..weights.len()];
    }
    let mut sums = [[_mm256_setzero_ps(); 4]; T];
    for (pair, weights) in weights.iter().enumerate() {
        let mut values = [_mm256_setzero_ps(); T];
        for (values, token) in values.iter_mut().zip(tokens) {
            *values = repeat_pair_256(&token[pair]);
        }
        for (quarter, weights) in weights.as_chunks().0.iter().enumerate() {
            let weights = load_f32x8(weights);
            for (sums, values) in sums.iter_mut().zip(values) {
                sums[quarter] = _mm256_fmadd_ps(weights, values, sums[quarter]);
            }
        }
    }
    for (out, [a, b, c, d]) in out.iter_mut().zip(sums) {
        let (out, _) = out.as_chunks_mut();
        for (out, sum) in out.iter_mut().zip([_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d)]) {
            store_f32x8(out, _mm256_add_ps(load_f32x8(out), sum));
        }
    }
}
