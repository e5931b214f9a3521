//! `Q6K` with AVX-512 and VNNI.
//!
//! Codes stay between 0 and 63 in the multiplications, and `32 * scale * sum of the activations` comes off at the end.

use std::arch::x86_64::{
    __m512, __m512i, _mm_cvtph_ps, _mm_cvtsi32_si128, _mm_shuffle_epi8, _mm256_add_ps, _mm256_cvtepi8_epi16,
    _mm256_madd_epi16, _mm256_setzero_ps, _mm256_setzero_si256, _mm256_slli_epi32, _mm256_sub_epi32,
    _mm512_add_epi32, _mm512_and_si512, _mm512_broadcast_i64x4, _mm512_broadcastss_ps,
    _mm512_castps512_ps256, _mm512_cvtepi8_epi32, _mm512_cvtepi32_ps, _mm512_cvtph_ps, _mm512_dpbusd_epi32,
    _mm512_dpwssd_epi32, _mm512_extractf32x8_ps, _mm512_fmadd_ps, _mm512_maddubs_epi16, _mm512_mul_ps,
    _mm512_mullo_epi32, _mm512_or_si512, _mm512_set_epi64, _mm512_set1_epi8, _mm512_set1_epi32,
    _mm512_set1_ps, _mm512_setzero_ps, _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_slli_epi16,
    _mm512_sllv_epi16, _mm512_srli_epi16, _mm512_srlv_epi16, _mm512_zextsi256_si512,
};

use super::super::lanes::{
    Stream, TRANSPOSE_4X4, repeat_even_numbers, signed_pairs_to_halves_16, signed_to_lanes, sums_of_rows,
    transpose_16x4, transpose_16x8,
};
use super::super::panel_256::{self, Ahead, Panel};
use super::super::vectors::{
    at, four_i8, load_16, load_32, load_64, load_i8x64, load_i16x16, store_64, store_f32x16,
};
use super::super::{Block256, ROWS, RowBlock};
use super::BYTES;

/// See [`super::rows`].
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) fn rows(block: RowBlock<'_>, input: &[Block256], panel: &mut Panel, out: &mut [[f32; ROWS]]) {
    if let [out] = out {
        return one_token(block, input, out);
    }
    out.fill([0.0; ROWS]);
    let rows = panel_256::rows(&block);
    for (piece, input) in input.chunks_exact(out.len()).enumerate() {
        let rows = panel_256::blocks(&rows, piece);
        let ahead = Ahead::of(&block, piece, BYTES);
        match out.len() {
            2 => few_tokens::<2>(&rows, input, panel, out, ahead),
            3 => few_tokens::<3>(&rows, input, panel, out, ahead),
            4 => few_tokens::<4>(&rows, input, panel, out, ahead),
            5 => few_tokens::<5>(&rows, input, panel, out, ahead),
            6 => few_tokens::<6>(&rows, input, panel, out, ahead),
            7 => few_tokens::<7>(&rows, input, panel, out, ahead),
            8 => few_tokens::<8>(&rows, input, panel, out, ahead),
            _ => {
                unpack(&rows, panel);
                panel_256::multiply_avx512::<true>(panel, input, out, ahead);
            }
        }
    }
}

/// Rows one after the other: one stream is what memory gives fastest.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn one_token(block: RowBlock<'_>, input: &[Block256], out: &mut [f32; ROWS]) {
    let [a, b, c, d] = repeat_even_numbers();
    let masks = [load_64(a), load_64(b), load_64(c), load_64(d)];
    let mut stream = Stream::of(&block);
    let mut sums = [_mm256_setzero_ps(); ROWS];
    for (row, sum) in block.bytes.chunks_exact(block.row_bytes).zip(&mut sums) {
        let mut main = _mm512_setzero_ps();
        for (weights, input) in row.as_chunks().0.iter().zip(input) {
            stream.fetch::<BYTES>();
            main = add_block(weights, input, masks, main);
        }
        *sum = _mm256_add_ps(_mm512_castps512_ps256(main), _mm512_extractf32x8_ps::<1>(main));
    }
    sums_of_rows(&sums, out);
}

/// Adds a block times activations.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn add_block(weights: &[u8; BYTES], input: &Block256, masks: [__m512i; 4], main: __m512) -> __m512 {
    let scales = load_16(at(weights, 192));
    let off = _mm256_madd_epi16(_mm256_cvtepi8_epi16(scales), load_i16x16(&input.sums_16));
    let off = _mm256_sub_epi32(_mm256_setzero_si256(), _mm256_slli_epi32::<5>(off));
    let mut sum = _mm512_zextsi256_si512(off);
    // Part `l` of a register has 16 codes, and so a scale of its own: here that of part `l` of register `i` is number `i` in `l`.
    let scales = _mm512_cvtepi8_epi32(_mm_shuffle_epi8(scales, load_16(&TRANSPOSE_4X4)));
    let quants: &[[i8; 64]] = input.quants.as_chunks().0;
    for side in 0..2 {
        let high = _mm512_broadcast_i64x4(load_32(at(weights, 128 + 32 * side)));
        let low = load_64(at(weights, 64 * side));
        let codes = [
            join(low, _mm512_sllv_epi16(high, shifts(4, 2))),
            join(_mm512_srli_epi16::<4>(low), _mm512_srlv_epi16(high, shifts(0, 2))),
        ];
        for (part, codes) in codes.into_iter().enumerate() {
            let i = 2 * side + part;
            let products = _mm512_maddubs_epi16(codes, load_i8x64(&quants[i]));
            sum = _mm512_dpwssd_epi32(sum, products, _mm512_shuffle_epi8(scales, masks[i]));
        }
    }
    let d = _mm_cvtph_ps(_mm_cvtsi32_si128(u16::from_le_bytes(*at(weights, 208)).into()));
    let d = _mm512_mul_ps(_mm512_broadcastss_ps(d), _mm512_set1_ps(input.scale));
    _mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), d, main)
}

/// How far the 16-bit numbers of the lower half of a register are shifted, and those of the upper half.
#[inline]
#[target_feature(enable = "avx512f")]
fn shifts(lower: i64, upper: i64) -> __m512i {
    let (a, b) = (lower * 0x0001_0001_0001_0001, upper * 0x0001_0001_0001_0001);
    _mm512_set_epi64(b, b, b, b, a, a, a, a)
}

/// Codes from their lower four bits and their upper two, which stand above these.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn join(low: __m512i, high: __m512i) -> __m512i {
    let (four, two) = (_mm512_set1_epi8(15), _mm512_set1_epi8(0x30));
    _mm512_or_si512(_mm512_and_si512(low, four), _mm512_and_si512(high, two))
}

/// A block of 16 rows times a few tokens, each code used as soon as it is unpacked.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn few_tokens<const N: usize>(
    rows: &[&[u8; BYTES]; ROWS],
    input: &[Block256],
    panel: &mut Panel,
    out: &mut [[f32; ROWS]],
    ahead: Ahead<'_>,
) {
    let input: &[_; N] = input.first_chunk().expect("N tokens");
    unpack_head(rows, panel);
    let mut sums = [_mm512_setzero_si512(); N];
    for side in 0..2 {
        let high = transpose_16x8(rows, 128 + 32 * side);
        ahead.fetch::<true>(4 * side);
        ahead.fetch::<true>(4 * side + 1);
        let low = transpose_16x8(rows, 64 * side);
        add_quarter::<0, N>(&low, &high, panel, input, side, &mut sums);
        add_quarter::<2, N>(&low, &high, panel, input, side, &mut sums);
        ahead.fetch::<true>(4 * side + 2);
        ahead.fetch::<true>(4 * side + 3);
        let low = transpose_16x8(rows, 64 * side + 32);
        add_quarter::<1, N>(&low, &high, panel, input, side, &mut sums);
        add_quarter::<3, N>(&low, &high, panel, input, side, &mut sums);
    }
    panel_256::finish_avx512::<true, N>(panel, sums, input, out);
}

/// Adds the products of quarter `QUARTER` of side `side`, 32 columns, to `sums`.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn add_quarter<const QUARTER: usize, const N: usize>(
    low: &[__m512i; 8],
    high: &[__m512i; 8],
    panel: &Panel,
    input: &[Block256; N],
    side: usize,
    sums: &mut [__m512i; N],
) {
    for back in 0..2 {
        let sub = 8 * side + 2 * QUARTER + back;
        let mut small = [_mm512_setzero_si512(); N];
        for i in 0..4 {
            let codes = codes::<QUARTER>(low[4 * back + i], high[4 * back + i]);
            for (small, input) in small.iter_mut().zip(input) {
                let four = &input.quants.as_chunks().0[4 * sub + i];
                *small = _mm512_dpbusd_epi32(*small, codes, _mm512_set1_epi32(four_i8(four)));
            }
        }
        let scale = load_64(&panel.scales[sub]);
        for (sum, small) in sums.iter_mut().zip(small) {
            *sum = _mm512_add_epi32(*sum, _mm512_mullo_epi32(small, scale));
        }
    }
}

/// Unpacks a block of 16 rows.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn unpack(rows: &[&[u8; BYTES]; ROWS], panel: &mut Panel) {
    for (side, lanes) in panel.codes.as_chunks_mut::<32>().0.iter_mut().enumerate() {
        let high = transpose_16x8(rows, 128 + 32 * side);
        let low = transpose_16x8(rows, 64 * side);
        for i in 0..8 {
            store_64(&mut lanes[i], codes::<0>(low[i], high[i]));
            store_64(&mut lanes[16 + i], codes::<2>(low[i], high[i]));
        }
        let low = transpose_16x8(rows, 64 * side + 32);
        for i in 0..8 {
            store_64(&mut lanes[8 + i], codes::<1>(low[i], high[i]));
            store_64(&mut lanes[24 + i], codes::<3>(low[i], high[i]));
        }
    }
    unpack_head(rows, panel);
}

/// The codes of a quarter of a side.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn codes<const QUARTER: usize>(low: __m512i, high: __m512i) -> __m512i {
    match QUARTER {
        0 => join(low, _mm512_slli_epi16::<4>(high)),
        1 => join(low, _mm512_slli_epi16::<2>(high)),
        2 => join(_mm512_srli_epi16::<4>(low), high),
        _ => join(_mm512_srli_epi16::<4>(low), _mm512_srli_epi16::<2>(high)),
    }
}

/// Unpacks all but the codes.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn unpack_head(rows: &[&[u8; BYTES]; ROWS], panel: &mut Panel) {
    for (four, scales) in transpose_16x4(rows, 192).into_iter().enumerate() {
        for index in 0..4 {
            store_64(&mut panel.scales[4 * four + index], signed_to_lanes(scales, index));
        }
        for index in 0..2 {
            store_64(&mut panel.pairs[2 * four + index], signed_pairs_to_halves_16(scales, index));
        }
    }
    let mut d = [0; 32];
    for (d, row) in d.as_chunks_mut().0.iter_mut().zip(rows) {
        *d = *at::<2>(*row, 208);
    }
    store_f32x16(&mut panel.d, _mm512_cvtph_ps(load_32(&d)));
}
