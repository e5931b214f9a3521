//! What is computed value by value: norms, the gate of the feed-forward part, rotary embedding.
//!
//! Each body is plain Rust, compiled once for every set of instructions; what differs is how many values a register holds.

#[cfg(any(target_arch = "x86_64", test))]
mod exp;
mod loops;
#[cfg(test)]
mod tests;

#[cfg(target_arch = "x86_64")]
pub(super) use exp::exp;

use super::level::{Level, Set};

/// Defines a function that chooses by its level: `portable` as it is, or `fast` compiled for the instructions of the level.
macro_rules! by_level {
    ($(#[$doc:meta])* fn $name:ident($($place:ident: $type:ty),*) $(-> $result:ty)? { $portable:path, $fast:path }) => {
        $(#[$doc])*
        pub(in crate::engine) fn $name(level: Level, $($place: $type),*) $(-> $result)? {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c")]
            fn avx2($($place: $type),*) $(-> $result)? {
                $fast($($place),*)
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
            fn avx512($($place: $type),*) $(-> $result)? {
                $fast($($place),*)
            }
            match level.set() {
                Set::Portable => $portable($($place),*),
                #[cfg(target_arch = "x86_64")]
                // SAFETY: a level of this set exists only where the processor has its instructions (level.rs).
                Set::Avx2 => unsafe { avx2($($place),*) },
                #[cfg(target_arch = "x86_64")]
                // SAFETY: as above.
                Set::Avx512 => unsafe { avx512($($place),*) },
            }
        }
    };
}

by_level! {
    /// `1 / sqrt(mean(x^2) + epsilon)`.
    fn rms_factor(x: &[f32], epsilon: f32) -> f32 { loops::portable_rms_factor, loops::rms_factor }
}

by_level! {
    /// `gate[i] = silu(gate[i]) * up[i]`, with `silu(x) = x / (1 + exp(-x))` (`SwiGLU`, Shazeer 2020).
    fn gate(gate: &mut [f32], up: &[f32]) { loops::portable_gate, loops::gate }
}

by_level! {
    /// `out[i] = x[i] * factor * weight[i]`: the second half of a norm.
    fn scale_by(out: &mut [f32], x: &[f32], factor: f32, weight: &[f32]) { loops::scale_by, loops::scale_by }
}

by_level! {
    /// `out[i] += factor * x[i]`.
    fn add_times(out: &mut [f32], x: &[f32], factor: f32) { loops::add_times, loops::add_times }
}

by_level! {
    /// Rotary embedding (Su and others 2021) in place on one head, for models that pair value `i` with value `i + d / 2`: each
    /// pair is turned by the angle whose cosine and sine stand at `i` of tables of `d / 2` values. What `x` has beyond `d` values
    /// stays as it is.
    fn turn_halves(x: &mut [f32], cosines: &[f32], sines: &[f32]) { loops::turn_halves, loops::turn_halves }
}

by_level! {
    /// The same for models that pair value `2 i` with value `2 i + 1`.
    fn turn_neighbours(x: &mut [f32], cosines: &[f32], sines: &[f32]) {
        loops::turn_neighbours, loops::turn_neighbours
    }
}

by_level! {
    /// Where the largest value stands, the first of equal ones, and the value. NaN never wins; `None` where nothing else is.
    fn argmax(values: &[f32]) -> Option<(usize, f32)> { loops::argmax, loops::argmax }
}

/// What attention over a part of the positions gave for one row; see [`super::Attention`] for the three.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Part<'a> {
    pub(in crate::engine) highest: f32,
    pub(in crate::engine) sum: f32,
    pub(in crate::engine) output: &'a [f32],
}

/// Attention of one row over all positions, from its parts (Milakov and Gimelshein 2018): `out` as long as their outputs, divided
/// by the sum of all. Zero if no part saw a position.
///
/// Two parts with highest scores 0 and 1, sums 1 and outputs 4 and 8 give `(4 / e + 8) / (1 / e + 1) = 6.92`.
pub(in crate::engine) fn merge<'a>(
    level: Level,
    parts: impl Iterator<Item = Part<'a>> + Clone,
    out: &mut [f32],
) {
    let parts = parts.filter(|part| part.sum > 0.0);
    let top = parts.clone().map(|part| part.highest).fold(f32::NEG_INFINITY, f32::max);
    let share = |part: &Part<'_>| (part.highest - top).exp();
    let sum: f32 = parts.clone().map(|part| share(&part) * part.sum).sum();
    out.fill(0.0);
    parts.for_each(|part| add_times(level, out, part.output, share(&part) / sum));
}
