//! Attention for AVX2, FMA and F16C.

#![expect(clippy::needless_range_loop, reason = "registers are named by row and column")]

use std::arch::x86_64::{
    __m256, _mm_add_ps, _mm_add_ss, _mm_cvtss_f32, _mm_max_ps, _mm_max_ss, _mm_movehdup_ps, _mm_movehl_ps,
    _mm256_add_ps, _mm256_castps256_ps128, _mm256_extractf128_ps, _mm256_fmadd_ps, _mm256_max_ps,
    _mm256_mul_ps, _mm256_set1_ps, _mm256_setzero_ps,
};
use std::ops::Range;

use super::super::vectors::{fetch_after, load_f16x8, load_f32x8, store_f16x8, store_f32x8};
use super::steps::{Code, STEP, Scores, Sums, group_rows, lanes, lanes_mut, walk};
use super::{Attention, Cached, Either, EitherMut, Head, KEY_BLOCK, Sight, portable};

/// Rows that the products can take together: with two registers of columns, 6 rows need 15 of the 16 registers.
const GROUPS: [usize; 5] = [1, 2, 4, 5, 6];

/// See [`super::attend`].
#[target_feature(enable = "avx2,fma,f16c")]
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
        2 => scores::<V, 2, 2>(step),
        4 => scores::<V, 4, 1>(step),
        5 => scores::<V, 5, 1>(step),
        _ => scores::<V, 6, 1>(step),
    };
    let sums = |step: Sums<'_, V>| match group {
        1 => sums::<V, 1, 4>(step),
        2 => sums::<V, 2, 2>(step),
        4 => sums::<V, 4, 1>(step),
        5 => sums::<V, 5, 1>(step),
        _ => sums::<V, 6, 1>(step),
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
#[target_feature(enable = "avx2,fma,f16c")]
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
#[target_feature(enable = "avx2,fma,f16c")]
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
    let mut sums = [[[_mm256_setzero_ps(); 2]; C]; R];
    for pair in 0..pairs {
        for side in 0..2 {
            for c in 0..C {
                let keys = &blocks[c][pair][side];
                if size_of::<V>() == 4 || side == 0 {
                    fetch_after(keys, STEP * 2 * pairs * size_of::<V>());
                }
                let [left, right] = load(keys);
                for r in 0..R {
                    let query = _mm256_set1_ps(queries[pair][side][r]);
                    sums[r][c][0] = _mm256_fmadd_ps(query, left, sums[r][c][0]);
                    sums[r][c][1] = _mm256_fmadd_ps(query, right, sums[r][c][1]);
                }
            }
        }
    }
    for r in 0..R {
        for c in 0..C {
            store(lanes_mut(&mut weights[r], (at + c) * KEY_BLOCK), sums[r][c]);
        }
    }
}

/// Outputs of all groups of `R` rows, `C` times 16 columns at once.
#[target_feature(enable = "avx2,fma,f16c")]
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
#[target_feature(enable = "avx2,fma,f16c")]
fn sum_tile<V: Cached, const R: usize, const C: usize>(
    weights: &[[f32; STEP]; R],
    factors: &[f32; R],
    values: &[[V; 16]],
    first: usize,
    outputs: &mut [f32],
    at: usize,
) {
    let width = outputs.len() / R;
    let mut sums = [[[_mm256_setzero_ps(); 2]; C]; R];
    for r in 0..R {
        let factor = _mm256_set1_ps(factors[r]);
        for c in 0..C {
            let [left, right] = load(lanes(outputs, r * width + (at + c) * 16));
            sums[r][c] = [_mm256_mul_ps(factor, left), _mm256_mul_ps(factor, right)];
        }
    }
    for (offset, row) in values.chunks_exact(width / 16).enumerate() {
        let position = (first + offset) % STEP;
        let values = &row[at..at + C];
        for c in 0..C {
            if size_of::<V>() == 4 || C == 1 || c % 2 == 0 {
                fetch_after(&values[c], STEP * width * size_of::<V>());
            }
            let [left, right] = load(&values[c]);
            for r in 0..R {
                let weight = _mm256_set1_ps(weights[r][position]);
                sums[r][c][0] = _mm256_fmadd_ps(weight, left, sums[r][c][0]);
                sums[r][c][1] = _mm256_fmadd_ps(weight, right, sums[r][c][1]);
            }
        }
    }
    for r in 0..R {
        for c in 0..C {
            store(lanes_mut(outputs, r * width + (at + c) * 16), sums[r][c]);
        }
    }
}

/// The largest of all.
#[inline]
#[target_feature(enable = "avx2")]
fn largest(weights: &[f32; STEP]) -> f32 {
    let mut top = _mm256_set1_ps(f32::NEG_INFINITY);
    for weights in weights.as_chunks().0 {
        top = _mm256_max_ps(top, load_f32x8(weights));
    }
    let top = _mm_max_ps(_mm256_castps256_ps128(top), _mm256_extractf128_ps::<1>(top));
    let top = _mm_max_ps(top, _mm_movehl_ps(top, top));
    _mm_cvtss_f32(_mm_max_ss(top, _mm_movehdup_ps(top)))
}

/// The sum of all.
#[inline]
#[target_feature(enable = "avx2")]
fn total(weights: &[f32; STEP]) -> f32 {
    let mut sum = _mm256_setzero_ps();
    for weights in weights.as_chunks().0 {
        sum = _mm256_add_ps(sum, load_f32x8(weights));
    }
    let sum = _mm_add_ps(_mm256_castps256_ps128(sum), _mm256_extractf128_ps::<1>(sum));
    let sum = _mm_add_ps(sum, _mm_movehl_ps(sum, sum));
    _mm_cvtss_f32(_mm_add_ss(sum, _mm_movehdup_ps(sum)))
}

/// See [`super::put_key`].
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn put_key<V: Cached>(block: &mut [[V; KEY_BLOCK]], lane: usize, key: &[f32]) {
    let mut rounded = [V::ZERO; 16];
    let (whole, rest) = key.as_chunks();
    for (places, values) in block.as_chunks_mut::<16>().0.iter_mut().zip(whole) {
        round(&mut rounded, values);
        places.iter_mut().zip(&rounded).for_each(|(places, value)| places[lane] = *value);
    }
    portable::put_key(&mut block[key.len() - rest.len()..], lane, rest);
}

/// See [`super::put_value`].
#[target_feature(enable = "avx2,fma,f16c")]
pub(super) fn put_value<V: Cached>(places: &mut [V], value: &[f32]) {
    let (whole, rest) = value.as_chunks();
    for (places, values) in places.as_chunks_mut().0.iter_mut().zip(whole) {
        round(places, values);
    }
    portable::put_value(&mut places[value.len() - rest.len()..], rest);
}

/// Rounds 16 values to what the cache stores.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn round<V: Cached>(places: &mut [V; 16], values: &[f32; 16]) {
    match V::either_mut(places) {
        EitherMut::Single(places) => *places = *values,
        EitherMut::Half(places) => {
            let places = places.as_chunks_mut().0.iter_mut();
            places
                .zip(values.as_chunks().0)
                .for_each(|(places, values)| store_f16x8(places, load_f32x8(values)));
        }
    }
}

/// 16 values as floats.
#[inline]
#[target_feature(enable = "avx2,f16c")]
fn load<V: Cached>(values: &[V; 16]) -> [__m256; 2] {
    match V::either(values) {
        Either::Single(values) => {
            let halves = values.as_chunks().0;
            [load_f32x8(&halves[0]), load_f32x8(&halves[1])]
        }
        Either::Half(values) => {
            let halves = values.as_chunks().0;
            [load_f16x8(&halves[0]), load_f16x8(&halves[1])]
        }
    }
}

/// Stores 16 floats.
#[inline]
#[target_feature(enable = "avx2")]
fn store(places: &mut [f32; 16], [left, right]: [__m256; 2]) {
    let halves = places.as_chunks_mut().0;
    store_f32x8(&mut halves[0], left);
    store_f32x8(&mut halves[1], right);
}
