//! `Q4K` with AVX2.

use std::arch::x86_64::{
    __m128, __m256, __m256i, _mm_cvtepi32_ps, _mm_cvtepu8_epi16, _mm_cvtph_ps, _mm_cvtsi32_si128,
    _mm_cvtsi64_si128, _mm_fmadd_ps, _mm_madd_epi16, _mm_mul_ps, _mm_set1_ps, _mm_setzero_ps, _mm_shuffle_ps,
    _mm256_add_epi16, _mm256_add_epi32, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_broadcastss_ps,
    _mm256_castsi256_si128, _mm256_cvtepi32_ps, _mm256_cvtph_ps, _mm256_extracti128_si256, _mm256_fmadd_ps,
    _mm256_madd_epi16, _mm256_maddubs_epi16, _mm256_or_si256, _mm256_packus_epi32, _mm256_permute4x64_epi64,
    _mm256_set1_epi8, _mm256_set1_epi32, _mm256_setzero_ps, _mm256_setzero_si256, _mm256_shuffle_epi8,
    _mm256_srli_epi16, _mm256_srli_epi32, _mm256_sub_ps, _mm256_zextps128_ps256,
};

use super::super::lanes::{
    Stream, bytes_to_halves, pairs_to_halves, repeat_number, sums_of_rows, transpose_8x4, transpose_8x8,
};
use super::super::panel_256::{self, Ahead, Panel};
use super::super::vectors::{at, four_i8, load_32, load_i8x32, load_i16x8, store_32, store_f32x8};
use super::super::{Block256, ROWS, RowBlock};
use super::{BYTES, scales_and_minima};

/// See [`super::rows`].
#[target_feature(enable = "avx2,fma,f16c")]
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
            _ => {
                unpack(&rows, panel);
                panel_256::multiply_avx2::<false>(panel, input, out, ahead);
            }
        }
    }
}

/// Rows one after the other: one stream is what memory gives fastest.
#[target_feature(enable = "avx2,fma,f16c")]
fn one_token(block: RowBlock<'_>, input: &[Block256], out: &mut [f32; ROWS]) {
    let masks = repeat_number();
    let mut stream = Stream::of(&block);
    let mut sums = [_mm256_setzero_ps(); ROWS];
    for (row, sum) in block.bytes.chunks_exact(block.row_bytes).zip(&mut sums) {
        let (mut main, mut minima) = (_mm256_setzero_ps(), _mm_setzero_ps());
        for (weights, input) in row.as_chunks().0.iter().zip(input) {
            stream.fetch::<BYTES>();
            (main, minima) = add_block(weights, input, masks, main, minima);
        }
        *sum = _mm256_sub_ps(main, _mm256_zextps128_ps256(minima));
    }
    sums_of_rows(&sums, out);
}

/// Adds a block times activations to `main`, and what the minima take off to `minima`.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn add_block(
    weights: &[u8; BYTES],
    input: &Block256,
    masks: &[[u8; 32]; 8],
    main: __m256,
    minima: __m128,
) -> (__m256, __m128) {
    // Both factors in one conversion, times the scale of the activations.
    let d = _mm_cvtph_ps(_mm_cvtsi32_si128(i32::from_le_bytes(*at(weights, 0))));
    let d = _mm_mul_ps(d, _mm_set1_ps(input.scale));
    let (scales, least) = scales_and_minima(at(weights, 4));
    let least = _mm_cvtepu8_epi16(_mm_cvtsi64_si128(least.cast_signed()));
    let least = _mm_cvtepi32_ps(_mm_madd_epi16(least, load_i16x8(&input.sums_32)));
    let minima = _mm_fmadd_ps(least, _mm_shuffle_ps::<0x55>(d, d), minima);
    let scales = _mm256_broadcastsi128_si256(_mm_cvtepu8_epi16(_mm_cvtsi64_si128(scales.cast_signed())));
    let low = _mm256_set1_epi8(15);
    let (codes, quants) = (weights[16..].as_chunks().0, input.quants.as_chunks().0);
    let (mut even, mut odd) = (_mm256_setzero_si256(), _mm256_setzero_si256());
    for two in 0..4 {
        let codes = load_32(&codes[two]);
        let (a, b) = (_mm256_and_si256(codes, low), _mm256_and_si256(_mm256_srli_epi16::<4>(codes), low));
        let a = _mm256_maddubs_epi16(a, load_i8x32(&quants[2 * two]));
        let b = _mm256_maddubs_epi16(b, load_i8x32(&quants[2 * two + 1]));
        let scale = |sub: usize| _mm256_shuffle_epi8(scales, load_32(&masks[sub]));
        even = _mm256_add_epi32(even, _mm256_madd_epi16(a, scale(2 * two)));
        odd = _mm256_add_epi32(odd, _mm256_madd_epi16(b, scale(2 * two + 1)));
    }
    let sum = _mm256_cvtepi32_ps(_mm256_add_epi32(even, odd));
    (_mm256_fmadd_ps(sum, _mm256_broadcastss_ps(d), main), minima)
}

/// A block of 16 rows times a few tokens, each code used as soon as it is unpacked.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn few_tokens<const N: usize>(
    rows: &[&[u8; BYTES]; ROWS],
    input: &[Block256],
    panel: &mut Panel,
    out: &mut [[f32; ROWS]],
    ahead: Ahead<'_>,
) {
    let input: &[_; N] = input.first_chunk().expect("N tokens");
    let low = _mm256_set1_epi8(15);
    let mut sums = [[_mm256_setzero_si256(); 2]; N];
    for (half, rows) in rows.as_chunks::<8>().0.iter().enumerate() {
        unpack_head(*rows, panel, half);
        for two in 0..4 {
            ahead.fetch::<false>(4 * half + two);
            let mut small = [[_mm256_setzero_si256(); 2]; N];
            for (i, both) in transpose_8x8(*rows, 16 + 32 * two).into_iter().enumerate() {
                let codes =
                    [_mm256_and_si256(both, low), _mm256_and_si256(_mm256_srli_epi16::<4>(both), low)];
                for (small, input) in small.iter_mut().zip(input) {
                    for (upper, small) in small.iter_mut().enumerate() {
                        let four = &input.quants.as_chunks().0[16 * two + 8 * upper + i];
                        let four = _mm256_set1_epi32(four_i8(four));
                        *small = _mm256_add_epi16(*small, _mm256_maddubs_epi16(codes[upper], four));
                    }
                }
            }
            for (upper, scale) in panel.scales[2 * two..2 * two + 2].iter().enumerate() {
                let scale = load_32(at(scale, 32 * half));
                for (sum, small) in sums.iter_mut().zip(&small) {
                    sum[half] = _mm256_add_epi32(sum[half], _mm256_madd_epi16(small[upper], scale));
                }
            }
        }
    }
    panel_256::finish_avx2::<false, N>(panel, sums, input, out);
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
    let low = _mm256_set1_epi8(15);
    let put = |lanes: &mut [u8; 64], value| store_32(&mut lanes.as_chunks_mut().0[half], value);
    for (two, codes) in panel.codes.as_chunks_mut::<16>().0.iter_mut().enumerate() {
        let (first, second) = codes.split_at_mut(8);
        let both = transpose_8x8(rows, 16 + 32 * two);
        for ((both, first), second) in both.into_iter().zip(first).zip(second) {
            put(first, _mm256_and_si256(both, low));
            put(second, _mm256_and_si256(_mm256_srli_epi16::<4>(both), low));
        }
    }
    unpack_head(rows, panel, half);
}

/// Unpacks all but the codes of 8 rows.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn unpack_head(rows: [&[u8; BYTES]; 8], panel: &mut Panel, half: usize) {
    let put = |lanes: &mut [u8; 64], value| store_32(&mut lanes.as_chunks_mut().0[half], value);
    let [d, a, b, c] = transpose_8x4(rows, 0);
    let d = _mm256_packus_epi32(_mm256_and_si256(d, _mm256_set1_epi32(0xffff)), _mm256_srli_epi32::<16>(d));
    let d = _mm256_permute4x64_epi64::<0b11_01_10_00>(d);
    store_f32x8(&mut panel.d.as_chunks_mut().0[half], _mm256_cvtph_ps(_mm256_castsi256_si128(d)));
    store_f32x8(&mut panel.dmin.as_chunks_mut().0[half], _mm256_cvtph_ps(_mm256_extracti128_si256::<1>(d)));
    let (scales, minima) = six_bits(a, b, c);
    for (sub, lanes) in panel.scales[..8].iter_mut().enumerate() {
        put(lanes, bytes_to_halves(scales[sub / 4], sub % 4));
    }
    for (two, lanes) in panel.pairs[..4].iter_mut().enumerate() {
        put(lanes, pairs_to_halves(minima[two / 2], two % 2));
    }
}

/// [`scales_and_minima`] of 8 rows: four bytes in a lane.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn six_bits(a: __m256i, b: __m256i, c: __m256i) -> ([__m256i; 2], [__m256i; 2]) {
    let (six, four, two) = (_mm256_set1_epi8(0x3f), _mm256_set1_epi8(15), _mm256_set1_epi8(0x30));
    let upper = |low, high| {
        _mm256_or_si256(_mm256_and_si256(low, four), _mm256_and_si256(_mm256_srli_epi16::<2>(high), two))
    };
    ([_mm256_and_si256(a, six), upper(c, a)], [_mm256_and_si256(b, six), upper(_mm256_srli_epi16::<4>(c), b)])
}
