//! What the pages need of an hourly price. The one file of this floor that knows the cost floor's shapes.

use crate::stats::Estimate;
use crate::units::{MachineHoursPerMillionTokens, Usd, UsdPerHour, UsdPerMillionTokens};

/// What one hour of the machine costs.
#[derive(Clone, Debug)]
pub struct PriceView {
    /// Lowest price.
    pub low: UsdPerHour,
    /// Highest price; equal to `low` for a single one.
    pub high: UsdPerHour,
    /// What the price is.
    pub basis: BasisView,
    /// Who says so.
    pub origin: OriginView,
    /// When, as its source writes it.
    pub as_of: Option<String>,
}

/// What a price is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BasisView {
    /// Rent by the hour, electricity contained.
    Rent,
    /// A purchase spread over its life.
    Own {
        /// What the machine cost.
        purchase: Usd,
        /// Years of use.
        life_years: f64,
    },
}

/// Who names a price.
#[derive(Clone, Debug, PartialEq)]
pub enum OriginView {
    /// Entries of the ledger, by id.
    Ledger(Vec<String>),
    /// The user.
    User,
}

/// What a million tokens cost, over the range of the price and of the measurement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CostRange {
    /// Lowest price at the interval's lower end.
    pub(crate) low: UsdPerMillionTokens,
    /// Middle of the price at the point estimate.
    pub(crate) central: UsdPerMillionTokens,
    /// Highest price at the interval's upper end.
    pub(crate) high: UsdPerMillionTokens,
}

impl PriceView {
    /// Price times machine-hours: 0.10 USD/h at 19.4 machine-hours are 1.94 USD.
    pub(crate) fn cost(&self, hours: &Estimate<MachineHoursPerMillionTokens>) -> Option<CostRange> {
        let (low, high) = hours
            .interval()
            .map_or((hours.value(), hours.value()), |interval| (interval.low(), interval.high()));
        let middle = UsdPerHour::new(f64::midpoint(self.low.value(), self.high.value())).ok()?;
        Some(CostRange {
            low: self.low.times(low)?,
            central: middle.times(hours.value())?,
            high: self.high.times(high)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::{CONFIDENCE, Sample};

    #[test]
    fn the_range_holds_price_and_measurement() {
        let hours = (0..10).map(|i| MachineHoursPerMillionTokens::new(19.0 + f64::from(i) / 10.0).unwrap());
        let hours = Sample::new(hours.collect()).unwrap().median(CONFIDENCE);
        let price = PriceView {
            low: UsdPerHour::new(0.1).unwrap(),
            high: UsdPerHour::new(0.2).unwrap(),
            basis: BasisView::Rent,
            origin: OriginView::User,
            as_of: None,
        };
        let cost = price.cost(&hours).unwrap();
        let close = |usd: UsdPerMillionTokens, expected: f64| (usd.value() - expected).abs() < 1e-9;
        assert!(close(cost.low, 1.91) && close(cost.central, 0.15 * 19.45) && close(cost.high, 3.96));
    }
}
