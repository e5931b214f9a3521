//! Dated prices: what a machine rents for, and what a hosted model sells its tokens for.

use crate::units::{UsdPerHour, UsdPerMillionTokens};

/// What one device rents for, per hour. A rent already contains the electricity.
#[derive(Clone, Debug, PartialEq)]
pub struct RentPrice {
    /// Key in `prices.toml`.
    pub id: String,
    /// The devices it is a price of, exactly as their driver names them.
    pub device_names: Vec<String>,
    /// Lower end of what is asked; the same as the upper end where the source gives one figure.
    pub usd_per_hour_low: UsdPerHour,
    /// Upper end of what is asked.
    pub usd_per_hour_high: UsdPerHour,
    /// When that was so: a year, a month or a day.
    pub as_of: String,
    /// Id of the source in `sources.toml`.
    pub source: String,
    /// True if it was read in that source.
    pub verified: bool,
    /// What a reader must know to use it rightly, such as the kind of contract.
    pub note: Option<String>,
}

/// What a hosted model asks per million tokens, by its price list.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiPrice {
    /// Key in `prices.toml`.
    pub id: String,
    /// The model, as the price list names it.
    pub model: String,
    /// Per million input tokens that are not in the cache.
    pub usd_per_mtok_input: UsdPerMillionTokens,
    /// Per million output tokens.
    pub usd_per_mtok_output: UsdPerMillionTokens,
    /// When that was so: a year, a month or a day.
    pub as_of: String,
    /// Id of the source in `sources.toml`.
    pub source: String,
    /// True if it was read in that source.
    pub verified: bool,
    /// What a reader must know to use it rightly.
    pub note: Option<String>,
}

/// All dated prices; ids are unique over both kinds.
#[derive(Clone, Debug, PartialEq)]
pub struct PriceBook {
    /// Rents of machines, in file order.
    pub rents: Vec<RentPrice>,
    /// Price lists of hosted models, in file order.
    pub api: Vec<ApiPrice>,
}

impl PriceBook {
    /// The rents of the device its driver calls `device_name`, in file order; none for a device that is not listed.
    ///
    /// Names are compared whole: `NVIDIA H100 80GB HBM3` has a price, `NVIDIA H100 PCIe` has none.
    pub fn rent_for(&self, device_name: &str) -> Vec<&RentPrice> {
        self.rents.iter().filter(|rent| rent.device_names.iter().any(|name| name == device_name)).collect()
    }
}
