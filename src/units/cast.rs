//! The lossy number conversions, each with its bound stated.

/// A count as `f64`. Exact up to 2^53 (9.0e15), far above any token, byte or parameter count met here.
///
/// ```
/// assert_eq!(claimbench::units::count_as_f64(1_777_088_000), 1_777_088_000.0);
/// ```
#[expect(clippy::cast_precision_loss, reason = "exact up to 2^53; counts here stay far below")]
pub fn count_as_f64(count: u64) -> f64 {
    count as f64
}

/// A count as an index. Saturates on 32-bit targets, where such a count could not be addressed anyway.
pub fn count_as_usize(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// An index as a count. `usize` is at most 64 bits wide on every target Rust supports.
pub fn index_as_u64(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX)
}

/// The nearest whole number to a finite, non-negative value below 2^53; saturates at 0 and `u64::MAX`.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float-to-int `as` saturates, and saturation is the documented behaviour"
)]
pub fn rounded_u64(value: f64) -> u64 {
    value.round() as u64
}

/// The nearest `f32` to a value, for file formats that store singles; out of range becomes infinite.
#[expect(clippy::cast_possible_truncation, reason = "rounding to nearest is the documented behaviour")]
pub fn nearest_f32(value: f64) -> f32 {
    value as f32
}

/// The nearest whole number, ties to even, of a value that is rounded to 8 bits; out of range becomes the nearest end.
#[expect(clippy::cast_possible_truncation, reason = "float-to-int `as` saturates, as documented")]
pub fn nearest_i8(value: f32) -> i8 {
    value.round_ties_even() as i8
}

/// Bytes as lower-case hexadecimal digits, two a byte: a digest as people compare it.
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_to_nearest_and_saturates() {
        assert_eq!(rounded_u64(2.5), 3);
        assert_eq!(rounded_u64(-4.0), 0);
        assert_eq!(rounded_u64(f64::INFINITY), u64::MAX);
    }

    #[test]
    fn bytes_are_the_nearest_with_ties_to_even() {
        assert_eq!([0.5, 1.5, -2.5, -126.6, 200.0].map(nearest_i8), [0, 2, -2, -127, 127]);
    }

    #[test]
    fn singles_are_the_nearest() {
        assert_eq!(nearest_f32(1e-6).to_bits(), 1e-6_f32.to_bits());
    }

    #[test]
    fn counts_and_indices_round_trip() {
        assert_eq!(index_as_u64(count_as_usize(151_936)), 151_936);
    }
}
