//! From machine-hours and a price to money. Pure.

use super::PriceBook;
use crate::stats::Estimate;
use crate::units::{MachineHoursPerMillionTokens, Usd, UsdPerHour, UsdPerMillionTokens};

/// Where an hourly price comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum PriceOrigin {
    /// Rows of the ledger's `prices.toml`, by id, for exactly the measured device.
    Ledger(Vec<String>),
    /// The user: a flag or `my-prices.toml`.
    User,
}

/// How the hour is paid.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PriceBasis {
    /// Rented by the hour; the rent contains the electricity, the hall and the operator's margin.
    Rent,
    /// Bought and spread over its life, always busy; electricity, space and work come on top.
    Own {
        /// Purchase price.
        purchase: Usd,
        /// Life in years.
        life_years: f64,
    },
}

/// The price of one hour of the measured machine, as a range where the source gives one.
#[derive(Clone, Debug, PartialEq)]
pub struct HourlyPrice {
    /// Lower end.
    pub low: UsdPerHour,
    /// Upper end; equal to `low` for a single price.
    pub high: UsdPerHour,
    /// How the hour is paid.
    pub basis: PriceBasis,
    /// Who says so.
    pub origin: PriceOrigin,
    /// The day or month the price held.
    pub as_of: String,
}

impl HourlyPrice {
    /// A rent the user pays.
    pub fn rent(usd_per_hour: UsdPerHour, as_of: &str) -> Self {
        let basis = PriceBasis::Rent;
        Self {
            low: usd_per_hour,
            high: usd_per_hour,
            basis,
            origin: PriceOrigin::User,
            as_of: as_of.to_owned(),
        }
    }

    /// A purchase the user made: `purchase / (life x 8,760 h)`, the machine always busy.
    ///
    /// `None` unless the life is a finite number above zero. 3,504 USD over 4 years are 0.10 USD/h.
    pub fn purchase(purchase: Usd, life_years: f64, as_of: &str) -> Option<Self> {
        let hourly = (life_years > 0.0).then(|| purchase.spread_over_years(life_years)).flatten()?;
        let basis = PriceBasis::Own { purchase, life_years };
        Some(Self { low: hourly, high: hourly, basis, origin: PriceOrigin::User, as_of: as_of.to_owned() })
    }

    /// The ledger's rents for a device of exactly this name, as one range; `None` if it knows none.
    pub fn from_ledger(prices: &PriceBook, device_name: &str) -> Option<Self> {
        let rows = prices.rent_for(device_name);
        let low = rows.iter().map(|row| row.usd_per_hour_low).reduce(|a, b| if b < a { b } else { a })?;
        let high = rows.iter().map(|row| row.usd_per_hour_high).reduce(|a, b| if b > a { b } else { a })?;
        let as_of = rows.iter().map(|row| row.as_of.as_str()).max()?.to_owned();
        let origin = PriceOrigin::Ledger(rows.iter().map(|row| row.id.clone()).collect());
        Some(Self { low, high, basis: PriceBasis::Rent, origin, as_of })
    }

    /// `price x machine-hours`: at 2 USD/h and 19.4 machine-hours per million tokens, 38.8 USD per million tokens.
    ///
    /// `None` if a product is not finite. Without an interval the range is that of the price alone.
    pub fn cost(&self, hours: &Estimate<MachineHoursPerMillionTokens>) -> Option<CostRange> {
        let ends = hours.interval().map(|interval| (interval.low(), interval.high()));
        let (low, high) = ends.unwrap_or((hours.value(), hours.value()));
        let middle = UsdPerHour::new(f64::midpoint(self.low.value(), self.high.value())).ok()?;
        Some(CostRange {
            low: self.low.times(low)?,
            central: middle.times(hours.value())?,
            high: self.high.times(high)?,
        })
    }
}

/// A range of money per million tokens: the price's range times the interval of the measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CostRange {
    /// Lowest price, fastest end of the interval.
    pub low: UsdPerMillionTokens,
    /// The middle of the price range at the point estimate.
    pub central: UsdPerMillionTokens,
    /// Highest price, slowest end of the interval.
    pub high: UsdPerMillionTokens,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{CONFIDENCE, Sample};

    fn usd_per_hour(value: f64) -> UsdPerHour {
        UsdPerHour::new(value).unwrap()
    }

    #[test]
    fn the_range_holds_the_price_and_the_measurement() {
        let hours = (0..10).map(|i| MachineHoursPerMillionTokens::new(19.0 + f64::from(i) / 10.0).unwrap());
        let hours = Sample::new(hours.collect()).unwrap().median(CONFIDENCE);
        let price =
            HourlyPrice { high: usd_per_hour(0.2), ..HourlyPrice::rent(usd_per_hour(0.1), "2026-11") };
        let cost = price.cost(&hours).unwrap();
        let close = |usd: UsdPerMillionTokens, expected: f64| (usd.value() - expected).abs() < 1e-9;
        assert!(
            close(cost.low, 1.91) && close(cost.central, 0.15 * 19.45) && close(cost.high, 3.96),
            "{cost:?}"
        );
    }

    #[test]
    fn a_purchase_is_spread_over_its_life() {
        let price = HourlyPrice::purchase(Usd::new(3_504.0).unwrap(), 4.0, "2026").unwrap();
        assert!((price.low.value() - 0.1).abs() < 1e-12);
        for years in [0.0, -1.0, f64::NAN] {
            assert_eq!(HourlyPrice::purchase(Usd::new(1.0).unwrap(), years, "2026"), None);
        }
    }

    #[test]
    fn the_ledger_prices_only_the_exact_device() {
        let prices = PriceBook::parse("prices.toml", include_str!("../../ledger/prices.toml")).unwrap();
        let price = HourlyPrice::from_ledger(&prices, "NVIDIA H200").unwrap();
        assert!(price.low <= price.high && price.basis == PriceBasis::Rent);
        assert!(matches!(price.origin, PriceOrigin::Ledger(ids) if !ids.is_empty()));
        assert_eq!(HourlyPrice::from_ledger(&prices, "NVIDIA H100 PCIe"), None);
    }
}
