//! How many decimals show a number of significant digits.

/// Decimals that show this many significant digits of a value; whole digits are never rounded away.
///
/// ```
/// assert_eq!(claimbench::units::decimals_for_digits(0.0123, 2), 3);
/// ```
pub fn decimals_for_digits(value: f64, digits: usize) -> usize {
    if value <= 0.0 || !value.is_finite() {
        return digits.saturating_sub(1);
    }
    (0..12).find(|&decimals| significant(value, decimals) >= digits).unwrap_or(12)
}

/// Significant digits that this many decimals show.
fn significant(value: f64, decimals: usize) -> usize {
    let text = format!("{value:.decimals$}");
    text.chars().filter(char::is_ascii_digit).skip_while(|&digit| digit == '0').count()
}
