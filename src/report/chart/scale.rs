//! Axes: from values to coordinates, and the ticks worth printing.

/// A linear axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Linear {
    low: f64,
    high: f64,
    step: f64,
    from: f64,
    to: f64,
}

impl Linear {
    /// From zero to a little beyond `max`: bars start at zero, or their lengths lie.
    pub(super) fn from_zero(max: f64, from: f64, to: f64) -> Self {
        let max = if max > 0.0 { max } else { 1.0 };
        Self { low: 0.0, high: max, step: nice_step(max / 3.0), from, to }
    }

    /// Around the values with some air, ends on ticks: for dots, whose position is read against the axis.
    pub(super) fn around(low: f64, high: f64, from: f64, to: f64) -> Self {
        let width = if high > low { high - low } else { high.abs().max(1.0) * 0.1 };
        let step = nice_step(width / 3.0);
        let low = (((low - width * 0.08) / step).floor() * step).max(0.0);
        let high = ((high + width * 0.08) / step).ceil() * step;
        Self { low, high, step, from, to }
    }

    /// The coordinate of a value.
    pub(super) fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Multiples of the step inside the axis.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let mut ticks = Vec::new();
        let mut multiple = (self.low / self.step - 1e-9).ceil();
        while multiple * self.step <= self.high * (1.0 + 1e-9) {
            // Adding zero turns -0 into 0, which would print as "-0".
            ticks.push(multiple * self.step + 0.0);
            multiple += 1.0;
        }
        ticks
    }

    /// Decimals that tell the ticks apart.
    pub(super) fn decimals(&self) -> usize {
        let whole = |scaled: f64| (scaled - scaled.round()).abs() < 1e-6 * scaled.abs().max(1.0);
        let mut factor = 1.0;
        for decimals in 0..9 {
            if whole(self.step * factor) && self.step * factor >= 0.5 {
                return decimals;
            }
            factor *= 10.0;
        }
        9
    }
}

/// The next of 1, 2, 2.5 and 5 times a power of ten that is not below `wanted`.
fn nice_step(wanted: f64) -> f64 {
    let power = 10_f64.powf(wanted.log10().floor());
    let nice =
        [1.0, 2.0, 2.5, 5.0].into_iter().map(|k| k * power).find(|step| *step >= wanted * (1.0 - 1e-9));
    nice.unwrap_or(10.0 * power)
}

/// A logarithmic axis over whole decades.
#[derive(Clone, Copy, Debug)]
pub(super) struct Log {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Log {
    /// The decades that hold every value; `None` unless all are above zero.
    pub(super) fn over(values: impl IntoIterator<Item = f64>, from: f64, to: f64) -> Option<Self> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values {
            if value <= 0.0 || !value.is_finite() {
                return None;
            }
            low = low.min(value.log10().floor());
            high = high.max(value.log10().ceil());
        }
        low.is_finite().then(|| Self { low, high: high.max(low + 1.0), from, to })
    }

    /// The coordinate of a value above zero.
    pub(super) fn at(&self, value: f64) -> f64 {
        self.from + (value.log10() - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// The powers of ten, ends included.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let mut ticks = Vec::new();
        let mut exponent = self.low;
        while exponent <= self.high {
            ticks.push(10_f64.powf(exponent));
            exponent += 1.0;
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn bars_start_at_zero_and_ticks_are_round() {
        let axis = Linear::from_zero(14.3, 0.0, 100.0);
        assert_eq!(axis.ticks(), [0.0, 5.0, 10.0]);
        assert!(close(axis.at(0.0), 0.0) && close(axis.at(14.3), 100.0));
        assert_eq!(axis.decimals(), 0);
    }

    #[test]
    fn dots_get_an_axis_that_ends_on_ticks() {
        let axis = Linear::around(14.02, 14.33, 100.0, 0.0);
        let ticks = axis.ticks();
        assert!(close(axis.at(ticks[0]), 100.0) && close(axis.at(ticks[ticks.len() - 1]), 0.0));
        assert_eq!(axis.decimals(), 1);
        assert_eq!(Linear::around(3.0, 3.0, 0.0, 1.0).ticks().len(), 3);
    }

    #[test]
    fn a_quarter_step_shows_its_second_decimal() {
        assert_eq!(Linear::from_zero(0.7, 0.0, 1.0).decimals(), 2);
    }

    #[test]
    fn decades_hold_every_value() {
        let axis = Log::over([5.576e6, 1.6e9], 0.0, 400.0).unwrap();
        assert_eq!(axis.ticks(), [1e6, 1e7, 1e8, 1e9, 1e10]);
        assert!(close(axis.at(1e8), 200.0));
        assert!(Log::over([0.0], 0.0, 1.0).is_none() && Log::over([], 0.0, 1.0).is_none());
        assert_eq!(Log::over([1e6], 0.0, 1.0).unwrap().ticks(), [1e6, 1e7]);
    }
}
