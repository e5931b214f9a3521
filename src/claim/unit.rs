//! Units as the ledger writes them, so that a formula that adds dollars to hours is refused when it is read.

use std::collections::BTreeMap;
use std::fmt;

/// The symbols a unit is made of. They do not convert into each other: a formula writes `24 [h/day]` itself, and the
/// reader sees the conversion.
const SYMBOLS: [&str; 28] = [
    "EUR",
    "FLOP",
    "GPU",
    "GW",
    "GWh",
    "J",
    "MW",
    "Mtok",
    "TWh",
    "USD",
    "W",
    "Wh",
    "company",
    "country",
    "day",
    "gCO2e",
    "h",
    "kW",
    "kWh",
    "model",
    "node",
    "parameter",
    "patent",
    "person",
    "s",
    "site",
    "token",
    "year",
];

/// A product of symbols with whole exponents; `x` is the unit of a bare ratio.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Unit(BTreeMap<&'static str, i32>);

impl Unit {
    /// Reads `USD`, `GPU*h`, `USD/GPU/h`: factors joined by `*`, then any number of divisors, each after a `/`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut unit = Self::default();
        for (place, part) in text.split('/').enumerate() {
            let exponent = if place == 0 { 1 } else { -1 };
            for name in part.split('*') {
                let bare = place == 0 && (name == "x" || name == "1") && part == name;
                match SYMBOLS.iter().find(|&&symbol| symbol == name) {
                    Some(symbol) => unit.raise(symbol, exponent),
                    None if bare => {}
                    None => {
                        return Err(format!("`{text}` is not a unit: `{name}` is not one of its symbols"));
                    }
                }
            }
        }
        Ok(unit)
    }

    /// What may stand in a unit, for the fix of an error.
    pub fn fix() -> String {
        format!("write it as in USD/GPU/h, from {}; x is a bare ratio", SYMBOLS.join(", "))
    }

    /// United States dollars.
    pub fn usd() -> Self {
        let mut unit = Self::default();
        unit.raise("USD", 1);
        unit
    }

    /// The unit of a product.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        self.joined(other, 1)
    }

    /// The unit of a quotient.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        self.joined(other, -1)
    }

    /// True for a bare ratio.
    pub fn is_ratio(&self) -> bool {
        self.0.is_empty()
    }

    fn joined(&self, other: &Self, sign: i32) -> Self {
        let mut unit = self.clone();
        for (symbol, exponent) in &other.0 {
            unit.raise(symbol, sign * exponent);
        }
        unit
    }

    fn raise(&mut self, symbol: &'static str, by: i32) {
        let exponent = self.0.entry(symbol).or_insert(0);
        *exponent += by;
        if *exponent == 0 {
            self.0.remove(symbol);
        }
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let repeated = |sign: i32| {
            self.0.iter().flat_map(move |(symbol, exponent)| {
                std::iter::repeat_n(*symbol, usize::try_from(sign * exponent).unwrap_or(0))
            })
        };
        let factors: Vec<&str> = repeated(1).collect();
        match (factors.is_empty(), self.is_ratio()) {
            (_, true) => f.write_str("x")?,
            (true, _) => f.write_str("1")?,
            (false, _) => f.write_str(&factors.join("*"))?,
        }
        repeated(-1).try_for_each(|divisor| write!(f, "/{divisor}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_multiply_and_cancel() {
        let rent = Unit::parse("USD/GPU/h").unwrap();
        let hours = Unit::parse("GPU*h").unwrap();
        assert_eq!(hours.times(&rent), Unit::usd());
        assert!(rent.over(&rent).is_ratio());
    }

    #[test]
    fn what_is_printed_is_read_back() {
        for text in ["USD", "USD/GPU/h", "GPU*h", "token/node/s", "x", "1/node", "h*h"] {
            let unit = Unit::parse(text).unwrap();
            assert_eq!(unit.to_string(), text);
            assert_eq!(Unit::parse(&unit.to_string()).unwrap(), unit);
        }
    }

    #[test]
    fn a_symbol_that_is_not_known_is_refused() {
        for bad in ["", "XAU", "USD/", "USD per h", "x*USD", "USD/x"] {
            assert!(Unit::parse(bad).is_err(), "`{bad}` was taken");
        }
    }
}
