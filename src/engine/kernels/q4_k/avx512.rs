//! `Q4K` with AVX-512 and VNNI.

use std::arch::x86_64::{
    __m128, __m512, __m512i, _mm_cvtepi32_ps, _mm_cvtepu8_epi16, _mm_cvtph_ps, _mm_cvtsi32_si128,
    _mm_cvtsi64_si128, _mm_fmadd_ps, _mm_madd_epi16, _mm_mul_ps, _mm_set1_ps, _mm_setzero_ps, _mm_shuffle_ps,
    _mm256_add_ps, _mm256_setzero_ps, _mm256_sub_ps, _mm256_zextps128_ps256, _mm512_add_epi32,
    _mm512_and_si512, _mm512_broadcast_i32x4, _mm512_broadcast_i64x4, _mm512_broadcastss_ps,
    _mm512_castps512_ps256, _mm512_cvtepi32_epi16, _mm512_cvtepi32_ps, _mm512_cvtph_ps, _mm512_dpbusd_epi32,
    _mm512_dpwssd_epi32, _mm512_extractf32x8_ps, _mm512_fmadd_ps, _mm512_maddubs_epi16, _mm512_mullo_epi32,
    _mm512_or_si512, _mm512_set_epi64, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_setzero_ps,
    _mm512_setzero_si512, _mm512_shuffle_epi8, _mm512_srli_epi16, _mm512_srli_epi32, _mm512_srlv_epi16,
};

use super::super::lanes::{
    Stream, bytes_to_lanes, pairs_to_halves_16, repeat_two_numbers, sums_of_rows, transpose_16x4,
    transpose_16x8,
};
use super::super::panel_256::{self, Ahead, Panel};
use super::super::vectors::{at, four_i8, load_32, load_64, load_i8x64, load_i16x8, store_64, store_f32x16};
use super::super::{Block256, ROWS, RowBlock};
use super::{BYTES, scales_and_minima};

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
                panel_256::multiply_avx512::<false>(panel, input, out, ahead);
            }
        }
    }
}

/// Rows one after the other: one stream is what memory gives fastest.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn one_token(block: RowBlock<'_>, input: &[Block256], out: &mut [f32; ROWS]) {
    let [a, b, c, d] = repeat_two_numbers();
    let masks = [load_64(a), load_64(b), load_64(c), load_64(d)];
    let mut stream = Stream::of(&block);
    let mut sums = [_mm256_setzero_ps(); ROWS];
    for (row, sum) in block.bytes.chunks_exact(block.row_bytes).zip(&mut sums) {
        let (mut main, mut minima) = (_mm512_setzero_ps(), _mm_setzero_ps());
        for (weights, input) in row.as_chunks().0.iter().zip(input) {
            stream.fetch::<BYTES>();
            (main, minima) = add_block(weights, input, masks, main, minima);
        }
        let main = _mm256_add_ps(_mm512_castps512_ps256(main), _mm512_extractf32x8_ps::<1>(main));
        *sum = _mm256_sub_ps(main, _mm256_zextps128_ps256(minima));
    }
    sums_of_rows(&sums, out);
}

/// Adds a block times activations to `main`, and what the minima take off to `minima`.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn add_block(
    weights: &[u8; BYTES],
    input: &Block256,
    masks: [__m512i; 4],
    main: __m512,
    minima: __m128,
) -> (__m512, __m128) {
    // Both factors in one conversion, times the scale of the activations.
    let d = _mm_cvtph_ps(_mm_cvtsi32_si128(i32::from_le_bytes(*at(weights, 0))));
    let d = _mm_mul_ps(d, _mm_set1_ps(input.scale));
    let (scales, least) = scales_and_minima(at(weights, 4));
    let least = _mm_cvtepu8_epi16(_mm_cvtsi64_si128(least.cast_signed()));
    let least = _mm_cvtepi32_ps(_mm_madd_epi16(least, load_i16x8(&input.sums_32)));
    let minima = _mm_fmadd_ps(least, _mm_shuffle_ps::<0x55>(d, d), minima);
    let scales = _mm512_broadcast_i32x4(_mm_cvtepu8_epi16(_mm_cvtsi64_si128(scales.cast_signed())));
    let (low, right) = (_mm512_set1_epi8(15), shifts());
    let (codes, quants) = (weights[16..].as_chunks().0, input.quants.as_chunks().0);
    let mut sum = _mm512_setzero_si512();
    for two in 0..4 {
        // 32 bytes twice: their lower four bits, then their upper four, as the activations lie.
        let codes = _mm512_broadcast_i64x4(load_32(&codes[two]));
        let codes = _mm512_and_si512(_mm512_srlv_epi16(codes, right), low);
        let products = _mm512_maddubs_epi16(codes, load_i8x64(&quants[two]));
        sum = _mm512_dpwssd_epi32(sum, products, _mm512_shuffle_epi8(scales, masks[two]));
    }
    (_mm512_fmadd_ps(_mm512_cvtepi32_ps(sum), _mm512_broadcastss_ps(d), main), minima)
}

/// No shift in the lower half of a register, a shift by four in the upper one.
#[inline]
#[target_feature(enable = "avx512f")]
fn shifts() -> __m512i {
    const FOUR: i64 = 0x0004_0004_0004_0004;
    _mm512_set_epi64(FOUR, FOUR, FOUR, FOUR, 0, 0, 0, 0)
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
    let low = _mm512_set1_epi8(15);
    let mut sums = [_mm512_setzero_si512(); N];
    for two in 0..4 {
        ahead.fetch::<false>(2 * two);
        ahead.fetch::<false>(2 * two + 1);
        let mut small = [[_mm512_setzero_si512(); 2]; N];
        for (i, both) in transpose_16x8(rows, 16 + 32 * two).into_iter().enumerate() {
            let codes = [_mm512_and_si512(both, low), _mm512_and_si512(_mm512_srli_epi16::<4>(both), low)];
            for (small, input) in small.iter_mut().zip(input) {
                for (half, small) in small.iter_mut().enumerate() {
                    let four = &input.quants.as_chunks().0[16 * two + 8 * half + i];
                    *small = _mm512_dpbusd_epi32(*small, codes[half], _mm512_set1_epi32(four_i8(four)));
                }
            }
        }
        let scales = [load_64(&panel.scales[2 * two]), load_64(&panel.scales[2 * two + 1])];
        for (sum, small) in sums.iter_mut().zip(small) {
            for (small, scale) in small.into_iter().zip(scales) {
                *sum = _mm512_add_epi32(*sum, _mm512_mullo_epi32(small, scale));
            }
        }
    }
    panel_256::finish_avx512::<false, N>(panel, sums, input, out);
}

/// Unpacks a block of 16 rows.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn unpack(rows: &[&[u8; BYTES]; ROWS], panel: &mut Panel) {
    let low = _mm512_set1_epi8(15);
    for (two, codes) in panel.codes.as_chunks_mut::<16>().0.iter_mut().enumerate() {
        for (i, both) in transpose_16x8(rows, 16 + 32 * two).into_iter().enumerate() {
            store_64(&mut codes[i], _mm512_and_si512(both, low));
            store_64(&mut codes[8 + i], _mm512_and_si512(_mm512_srli_epi16::<4>(both), low));
        }
    }
    unpack_head(rows, panel);
}

/// Unpacks all but the codes.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn unpack_head(rows: &[&[u8; BYTES]; ROWS], panel: &mut Panel) {
    let [d, a, b, c] = transpose_16x4(rows, 0);
    store_f32x16(&mut panel.d, _mm512_cvtph_ps(_mm512_cvtepi32_epi16(d)));
    store_f32x16(&mut panel.dmin, _mm512_cvtph_ps(_mm512_cvtepi32_epi16(_mm512_srli_epi32::<16>(d))));
    let (scales, minima) = six_bits(a, b, c);
    for (sub, lanes) in panel.scales[..8].iter_mut().enumerate() {
        store_64(lanes, bytes_to_lanes(scales[sub / 4], sub % 4));
    }
    for (two, lanes) in panel.pairs[..4].iter_mut().enumerate() {
        store_64(lanes, pairs_to_halves_16(minima[two / 2], two % 2));
    }
}

/// [`scales_and_minima`] of 16 rows: four bytes in a lane.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn six_bits(a: __m512i, b: __m512i, c: __m512i) -> ([__m512i; 2], [__m512i; 2]) {
    let (six, four, two) = (_mm512_set1_epi8(0x3f), _mm512_set1_epi8(15), _mm512_set1_epi8(0x30));
    let upper = |low, high| {
        _mm512_or_si512(_mm512_and_si512(low, four), _mm512_and_si512(_mm512_srli_epi16::<2>(high), two))
    };
    ([_mm512_and_si512(a, six), upper(c, a)], [_mm512_and_si512(b, six), upper(_mm512_srli_epi16::<4>(c), b)])
}
