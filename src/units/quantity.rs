//! The quantity types themselves.

use std::fmt;

/// A value that a quantity cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{value} {unit} is not a finite amount of zero or more")]
pub struct UnitError {
    /// The refused number.
    pub value: f64,
    /// The unit it was meant in.
    pub unit: &'static str,
}

/// What all `f64` quantities share; lets statistics keep the unit of what they estimate.
pub trait Quantity: Copy + PartialOrd + fmt::Debug + Sized {
    /// Unit symbol as printed, for example `s` or `tokens/s`.
    const UNIT: &'static str;

    /// Takes a finite number of zero or more.
    fn new(value: f64) -> Result<Self, UnitError>;

    /// The bare number, in [`Self::UNIT`].
    fn value(self) -> f64;
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $unit:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
        pub struct $name(f64);

        impl $name {
            /// Nothing at all; a measured zero, never a stand-in for a missing figure.
            pub const ZERO: Self = Self(0.0);

            /// Takes a finite number of zero or more.
            pub fn new(value: f64) -> Result<Self, UnitError> {
                if value.is_finite() && value >= 0.0 { Ok(Self(value.abs())) } else { Err(UnitError { value, unit: $unit }) }
            }

            #[doc = concat!("The bare number, in ", $unit, ".")]
            pub const fn value(self) -> f64 {
                self.0
            }
        }

        impl Quantity for $name {
            const UNIT: &'static str = $unit;

            fn new(value: f64) -> Result<Self, UnitError> {
                Self::new(value)
            }

            fn value(self) -> f64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)?;
                f.write_str(concat!(" ", $unit))
            }
        }
    };
}

quantity!(
    /// Time, in seconds. In JSON: keys that end in `_seconds`.
    Seconds, "s");
quantity!(
    /// Energy, in joules. In JSON: keys that end in `_joules`.
    Joules, "J");
quantity!(
    /// Power, in watts.
    Watts, "W");
quantity!(
    /// Tokens per second, of one request or of a whole batch: the name of the figure says which.
    TokensPerSecond, "tokens/s");
quantity!(
    /// Bytes moved per second.
    BytesPerSecond, "B/s");
quantity!(
    /// Energy per token; the name of the figure says which tokens are counted.
    JoulesPerToken, "J/token");
quantity!(
    /// United States dollars.
    Usd, "USD");
quantity!(
    /// United States dollars per hour of one machine.
    UsdPerHour, "USD/h");
quantity!(
    /// United States dollars per million tokens; the name of the figure says which tokens.
    UsdPerMillionTokens, "USD/Mtok");
quantity!(
    /// Hours of the measured machine per million tokens: the cost of a token before any price is named.
    MachineHoursPerMillionTokens, "machine-hours/Mtok");
quantity!(
    /// A ratio of two quantities of one kind.
    Ratio, "x");

macro_rules! count {
    ($(#[$doc:meta])* $name:ident, $unit:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub struct $name(u64);

        impl $name {
            #[doc = concat!("Takes a whole number of ", $unit, ".")]
            pub const fn new(count: u64) -> Self {
                Self(count)
            }

            #[doc = concat!("The bare number of ", $unit, ".")]
            pub const fn count(self) -> u64 {
                self.0
            }

            /// The count as `f64`; exact up to 2^53.
            pub fn as_f64(self) -> f64 {
                super::count_as_f64(self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)?;
                f.write_str(concat!(" ", $unit))
            }
        }
    };
}

count!(
    /// A number of bytes. Printed with decimal prefixes: 1 MB is 1,000,000 bytes.
    Bytes, "bytes");
count!(
    /// A number of tokens.
    Tokens, "tokens");

/// Lets statistics work on memory; a median between two counts is rounded to a whole byte.
impl Quantity for Bytes {
    const UNIT: &'static str = "bytes";

    fn new(value: f64) -> Result<Self, UnitError> {
        if value.is_finite() && value >= 0.0 {
            Ok(Self(super::rounded_u64(value)))
        } else {
            Err(UnitError { value, unit: Self::UNIT })
        }
    }

    fn value(self) -> f64 {
        self.as_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_not_an_amount() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.001] {
            assert!(Seconds::new(bad).is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn the_error_names_value_and_unit() {
        let message = Usd::new(-3.0).unwrap_err().to_string();
        assert_eq!(message, "-3 USD is not a finite amount of zero or more");
    }

    #[test]
    fn negative_zero_becomes_zero() {
        assert!(Seconds::new(-0.0).unwrap().value().is_sign_positive());
    }

    #[test]
    fn prints_its_unit() {
        assert_eq!(format!("{:.1}", TokensPerSecond::new(14.04).unwrap()), "14.0 tokens/s");
        assert_eq!(Bytes::new(32).to_string(), "32 bytes");
    }
}
