//! Every level against plain formulas in 64 bits.

#![expect(clippy::float_cmp, reason = "zeros, ones and largest values are exact")]

use super::super::samples::Draw;
use super::exp::exp;
use super::*;
use crate::units::nearest_f32;

/// Lengths with and without a rest of any register.
const LENGTHS: [usize; 7] = [1, 7, 16, 31, 64, 100, 1536];

fn values(count: usize, size: f32, draw: &mut Draw) -> Vec<f32> {
    (0..count).map(|_| size * draw.value()).collect()
}

fn assert_close(found: f32, exact: f64, bound: f64) {
    let found = f64::from(found);
    assert!((found - exact).abs() <= bound * exact.abs() + 1e-30, "{found:e} not {exact:e}");
}

#[test]
fn the_exponential_is_within_its_bound() {
    let mut worst = 0.0_f64;
    for step in 0..=400_000_u32 {
        let x = nearest_f32(-87.33 + 175.33 * f64::from(step) / 400_000.0);
        let exact = f64::from(x).exp();
        worst = worst.max(((f64::from(exp(x)) - exact) / exact).abs());
    }
    assert!(worst <= 3e-7 && worst > 1e-8, "{worst:e}");
    assert!(exp(-87.4) == 0.0 && exp(-1e30) == 0.0 && exp(f32::NEG_INFINITY) == 0.0);
    assert!(exp(0.0) == 1.0 && exp(f32::NAN).is_nan());
    assert!(exp(f32::INFINITY).is_finite() && exp(1e10) > 1.6e38);
}

#[test]
fn norms_and_gates_follow_their_formulas_at_every_level() {
    let mut draw = Draw(3);
    for (level, length) in Level::all().into_iter().flat_map(|level| LENGTHS.map(|length| (level, length))) {
        let (x, y) = (values(length, 30.0, &mut draw), values(length, 2.0, &mut draw));
        let squares: f64 = x.iter().map(|x| f64::from(*x).powi(2)).sum();
        let mean = squares / crate::units::count_as_f64(crate::units::index_as_u64(length));
        let factor = rms_factor(level, &x, 1e-6);
        assert_close(factor, (mean + f64::from(1e-6_f32)).sqrt().recip(), 1e-6);
        let mut gated = x.clone();
        gate(level, &mut gated, &y);
        let mut scaled = vec![0.0; length];
        scale_by(level, &mut scaled, &x, factor, &y);
        for i in 0..length {
            let (x, y) = (f64::from(x[i]), f64::from(y[i]));
            assert_close(gated[i], x / (1.0 + (-x).exp()) * y, 1e-6);
            assert_close(scaled[i], x * f64::from(factor) * y, 2e-7);
        }
    }
}

#[test]
fn gates_of_any_size_stay_finite() {
    for level in Level::all() {
        let mut gated = [-1e30, -1e4, -100.0, -88.5, 88.5, 1e4, 1e30, 0.0];
        gate(level, &mut gated, &[1.0; 8]);
        assert!(gated[..4].iter().all(|value| value.abs() <= 1e-6), "{gated:?}");
        assert_eq!(gated[4..], [88.5, 1e4, 1e30, 0.0], "{}", level.id());
    }
}

#[test]
fn turns_keep_lengths_and_follow_their_angles() {
    let mut draw = Draw(4);
    for (level, half) in
        Level::all().into_iter().flat_map(|level| [3, 16, 32, 40, 64].map(|half| (level, half)))
    {
        let angles = values(half, 3.0, &mut draw);
        let cosines: Vec<f32> = angles.iter().map(|angle| angle.cos()).collect();
        let sines: Vec<f32> = angles.iter().map(|angle| angle.sin()).collect();
        let x = values(2 * half + 2, 1.0, &mut draw);
        let (mut halves, mut neighbours) = (x.clone(), x.clone());
        turn_halves(level, &mut halves, &cosines, &sines);
        turn_neighbours(level, &mut neighbours, &cosines, &sines);
        let assert_pair = |turned: &[f32], i: usize, places: [usize; 2]| {
            let [left, right, cosine, sine] =
                [x[places[0]], x[places[1]], cosines[i], sines[i]].map(f64::from);
            let exact = [left * cosine - right * sine, left * sine + right * cosine];
            for (place, exact) in places.into_iter().zip(exact) {
                assert!((f64::from(turned[place]) - exact).abs() <= 3e-7);
            }
        };
        for i in 0..half {
            assert_pair(&halves, i, [i, i + half]);
            assert_pair(&neighbours, i, [2 * i, 2 * i + 1]);
        }
        assert_eq!((&halves[2 * half..], &neighbours[2 * half..]), (&x[2 * half..], &x[2 * half..]));
    }
}

#[test]
fn the_first_of_the_largest_wins_and_nan_never() {
    let mut draw = Draw(5);
    for level in Level::all() {
        assert_eq!(argmax(level, &[]), None);
        assert_eq!(argmax(level, &[f32::NAN; 40]), None);
        assert_eq!(
            argmax(level, &[f32::NAN, f32::NEG_INFINITY, f32::NEG_INFINITY]),
            Some((1, f32::NEG_INFINITY))
        );
        assert_eq!(argmax(level, &[f32::NAN, -2.0, -1.0, f32::NAN, -1.0]), Some((2, -1.0)));
        for length in [1, 31, 512, 513, 5000] {
            let mut numbers = values(length, 1.0, &mut draw);
            let place = length / 3;
            let other = length - 1;
            (numbers[place], numbers[other]) = (2.0, 2.0);
            numbers[0] = if place == 0 { 2.0 } else { f32::NAN };
            assert_eq!(argmax(level, &numbers), Some((place, 2.0)), "{} {length}", level.id());
        }
    }
}

#[test]
fn parts_merge_by_their_weights() {
    let part = |highest: f32, sum: f32, output: &'static [f32]| Part { highest, sum, output };
    for level in Level::all() {
        let mut out = [9.0];
        let parts = [part(0.0, 1.0, &[4.0]), part(f32::NEG_INFINITY, 0.0, &[0.0]), part(1.0, 1.0, &[8.0])];
        merge(level, parts.iter().copied(), &mut out);
        let small = (-1.0_f64).exp();
        assert_close(out[0], (4.0 * small + 8.0) / (small + 1.0), 3e-7);
        merge(level, parts[1..2].iter().copied(), &mut out);
        assert_eq!(out, [0.0]);
        merge(level, [part(1e4, 2.0, &[6.0]), part(-1e4, 1.0, &[5.0])].into_iter(), &mut out);
        assert_eq!(out, [3.0]);
    }
}
