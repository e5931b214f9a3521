//! The bodies: loops that a compiler turns into vector instructions.

#[cfg(target_arch = "x86_64")]
use super::exp::exp;
use crate::units::{count_as_f64, index_as_u64, nearest_f32};

/// The reference of [`rms_factor`], in 64 bits.
pub(super) fn portable_rms_factor(x: &[f32], epsilon: f32) -> f32 {
    let squares: f64 = x.iter().map(|value| f64::from(*value).powi(2)).sum();
    let mean = squares / count_as_f64(index_as_u64(x.len()));
    nearest_f32((mean + f64::from(epsilon)).sqrt().recip())
}

/// Sums of squares in 32 lanes, so that the order of additions is free; lanes in 64 bits.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn rms_factor(x: &[f32], epsilon: f32) -> f32 {
    let (chunks, rest) = x.as_chunks::<32>();
    let mut lanes = [0.0_f32; 32];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = value.mul_add(*value, *lane);
        }
    }
    let squares = lanes.iter().map(|lane| f64::from(*lane)).sum::<f64>()
        + rest.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>();
    let mean = squares / count_as_f64(index_as_u64(x.len()));
    nearest_f32((mean + f64::from(epsilon)).sqrt().recip())
}

/// The reference of [`gate`].
pub(super) fn portable_gate(gate: &mut [f32], up: &[f32]) {
    gate.iter_mut().zip(up).for_each(|(gate, up)| *gate = *gate / (1.0 + (-*gate).exp()) * up);
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
pub(super) fn gate(gate: &mut [f32], up: &[f32]) {
    gate.iter_mut().zip(up).for_each(|(gate, up)| *gate = *gate / (1.0 + exp(-*gate)) * up);
}

#[inline(always)]
pub(super) fn scale_by(out: &mut [f32], x: &[f32], factor: f32, weight: &[f32]) {
    out.iter_mut().zip(x).zip(weight).for_each(|((out, x), weight)| *out = x * factor * weight);
}

#[inline(always)]
pub(super) fn add_times(out: &mut [f32], x: &[f32], factor: f32) {
    out.iter_mut().zip(x).for_each(|(out, x)| *out += factor * x);
}

#[inline(always)]
pub(super) fn turn_halves(x: &mut [f32], cosines: &[f32], sines: &[f32]) {
    let (left, right) = x.split_at_mut(cosines.len());
    let pairs = left.iter_mut().zip(&mut right[..cosines.len()]);
    pairs.zip(cosines.iter().zip(sines)).for_each(|(pair, angle)| turn(pair, angle));
}

#[inline(always)]
pub(super) fn turn_neighbours(x: &mut [f32], cosines: &[f32], sines: &[f32]) {
    let pairs = x[..2 * cosines.len()].as_chunks_mut().0.iter_mut();
    pairs.zip(cosines.iter().zip(sines)).for_each(|([left, right], angle)| turn((left, right), angle));
}

/// A pair turned by an angle.
#[inline(always)]
fn turn((left, right): (&mut f32, &mut f32), (cosine, sine): (&f32, &f32)) {
    (*left, *right) = (*left * cosine - *right * sine, *left * sine + *right * cosine);
}

/// The largest of each chunk in lanes, then its place in the first chunk that has the largest of all.
#[inline(always)]
pub(super) fn argmax(values: &[f32]) -> Option<(usize, f32)> {
    const CHUNK: usize = 512;
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut best = (0, f32::NEG_INFINITY);
    for (index, chunk) in values.chunks(CHUNK).enumerate() {
        let (whole, rest) = chunk.as_chunks::<32>();
        let mut lanes = [f32::NEG_INFINITY; 32];
        for values in whole {
            for (lane, value) in lanes.iter_mut().zip(values) {
                *lane = larger(*lane, *value);
            }
        }
        let top = lanes.iter().chain(rest).copied().fold(f32::NEG_INFINITY, larger);
        if top > best.1 {
            best = (index * CHUNK, top);
        }
    }
    let place = values[best.0..].iter().position(|value| *value >= best.1)?;
    Some((best.0 + place, best.1))
}
