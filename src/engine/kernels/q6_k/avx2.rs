//! `Q6K` with AVX2.
//!
//! Codes stay between 0 and 63 in the multiplications, and `32 * scale * sum of the activations` comes off at the end.

use std::arch::x86_64::{
    __m256, __m256i, _mm_cvtph_ps, _mm_cvtsi32_si128, _mm_shuffle_epi8, _mm256_add_epi32, _mm256_and_si256,
    _mm256_broadcastss_ps, _mm256_cvtepi8_epi16, _mm256_cvtepi32_ps, _mm256_cvtph_ps, _mm256_fmadd_ps,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_mul_ps, _mm256_or_si256, _mm256_set1_epi8,
    _mm256_set1_ps, _mm256_setzero_ps, _mm256_setzero_si256, _mm256_shuffle_epi8, _mm256_slli_epi16,
    _mm256_slli_epi32, _mm256_srli_epi16, _mm256_sub_epi32,
};

use super::super::lanes::{
    EVEN_THEN_ODD, Stream, repeat_number, signed_pairs_to_halves, signed_to_halves, sums_of_rows,
    transpose_8x4, transpose_8x8,
};
use super::super::panel_256::{self, Ahead, Panel};
use super::super::vectors::{at, load_16, load_32, load_i8x32, load_i16x16, store_32, store_f32x8};
use super::super::{Block256, ROWS, RowBlock};
use super::BYTES;

/// See [`super::rows`].
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn rows(block: RowBlock<'_>, input: &[Block256], panel: &mut Panel, out: &mut [[f32; ROWS]]) {
    if let [out] = out {
        return one_token(block, input, out);
    }
    out.fill([0.0; ROWS]);
    let rows = panel_256::rows(&block);
    for (piece, input) in input.chunks_exact(out.len()).enumerate() {
        unpack(&panel_256::blocks(&rows, piece), panel);
        panel_256::multiply_avx2::<true>(panel, input, out, Ahead::of(&block, piece, BYTES));
    }
}

/// Rows one after the other: one stream is what memory gives fastest.
#[target_feature(enable = "avx2,fma,f16c")]
fn one_token(block: RowBlock<'_>, input: &[Block256], out: &mut [f32; ROWS]) {
    let masks = repeat_number();
    let mut stream = Stream::of(&block);
    let mut sums = [_mm256_setzero_ps(); ROWS];
    for (row, sum) in block.bytes.chunks_exact(block.row_bytes).zip(&mut sums) {
        for (weights, input) in row.as_chunks().0.iter().zip(input) {
            stream.fetch::<BYTES>();
            *sum = add_block(weights, input, masks, *sum);
        }
    }
    sums_of_rows(&sums, out);
}

/// Adds a block times activations.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn add_block(weights: &[u8; BYTES], input: &Block256, masks: &[[u8; 32]; 8], sum: __m256) -> __m256 {
    let scales = load_16(at(weights, 192));
    let off = _mm256_madd_epi16(_mm256_cvtepi8_epi16(scales), load_i16x16(&input.sums_16));
    let mut even = _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_slli_epi32::<5>(off));
    let mut odd = _mm256_setzero_si256();
    // The scales of the front halves of 32 codes in the lower half, those of the back halves in the upper one.
    let scales = _mm256_cvtepi8_epi16(_mm_shuffle_epi8(scales, load_16(&EVEN_THEN_ODD)));
    let quants: &[[i8; 32]] = input.quants.as_chunks().0;
    for side in 0..2 {
        let codes = codes(
            load_32(at(weights, 64 * side)),
            load_32(at(weights, 64 * side + 32)),
            load_32(at(weights, 128 + 32 * side)),
        );
        let part = |quarter: usize| {
            let sub = 4 * side + quarter;
            let products = _mm256_maddubs_epi16(codes[quarter], load_i8x32(&quants[sub]));
            _mm256_madd_epi16(products, _mm256_shuffle_epi8(scales, load_32(&masks[sub])))
        };
        even = _mm256_add_epi32(even, _mm256_add_epi32(part(0), part(2)));
        odd = _mm256_add_epi32(odd, _mm256_add_epi32(part(1), part(3)));
    }
    let d = _mm_cvtph_ps(_mm_cvtsi32_si128(u16::from_le_bytes(*at(weights, 208)).into()));
    let d = _mm256_mul_ps(_mm256_broadcastss_ps(d), _mm256_set1_ps(input.scale));
    _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(even, odd)), d, sum)
}

/// The codes of 128 columns, 32 in a register, from their lower four bits (two registers) and their upper two.
#[inline]
#[target_feature(enable = "avx2")]
fn codes(a: __m256i, b: __m256i, high: __m256i) -> [__m256i; 4] {
    let (four, two) = (_mm256_set1_epi8(15), _mm256_set1_epi8(0x30));
    let join = |low, high| _mm256_or_si256(_mm256_and_si256(low, four), _mm256_and_si256(high, two));
    [
        join(a, _mm256_slli_epi16::<4>(high)),
        join(b, _mm256_slli_epi16::<2>(high)),
        join(_mm256_srli_epi16::<4>(a), high),
        join(_mm256_srli_epi16::<4>(b), _mm256_srli_epi16::<2>(high)),
    ]
}

/// Unpacks a block of 16 rows.
#[target_feature(enable = "avx2,fma,f16c")]
fn unpack(rows: &[&[u8; BYTES]; ROWS], panel: &mut Panel) {
    for (half, rows) in rows.as_chunks::<8>().0.iter().enumerate() {
        unpack_half(*rows, panel, half);
    }
}

/// Unpacks a block of 8 rows into half `half` of the panel.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn unpack_half(rows: [&[u8; BYTES]; 8], panel: &mut Panel, half: usize) {
    let put = |lanes: &mut [u8; 64], value| store_32(&mut lanes.as_chunks_mut().0[half], value);
    for (side, lanes) in panel.codes.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        let a = transpose_8x8(rows, 64 * side);
        let b = transpose_8x8(rows, 64 * side + 32);
        let high = transpose_8x8(rows, 128 + 32 * side);
        for four in 0..8 {
            for (quarter, codes) in codes(a[four], b[four], high[four]).into_iter().enumerate() {
                put(&mut lanes[8 * quarter + four], codes);
            }
        }
    }
    for (four, scales) in transpose_8x4(rows, 192).into_iter().enumerate() {
        for index in 0..4 {
            put(&mut panel.scales[4 * four + index], signed_to_halves(scales, index));
        }
        for index in 0..2 {
            put(&mut panel.pairs[2 * four + index], signed_pairs_to_halves(scales, index));
        }
    }
    let mut d = [0; 16];
    for (d, row) in d.as_chunks_mut().0.iter_mut().zip(rows) {
        *d = *at::<2>(row, 208);
    }
    store_f32x8(&mut panel.d.as_chunks_mut().0[half], _mm256_cvtph_ps(load_16(&d)));
}
