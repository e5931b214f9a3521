//! Everything the program knows before it measures: models, workloads, prompts, ledger, prices, processors.
//!
//! The files are compiled in, so that one binary carried to another machine is whole.

use crate::claim::Ledger;
use crate::cost::PriceBook;
use crate::meter::Ratings;
use crate::model::Registry;
use crate::text::PromptBook;
use crate::workload::WorkloadBook;

/// The claims, by the article they are quoted from.
pub const CLAIM_FILES: [(&str, &str); 6] = [
    ("ledger/claims/deepseek.toml", include_str!("../../ledger/claims/deepseek.toml")),
    ("ledger/claims/forum-109b.toml", include_str!("../../ledger/claims/forum-109b.toml")),
    ("ledger/claims/300-milliards.toml", include_str!("../../ledger/claims/300-milliards.toml")),
    ("ledger/claims/bataille.toml", include_str!("../../ledger/claims/bataille.toml")),
    ("ledger/claims/sommet.toml", include_str!("../../ledger/claims/sommet.toml")),
    (
        "ledger/claims/macron-109-milliards.toml",
        include_str!("../../ledger/claims/macron-109-milliards.toml"),
    ),
];

/// The shipped files, read.
#[derive(Clone, Debug)]
pub struct Catalog {
    /// `models.toml`.
    pub models: Registry,
    /// `workloads.toml`.
    pub workloads: WorkloadBook,
    /// `prompts.toml`.
    pub prompts: PromptBook,
    /// `ledger/claims/`, `ledger/sources.toml`, `ledger/cards.toml` and `ledger/speeds.toml`.
    pub ledger: Ledger,
    /// `ledger/prices.toml`.
    pub prices: PriceBook,
    /// `ledger/hardware.toml`.
    pub ratings: Ratings,
}

impl Catalog {
    /// Reads the shipped files; every fault of the first faulty one is reported.
    pub fn shipped() -> anyhow::Result<Self> {
        let sources = ("ledger/sources.toml", include_str!("../../ledger/sources.toml"));
        let cards = ("ledger/cards.toml", include_str!("../../ledger/cards.toml"));
        let speeds = ("ledger/speeds.toml", include_str!("../../ledger/speeds.toml"));
        let models = Registry::parse("models.toml", include_str!("../../models.toml"))?;
        let ledger = Ledger::parse(&CLAIM_FILES, sources)?.with_speeds(cards, speeds, &models)?;
        Ok(Self {
            models,
            workloads: WorkloadBook::parse("workloads.toml", include_str!("../../workloads.toml"))?,
            prompts: PromptBook::parse("prompts.toml", include_str!("../../prompts.toml"))?,
            ledger,
            prices: PriceBook::parse("ledger/prices.toml", include_str!("../../ledger/prices.toml"))?,
            ratings: Ratings::parse("ledger/hardware.toml", include_str!("../../ledger/hardware.toml"))?,
        })
    }
}
