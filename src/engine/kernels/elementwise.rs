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
