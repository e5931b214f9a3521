//! What is claimed: quotations, the facts to judge them by, and what their examination says. Pure.
//!
//! An outcome is computed from amounts and never stands in a file. The one judgement that does is whether the evidence
//! counts the same thing as the claim, and it comes with its reason.
//!
//! `ledger/claims/` and `ledger/sources.toml` are read together, see [`Ledger::parse`]. Formulas are worked out
//! as they are read, with their units and their ranges, so a ledger that was read has no formula without a value.
//! `ledger/cards.toml` and `ledger/speeds.toml` join it by [`Ledger::with_speeds`].

mod category;
mod examined;
mod facts;
mod figure;
mod formula;
mod ledger;
mod outcome;
mod printed;
mod range;
mod speed;
mod unit;
mod wire;

#[cfg(test)]
mod refused_tests;
#[cfg(test)]
mod shipped_tests;

pub use category::Category;
pub use examined::Examined;
pub use facts::{Constant, Facts, Level, Reading, Source};
pub use formula::{Figure, Formula, FormulaError, Input, Worked};
pub use ledger::{
    Claim, ClaimedAmount, Ledger, LedgerFaults, Method, Proportion, Quote, ScaleKind, ScalePoint, Scope,
};
pub use outcome::{Bound, Comparison, Examination, Open, Outcome, compare};
pub use printed::read as read_printed;
pub use range::Range;
pub use speed::{
    BytesFrom, Card, CitedSpeed, Needed, NotJudged, Plausibility, Speculation, SpeedBook,
    check as check_speed,
};
pub use unit::Unit;
