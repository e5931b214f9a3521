//! Everything the program knows before it measures: models, workloads, ledger, prices, processors.
//!
//! The files are compiled in, so that one binary carried to another machine is whole.

use crate::claim::Ledger;
use crate::cost::PriceBook;
use crate::meter::Ratings;
use crate::model::Registry;
use crate::workload::WorkloadBook;

/// The shipped files, read.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// `models.toml`.
    pub models: Registry,
    /// `workloads.toml`.
    pub workloads: WorkloadBook,
    /// `ledger/claims/` and `ledger/sources.toml`.
    pub ledger: Ledger,
    /// `ledger/prices.toml`.
    pub prices: PriceBook,
    /// `ledger/hardware.toml`.
    pub ratings: Ratings,
}

impl Catalog {
    /// Reads the shipped files; every fault of the first faulty one is reported.
    pub fn shipped() -> anyhow::Result<Self> {
        let claims = [("ledger/claims/deepseek.toml", include_str!("../../ledger/claims/deepseek.toml"))];
        let sources = ("ledger/sources.toml", include_str!("../../ledger/sources.toml"));
        Ok(Self {
            models: Registry::parse("models.toml", include_str!("../../models.toml"))?,
            workloads: WorkloadBook::parse("workloads.toml", include_str!("../../workloads.toml"))?,
            ledger: Ledger::parse(&claims, sources)?,
            prices: PriceBook::parse("ledger/prices.toml", include_str!("../../ledger/prices.toml"))?,
            ratings: Ratings::parse("ledger/hardware.toml", include_str!("../../ledger/hardware.toml"))?,
        })
    }
}
