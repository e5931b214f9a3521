//! Which quantities combine, and into what. A `None` means that the divisor is zero or the result is not finite.

use super::{
    Bytes, BytesPerSecond, Flop, FlopPerSecond, HOURS_PER_YEAR, Joules, JoulesPerToken, MILLION,
    MachineHoursPerMillionTokens, Ratio, SECONDS_PER_HOUR, Seconds, Tokens, TokensPerSecond, Usd, UsdPerHour,
    UsdPerMillionTokens, Watts,
};

impl Tokens {
    /// `tokens / time`; 64 tokens in 4 s are 16 tokens/s.
    pub fn per(self, time: Seconds) -> Option<TokensPerSecond> {
        TokensPerSecond::new(self.as_f64() / time.value()).ok()
    }
}

impl Bytes {
    /// `bytes / time`; 1.2 GB in 60 ms are 20 GB/s.
    pub fn per(self, time: Seconds) -> Option<BytesPerSecond> {
        BytesPerSecond::new(self.as_f64() / time.value()).ok()
    }
}

impl BytesPerSecond {
    /// How many times `other` this rate is: 20 GB/s are 0.5 of 40 GB/s.
    pub fn over(self, other: Self) -> Option<Ratio> {
        Ratio::new(self.value() / other.value()).ok()
    }
}

impl Flop {
    /// `operations / time`; 3 GFLOP in 2 s are 1.5 GFLOP/s.
    pub fn per(self, time: Seconds) -> Option<FlopPerSecond> {
        FlopPerSecond::new(self.value() / time.value()).ok()
    }
}

impl FlopPerSecond {
    /// How many times `other` this rate is.
    pub fn over(self, other: Self) -> Option<Ratio> {
        Ratio::new(self.value() / other.value()).ok()
    }
}

impl TokensPerSecond {
    /// Bytes per second that are read where each of these tokens takes `bytes`: 115 tokens/s of 7.6 GB each are 874 GB/s.
    pub fn reading(self, bytes: Bytes) -> Option<BytesPerSecond> {
        BytesPerSecond::new(self.value() * bytes.as_f64()).ok()
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
        let read = Bytes::new(1_200_000_000).per(seconds(0.06)).unwrap();
        assert!((read.value() - 2e10).abs() < 1.0);
        assert!((read.over(BytesPerSecond::new(4e10).unwrap()).unwrap().value() - 0.5).abs() < 1e-12);
        assert_eq!(Flop::new(3e9).unwrap().per(seconds(2.0)), FlopPerSecond::new(1.5e9).ok());
        let rates = [3e9, 6e9].map(|rate| FlopPerSecond::new(rate).unwrap());
        assert_eq!(rates[0].over(rates[1]), Ratio::new(0.5).ok());
        let cited = TokensPerSecond::new(115.0).unwrap().reading(Bytes::new(7_600_000_000)).unwrap();
        assert!((cited.value() - 874e9).abs() < 1.0);
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
        assert_eq!(Bytes::new(1).per(Seconds::ZERO), None);
        assert_eq!(BytesPerSecond::ZERO.over(BytesPerSecond::ZERO), None);
        assert_eq!(seconds(1.0).divided_by(0), None);
        assert_eq!(seconds(1.0).machine_hours_per_million(Tokens::new(0)), None);
    }

    #[test]
    fn a_clock_that_runs_backwards_is_no_time() {
        assert_eq!(seconds(1.0).since(seconds(2.0)), None);
    }
}
