//! Which quantities combine, and into what. A `None` means that the divisor is zero or the result is not finite.

use super::{
    HOURS_PER_YEAR, Joules, JoulesPerToken, MILLION, MachineHoursPerMillionTokens, SECONDS_PER_HOUR, Seconds,
    Tokens, TokensPerSecond, Usd, UsdPerHour, UsdPerMillionTokens, Watts,
};

impl Tokens {
    /// `tokens / time`; 64 tokens in 4 s are 16 tokens/s.
    pub fn per(self, time: Seconds) -> Option<TokensPerSecond> {
        TokensPerSecond::new(self.as_f64() / time.value()).ok()
    }
}

impl Joules {
    /// `energy / time`; 120 J in 60 s are 2 W.
    pub fn per(self, time: Seconds) -> Option<Watts> {
        Watts::new(self.value() / time.value()).ok()
    }

    /// `energy / tokens`; 128 J over 64 tokens are 2 J/token.
    pub fn per_token(self, tokens: Tokens) -> Option<JoulesPerToken> {
        JoulesPerToken::new(self.value() / tokens.as_f64()).ok()
    }
}

impl Watts {
    /// `power x time`; 2 W for 60 s are 120 J.
    pub fn during(self, time: Seconds) -> Option<Joules> {
        Joules::new(self.value() * time.value()).ok()
    }
}

impl Seconds {
    /// The time from `earlier` to `self` on one clock, or `None` if it ran backwards.
    pub fn since(self, earlier: Self) -> Option<Self> {
        Self::new(self.value() - earlier.value()).ok()
    }

    /// The sum of two times.
    pub fn plus(self, other: Self) -> Option<Self> {
        Self::new(self.value() + other.value()).ok()
    }

    /// The time divided by a count; `None` for a count of zero.
    pub fn divided_by(self, count: u64) -> Option<Self> {
        Self::new(self.value() / super::count_as_f64(count)).ok()
    }

    /// Machine-hours per million tokens when `tokens` tokens take this long: `s / tokens x 1e6 / 3600`.
    ///
    /// 4 s for 64 tokens are 17.4 machine-hours per million tokens.
    pub fn machine_hours_per_million(self, tokens: Tokens) -> Option<MachineHoursPerMillionTokens> {
        MachineHoursPerMillionTokens::new(self.value() / tokens.as_f64() * MILLION / SECONDS_PER_HOUR).ok()
    }
}

impl Usd {
    /// A purchase spread evenly over a life of `years` of 8,760 hours: 3,504 USD over 4 years are 0.10 USD/h.
    pub fn spread_over_years(self, years: f64) -> Option<UsdPerHour> {
        UsdPerHour::new(self.value() / (years * HOURS_PER_YEAR)).ok()
    }
}

impl UsdPerHour {
    /// `price x time`; 2 USD/h at 17.36 machine-hours per million tokens are 34.72 USD per million tokens.
    pub fn times(self, hours: MachineHoursPerMillionTokens) -> Option<UsdPerMillionTokens> {
        UsdPerMillionTokens::new(self.value() * hours.value()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(value: f64) -> Seconds {
        Seconds::new(value).unwrap()
    }

    #[test]
    fn worked_examples_of_the_docstrings() {
        assert_eq!(Tokens::new(64).per(seconds(4.0)), TokensPerSecond::new(16.0).ok());
        assert_eq!(Joules::new(120.0).unwrap().per(seconds(60.0)), Watts::new(2.0).ok());
        assert_eq!(Watts::new(2.0).unwrap().during(seconds(60.0)), Joules::new(120.0).ok());
        assert_eq!(Joules::new(128.0).unwrap().per_token(Tokens::new(64)), JoulesPerToken::new(2.0).ok());
        let hours = seconds(4.0).machine_hours_per_million(Tokens::new(64)).unwrap();
        assert!((hours.value() - 17.361_111).abs() < 1e-5);
        let price = UsdPerHour::new(2.0).unwrap().times(hours).unwrap();
        assert!((price.value() - 34.722_222).abs() < 1e-5);
        let hourly = Usd::new(3_504.0).unwrap().spread_over_years(4.0).unwrap();
        assert!((hourly.value() - 0.1).abs() < 1e-12);
    }

    #[test]
    fn dividing_by_nothing_is_no_figure() {
        assert_eq!(Tokens::new(1).per(Seconds::ZERO), None);
        assert_eq!(Joules::new(1.0).unwrap().per_token(Tokens::new(0)), None);
        assert_eq!(seconds(1.0).divided_by(0), None);
        assert_eq!(seconds(1.0).machine_hours_per_million(Tokens::new(0)), None);
    }

    #[test]
    fn a_clock_that_runs_backwards_is_no_time() {
        assert_eq!(seconds(1.0).since(seconds(2.0)), None);
    }
}
