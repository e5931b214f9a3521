//! What is computed value by value: norms, the gate of the feed-forward part, rotary embedding.

use super::level::{Level, Set};

/// `1 / sqrt(mean(x^2) + epsilon)`.
pub(in crate::engine) fn rms_factor(level: Level, x: &[f32], epsilon: f32) -> f32 {
    match level.set() {
        _ => {
            let squares: f64 = x.iter().map(|value| f64::from(*value).powi(2)).sum();
            let mean = squares / crate::units::count_as_f64(crate::units::index_as_u64(x.len()));
            crate::units::nearest_f32((mean + f64::from(epsilon)).sqrt().recip())
        }
    }
}

/// `gate[i] = silu(gate[i]) * up[i]`, with `silu(x) = x / (1 + exp(-x))` (`SwiGLU`, Shazeer 2020).
pub(in crate::engine) fn gate(level: Level, gate: &mut [f32], up: &[f32]) {
    match level.set() {
        _ => gate.iter_mut().zip(up).for_each(|(gate, up)| *gate = *gate / (1.0 + (-*gate).exp()) * up),
    }
}

/// `out = x * factor * weight`, value by value.
pub(in crate::engine) fn scale_by(level: Level, out: &mut [f32], x: &[f32], factor: f32, weight: &[f32]) {
    let _ = level;
    for ((out, x), weight) in out.iter_mut().zip(x).zip(weight) {
        *out = x * factor * weight;
    }
}

/// Turns the pairs `(i, i + d/2)` of a head of `d` values, by tables of `d/2` cosines and sines.
pub(in crate::engine) fn turn_halves(level: Level, x: &mut [f32], cosines: &[f32], sines: &[f32]) {
    let _ = level;
    let (low, high) = x.split_at_mut(cosines.len());
    for (((a, b), cosine), sine) in low.iter_mut().zip(high).zip(cosines).zip(sines) {
        (*a, *b) = (*a * cosine - *b * sine, *a * sine + *b * cosine);
    }
}

/// Turns the pairs `(2i, 2i + 1)`.
pub(in crate::engine) fn turn_neighbours(level: Level, x: &mut [f32], cosines: &[f32], sines: &[f32]) {
    let _ = level;
    for ((pair, cosine), sine) in x.chunks_exact_mut(2).zip(cosines).zip(sines) {
        let (a, b) = (pair[0], pair[1]);
        (pair[0], pair[1]) = (a * cosine - b * sine, a * sine + b * cosine);
    }
}
