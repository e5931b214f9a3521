//! A panel times many tokens with AVX-512 and VNNI.

use std::arch::x86_64::{
    __m512i, _mm512_add_epi32, _mm512_cvtepi32_ps, _mm512_dpbusd_epi32, _mm512_dpwssd_epi32, _mm512_fmadd_ps,
    _mm512_fmsub_ps, _mm512_mul_ps, _mm512_mullo_epi32, _mm512_set1_epi32, _mm512_set1_ps,
    _mm512_setzero_si512, _mm512_slli_epi32, _mm512_sub_epi32,
};

use super::super::vectors::{four_i8, load_64, load_f32x16, store_f32x16, two_i16};
use super::super::{Block256, ROWS};
use super::{Ahead, Panel};

/// Tokens whose sums fit into the registers: two for each of them, and some for the codes.
const TOKENS: usize = 12;

/// Adds the products of a panel and all tokens to `out`. `SIX`: the panel is of `Q6K`.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(in super::super) fn multiply<const SIX: bool>(
    panel: &Panel,
    input: &[Block256],
    out: &mut [[f32; ROWS]],
    ahead: Ahead<'_>,
) {
    let (mut input, mut out, mut ahead) = (input, out, Some(ahead));
    while !input.is_empty() {
        // As few tiles as can be, of nearly the same size.
        let count = input.len().div_ceil(input.len().div_ceil(TOKENS));
        let (now, later) = input.split_at(count);
        let (sums, rest) = out.split_at_mut(count);
        let ahead = ahead.take();
        match count {
            1 => tile::<SIX, 1>(panel, now, sums, ahead),
            2 => tile::<SIX, 2>(panel, now, sums, ahead),
            3 => tile::<SIX, 3>(panel, now, sums, ahead),
            4 => tile::<SIX, 4>(panel, now, sums, ahead),
            5 => tile::<SIX, 5>(panel, now, sums, ahead),
            6 => tile::<SIX, 6>(panel, now, sums, ahead),
            7 => tile::<SIX, 7>(panel, now, sums, ahead),
            8 => tile::<SIX, 8>(panel, now, sums, ahead),
            9 => tile::<SIX, 9>(panel, now, sums, ahead),
            10 => tile::<SIX, 10>(panel, now, sums, ahead),
            11 => tile::<SIX, 11>(panel, now, sums, ahead),
            _ => tile::<SIX, 12>(panel, now, sums, ahead),
        }
        (input, out) = (later, rest);
    }
}

/// 16 rows times `N` tokens.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn tile<const SIX: bool, const N: usize>(
    panel: &Panel,
    input: &[Block256],
    out: &mut [[f32; ROWS]],
    ahead: Option<Ahead<'_>>,
) {
    let input: &[_; N] = input.first_chunk().expect("N tokens");
    // Groups of four columns in a sub-block, which has one scale.
    let groups = if SIX { 4 } else { 8 };
    let mut sums = [_mm512_setzero_si512(); N];
    for (sub, (codes, scale)) in panel.codes.chunks_exact(groups).zip(&panel.scales).enumerate() {
        if let Some(ahead) = ahead
            && sub % (8 / groups) == 0
        {
            ahead.fetch::<SIX>(sub * groups / 8);
        }
        let mut small = [_mm512_setzero_si512(); N];
        for (group, codes) in codes.iter().enumerate() {
            let codes = load_64(codes);
            for (small, input) in small.iter_mut().zip(input) {
                let four = &input.quants.as_chunks().0[sub * groups + group];
                *small = _mm512_dpbusd_epi32(*small, codes, _mm512_set1_epi32(four_i8(four)));
            }
            if !SIX {
                // Keeps this order: the compiler would put what waits for each other side by side (5 % slower).
                std::hint::black_box(());
            }
        }
        let scale = load_64(scale);
        for (sum, small) in sums.iter_mut().zip(small) {
            *sum = _mm512_add_epi32(*sum, _mm512_mullo_epi32(small, scale));
        }
    }
    finish::<SIX, N>(panel, sums, input, out);
}

/// [`finish_one`] of `N` tokens.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(in super::super) fn finish<const SIX: bool, const N: usize>(
    panel: &Panel,
    sums: [__m512i; N],
    input: &[Block256; N],
    out: &mut [[f32; ROWS]],
) {
    for ((sum, input), out) in sums.into_iter().zip(input).zip(out) {
        finish_one::<SIX>(panel, sum, input, out);
    }
}

/// From whole numbers to floats: what the sums of the activations give comes off, then all is scaled.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn finish_one<const SIX: bool>(panel: &Panel, sum: __m512i, input: &Block256, out: &mut [f32; ROWS]) {
    let pairs: &[[i16; 2]] = if SIX { input.sums_16.as_chunks().0 } else { input.sums_32.as_chunks().0 };
    let mut off = _mm512_setzero_si512();
    for (pair, lanes) in pairs.iter().zip(&panel.pairs) {
        off = _mm512_dpwssd_epi32(off, load_64(lanes), _mm512_set1_epi32(two_i16(pair)));
    }
    let d = load_f32x16(&panel.d);
    let value = if SIX {
        let sum = _mm512_sub_epi32(sum, _mm512_slli_epi32::<5>(off));
        _mm512_mul_ps(_mm512_cvtepi32_ps(sum), d)
    } else {
        let off = _mm512_mul_ps(_mm512_cvtepi32_ps(off), load_f32x16(&panel.dmin));
        _mm512_fmsub_ps(_mm512_cvtepi32_ps(sum), d, off)
    };
    let value = _mm512_fmadd_ps(value, _mm512_set1_ps(input.scale), load_f32x16(out));
    store_f32x16(out, value);
}
