//! Attention for AVX-512.

#![expect(clippy::needless_range_loop, reason = "registers are named by row and column")]

use std::arch::x86_64::{
    __m512, _mm512_add_ps, _mm512_fmadd_ps, _mm512_max_ps, _mm512_mul_ps, _mm512_reduce_add_ps,
    _mm512_reduce_max_ps, _mm512_set1_ps, _mm512_setzero_ps,
};
use std::ops::Range;

use super::super::vectors::{fetch_after, load_f16x16, load_f32x16, store_f32x16};
use super::steps::{Code, STEP, Scores, Sums, group_rows, lanes, lanes_mut, walk};
use super::{Attention, Cached, Either, Head, KEY_BLOCK, Sight};

/// Rows that the products can take together: with two registers of columns, 12 rows need 27 of the 32 registers.
const GROUPS: [usize; 9] = [1, 2, 3, 4, 5, 6, 7, 8, 12];

/// See [`super::attend`].
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
pub(super) fn attend<V: Cached>(
    head: Head<'_, V>,
    room: &mut Attention,
    sights: &[Sight],
    span: Range<usize>,
) {
    let group = group_rows(sights.len(), &GROUPS);
    // Few rows take more columns at once, so that enough sums are under way.
    let scores = |step: Scores<'_, V>| match group {
        1 => scores::<V, 1, 4>(step),
        2 => scores::<V, 2, 4>(step),
        3 => scores::<V, 3, 4>(step),
        4 => scores::<V, 4, 2>(step),
        5 => scores::<V, 5, 2>(step),
        6 => scores::<V, 6, 2>(step),
        7 => scores::<V, 7, 2>(step),
        8 => scores::<V, 8, 2>(step),
        _ => scores::<V, 12, 2>(step),
    };
    let sums = |step: Sums<'_, V>| match group {
        1 => sums::<V, 1, 8>(step),
        2 => sums::<V, 2, 4>(step),
        3 => sums::<V, 3, 4>(step),
        4 => sums::<V, 4, 4>(step),
        5 => sums::<V, 5, 4>(step),
        6 => sums::<V, 6, 4>(step),
        7 => sums::<V, 7, 2>(step),
        8 => sums::<V, 8, 2>(step),
        _ => sums::<V, 12, 2>(step),
    };
    let code = Code {
        group,
        scores,
        sums,
        largest: |weights: &_| largest(weights),
        total: |weights: &_| total(weights),
    };
    walk(head, room, sights, span, &code);
}

/// Scores of all groups of `R` rows, `C` blocks of positions at once.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn scores<V: Cached, const R: usize, const C: usize>(step: Scores<'_, V>) {
    let Scores { queries, keys, key_width, weights } = step;
    let groups = queries.as_chunks::<R>().0.chunks_exact(key_width);
    for (tile, keys) in keys.chunks(C * key_width).enumerate() {
        for (queries, weights) in groups.clone().zip(weights.as_chunks_mut::<R>().0) {
            if keys.len() == C * key_width {
                score_tile::<V, R, C>(queries, keys, weights, tile * C);
            } else {
                for (block, keys) in keys.chunks_exact(key_width).enumerate() {
                    score_tile::<V, R, 1>(queries, keys, weights, tile * C + block);
                }
            }
        }
    }
}

/// Scores of `R` rows and the `C` blocks of positions from block `at` of the step on.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn score_tile<V: Cached, const R: usize, const C: usize>(
    queries: &[[f32; R]],
    keys: &[[V; KEY_BLOCK]],
    weights: &mut [[f32; STEP]; R],
    at: usize,
) {
    // Two dimensions at a time: with half floats they share a cache line.
    let pairs = queries.len() / 2;
    let queries = &queries.as_chunks::<2>().0[..pairs];
    let mut blocks = [keys.as_chunks::<2>().0; C];
    for (index, block) in blocks.iter_mut().enumerate() {
        *block = &block[index * pairs..][..pairs];
    }
    let mut sums = [[_mm512_setzero_ps(); C]; R];
    for pair in 0..pairs {
        for side in 0..2 {
            let mut keys = [_mm512_setzero_ps(); C];
            for c in 0..C {
                if size_of::<V>() == 4 || side == 0 {
                    fetch_after(&blocks[c][pair][side], STEP * 2 * pairs * size_of::<V>());
                }
                keys[c] = load(&blocks[c][pair][side]);
            }
            for r in 0..R {
                let query = _mm512_set1_ps(queries[pair][side][r]);
                for c in 0..C {
                    sums[r][c] = _mm512_fmadd_ps(query, keys[c], sums[r][c]);
                }
            }
        }
    }
    for r in 0..R {
        for c in 0..C {
            store_f32x16(lanes_mut(&mut weights[r], (at + c) * KEY_BLOCK), sums[r][c]);
        }
    }
}

/// Outputs of all groups of `R` rows, `C` times 16 columns at once.
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn sums<V: Cached, const R: usize, const C: usize>(step: Sums<'_, V>) {
    let Sums { weights, factors, values, value_width, first, outputs } = step;
    let stride = value_width / 16;
    for tile in (0..stride).step_by(C) {
        let groups = weights.as_chunks::<R>().0.iter().zip(factors.as_chunks::<R>().0);
        for ((weights, factors), outputs) in groups.zip(outputs.chunks_exact_mut(R * value_width)) {
            if tile + C <= stride {
                sum_tile::<V, R, C>(weights, factors, values, first, outputs, tile);
            } else {
                for at in tile..stride {
                    sum_tile::<V, R, 1>(weights, factors, values, first, outputs, at);
                }
            }
        }
    }
}

/// Outputs of `R` rows and the `C` times 16 columns from `16 at` on.
#[inline]
#[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
fn sum_tile<V: Cached, const R: usize, const C: usize>(
    weights: &[[f32; STEP]; R],
    factors: &[f32; R],
    values: &[[V; 16]],
    first: usize,
    outputs: &mut [f32],
    at: usize,
) {
    let width = outputs.len() / R;
    let mut sums = [[_mm512_setzero_ps(); C]; R];
    for r in 0..R {
        let factor = _mm512_set1_ps(factors[r]);
        for c in 0..C {
            sums[r][c] = _mm512_mul_ps(factor, load_f32x16(lanes(outputs, r * width + (at + c) * 16)));
        }
    }
    for (offset, row) in values.chunks_exact(width / 16).enumerate() {
        let position = (first + offset) % STEP;
        let row = &row[at..at + C];
        let mut values = [_mm512_setzero_ps(); C];
        for c in 0..C {
            if size_of::<V>() == 4 || c % 2 == 0 {
                fetch_after(&row[c], STEP * width * size_of::<V>());
            }
            values[c] = load(&row[c]);
        }
        for r in 0..R {
            let weight = _mm512_set1_ps(weights[r][position]);
            for c in 0..C {
                sums[r][c] = _mm512_fmadd_ps(weight, values[c], sums[r][c]);
            }
        }
    }
    for r in 0..R {
        for c in 0..C {
            store_f32x16(lanes_mut(outputs, r * width + (at + c) * 16), sums[r][c]);
        }
    }
}

/// The largest of all.
#[inline]
#[target_feature(enable = "avx512f")]
fn largest(weights: &[f32; STEP]) -> f32 {
    let [a, b, c, d] = registers(weights);
    _mm512_reduce_max_ps(_mm512_max_ps(_mm512_max_ps(a, b), _mm512_max_ps(c, d)))
}

/// The sum of all.
#[inline]
#[target_feature(enable = "avx512f")]
fn total(weights: &[f32; STEP]) -> f32 {
    let [a, b, c, d] = registers(weights);
    _mm512_reduce_add_ps(_mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(c, d)))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn registers(weights: &[f32; STEP]) -> [__m512; STEP / 16] {
    let mut registers = [_mm512_setzero_ps(); STEP / 16];
    for (register, weights) in registers.iter_mut().zip(weights.as_chunks().0) {
        *register = load_f32x16(weights);
    }
    registers
}

/// 16 values as floats.
#[inline]
#[target_feature(enable = "avx512f")]
fn load<V: Cached>(values: &[V; 16]) -> __m512 {
    match V::either(values) {
        Either::Single(values) => load_f32x16(values),
        Either::Half(values) => load_f16x16(values),
    }
}
