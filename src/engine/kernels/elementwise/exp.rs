//! The exponential function, for loops that a compiler turns into vector instructions.

/// `exp(x)` with a relative error of at most 3e-7 for `-87.33 <= x <= 88`; exactly 0 below, `exp(88)` above, NaN for NaN.
///
/// `x = n ln 2 + r` with a whole `n` and `|r| <= ln 2 / 2`; `exp(r)` by a polynomial of degree 5 whose largest relative error is
/// the smallest there is (1.05e-7, found by Remez's exchange with the first two coefficients held at 1).
/// Only for code compiled with fused multiply-adds: without them each one is a call.
#[inline(always)]
pub(in crate::engine::kernels) fn exp(x: f32) -> f32 {
    /// A sum with it has no bits left for a fraction: its lowest bits are the nearest whole number.
    const SHIFT: f32 = 12_582_912.0;
    /// `ln 2` in two parts. The upper has so few bits that its products with `n` are exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let x = if x > 88.0 { 88.0 } else { x };
    let shifted = x.mul_add(std::f32::consts::LOG2_E, SHIFT);
    let n = shifted - SHIFT;
    let r = n.mul_add(-LN_2[1], n.mul_add(-LN_2[0], x));
    let square = [0.008_312_525, 0.041_890_115, 0.166_671_14, 0.499_992_3];
    let tail = square[1..].iter().fold(square[0], |sum: f32, next| sum.mul_add(r, *next));
    let power = tail.mul_add(r * r, r) + 1.0;
    // The bits of 2^n: n + 127 in the place of the exponent.
    let scale = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    if x < -87.33 { 0.0 } else { power * scale }
}
